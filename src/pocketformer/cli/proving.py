"""Commands that prove and show: verify, bench, report."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from pocketformer.cli.console import Screen, next_step, out, own_stderr, show_json
from pocketformer.cli.device import (
    Delegates,
    Device,
    DeviceRequest,
    Serial,
    Signatures,
    Tool,
    Visits,
    bench_device,
)
from pocketformer.cli.emulating import Architecture, Processors, Root, Sample, verify_on_processors
from pocketformer.cli.given import Inputs, Tolerance, bench_files, is_model_file, verify_against
from pocketformer.cli.tables import show_bench, show_edition, show_feasibility, show_layers, show_range
from pocketformer.errors import RecipeError

Json = Annotated[bool, typer.Option("--json", help="Print the result as JSON.")]
Dist = Annotated[Path, typer.Argument(help="Directory that `run` or `export` has written.")]
Text = Annotated[str | None, typer.Option(help="Column of the text; found when left out.")]
Label = Annotated[str | None, typer.Option(help="Column of the label or its id.")]
LabelName = Annotated[str | None, typer.Option(help="Column of the names of label ids.")]
Separator = Annotated[str | None, typer.Option(help="Splits the labels of a multi-label table.")]


def verify(
    dist: Annotated[Path, typer.Argument(help="Directory of `run` or `export`, or one model file.")],
    against: Annotated[
        Path | None, typer.Option(help="For one model file: the original it was made from, ours or not.")
    ] = None,
    inputs: Inputs = None,
    tolerance: Tolerance = None,
    data: Annotated[Path | None, typer.Option(help="Held-out table; sample texts when left out.")] = None,
    text: Text = None,
    label: Label = None,
    label_name: LabelName = None,
    separator: Separator = None,
    layers: Annotated[
        bool, typer.Option("--layers", help="Show the error of every layer of every file, as table and plot.")
    ] = False,
    float16: Annotated[
        bool, typer.Option("--float16", help="Show how near every layer's values come to float16's end.")
    ] = False,
    arch: Architecture = None,
    root: Root = None,
    cpu: Processors = None,
    sample: Sample = 16,
    json: Json = False,
) -> None:
    """Prove each file against its PyTorch checkpoint, from text bytes to scores.

    Token ids must be equal; logits, scores and the top label must keep the tolerance of the weight
    format; accuracy on labelled rows must not fall; the golden texts of the edition must come out right.
    Exit code 1 when a file misses, which then stands under a `.rejected` name, and the layer at which its
    error begins is named.

    With `--arch arm64` the `.tflite` files, or one of them, run on emulated phone processors instead, and are
    compared with this machine and with PyTorch on the golden texts or on the rows (docs/arm64.md).

    A single file, ours or not, is held against the one that `--against` names: output by output, on random
    inputs or those of an .npz.
    """
    if against is not None:
        verify_against(dist, against, inputs, tolerance, json)
        return
    if arch is not None:
        asked = (text, label, label_name, separator)
        verify_on_processors(dist, arch, (root, cpu, sample), data, asked, json)
        return
    if root is not None or cpu:
        raise RecipeError("--root and --cpu say what is emulated: add --arch arm64, or leave them out.")
    with own_stderr():  # the converter's packages write to it while they are imported
        from pocketformer import pipeline
        from pocketformer.data import Columns, read_labeled_texts
        from pocketformer.edition import Edition
        from pocketformer.report import write_report

    screen = Screen()
    edition = Edition.load(dist)
    rows = None
    if data is not None:
        columns = Columns(text, label, label_name, separator)
        rows, intake = read_labeled_texts(data, columns, labels=edition.labels)
        for sentence in intake.sentences():
            screen.say(sentence)
    if float16:
        found = pipeline.value_range_of(edition, dist, None if rows is None else rows.texts, screen)
        show_json(found) if json else show_range(found)
        return
    try:
        edition = pipeline.verify_edition(edition, dist, rows, screen, layers)
    finally:
        if layers and not json:
            edition = Edition.load(dist)
            show_layers(edition)
            write_report(edition, dist)
            out.print(f"Drew the curves in {dist / 'report.html'}#layers", markup=False)
    if json:
        shown = [entry.layers for entry in edition.files] if layers else None
        show_json(shown or [entry.verdict for entry in edition.files])
        return
    show_edition(edition)
    out.print(f"Wrote the verdicts into {dist / 'edition.json'}", markup=False)
    next_step(f"pocketformer bench {dist}" + (f" --data {data}" if data else ""))


def check(
    checkpoint: Annotated[str, typer.Argument(help="Checkpoint directory or hub id, of any architecture.")],
    length: Annotated[
        list[int] | None, typer.Option(help="Tokens per signature; repeat for several.")
    ] = None,
    json: Json = False,
) -> None:
    """Say in seconds what stands in the way of exporting a checkpoint, without converting it.

    Looks at the architecture, the weights, the head, the tokenizer and the lengths, and asks every format
    which operations of the model it cannot take, and in which layer. Exit code 1 when no format takes it.
    """
    with own_stderr():
        from pocketformer.checks import check_checkpoint

        found = check_checkpoint(checkpoint, tuple(length or (16, 32, 64, 128)))
    if json:
        show_json(found)
    else:
        show_feasibility(found)
        if found.possible:
            chosen = " ".join(f"--target {name}" for name in found.possible)
            next_step(f"pocketformer export {checkpoint} -o dist/mine {chosen}")
    if not found.possible:
        raise typer.Exit(1)


def bench(
    dist: Annotated[
        list[Path], typer.Argument(help="Directory of `run` or `export`; or model files, ours or not.")
    ],
    inputs: Inputs = None,
    data: Annotated[
        Path | None, typer.Option(help="Table of real texts; sample texts when left out.")
    ] = None,
    text: Text = None,
    label: Label = None,
    label_name: LabelName = None,
    separator: Separator = None,
    rounds: Annotated[int, typer.Option(min=1, help="Measured calls of each contender.")] = 30,
    threads: Annotated[list[int] | None, typer.Option(help="Thread counts; repeat for several.")] = None,
    device: Device = False,
    serial: Serial = None,
    benchmark_model: Tool = None,
    delegate: Delegates = None,
    signature: Signatures = None,
    visits: Visits = 3,
    json: Json = False,
) -> None:
    """Measure latency, load time, size and memory of the files, side by side in one run.

    PyTorch and the same model as a fixed-length float32 file run in turns with them, so that the
    ratios hold on a busy machine too. Single model files race against each other, signature by signature.

    With `--device`, the `.tflite` files run on the Android phone that adb lists, by LiteRT's
    benchmark_model: latency, memory, processor time and battery current of every signature (docs/device.md).
    """
    if device or serial:
        asked = DeviceRequest(serial, benchmark_model, delegate, signature, visits, rounds, threads)
        bench_device(dist, asked, inputs, data, (text, label, label_name, separator), json)
        return
    if len(dist) > 1 or is_model_file(dist[0]):
        bench_files(dist, inputs, rounds, tuple(threads or (1, 2)), json)
        return
    folder = dist[0]
    with own_stderr():
        from pocketformer import pipeline
        from pocketformer.checks import SAMPLE_TEXTS
        from pocketformer.data import Columns, read_labeled_texts
        from pocketformer.edition import Edition
        from pocketformer.recipe import BenchRecipe

    screen = Screen()
    edition = Edition.load(folder)
    texts = SAMPLE_TEXTS
    if data is not None:
        columns = Columns(text, label, label_name, separator)
        texts = read_labeled_texts(data, columns, labels=edition.labels)[0].texts
    recipe = BenchRecipe(rounds=rounds, threads=tuple(threads or (1, 2)))
    edition = pipeline.bench_edition(edition, folder, texts, recipe, screen)
    assert edition.bench is not None
    if json:
        show_json(edition.bench)
        return
    show_bench(edition.bench)
    out.print(f"Wrote the figures into {folder / 'edition.json'}", markup=False)
    next_step(f"pocketformer report {folder}")


def report(dist: Dist, json: Json = False) -> None:
    """Write report.html and report.md anew from an edition's figures."""
    with own_stderr():
        from pocketformer.edition import Edition
        from pocketformer.report import write_report

    html, markdown = write_report(Edition.load(dist), dist)
    if json:
        show_json({"html": html, "markdown": markdown})
        return
    out.print(f"Wrote {html} and {markdown}", markup=False)
