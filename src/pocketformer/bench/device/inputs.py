"""What each signature of a file is given on the phone, and what it must answer: real text, no random ids."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from pocketformer.errors import FileFormatError, RecipeError
from pocketformer.prediction import TextModel
from pocketformer.prediction import open as open_model
from pocketformer.targets import Arrays, SignatureCard
from pocketformer.tokenizer.text_bytes import encode_text

__all__ = ["Case", "Difference", "cases_of", "difference"]

_FAMILIAR = "serving_default"  # the same work as the longest classify_K
_SCORES = ("scores", "logits")


@dataclass(frozen=True, slots=True)
class Case:
    """One signature of one file with its inputs.

    Attributes:
        path: The file.
        signature: Its name; "" where the file has none.
        shown: What to call it.
        inputs: Arrays in the order of the file's subgraph, as LiteRT's tool takes them.
        expected: What this machine computes, in the order of the file's subgraph, with names.
    """

    path: Path
    signature: str
    shown: str
    inputs: tuple[np.ndarray, ...]
    expected: tuple[tuple[str, np.ndarray], ...]

    @property
    def size(self) -> int:
        """How many numbers the largest input has."""
        return max((array.size for array in self.inputs), default=0)


@dataclass(frozen=True, slots=True)
class Difference:
    """How far a phone's outputs are from this machine's; see `DeviceTiming`."""

    max_error: float
    same_label: bool | None


def cases_of(
    path: Path,
    texts: Sequence[str] = (),
    samples: Mapping[str, Sequence[Arrays]] | None = None,
    signatures: Sequence[str] = (),
) -> tuple[Case, ...]:
    """Return a file's signatures with inputs, and what they give on this machine.

    Args:
        path: A LiteRT file.
        texts: Real texts, for a file with a tokenizer inside: the longest fills each signature.
        samples: Arrays by signature, for a file that takes no text.
        signatures: Which ones; all but a second name of the same work when empty.

    Raises:
        FileFormatError: It is no LiteRT file: the phone's tool runs no other.
        RecipeError: A signature that it does not have.
    """
    if not path.name.removesuffix(".rejected").endswith(".tflite"):
        raise FileFormatError(f"{path} is no .tflite file; LiteRT's tool on the phone runs no other.")
    model = open_model(path)
    chosen = _chosen(model, signatures, path)
    given = (
        _of_text(model, chosen, texts) if model.takes_text and texts else _of_samples(chosen, samples or {})
    )
    orders = _orders(path)
    return tuple(
        _case(path, orders[card.name], card.name, given[card.name], model.run(card.name, given[card.name]))
        for card in chosen
        if card.name in given
    )


def difference(case: Case, content: bytes) -> Difference | None:
    """Hold the bytes that the phone's tool wrote against what this machine computed.

    Returns:
        None where the bytes are not as many as the outputs have: another layout than ours.
    """
    if len(content) != sum(array.nbytes for _, array in case.expected):
        return None
    worst, same, place = 0.0, None, 0
    for name, wanted in case.expected:
        got = np.frombuffer(content, wanted.dtype, wanted.size, place).reshape(wanted.shape)
        place += wanted.nbytes
        worst = max(worst, _relative(got, wanted))
        if name in _SCORES:
            agrees = bool(np.argmax(got) == np.argmax(wanted)) and not np.isnan(got).any()
            same = agrees and same is not False
    return Difference(worst, same)


def _case(path: Path, order: _Order, name: str, inputs: Arrays, outputs: Arrays) -> Case:
    return Case(
        path,
        name if order.named else "",
        name,
        tuple(np.ascontiguousarray(inputs[name]) for name in order.inputs),
        tuple((name, outputs[name]) for name in order.outputs),
    )


def _relative(got: np.ndarray, wanted: np.ndarray) -> float:
    largest = float(np.abs(wanted.astype(np.float64)).max(initial=0.0))
    apart = float(np.abs(got.astype(np.float64) - wanted.astype(np.float64)).max(initial=0.0))
    if not np.isfinite(apart):  # the phone's answer is no number: it must not be lost in a maximum
        return float("inf")
    return apart / largest if largest else apart


def _chosen(model: TextModel, signatures: Sequence[str], path: Path) -> list[SignatureCard]:
    cards = list(model.card.signatures)
    names = [card.name for card in cards]
    for name in signatures:
        if name not in names:
            raise RecipeError(f"{path.name} has no signature {name!r}; it has {', '.join(names)}.")
    if signatures:
        return [card for card in cards if card.name in signatures]
    return [card for card in cards if card.name != _FAMILIAR or not model.takes_text]


def _of_text(model: TextModel, cards: Sequence[SignatureCard], texts: Sequence[str]) -> dict[str, Arrays]:
    """Fill each signature with the longest text, cut to its size."""
    longest = max(texts, key=len)
    tokens = model.tokenize(longest)
    found: dict[str, Arrays] = {}
    for card in cards:
        size = card.inputs[0].shape[-1]
        if card.inputs[0].name == "text":
            found[card.name] = {"text": encode_text(longest, size)}
        else:
            found[card.name] = tokens.cut(size)
    return found


def _of_samples(cards: Sequence[SignatureCard], samples: Mapping[str, Sequence[Arrays]]) -> dict[str, Arrays]:
    return {card.name: samples[card.name][0] for card in cards if samples.get(card.name)}


@dataclass(frozen=True, slots=True)
class _Order:
    """Names of a signature's inputs and outputs as its subgraph has them, and whether the file names it."""

    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    named: bool


def _orders(path: Path) -> dict[str, _Order]:
    """Read the orders from the file: signatures list their tensors in another one than subgraphs."""
    from ai_edge_litert import schema_py_generated as schema

    from pocketformer.targets.litert.signatures import entry_points

    model = schema.Model.GetRootAs(np.memmap(path, np.uint8, "r"), 0)
    found = {}
    for entry in entry_points(model):
        graph = model.Subgraphs(entry.subgraph)
        inputs = dict(zip(entry.inputs, (tensor.name for tensor in entry.card.inputs), strict=True))
        outputs = dict(zip(entry.outputs, (tensor.name for tensor in entry.card.outputs), strict=True))
        found[entry.card.name] = _Order(
            _in_order(inputs, [graph.Inputs(place) for place in range(graph.InputsLength())]),
            _in_order(outputs, [graph.Outputs(place) for place in range(graph.OutputsLength())]),
            entry.named,
        )
    return found


def _in_order(names: Mapping[int, str], tensors: Sequence[int]) -> tuple[str, ...]:
    """Name a subgraph's tensors; none where the signature leaves one out, so that it cannot be given."""
    return tuple(names[tensor] for tensor in tensors) if names.keys() >= set(tensors) else ()
