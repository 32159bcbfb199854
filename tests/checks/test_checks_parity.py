"""A verdict names what is wrong: tokens, logits, labels or accuracy."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import pocketformer
from pocketformer.checks import TOLERANCES, Outputs, Reference, hardest_mistakes, judge, tolerance_for
from pocketformer.checks.parity import compare
from pocketformer.checks.reference import as_scores
from pocketformer.data import LabeledTexts
from pocketformer.errors import RecipeError

TEXTS = ["where is my card", "hello world", "the café is not naïve", "", "[SEP] money 中文 €"]


@pytest.fixture(scope="module")
def reference(finished: Path) -> Outputs:
    return Reference(str(finished / "checkpoint"), max_bytes=128, max_length=32).run(TEXTS)


def test_a_float32_file_is_the_pytorch_model(finished: Path, reference: Outputs) -> None:
    verdict, outputs = judge(finished / "tiny.fp32.tflite", TEXTS, reference)
    assert verdict.passed
    assert verdict.parity.token_mismatches == 0
    assert verdict.parity.max_logit_error <= 1e-4
    assert verdict.parity.top1_agreement == 1
    assert np.array_equal(outputs.input_ids, reference.input_ids)


def test_every_signature_is_compared(finished: Path, reference: Outputs) -> None:
    verdict, _ = judge(finished / "tiny.fp32.tflite", TEXTS, reference)
    assert set(verdict.parity.signatures) == {
        "classify", "tokenize", "classify_16", "classify_32", "serving_default",
    }  # fmt: skip
    assert max(verdict.parity.signatures.values()) <= 1e-4


def changed(reference: Outputs, **fields: np.ndarray) -> Outputs:
    return Outputs(
        **{
            name: fields.get(name, getattr(reference, name))
            for name in ("input_ids", "attention_mask", "logits", "scores")
        }
    )


def test_each_kind_of_miss_is_told(finished: Path, reference: Outputs) -> None:
    path = finished / "tiny.fp32.tflite"
    ids = reference.input_ids.copy()
    ids[1, 1] += 1
    logits = reference.logits.copy()
    logits[0] = logits[0][::-1] + 1
    verdict, _ = judge(path, TEXTS, changed(reference, input_ids=ids, logits=logits))
    told = " ".join(verdict.misses)
    assert not verdict.passed
    assert "Token ids differ from Hugging Face's in 1 of 5 texts, first in 'hello world'" in told
    assert "largest logit error" in told
    assert "The signature classify is off by" in told


def test_lost_accuracy_is_a_miss(finished: Path, reference: Outputs) -> None:
    """PyTorch's answers are taken as the truth, and its logits then bent so that the file disagrees."""
    bent = reference.logits.copy()
    bent[:2] = bent[:2, ::-1]
    targets = bent.argmax(axis=1)
    verdict, _ = judge(finished / "tiny.fp32.tflite", TEXTS, changed(reference, logits=bent), targets)
    assert any(
        "Accuracy falls from 100.00% in PyTorch to 60.00% in the file" in miss for miss in verdict.misses
    )


def test_errors_are_measured_as_defined(finished: Path, reference: Outputs) -> None:
    model = pocketformer.open(finished / "tiny.fp32.tflite")
    file = changed(reference, logits=reference.logits * 1.1)
    parity = compare(model, TEXTS, file, reference)
    assert parity.mean_relative_error == pytest.approx(0.1, rel=1e-4)
    assert parity.max_relative_error == pytest.approx(0.1, rel=1e-4)
    assert parity.max_logit_error == pytest.approx(0.1 * np.abs(reference.logits).max(), rel=1e-4)


def test_nothing_counts_as_kept_when_a_file_gives_no_number(finished: Path, reference: Outputs) -> None:
    broken = changed(reference, logits=np.full_like(reference.logits, np.nan))
    verdict, _ = judge(finished / "tiny.fp32.tflite", TEXTS, broken)
    assert not verdict.passed


def test_unknown_precision() -> None:
    assert set(TOLERANCES) == {"fp32", "fp16", "int8", "int4", "palette4"}
    with pytest.raises(RecipeError, match="'int7'"):
        tolerance_for("int7")


def test_scores_of_logits() -> None:
    logits = np.array([[1000.0, 0.0], [0.0, 0.0]], np.float32)
    assert np.allclose(as_scores(logits, multi_label=False), [[1, 0], [0.5, 0.5]])
    assert np.allclose(as_scores(np.array([[0.0, 2.0]], np.float32), multi_label=True), [[0.5, 0.880797]])


def test_mistakes_come_with_the_most_confident_first() -> None:
    data = LabeledTexts(("a", "b", "c"), np.array([0, 1, 1]), ("x", "y"), multi_label=False)
    scores = np.array([[0.4, 0.6], [0.9, 0.1], [0.2, 0.8]], np.float32)
    found = hardest_mistakes(data, scores)
    assert [(m.text, m.expected, m.predicted) for m in found] == [("b", "y", "x"), ("a", "x", "y")]
    assert found[0].score == pytest.approx(0.9)


def test_mistakes_of_a_multi_label_file_name_the_wrong_decision() -> None:
    data = LabeledTexts(("a",), np.array([[1, 0]], np.float32), ("x", "y"), multi_label=True)
    found = hardest_mistakes(data, np.array([[0.2, 0.7]], np.float32))
    assert [(m.expected, m.predicted) for m in found] == [("x", "not x"), ("not y", "y")]
