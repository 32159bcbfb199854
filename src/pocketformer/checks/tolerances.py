"""How far a saved file may be from its PyTorch model: the one place that says so."""

from __future__ import annotations

from dataclasses import dataclass

from pocketformer.plan import Plan, as_plan


@dataclass(frozen=True, slots=True)
class Tolerance:
    """Limits for one weight format. Token ids must always be equal.

    Texts without labels (our sample texts, mostly) are not of the kind the model was trained for: its logits
    are small and close there, so a larger relative error is allowed and labels need not agree.

    Attributes:
        max_logit_error: Largest |file - PyTorch| over all logits; None where only the relative counts.
        mean_relative_error: Mean over texts of max |difference| / max |PyTorch logit|.
        unlabelled_error: The same where the texts have no labels.
        top1_agreement: Least share of texts, 0 to 1, on which both name the same label,
            where the texts have labels.
        hidden_state_error: For encoders, mean over texts of |difference| / |PyTorch| as norms of
            `last_hidden_state`.
        accuracy_drop: Most that accuracy on the held-out rows may fall below PyTorch's, 0 to 1.
    """

    max_logit_error: float | None
    mean_relative_error: float
    unlabelled_error: float
    top1_agreement: float
    accuracy_drop: float
    hidden_state_error: float


TOLERANCES: dict[str, Tolerance] = {
    "fp32": Tolerance(1e-4, 1e-5, 1e-4, 0.999, 0.001, 1e-5),
    "fp16": Tolerance(None, 0.005, 0.02, 0.995, 0.003, 0.005),
    "int8": Tolerance(None, 0.03, 0.2, 0.98, 0.005, 0.15),
    "int4": Tolerance(None, 0.15, 0.8, 0.95, 0.02, 0.6),
    "palette4": Tolerance(None, 0.15, 0.8, 0.95, 0.02, 0.6),
}


# Bits of the weights → limits, where a plan has no name of its own among those above.
_BY_BITS: dict[int, Tolerance] = {
    32: TOLERANCES["fp32"],
    16: TOLERANCES["fp16"],
    8: TOLERANCES["int8"],
    6: Tolerance(None, 0.06, 0.4, 0.97, 0.01, 0.3),
    4: TOLERANCES["int4"],
    3: Tolerance(None, 0.4, 1.5, 0.85, 0.1, 1.2),
    0: Tolerance(None, 2.0, 5.0, 0.0, 1.0, 3.0),  # what is left of a model is for a budget to say
}


def tolerance_for(plan: Plan | str) -> Tolerance:
    """Return how far a file may be from its checkpoint in float32: the limits of its fewest bits.

    Raises:
        RecipeError: The name of a plan that cannot be decoded.
    """
    chosen = as_plan(plan)
    if chosen.name in TOLERANCES:
        return TOLERANCES[chosen.name]
    bits = min(stored.bits for stored in (chosen.weights, chosen.embedding, *chosen.layers.values()))
    return _BY_BITS[max(least for least in _BY_BITS if least <= bits)]


def planned_tolerance_for(plan: Plan, half: bool) -> Tolerance:
    """Return how far a file may be from PyTorch with the plan's weights: only arithmetic is left to differ.

    Args:
        plan: Of the file.
        half: Whether the file computes in float16.
    """
    if plan.activations == "int8" and _has_integers(plan):
        return TOLERANCES["int8"]
    is_exact = not half and not _has_integers(plan) and plan.name == "fp32"
    return TOLERANCES["fp32" if is_exact else "fp16"]


def _has_integers(plan: Plan) -> bool:
    return any(stored.kind == "integer" for stored in (plan.weights, plan.embedding, *plan.layers.values()))


# Of an output of a plain module or of a given file: |difference| / |reference| as norms.
_FLOAT_ERROR, _HALF_ERROR, _DYNAMIC_ERROR = 1e-4, 0.01, 0.05
_ROUNDED_ERROR = {32: 0.0, 16: 0.005, 8: 0.05, 7: 0.08, 6: 0.1, 5: 0.2, 4: 0.4, 3: 0.7, 2: 1.0, 1: 1.0}


def output_tolerance(plan: Plan, *, half: bool = False, rounded: bool = False) -> float:
    """Return how far an output may be from that of the same network in float32.

    Args:
        plan: Of the file.
        half: Whether the file computes in float16.
        rounded: Whether the other network has its weights as they were; else they are on the plan's grid, and
            only the arithmetic is left to differ.
    """
    error = _HALF_ERROR if half else _FLOAT_ERROR
    if plan.activations == "int8":
        error = max(error, _DYNAMIC_ERROR)
    if rounded:
        formats = [plan.weights, plan.embedding, *plan.layers.values()]
        error += max(_ROUNDED_ERROR[one.bits] for one in formats)
    return error
