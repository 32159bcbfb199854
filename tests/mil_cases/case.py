"""What a case is, and the numbers the cases share."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

FLOATS = ("float32", "float16")
AS_GIVEN = ("as given",)

_NAMES = {
    "gather": ("x", "indices"), "gather_along_axis": ("x", "indices"), "gather_nd": ("x", "indices"),
    "scatter": ("data", "indices", "updates"), "scatter_nd": ("data", "indices", "updates"),
    "scatter_along_axis": ("data", "indices", "updates"), "select": ("cond", "a", "b"),
    "scaled_dot_product_attention": ("query", "key", "value", "attn_mask"), "slice_update": ("x", "update"),
    "one_hot": ("indices",), "fill_like": ("ref_tensor",), "quantize": ("input",),
    "slice_by_index": ("x", "begin"),
}  # fmt: skip
_random = np.random.default_rng(7)


@dataclass(frozen=True)
class Case:
    """One use of an operation.

    Attributes:
        operation: Its name in the program.
        note: What is special about this use.
        dtype: Of its float inputs; "as given" where there are none.
        target: The release whose operation it is.
        inputs: The arrays.
        build: Takes the builder, a maker of constants of `dtype`, and the inputs' variables.
        reference: Takes the inputs as tensors.
        ulp: How many units in the last place another order of sums may differ; 0 is equality, to the bit.
    """

    operation: str
    note: str
    dtype: str
    target: str
    inputs: tuple[np.ndarray, ...]
    build: Callable[..., Any]
    reference: Callable[..., Any]
    ulp: int

    def __str__(self) -> str:
        return "-".join(part for part in (self.operation, self.note, self.dtype, self.target) if part)


CASES: list[Case] = []


def case(
    operation: str,
    reference: Callable[..., Any],
    *inputs: np.ndarray,
    note: str = "",
    dtypes: tuple[str, ...] = FLOATS,
    target: str = "iOS18",
    ulp: int = 0,
    build: Callable[..., Any] | None = None,
    **settings: Any,
) -> None:
    """Add a case in each of its dtypes.

    Args:
        operation: Name of the operation, and of the builder's method.
        reference: What torch does.
        inputs: Its inputs, in the order of their names in the program.
        note: For the test's name; the settings when there is none.
        dtypes: Those of its float inputs.
        target: The release whose operation it is.
        ulp: See `Case`.
        build: Makes the operation where its inputs and settings do not tell enough.
        settings: Its other parameters; floats become constants of the case's dtype.
    """
    told = " ".join(
        f"{name}={value}" for name, value in settings.items() if not isinstance(value, np.ndarray)
    )
    for dtype in dtypes:
        arrays = tuple(
            one.astype(dtype) if one.dtype == np.float32 and dtype in FLOATS else one for one in inputs
        )
        made = build or _plain(operation, settings)
        CASES.append(Case(operation, note or told, dtype, target, arrays, made, reference, ulp))


def _plain(operation: str, settings: dict[str, Any]) -> Callable[..., Any]:
    def build(mb: Any, constant: Callable[[Any], Any], *variables: Any) -> Any:
        inputs = dict(zip(_NAMES.get(operation, ("x", "y")), variables, strict=False))
        fixed = {name: constant(value) if _is_float(value) else value for name, value in settings.items()}
        return getattr(mb, operation)(**inputs, **fixed)

    return build


def _is_float(value: Any) -> bool:
    return isinstance(value, float) or (isinstance(value, np.ndarray) and value.dtype == np.float32)


def normal(*shape: int) -> np.ndarray:
    """Return random numbers that are float16's own, so that both dtypes see the same."""
    return _random.normal(size=shape).astype(np.float16).astype(np.float32)


def integers(low: int, high: int, *shape: int) -> np.ndarray:
    """Return random int32 numbers in [low, high)."""
    return _random.integers(low, high, shape).astype(np.int32)


X, Y, ROW, COLUMN = normal(2, 3, 4), normal(2, 3, 4), normal(4), normal(3, 1)
POSITIVE = np.abs(X) + np.float32(0.25)
HALF_STEPS = np.arange(-6, 6, dtype=np.float32).reshape(3, 4) / 2
BIG = np.array([2**24 + 1, 40_000, -(2**31), 2**31 - 1, 7, -7], np.int32)
SMALL = np.array([3, -3, 5, 2, -2, 4], np.int32)
