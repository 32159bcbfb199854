"""The weight files of a package (MILBlob, version 2): numbers by file name and offset.

Layout, as coremltools' own writer makes it: a header of 64 bytes with the format's version; at each offset
that a program names, a record of 64 bytes with a sentinel, the dtype, the size, and the place of the data.
"""

from __future__ import annotations

import mmap
import struct
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from pocketformer.errors import FileFormatError

_VERSION = 2
_SENTINEL = 0xDEADBEEF
_HEADER = struct.Struct("<II")  # count of records, version
_RECORD = struct.Struct("<IIQQQ")  # sentinel, dtype, bytes, data offset, padding bits
_ALIGNMENT_BYTES = 64
_ROOT = "@model_path/"
_DTYPES = {
    1: ("float16", 16), 2: ("float32", 32), 3: ("uint8", 8), 4: ("int8", 8), 6: ("int16", 16),
    7: ("uint16", 16), 8: ("int4", 4), 9: ("uint1", 1), 10: ("uint2", 2), 11: ("uint4", 4),
    12: ("uint3", 3), 13: ("uint6", 6), 14: ("int32", 32), 15: ("uint32", 32),
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Blob:
    """Where the numbers of one constant lie in a weight file."""

    dtype: str
    bits: int
    size_bytes: int
    offset: int
    padding_bits: int

    @property
    def count(self) -> int:
        """Numbers stored."""
        return (self.size_bytes * 8 - self.padding_bits) // self.bits


class Weights:
    """Reads the weight files that a program names, each mapped when it is first needed.

    Args:
        folder: The folder of the model file, which programs call `@model_path`.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._files: dict[str, mmap.mmap] = {}

    def read(self, file: str, offset: int, count: int) -> np.ndarray:
        """Return `count` numbers `[count]`; those narrower than a byte come as int8 or uint8.

        Args:
            file: Name as the program has it, such as "@model_path/weights/weight.bin".
            offset: Of the record, in bytes.
            count: Numbers that the program says are there.

        Raises:
            FileFormatError: The file is missing or damaged, or holds another count of numbers.
        """
        blob = self.blob(file, offset)
        if blob.count != count:
            raise FileFormatError(
                f"{self._path(file)} holds {blob.count:,} numbers at byte {offset:,}, and the program says "
                f"{count:,}. Export the package again."
            )
        data = memoryview(self._map(file))[blob.offset : blob.offset + blob.size_bytes]
        if blob.bits >= 8:
            return np.frombuffer(data, np.dtype(blob.dtype).newbyteorder("<"), count)
        return unpack(data, blob.bits, count, signed=blob.dtype == "int4")

    def blob(self, file: str, offset: int) -> Blob:
        """Return where the numbers behind a record lie, and of which dtype they are.

        Raises:
            FileFormatError: The file is missing or damaged.
        """
        mapped = self._map(file)
        if offset < 0 or offset + _RECORD.size > len(mapped):
            raise self._damaged(file, f"it ends before the record at byte {offset:,}")
        sentinel, dtype, size_bytes, start, padding_bits = _RECORD.unpack_from(mapped, offset)
        if sentinel != _SENTINEL:
            raise self._damaged(file, f"no record begins at byte {offset:,}")
        if dtype not in _DTYPES:
            raise self._damaged(file, f"the record at byte {offset:,} has the unknown dtype {dtype}")
        if start % _ALIGNMENT_BYTES or start + size_bytes > len(mapped):
            raise self._damaged(
                file, f"it ends at {len(mapped):,} bytes, before the data of the record at {offset:,}"
            )
        return Blob(*_DTYPES[dtype], size_bytes, start, padding_bits)

    def _map(self, file: str) -> mmap.mmap:
        if file not in self._files:
            path = self._path(file)
            try:
                with path.open("rb") as stream:
                    # Copy-on-write, private: torch wants arrays that it could write to.
                    mapped = mmap.mmap(stream.fileno(), 0, access=mmap.ACCESS_COPY)
            except FileNotFoundError as error:
                raise FileFormatError(
                    f"The weight file {path} is missing. Copy the whole package again, or export it again."
                ) from error
            except (OSError, ValueError) as error:
                raise FileFormatError(f"The weight file {path} cannot be read: {error}.") from error
            self._files[file] = mapped
            version = _HEADER.unpack_from(mapped)[1] if len(mapped) >= _HEADER.size else None
            if version != _VERSION:
                del self._files[file]
                raise self._damaged(file, f"its header says version {version}, expected {_VERSION}")
        return self._files[file]

    def _path(self, file: str) -> Path:
        relative = Path(file.removeprefix(_ROOT))
        if relative.is_absolute() or ".." in relative.parts:
            raise FileFormatError(
                f"The program in {self._folder} names the weight file {file!r}, outside its package."
            )
        return self._folder / relative

    def _damaged(self, file: str, why: str) -> FileFormatError:
        return FileFormatError(
            f"The weight file {self._path(file)} is cut short or damaged: {why}. "
            "Copy or export the package again."
        )


def pack(numbers: np.ndarray, bits: int) -> np.ndarray:
    """Return numbers of `bits` bits each as bytes [size], the lowest bits of the first byte first."""
    flat = numbers.reshape(-1).astype(np.uint8)
    if bits == 8:
        return flat
    each = (flat[:, None] >> np.arange(bits, dtype=np.uint8)) & 1
    return np.packbits(each, bitorder="little")


def unpack(packed: bytes | memoryview, bits: int, count: int, signed: bool = False) -> np.ndarray:
    """Return `count` numbers of `bits` bits each, the lowest bits of the first byte first.

    Raises:
        ValueError: There are not so many.
    """
    octets = np.frombuffer(packed, np.uint8)
    if octets.size * 8 < count * bits:
        raise ValueError(f"{octets.size:,} bytes do not hold {count:,} numbers of {bits} bits")
    if 8 % bits == 0:
        lanes = np.arange(0, 8, bits, dtype=np.uint8)
        numbers = ((octets[:, None] >> lanes) & np.uint8((1 << bits) - 1)).reshape(-1)[:count]
    else:
        each = np.unpackbits(octets, bitorder="little")[: count * bits].reshape(-1, bits)
        places = np.left_shift(1, np.arange(bits)).astype(np.uint8)
        numbers = (each * places).sum(axis=1, dtype=np.uint8)
    if not signed:
        return numbers
    sign = 1 << (bits - 1)
    return np.where(numbers >= sign, numbers.astype(np.int16) - 2 * sign, numbers).astype(np.int8)
