"""A file for MediaPipe: what stands in it, who is refused, and what its TextClassifier makes of it."""

from __future__ import annotations

import json
import subprocess
import zipfile
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from pocketformer.errors import ExportError
from pocketformer.program import Program, Shapes
from pocketformer.targets import ExportOptions, TensorCard, target_of
from pocketformer.targets.litert.mediapipe import write_mediapipe
from runtime_matrix import NoEnvironmentError, Runtime, environment
from tiny import tiny_checkpoint, tiny_classifier, tiny_vocab

litert = target_of("x.tflite")
LABELS = ("card", "money", "the rest")

_CLASSIFY = """
import json, sys
from mediapipe.tasks.python import BaseOptions, text
options = text.TextClassifierOptions(base_options=BaseOptions(model_asset_path=sys.argv[1]))
with text.TextClassifier.create_from_options(options) as classifier:
    found = [classifier.classify(one).classifications[0].categories for one in json.loads(sys.argv[2])]
print(json.dumps([{one.category_name: one.score for one in categories} for categories in found]))
"""


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny_classifier(tmp_path_factory.mktemp("mediapipe") / "checkpoint", LABELS)


@pytest.fixture(scope="module")
def program(checkpoint: Path) -> Program:
    return Program.from_checkpoint(str(checkpoint), Shapes((16, 32), 128))


@pytest.fixture(scope="module")
def written(program: Program, checkpoint: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("written")
    paths = {precision: folder / f"notices.{precision}.tflite" for precision in ("fp32", "int8")}
    for precision, path in paths.items():
        write_mediapipe(program, precision, path, checkpoint)
    return paths


def test_one_signature_takes_ids_at_the_full_length_and_gives_scores(written: dict[str, Path]) -> None:
    card = litert.describe(written["fp32"])
    (signature,) = card.signatures
    assert {tensor.name: tensor.shape for tensor in signature.inputs} == {
        "input_ids": (1, 32),
        "attention_mask": (1, 32),
        "token_type_ids": (1, 32),
    }
    assert signature.outputs == (TensorCard("scores", "float32", (1, 3)),)
    assert (card.labels, card.metadata["lengths"], card.foreign_operations) == (LABELS, [32], ())
    assert (card.runtime.release, card.runtime.stated) == ("2.9.0", "2.9.0")
    assert litert.describe(written["int8"]).runtime.release == "2.18.0"


def test_vocabulary_and_labels_stand_behind_the_model_for_any_unzip(written: dict[str, Path]) -> None:
    for path in written.values():
        with zipfile.ZipFile(path) as archive:
            assert archive.testzip() is None
            assert archive.read("vocab.txt").decode().split("\n") == [*tiny_vocab(), ""]
            assert archive.read("labels.txt").decode().split("\n") == [*LABELS, ""]
            assert all(info.compress_type == zipfile.ZIP_STORED for info in archive.infolist())


def test_the_vocabulary_is_made_from_tokenizer_json_too(
    program: Program, checkpoint: Path, tmp_path: Path
) -> None:
    assert (checkpoint / "tokenizer.json").is_file()
    write_mediapipe(program, "fp32", tmp_path / "a.tflite", checkpoint / "tokenizer.json")
    with zipfile.ZipFile(tmp_path / "a.tflite") as archive:
        assert archive.read("vocab.txt").decode().splitlines() == tiny_vocab()


def test_who_cannot_be_fed_by_mediapipe_is_refused(
    program: Program, checkpoint: Path, tmp_path: Path
) -> None:
    path = tmp_path / "out" / "model.tflite"
    path.parent.mkdir()
    cased = tiny_checkpoint(tmp_path / "cased", do_lower_case=False)
    with pytest.raises(ExportError, match=r"lowercases every text, and .*cased tells upper from lower case"):
        write_mediapipe(program, "fp32", path, cased)
    with pytest.raises(ExportError, match=r"needs a classifier; this checkpoint is a tokenizer\."):
        write_mediapipe(Program.of_tokenizer(str(checkpoint)), "fp32", path, checkpoint)
    with pytest.raises(ExportError, match="needs the signature 'classify_32', and this program has tokenize"):
        write_mediapipe(program.only("tokenize"), "fp32", path, checkpoint)
    named = replace(program, metadata={**program.metadata, "labels": ["one\ntwo", "three", "four"]})
    with pytest.raises(ExportError, match=r"one label a line; 'one\\ntwo' cannot be one"):
        write_mediapipe(named, "fp32", path, checkpoint)
    with pytest.raises(ExportError, match=r"EMBEDDING_LOOKUP version 4 .* needs 2\.18\.0"):
        write_mediapipe(program, "int8", path, checkpoint, ExportOptions("2.9"))
    assert list(path.parent.iterdir()) == []


@pytest.mark.slow
@pytest.mark.parametrize("precision", ["fp32", "int8"])
def test_mediapipe_gives_the_scores_of_our_own_file(
    written: dict[str, Path], program: Program, tmp_path: Path, precision: str
) -> None:
    try:
        python = environment(Runtime("mediapipe", "1.2.2", ""))
    except NoEnvironmentError as error:
        pytest.skip(str(error))
    texts = [
        "Hello WORLD, the card is lost!",
        "how can you account my money",
        "a",
        "where? when... 42 (please)",
    ]
    ours = tmp_path / "ours.tflite"
    litert.export(program.only("classify"), precision, ours)
    session = litert.open(ours)
    command = [str(python), "-c", _CLASSIFY, str(written[precision]), json.dumps(texts)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    theirs = json.loads(done.stdout.strip().splitlines()[-1])
    spread = []
    for text, scores in zip(texts, theirs, strict=True):
        encoded = np.zeros((1, 128), np.int32)
        encoded[0, : len(text)] = list(text.encode("ascii"))
        expected = session.run("classify", {"text": encoded})["scores"][0]
        assert set(scores) == set(LABELS)
        assert np.allclose([scores[label] for label in LABELS], expected, atol=1e-3)
        spread.append(scores[LABELS[0]])
    assert np.ptp(spread) > 0.01  # other texts, other scores
