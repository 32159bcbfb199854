"""Reading and writing the TFLite flatbuffer, with everything inside it and nothing in it twice.

Format: the TFLite schema as carried by `ai_edge_litert.schema_py_generated`.
"""

from __future__ import annotations

import hashlib
import mmap
import struct
from typing import Any

import numpy as np
from ai_edge_litert import schema_py_generated as schema

from pocketformer.errors import ExportError, FileFormatError
from pocketformer.targets.litert.sharing import SharingBuilder

#: A file in memory, or mapped into it.
Content = bytes | memoryview | np.ndarray

_IDENTIFIER = b"TFL3"
_ALIGNMENT_BYTES = 16  # `force_align: 16` in the schema: runtimes map weights straight from the file
_MAX_BYTES = 2**31 - 2**20  # a flatbuffer's offsets are 32 bits wide and signed

#: What the generated reader raises when an offset points past the end.
BROKEN = (struct.error, ValueError, IndexError, KeyError, TypeError, AttributeError, MemoryError)

BUILTIN_NAMES: dict[int, str] = {
    code: name for name, code in vars(schema.BuiltinOperator).items() if isinstance(code, int)
}
TENSOR_TYPE_NAMES: dict[int, str] = {
    code: name.lower() for name, code in vars(schema.TensorType).items() if isinstance(code, int)
}


def read_model(content: Content, source: str) -> Any:
    """Parse a TFLite file into the schema's object tree (`schema.ModelT`), all buffers inside.

    Buffers that stand behind the flatbuffer (as ai-edge-quantizer writes them) are pulled in.

    Args:
        content: The file's bytes; the tree keeps views of them.
        source: The file's name, for the error.

    Raises:
        FileFormatError: The bytes are no complete TFLite file.
    """
    require_identifier(content, source)
    try:
        model = schema.ModelT.InitFromObj(schema.Model.GetRootAs(content, 0))
        for buffer in model.buffers:
            if buffer.offset > 1:
                buffer.data = np.frombuffer(content, np.uint8, buffer.size, buffer.offset)
                buffer.offset = buffer.size = 0
    except BROKEN as error:
        raise truncated(source, len(content)) from error
    return model


def require_identifier(content: Content, source: str) -> None:
    """Refuse what is no TFLite file at all.

    Raises:
        FileFormatError: The identifier is another one.
    """
    if (found := bytes(content[4:8])) != _IDENTIFIER:
        raise FileFormatError(
            f"{source} is not a TFLite file: its bytes 4 to 8 are {found!r}, expected {_IDENTIFIER!r}."
        )


def truncated(source: str, size_bytes: int) -> FileFormatError:
    """Return the error for a file that begins like TFLite and does not hold together."""
    return FileFormatError(
        f"{source} ({size_bytes:,} bytes) begins like a TFLite file and is cut short or damaged. "
        "Copy or export it again."
    )


def write_model(model: Any) -> memoryview:
    """Serialise an object tree; whatever is equal in it is stored once, and what is empty is left out.

    Weights and scales are otherwise written again for each signature: 0.6 MB of scales apiece for a MiniLM.

    Raises:
        ExportError: The file would pass the format's 2 GB.
    """
    _share_buffers(model)
    _leave_out_empty(model)
    total = refuse_too_large(model)
    model.buffers = [_AlignedBuffer.of(buffer) for buffer in model.buffers]
    builder = SharingBuilder(total + (1 << 22))
    builder.Finish(model.Pack(builder), _IDENTIFIER)
    return memoryview(builder.Bytes)[builder.Head() :]


def refuse_too_large(model: Any) -> int:
    """Return the bytes of all buffers.

    Raises:
        ExportError: They would pass the format's 2 GB.
    """
    total = sum(0 if buffer.data is None else len(buffer.data) for buffer in model.buffers)
    if total > _MAX_BYTES:
        raise ExportError(
            f"The weights come to {total / 1e9:.2f} GB and a TFLite file ends at 2 GB. "
            "Export with fp16 or int8 weights, or shrink the model first."
        )
    return total


