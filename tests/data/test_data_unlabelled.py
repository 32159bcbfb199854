"""Texts without labels: lines or a column, each once, none that is held out."""

from __future__ import annotations

from pathlib import Path

import pytest

from pocketformer.data import Columns, new_texts, read_texts
from pocketformer.errors import DataError


def test_lines_and_columns_give_the_same_texts(tmp_path: Path) -> None:
    texts = ("where is it", "it's lost, twice", "où ?")
    (tmp_path / "a.txt").write_text("where is it\n\nit's lost, twice\nWhere  is it\noù ?\n", "utf-8")
    (tmp_path / "b.csv").write_text('text\nwhere is it\n"it\'s lost, twice"\noù ?\n', "utf-8")
    (tmp_path / "c.csv").write_text(
        'id,query,label\n1,where is it,x\n2,"it\'s lost, twice",\n3,où ?,y\n', "utf-8"
    )
    (tmp_path / "d.csv").write_text('id,words\n1,where is it\n2,"it\'s lost, twice"\n3,où ?\n', "utf-8")
    for name in ("a.txt", "b.csv", "c.csv"):
        assert read_texts(tmp_path / name) == texts
    assert read_texts(tmp_path / "d.csv", Columns(text="words")) == texts


def test_held_out_texts_and_repetitions_are_left_out() -> None:
    given = ["A card", "a  CARD", "money", "", "Lost"]
    assert new_texts(given, ("lost",), ("other",)) == ("A card", "money")


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("none.txt", None, "does not exist"),
        ("empty.txt", b"\n  \n", "holds no text"),
        ("latin.txt", "où".encode("latin-1"), "not UTF-8"),
        ("other.csv", b"a,b,c\n1,2,3\n", "text"),
    ],
)
def test_what_cannot_be_read_is_a_sentence(
    tmp_path: Path, name: str, content: bytes | None, said: str
) -> None:
    if content is not None:
        (tmp_path / name).write_bytes(content)
    with pytest.raises(DataError, match=said):
        read_texts(tmp_path / name)
