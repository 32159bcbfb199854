"""ONNX files: what is in them, that they equal PyTorch from text bytes on, and that no input harms them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import onnx
import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from torch.utils._python_dispatch import TorchDispatchMode

import pocketformer
from pocketformer.checks import SAMPLE_TEXTS, Reference
from pocketformer.checks.outputs import Outputs
from pocketformer.errors import ExportError, InputError, RecipeError
from pocketformer.program import Program, Shapes
from pocketformer.targets import ANY, ExportOptions, ModelOperation, Session
from pocketformer.targets import onnx as target
from tiny import tiny_checkpoint, tiny_classifier

SHAPES = Shapes((8, 32), 1024)
LABELS = ("card", "money", "other")
PRECISIONS = ["fp32", "fp16", "int8", "int4"]
IDS = ("input_ids", "attention_mask", "token_type_ids")


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A classifier wide enough for blocks of 32 in four bits, and for 64 columns of an embedding."""
    folder = tmp_path_factory.mktemp("onnx")
    return tiny_classifier(folder / "c", LABELS, hidden_size=64, intermediate_size=96, head="two-layer")


@pytest.fixture(scope="module")
def program(checkpoint: Path) -> Program:
    return Program.from_checkpoint(str(checkpoint), SHAPES, {"checkpoint_sha256": "abc"})


