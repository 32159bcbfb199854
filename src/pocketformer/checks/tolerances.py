"""How far a saved file may be from its PyTorch model: the one place that says so."""

from __future__ import annotations

from dataclasses import dataclass

from pocketformer.errors import RecipeError


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


def tolerance_for(precision: str) -> Tolerance:
    """Return the limits for a weight format.

    Raises:
        RecipeError: No limits are set for it.
    """
    if precision not in TOLERANCES:
        raise RecipeError(
            f"No tolerance is set for the weight format {precision!r}; known are {', '.join(TOLERANCES)}."
        )
    return TOLERANCES[precision]
