"""Bad tables are refused in one sentence that names the place and the cure."""

from __future__ import annotations

import sys

import pytest

from pocketformer.data import Columns, read_labeled_texts
from pocketformer.errors import DataError, MissingExtraError, RecipeError

GOOD = "text,label\na,x\nb,x\nc,y\nd,y\n"


def _refusal(folder, name, content, columns=None, **options):
    path = folder / name
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    with pytest.raises(DataError) as caught:
        read_labeled_texts(path, columns or Columns(), **options)
    sentence = str(caught.value)
    assert sentence.startswith(str(path))
    assert "\n" not in sentence
    return sentence


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("t.csv", b"", "is empty"),
        ("t.csv", b"\xef\xbb\xbf \n", "is empty"),
        ("t.csv", "text,label\n", "has the columns 'text', 'label' and no rows below them"),
        (
            "t.csv",
            "text,label\n ,x\nb,-1\nc,\n",
            "no row can be used; of 3, dropped: 1 with label id -1, 1 without label",
        ),
        ("t.csv", "text,label\na,x\nb,x\n", "every usable row has the label 'x'"),
        ("t.csv", GOOD + "e,z\nf,w\n", "2 labels with fewer than two usable rows: 'w' (1 row), 'z' (1 row)"),
        ("t.csv", GOOD + "e,z\nE,x\nf,z\n", "1 label with fewer than two usable rows: 'z' (1 row)"),
        ("t.csv", GOOD + "e,x,y\n", "row 6 has 3 fields, but row 1 has 2. Put a field"),
        ("t.csv", GOOD + "e\n", "row 6 has 1 field, but row 1 has 2"),
        ("t.tsv", GOOD.replace(",", "\t") + "e\tf\tx\n", "row 6 has 3 fields, but row 1 has 2. One tab"),
        ("t.csv", GOOD + '"e,x\nf,y\n', "the quotes in row 6 do not match"),
        ("t.csv", GOOD + '"e" f,x\n', "the quotes in row 6 do not match"),
        (
            "t.csv",
            GOOD + "e\0,x\n",
            "holds a NUL byte, which no text has: row 6 holds byte 0x00 at byte offset 28",
        ),
        ("t.csv", "id,label,n\n1,x,1\n2,y,2\n", "no text column was recognised among 'id', 'label', 'n'"),
        (
            "t.csv",
            "text,id,more\n1,x,y\n2,y,y\n",
            "no label column was recognised among 'text', 'id', 'more'",
        ),
        ("t.csv", "text,label,Label\na,x,y\n", "has 2 columns of one name: 'label', 'Label'"),
        ("t.parquet", b"PAR1 and no more", "cannot be read as Parquet"),
        ("t.jsonl", '{"text": "a", "label": "x"}\n{"text": "b"\n', "row 2 is not JSON"),
        ("t.jsonl", "[1, 2]\n", "row 1 is JSON but no object: '[1, 2]'"),
        ("t.jsonl", "[" * 100_000, "row 1 is not JSON"),
        (
            "t.jsonl",
            '{"text": 5, "label": "x"}\n',
            "row 1 has a value of type int in column 'text', expected text",
        ),
        (
            "t.jsonl",
            '{"text": "a", "label": {"x": 1}}\n',
            "row 1 has a value of type dict in column 'label', expected text, a number",
        ),
        (
            "t.jsonl",
            '{"text": "a\\ud800", "label": "x"}\n',
            "row 1 has the character U+D800 in column 'text'",
        ),
        (
            "t.jsonl",
            '{"text": "a\\u0000", "label": "x"}\n',
            "row 1 has the character U+0000 in column 'text'",
        ),
        ("t.xlsx", b"PK", "has the suffix '.xlsx', expected one of .csv, .tsv, .jsonl, .ndjson, .parquet"),
    ],
)
def test_a_table_that_cannot_be_used_is_refused_in_a_sentence(tmp_path, name, content, said):
    assert said in _refusal(tmp_path, name, content)


def test_bytes_that_are_not_utf8_are_located(tmp_path):
    content = b"\xef\xbb\xbf" + GOOD.encode() + "café,x\n".encode("latin-1")
    sentence = _refusal(tmp_path, "t.csv", content)
    assert "is not UTF-8: row 6 holds byte 0xE9 at byte offset 33. Save the file as UTF-8" in sentence
    assert content[33] == 0xE9


def test_a_spreadsheets_utf16_is_refused_at_its_first_byte(tmp_path):
    sentence = _refusal(tmp_path, "t.csv", GOOD.encode("utf-16"))
    assert "row 1 holds byte 0xFF at byte offset 0" in sentence


def test_a_directory_and_a_missing_file_are_named_with_what_is_there(tmp_path):
    (tmp_path / "train.csv").write_text(GOOD)
    with pytest.raises(DataError, match=r"is a directory, .* It holds 'train.csv'"):
        read_labeled_texts(tmp_path)
    with pytest.raises(DataError, match=r"trian.csv does not exist. Did you mean 'train.csv'\?"):
        read_labeled_texts(tmp_path / "trian.csv")
    with pytest.raises(DataError, match="does not exist"):
        read_labeled_texts(tmp_path / "no" / "where.csv")


def test_a_column_that_is_not_there_is_answered_with_those_that_are(tmp_path):
    sentence = _refusal(tmp_path, "t.csv", GOOD, Columns(label="lable", header=True))
    assert "has no column 'lable'; its columns are 'text', 'label'. Did you mean 'label'?" in sentence
    unusual = GOOD.replace("text,label", "phrase,mood")
    sentence = _refusal(tmp_path, "t.csv", unusual, Columns(text="phrases", label="moods"))
    assert "has no column 'phrases'; its columns are 'phrase', 'mood'. Did you mean 'phrase'?" in sentence
    sentence = _refusal(tmp_path, "t.csv", GOOD, Columns(text="label", label="label"))
    assert "the column 'label' is named as the text and as the label" in sentence


def test_an_empty_separator_is_refused():
    with pytest.raises(RecipeError, match="separator is ''"):
        Columns(separator="")


def test_parquet_without_pyarrow_says_what_to_install(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    (tmp_path / "t.parquet").write_bytes(b"PAR1")
    with pytest.raises(MissingExtraError, match=r"pocketformer\[train\]"):
        read_labeled_texts(tmp_path / "t.parquet")
