"""The four formats, headers, quotes, and column names."""

from __future__ import annotations

import json

import numpy as np
import pyarrow
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pyarrow import parquet

from pocketformer.data import Columns, read_labeled_texts
from pocketformer.errors import DataError

TEXTS = ("put it on", "take it off", "put it back", "take it away")
LABELS = ("put", "take", "put", "take")
COLUMNS = {"text": list(TEXTS), "label": list(LABELS)}


def _write(folder, name, content):
    path = folder / name
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


def _lines(separator, header=True):
    rows = zip(TEXTS, LABELS, strict=True)
    return "".join(
        f"{line}\n" for line in ([f"text{separator}label"] * header + [separator.join(row) for row in rows])
    )


def _jsonl():
    rows = ({"text": text, "label": label} for text, label in zip(TEXTS, LABELS, strict=True))
    return "".join(json.dumps(row) + "\n" for row in rows)


def _parquet(path, columns):
    parquet.write_table(pyarrow.table(columns), path)
    return path


def _same(result):
    data, intake = result
    assert data.texts == TEXTS
    assert [data.labels[target] for target in data.targets] == list(LABELS)
    assert (intake.text_column, intake.label_column) == ("text", "label")
    return intake


@pytest.mark.parametrize("suffix", [".csv", ".CSV", ".tsv", ".jsonl", ".ndjson", ".parquet"])
def test_every_format_reads_the_same(tmp_path, suffix):
    path = tmp_path / f"table{suffix}"
    if suffix == ".parquet":
        _parquet(path, COLUMNS)
    else:
        path.write_text({".csv": _lines(","), ".tsv": _lines("\t")}.get(suffix.lower(), _jsonl()))
    assert _same(read_labeled_texts(path)).header


@pytest.mark.parametrize("suffix", [".csv", ".tsv", ".jsonl"])
@pytest.mark.parametrize("line_end", ["\r\n", "\n"])
def test_a_byte_order_mark_and_windows_line_ends_are_accepted(tmp_path, suffix, line_end):
    content = {".csv": _lines(","), ".tsv": _lines("\t"), ".jsonl": _jsonl()}[suffix]
    path = _write(tmp_path, f"t{suffix}", b"\xef\xbb\xbf" + content.replace("\n", line_end).encode())
    _same(read_labeled_texts(path))


@pytest.mark.parametrize(("suffix", "separator"), [(".tsv", "\t"), (".csv", ","), (".csv", ";")])
def test_two_columns_without_a_header_are_read_from_the_first_row(tmp_path, suffix, separator):
    path = _write(tmp_path, f"t{suffix}", _lines(separator, header=False))
    intake = _same(read_labeled_texts(path))
    assert not intake.header
    assert "first row was read as data" in intake.sentences()[1]


def test_half_a_header_is_not_guessed(tmp_path):
    path = _write(
        tmp_path, "t.tsv", "how are you\tquestion\nall well\tanswer\nwho is it\tquestion\nme\tanswer\n"
    )
    with pytest.raises(DataError, match=r"row 1 \('how are you', 'question'\) may be a header or data"):
        read_labeled_texts(path)
    data, _ = read_labeled_texts(path, Columns(header=False))
    assert data.labels == ("answer", "question")
    assert len(data) == 4


def test_unusual_column_names_are_named_by_the_caller(tmp_path):
    path = _write(tmp_path, "t.csv", _lines(",").replace("text,label", "phrase,mood"))
    with pytest.raises(DataError, match=r"'mood' \(1 row\).*if it is a header, set `header` to true"):
        read_labeled_texts(path)
    data, intake = read_labeled_texts(path, Columns(text="phrase", label="mood"))
    assert (len(data), intake.header) == (4, True)


def test_columns_of_a_wide_table_without_header_are_numbered(tmp_path):
    path = _write(tmp_path, "t.tsv", "1\tgo on\tyes\n2\tstop it\tno\n3\tgo\tyes\n4\tstop\tno\n")
    data, _ = read_labeled_texts(path, Columns(text="column 2", label="column 3", header=False))
    assert data.texts == ("go on", "stop it", "go", "stop")
    with pytest.raises(
        DataError, match=r"no text column was recognised among '1', 'go on', 'yes'.*`header` to false"
    ):
        read_labeled_texts(path)


