"""Reference logits: in the order of the texts, whatever the batches."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from pocketformer.checkpoint import TextClassifier, load_classifier, load_tokenizer
from pocketformer.train import predict_logits
from tiny import tiny_classifier


@pytest.fixture(scope="module")
def classifier(tmp_path_factory: pytest.TempPathFactory) -> tuple[TextClassifier, object]:
    saved = tiny_classifier(tmp_path_factory.mktemp("predict") / "saved")
    return load_classifier(saved), load_tokenizer(saved)


@given(texts=st.lists(st.text(max_size=30), max_size=9), batch_size=st.integers(1, 4))
@settings(deadline=None, max_examples=30)
def test_order_and_batches_do_not_matter(
    classifier: tuple[TextClassifier, object], texts: list[str], batch_size: int
) -> None:
    model, tokenizer = classifier
    logits = predict_logits(model, tokenizer, texts, 16, batch_size)
    assert logits.shape == (len(texts), 3)
    assert logits.dtype == np.float32
    for row, text in enumerate(texts):
        inputs = tokenizer(text, truncation=True, max_length=16, return_tensors="pt")  # type: ignore[operator]
        with torch.no_grad():
            alone = model(**inputs).logits[0].numpy()
        np.testing.assert_allclose(logits[row], alone, atol=1e-5)


def test_progress_rises_to_one_and_the_mode_is_kept(classifier: tuple[TextClassifier, object]) -> None:
    model, tokenizer = classifier
    seen: list[float] = []
    model.train()
    first = predict_logits(model, tokenizer, ["a", "b", "c"], 16, 1, lambda done, _: seen.append(done))
    assert seen == sorted(seen)
    assert seen[-1] == 1.0
    assert model.training
    model.eval()
    assert np.array_equal(first, predict_logits(model, tokenizer, ["a", "b", "c"], 16, 1))
