"""Compressed constants, decompressed from saved bytes: equal to coremltools' own, to the bit."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mil import convert, coremltools, quiet, save_program
from pocketformer.targets.coreml.evaluator import Evaluator
from pocketformer.targets.coreml.evaluator.operations import KERNELS
from pocketformer.targets.coreml.package import block_of, operations_in, read_package
from pocketformer.targets.coreml.weights import unpack

ROWS, WIDTH = 64, 48
_random = np.random.default_rng(3)
TABLE = _random.normal(size=(ROWS, WIDTH)).astype(np.float16)
WEIGHT = _random.normal(size=(WIDTH, ROWS)).astype(np.float16)
EVERY_ROW = np.arange(ROWS, dtype=np.int32)
IDENTITY = np.eye(ROWS, dtype=np.float16)

INT8, INT4 = {"mode": "linear_symmetric"}, {"mode": "linear_symmetric", "dtype": "int4"}
HALF = ("prune", {"target_sparsity": 0.5})

#: What coremltools.optimize.coreml can do, by name: the release, and its functions with their settings.
MODES: dict[str, tuple[str, *tuple[tuple[str, dict[str, Any]], ...]]] = {
    "int8 per channel": ("iOS16", ("linear", INT8)),
    "uint8 asymmetric": ("iOS17", ("linear", {"mode": "linear"})),
    "int8 per tensor": ("iOS18", ("linear", {**INT8, "granularity": "per_tensor"})),
    "int8 per channel, iOS 18": ("iOS18", ("linear", INT8)),
    "int4 per block": ("iOS18", ("linear", {**INT4, "granularity": "per_block", "block_size": 16})),
    "uint4 per channel": ("iOS18", ("linear", {"mode": "linear", "dtype": "uint4"})),
    "palette of 1 bit": ("iOS16", ("palette", {"nbits": 1, "mode": "kmeans"})),
    "palette of 2 bits": ("iOS16", ("palette", {"nbits": 2, "mode": "kmeans"})),
    "palette of 4 bits": ("iOS16", ("palette", {"nbits": 4, "mode": "kmeans"})),
    "palette of 6 bits": ("iOS16", ("palette", {"nbits": 6, "mode": "kmeans"})),
    "palette of 8 bits": ("iOS16", ("palette", {"nbits": 8, "mode": "uniform"})),
    "palette of 3 bits": ("iOS18", ("palette", {"nbits": 3, "mode": "kmeans"})),
    "palettes per group": (
        "iOS18",
        ("palette", {"nbits": 4, "mode": "kmeans", "granularity": "per_grouped_channel", "group_size": 16}),
    ),
    "palette of vectors": ("iOS18", ("palette", {"nbits": 4, "mode": "kmeans", "cluster_dim": 4})),
    "pruned": ("iOS16", HALF),
    "pruned, iOS 18": ("iOS18", HALF),
    "pruned and int8": ("iOS18", HALF, ("linear", INT8)),
    "palette of int8": (
        "iOS18",
        ("palette", {"nbits": 4, "mode": "kmeans"}),
        ("linear", {**INT8, "granularity": "per_tensor"}),
    ),
    "palette and scales": (
        "iOS18",
        (
            "palette",
            {
                "nbits": 4,
                "mode": "kmeans",
                "granularity": "per_grouped_channel",
                "group_size": 16,
                "enable_per_channel_scale": True,
            },
        ),
    ),
    "pruned and palette": ("iOS18", HALF, ("palette", {"nbits": 4, "mode": "kmeans"})),
}


AFFINE, BLOCKS = "constexpr_affine_dequantize", "constexpr_blockwise_shift_scale"
PALETTE, SPARSE = "constexpr_lut_to_dense", "constexpr_sparse_to_dense"

#: The operations that each of them leaves in the file.
OPERATIONS: dict[str, set[str]] = {
    "int8 per channel": {AFFINE},
    "uint8 asymmetric": {AFFINE},
    "int8 per tensor": {BLOCKS},
    "int8 per channel, iOS 18": {BLOCKS},
    "int4 per block": {BLOCKS},
    "uint4 per channel": {BLOCKS},
    **{mode: {PALETTE} for mode in MODES if mode.startswith(("palette of", "palettes"))},
    "palette of int8": {PALETTE, BLOCKS},
    "palette and scales": {PALETTE, BLOCKS},
    "pruned": {SPARSE},
    "pruned, iOS 18": {SPARSE},
    "pruned and int8": {SPARSE, "constexpr_sparse_blockwise_shift_scale"},
    "pruned and palette": {SPARSE, "constexpr_lut_to_sparse"},
}


def compressed(target: str, *steps: tuple[str, dict[str, Any]]) -> Any:
    """Return a model of one embedding and one linear layer, compressed by coremltools."""
    ct = coremltools()
    import coremltools.optimize.coreml as cto

    functions = {
        "linear": (cto.linear_quantize_weights, cto.OpLinearQuantizerConfig),
        "palette": (cto.palettize_weights, cto.OpPalettizerConfig),
        "prune": (cto.prune_weights, cto.OpMagnitudePrunerConfig),
    }
    model = convert({"rows": EVERY_ROW, "x": IDENTITY}, read_back, target, ct.PassPipeline.EMPTY)
    with quiet():
        for place, (kind, settings) in enumerate(steps):
            function, config = functions[kind]
            plan = cto.OptimizationConfig(global_config=config(**settings, weight_threshold=0))
            model = function(model, plan, **({"joint_compression": True} if place else {}))
    return model


def read_back(mb: Any, rows: Any, x: Any) -> list[Any]:
    """Give out a table and a weight as they are: every row of the one, the identity times the other."""
    return [
        mb.gather(x=TABLE, indices=rows, axis=0, name="table"),
        mb.linear(x=x, weight=WEIGHT, name="weight"),
    ]


def run(path: Path) -> dict[str, np.ndarray]:
    return Evaluator(read_package(path)).run("main", {"rows": EVERY_ROW, "x": IDENTITY})


@pytest.mark.parametrize("mode", MODES)
def test_compressed_weights_equal_those_of_coremltools(mode: str, tmp_path: Path) -> None:
    import coremltools.optimize.coreml as cto

    model = compressed(*MODES[mode])
    model.save(str(tmp_path / "compressed.mlpackage"))
    with quiet():
        cto.decompress_weights(model).save(str(tmp_path / "plain.mlpackage"))
    mine, theirs = run(tmp_path / "compressed.mlpackage"), run(tmp_path / "plain.mlpackage")

    package = read_package(tmp_path / "compressed.mlpackage")
    kinds = {operation.type for operation in operations_in(block_of(package.functions["main"]))}
    assert {kind for kind in kinds if kind.startswith("constexpr_")} == OPERATIONS[mode]
    for name in ("table", "weight"):
        np.testing.assert_array_equal(mine[name].view(np.uint16), theirs[name].view(np.uint16))
        assert not np.array_equal(mine[name], TABLE if name == "table" else WEIGHT.T)


def test_a_constant_that_is_cast(tmp_path: Path) -> None:
    def build(mb: Any, x: Any) -> Any:
        return mb.add(x=x, y=mb.constexpr_cast(source_val=TABLE, output_dtype="fp32"), name="y")

    x = np.zeros(TABLE.shape, np.float32)
    path = save_program(tmp_path / "m.mlpackage", {"x": x}, build, "iOS16")
    np.testing.assert_array_equal(Evaluator(read_package(path)).run("main", {"x": x})["y"], TABLE)


def test_every_operation_of_constants_is_tested() -> None:
    constants = {name for name in KERNELS if name.startswith("constexpr_")}
    assert set().union(*OPERATIONS.values()) | {"constexpr_cast"} == constants


@given(st.data(), st.sampled_from([1, 2, 3, 4, 6, 8]), st.integers(0, 40))
def test_narrow_numbers_lie_lowest_bits_first(data: st.DataObject, bits: int, count: int) -> None:
    numbers = data.draw(st.lists(st.integers(0, 2**bits - 1), min_size=count, max_size=count))
    packed = sum(number << (bits * place) for place, number in enumerate(numbers))
    octets = packed.to_bytes(-(-count * bits // 8), "little")
    assert unpack(octets, bits, count).tolist() == numbers
    half = 2 ** (bits - 1)
    signed = [number - 2 * half if number >= half else number for number in numbers]
    assert unpack(octets, bits, count, signed=True).tolist() == signed
    with pytest.raises(ValueError, match="do not hold"):
        unpack(octets, bits, count + 8)
