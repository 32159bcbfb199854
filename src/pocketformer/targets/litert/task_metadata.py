"""The metadata by which MediaPipe's text classifier knows how to feed a file and name its scores.

Format: TensorFlow Lite Metadata, file identifier "M001" (mediapipe/tasks/metadata/metadata_schema.fbs, fields
up to version 1.1.0). It stands in the model's metadata entry `TFLITE_METADATA`; the files it names are a ZIP
archive behind the model.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import flatbuffers

#: The model's metadata entry that holds it.
ENTRY = "TFLITE_METADATA"

VOCABULARY_FILE, LABELS_FILE = "vocab.txt", "labels.txt"

_IDENTIFIER = b"M001"
_MIN_PARSER_VERSION = "1.1.0"  # the first with BertTokenizerOptions

# Values of the schema's enumerations and unions.
_TENSOR_AXIS_LABELS, _VOCABULARY = 2, 5
_FEATURE_PROPERTIES, _BERT_TOKENIZER_OPTIONS = 1, 4

#: A table of a flatbuffer: field number → a number of one byte, a text, floats, a table, or tables.
Table = Mapping[int, object]


def text_classifier_metadata(name: str, inputs: Sequence[str]) -> bytes:
    """Return the metadata of a classifier of token ids.

    Args:
        name: Of the model.
        inputs: What the subgraph's inputs are, in its own order: "ids", "mask" and "segment_ids".
    """
    labels = {0: LABELS_FILE, 2: _TENSOR_AXIS_LABELS}
    vocabulary = {0: VOCABULARY_FILE, 2: _VOCABULARY}
    tokenizer = {0: _BERT_TOKENIZER_OPTIONS, 1: {0: [vocabulary]}}
    subgraph = {
        2: [_tensor(one) for one in inputs],
        3: [{**_tensor("score"), 5: {0: [1.0], 1: [0.0]}, 6: [labels]}],
        5: [tokenizer],
    }
    builder = flatbuffers.Builder(1024)
    root = _written(builder, {0: name, 3: [subgraph], 7: _MIN_PARSER_VERSION})
    builder.Finish(root, _IDENTIFIER)
    return bytes(builder.Output())


def _tensor(name: str) -> dict[int, object]:
    """Return a tensor's description: its name, and that it is plain numbers."""
    return {0: name, 3: {0: _FEATURE_PROPERTIES, 1: {}}}


def _written(builder: flatbuffers.Builder, table: Table) -> int:
    """Write a table, and before it what it points to, as the format wants it; return its place."""
    places = {
        field: value if isinstance(value, int) else _reference(builder, value)
        for field, value in table.items()
    }
    builder.StartObject(max(table, default=-1) + 1)
    for field, place in places.items():
        if isinstance(table[field], int):
            builder.PrependUint8Slot(field, place, 0)
        else:
            builder.PrependUOffsetTRelativeSlot(field, place, 0)
    return int(builder.EndObject())


def _reference(builder: flatbuffers.Builder, value: object) -> int:
    if isinstance(value, str):
        return int(builder.CreateString(value))
    if isinstance(value, Mapping):
        return _written(builder, value)
    assert isinstance(value, Sequence)
    items = [one if isinstance(one, float) else _written(builder, one) for one in value]
    builder.StartVector(4, len(items), 4)
    for item in reversed(items):
        if isinstance(item, float):
            builder.PrependFloat32(item)
        else:
            builder.PrependUOffsetTRelative(item)
    return int(builder.EndVector())
