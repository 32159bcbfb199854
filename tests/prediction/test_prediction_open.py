"""`pocketformer.open`: any text in, a label out, and a sentence for what is no text."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import pocketformer
from pocketformer.checks import SAMPLE_TEXTS
from pocketformer.errors import FileFormatError, InputError
from pocketformer.prediction import MAX_TEXT_BYTES, TextModel


@pytest.fixture(scope="module")
def model(finished: Path) -> TextModel:
    return pocketformer.open(finished / "tiny.int8.tflite")


def test_a_prediction_is_a_distribution_over_the_labels(model: TextModel) -> None:
    found = model("where is my card")
    assert found.label == "bank"
    assert found.score == max(found.scores.values())
    assert sum(found.scores.values()) == pytest.approx(1, abs=1e-5)
    assert tuple(found.scores) == model.labels == ("bank", "greeting")
    assert found.labels == ("bank",)


def test_short_texts_run_through_short_signatures(model: TextModel) -> None:
    assert model("hello").signatures == ("tokenize", "classify_16")
    assert model("hello " * 20).signatures == ("tokenize", "classify_32")


def test_a_long_text_is_read_from_its_beginning(model: TextModel) -> None:
    found = model("my card is lost " * 100)
    assert found.truncated
    assert not model("my card").truncated
    assert np.array_equal(found.logits, model("my card is lost " * 200).logits)


def test_bytes_and_text_are_the_same(model: TextModel) -> None:
    text = "café naïve 中文"
    assert np.array_equal(model(text).logits, model(text.encode()).logits)


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(content=st.binary(max_size=300))
def test_no_bytes_can_crash_a_file(model: TextModel, content: bytes) -> None:
    found = model(content)
    assert np.isfinite(found.logits).all()
    assert 0 <= found.score <= 1


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(seed=st.integers(0, 2**32 - 1))
def test_no_integers_can_crash_a_file(model: TextModel, seed: int) -> None:
    draw = np.random.default_rng(seed)
    for card in model.card.signatures:
        inputs = {
            tensor.name: draw.integers(-(2**31), 2**31 - 1, tensor.shape, dtype=np.int32)
            for tensor in card.inputs
        }
        for name, array in model.run(card.name, inputs).items():
            assert np.isfinite(array).all(), (card.name, name)


def test_every_sample_text_has_an_answer(model: TextModel) -> None:
    assert all(model(text).label in model.labels for text in SAMPLE_TEXTS)


def test_a_lone_surrogate_is_refused(model: TextModel) -> None:
    with pytest.raises(InputError, match=r"lone surrogate \(U\+D800\) at character 3"):
        model("ab\ud800")


def test_a_megabyte_is_refused(model: TextModel) -> None:
    with pytest.raises(InputError, match=r"1,000,000 bytes was given; texts of up to 262,144 bytes"):
        model("x" * 1_000_000)
    assert model("x" * MAX_TEXT_BYTES).truncated


def test_wrong_arrays_are_named(model: TextModel) -> None:
    ids = np.zeros((1, 16), np.int32)
    good = {"input_ids": ids, "attention_mask": ids, "token_type_ids": ids}
    with pytest.raises(InputError, match=r"no signature 'classify_99'; it has: classify"):
        model.run("classify_99", good)
    with pytest.raises(InputError, match=r"needs the input 'token_type_ids' \(int32 \[1, 16\]\)"):
        model.run("classify_16", {"input_ids": ids, "attention_mask": ids})
    with pytest.raises(InputError, match=r"'input_ids' of 'classify_16' is int64 \[1, 16\]; expected int32"):
        model.run("classify_16", {**good, "input_ids": ids.astype(np.int64)})
    with pytest.raises(InputError, match=r"pixels was given as well"):
        model.run("classify_16", {**good, "pixels": ids})


def test_files_that_cannot_be_opened(finished: Path, tmp_path: Path) -> None:
    with pytest.raises(FileFormatError, match=r"absent\.tflite does not exist"):
        pocketformer.open(tmp_path / "absent.tflite")
    with pytest.raises(
        FileFormatError, match=r"is of no known model format; expected a name ending in .*\.tflite"
    ):
        pocketformer.open(tmp_path / "model.h5")
    (tmp_path / "folder.tflite").mkdir()
    with pytest.raises(FileFormatError, match=r"folder\.tflite is a directory"):
        pocketformer.open(tmp_path / "folder.tflite")
    content = (finished / "tiny.int8.tflite").read_bytes()
    for part in (0.01, 0.3, 0.5, 0.9, 0.999):
        cut = tmp_path / "cut.tflite"
        cut.write_bytes(content[: int(len(content) * part)])
        with pytest.raises(FileFormatError, match=r"cut short or damaged"):
            pocketformer.open(cut)


RUNTIME_ALONE = """
import json, sys
import numpy as np
from ai_edge_litert.interpreter import Interpreter

interpreter = Interpreter(model_path=sys.argv[1])
run = interpreter.get_signature_runner("classify")
size = run.get_input_details()["text"]["shape"][1]
text = sys.argv[2].encode()
array = np.zeros((1, size), np.int32)
array[0, : len(text)] = list(text)
scores = run(text=array)["scores"][0].tolist()
print(json.dumps([scores, [name for name in sys.modules if name.startswith("pocketformer")]]))
"""


@pytest.mark.parametrize("precision", ["fp32", "fp16", "int8"])
def test_the_plain_runtime_runs_the_file_on_text_bytes(finished: Path, precision: str) -> None:
    path = finished / f"tiny.{precision}.tflite"
    command = [sys.executable, "-c", RUNTIME_ALONE, str(path), "where is my card"]
    printed = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    scores, ours = json.loads(printed.splitlines()[-1])
    assert ours == []
    assert scores == pytest.approx(
        list(pocketformer.open(path)("where is my card").scores.values()), abs=0.02
    )
