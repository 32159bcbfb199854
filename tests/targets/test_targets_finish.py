"""A file is only shipped after its operation versions tell the truth, and nothing stands in it twice."""

from __future__ import annotations

import numpy as np
import pytest
from ai_edge_litert import schema_py_generated as schema

from pocketformer.errors import ExportError, FileFormatError
from pocketformer.targets.litert import finish
from pocketformer.targets.litert.flatbuffer import (
    get_metadata,
    opcode,
    read_model,
    refuse_too_large,
    set_metadata,
    write_model,
)
from tflite import CHANNELS, Operator, linear_model


@pytest.mark.parametrize(("channels", "version", "runtime"), [(CHANNELS, 12, b"2.17.0"), (1, 5, b"2.0.0")])
def test_version_and_runtime_follow_the_weights(channels: int, version: int, runtime: bytes) -> None:
    model = linear_model(channels=channels)
    finish.correct_versions(model)
    assert [code.version for code in model.operatorCodes] == [version]
    stated = get_metadata(model, "min_runtime_version")
    assert stated is not None
    assert stated.rstrip(b"\0") == runtime


def test_names_of_inner_tensors_are_dropped_and_outer_ones_stay() -> None:
    model = linear_model()
    finish.drop_tensor_names(model)
    assert [t.name for t in model.subgraphs[0].tensors] == ["x", b"", "y"]


def test_equal_weights_and_scales_are_stored_once() -> None:
    one, four = len(write_model(linear_model(1))), len(write_model(linear_model(4)))
    # Another signature may cost its own few tables, and neither its weights nor its scales.
    assert four - one < 3 * CHANNELS * 12


def test_what_is_written_is_read_back() -> None:
    model = read_model(write_model(linear_model(2)), "memory")
    assert [opcode(code) for code in model.operatorCodes] == [Operator.FULLY_CONNECTED]
    weights = {graph.tensors[1].buffer for graph in model.subgraphs}
    assert len(weights) == 1
    assert bytes(model.buffers[weights.pop()].data[:4]) == b"\x00\x01\x02\x03"
    assert np.allclose(model.subgraphs[1].tensors[1].quantization.scale, np.linspace(0.1, 1, CHANNELS))


def test_signatures_of_equal_operations_share_their_tables() -> None:
    one, two = len(write_model(linear_model(1))), len(write_model(linear_model(2)))
    # What is left: the lists of a subgraph, its name and its signature.
    assert (two - one) < 300
    model = read_model(write_model(linear_model(2)), "memory")
    first, second = model.subgraphs
    assert [list(tensor.shape) for tensor in first.tensors] == [
        list(tensor.shape) for tensor in second.tensors
    ]
    assert list(first.operators[0].inputs) == list(second.operators[0].inputs)


def test_what_says_nothing_is_left_out() -> None:
    model = linear_model()
    finish.drop_tensor_names(model)
    model.subgraphs[0].tensors[0].quantization = schema.QuantizationParametersT()
    written = read_model(write_model(model), "memory")
    named, inner, _ = written.subgraphs[0].tensors
    assert (named.name, named.quantization) == (b"x", None)
    assert inner.name is None
    assert len(inner.quantization.scale) == CHANNELS


def test_constants_start_at_multiples_of_sixteen() -> None:
    content = write_model(linear_model(1))
    parsed = schema.Model.GetRootAs(content, 0)
    addresses = [
        parsed.Buffers(i)._tab.Vector(parsed.Buffers(i)._tab.Offset(4))
        for i in range(parsed.BuffersLength())
        if parsed.Buffers(i).DataLength()
    ]
    assert addresses
    assert all(address % 16 == 0 for address in addresses)


def test_metadata_is_replaced_not_repeated() -> None:
    model = linear_model()
    set_metadata(model, "pocketformer", b"old")
    set_metadata(model, "pocketformer", b"new")
    assert get_metadata(model, "pocketformer") == b"new"
    assert len([entry for entry in model.metadata if entry.name == "pocketformer"]) == 1
    assert get_metadata(model, "absent") is None


@pytest.mark.parametrize("kept", [9, 40, 200, 600])
def test_a_cut_file_is_a_sentence(kept: int) -> None:
    content = write_model(linear_model())
    assert kept < len(content)
    with pytest.raises(FileFormatError, match=r"cut short or damaged|is not a TFLite file"):
        read_model(content[:kept], "cut.tflite")


def test_anything_else_is_no_tflite_file() -> None:
    with pytest.raises(FileFormatError, match=r"notes\.tflite is not a TFLite file: its bytes 4 to 8 are"):
        read_model(b"hello, I am a text", "notes.tflite")


def test_two_gigabytes_are_refused_before_they_are_written() -> None:
    model = linear_model()
    model.buffers[1].data = np.lib.stride_tricks.as_strided(np.zeros(1, np.uint8), (2**31,), (0,))
    with pytest.raises(ExportError, match=r"2\.15 GB and a TFLite file ends at 2 GB"):
        refuse_too_large(model)
