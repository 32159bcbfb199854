"""The oldest runtime of a file is computed from what is in it, whatever the file says of itself."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from ai_edge_litert import schema_py_generated as schema
from hypothesis import given
from hypothesis import strategies as st

from pocketformer.errors import ExportError
from pocketformer.program import Program, Shapes
from pocketformer.targets import ExportOptions, target_of
from pocketformer.targets.contract import RuntimeVerdict
from pocketformer.targets.litert.operations import Operation
from pocketformer.targets.litert.release_table import FIRST_RELEASES
from pocketformer.targets.litert.releases import first_release, package_for, parsed
from pocketformer.targets.litert.verdict import runtime_verdict
from pocketformer.targets.litert.version_table import BY_TYPE
from pocketformer.targets.litert.versions import Operand, needed_version
from tflite import Operator, Type, linear_model, save, save_with_outside_weights, static_int8_model
from tiny import tiny_classifier

litert = target_of("x.tflite")

OPERATIONS = st.builds(
    lambda name, version: Operation(name, version, version),
    st.sampled_from(sorted(FIRST_RELEASES)),
    st.integers(1, 3),
)


@pytest.mark.parametrize(
    ("operation", "version", "release"),
    [
        ("FULLY_CONNECTED", 12, (2, 17, 0)),
        ("EMBEDDING_LOOKUP", 4, (2, 18, 0)),
        ("DEQUANTIZE", 3, (1, 15, 0)),
        ("DEQUANTIZE", 5, (2, 7, 0)),
        ("GELU", 1, (2, 9, 0)),
        ("TRANSPOSE", 1, (1, 6, 0)),
        ("BROADCAST_TO", 2, (2, 5, 0)),
        ("BROADCAST_TO", 1, None),
        ("STABLEHLO_CBRT", 1, None),
        ("FULLY_CONNECTED", 99, None),
    ],
)
def test_releases_are_those_of_the_runtimes_own_table(
    operation: str, version: int, release: tuple[int, int, int] | None
) -> None:
    assert first_release(operation, version) == release


def test_the_table_has_every_builtin_operation_but_those_without_a_kernel() -> None:
    known = {name for name, code in vars(schema.BuiltinOperator).items() if isinstance(code, int)}
    missing = {name for name in known - set(FIRST_RELEASES) if not name.startswith("STABLEHLO_")}
    assert missing == {"CALL", "CONCAT_EMBEDDINGS", "CUSTOM", "DELEGATE", "PLACEHOLDER_FOR_GREATER_OP_CODES"}
    assert set(FIRST_RELEASES) <= known


def test_every_version_that_a_type_asks_for_has_a_release() -> None:
    for operation, (_, versions) in BY_TYPE.items():
        for version in versions.values():
            assert first_release(operation, version) is not None, (operation, version)


@pytest.mark.parametrize(
    ("release", "package"),
    [
        ("1.15", "TensorFlow 1.15"),
        ("2.9", "tflite-runtime 2.9"),
        ("2.17", "ai-edge-litert 1.0.1"),
        ("2.21", "ai-edge-litert 2.1.6"),
        ("2.99", "no ai-edge-litert to this day"),
    ],
)
def test_a_release_is_told_as_the_package_people_know(release: str, package: str) -> None:
    assert package_for(parsed(release)) == package


@pytest.mark.parametrize(
    ("operation", "weights", "version"),
    [
        ("FULLY_CONNECTED", Operand("int8", (8, 4), 8), 12),
        ("FULLY_CONNECTED", Operand("int8", (8, 4), 1), 3),
        ("FULLY_CONNECTED", Operand("int4", (8, 4), 8), 12),
        ("FULLY_CONNECTED", Operand("int4", (8, 64), 0, blockwise=True), 14),
        ("FULLY_CONNECTED", Operand("int2", (8, 4), 8), 14),
        ("EMBEDDING_LOOKUP", Operand("int8", (8, 4), 8), 4),
        ("EMBEDDING_LOOKUP", Operand("int8", (8, 4), 1), 3),
        ("EMBEDDING_LOOKUP", Operand("int4", (8, 4), 1), 4),
        ("EMBEDDING_LOOKUP", Operand("float32", (8, 4)), 1),
    ],
)
def test_weights_raise_the_version(operation: str, weights: Operand, version: int) -> None:
    assert needed_version(operation, [Operand("float32"), weights, None], [Operand("float32")]) == version


def test_dimensions_raise_the_version() -> None:
    wide, narrow = Operand("float32", (1, 2, 3, 4, 5)), Operand("float32", (5,))
    assert needed_version("SUB", [wide, narrow], [wide]) == 3
    assert needed_version("SUB", [wide, wide], [wide]) == 1
    assert needed_version("TRANSPOSE", [Operand("float32", (1,) * 6), None], [wide]) == 6


@given(st.lists(OPERATIONS, min_size=1), OPERATIONS)
def test_a_further_operation_never_makes_a_file_older(operations: list[Operation], more: Operation) -> None:
    before, after = runtime_verdict(operations), runtime_verdict([*operations, more])
    if before.release is None:
        assert after.release is None
        assert set(before.unknown) <= set(after.unknown)
    elif after.release is not None:
        assert parsed(after.release) >= parsed(before.release)


def test_an_int8_file_that_understates_its_runtime_gets_the_true_verdict(tmp_path: Path) -> None:
    verdict = litert.describe(save(linear_model(), tmp_path / "strange.tflite")).runtime
    assert verdict == RuntimeVerdict(
        "LiteRT",
        "2.17.0",
        "FULLY_CONNECTED version 12 for the types of its tensors (the file states version 5)",
        "2.9.0",
    )
    assert str(verdict) == "LiteRT 2.17.0"


def test_a_file_that_overstates_its_runtime_is_not_believed_either(tmp_path: Path) -> None:
    model = linear_model(channels=1)
    card = litert.describe(save(model, tmp_path / "modest.tflite"))
    assert (card.runtime.release, card.runtime.stated) == ("2.0.0", "2.9.0")
    assert card.runtime.reason == "FULLY_CONNECTED version 5"


def test_weights_behind_the_flatbuffer_ask_for_a_newer_runtime_and_are_counted(tmp_path: Path) -> None:
    path = save_with_outside_weights(linear_model(channels=1), tmp_path / "outside.tflite")
    card = litert.describe(path)
    assert card.runtime.release == "2.14.0"
    assert card.runtime.reason == "weights stored behind the flatbuffer"
    assert card.weight_bytes == {"int8": 256}
    x = np.arange(4, dtype=np.float32).reshape(1, 4)
    inside = litert.open(save(linear_model(channels=1), tmp_path / "inside.tflite"))
    assert np.array_equal(
        litert.open(path).run("serving_default", {"x": x})["y"], inside.run("serving_default", {"x": x})["y"]
    )


def test_operations_that_no_table_has_are_named_and_leave_the_release_open(tmp_path: Path) -> None:
    model = static_int8_model()
    custom = schema.OperatorCodeT()
    custom.builtinCode, custom.deprecatedBuiltinCode = Operator.CUSTOM, Operator.CUSTOM
    custom.customCode, custom.version = "TheirOwn", 1
    future = schema.OperatorCodeT()
    future.builtinCode = future.deprecatedBuiltinCode = Operator.FULLY_CONNECTED
    future.version = 77
    model.operatorCodes = [custom, future]
    model.subgraphs[0].operators.append(schema.OperatorT())
    model.subgraphs[0].operators[1].opcodeIndex = 1
    model.subgraphs[0].operators[1].inputs = model.subgraphs[0].operators[0].inputs
    model.subgraphs[0].operators[1].outputs = model.subgraphs[0].operators[0].outputs
    card = litert.describe(save(model, tmp_path / "custom.tflite"))
    assert card.runtime.release is None
    assert card.runtime.unknown == ("custom TheirOwn", "FULLY_CONNECTED version 77")
    assert str(card.runtime) == "LiteRT, release unknown"
    assert [operation.name for operation in card.foreign_operations] == ["TheirOwn"]


@pytest.mark.parametrize(("kind", "release"), [(Type.INT4, "2.17.0"), (Type.INT2, "2.21.0")])
def test_narrow_weights_of_other_tools_are_judged(tmp_path: Path, kind: int, release: str) -> None:
    model = linear_model()
    model.subgraphs[0].tensors[1].type = kind
    assert litert.describe(save(model, tmp_path / "narrow.tflite")).runtime.release == release


@pytest.fixture(scope="module")
def program(tmp_path_factory: pytest.TempPathFactory) -> Program:
    checkpoint = tiny_classifier(tmp_path_factory.mktemp("limits") / "checkpoint")
    return Program.from_checkpoint(str(checkpoint), Shapes((16,), 64)).only("classify_16", "tokenize")


@pytest.mark.parametrize(
    ("precision", "limit", "sentence"),
    [
        (
            "int8",
            "2.14",
            r"LiteRT 2\.14\.0 cannot hold this model in int8: EMBEDDING_LOOKUP version 4 of encoder\."
            r"embeddings\.word_embeddings needs 2\.18\.0 \(ai-edge-litert 1\.0\.1\)\. Use fp16 weights",
        ),
        (
            "fp32",
            "2.8",
            r"GELU version 1 of encoder\.encoder\.layer\.0\.intermediate\.intermediate_act_fn needs 2\.9\.0 "
            r"\(tflite-runtime 2\.9\)\. Allow that release",
        ),
        ("fp16", "2.4", r"CAST version 3 of tokenizer needs 2\.8\.0"),
        ("fp32", "soon", r"'soon' is no release of LiteRT; give one such as 2\.9"),
    ],
)
def test_a_file_that_would_be_too_new_is_refused_with_operation_and_layer(
    program: Program, tmp_path: Path, precision: str, limit: str, sentence: str
) -> None:
    path = tmp_path / "model.tflite"
    with pytest.raises(ExportError, match=sentence):
        litert.export(program, precision, path, ExportOptions(limit))
    assert list(tmp_path.iterdir()) == []


def test_int8_is_refused_before_anything_is_converted(program: Program, tmp_path: Path) -> None:
    """The inputs are left out: the converter would fail on another sentence."""
    signatures = tuple(replace(signature, inputs={}) for signature in program.signatures)
    broken = replace(program, signatures=signatures)
    with pytest.raises(ExportError, match="EMBEDDING_LOOKUP version 4"):
        litert.export(broken, "int8", tmp_path / "model.tflite", ExportOptions("2.14"))


@pytest.mark.parametrize(("precision", "limit"), [("fp32", "2.9"), ("fp16", "2.9"), ("int8", "2.18")])
def test_a_file_within_its_limit_is_written_and_states_it(
    program: Program, tmp_path: Path, precision: str, limit: str
) -> None:
    path = tmp_path / "model.tflite"
    litert.export(program, precision, path, ExportOptions(limit))
    verdict = litert.describe(path).runtime
    assert verdict.release == f"{limit}.0"
    assert verdict.stated == verdict.release
    assert verdict.unknown == ()
