"""How each file was proven: every limit, beside what was measured of the saved file."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from pocketformer.report import figures
from pocketformer.report.blocks import Block, Bullets, Column, Paragraph, Section, Table
from pocketformer.report.lookups import short_name
from pocketformer.report.sections.processors import processor_blocks

if TYPE_CHECKING:
    from pocketformer.checks import Verdict
    from pocketformer.edition import Edition, EditionFile

__all__ = ["proof_section"]

_MISSED = "✗"
_ROUNDING = 1e-12  # as in the verdict: a drop of exactly the limit is kept

_Judged = list[tuple["EditionFile", "Verdict"]]


def proof_section(edition: Edition) -> Section | None:
    """Return the limits with what was measured against them, and the errors of each signature."""
    judged = [(file, file.verdict) for file in edition.files if file.verdict is not None]
    if not judged:
        return None
    blocks: list[Block] = [Paragraph(_method(judged)), _limits(edition, judged)]
    misses = tuple(f"{file.file}: {miss}" for file, verdict in judged for miss in verdict.misses)
    blocks += [Bullets(misses)] if misses else []
    if any(verdict.parity.signatures for _, verdict in judged):
        blocks.append(_signatures(edition, judged))
    blocks += processor_blocks(edition)
    return Section("proof", "How each file was proven", blocks)


def _method(judged: _Judged) -> str:
    texts = max(verdict.parity.texts for _, verdict in judged)
    return (
        f"Each file was opened from its saved bytes and given {texts:,} real texts, from text bytes to its "
        "outputs. What it gave was held against Hugging Face's tokenizer and the PyTorch model on the same "
        "texts. Limits are set per weight format; a file that misses one is not delivered."
    )


def _limits(edition: Edition, judged: _Judged) -> Table:
    rows: list[tuple[str, Callable[[Verdict], str]]] = [("Texts with equal token ids", _token_ids)]
    if edition.kind == "encoder":
        rows += [
            ("Mean relative error of hidden states, %", _hidden_states),
            (
                "Largest relative error of a text, %",
                lambda v: figures.error(v.parity.max_relative_error * 100),
            ),
            ("Largest error of a hidden state", lambda v: figures.error(v.parity.max_logit_error)),
        ]
    else:
        rows += [
            ("Mean relative logit error, %", _mean_error),
            ("Largest logit error", _largest_error),
            ("Top-1 agreement, %", _agreement),
            ("Loss of accuracy, points", _accuracy_drop),
            ("Largest relative logit error of a text, %", _largest_relative),
            ("Largest error of a score", lambda v: figures.error(v.parity.max_score_error)),
        ]
    if any(verdict.golden_texts for _, verdict in judged):
        rows.append(("Golden texts right", _golden))
    columns = (Column("Measured, and its limit", numeric=False), *_file_columns(edition, judged))
    body = [(title, *(cell(verdict) for _, verdict in judged)) for title, cell in rows]
    return Table("Measured values, limits in brackets", columns, tuple(body)).without_empty_columns()


def _limited(measured: str, limit: str, kept: bool) -> str:
    """Return a measured value with its limit, marked when it missed it."""
    return f"{measured} ({limit})" if kept else f"{_MISSED} {measured} ({limit})"


def _at_most(measured: float, limit: float) -> str:
    return _limited(figures.error(measured), f"≤ {figures.error(limit)}", measured <= limit)


def _token_ids(verdict: Verdict) -> str:
    texts, wrong = verdict.parity.texts, verdict.parity.token_mismatches
    if not verdict.parity.takes_text:
        return figures.ABSENT
    return _limited(f"{texts - wrong:,} of {texts:,}", "all", not wrong)


def _golden(verdict: Verdict) -> str:
    texts, wrong = verdict.golden_texts, verdict.golden_misses
    return _limited(f"{texts - wrong:,} of {texts:,}", "all", not wrong) if texts else figures.ABSENT


def _mean_error(verdict: Verdict) -> str:
    tolerance = verdict.tolerance
    limit = tolerance.unlabelled_error if verdict.quality is None else tolerance.mean_relative_error
    return _at_most(verdict.parity.mean_relative_error * 100, limit * 100)


def _hidden_states(verdict: Verdict) -> str:
    return _at_most(verdict.parity.mean_relative_error * 100, verdict.tolerance.hidden_state_error * 100)


def _largest_error(verdict: Verdict) -> str:
    measured, limit = verdict.parity.max_logit_error, verdict.tolerance.max_logit_error
    return figures.error(measured) if limit is None else _at_most(measured, limit)


def _agreement(verdict: Verdict) -> str:
    measured, limit = verdict.parity.top1_agreement, verdict.tolerance.top1_agreement
    if verdict.quality is None:
        return figures.percent(measured)
    return _limited(figures.percent(measured), f"≥ {figures.percent(limit)}", measured >= limit)


def _accuracy_drop(verdict: Verdict) -> str:
    if verdict.quality is None or verdict.reference_quality is None:
        return figures.ABSENT
    drop = verdict.reference_quality.accuracy - verdict.quality.accuracy
    limit = verdict.tolerance.accuracy_drop
    measured = figures.points(drop).removeprefix("+")
    return _limited(measured, f"≤ {figures.percent(limit)}", drop <= limit + _ROUNDING)


def _largest_relative(verdict: Verdict) -> str:
    return figures.error(verdict.parity.max_relative_error * 100)


def _signatures(edition: Edition, judged: _Judged) -> Table:
    names = dict.fromkeys(name for _, verdict in judged for name in verdict.parity.signatures)
    columns = (Column("Signature", numeric=False, code=True), *_file_columns(edition, judged))
    rows = tuple(
        (name, *(_signature_cell(name, verdict.parity.signatures.get(name)) for _, verdict in judged))
        for name in names
    )
    note = "Each signature was also run by itself on a few of the texts; tokenizers must give equal ids."
    return Table("Largest logit error per signature", columns, rows, note)


def _signature_cell(name: str, value: float | None) -> str:
    if value is not None and name.startswith("tokenize"):
        return "ids differ" if value else "ids equal"
    return figures.error(value)


def _file_columns(edition: Edition, judged: _Judged) -> tuple[Column, ...]:
    return tuple(Column(short_name(edition, file)) for file, _ in judged)