@pytest.fixture(scope="module")
def files(program: Program, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("files")
    paths = {precision: folder / f"m.{precision}.onnx" for precision in PRECISIONS}
    for precision, path in paths.items():
        target.export(program, precision, path)
    return paths


@pytest.fixture(scope="module")
def sessions(files: dict[str, Path]) -> dict[str, Session]:
    return {precision: target.open(path) for precision, path in files.items()}


@pytest.fixture(scope="module")
def reference(checkpoint: Path) -> Outputs:
    return Reference(str(checkpoint), 1024, 32).run(SAMPLE_TEXTS)


def as_input(text: str | bytes) -> dict[str, np.ndarray]:
    content = text if isinstance(text, bytes) else text.encode()
    return {"text": np.frombuffer(content, np.uint8).astype(np.int32)[None]}


def ids_of(session: Session, text: str) -> dict[str, np.ndarray]:
    tokens = session.run("tokenize", as_input(text))
    return {name: tokens[name][:, : int(tokens["length"][0])] for name in IDS}


def test_signatures_have_their_names_and_shapes(sessions: dict[str, Session]) -> None:
    for session in sessions.values():
        found = {card.name: card for card in session.card.signatures}
        assert list(found) == ["classify", "tokenize", "classify_ids", "serving_default"]
        assert found["classify"].input("text").shape == (1, ANY)
        assert {one.name: one.shape for one in found["classify"].outputs} == {
            "scores": (1, 3),
            "logits": (1, 3),
        }
        assert {one.name: (one.shape, one.dtype) for one in found["tokenize"].outputs} == {
            "input_ids": ((1, 32), "int32"),
            "attention_mask": ((1, 32), "int32"),
            "token_type_ids": ((1, 32), "int32"),
            "length": ((1,), "int32"),
        }
        assert {one.name: one.shape for one in found["classify_ids"].inputs} == dict.fromkeys(IDS, (1, ANY))
        assert [one.name for one in found["serving_default"].outputs] == ["logits"]


@pytest.mark.parametrize(
    ("precision", "largest", "mean"),
    [("fp32", 1e-4, 1e-5), ("fp16", 1e-2, 0.005), ("int8", 1, 0.03), ("int4", 1, 0.3)],
)
def test_from_text_bytes_equal_to_the_checkpoint(
    precision: str, largest: float, mean: float, sessions: dict[str, Session], reference: Outputs
) -> None:
    session, relative = sessions[precision], []
    for row, text in enumerate(SAMPLE_TEXTS):
        tokens = session.run("tokenize", as_input(text))
        assert np.array_equal(tokens["input_ids"][0], reference.input_ids[row]), text
        assert np.array_equal(tokens["attention_mask"][0], reference.attention_mask[row]), text
        outputs = session.run("classify", as_input(text))
        error = np.abs(outputs["logits"][0] - reference.logits[row]).max()
        assert error <= largest
        assert outputs["scores"][0].sum() == pytest.approx(1, abs=1e-5)
        relative.append(error / np.abs(reference.logits[row]).max())
    assert np.mean(relative) <= mean


def test_ids_and_text_give_the_same(sessions: dict[str, Session]) -> None:
    for session in sessions.values():
        for text in ("", "my card", "where is my money " * 9):
            ids = ids_of(session, text)
            expected = session.run("classify", as_input(text))
            found = session.run("classify_ids", ids)
            assert np.allclose(found["logits"], expected["logits"], atol=1e-6)
            assert np.array_equal(session.run("serving_default", ids)["logits"], found["logits"])


def test_padding_changes_nothing(sessions: dict[str, Session]) -> None:
    """Neither zero bytes behind a text, nor masked positions behind ids."""
    session = sessions["fp32"]
    text, padded = as_input("my card is lost"), as_input(b"my card is lost" + bytes(3000))
    assert np.array_equal(session.run("classify", text)["logits"], session.run("classify", padded)["logits"])
    tokens = session.run("tokenize", text)
    whole = session.run("classify_ids", {name: tokens[name] for name in IDS})
    assert np.allclose(whole["logits"], session.run("classify", text)["logits"], atol=1e-5)


def test_both_tokenizers_make_the_same_ids(sessions: dict[str, Session]) -> None:
    """A text of at most 128 bytes goes through the short one, with blanks in front through the long one."""
    session = sessions["fp32"]
    for text in ("café naïve 中文 [MASK] hello", "я нет!", "a" * 120):
        short, long = (session.run("tokenize", as_input(" " * blanks + text)) for blanks in (0, 200))
        assert np.array_equal(short["input_ids"], long["input_ids"])


def test_a_longer_text_is_cut(sessions: dict[str, Session]) -> None:
    session = sessions["fp32"]
    cut = session.run("tokenize", as_input(" " * 1020 + "card"))
    longer = session.run("tokenize", as_input(" " * 1020 + "card money"))
    assert int(cut["length"][0]) == 3
    assert np.array_equal(cut["input_ids"], longer["input_ids"])


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(content=st.binary(max_size=1500))
def test_no_bytes_can_crash_a_file(sessions: dict[str, Session], content: bytes) -> None:
    for session in sessions.values():
        assert np.isfinite(session.run("classify", as_input(content))["logits"]).all()


@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(content=st.binary(max_size=127))
def test_invalid_utf8_is_read_as_python_reads_it(sessions: dict[str, Session], content: bytes) -> None:
    content = content.replace(b"\0", b" ")
    session = sessions["fp32"]
    clean = content.decode("utf-8", "replace")
    assert np.array_equal(
        session.run("tokenize", as_input(content))["input_ids"],
        session.run("tokenize", as_input(clean))["input_ids"],
    )


@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(seed=st.integers(0, 2**32 - 1), count=st.integers(1, 32))
def test_no_integers_can_crash_a_file(sessions: dict[str, Session], seed: int, count: int) -> None:
    draw = np.random.default_rng(seed)
    for session in sessions.values():
        for card in session.card.signatures:
            inputs = {
                one.name: draw.integers(-(2**31), 2**31 - 1, (1, count), dtype=np.int32)
                for one in card.inputs
            }
            assert all(np.isfinite(array).all() for array in session.run(card.name, inputs).values())


def test_ids_that_do_not_fit_are_refused(sessions: dict[str, Session]) -> None:
    session = sessions["fp32"]
    ids = ids_of(session, "my card")
    with pytest.raises(InputError, match=r"of 4, 2, 4 tokens; give all three the same length of 1 to 32"):
        session.run("classify_ids", {**ids, "attention_mask": ids["attention_mask"][:, :2]})
    for count in (0, 33):
        with pytest.raises(InputError, match="the same length of 1 to 32"):
            session.run("classify_ids", dict.fromkeys(IDS, np.ones((1, count), np.int32)))
    with pytest.raises(InputError, match=r"expected int32 \[1, -1\]"):
        session.run("classify", {"text": np.zeros((2, 8), np.int32)})
    with pytest.raises(InputError, match="no signature 'classify_16'; it has: classify, tokenize"):
        session.run("classify_16", ids)


@pytest.mark.parametrize("precision", PRECISIONS)
def test_standard_operations_alone(precision: str, files: dict[str, Path]) -> None:
    model = onnx.load(files[precision])
    onnx.checker.check_model(model, full_check=True)
    card = target.describe(files[precision])
    assert {opset.domain for opset in model.opset_import} == {""}
    assert card.foreign_operations == ()
    assert card.runtime.unknown == ()
    assert not any("." in operation.name for operation in card.operations)


@pytest.mark.parametrize(
    ("precision", "opset", "release", "reason"),
    [
        ("fp32", 17, "1.12", "opset 17"),
        ("fp16", 17, "1.12", "opset 17"),
        ("int8", 17, "1.12", "opset 17"),
        ("int4", 21, "1.19", "int4"),
    ],
)
def test_the_oldest_runtime(
    precision: str, opset: int, release: str, reason: str, files: dict[str, Path]
) -> None:
    verdict = target.describe(files[precision]).runtime
    assert (verdict.name, verdict.release, verdict.reason) == ("ONNX Runtime", release, reason)
    assert verdict.stated == f"opset {opset}"


def test_no_name_is_given_twice(files: dict[str, Path]) -> None:
    """Not even in two branches: ONNX Runtime 1.12 refuses it, later ones do not."""

    def names(graph: onnx.GraphProto) -> list[str]:
        inner = [
            attribute.g for node in graph.node for attribute in node.attribute if attribute.HasField("g")
        ]
        return [name for node in graph.node for name in node.output] + [
            name for one in inner for name in names(one)
        ]

    for path in files.values():
        found = names(onnx.load(path).graph)
        assert len(found) == len(set(found))


def test_metadata_tells_labels_and_provenance(files: dict[str, Path]) -> None:
    for precision, path in files.items():
        card = target.describe(path)
        assert card.labels == LABELS
        assert card.metadata["precision"] == precision
        assert card.metadata["lengths"] == [8, 32]
        assert card.metadata["checkpoint_sha256"] == "abc"
        plain = {entry.key: entry.value for entry in onnx.load(path).metadata_props}
        assert json.loads(plain["labels"]) == list(LABELS)


def test_weights_are_stored_once_and_as_asked_for(files: dict[str, Path]) -> None:
    weights = {precision: target.describe(path).weight_bytes for precision, path in files.items()}
    matrices = 144 * 64 + 64 * 64 + 2 * (4 * 64 * 64 + 2 * 64 * 96) + 64 * 64 + 3 * 64
    matrices -= 64 * 64  # positions are no layer of a plan, and a file of 32 tokens keeps 32 of them
    rest = 12_000 + 4 * 32 * 64  # norms, biases, positions
    assert 4 * matrices <= weights["fp32"]["float32"] <= 4 * matrices + rest
    assert weights["fp16"]["float16"] == 2 * matrices
    tried = 8 * 16  # codes of the product that tells what the processor does
    assert weights["int8"]["int8"] - weights["fp32"]["int8"] == matrices + tried
    assert weights["int4"]["int4"] == (matrices - 144 * 64) // 2
    assert weights["int4"]["uint8"] - weights["fp32"].get("uint8", 0) >= 144 * 64 // 2  # packed rows
    for precision in PRECISIONS[1:]:
        assert weights[precision]["float32"] <= rest
        for tables in ("int16", "bool"):
            assert weights[precision][tables] == weights["fp32"][tables]
    for precision, path in files.items():
        stored = sum(weights[precision].values())
        assert stored < path.stat().st_size < stored + 170_000  # the graph itself, whatever the weights


def test_nothing_tells_who_made_the_file(files: dict[str, Path]) -> None:
    for path in files.values():
        content = path.read_bytes()
        for trace in (b"/work", b"site-packages", b".py", b"stack_trace", b"pkg.torch"):
            assert trace not in content


def test_values_are_called_after_their_layers(sessions: dict[str, Session], checkpoint: Path) -> None:
    from pocketformer.checkpoint import load_classifier

    layers = dict(load_classifier(str(checkpoint)).named_modules())
    session = sessions["int8"]
    names = [name for name, _ in session.trace("classify_ids", ids_of(session, "my card"))]
    assert "encoder.encoder.layer.1.output.dense/MatMul" in names
    of_layers = [name.rpartition("/")[0] for name in names if name.startswith(("encoder.", "head."))]
    assert set(of_layers) <= set(layers)
    assert len(of_layers) > 100
    assert of_layers.index("encoder.embeddings") < of_layers.index("encoder.encoder.layer.0.output")


@pytest.mark.parametrize("precision", PRECISIONS)
def test_a_trace_ends_in_the_results(precision: str, sessions: dict[str, Session]) -> None:
    session = sessions[precision]
    ids = ids_of(session, "where is my card")
    found = dict(session.trace("classify_ids", ids))
    expected = session.run("classify_ids", ids)
    assert all(array.dtype == np.float32 or array.dtype == np.float16 for array in found.values())
    # The runtime joins operations otherwise, and its 4-bit product rounds what it multiplies.
    assert np.allclose(found["logits"], expected["logits"], atol=0.02 if precision == "int4" else 1e-3)
    assert np.allclose(
        dict(session.trace("classify", as_input("where is my card")))["logits"], found["logits"]
    )


def test_equal_programs_make_equal_bytes(checkpoint: Path, files: dict[str, Path], tmp_path: Path) -> None:
    again = Program.from_checkpoint(str(checkpoint), SHAPES, {"checkpoint_sha256": "abc"})
    for precision in ("int8", "fp32"):
        target.export(again, precision, tmp_path / "again.onnx")
        assert (tmp_path / "again.onnx").read_bytes() == files[precision].read_bytes()


def test_an_opset_that_cannot_hold_the_model_names_the_layer(program: Program, tmp_path: Path) -> None:
    path = tmp_path / "m.onnx"
    with pytest.raises(
        ExportError,
        match=r"Opset 16 cannot hold this model: LayerNormalization of encoder\..*LayerNorm needs opset 17",
    ):
        target.export(program, "fp32", path, ExportOptions("16"))
    for wrong in ("1.12", "12", "99", "new"):
        with pytest.raises(ExportError, match=f"The opset '{wrong}' cannot be kept to; give a whole number"):
            target.export(program, "fp32", path, ExportOptions(wrong))
    with pytest.raises(RecipeError, match="'int3' is no plan: give fp32, fp16, int8, int4"):
        target.export(program, "int3", path)
    assert not path.exists()


@pytest.mark.parametrize("precision", ["fp32", "int8"])
def test_a_limit_is_kept(precision: str, program: Program, files: dict[str, Path], tmp_path: Path) -> None:
    for limit in ("17", "20"):
        target.export(program, precision, tmp_path / "m.onnx", ExportOptions(limit))
        assert (tmp_path / "m.onnx").read_bytes() == files[precision].read_bytes()


def test_a_tokenizer_alone(checkpoint: Path, tmp_path: Path) -> None:
    for shapes in (SHAPES, Shapes((16,), 96)):
        path = tmp_path / "t.onnx"
        target.export(Program.of_tokenizer(str(checkpoint), shapes).only("tokenize"), "fp32", path)
        session = target.open(path)
        assert [card.name for card in session.card.signatures] == ["tokenize"]
        reference = Reference(str(checkpoint), shapes.text_bytes, shapes.max_length).run(SAMPLE_TEXTS[:8])
        for row, text in enumerate(SAMPLE_TEXTS[:8]):
            content = text.encode()[: shapes.text_bytes]
            assert np.array_equal(
                session.run("tokenize", as_input(content))["input_ids"][0], reference.input_ids[row]
            )


def test_ids_alone_are_plain_inputs(program: Program, sessions: dict[str, Session], tmp_path: Path) -> None:
    target.export(program.only("serving_default"), "fp32", tmp_path / "m.onnx")
    session = target.open(tmp_path / "m.onnx")
    assert [card.name for card in session.card.signatures] == ["serving_default"]
    ids = ids_of(sessions["fp32"], "my card is lost")
    found = session.run("serving_default", ids)["logits"]
    assert np.allclose(found, sessions["fp32"].run("serving_default", ids)["logits"], atol=1e-6)


def test_an_encoder(tmp_path: Path) -> None:
    from pocketformer.checks import judge_encoder

    source = tiny_checkpoint(tmp_path / "e", do_lower_case=False)
    target.export(Program.from_checkpoint(str(source), SHAPES), "fp32", tmp_path / "e.onnx")
    session = target.open(tmp_path / "e.onnx")
    assert [card.name for card in session.card.signatures] == [
        "encode",
        "tokenize",
        "encode_ids",
        "serving_default",
    ]
    outputs = session.run("encode", as_input("My card"))
    assert outputs["last_hidden_state"].shape == (
        1,
        int(session.run("tokenize", as_input("My card"))["length"][0]),
        32,
    )
    verdict = judge_encoder(tmp_path / "e.onnx", str(source), SAMPLE_TEXTS)
    assert verdict.parity.token_mismatches == 0
    assert verdict.parity.max_logit_error <= 1e-4


def test_open_predicts(files: dict[str, Path]) -> None:
    found = pocketformer.open(files["int8"])("where is my card")
    assert found.label in LABELS
    assert found.signatures == ("tokenize", "classify_ids")
    assert pocketformer.open(files["int8"])("my card " * 100).truncated


def test_operations_without_a_translation_are_named() -> None:
    operations = [
        ModelOperation(name, "encoder.layer", 1)
        for name in ("aten.kthvalue.default", "aten.median.default", "mine.shuffle.default")
    ]
    refused = target.unsupported(operations)
    assert [refusal.operation for refusal in refused] == operations
    assert "no translation of aten.kthvalue.default to ONNX opset" in refused[0].reason


def test_no_operation_of_a_model_that_exports_is_refused(program: Program) -> None:
    class Watch(TorchDispatchMode):
        seen: ClassVar[set[str]] = set()

        def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
            self.seen.add(str(func))
            return func(*args, **(kwargs or {}))

    signature = next(one for one in program.signatures if one.name == "classify")
    with torch.no_grad(), Watch():
        signature.module(**signature.inputs)
    assert len(Watch.seen) > 20
    assert target.unsupported([ModelOperation(name, "", 1) for name in sorted(Watch.seen)]) == ()
