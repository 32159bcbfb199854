"""What an augmentation did, as it is told."""

from __future__ import annotations

from dataclasses import dataclass

from pocketformer.data.wording import amount, quoted

__all__ = ["AugmentExample", "AugmentReport"]


@dataclass(frozen=True, slots=True)
class AugmentExample:
    """One copy beside the text it was made from."""

    method: str
    text: str
    copy: str


@dataclass(frozen=True, slots=True)
class AugmentReport:
    """How many copies were made and kept.

    Attributes:
        texts: Training texts that copies were made of.
        copies: Copies kept, by method.
        repeats: Copies dropped because they came out as a training text or an earlier copy.
        held_out: Copies dropped because they came out as a text that is held out.
        examples: Three copies at most, of different methods as far as there are any.
    """

    texts: int
    copies: dict[str, int]
    repeats: int
    held_out: int
    examples: tuple[AugmentExample, ...]

    def sentences(self) -> tuple[str, ...]:
        """Return what a person should know of it."""
        kept, dropped = sum(self.copies.values()), self.repeats + self.held_out
        by_method = ", ".join(f"{count:,} by {method}" for method, count in self.copies.items())
        said = [
            f"Augmentation added {_copies(kept, 'changed')} of {amount(self.texts, 'training text')}: "
            f"{by_method}."
        ]
        if dropped:
            were = "was" if dropped == 1 else "were"
            said.append(
                f"{_copies(dropped, 'further')} {were} dropped: {self.repeats:,} equal to a training text or "
                f"to another copy, {self.held_out:,} equal to a held-out text."
            )
        said += [
            f"By {example.method}, {quoted(example.text)} became {quoted(example.copy)}."
            for example in self.examples
        ]
        return tuple(said)


def _copies(number: int, kind: str) -> str:
    return f"{number:,} {kind} {'copy' if number == 1 else 'copies'}"
