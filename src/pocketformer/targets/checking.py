"""Holding inputs and given files against what is asked of them: the same sentences in every format."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from pocketformer.errors import ExportError, InputError
from pocketformer.targets.contract import Arrays, FileCard, SignatureCard, TensorCard

_FAMILIAR = "serving_default"


def signature_taking(file: FileCard, inputs: Mapping[str, np.ndarray]) -> str:
    """Return the signature that takes inputs of these names and shapes; the familiar one if it is among them.

    Raises:
        InputError: No signature takes inputs of these names.
    """
    named = [card for card in file.signatures if {tensor.name for tensor in card.inputs} == set(inputs)]
    fitting = [card for card in named if all(one.takes(np.shape(inputs[one.name])) for one in card.inputs)]
    names = [card.name for card in fitting or named]
    if not names:
        known = "; ".join(
            f"{card.name}({', '.join(one.name for one in card.inputs)})" for card in file.signatures
        )
        raise InputError(
            f"{file.path} was given {', '.join(inputs) or 'nothing'}; its signatures are {known or 'none'}."
        )
    return _FAMILIAR if _FAMILIAR in names else names[0]


def checked_inputs(
    file: FileCard, signature: str, inputs: Mapping[str, np.ndarray]
) -> tuple[SignatureCard, Arrays]:
    """Return the card of a signature, and its inputs in its own order.

    Raises:
        InputError: No such signature, a missing or unknown input, or a wrong shape or dtype.
    """
    card = file.signature(signature)
    if card is None:
        known = ", ".join(one.name for one in file.signatures) or "none"
        raise InputError(f"{file.path} has no signature {signature!r}; it has: {known}.")
    checked = {tensor.name: _checked(card, tensor, inputs) for tensor in card.inputs}
    if len(checked) != len(inputs):
        unknown = ", ".join(sorted(set(inputs) - set(checked)))
        raise InputError(f"Signature {signature!r} takes {', '.join(checked)}; {unknown} was given as well.")
    return card, checked


def _checked(card: SignatureCard, tensor: TensorCard, inputs: Mapping[str, np.ndarray]) -> np.ndarray:
    if tensor.name not in inputs:
        raise InputError(
            f"Signature {card.name!r} needs the input {tensor.name!r} ({tensor.dtype} {list(tensor.shape)})."
        )
    array = np.asarray(inputs[tensor.name])
    if not tensor.takes(array.shape) or array.dtype != np.dtype(tensor.dtype):
        raise InputError(
            f"Input {tensor.name!r} of {card.name!r} is {array.dtype} {list(array.shape)}; "
            f"expected {tensor.dtype} {list(tensor.shape)}."
        )
    return array


def require_float32(card: FileCard) -> None:
    """Refuse to quantise a file that has no float32 weights.

    Raises:
        ExportError: It holds others, which are named, or none.
    """
    if not card.weight_bytes.get("float32"):
        held = ", ".join(card.weight_bytes) or "no weights"
        raise ExportError(f"{card.path} holds {held} and no float32 weights, which is what can be quantised.")
