"""Commands that make things: run, finetune, export."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from pocketformer.cli.console import Screen, next_step, out, own_stderr, show_json
from pocketformer.cli.tables import show_edition

Json = Annotated[bool, typer.Option("--json", help="Print the result as JSON.")]


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


def finetune(
    train: Annotated[Path, typer.Argument(help="Labelled table: .csv, .tsv, .jsonl or .parquet.")],
    output: Annotated[Path, typer.Option("--output", "-o", help="Directory for the checkpoint.")],
    base: Annotated[str, typer.Option(help="Hub id or directory of the encoder.")] = (
        "sentence-transformers/all-MiniLM-L6-v2"
    ),
    text: Annotated[str | None, typer.Option(help="Column of the text; found when left out.")] = None,
    label: Annotated[str | None, typer.Option(help="Column of the label or its id.")] = None,
    label_name: Annotated[str | None, typer.Option(help="Column of the names of label ids.")] = None,
    separator: Annotated[str | None, typer.Option(help="Splits the labels of a multi-label table.")] = None,
    dev_fraction: Annotated[float, typer.Option(help="Part of the rows that early stopping watches.")] = 0.1,
    epochs: Annotated[int | None, typer.Option(help="Passes over the rows, at most.")] = None,
    learning_rate: Annotated[
        float | None, typer.Option(help="Of the encoder; by its size if left out.")
    ] = None,
    batch_size: Annotated[int | None, typer.Option(help="Texts per step.")] = None,
    max_length: Annotated[int | None, typer.Option(help="Tokens per text in training.")] = None,
    head: Annotated[str | None, typer.Option(help="linear or two-layer.")] = None,
    seed: Annotated[int | None, typer.Option(help="Of split, head and order.")] = None,
    json: Json = False,
) -> None:
    """Fine-tune an encoder into a classifier, and keep the epoch that is best on held-out rows.

    The checkpoint is an ordinary Hugging Face directory. An interrupted training goes on at the last
    finished epoch when the command is given again.
    """
    from pydantic import ValidationError

    from pocketformer.errors import RecipeError

    with own_stderr():
        from pocketformer.data import Columns, read_labeled_texts, split
        from pocketformer.recipe import explain
        from pocketformer.train import FinetuneSettings
        from pocketformer.train import finetune as train_classifier

    given = {
        "epochs": epochs,
        "learning_rate": learning_rate,
        "batch_size": batch_size,
        "max_length": max_length,
        "head": head,
        "seed": seed,
    }
    try:
        settings = FinetuneSettings.model_validate(
            {name: value for name, value in given.items() if value is not None}
        )
    except ValidationError as error:
        raise RecipeError(explain(error)) from error
    screen = Screen()
    table, intake = read_labeled_texts(train, Columns(text, label, label_name, separator))
    for sentence in intake.sentences():
        screen.say(sentence)
    rows, dev = split(table, dev_fraction, settings.seed)
    with screen.stage("finetune") as progress:
        result = train_classifier(base, rows, dev, output, settings, progress)
    if json:
        show_json(result)
        return
    for note in result.notes:
        screen.say(note)
    out.print(
        f"Wrote {output}: accuracy {result.accuracy:.2%}, macro-F1 {result.macro_f1:.2%} on {len(dev):,} "
        f"held-out rows (epoch {result.best_epoch}).",
        markup=False,
    )
    next_step(f"pocketformer export {output} -o dist/{output.name}")


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
            help="fp32, fp16, int8, int4 or palette4; repeat for several. The first three if left out."
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
    from pydantic import ValidationError

    from pocketformer.errors import RecipeError

    with own_stderr():
        from pocketformer import pipeline
        from pocketformer.recipe import ExportRecipe, explain

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
    try:
        recipe = ExportRecipe.model_validate({key: value for key, value in given.items() if value})
    except ValidationError as error:
        raise RecipeError(explain(error)) from error
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
