"""Numbers, Markdown and the summary table as text."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pocketformer.edition import Edition
from pocketformer.report import figures, markdown, summary_table


@pytest.mark.parametrize(
    ("shown", "expected"),
    [
        (figures.megabytes(91_703_144), "91.7"),
        (figures.megabytes(3_941_000), "3.94"),
        (figures.megabytes(1_340_000_000), "1,340"),
        (figures.megabytes(0), "0"),
        (figures.megabytes(None), "–"),
        (figures.significant(2.7049), "2.70"),
        (figures.significant(0.11949), "0.119"),
        (figures.significant(9.999), "10.0"),
        (figures.significant(-412.6), "−413"),
        (figures.percent(0.93333), "93.33"),
        (figures.percent(float("nan")), "NaN"),
        (figures.points(-0.0033), "−0.33"),
        (figures.points(0.002), "+0.20"),
        (figures.points(-1e-9), "0.00"),
        (figures.error(4.83e-7), "4.8e-7"),
        (figures.error(0.01871), "0.019"),
        (figures.error(0.0), "0"),
        (figures.error(float("inf")), "+∞"),
        (figures.duration(42.4), "42 s"),
        (figures.duration(412), "6.9 min"),
        (figures.duration(9000), "2.5 h"),
        (figures.plain(1e-4), "0.0001"),
        (figures.plain([16, 32]), "16, 32"),
        (figures.plain(False), "no"),
        (figures.plain(None), "–"),
        (figures.excerpt(" two\nlines\t"), "two lines"),
        (figures.excerpt("x" * 500), "x" * 279 + "…"),
    ],
)
def test_figures_are_written_as_a_person_would(shown: str, expected: str) -> None:
    assert shown == expected


@given(st.floats(allow_nan=True, allow_infinity=True))
def test_any_number_can_be_written(value: float) -> None:
    for write in (figures.significant, figures.percent, figures.points, figures.error):
        assert write(value).strip()


@given(st.floats(min_value=1e-6, max_value=1e9))
def test_three_digits_are_within_half_a_percent(value: float) -> None:
    assert float(figures.significant(value).replace(",", "")) == pytest.approx(value, rel=0.0051)


@given(st.text())
def test_escaped_text_cannot_leave_its_cell_or_become_a_tag(text: str) -> None:
    escaped = markdown.escape(text)
    assert len(escaped.splitlines()) <= 1
    assert not re.search(r"(?<!\\)(?:\\\\)*\|", escaped)
    assert "<" not in escaped


def test_ordinary_names_stay_readable_in_markdown() -> None:
    assert markdown.escape("notices.int8.tflite classify_16") == "notices.int8.tflite classify_16"
    assert markdown.escape("__init__ *b*") == r"\_\_init\_\_ \*b\*"
    assert markdown.escape("1. not a list") == r"1\. not a list"


def test_the_summary_has_a_row_per_file(full_edition: Edition) -> None:
    lines = summary_table(full_edition).splitlines()
    assert len(lines) == 2 + 3
    assert lines[0].startswith(
        "| file | MB | zipped MB | accuracy, % | mean rel. logit error, % | ms, 13 tokens |"
    )
    assert lines[4] == "| notices.int8.tflite | 24.6 | 20.4 | 93.00 | 1.9 | 3.01 | 19 | 49.2 | LiteRT 2.9.0 |"


def test_the_summary_leaves_out_what_was_not_measured(minimal_edition: Edition) -> None:
    assert summary_table(minimal_edition) == (
        "| file | MB | zipped MB | runs from |\n| --- | ---: | ---: | --- |\n"
        "| notices.fp32.tflite | 91.7 | 76.1 | LiteRT 2.9.0 |"
    )
