"""Protobuf messages read where they lie: only what is asked for leaves the file.

A file of a gigabyte is described without its weights ever being read, and without the package `onnx`.
Format: protobuf's wire encoding; the numbers of the fields are those of `onnx.proto`.
"""

from __future__ import annotations

from collections.abc import Iterator

_VARINT, _EIGHT_BYTES, _DELIMITED, _FOUR_BYTES = 0, 1, 2, 5
_LONGEST_VARINT = 10


class BrokenMessageError(ValueError):
    """The bytes are no protobuf message."""


class Message:
    """One message: its fields by number, those that are messages themselves still unread."""

    def __init__(self, content: memoryview) -> None:
        self._fields: dict[int, list[int | memoryview]] = {}
        for number, value in _fields(content):
            self._fields.setdefault(number, []).append(value)

    def integer(self, number: int, default: int = 0) -> int:
        """Return the last value of an integer field, as a signed 64-bit number."""
        values = [value for value in self._fields.get(number, []) if isinstance(value, int)]
        return _signed(values[-1]) if values else default

    def integers(self, number: int) -> list[int]:
        """Return all values of an integer field, packed or not."""
        found: list[int] = []
        for value in self._fields.get(number, []):
            found += [_signed(value)] if isinstance(value, int) else _packed(value)
        return found

    def text(self, number: int) -> str:
        """Return a text field; empty when it is absent.

        Raises:
            BrokenMessageError: It is no UTF-8.
        """
        parts = self.parts(number)
        try:
            return str(parts[-1], "utf-8") if parts else ""
        except UnicodeDecodeError as error:
            raise BrokenMessageError(f"field {number} is no text") from error

    def texts(self, number: int) -> list[str]:
        """Return all values of a text field; what is no UTF-8 in them is replaced."""
        return [str(part, "utf-8", "replace") for part in self.parts(number)]

    def size(self, number: int) -> int:
        """Return the bytes that a field's values take."""
        return sum(len(part) for part in self.parts(number))

    def parts(self, number: int) -> list[memoryview]:
        """Return the unread values of a field."""
        return [value for value in self._fields.get(number, []) if isinstance(value, memoryview)]

    def messages(self, number: int) -> list[Message]:
        """Return the messages in a field."""
        return [Message(part) for part in self.parts(number)]

    def has(self, number: int) -> bool:
        """Whether a field is there."""
        return number in self._fields


def heading(number: int, size: int) -> bytes:
    """Return what stands before a field of `size` bytes: its number, its wire type and its size."""
    return _varint_bytes(number << 3 | _DELIMITED) + _varint_bytes(size)


def delimited(number: int, content: bytes | memoryview) -> bytes:
    """Return a field that holds a text, bytes or a message."""
    return heading(number, len(content)) + content


def integer(number: int, value: int) -> bytes:
    """Return a field that holds an integer of 0 or more."""
    return _varint_bytes(number << 3 | _VARINT) + _varint_bytes(value)


def _varint_bytes(number: int) -> bytes:
    """Return a number as protobuf writes it: seven bits a byte, the lowest first."""
    content = bytearray()
    while number > 0x7F:
        content.append(number & 0x7F | 0x80)
        number >>= 7
    content.append(number)
    return bytes(content)


def _fields(content: memoryview) -> Iterator[tuple[int, int | memoryview]]:
    position, end = 0, len(content)
    while position < end:
        key, position = _varint(content, position)
        number, kind = key >> 3, key & 7
        value: int | memoryview
        if kind == _VARINT:
            value, position = _varint(content, position)
        else:
            size, position = _size(content, position, kind)
            if position + size > end:
                raise BrokenMessageError("a field reaches past the end")
            value = content[position : position + size]
            position += size
        if number == 0:
            raise BrokenMessageError("a field has the number 0")
        yield number, value


def _size(content: memoryview, position: int, kind: int) -> tuple[int, int]:
    if kind == _DELIMITED:
        return _varint(content, position)
    if kind in (_EIGHT_BYTES, _FOUR_BYTES):
        return (8 if kind == _EIGHT_BYTES else 4), position
    raise BrokenMessageError(f"there is no wire type {kind}")


def _varint(content: memoryview, position: int) -> tuple[int, int]:
    number = 0
    for place in range(_LONGEST_VARINT):
        if position >= len(content):
            raise BrokenMessageError("a number is cut short")
        byte = content[position]
        position += 1
        number |= (byte & 0x7F) << 7 * place
        if byte < 0x80:
            return number, position
    raise BrokenMessageError("a number is too long")


def _packed(content: memoryview) -> list[int]:
    found, position = [], 0
    while position < len(content):
        number, position = _varint(content, position)
        found.append(_signed(number))
    return found


def _signed(number: int) -> int:
    return number - (1 << 64) if number >= 1 << 63 else number
