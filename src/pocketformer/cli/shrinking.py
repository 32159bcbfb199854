"""The command that makes small checkpoints: shrink."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from pocketformer.cli.console import Screen, next_step, out, own_stderr, show_json
from pocketformer.cli.options import Json, SetOption, Text, settings_of
from pocketformer.errors import RecipeError


def shrink(
    checkpoint: Annotated[
        str, typer.Argument(help="Checkpoint directory or hub id; a vocab.txt for --scratch.")
    ],
    output: Annotated[Path, typer.Option("--output", "-o", help="Directory for the checkpoint.")],
    layers: Annotated[
        str | None, typer.Option(help="How many layers to keep, or which, counted from 0, as 1,3,5.")
    ] = None,
    choose: Annotated[
        str | None, typer.Option(help="Which, by number: spaced, first, last, or search (needs --train).")
    ] = None,
    neurons: Annotated[
        int | None, typer.Option(help="Feed-forward neurons to keep per layer, the most important, as 512.")
    ] = None,
    heads: Annotated[
        int | None, typer.Option(help="Attention heads per layer, the most important; --scratch: how many.")
    ] = None,
    texts: Annotated[
        list[Path] | None,
        typer.Option(help="Texts whose pieces stay in the vocabulary: a table or .txt; repeat for several."),
    ] = None,
    train: Annotated[
        Path | None,
        typer.Option(help="Labelled table: nine tenths count as texts, a tenth shows coverage."),
    ] = None,
    text: Text = None,
    min_count: Annotated[int | None, typer.Option(help="Occurrences from which on a piece stays.")] = None,
    foreign_letters: Annotated[
        bool | None,
        typer.Option(
            "--foreign-letters/--no-foreign-letters", help="Keep letters of scripts that no text uses."
        ),
    ] = None,
    words: Annotated[
        Path | None, typer.Option(help="Frequency list: the pieces of its words stay too.")
    ] = None,
    top_words: Annotated[int | None, typer.Option(help="How many of these words.")] = None,
    keep_vocabulary: Annotated[
        bool, typer.Option("--keep-vocabulary", help="Leave the vocabulary as it is.")
    ] = False,
    scratch: Annotated[
        bool,
        typer.Option("--scratch", help="Random weights instead of the checkpoint's; its vocabulary stays."),
    ] = False,
    width: Annotated[int | None, typer.Option(help="With --scratch: numbers per token.")] = None,
    depth: Annotated[int | None, typer.Option(help="With --scratch: layers.")] = None,
    set_: SetOption = None,
    json: Json = False,
) -> None:
    """Make a small checkpoint out of a large one: fewer layers, neurons and heads, the vocabulary in use.

    A fine-tuned classifier keeps its head and labels, so that its student starts near it. Evenly spaced
    layers are a good first choice: --layers 3 of 6 keeps 1, 3 and 5. Which --neurons and --heads matter most
    is measured on the texts; with fewer heads, pocketformer alone loads the checkpoint. Texts that use only
    kept pieces are split as before, others into smaller pieces. From scratch: `pocketformer shrink vocab.txt
    -o start --scratch --width 192 --depth 3 --texts train.csv --set max_positions=64`.
    """
    with own_stderr():
        from pocketformer import shrink as room
        from pocketformer.checkpoint import is_classifier
        from pocketformer.data import Columns, read_labeled_texts, read_texts, split

    corpus = [one for path in texts or () for one in read_texts(path, Columns(text))]
    rows = dev = None
    if train is not None:
        table, _ = read_labeled_texts(train, Columns(text))
        rows, dev = split(table, 0.1, 0)
        corpus += rows.texts
    if not (corpus or words or keep_vocabulary):
        raise RecipeError(
            "No texts were given to trim the vocabulary to: give --texts, --train or --words, or leave the "
            "vocabulary as it is with --keep-vocabulary."
        )
    vocabulary = {
        "min_count": min_count, "foreign_letters": foreign_letters, "words": words, "top_words": top_words,
        "trim_vocabulary": False if keep_vocabulary else None,
    }  # fmt: skip
    screen = Screen()
    held_out = () if dev is None else dev.texts
    with screen.stage("shrink") as progress:
        if scratch:
            _refuse(layers=layers, choose=choose, neurons=neurons)
            given = {**vocabulary, "width": width, "depth": depth, "heads": heads}
            sizes = settings_of(room.ScratchSettings, given, set_)
            result = room.from_scratch(checkpoint, output, sizes, corpus, held_out)
        else:
            _refuse(width=width, depth=depth)
            kept = {"layers": _layers(layers), "choose": choose, "neurons": neurons, "heads": heads}
            settings = settings_of(room.ShrinkSettings, {**vocabulary, **kept}, set_)
            result = room.shrink(checkpoint, output, settings, corpus, rows, dev, progress)
    if json:
        show_json(result)
        return
    for note in result.notes:
        screen.say(note)
    out.print(f"Wrote {output}: {result.parameters / 1e6:.2f} million parameters.", markup=False)
    teacher = "TEACHER" if scratch or not is_classifier(checkpoint) else checkpoint
    next_step(f"pocketformer distill {teacher} {output} {train or 'TRAIN.csv'} -o {output}-trained")


def _layers(given: str | None) -> int | tuple[int, ...] | None:
    """Return a number of layers, or the numbers of some."""
    if given is None:
        return None
    try:
        numbers = [int(part) for part in given.split(",")]
    except ValueError as error:
        raise RecipeError(f"--layers was given {given!r}; give a number, as 3, or some, as 1,3,5.") from error
    return numbers[0] if "," not in given else tuple(numbers)


def _refuse(**options: object) -> None:
    for name, value in options.items():
        if value is not None:
            belongs = "starts from --scratch" if name in ("width", "depth") else "cuts out of a checkpoint"
            raise RecipeError(f"--{name} is for a student that {belongs}; leave it out.")
