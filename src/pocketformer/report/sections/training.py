"""Training: its curves, its settings and what is worth knowing of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pocketformer.report import figures, plots
from pocketformer.report.blocks import Block, Bullets, Column, Paragraph, Plot, Section, Table

if TYPE_CHECKING:
    from pocketformer.edition import Edition
    from pocketformer.train import EpochScore, FinetuneResult

__all__ = ["training_section"]


def training_section(edition: Edition) -> Section | None:
    """Return the curves over epochs, the settings as used and the notes."""
    result = edition.training
    if result is None:
        return None
    blocks: list[Block] = [Paragraph(_sentence(result))]
    if len(result.epochs) > 1:
        blocks.append(_plot(result))
    if result.epochs:
        blocks.append(_epochs(result.epochs, result.best_epoch))
    blocks += [Bullets(result.notes)] if result.notes else []
    if result.settings:
        pairs = ((name, figures.plain(value)) for name, value in result.settings.items())
        blocks.append(Table.of_pairs("Settings as used", "Setting", pairs))
    return Section("training", "Training", blocks)


def _sentence(result: FinetuneResult) -> str:
    return (
        f"Trained from {result.base} on {result.device} in {figures.duration(result.seconds)}; "
        f"{result.parameters / 1e6:.1f} million parameters. Epoch {result.best_epoch} was kept: "
        f"{figures.percent(result.accuracy)} % accuracy and {figures.percent(result.macro_f1)} % macro-F1 "
        "on the dev rows."
    )


def _plot(result: FinetuneResult) -> Plot:
    first, last = result.epochs[0], result.epochs[-1]
    label = (
        f"Over epochs {first.epoch} to {last.epoch}: dev accuracy from {figures.percent(first.accuracy)} to "
        f"{figures.percent(last.accuracy)} %, dev loss from {figures.significant(first.dev_loss)} to "
        f"{figures.significant(last.dev_loss)}."
    )
    caption = "Quality on the dev rows, and losses, over epochs; the dotted line is the epoch that was kept."
    return Plot(caption, label, plots.training_plot(result.epochs, result.best_epoch))


def _epochs(epochs: tuple[EpochScore, ...], best: int) -> Table:
    columns = (
        Column("Epoch", numeric=False),
        Column("Training loss"),
        Column("Dev loss"),
        Column("Dev accuracy, %"),
        Column("Dev macro-F1, %"),
    )
    rows = tuple(
        (
            f"{epoch.epoch} (kept)" if epoch.epoch == best else str(epoch.epoch),
            figures.significant(epoch.train_loss),
            figures.significant(epoch.dev_loss),
            figures.percent(epoch.accuracy),
            figures.percent(epoch.macro_f1),
        )
        for epoch in epochs
    )
    return Table("Epochs", columns, rows)
