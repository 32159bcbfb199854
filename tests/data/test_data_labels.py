"""Label ids, label names, several labels per row, and the label set of a test table."""

from __future__ import annotations

import numpy as np
import pytest

from pocketformer.data import Columns, read_labeled_texts
from pocketformer.errors import DataError


def _read(folder, rows, columns=None, name="t.csv", **options):
    path = folder / name
    path.write_text("\n".join(rows) + "\n", encoding="utf-8")
    return read_labeled_texts(path, columns or Columns(), **options)


def test_integers_become_names_in_numeric_order(tmp_path):
    rows = [f"text {number},{number % 11}" for number in range(22)]
    data, _ = _read(tmp_path, ["text,label", *rows])
    assert data.labels == tuple(str(number) for number in range(11))
    assert data.targets.tolist() == [number % 11 for number in range(22)]


def test_integers_written_as_floats_are_the_same_labels(tmp_path):
    data, intake = _read(tmp_path, ["text,label", "a,1.0", "b,1", "c,0.0", "d,0", "e,-1.0"])
    assert data.labels == ("0", "1")
    assert intake.dropped == {"label id -1": 1}


def test_codes_with_leading_zeros_are_names(tmp_path):
    data, _ = _read(tmp_path, ["text,label", "a,010", "b,010", "c,9", "d,9"])
    assert data.labels == ("010", "9")


def test_names_are_sorted_and_stripped(tmp_path):
    data, _ = _read(tmp_path, ["text,label", "a, spam ", "b,spam", "c,ham", "d,ham"])
    assert data.labels == ("ham", "spam")


@pytest.mark.parametrize(
    "header",
    ["text,label_id,label", "text,label id,label name", "text,label,label_text", "text,Category-ID,category"],
)
def test_names_beside_ids_are_the_labels_in_the_order_of_the_ids(tmp_path, header):
    rows = ["a,10,alpha", "b,10,alpha", "c,9,zeta", "d,9,zeta", "e,-1,none", "f,-1,"]
    data, intake = _read(tmp_path, [header, *rows])
    assert data.labels == ("zeta", "alpha")
    assert data.targets.tolist() == [1, 1, 0, 0]
    assert intake.dropped == {"label id -1": 2}


@pytest.mark.parametrize(
    ("row", "said"),
    [
        ("c,1,gamma", r"label id 1 has two names, 'beta' \(row 3\) and 'gamma' \(row 4\)"),
        ("c,2,beta", r"label name 'beta' stands for two ids, 1 \(row 3\) and 2 \(row 4\)"),
        ("c,1,", r"row 4 has 1 label id \(1\) and 0 label names beside it"),
    ],
)
def test_ids_and_names_that_do_not_pair_are_refused(tmp_path, row, said):
    with pytest.raises(DataError, match=said):
        _read(tmp_path, ["text,label_id,label_name", "a,0,alpha", "b,1,beta", row])


def test_a_name_column_can_be_declined(tmp_path):
    rows = ["text,label,label_text", "a,0,because", "b,0,no idea", "c,1,well", "d,1,so"]
    data, intake = _read(tmp_path, rows, Columns(label="label", label_name="label"))
    assert data.labels == ("0", "1")
    assert intake.label_name_column is None


def test_columns_the_caller_names_are_not_found_a_second_time(tmp_path):
    rows = ["title,body,label,kind_id", "a,one,x,0", "a,two,x,0", "b,three,y,1", "b,four,y,1"]
    data, intake = _read(tmp_path, rows, Columns(label="title"))
    assert (intake.text_column, intake.label_column, data.labels) == ("body", "title", ("a", "b"))
    _, intake = _read(tmp_path, rows, Columns(text="body", label="kind_id", label_name="label"))
    assert intake.label_counts == {"x": 2, "y": 2}


def test_a_separator_makes_a_multi_label_table(tmp_path):
    rows = ["text,tags", "a,x | y", "b,y|y", "c,x|z", "d,z", "e,"]
    data, intake = _read(tmp_path, rows, Columns(separator="|"))
    assert data.multi_label
    assert data.labels == ("x", "y", "z")
    assert data.targets.dtype == np.float32
    assert data.targets.tolist() == [[1, 1, 0], [0, 1, 0], [1, 0, 1], [0, 0, 1]]
    assert data.counts() == {"x": 2, "y": 2, "z": 2}
    assert intake.dropped == {"no label": 1}


def test_lists_in_json_lines_make_a_multi_label_table(tmp_path):
    rows = [
        '{"text": "a", "labels": ["x", "y"]}',
        '{"text": "b", "labels": []}',
        '{"text": "c", "labels": ["y", "x"]}',
        '{"text": "A", "labels": ["y", "x"]}',
        '{"text": "d", "labels": [true, null]}',
        '{"text": "e", "labels": [true]}',
        '{"text": "f"}',
    ]
    data, intake = _read(tmp_path, rows, name="t.jsonl")
    assert data.labels == ("true", "x", "y")
    assert data.texts == ("a", "c", "d", "e")
    assert intake.dropped == {"no label": 2, "duplicate": 1}


def test_multi_label_conflicts_show_the_whole_label_sets(tmp_path):
    rows = ["text,tags", "a,x;y", "A,y", "b,x", "c,y", "d,x", "e,y"]
    _, intake = _read(tmp_path, rows, Columns(separator=";"))
    assert intake.conflicts[0].labels == ("x + y", "y")
    assert intake.dropped == {"conflicting label": 2}


def test_ids_and_names_split_together(tmp_path):
    rows = ["text,label_id,label_name", "a,1|0,one|zero", "b,0,zero", "c,1,one"]
    data, _ = _read(tmp_path, rows, Columns(separator="|"))
    assert data.labels == ("zero", "one")
    assert data.targets.tolist() == [[1, 1], [1, 0], [0, 1]]


def test_a_test_table_keeps_to_the_labels_of_the_training_table(tmp_path):
    labels = ("put", "take", "go")
    data, _ = _read(tmp_path, ["text,label", "a,take"], labels=labels)
    assert data.labels == labels
    assert data.targets.tolist() == [1]
    assert data.counts() == {"put": 0, "take": 1, "go": 0}
    with pytest.raises(
        DataError, match=r"row 3 has the label 'tkae', .* are 'put', 'take', 'go'. Did you mean 'take'\?"
    ):
        _read(tmp_path, ["text,label", "a,take", "b,tkae"], labels=labels)
    numbers, _ = _read(tmp_path, ["text,label", "a,1.0"], labels=("0", "1"))
    assert numbers.targets.tolist() == [1]


def test_conflicts_beyond_twenty_are_counted_but_not_all_kept(tmp_path):
    rows = [f"t{number},{label}" for number in range(25) for label in "xy"]
    _, intake = _read(tmp_path, ["text,label", "a,x", "b,x", "c,y", "d,y", *rows])
    assert (intake.conflict_count, len(intake.conflicts)) == (25, 20)
    assert intake.dropped == {"conflicting label": 50}
    assert "and 22 more" in intake.sentences()[-1]
