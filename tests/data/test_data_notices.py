"""The committed messy table: every fault in it is counted, and nothing else is lost."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path

import numpy as np

from pocketformer.data import read_labeled_texts

MESSY = Path(__file__).parents[2] / "examples" / "notices" / "messy.csv"


def test_every_row_of_the_messy_table_is_accounted_for():
    data, intake = read_labeled_texts(MESSY)
    assert (intake.rows, intake.kept, len(data)) == (60, 42, 42)
    assert intake.dropped == {
        "label id -1": 4,
        "no label": 3,
        "no text": 3,
        "duplicate": 4,
        "conflicting label": 4,
    }
    assert intake.duplicates == 4
    assert intake.kept + sum(intake.dropped.values()) == intake.rows
    assert data.labels == ("condition", "constraint", "notice", "process")
    assert intake.label_counts == {"condition": 10, "constraint": 10, "notice": 11, "process": 11}
    assert data.targets.dtype == np.int64
    assert not data.multi_label


def test_the_messy_table_names_its_conflicts_with_the_lines_an_editor_shows():
    _, intake = read_labeled_texts(MESSY)
    assert intake.conflict_count == 2
    assert [conflict.labels for conflict in intake.conflicts] == [
        ("constraint", "process"),
        ("condition", "constraint"),
    ]
    # Two texts hold line breaks, so the 52nd and 59th data rows start three lines further down.
    assert [conflict.rows for conflict in intake.conflicts] == [(14, 44 + 1), (55, 62)]


def test_the_messy_table_is_told_in_sentences():
    _, intake = read_labeled_texts(MESSY)
    rows, columns, labels, conflicts = intake.sentences()
    assert rows == (
        "60 rows read, 42 kept; dropped: 4 with label id -1, 3 without label, 3 without text, "
        "4 duplicates, 4 with conflicting labels."
    )
    assert (
        columns == "Texts from column 'Text', labels from column 'label id' with the names in 'label name'."
    )
    assert labels.startswith("4 labels: from 10 rows ('condition') to 11 rows ('notice')")
    assert (
        "'Keep candles 30 cm or more away from the curtains.' (row 14: 'constraint', row 45: 'process')"
        in conflicts
    )


def test_texts_are_kept_as_they_stand():
    data, _ = read_labeled_texts(MESSY)
    assert 'Click "File", then "Save as", and type a new name.' in data.texts
    assert "Replace the fuse\nif the pilot light stays dark." in data.texts
    assert "刚开机时，风扇会发出轻微的响声。" in data.texts


def test_the_intake_can_be_written_as_json():
    _, intake = read_labeled_texts(MESSY)
    restored = json.loads(json.dumps(dataclasses.asdict(intake)))
    assert restored["path"] == str(MESSY)
    assert len(restored["sha256"]) == 64
    assert restored["conflicts"][0]["rows"] == [14, 45]