@pytest.mark.parametrize(
    "name", ["label_id", "label id", "Label-ID", "LABELID", "class_id", "category", "Intent"]
)
def test_the_label_column_is_found_whatever_its_spelling(tmp_path, name):
    path = _write(tmp_path, "t.csv", _lines(",").replace("text,label", f"Sentence,{name}"))
    data, intake = read_labeled_texts(path)
    assert len(data) == 4
    assert intake.label_column == name


def test_quotes_in_a_tsv_are_ordinary_signs_unless_they_wrap_a_whole_field(tmp_path):
    rows = ['"a" and b\tx', '"just quoted"\tx', '"say ""yes"" now"\ty', '"open end\ty']
    data, _ = read_labeled_texts(_write(tmp_path, "t.tsv", "text\tlabel\n" + "\n".join(rows)))
    assert data.texts == ('"a" and b', "just quoted", 'say "yes" now', '"open end')


def test_separators_inside_lines_do_not_break_rows(tmp_path):
    odd = "one\u2028two\x0bthree\x85four\x0cfive"
    for name, line in [
        ("a.tsv", f"text\tlabel\n{odd}\tx\nb\tx\nc\ty\nd\ty\n"),
        ("a.csv", f"text,label\n{odd},x\nb,x\nc,y\nd,y\n"),
        (
            "a.jsonl",
            "".join(f'{{"text": "{t}", "label": "{t in "cd"}"}}\n' for t in ("one\u2028two", *"bcd")),
        ),
    ]:
        data, _ = read_labeled_texts(_write(tmp_path, name, line))
        assert len(data) == 4


def test_a_field_beyond_the_csv_limit_is_read(tmp_path):
    long = "long " * 40_000
    data, intake = read_labeled_texts(_write(tmp_path, "t.csv", _lines(",") + f'"{long}",put\n'))
    assert data.texts[-1] == long
    assert intake.max_text_bytes == len(long)


def test_blank_lines_are_skipped_and_rows_keep_their_line_numbers(tmp_path):
    path = _write(tmp_path, "t.csv", 'text,label\n\n"a\nb",x\n\nc,y\n  \nd,z,\n')
    with pytest.raises(DataError, match="row 8 has 3 fields, but row 1 has 2"):
        read_labeled_texts(path)


def test_a_parquet_reads_only_what_it_needs_and_numbers_its_rows(tmp_path):
    table = {**COLUMNS, "label": [0, 1, None, 1], "label_text": ["put", "take", None, "take"]}
    table["vector"] = [np.zeros(3).tolist()] * 4
    with pytest.raises(DataError, match=r"'put' \(1 row\)"):
        read_labeled_texts(_parquet(tmp_path / "t.parquet", table))
    table["label"], table["label_text"] = [0.0, 1.0, 0.0, float("nan")], ["put", "take", "put", None]
    test_data, intake = read_labeled_texts(_parquet(tmp_path / "t.parquet", table), labels=("put", "take"))
    assert len(test_data) == 3
    assert intake.dropped == {"no label": 1}
    assert intake.label_name_column == "label_text"


plain = st.text(st.characters(codec="utf-8", exclude_characters="\0\r"), min_size=1).filter(str.strip)


@given(st.lists(plain, min_size=2, max_size=8, unique_by=lambda text: "".join(text.casefold().split())))
def test_any_text_survives_the_way_through_a_csv(tmp_path_factory, texts):
    import csv

    path = tmp_path_factory.mktemp("t") / "t.csv"
    with path.open("w", encoding="utf-8", newline="") as stream:
        csv.writer(stream).writerows([("text", "label"), *((text, "x") for text in texts)])
    data, intake = read_labeled_texts(path, labels=("x", "y"))
    assert set(data.texts) <= set(texts)
    assert len(data) + intake.duplicates == len(texts)


@given(
    content=st.binary(max_size=60) | st.text(st.sampled_from('text,label\n"{}:[]-1\t;\ufeff\0a'), max_size=60)
)
@pytest.mark.parametrize("suffix", [".csv", ".tsv", ".jsonl", ".parquet"])
def test_any_bytes_are_read_or_refused_in_a_sentence(tmp_path_factory, suffix, content):
    path = _write(tmp_path_factory.mktemp("t"), f"t{suffix}", content)
    sentence = ""
    try:
        data, intake = read_labeled_texts(path)
        assert intake.kept == len(data) >= 2
    except DataError as error:
        sentence = str(error)
    assert not sentence or (sentence.startswith(str(path)) and sentence.endswith((".", "?")))
