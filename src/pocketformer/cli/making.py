"""Commands that make files: run, export."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from pocketformer.cli.console import Screen, next_step, out, own_stderr, show_json
from pocketformer.cli.options import Json, settings_of
from pocketformer.cli.tables import show_edition


def run(
    recipe: Annotated[Path, typer.Argument(help="A recipe, such as examples/notices/recipe.toml.")],
    json: Json = False,
) -> None:
    """Fine-tune, export, verify, measure and report, as a recipe says.

    Finished stages are kept: run it again after an interruption or a change and it goes on at the
    first stage that is unfinished or changed. A recipe needs three things; everything else has a default:

        name = "notices"
        base = "sentence-transformers/all-MiniLM-L6-v2"
        output = "dist/notices"

        [data]
        train = "train.csv"
        test = "test.csv"      # or leave it out: a tenth of `train` is held out
    """
    with own_stderr():  # the converter's packages write to it while they are imported
        from pocketformer import pipeline
        from pocketformer.recipe import Recipe

    loaded = Recipe.load(recipe)
    edition = pipeline.run(loaded, Screen())
    if json:
        show_json(edition)
        return
    show_edition(edition)
    out.print(f"Wrote {loaded.output}: the files, edition.json, report.html, report.md", markup=False)
    smallest = min(edition.files, key=lambda entry: entry.size_bytes)
    next_step(f'pocketformer predict {loaded.output / smallest.file} "a text of yours"')


def export(
    checkpoint: Annotated[str, typer.Argument(help="Checkpoint directory or hub id.")],
    output: Annotated[Path, typer.Option("--output", "-o", help="Directory for the files.")],
    name: Annotated[str | None, typer.Option(help="Files are called NAME.int8.tflite.")] = None,
    target: Annotated[
        list[str] | None, typer.Option(help="litert, onnx or coreml; repeat for several. litert if left out.")
    ] = None,
    precision: Annotated[
        list[str] | None,
        typer.Option(
            help="fp32, fp16, int8, int4, palette4, a plan such as w4b32-e8-a8, or a plan file; repeat for "
            "several. The first three if left out."
        ),
    ] = None,
    length: Annotated[
        list[int] | None, typer.Option(help="Tokens per signature; repeat for several.")
    ] = None,
    max_bytes: Annotated[int | None, typer.Option(help="Bytes of text that are read.")] = None,
    runtime: Annotated[
        str | None, typer.Option(help="Oldest LiteRT or TFLite release a .tflite must load on, as 2.14.")
    ] = None,
    ios: Annotated[str | None, typer.Option(help="Oldest iOS an .mlpackage must load on, as 16.")] = None,
    opset: Annotated[str | None, typer.Option(help="Highest opset an .onnx may use, as 17.")] = None,
    keep_fp32: Annotated[
        list[str] | None,
        typer.Option(help="Layer computed in float32 where others are in half; repeat for several."),
    ] = None,
    mediapipe: Annotated[
        bool, typer.Option("--mediapipe", help="Also write a .tflite for MediaPipe's TextClassifier.")
    ] = False,
    json: Json = False,
) -> None:
    """Write a checkpoint's model files, tokenizer inside, and prove each on sample texts.

    Takes classifiers (ours, or any ...ForSequenceClassification of a supported architecture) and bare
    encoders. A file that misses its tolerance is kept under a `.rejected` name and the exit code is 1;
    one that would need a newer runtime than you allow, or overflow in half precision, is refused before
    it is written. Ask `pocketformer check CHECKPOINT` first what each format can take.
    """
    with own_stderr():
        from pocketformer import pipeline
        from pocketformer.recipe import ExportRecipe

    given = {
        "targets": target,
        "precisions": precision,
        "lengths": length,
        "max_bytes": max_bytes,
        "runtime": runtime,
        "ios": ios,
        "opset": opset,
        "keep_fp32": keep_fp32,
        "mediapipe": mediapipe,
    }
    recipe = settings_of(ExportRecipe, {key: value or None for key, value in given.items()})
    screen = Screen()
    called = name or output.resolve().name
    edition = pipeline.export_checkpoint(checkpoint, output, called, recipe, checkpoint, screen)
    edition = pipeline.verify_edition(edition, output, None, screen)
    if json:
        show_json(edition)
        return
    show_edition(edition)
    out.print(
        f"Wrote {output}: {', '.join(entry.file for entry in edition.files)}, edition.json", markup=False
    )
    if edition.kind == "classifier":
        next_step(f"pocketformer verify {output} --data TEST.csv")
    else:
        next_step(f"pocketformer inspect {output / edition.files[-1].file}")
