"""What a delivered LiteRT file holds: named signatures, stock operations, one copy of the weights."""

from __future__ import annotations

from pathlib import Path

import pytest

from pocketformer.targets import FileCard, target_of

PRECISIONS = ["fp32", "fp16", "int8"]


def card(finished: Path, precision: str) -> FileCard:
    path = finished / f"tiny.{precision}.tflite"
    return target_of(path).describe(path)


@pytest.mark.parametrize("precision", PRECISIONS)
def test_signatures_have_their_fixed_names_and_shapes(finished: Path, precision: str) -> None:
    found = {signature.name: signature for signature in card(finished, precision).signatures}
    assert set(found) == {"classify", "tokenize", "classify_16", "classify_32", "serving_default"}
    assert found["classify"].input("text").shape == (1, 128)
    assert found["classify"].input("text").dtype == "int32"
    assert {tensor.name: tensor.shape for tensor in found["classify_16"].outputs} == {
        "scores": (1, 2),
        "logits": (1, 2),
    }
    assert {tensor.name: tensor.shape for tensor in found["tokenize"].outputs} == {
        "input_ids": (1, 32),
        "attention_mask": (1, 32),
        "token_type_ids": (1, 32),
        "length": (1,),
    }
    assert [tensor.name for tensor in found["serving_default"].outputs] == ["logits"]
    assert sorted(tensor.name for tensor in found["serving_default"].inputs) == [
        "attention_mask",
        "input_ids",
        "token_type_ids",
    ]


@pytest.mark.parametrize("precision", PRECISIONS)
def test_only_stock_operations(finished: Path, precision: str) -> None:
    found = card(finished, precision)
    assert found.foreign_operations == ()
    assert not any("Flex" in operation.name or operation.name == "CUSTOM" for operation in found.operations)


@pytest.mark.parametrize("precision", PRECISIONS)
def test_metadata_tells_labels_sizes_and_provenance(finished: Path, precision: str) -> None:
    found = card(finished, precision)
    assert found.labels == ("bank", "greeting")
    assert found.metadata["precision"] == precision
    assert found.metadata["lengths"] == [16, 32]
    assert found.metadata["max_bytes"] == 128
    assert found.metadata["vocabulary_size"] > 100
    assert len(found.metadata["checkpoint_sha256"]) == 64
    assert found.metadata["base"].endswith("base")


def test_weights_are_stored_once_and_in_the_precision_asked_for(finished: Path) -> None:
    """The tiny model has about 30,000 weights; four signatures hold them, and they count once."""
    weights = {precision: card(finished, precision).weight_bytes for precision in PRECISIONS}
    vocabulary = card(finished, "fp32").metadata["vocabulary_size"]
    matrices = vocabulary * 32 + 2 * (4 * 32 * 32 + 2 * 32 * 64) + 2 * 32
    rest = 20_000  # positions per length, norms, biases
    assert matrices * 4 <= weights["fp32"]["float32"] <= matrices * 4 + rest
    assert matrices * 2 <= weights["fp16"]["float16"] <= matrices * 2 + rest
    assert matrices <= weights["int8"]["int8"] <= matrices + weights["fp32"].get("int8", 0) + rest
    assert weights["int8"]["float32"] <= rest


def test_the_oldest_runtime_rises_with_int8(finished: Path) -> None:
    assert card(finished, "int8").runtime.release == "2.18.0"
    fp32 = card(finished, "fp32").runtime.release
    assert fp32 is not None
    assert tuple(map(int, fp32.split("."))) < (2, 10, 0)
