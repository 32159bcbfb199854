"""The constants of converted functions, each stored once, until a package is written.

A function's messages name a constant by its number here where a finished package has the offset of a record
in the weight file.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from pocketformer.targets.coreml.package import operations_in

#: Name of the weight file inside a package, as programs write it.
WEIGHT_FILE = "@model_path/weights/weight.bin"

# Method of coremltools' writer, by dtype; float16 goes in as the integers of its bits.
_METHODS = {"float32": "write_float_data", "float16": "write_fp16_data"}
_CARRIERS = {
    "float16": np.uint16, "int4": np.int8,
    **dict.fromkeys(("uint1", "uint2", "uint3", "uint4", "uint6"), np.uint8),
}  # fmt: skip


class Constants:
    """Arrays by number; equal ones have the same."""

    def __init__(self) -> None:
        self._arrays: list[tuple[str, np.ndarray]] = []
        self._numbers: dict[bytes, int] = {}

    def add(self, array: np.ndarray, dtype: str) -> int:
        """Store an array, unless an equal one of the same dtype and shape is there; return its number.

        Args:
            array: The numbers; those narrower than a byte as int8 or uint8.
            dtype: As the file names it, such as "float16" or "int4".
        """
        digest = hashlib.sha256(f"{dtype}{array.shape}".encode())
        contiguous = np.ascontiguousarray(array)
        digest.update(contiguous.reshape(-1).view(np.uint8).data)
        key = digest.digest()
        if key not in self._numbers:
            self._numbers[key] = len(self._arrays)
            # A view of the program's own weights would change with them: other targets overwrite those.
            own = contiguous if contiguous.flags.owndata else contiguous.copy()
            self._arrays.append((dtype, own))
        return self._numbers[key]

    def __getitem__(self, number: int) -> np.ndarray:
        """Return the array of a number."""
        return self._arrays[number][1]

    def copy(self) -> Constants:
        """Return a store with the same arrays, to which others can be added."""
        copied = Constants()
        copied._arrays, copied._numbers = list(self._arrays), dict(self._numbers)
        return copied

    def write(self, functions: list[Any], path: Path) -> None:
        """Write the arrays that some `Function` messages name, and put the offsets in place of the numbers.

        A file is written only where there is something to put into it.
        """
        from coremltools.libmilstoragepython import _BlobStorageWriter

        writer: Any = None
        offsets: dict[int, int] = {}
        for value in _blobs(functions):
            number = value.offset
            if number not in offsets:
                if writer is None:
                    path.parent.mkdir(parents=True, exist_ok=True)
                    writer = _BlobStorageWriter(str(path))
                dtype, array = self._arrays[number]
                flat = array.reshape(-1)
                carrier = _CARRIERS.get(dtype)
                method = getattr(writer, _METHODS.get(dtype, f"write_{dtype}_data"))
                offsets[number] = method(flat if carrier is None else flat.view(carrier))
            value.offset = offsets[number]


def _blobs(functions: list[Any]) -> Iterator[Any]:
    """Yield every reference to a constant, in the order in which the functions read them."""
    for function in functions:
        for operation in operations_in(function.block_specializations[function.opset]):
            # The order of a map is no order: by names, the same file comes out each time.
            inputs = [operation.inputs[name] for name in sorted(operation.inputs)]
            bound = [one for argument in inputs for one in argument.arguments]
            values = [one.value for one in bound if one.WhichOneof("binding") == "value"]
            values += [operation.attributes[name] for name in sorted(operation.attributes)]
            for value in values:
                if value.WhichOneof("value") == "blobFileValue":
                    yield value.blobFileValue
