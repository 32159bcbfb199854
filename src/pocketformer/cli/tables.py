"""Results as tables on the screen."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pocketformer.cli.console import show_table

if TYPE_CHECKING:
    from pocketformer.bench import BenchResult
    from pocketformer.edition import Edition, EditionFile
    from pocketformer.targets import FileCard, TensorCard


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
        ["file", "MB", "zipped MB", "load ms", "first text ms", "memory MB", "all signatures MB"],
        [
            [
                cost.file, f"{cost.size_bytes / 1e6:.1f}", f"{cost.zipped_bytes / 1e6:.1f}",
                f"{cost.load_ms:.0f}", f"{cost.first_text_ms:.0f}",
                f"{cost.memory_bytes / 1e6:.0f}", f"{cost.all_memory_bytes / 1e6:.0f}",
            ]
            for cost in result.footprints
        ],
    )  # fmt: skip


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
        f"{parity.texts - parity.token_mismatches} of {parity.texts}",
        f"{parity.max_logit_error:.2g}",
        f"{parity.mean_relative_error:.2%}",
        f"{parity.top1_agreement:.2%}",
        "✓ passed" if verdict.passed else "✗ rejected",
    ]
