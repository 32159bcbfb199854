"""Whole programs: rounding, integers, loops, traces, sharing, and what an index outside does."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from mil import coremltools, quiet, save_program
from pocketformer.errors import FileFormatError, InputError
from pocketformer.targets.coreml.evaluator import Evaluator
from pocketformer.targets.coreml.evaluator.values import round_to_half
from pocketformer.targets.coreml.package import read_package


def evaluator(folder: Path, inputs: dict[str, np.ndarray], build: Any, **options: Any) -> Evaluator:
    return Evaluator(read_package(save_program(folder / "m.mlpackage", inputs, build)), **options)


@given(hnp.arrays(np.float32, st.sampled_from([(3,), (2, 300), ()]), elements=st.floats(width=32)))
def test_rounding_is_that_of_float16(numbers: np.ndarray) -> None:
    with np.errstate(over="ignore", invalid="ignore"):
        expected = numbers.astype(np.float16)
        rounded = round_to_half(np.atleast_1d(numbers))
    np.testing.assert_array_equal(rounded.astype(np.float16), np.atleast_1d(expected))
    assert rounded.dtype == np.float32


def test_each_float16_operation_rounds_once(tmp_path: Path) -> None:
    """(1 + 2^-11) - 1: float16 has no room for the small part after the first addition."""
    one, small = np.ones(4, np.float16), np.full(4, 2**-11, np.float16)

    def build(mb: Any, x: Any, y: Any) -> Any:
        return mb.sub(x=mb.add(x=x, y=y), y=np.float16(1), name="z")

    package = read_package(save_program(tmp_path / "m.mlpackage", {"x": one, "y": small}, build))
    half = Evaluator(package).run("main", {"x": one, "y": small})["z"]
    full = Evaluator(package, float32=True).run("main", {"x": one, "y": small})["z"]
    assert half.dtype == np.float16
    assert full.dtype == np.float32
    np.testing.assert_array_equal(half, np.zeros(4))
    np.testing.assert_array_equal(full, np.full(4, 2**-11))


def test_float16_overflows_where_a_phone_would(tmp_path: Path) -> None:
    x = np.full(2, 300, np.float16)
    run = evaluator(tmp_path, {"x": x}, lambda mb, x: mb.mul(x=x, y=x, name="z"))
    assert np.isinf(run.run("main", {"x": x})["z"]).all()
    wide = Evaluator(read_package(tmp_path / "m.mlpackage"), float32=True)
    np.testing.assert_array_equal(wide.run("main", {"x": x})["z"], [90_000, 90_000])


def test_integers_are_exact_and_wrap(tmp_path: Path) -> None:
    x = np.array([2**24 + 1, 70_001, 2**31 - 1, -(2**31)], np.int32)

    def build(mb: Any, x: Any) -> list[Any]:
        moved = mb.gather(x=mb.concat(values=(x, x), axis=0), indices=np.array([7, 1, 2, 0], np.int32))
        return [
            mb.add(x=mb.mul(x=moved, y=3), y=1, name="wrapped"),
            mb.sub(x=x, y=mb.mod(x=x, y=7), name="z"),
        ]

    outputs = evaluator(tmp_path, {"x": x}, build).run("main", {"x": x})
    wide = x.astype(np.int64)
    np.testing.assert_array_equal(outputs["wrapped"], (wide[[3, 1, 2, 0]] * 3 + 1).astype(np.int32))
    np.testing.assert_array_equal(outputs["z"], (wide - wide % 7).astype(np.int32))


def test_branches_and_loops(tmp_path: Path) -> None:
    """A loop inside a branch, reading values of the blocks around it; a second run starts afresh."""
    x, n = np.array([1, 2], np.int32), np.array([5], np.int32)

    def build(mb: Any, x: Any, n: Any) -> list[Any]:
        count = mb.squeeze(x=n)

        def doubled() -> Any:
            def more(left: Any, value: Any) -> Any:
                return mb.greater(x=left, y=0)

            def body(left: Any, value: Any) -> Any:
                return mb.sub(x=left, y=1), mb.add(x=value, y=x)

            return mb.while_loop(_cond=more, _body=body, loop_vars=(count, x))[1]

        return [
            mb.cond(
                pred=mb.greater(x=count, y=0), _true_fn=doubled, _false_fn=lambda: mb.identity(x=x), name="z"
            )
        ]

    run = evaluator(tmp_path, {"x": x, "n": n}, build)
    for times in (5, 0, 3, -1):
        outputs = run.run("main", {"x": x, "n": np.array([times], np.int32)})
        np.testing.assert_array_equal(outputs["z"], x * (1 + max(times, 0)))


@pytest.mark.parametrize("operation", ["gather", "gather_along_axis", "scatter"])
@pytest.mark.parametrize("index", [4, -5, 2**31 - 1])
def test_an_index_outside_is_an_error(tmp_path: Path, operation: str, index: int) -> None:
    x, indices = np.arange(4, dtype=np.int32), np.zeros(1, np.int32)

    def build(mb: Any, x: Any, i: Any) -> Any:
        if operation == "scatter":
            return mb.scatter(data=x, indices=i, updates=i, name="z")
        return getattr(mb, operation)(x=x, indices=i, name="z")

    run = evaluator(tmp_path, {"x": x, "i": indices}, build)
    assert run.run("main", {"x": x, "i": indices + 3})["z"] is not None
    with pytest.raises(
        InputError,
        match=rf"'z' \({operation}\) of function 'main' reaches for index {index:,} of an axis of 4",
    ):
        run.run("main", {"x": x, "i": indices + index})


def test_what_cannot_be_computed_names_the_operation(tmp_path: Path) -> None:
    x, shape = np.zeros(6, np.float32), np.array([2, 3], np.int32)
    run = evaluator(tmp_path, {"x": x, "s": shape}, lambda mb, x, s: mb.reshape(x=x, shape=s, name="z"))
    assert run.run("main", {"x": x, "s": shape})["z"].shape == (2, 3)
    with pytest.raises(FileFormatError, match=r"'z' \(reshape\) of function 'main' cannot be computed"):
        run.run("main", {"x": x, "s": shape + 1})


def test_a_trace_gives_every_float_in_order(tmp_path: Path) -> None:
    x = np.full((1, 4), 0.1, np.float16)

    def build(mb: Any, x: Any) -> Any:
        halved = mb.mul(x=x, y=np.float16(0.5), name="halved")
        place = mb.reduce_argmax(x=halved, axis=-1, name="place")
        return [mb.tanh(x=halved, name="bent"), mb.add(x=place, y=1, name="next")]

    run = evaluator(tmp_path, {"x": x}, build)
    traced = dict(run.trace("main", {"x": x}))
    assert list(traced) == ["halved", "bent"]
    assert traced["bent"].dtype == np.float32
    np.testing.assert_array_equal(traced["bent"], run.run("main", {"x": x})["bent"])
    traced["bent"][:] = 9  # the caller's own
    np.testing.assert_array_equal(
        run.run("main", {"x": x})["bent"], dict(run.trace("main", {"x": x}))["bent"]
    )


def test_outputs_and_inputs_are_the_callers_own(tmp_path: Path) -> None:
    x = np.ones((2, 3), np.float32)
    table = np.arange(6, dtype=np.float32).reshape(2, 3)

    def build(mb: Any, x: Any) -> list[Any]:
        kept = mb.identity(x=x, name="same")
        return [kept, mb.gather(x=table, indices=np.array([0, 1], np.int32), name="rows")]

    run = evaluator(tmp_path, {"x": x}, build)
    x.setflags(write=False)
    first = run.run("main", {"x": x})
    for array in first.values():
        array[:] = -1
    second = run.run("main", {"x": x[:, ::-1]})
    np.testing.assert_array_equal(second["same"], np.ones((2, 3)))
    np.testing.assert_array_equal(second["rows"], table)


def test_functions_share_their_constants(tmp_path: Path) -> None:
    ct = coremltools()
    weight = np.random.default_rng(0).normal(size=(64, 64)).astype(np.float16)
    descriptor = ct.utils.MultiFunctionDescriptor()
    for length in (2, 3):
        x = np.ones((length, 64), np.float16)
        path = save_program(
            tmp_path / f"{length}.mlpackage", {"x": x}, lambda mb, x: mb.linear(x=x, weight=weight, name="y")
        )
        descriptor.add_function(str(path), "main", f"classify_{length}")
    descriptor.default_function_name = "classify_3"
    with quiet():
        ct.utils.save_multifunction(descriptor, str(tmp_path / "both.mlpackage"))

    package = read_package(tmp_path / "both.mlpackage")
    assert list(package.functions) == ["classify_3", "classify_2"]
    assert package.weight_bytes()["float16"] < 2 * weight.nbytes
    run = Evaluator(package)
    for length in (2, 3):
        x = np.ones((length, 64), np.float16)
        outputs = run.run(f"classify_{length}", {"x": x})
        expected = x.astype(np.float32) @ weight.astype(np.float32).T
        np.testing.assert_allclose(outputs["y"], expected, rtol=2**-10, atol=2**-10)
    decoded = [one.carried for one in run._constants._known.values() if one.carried is not None]
    assert sum(array.shape == (64, 64) for array in decoded if isinstance(array, np.ndarray)) == 1


def test_a_classifier_gives_its_label(tmp_path: Path) -> None:
    ct = coremltools()
    labels = ["card", "money", "账户"]

    class Scores(torch.nn.Module):
        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return torch.softmax(x, -1)

    exported = torch.export.export(Scores(), (torch.zeros(1, 3),)).run_decompositions({})
    with quiet():
        model = ct.convert(
            exported,
            convert_to="mlprogram",
            classifier_config=ct.ClassifierConfig(labels),
            compute_precision=ct.precision.FLOAT32,
            skip_model_load=True,
        )
        model.save(str(tmp_path / "m.mlpackage"))
    outputs = Evaluator(read_package(tmp_path / "m.mlpackage")).run(
        "main", {"x": np.array([[0, 1, 2]], np.float32)}
    )
    label, scores = outputs.values()
    assert label == "账户"
    assert list(scores) == labels
    assert scores["money"] == pytest.approx(float(torch.softmax(torch.arange(3.0), -1)[1]))


def test_flexible_lengths(tmp_path: Path) -> None:
    ct = coremltools()

    class Mean(torch.nn.Module):
        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return x.mean(1) + x.shape[1]

    length = torch.export.Dim("length", min=2, max=64)
    exported = torch.export.export(Mean(), (torch.zeros(1, 5),), dynamic_shapes=({1: length},))
    with quiet():
        model = ct.convert(
            exported.run_decompositions({}),
            convert_to="mlprogram",
            inputs=[ct.TensorType("x", shape=(1, ct.RangeDim(2, 64)))],
            compute_precision=ct.precision.FLOAT32,
            skip_model_load=True,
        )
        model.save(str(tmp_path / "m.mlpackage"))
    run = Evaluator(read_package(tmp_path / "m.mlpackage"))
    for size in (2, 7, 64):
        (output,) = run.run("main", {"x": np.ones((1, size), np.float32)}).values()
        np.testing.assert_allclose(output, [1 + size])


def test_threads_are_given_back(tmp_path: Path) -> None:
    x = np.ones(2, np.float32)
    run = evaluator(tmp_path, {"x": x}, lambda mb, x: mb.exp(x=x), threads=2)
    before = torch.get_num_threads()
    run.run("main", {"x": x})
    assert torch.get_num_threads() == before
