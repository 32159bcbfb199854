"""Results as tables on the screen."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from pocketformer.cli.console import out, show_table

if TYPE_CHECKING:
    from pocketformer.bench import BenchResult, Footprint
    from pocketformer.budget import BudgetResult
    from pocketformer.checks import Feasibility, ValueRange
    from pocketformer.edition import Edition, EditionFile
    from pocketformer.targets import FileCard, Refusal, TensorCard


_BAR = 24


def show_edition(edition: Edition) -> None:
    """Print one row per file: size, quality, parity, verdict."""
    columns = [
        "file",
        "MB",
        "zipped",
        "accuracy",
        "ids equal",
        "max |Δ logit|",
        "mean rel. error",
        "top-1",
        "",
    ]
    show_table(edition.name, columns, [_file_row(entry) for entry in edition.files])


def show_budget(result: BudgetResult) -> None:
    """Print the plans that were tried, the chosen one marked."""
    show_table(
        f"Plans tried on {result.dev_texts:,} dev rows",
        ["plan", "MB", "points lost", "divergence", "ms", ""],
        [
            [
                str(place + 1), f"{option.megabytes:.2f}", f"{option.drop:.2f}", f"{option.divergence:.4f}",
                "" if option.milliseconds is None else f"{option.milliseconds:.2f}",
                "chosen" if place == result.chosen else "",
            ]
            for place, option in enumerate(result.options)
        ],
    )  # fmt: skip


def show_bench(result: BenchResult) -> None:
    """Print the comparisons with the baselines, and what each file costs."""
    show_table(
        f"Whole texts, bytes to scores ({result.processor}, {result.cores} cores)",
        ["tokens", "threads", "fastest file", "ms", "tokenizer", "baseline", "ms ", "times faster"],
        [
            [
                str(row.tokens), str(row.threads), row.file,
                f"{row.file_ms:.2f}", f"{row.tokenizer_share:.0%}", row.baseline,
                f"{row.baseline_ms:.2f}", f"{row.times_faster:.1f}",
            ]
            for row in result.comparisons
        ],
    )  # fmt: skip
    show_table(
        "Each file in a fresh process",
        ["file", "MB", "zipped MB", "load ms", "first text ms", "memory MB", "all signatures MB", "CPU %",
         "mJ per text"],
        [
            [
                cost.file, f"{cost.size_bytes / 1e6:.1f}", f"{cost.zipped_bytes / 1e6:.1f}",
                f"{cost.load_ms:.0f}", f"{cost.first_text_ms:.0f}",
                f"{cost.memory_bytes / 1e6:.0f}", f"{cost.all_memory_bytes / 1e6:.0f}",
                *effort_cells(cost),
            ]
            for cost in result.footprints
        ],
    )  # fmt: skip
    show_energy_notes(result)


def effort_cells(cost: Footprint) -> tuple[str, str]:
    """Return processor time in % of a core and millijoules per run, as cells of a table."""
    energy = "not readable" if cost.energy_note else ""
    return (
        "" if cost.cpu_percent is None else f"{cost.cpu_percent:.0f}",
        energy if cost.energy_mj is None else f"{cost.energy_mj:.3g}",
    )


def show_energy_notes(result: BenchResult) -> None:
    """Print what was measured as energy, or why it could not be."""
    for note in dict.fromkeys(cost.energy_note for cost in result.footprints if cost.energy_note):
        out.print(note, markup=False)


def show_layers(edition: Edition) -> None:
    """Print the error of every layer of the files that were looked into, and what it means."""
    for entry in edition.files:
        if entry.layers is not None:
            show_table(
                f"{entry.file}, on {entry.layers.text[:60]!r}",
                ["layer", "type", "relative error", ""],
                [[row.layer, row.type, f"{row.error:.2g}", _bar(row.error)] for row in entry.layers.leaves],
            )
            out.print(str(entry.layers), markup=False)


def show_range(found: ValueRange) -> None:
    """Print the largest value of every layer against float16's end, and what would overflow."""
    show_table(
        f"Largest values over {found.texts} texts; float16 ends at 65,504",
        ["layer", "operation", "largest |value|", "times below the end"],
        [
            [
                layer.layer or "(around the model)",
                layer.operation,
                f"{layer.largest:,.4g}",
                f"{layer.headroom:,.4g}",
            ]
            for layer in found.layers
        ],
    )
    nearest = found.largest
    fine = f"Nothing overflows: {nearest.layer} comes nearest, {nearest.headroom:,.0f} times below the end."
    out.print(found.refusal() or fine, markup=False)


def show_feasibility(found: Feasibility) -> None:
    """Print what was found of a checkpoint, and what each target cannot take of it."""
    show_table(
        f"{found.source}{f' ({found.architecture})' if found.architecture else ''}",
        ["looked at", "", "found"],
        [[one.subject, "✓" if one.ok else "✗", one.detail] for one in found.findings],
    )
    if found.targets:
        count = sum(operation.count for operation in found.operations)
        show_table(
            f"{count:,} operations of {len(found.operations)} kinds",
            ["target", "takes", "what is in the way"],
            [
                [
                    one.target,
                    "✗" if not one.ok else "✓",
                    one.problem or "\n".join(_refusal(refusal) for refusal in one.refusals),
                ]
                for one in found.targets
            ],
        )


def _refusal(refusal: Refusal) -> str:
    operation = refusal.operation
    return f"{operation.name} in {operation.layer or 'the model'}: {refusal.reason}"


def show_card(card: FileCard) -> None:
    """Print what is in a file."""
    runtime = f", runs from {card.runtime} on"
    weights = ", ".join(f"{dtype} {size / 1e6:.2f} MB" for dtype, size in card.weight_bytes.items())
    title = f"{card.path}: {card.format}, {card.size_bytes / 1e6:.2f} MB{runtime}\nconstants: {weights}"
    show_table(
        title,
        ["signature", "inputs", "outputs"],
        [
            [signature.name, _tensors(signature.inputs), _tensors(signature.outputs)]
            for signature in card.signatures
        ],
    )
    show_table(
        "Operations",
        ["operation", "version", "count", "kind"],
        [
            [
                operation.name,
                str(operation.version),
                str(operation.count),
                "" if operation.builtin else "custom",
            ]
            for operation in card.operations
        ],
    )
    if card.labels:
        show_table("Labels", ["index", "label"], [[str(i), label] for i, label in enumerate(card.labels)])


def _bar(error: float) -> str:
    """Draw an error on a logarithmic scale from 1e-8 to 1."""
    return "█" * max(0, min(_BAR, round((math.log10(max(error, 1e-8)) + 8) / 8 * _BAR)))


def _tensors(cards: tuple[TensorCard, ...]) -> str:
    return "\n".join(f"{card.name} {card.dtype}{list(card.shape)}" for card in cards)


def _file_row(entry: EditionFile) -> list[str]:
    sizes = [entry.file, f"{entry.size_bytes / 1e6:.1f}", f"{entry.zipped_bytes / 1e6:.1f}"]
    verdict = entry.verdict
    if verdict is None:
        return [*sizes, "", "", "", "", "", "not verified"]
    parity = verdict.parity
    return [
        *sizes,
        "" if verdict.quality is None else f"{verdict.quality.accuracy:.2%}",
        f"{parity.texts - parity.token_mismatches} of {parity.texts}" if parity.takes_text else "takes ids",
        f"{parity.max_logit_error:.2g}",
        f"{parity.mean_relative_error:.2%}",
        f"{parity.top1_agreement:.2%}",
        "✓ passed" if verdict.passed else "✗ rejected",
    ]
