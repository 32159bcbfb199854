"""How far two ways to compute the same outputs are apart: per signature, output by output."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from pocketformer.errors import InputError
from pocketformer.modules.samples import Samples, samples_for
from pocketformer.targets import Arrays, Session, target_of

_SMALLEST = 1e-12

#: Runs a signature: its name and arrays by name to arrays by name.
Runner = Callable[[str, Mapping[str, np.ndarray]], Arrays]


@dataclass(frozen=True, slots=True)
class OutputError:
    """The difference of one output over some samples.

    Attributes:
        signature: The entry point.
        output: The output's name.
        samples: How many were compared.
        max_error: Largest |difference| of a number.
        relative_error: Mean over the samples of |difference| / |reference| as norms; of integers, the share
            of numbers that differ. Infinite where one is not finite and the other is.
    """

    signature: str
    output: str
    samples: int
    max_error: float
    relative_error: float


@dataclass(frozen=True, slots=True)
class Comparison:
    """The differences of all outputs.

    Attributes:
        outputs: One entry for each output of each signature.
    """

    outputs: tuple[OutputError, ...]

    @property
    def worst(self) -> OutputError:
        """The output with the largest relative error."""
        return max(self.outputs, key=lambda one: one.relative_error)

    def __str__(self) -> str:
        """Return a sentence with the worst error."""
        worst = self.worst
        return (
            f"The output {worst.output!r} of {worst.signature!r} is {worst.relative_error:.2%} off, at most "
            f"{worst.max_error:.2g}, over {worst.samples:,} samples."
        )


def compare(file: Runner, reference: Runner, samples: Samples) -> Comparison:
    """Run both on the same samples and tell how far each output is off.

    Args:
        file: What is judged.
        reference: What it should give.
        samples: Arrays by name, some for each signature.

    Raises:
        InputError: The reference gives other outputs, or of other shapes.
    """
    found = []
    for signature, inputs in samples.items():
        errors: dict[str, list[tuple[float, float]]] = defaultdict(list)
        for one in inputs:
            expected, given = reference(signature, one), file(signature, one)
            _require_same(signature, given, expected)
            for name, array in given.items():
                errors[name].append(_error(array, expected[name]))
        found += [_summed(signature, name, pairs) for name, pairs in errors.items()]
    return Comparison(tuple(found))


def compare_files(path: Path, original: Path, samples: Samples | None = None) -> Comparison:
    """Hold a model file against another that should compute the same.

    Args:
        path: The file that is judged.
        original: What it was made from.
        samples: For each signature; drawn at random where left out.

    Raises:
        FileFormatError: One of them cannot be opened.
        InputError: They have no signature in common, or different outputs.
    """
    session, reference = target_of(path).open(path), target_of(original).open(original)
    if samples is None:
        samples = samples_for(original)
    common = {name: inputs for name, inputs in samples.items() if session.card.signature(name) is not None}
    if not common:
        raise InputError(
            f"{path} has the signatures {_names(session)}, {original} {_names(reference)}: none in common, "
            "so they cannot be compared."
        )
    return compare(_fitted(session), _fitted(reference), common)


def _fitted(session: Session) -> Runner:
    """Return what runs a file on numbers of other widths: int64 of one format is int32 of another."""

    def run(signature: str, inputs: Mapping[str, np.ndarray]) -> Arrays:
        card = session.card.signature(signature)
        dtypes = {} if card is None else {tensor.name: np.dtype(tensor.dtype) for tensor in card.inputs}
        return session.run(signature, {name: _as(array, dtypes.get(name)) for name, array in inputs.items()})

    return run


def _as(array: np.ndarray, dtype: np.dtype | None) -> np.ndarray:
    return array.astype(dtype) if dtype is not None and dtype.kind == array.dtype.kind else array


def _names(session: Session) -> str:
    return ", ".join(card.name for card in session.card.signatures)


def _require_same(signature: str, given: Arrays, expected: Arrays) -> None:
    shapes = [{name: array.shape for name, array in arrays.items()} for arrays in (given, expected)]
    if shapes[0] != shapes[1]:
        mine, theirs = (", ".join(f"{name} {list(shape)}" for name, shape in one.items()) for one in shapes)
        raise InputError(f"The file's {signature!r} gives {mine}; the original gives {theirs}.")


def _error(given: np.ndarray, expected: np.ndarray) -> tuple[float, float]:
    if expected.dtype.kind not in "fc":
        differs = given != expected
        return float(np.abs(given.astype(np.float64) - expected).max(initial=0)), float(differs.mean())
    if not (np.isfinite(given) == np.isfinite(expected)).all():
        return float("inf"), float("inf")
    both = np.isfinite(expected)
    right, difference = expected[both].astype(np.float64), given[both].astype(np.float64) - expected[both]
    norm = max(float(np.linalg.norm(right)), _SMALLEST)
    return float(np.abs(difference).max(initial=0)), float(np.linalg.norm(difference)) / norm


def _summed(signature: str, name: str, pairs: Iterable[tuple[float, float]]) -> OutputError:
    largest, relative = np.array(list(pairs)).T
    return OutputError(signature, name, len(largest), float(largest.max()), float(relative.mean()))
