"""Every operation alone against torch, from saved bytes, in every dtype it takes."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from mil import save_program
from mil_cases import CASES, Case
from pocketformer.targets.coreml.evaluator import Evaluator
from pocketformer.targets.coreml.evaluator.operations import KERNELS
from pocketformer.targets.coreml.package import read_package


@cache
def saved(folder: Path, target: str, dtype: str) -> tuple[Evaluator, dict[str, np.ndarray]]:
    """Save the cases of one release and dtype as one program; a conversion costs more than all of them."""
    cases = {number: one for number, one in enumerate(CASES) if (one.target, one.dtype) == (target, dtype)}
    inputs = {
        f"c{number}_x{place}": array
        for number, one in cases.items()
        for place, array in enumerate(one.inputs)
    }

    def build(mb: Any, **variables: Any) -> list[Any]:
        outputs = []
        for number, one in cases.items():
            given = [variables[f"c{number}_x{place}"] for place in range(len(one.inputs))]
            made = one.build(mb, constants_of(dtype), *given)
            parts = made if isinstance(made, (tuple, list)) else [made]
            outputs += [_output(mb, part, f"c{number}_y{place}") for place, part in enumerate(parts)]
        return outputs

    path = save_program(folder / f"{target}-{dtype}.mlpackage", inputs, build, target)
    return Evaluator(read_package(path)), inputs


def constants_of(dtype: str) -> Any:
    return lambda value: np.array(value, dtype if dtype.startswith("float") else np.float32)


def _output(mb: Any, variable: Any, name: str) -> Any:
    """Name an output; a model gives out no dtype but these."""
    if variable.dtype.__name__ in ("fp16", "fp32", "int32"):
        return mb.identity(x=variable, name=name)
    return mb.cast(x=variable, dtype="int32", name=name)


@pytest.fixture(scope="session")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("operations")


@cache
def results(folder: Path, target: str, dtype: str) -> dict[str, np.ndarray]:
    evaluator, inputs = saved(folder, target, dtype)
    return evaluator.run("main", inputs)


@pytest.mark.parametrize("number", range(len(CASES)), ids=[str(one) for one in CASES])
def test_operation_equals_torch(folder: Path, number: int) -> None:
    one = CASES[number]
    outputs = results(folder, one.target, one.dtype)
    expected = expected_of(one)
    got = [outputs[f"c{number}_y{place}"] for place in range(len(expected))]
    for mine, theirs in zip(got, expected, strict=True):
        assert mine.shape == theirs.shape
        if mine.dtype.kind != "f" or one.ulp == 0:
            np.testing.assert_array_equal(mine, theirs.astype(mine.dtype))
        elif mine.dtype == np.float16:
            np.testing.assert_array_max_ulp(mine, theirs.astype(np.float16), 1)
        else:
            np.testing.assert_allclose(mine, theirs, rtol=one.ulp * 2**-23, atol=2**-22)


def expected_of(one: Case) -> list[np.ndarray]:
    """Return what torch computes in float32, rounded to float16 where the case is."""
    tensors = [
        torch.from_numpy(array.astype(np.float32) if array.dtype.kind == "f" else array)
        for array in one.inputs
    ]
    made = one.reference(*tensors)
    parts = [made] if isinstance(made, torch.Tensor) else list(made)
    return [_rounded(part.numpy(), one.dtype) for part in parts]


def _rounded(array: np.ndarray, dtype: str) -> np.ndarray:
    if array.dtype.kind != "f":
        return array.astype(np.int32)
    return array.astype(np.float16) if dtype == "float16" and array.dtype == np.float32 else array


def test_every_operation_is_tested() -> None:
    tested = {one.operation for one in CASES}
    elsewhere = {name for name in KERNELS if name.startswith("constexpr_")} | {"classify"}
    assert KERNELS.keys() - tested - elsewhere == set()
