"""The named entry points of our files, and how each is run through the one graph of an ONNX file."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from pocketformer.targets.contract import ANY, SignatureCard, TensorCard

TEXT = "text"
LENGTH = "length"
ID_NAMES = ("input_ids", "attention_mask", "token_type_ids")
#: What the ids are called as inputs of the graph: its outputs have the plain names already.
GIVEN = tuple(f"given_{name}" for name in ID_NAMES)

_VERBS = {"scores": "classify", "last_hidden_state": "encode"}


@dataclass(frozen=True, slots=True)
class EntryPoint:
    """A signature, and the inputs of the graph that its own inputs are given as."""

    card: SignatureCard
    feeds: Mapping[str, str]  # signature's name of an input: graph's name
    needs_empty_text: bool  # whether the graph wants its text although ids are given


def entry_points(
    inputs: Sequence[TensorCard],
    optional: Sequence[TensorCard],
    outputs: Sequence[TensorCard],
    *,
    ours: bool,
    length: int = ANY,
    name: str = "serving_default",
) -> tuple[EntryPoint, ...]:
    """Return the signatures of a graph.

    Args:
        inputs: Inputs that must be given.
        optional: Inputs that have a default.
        outputs: What the graph gives.
        ours: Whether pocketformer laid the graph out; any other one is one signature.
        length: Ids that its tokenizer gives, padding among them.
        name: Of the one signature of any other graph.
    """
    if not ours:
        card = SignatureCard(name, tuple(inputs), tuple(outputs))
        return (EntryPoint(card, {tensor.name: tensor.name for tensor in inputs}, False),)
    text = [tensor for tensor in inputs if tensor.name == TEXT]
    given = [tensor for tensor in optional if tensor.name in GIVEN]
    ids = given or [tensor for tensor in inputs if tensor.name in ID_NAMES]
    tokens = [tensor for tensor in outputs if tensor.name in (*ID_NAMES, LENGTH)]
    results = [tensor for tensor in outputs if tensor not in tokens]
    verb = next((verb for name, verb in _VERBS.items() if any(name == one.name for one in results)), None)
    familiar = [tensor for tensor in results if tensor.name != "scores"]
    found = []
    if text and verb:
        found.append(_entry(verb, text, results))
    if text and tokens:
        found.append(_entry("tokenize", text, [_padded(tensor, length) for tensor in tokens]))
    if ids and verb:
        found.append(_entry(f"{verb}_ids", ids, results, bool(given)))
    if ids:
        found.append(_entry("serving_default", ids, familiar, bool(given)))
    return tuple(found)


def _padded(tensor: TensorCard, length: int) -> TensorCard:
    """Return the card of ids made from text; the graph's own says any length, as ids may also be given."""
    return tensor if tensor.name == LENGTH else TensorCard(tensor.name, tensor.dtype, (1, length))


def _entry(
    name: str, inputs: Sequence[TensorCard], outputs: Sequence[TensorCard], needs_empty_text: bool = False
) -> EntryPoint:
    names = {tensor.name.removeprefix("given_"): tensor for tensor in inputs}
    cards = tuple(TensorCard(shown, tensor.dtype, (1, ANY)) for shown, tensor in names.items())
    feeds = {shown: tensor.name for shown, tensor in names.items()}
    return EntryPoint(SignatureCard(name, cards, tuple(outputs)), feeds, needs_empty_text)
