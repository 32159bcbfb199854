"""Which functions an app calls, read from the Core ML file itself."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from pocketformer.errors import ExportError
from pocketformer.targets import SignatureCard
from pocketformer.targets.coreml.card import read_packages
from pocketformer.targets.coreml.package import Package
from pocketformer.targets.coreml.releases import release_of_ios

__all__ = ["Function", "ModelFunctions", "read_functions"]

#: Inputs and outputs by which an app knows a function; the names stand in the template ModelFile.swift too.
_TOKENIZER = ({"text"}, {"input_ids", "attention_mask", "token_type_ids", "length"})
_CLASSIFIER = ({"input_ids", "attention_mask", "token_type_ids"}, {"scores", "logits"})

_OLDEST_IOS = 16  # of the SwiftUI that the app is written in


@dataclass(frozen=True, slots=True)
class Function:
    """One entry point, as an app opens it.

    Attributes:
        signature: Its name in the edition, as "classify_32".
        package: Name of the `.mlpackage` that holds it.
        name: What Core ML calls it; None where it is its package's only function.
        size: Bytes of text, or tokens, that it takes.
    """

    signature: str
    package: str
    name: str | None
    size: int


@dataclass(frozen=True, slots=True)
class ModelFunctions:
    """What an app calls of a file, and where the file runs.

    Attributes:
        tokenizers: From text to ids, ascending by bytes.
        classifiers: From ids to scores, ascending by tokens.
        ios: The oldest iOS that runs file and app.
        macos: The same of macOS.
    """

    tokenizers: tuple[Function, ...]
    classifiers: tuple[Function, ...]
    ios: int
    macos: int

    @property
    def packages(self) -> tuple[str, ...]:
        """Names of the packages that these functions are in."""
        return tuple(sorted({one.package for one in (*self.tokenizers, *self.classifiers)}))


def read_functions(path: Path) -> ModelFunctions:
    """Read which functions a package, and those beside it, have for an app.

    Raises:
        FileFormatError: There is no such package, or it is damaged.
        ExportError: It lacks functions that an app needs, or no system is known to run it.
    """
    card, entries = read_packages(path)
    tokenizers, classifiers = (
        tuple(
            sorted(
                (_function(one, *entries[one.name]) for one in card.signatures if _has(one, *names)),
                key=lambda function: function.size,
            )
        )
        for names in (_TOKENIZER, _CLASSIFIER)
    )
    if not (tokenizers and classifiers) or card.runtime.release is None:
        raise ExportError(
            f"{path} has no functions `tokenize` and `classify_16` that an app could call, or operations of "
            "no known iOS. Export it again with this pocketformer."
        )
    ios = max(_OLDEST_IOS, int(card.runtime.release))
    return ModelFunctions(tokenizers, classifiers, ios, int(release_of_ios(ios).macos))


def _has(card: SignatureCard, inputs: set[str], outputs: set[str]) -> bool:
    taken, given = {one.name for one in card.inputs}, {one.name for one in card.outputs}
    return taken == inputs and given == outputs


def _function(card: SignatureCard, package: Package, name: str) -> Function:
    # Before iOS 18 a package has one function, and asking for it by name is an error.
    several = bool(package.specification.description.functions)
    return Function(card.name, package.path.name, name if several else None, card.inputs[0].shape[1])
