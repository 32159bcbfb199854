"""Texts in Kotlin and in Android's resources."""

from __future__ import annotations

import pytest

from pocketformer.apps.android.literals import android_string, kotlin


@pytest.mark.parametrize(
    ("text", "literal"),
    [
        ("plain", '"plain"'),
        ('say "hi"', r'"say \"hi\""'),
        ("${x} $y", r'"\${x} \$y"'),
        ("a\\nb", r'"a\\nb"'),
        ("a\nb\r\t\0", r'"a\nb\r\t\u0000"'),
        ("越过 é 😀", '"越过 é 😀"'),
        ("\u202e\U000e0001", r'"\u202e\udb40\udc01"'),  # turns the direction of text; a language tag
    ],
)
def test_a_kotlin_literal(text: str, literal: str) -> None:
    assert kotlin(text) == literal


@pytest.mark.parametrize(
    ("text", "content"),
    [
        ("Shop Notices", "Shop Notices"),
        ("Tom & Jerry's <b>", r"Tom &amp; Jerry\'s &lt;b&gt;"),
        ('a "b" \\', r"a \"b\" \\"),
        ("@string/x", r"\@string/x"),
        ("?attr", r"\?attr"),
        ("a@b?", "a@b?"),
        (" a  b ", r"\u0020a \u0020b\u0020"),
        ("a\nb\u202e", r"a\nb\u202e"),
        ("", ""),
    ],
)
def test_a_string_of_resources(text: str, content: str) -> None:
    assert android_string(text) == content
