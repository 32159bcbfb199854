"""A flatbuffer writer that stores equal strings, vectors and tables once, however many point to them.

Signatures of several lengths are the same operations over other shapes: most of what describes them is equal.
Format: https://flatbuffers.dev/internals; offsets point forward alone, so several may share a target.
"""

from __future__ import annotations

import hashlib
from typing import Any

import flatbuffers
from flatbuffers import number_types

_Field = tuple[int, Any, Any]  # slot, type of the number, its value
_Key = tuple[Any, ...]

_COUNT_BYTES = 4  # before the elements of a vector


class SharingBuilder(flatbuffers.Builder):  # type: ignore[misc]  # the package has no types
    """Holds tables back until all their fields are known, and takes vectors back that are there already."""

    head: int

    def __init__(self, size_bytes: int) -> None:
        super().__init__(size_bytes)
        self._written: dict[_Key, int] = {}
        self._fields: list[_Field] | None = None
        self._vector: tuple[int, int, int] | None = None  # offset before it, its bytes, their alignment
        self._targets: list[int] = []

    # The names are those of the builder that generated code calls.

    def StartObject(self, numfields: int) -> None:  # noqa: N802
        """Begin a table of `numfields` fields."""
        super().StartObject(numfields)
        self._fields = []

    def PrependSlot(self, flags: Any, o: int, x: Any, d: Any) -> None:  # noqa: N802
        """Note a number, unless it is the default."""
        assert self._fields is not None
        if x != d:
            self._fields.append((o, flags, x))

    def PrependUOffsetTRelativeSlot(self, o: int, x: int, d: int) -> None:  # noqa: N802
        """Note a reference."""
        assert self._fields is not None
        if x != d:
            self._fields.append((o, number_types.UOffsetTFlags, x))

    def EndObject(self) -> int:  # noqa: N802
        """Write the table, the widest fields first, or return where an equal one is."""
        assert self._fields is not None
        fields, self._fields = self._fields, None
        fields.sort(key=lambda field: (-field[1].bytewidth, field[0]))
        key = ("table", *fields)
        if key in self._written:
            self.nested, self.current_vtable = False, None
            return self._written[key]
        for slot, kind, value in fields:
            if kind is number_types.UOffsetTFlags:
                super().PrependUOffsetTRelative(value)
            else:
                self.Prepend(kind, value)
            self.Slot(slot)
        return self._written.setdefault(key, int(super().EndObject()))

    def StartVector(self, elemSize: int, numElems: int, alignment: int) -> int:  # noqa: N802, N803
        """Begin a vector."""
        self._vector, self._targets = (self.Offset(), elemSize * numElems, alignment), []
        return int(super().StartVector(elemSize, numElems, alignment))

    def PrependUOffsetTRelative(self, off: int) -> None:  # noqa: N802
        """Write a reference into a vector, and remember its target: references are relative."""
        self._targets.append(off)
        super().PrependUOffsetTRelative(off)

    def EndVector(self, numElems: int | None = None) -> int:  # noqa: N802, N803
        """End a vector, or take it back and return where an equal one is."""
        offset = int(super().EndVector(numElems))
        if self._vector is None:
            return offset
        (before, size_bytes, alignment_bytes), self._vector = self._vector, None
        content = self.Bytes[self.head : self.head + _COUNT_BYTES + size_bytes]
        key: _Key = ("vector", alignment_bytes, hashlib.sha256(content).digest())
        if self._targets:
            key = ("references", *self._targets)
        if key in self._written:
            self.head = len(self.Bytes) - before
        return self._written.setdefault(key, offset)

    def CreateString(self, s: str | bytes, encoding: str = "utf-8", errors: str = "strict") -> int:  # noqa: N802
        """Write a string, or return where an equal one is."""
        content = s.encode(encoding, errors) if isinstance(s, str) else s
        if ("string", content) not in self._written:
            self._written["string", content] = int(super().CreateString(content))
        return self._written["string", content]

    def write_bytes(self, content: bytes, alignment_bytes: int) -> int:
        """Write a vector of bytes at a multiple of `alignment_bytes`, without looking for an equal one."""
        super().StartVector(1, len(content), alignment_bytes)
        self.head = self.Head() - len(content)
        self.Bytes[self.head : self.head + len(content)] = content
        return int(super().EndVector())
