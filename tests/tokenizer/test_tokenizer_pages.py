"""The character table reads UTF-8 as Python does, and its pages lie over each other where they agree."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from pocketformer.tokenizer.overlap import overlap_rows
from pocketformer.tokenizer.pages import INVALID_CLASS, build_pages
from pocketformer.tokenizer.stages.characters import character_classes

POINTS = 0x110000
SURROGATES = slice(0xD800, 0xE000)
# Borders of UTF-8's lengths, and of pages, whose neighbours have other classes.
BORDERS = [
    0,
    0x7F,
    0x80,
    0x7FF,
    0x800,
    0xFFF,
    0x1000,
    0xD7FF,
    0xE000,
    0xFFFF,
    0x10000,
    0x3FFFF,
    0x40000,
    0x10FFFF,
]


@pytest.fixture(scope="module")
def classes() -> np.ndarray:
    """Classes in runs and alone, as a vocabulary gives them, with every border told apart."""
    draw = np.random.default_rng(0)
    made = np.repeat(draw.integers(0, 4, POINTS // 256), 256).astype(np.int32)
    some = draw.integers(0, POINTS, 4000)
    made[some] = draw.integers(4, 2000, len(some))
    made[BORDERS] = 3000 + np.arange(len(BORDERS))
    made[SURROGATES] = INVALID_CLASS
    return made


@pytest.fixture(scope="module")
def pages(classes: np.ndarray) -> torch.Tensor:
    return torch.from_numpy(build_pages(classes))


def read(pages: torch.Tensor, content: bytes) -> list[int]:
    """Return the class of the character that starts at each byte."""
    data = torch.tensor(list(content), dtype=torch.int32)
    return character_classes(data, lambda _, index: pages[index.long()]).tolist()


def expected(classes: np.ndarray, content: bytes) -> list[int]:
    found = []
    for start in range(len(content)):
        characters = [_decoded(content[start : start + size]) for size in range(1, 5)]
        valid = next((one for one in characters if one is not None), None)
        found.append(INVALID_CLASS if valid is None else int(classes[valid]))
    return found


def _decoded(piece: bytes) -> int | None:
    try:
        return ord(piece.decode("utf-8"))
    except (UnicodeDecodeError, TypeError):
        return None


def test_every_character_has_its_class(pages: torch.Tensor, classes: np.ndarray) -> None:
    points = np.delete(np.arange(POINTS), SURROGATES)
    for some in np.array_split(points, 8):
        text = "".join(map(chr, some)).encode("utf-8")
        first_bytes = np.flatnonzero((np.frombuffer(text, np.uint8) & 0xC0) != 0x80)
        found = np.array(read(pages, text))
        assert np.array_equal(found[first_bytes], classes[some])
        assert np.count_nonzero(found) == np.count_nonzero(found[first_bytes])


@given(st.binary(min_size=1, max_size=12))
def test_any_bytes_are_read_as_python_reads_them(
    pages: torch.Tensor, classes: np.ndarray, content: bytes
) -> None:
    assert read(pages, content) == expected(classes, content)


@pytest.mark.parametrize("point", [*BORDERS, 0x110000 - 64])
@pytest.mark.parametrize("kept", [1, 2, 3])
def test_a_cut_or_damaged_character_is_invalid(
    pages: torch.Tensor, classes: np.ndarray, point: int, kept: int
) -> None:
    character = chr(point).encode("utf-8")
    for content in (
        character[:kept],
        character[:kept] + b"A",
        character[:kept] + b"\xff",
        b"\xf0" + character,
    ):
        assert read(pages, content) == expected(classes, content)


rows = st.integers(1, 6).flatmap(
    lambda size: st.lists(st.tuples(*[st.integers(0, 2)] * size), unique=True, max_size=30)
)


@given(rows)
def test_every_row_stands_where_it_is_said_to(rows: list[tuple[int, ...]]) -> None:
    array, starts = overlap_rows(rows)
    assert starts.keys() == set(rows)
    assert all(tuple(array[start : start + len(row)]) == row for row, start in starts.items())
    assert len(array) <= sum(map(len, rows))


def test_rows_share_their_ends() -> None:
    array, _ = overlap_rows([(7, 7, 7, 1), (2, 7, 7, 7), (7, 1, 9, 9)])
    assert array == [2, 7, 7, 7, 1, 9, 9]
