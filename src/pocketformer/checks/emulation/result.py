"""What was found of a file on one emulated processor."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["ProcessorVerdict"]


@dataclass(frozen=True, slots=True)
class ProcessorVerdict:
    """A file on an emulated processor, beside the same file here and PyTorch.

    Attributes:
        architecture: "arm64".
        processor: Name of the emulated processor, as "cortex-a53".
        features: What the program saw of it that changes the kernels: "dotprod", "i8mm", "sve2" …
        emulator: As "qemu-aarch64 7.2.22".
        runtime: As "ai-edge-litert 2.3.0"; the same one ran here.
        here: The architecture of this machine, as "x86-64".
        texts: Texts whose token ids were compared.
        token_mismatches: Those whose ids differ from the expected ones.
        classified: Texts of these whose outputs were compared, as emulation is slow.
        labels_equal: Of these, those with the same top label as here; None for an encoder.
        max_difference: Largest |difference| of a logit to this machine (of a state's value for an encoder).
        mean_relative_difference: Mean over texts of max |difference| / max |logit here|.
        max_error: Largest |difference| of a logit to PyTorch in float32.
        mean_relative_error: Mean over texts of max |difference| / max |PyTorch logit|.
        worst_text: The text with the largest difference to this machine, shortened.
        seconds: How long the emulation took.
        ties: A sentence for each label that changed because it led by less than the allowed error can change.
        misses: A sentence per limit that was missed, and on whose side the fault is; empty when it passed.
    """

    architecture: str
    processor: str
    features: tuple[str, ...]
    emulator: str
    runtime: str
    here: str
    texts: int
    token_mismatches: int
    classified: int
    labels_equal: int | None
    max_difference: float
    mean_relative_difference: float
    max_error: float
    mean_relative_error: float
    worst_text: str
    seconds: float
    misses: tuple[str, ...]
    ties: tuple[str, ...] = ()

    @property
    def passed(self) -> bool:
        """Whether all limits were kept."""
        return not self.misses
