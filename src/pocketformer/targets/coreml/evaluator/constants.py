"""The constants of a package, decoded once and shared by its functions."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Hashable
from dataclasses import dataclass, field
from typing import Any

from pocketformer.targets.coreml.evaluator.values import Value, carry, decode
from pocketformer.targets.coreml.weights import Weights


@dataclass(slots=True)
class Constant:
    """A constant of the program: known when the program is opened, and read when it is needed.

    Attributes:
        key: Equal for constants that come from the same bytes.
        read: Decodes it, in the dtype it is stored in.
        carried: As it flows between operations, once it was needed.
    """

    key: Hashable
    read: Callable[[], Value]
    carried: Value = field(default=None)

    @property
    def value(self) -> Value:
        """The constant as it flows between operations."""
        if self.carried is None:
            self.carried = carry(self.read())
        return self.carried


class Constants:
    """Hands out the constants of a package; those of equal bytes are one.

    Args:
        weights: The weight files of the package.
    """

    def __init__(self, weights: Weights) -> None:
        self._weights = weights
        self._known: dict[Hashable, Constant] = {}

    def stored(self, message: Any) -> Constant:
        """Return the constant of a `Value` message."""
        return self.derived(_key(message), lambda: decode(message, self._weights))

    def derived(self, key: Hashable, read: Callable[[], Value]) -> Constant:
        """Return the constant that `read` makes, unless one of this key is known."""
        if key not in self._known:
            self._known[key] = Constant(key, read)
        return self._known[key]


def _key(message: Any) -> Hashable:
    if message.WhichOneof("value") == "blobFileValue":
        kind = message.type.SerializeToString(deterministic=True)
        return kind, message.blobFileValue.fileName, message.blobFileValue.offset
    return hashlib.sha256(message.SerializeToString(deterministic=True)).digest()
