"""Commands that train: finetune, distill."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from pocketformer.cli.console import Screen, next_step, out, own_stderr, show_json
from pocketformer.cli.options import Json, Label, LabelName, Separator, SetOption, Text, settings_of

if TYPE_CHECKING:
    from pocketformer.data import LabeledTexts
    from pocketformer.train import FinetuneResult

Table = Annotated[Path, typer.Argument(help="Labelled table: .csv, .tsv, .jsonl or .parquet.")]
Output = Annotated[Path, typer.Option("--output", "-o", help="Directory for the checkpoint.")]
DevFraction = Annotated[float, typer.Option(help="Part of the rows that early stopping watches.")]
Epochs = Annotated[int | None, typer.Option(help="Passes over the rows, at most; by size if left out.")]
Rate = Annotated[float | None, typer.Option(help="Of the encoder; by its size if left out.")]
BatchSize = Annotated[int | None, typer.Option(help="Texts per step.")]
MaxLength = Annotated[int | None, typer.Option(help="Tokens per text in training.")]
Head = Annotated[str | None, typer.Option(help="linear or two-layer.")]
Seed = Annotated[int | None, typer.Option(help="Of split, head and order.")]


def finetune(
    train: Table,
    output: Output,
    base: Annotated[str, typer.Option(help="Hub id or directory of the encoder.")] = (
        "sentence-transformers/all-MiniLM-L6-v2"
    ),
    text: Text = None,
    label: Label = None,
    label_name: LabelName = None,
    separator: Separator = None,
    dev_fraction: DevFraction = 0.1,
    epochs: Epochs = None,
    learning_rate: Rate = None,
    batch_size: BatchSize = None,
    max_length: MaxLength = None,
    head: Head = None,
    seed: Seed = None,
    set_: SetOption = None,
    json: Json = False,
) -> None:
    """Fine-tune an encoder into a classifier, and keep the epoch that is best on held-out rows.

    The checkpoint is an ordinary Hugging Face directory. An interrupted training goes on at the last
    finished epoch when the command is given again. To use several GPUs or machines, start the same
    command with `torchrun -m pocketformer finetune ...` (docs/scaling.md).
    """
    with own_stderr():
        from pocketformer.train import FinetuneSettings
        from pocketformer.train import finetune as train_classifier

    options = {
        "epochs": epochs, "learning_rate": learning_rate, "batch_size": batch_size,
        "max_length": max_length, "head": head, "seed": seed,
    }  # fmt: skip
    settings = settings_of(FinetuneSettings, options, set_)
    screen = Screen()
    rows, dev = _rows(train, [text, label, label_name, separator], dev_fraction, settings.seed, screen)
    with screen.stage("finetune") as progress:
        result = train_classifier(base, rows, dev, output, settings, progress)
    _show(result, output, dev, screen, json)


def distill(
    teacher: Annotated[str, typer.Argument(help="Fine-tuned classifier to learn from: directory or hub id.")],
    student: Annotated[
        str, typer.Argument(help="Checkpoint to train, such as `pocketformer shrink` writes.")
    ],
    train: Table,
    output: Output,
    unlabelled: Annotated[
        list[Path] | None, typer.Option(help="Texts without labels: .txt or a table; repeat for several.")
    ] = None,
    text: Text = None,
    label: Label = None,
    label_name: LabelName = None,
    separator: Separator = None,
    dev_fraction: DevFraction = 0.1,
    temperature: Annotated[float | None, typer.Option(help="Of the soft labels.")] = None,
    soft_weight: Annotated[float | None, typer.Option(help="Share of the soft labels in the loss.")] = None,
    hidden_weight: Annotated[float | None, typer.Option(help="Weight of the hidden states' loss.")] = None,
    attention_weight: Annotated[
        float | None, typer.Option(help="Weight of the attention maps' loss.")
    ] = None,
    epochs: Epochs = None,
    learning_rate: Rate = None,
    batch_size: BatchSize = None,
    max_length: MaxLength = None,
    seed: Seed = None,
    set_: SetOption = None,
    json: Json = False,
) -> None:
    """Train a small student on labels and on its teacher's soft labels.

    Give the teacher's own training table: the split into training and dev rows depends on the seed alone,
    so both stand on the same sides. Unlabelled texts help most where labels are few. The teacher's logits
    are computed once and kept in `.soft-labels` beside the output.
    """
    with own_stderr():
        from pocketformer.data import Columns, new_texts, read_texts
        from pocketformer.train import DistillSettings
        from pocketformer.train import distill as train_student

    options = {
        "temperature": temperature, "soft_weight": soft_weight, "hidden_weight": hidden_weight,
        "attention_weight": attention_weight, "epochs": epochs, "learning_rate": learning_rate,
        "batch_size": batch_size, "max_length": max_length, "seed": seed,
    }  # fmt: skip
    settings = settings_of(DistillSettings, options, set_)
    screen = Screen()
    rows, dev = _rows(train, [text, label, label_name, separator], dev_fraction, settings.seed, screen)
    pool = [one for path in unlabelled or () for one in read_texts(path, Columns(text))]
    fresh = new_texts(pool, rows.texts, dev.texts)
    if pool:
        screen.say(
            f"{len(fresh):,} texts without a label, {len(pool) - len(fresh):,} more stand in the table."
        )
    with screen.stage("distill") as progress:
        result = train_student(teacher, student, rows, dev, output, settings, fresh, progress)
    _show(result, output, dev, screen, json)


def _rows(
    table: Path, columns: list[str | None], fraction: float, seed: int, screen: Screen
) -> tuple[LabeledTexts, LabeledTexts]:
    """Read a table, tell of it, and split it."""
    from pocketformer.data import Columns, read_labeled_texts, split

    text, label, label_name, separator = columns
    rows, intake = read_labeled_texts(table, Columns(text, label, label_name, separator))
    for sentence in intake.sentences():
        screen.say(sentence)
    return split(rows, fraction, seed)


def _show(result: FinetuneResult, output: Path, dev: LabeledTexts, screen: Screen, json: bool) -> None:
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
