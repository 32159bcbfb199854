"""Latency: milliseconds per text and per signature, beside what people ship today."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import TYPE_CHECKING

from pocketformer.report import figures, plots
from pocketformer.report.blocks import Block, Column, Paragraph, Plot, Section, Table
from pocketformer.report.lookups import (
    FIXED_LENGTH,
    PYTORCH,
    TEXT,
    fewest_threads,
    shortest_text_tokens,
    text_timings,
)

if TYPE_CHECKING:
    from pocketformer.bench import BenchResult, Comparison, Timing
    from pocketformer.edition import Edition

__all__ = ["latency_section"]

_BASELINES = (PYTORCH, FIXED_LENGTH)

#: Timings by the row and the column they stand in.
_Cells = dict[tuple[str, str], "Timing"]


def latency_section(edition: Edition) -> Section | None:
    """Return milliseconds per text and per signature, and how they compare with the baselines."""
    bench = edition.bench
    if bench is None or not bench.timings:
        return None
    blocks: list[Block] = [Paragraph(_where(bench)), *_fastest(edition, bench), *_plot(edition)]
    blocks += _whole_texts(text_timings(edition))
    blocks += [_comparisons(bench.comparisons)] if bench.comparisons else []
    blocks += _signatures([timing for timing in bench.timings if timing.work != TEXT])
    if bench.texts:
        blocks.append(_texts(bench.texts))
    return Section("latency", "Latency", blocks)


def _where(bench: BenchResult) -> str:
    runs = sorted({timing.runs for timing in bench.timings})
    cores = "1 core" if bench.cores == 1 else f"{bench.cores} cores"
    return (
        f"Measured on the machine that made the files ({bench.processor}, {cores}), not on a phone; "
        f"{' or '.join(map(str, runs))} calls each, all contenders taking turns in one run. "
        "Compare ratios inside these tables only."
    )


def _fastest(edition: Edition, bench: BenchResult) -> list[Block]:
    """Say in a sentence what the shortest text takes, and how much longer the baselines need."""
    wanted = shortest_text_tokens(edition), fewest_threads(edition)
    found = [item for item in bench.comparisons if (item.tokens, item.threads) == wanted]
    if not found:
        return []
    first = found[0]
    faster = " and ".join(
        f"{figures.significant(item.times_faster, 2)}× faster than the {item.baseline}".replace(
            "the PyTorch", "PyTorch"
        )
        for item in found
    )
    return [
        Paragraph(
            f"A text of {first.tokens} tokens takes {figures.significant(first.file_ms)} ms in {first.file}: "
            f"{faster}. Its tokenizer takes {figures.share(first.tokenizer_share)} of that time."
        )
    ]


def _plot(edition: Edition) -> list[Block]:
    threads = fewest_threads(edition)
    lines = []
    for contender in dict.fromkeys(timing.contender for timing in text_timings(edition)):
        points = tuple(
            sorted(
                (timing.tokens, timing.median_ms)
                for timing in text_timings(edition)
                if (timing.contender, timing.threads) == (contender, threads)
            )
        )
        if len(points) > 1:
            name = contender.removeprefix(f"{edition.name}.")
            lines.append(plots.Line(name, points, contender in _BASELINES))
    if not lines:
        return []
    said = "; ".join(
        f"{line.name} from {figures.significant(line.points[0][1])} to "
        f"{figures.significant(line.points[-1][1])} ms"
        for line in lines
    )
    tokens = f"{lines[0].points[0][0]} to {lines[0].points[-1][0]} tokens"
    caption = f"Median time of a whole text on {figures.threads(threads)}; the time axis is logarithmic."
    return [Plot(caption, f"Latency over {tokens}: {said}.", plots.latency_plot(lines))]


def _whole_texts(timings: Sequence[Timing]) -> Iterator[Table]:
    """Yield a table per count of threads: a row per contender, a column per text."""
    for threads, cells in _by_threads(timings, lambda t: (t.contender, f"{t.tokens:,} tokens")):
        caption = f"Whole texts, from bytes to scores, {figures.threads(threads)}: median ms (p95)"
        yield _pivot(caption, "Contender", cells)


def _signatures(timings: Sequence[Timing]) -> Iterator[Table]:
    """Yield a table per count of threads: a row per signature, a column per file."""
    sizes: dict[tuple[str, str], set[int]] = {}
    for timing in timings:
        sizes.setdefault((timing.contender, timing.work), set()).add(timing.tokens)

    def row(timing: Timing) -> str:
        several = len(sizes[timing.contender, timing.work]) > 1
        return f"{timing.work}, {timing.tokens} tokens" if several else timing.work

    for threads, cells in _by_threads(timings, lambda t: (row(t), t.contender)):
        caption = f"Signatures, {figures.threads(threads)}: median ms (p95)"
        yield _pivot(caption, "Signature", cells)


def _by_threads(
    timings: Sequence[Timing], place: Callable[[Timing], tuple[str, str]]
) -> Iterator[tuple[int, _Cells]]:
    for threads in sorted({timing.threads for timing in timings}):
        chosen = [timing for timing in timings if timing.threads == threads]
        yield threads, {place(timing): timing for timing in chosen}


def _pivot(caption: str, corner: str, cells: _Cells) -> Table:
    titles = tuple(dict.fromkeys(title for _, title in cells))
    columns = (Column(corner, numeric=False, code=True), *(Column(title) for title in titles))
    rows = tuple(
        (row, *(_cell(cells.get((row, title))) for title in titles))
        for row in dict.fromkeys(row for row, _ in cells)
    )
    return Table(caption, columns, rows)


def _cell(timing: Timing | None) -> str:
    if timing is None:
        return figures.ABSENT
    return f"{figures.significant(timing.median_ms)} ({figures.significant(timing.p95_ms)})"


def _comparisons(comparisons: Iterable[Comparison]) -> Table:
    columns = (
        Column("Fastest file", numeric=False, code=True),
        Column("Tokens"),
        Column("Threads"),
        Column("Signatures", numeric=False, code=True),
        Column("File, ms"),
        Column("Tokenizer's share, %"),
        Column("Baseline", numeric=False),
        Column("Baseline, ms"),
        Column("Times faster"),
    )
    rows = tuple(
        (
            item.file,
            str(item.tokens),
            str(item.threads),
            " + ".join(item.signatures),
            figures.significant(item.file_ms),
            f"{item.tokenizer_share * 100:.0f}",
            item.baseline,
            figures.significant(item.baseline_ms),
            f"{figures.significant(item.times_faster, 2)}×",
        )
        for item in comparisons
    )
    return Table("The fastest file against what people ship today", columns, rows)


def _texts(texts: dict[int, str]) -> Table:
    columns = (Column("Tokens", numeric=False, code=True), Column("Text", numeric=False, prose=True))
    rows = tuple((str(tokens), figures.excerpt(text)) for tokens, text in sorted(texts.items()))
    return Table("The texts that were timed", columns, rows)