def set_metadata(model: Any, name: str, content: bytes) -> None:
    """Store `content` under the metadata entry `name`, replacing an earlier one."""
    buffer = schema.BufferT()
    buffer.data = np.frombuffer(content, np.uint8)
    model.buffers.append(buffer)
    entry = schema.MetadataT()
    entry.name = name
    entry.buffer = len(model.buffers) - 1
    kept = [old for old in model.metadata or [] if _text(old.name) != name]
    model.metadata = [*kept, entry]


def get_metadata(model: Any, name: str) -> bytes | None:
    """Return the content of the metadata entry `name`, or None."""
    for entry in model.metadata or []:
        if _text(entry.name) == name:
            data = model.buffers[entry.buffer].data
            return None if data is None else bytes(data)
    return None


def opcode(code: Any) -> int:
    """Return the builtin number of an operator code: old files keep it in the older field."""
    return int(max(code.builtinCode, code.deprecatedBuiltinCode))


def _text(value: bytes | str) -> str:
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else value


def _let_go(data: Any) -> None:
    """Let the system take back the pages of a mapped file that were read: they can be read again."""
    if isinstance(data, np.ndarray) and data.flags.writeable:
        return  # what was changed in a private mapping would be lost
    while isinstance(data, np.ndarray | memoryview):
        data = data.obj if isinstance(data, memoryview) else data.base
    if isinstance(data, mmap.mmap) and hasattr(mmap, "MADV_DONTNEED"):
        data.madvise(mmap.MADV_DONTNEED)


def _share_buffers(model: Any) -> None:
    first: dict[bytes, int] = {}
    renumbered: dict[int, int] = {0: 0}  # buffer 0 stands for "no data" by the schema
    kept = [model.buffers[0]]
    used = {tensor.buffer for graph in model.subgraphs for tensor in graph.tensors}
    used |= {entry.buffer for entry in model.metadata or []}
    for index in sorted(used - {0}):
        data = model.buffers[index].data
        if data is None or len(data) == 0:
            renumbered[index] = 0
            continue
        key = hashlib.sha256(data).digest()
        if key not in first:
            first[key] = len(kept)
            kept.append(model.buffers[index])
        renumbered[index] = first[key]
    for graph in model.subgraphs:
        for tensor in graph.tensors:
            tensor.buffer = renumbered[tensor.buffer]
    for entry in model.metadata or []:
        entry.buffer = renumbered[entry.buffer]
    model.buffers = kept


def _leave_out_empty(model: Any) -> None:
    """Leave out what says nothing: a runtime takes an absent name, list or quantisation for an empty one."""
    for graph in model.subgraphs:
        for tensor in graph.tensors:
            if tensor.name is not None and len(tensor.name) == 0:
                tensor.name = None
            if tensor.quantization is not None and _is_empty(tensor.quantization):
                tensor.quantization = None
        for operator in graph.operators:
            for field in ("intermediates", "mutatingVariableInputs"):
                values = getattr(operator, field)
                if values is not None and not any(values):
                    setattr(operator, field, None)


def _is_empty(quantization: Any) -> bool:
    return quantization.details is None and all(
        field is None or len(field) == 0
        for field in (quantization.scale, quantization.zeroPoint, quantization.min, quantization.max)
    )


class _AlignedBuffer(schema.BufferT):  # type: ignore[misc]  # the schema has no types
    """A buffer whose data starts at a multiple of 16 bytes, which the generated writer forgets."""

    @classmethod
    def of(cls, buffer: Any) -> _AlignedBuffer:
        aligned = cls()
        aligned.__dict__.update(vars(buffer))
        return aligned

    def Pack(self, builder: Any) -> Any:  # noqa: N802  # the schema's own name
        if self.data is not None:
            _let_go(self.data)  # the pages of the buffers before it
        if self.data is None or len(self.data) == 0:
            return super().Pack(builder)
        data = builder.write_bytes(np.asarray(self.data, np.uint8).tobytes(), _ALIGNMENT_BYTES)
        schema.BufferStart(builder)
        schema.BufferAddData(builder, data)
        return schema.BufferEnd(builder)
