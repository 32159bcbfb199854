"""Core ML packages: what is in them, that they equal PyTorch from text bytes on, that no input harms them."""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import pocketformer
from mil import coremltools, quiet
from pocketformer import files
from pocketformer.checks import SAMPLE_TEXTS, Reference
from pocketformer.checks.outputs import Outputs
from pocketformer.errors import ExportError, InputError, RecipeError
from pocketformer.program import Program, Shapes
from pocketformer.targets import ExportOptions, ModelOperation, Session
from pocketformer.targets import coreml as target
from pocketformer.targets.coreml.package import block_of, operations_in, read_package
from pocketformer.tokenizer import encode_text
from tiny import tiny_checkpoint, tiny_classifier

SHAPES = Shapes((8, 32), 256)
LABELS = ("card", "money", "Überweisung")
IDS = ("input_ids", "attention_mask", "token_type_ids")


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A classifier wide enough for blocks of 32 and groups of 16."""
    folder = tmp_path_factory.mktemp("coreml")
    return tiny_classifier(folder / "c", LABELS, hidden_size=64, intermediate_size=96, head="two-layer")


@pytest.fixture(scope="module")
def program(checkpoint: Path) -> Program:
    return Program.from_checkpoint(
        str(checkpoint), SHAPES, {"pocketformer": "1.2", "checkpoint_sha256": "ab"}
    )


@pytest.fixture(scope="module")
def packages(program: Program, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("packages")
    paths = {precision: folder / f"m.{precision}.mlpackage" for precision in target.precisions}
    for precision, path in paths.items():
        target.export(program, precision, path)
    return paths


@pytest.fixture(scope="module")
def sessions(packages: dict[str, Path]) -> dict[str, Session]:
    return {precision: target.open(path) for precision, path in packages.items()}


@pytest.fixture(scope="module")
def reference(checkpoint: Path) -> Outputs:
    return Reference(str(checkpoint), 256, 32).run(SAMPLE_TEXTS)


def as_input(text: str | bytes, size: int = 256) -> dict[str, np.ndarray]:
    return {"text": encode_text(text, size)}


def weight_file(path: Path) -> Path:
    return path / "Data/com.apple.CoreML/weights/weight.bin"


def test_functions_have_the_names_and_shapes_of_the_signatures(sessions: dict[str, Session]) -> None:
    for session in sessions.values():
        found = {card.name: card for card in session.card.signatures}
        assert next(iter(found)) == "classify"  # the default function
        assert set(found) == {"classify", "tokenize", "classify_8", "classify_32"}
        assert [(one.name, one.dtype, one.shape) for one in found["classify"].inputs] == [
            ("text", "int32", (1, 256))
        ]
        assert [(one.name, one.dtype, one.shape) for one in found["classify_8"].outputs] == [
            ("scores", "float32", (1, 3)),
            ("logits", "float32", (1, 3)),
        ]
        assert {one.name: (one.dtype, one.shape) for one in found["tokenize"].outputs} == {
            **dict.fromkeys(IDS, ("int32", (1, 32))),
            "length": ("int32", (1,)),
        }


@pytest.mark.parametrize(
    ("precision", "largest", "mean"),
    [
        ("fp32", 1e-4, 1e-5),
        ("fp16", 5e-3, 5e-3),
        ("int8", 0.05, 0.03),
        ("int4", 1, 0.25),
        ("palette4", 1, 0.25),
    ],
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
        assert outputs["scores"][0].sum() == pytest.approx(1, abs=2e-3)
        relative.append(error / np.abs(reference.logits[row]).max())
    assert 0 < np.mean(relative) <= mean or precision == "fp32"


def test_each_length_gives_what_pytorch_gives(program: Program, sessions: dict[str, Session]) -> None:
    modules = {one.name: one.module for one in program.signatures}
    tokens = sessions["fp32"].run("tokenize", as_input("where is my card?"))
    for length in (8, 32):
        inputs = {name: tokens[name][:, :length].copy() for name in IDS}
        with torch.inference_mode():
            expected = modules[f"classify_{length}"](**{k: torch.from_numpy(v) for k, v in inputs.items()})
        found = sessions["fp32"].run(f"classify_{length}", inputs)
        for name in ("scores", "logits"):
            assert np.abs(found[name] - expected[name].numpy()).max() < 1e-5


def test_pocketformer_opens_a_package_and_classifies(packages: dict[str, Path]) -> None:
    prediction = pocketformer.open(packages["int8"])("where is my card?")
    assert prediction.label in LABELS
    assert prediction.signatures == ("tokenize", "classify_8")


def test_functions_share_one_copy_of_the_weights(
    program: Program, packages: dict[str, Path], tmp_path: Path
) -> None:
    """Beside tables of integers, further functions add little more than their positions."""
    target.export(program.only("classify_32"), "fp32", tmp_path / "one.mlpackage")
    alone = target.describe(tmp_path / "one.mlpackage").weight_bytes["float32"]
    together = target.describe(packages["fp32"]).weight_bytes
    assert alone <= together["float32"] < 1.1 * alone  # and not three times as much
    stored = weight_file(packages["fp32"]).stat().st_size
    assert stored == pytest.approx(together["float32"] + together["int32"], rel=0.2)


def test_weights_are_stored_as_the_precision_says(packages: dict[str, Path]) -> None:
    stored = {precision: target.describe(path).weight_bytes for precision, path in packages.items()}
    matrices = stored["int8"]["int8"]
    assert stored["fp16"]["float16"] * 2 == pytest.approx(stored["fp32"]["float32"], rel=0.01)
    assert matrices > 0.85 * stored["fp16"]["float16"] / 2
    assert stored["int4"]["int4"] == matrices // 2
    assert stored["palette4"]["uint4"] == matrices // 2
    for precision in target.half:
        assert stored[precision].get("float32", 0) < 100  # a few single numbers
    sizes = {precision: files.size_bytes(path) for precision, path in packages.items()}
    assert sizes["fp32"] > sizes["fp16"] > sizes["int8"] > sizes["int4"]


def test_without_rounding_only_the_error_of_the_weights_remains(
    packages: dict[str, Path], sessions: dict[str, Session], reference: Outputs
) -> None:
    wide = target.open(packages["fp16"], float32=True)
    rows = range(8)
    rounded, unrounded = (
        np.mean(
            [
                np.abs(
                    one.run("classify", as_input(SAMPLE_TEXTS[row]))["logits"] - reference.logits[row]
                ).max()
                for row in rows
            ]
        )
        for one in (sessions["fp16"], wide)
    )
    assert 0 < unrounded < rounded


def test_trace_names_the_layer_of_each_value(sessions: dict[str, Session]) -> None:
    ids = {name: np.ones((1, 8), np.int32) for name in IDS}
    names = [name for name, value in sessions["fp16"].trace("classify_8", ids)]
    queries = [place for place, name in enumerate(names) if name.endswith("attention_self_query__linear")]
    assert [names[place].split("attention")[0] for place in queries] == [
        "encoder_encoder_layer_0_",
        "encoder_encoder_layer_1_",
    ]
    assert names[-1] == "logits"
    assert len(set(names)) == len(names)


@settings(max_examples=30, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(seed=st.integers(0, 2**32 - 1))
def test_no_integers_can_crash_a_package(sessions: dict[str, Session], seed: int) -> None:
    draw = np.random.default_rng(seed)
    for session in sessions.values():
        for card in session.card.signatures:
            inputs = {
                one.name: draw.integers(-(2**31), 2**31 - 1, one.shape, dtype=np.int32) for one in card.inputs
            }
            assert all(np.isfinite(array).all() for array in session.run(card.name, inputs).values())


def test_what_a_signature_does_not_take_is_refused(sessions: dict[str, Session]) -> None:
    with pytest.raises(InputError, match="no signature 'classify_16'; it has: classify, "):
        sessions["fp32"].run("classify_16", {})
    with pytest.raises(InputError, match=r"expected int32 \[1, 256\]"):
        sessions["fp32"].run("classify", as_input("a", 8))


def test_layers_can_stay_in_float32(program: Program, tmp_path: Path) -> None:
    kept = ("encoder.encoder.layer.0.attention", "encoder.encoder.layer.1.output.dense")
    target.export(program.only("classify_8"), "fp16", tmp_path / "m.mlpackage", ExportOptions(None, kept))
    session = target.open(tmp_path / "m.mlpackage")
    package = read_package(tmp_path / "m.mlpackage")
    half = {}
    for operation in operations_in(block_of(package.functions["main"])):
        if operation.type in ("linear", "softmax", "layer_norm"):
            half[operation.outputs[0].name] = operation.outputs[0].type.tensorType.dataType == 10  # FLOAT16
    wide = {name for name, is_half in half.items() if not is_half}
    prefix = "encoder_encoder_layer"
    assert f"{prefix}_0_attention_self_query__linear" in wide
    assert f"{prefix}_0_attention_self__softmax" in wide
    assert f"{prefix}_0_attention_output_LayerNorm__layer_norm" in wide
    assert f"{prefix}_1_output_dense__linear" in wide
    assert f"{prefix}_1_attention_self__softmax" not in wide
    assert len(wide) == 7
    assert session.card.metadata["float32_layers"] == sorted(kept)


def test_a_layer_that_is_not_there_is_refused_with_those_near(program: Program, tmp_path: Path) -> None:
    options = ExportOptions(None, ("encoder.encoder.layer.1.outputs",))
    with pytest.raises(ExportError, match=r"no layer '.*outputs'.* encoder\.encoder\.layer\.1\.output,"):
        target.export(program, "fp16", tmp_path / "m.mlpackage", options)
    assert not list(tmp_path.iterdir())


def test_metadata_tells_what_the_package_is(packages: dict[str, Path]) -> None:
    card = target.describe(packages["int8"])
    assert card.labels == LABELS
    assert card.metadata["precision"] == "int8"
    assert card.metadata["checkpoint_sha256"] == "ab"
    description = read_package(packages["int8"]).specification.description
    about = description.metadata
    assert about.versionString == "1.2"
    assert "text" in about.shortDescription
    assert json.loads(about.userDefined["labels"]) == list(LABELS)
    assert all(one.shortDescription for part in description.functions for one in (*part.input, *part.output))


@pytest.mark.slow
def test_the_same_program_gives_the_same_bytes(checkpoint: Path, program: Program, tmp_path: Path) -> None:
    """In another process, whose hashes differ."""
    target.export(program.only("classify_8", "classify_32"), "int8", tmp_path / "here.mlpackage")
    code = (
        "import sys; from pathlib import Path\n"
        "from pocketformer.program import Program, Shapes\n"
        "from pocketformer.targets import coreml\n"
        "program = Program.from_checkpoint(sys.argv[1], Shapes((8, 32), 256),"
        " {'pocketformer': '1.2', 'checkpoint_sha256': 'ab'}).only('classify_8', 'classify_32')\n"
        "coreml.export(program, 'int8', Path(sys.argv[2]))\n"
    )
    command = [sys.executable, "-c", code, str(checkpoint), str(tmp_path / "there.mlpackage")]
    done = subprocess.run(
        command,
        capture_output=True,
        text=True,
        check=True,
        env={"PYTHONHASHSEED": "5", "HF_HUB_OFFLINE": "1"},
    )
    assert files.sha256(tmp_path / "there.mlpackage") == files.sha256(tmp_path / "here.mlpackage")
    assert (done.stdout, done.stderr) == ("", "")


def test_nothing_is_left_behind(
    program: Program, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "temporary").mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "temporary"))
    target.export(program.only("classify_8"), "palette4", tmp_path / "m.mlpackage", ExportOptions("16"))
    assert {path.name for path in tmp_path.iterdir()} == {"m.mlpackage", "temporary"}
    assert not list((tmp_path / "temporary").iterdir())
    assert capfd.readouterr() == ("", "")


def test_what_is_kept_between_precisions_is_not_the_programs_own_memory(
    checkpoint: Path, tmp_path: Path
) -> None:
    """LiteRT's export overwrites weights for a while, and gives them other memory afterwards."""
    program = Program.from_checkpoint(str(checkpoint), SHAPES).only("classify_8")
    target.export(program, "fp32", tmp_path / "before.mlpackage")
    for weight in program.signatures[0].module.parameters():
        true = weight.detach().clone()
        weight.data.fill_(1.5)
        weight.data = true
    target.export(program, "fp32", tmp_path / "after.mlpackage")
    assert files.sha256(tmp_path / "after.mlpackage") == files.sha256(tmp_path / "before.mlpackage")


def test_coremltools_itself_reads_the_packages_back(packages: dict[str, Path]) -> None:
    """It infers every type again and holds it against the declared one."""
    ct = coremltools()
    with quiet():
        from coremltools.converters.mil.frontend.milproto.load import load

        for path in packages.values():
            model = ct.models.MLModel(str(path), skip_model_load=True)
            specification = model.get_spec()
            program = load(specification, specification.specificationVersion, model.weights_dir)
            assert set(program.functions) == {"classify", "tokenize", "classify_8", "classify_32"}


def test_the_familiar_signature_is_kept_where_nothing_else_gives_it(program: Program, tmp_path: Path) -> None:
    target.export(program.only("serving_default"), "fp16", tmp_path / "m.mlpackage")
    card = target.describe(tmp_path / "m.mlpackage")
    assert [one.name for one in card.signatures] == ["serving_default"]


def test_an_encoder_without_labels(tmp_path: Path) -> None:
    source = tiny_checkpoint(tmp_path / "e", do_lower_case=False)
    program = Program.from_checkpoint(str(source), Shapes((8,), 64)).only("encode_8")
    target.export(program, "fp32", tmp_path / "e.mlpackage")
    session = target.open(tmp_path / "e.mlpackage")
    inputs = {**program.signatures[0].inputs, "input_ids": torch.arange(8, dtype=torch.int32)[None]}
    with torch.inference_mode():
        expected = program.signatures[0].module(**inputs)
    found = session.run("encode_8", {name: value.numpy() for name, value in inputs.items()})
    assert set(found) == {"last_hidden_state", "pooler_output"}
    for name, value in expected.items():
        assert np.abs(found[name] - value.numpy()).max() < 1e-5
    assert session.card.labels == ()


def test_an_unknown_plan_is_refused(program: Program, tmp_path: Path) -> None:
    with pytest.raises(RecipeError, match="'int3' is no plan: give fp32, fp16, int8, int4, palette4"):
        target.export(program, "int3", tmp_path / "m.mlpackage")


def test_operations_without_a_translation_are_named(program: Program) -> None:
    given_ones = [
        ModelOperation("aten.layer_norm.default", "encoder", 1),
        ModelOperation("aten.bucketize.Tensor", "encoder.odd", 1),
        ModelOperation("aten.linear.default", "encoder", 1),
    ]
    (refused,) = target.unsupported(given_ones)
    assert refused.operation.layer == "encoder.odd"
    assert "coremltools has no translation of aten.bucketize.Tensor" in refused.reason


def test_a_model_that_cannot_be_converted_names_operation_and_layer(checkpoint: Path, tmp_path: Path) -> None:
    class Odd(torch.nn.Module):
        def forward(self, states: torch.Tensor) -> torch.Tensor:
            return states + torch.bucketize(states, torch.tensor([0.0, 1.0]))

    program = Program.from_checkpoint(str(checkpoint), SHAPES).only("classify_8")
    program.signatures[0].module.get_submodule("model.encoder.embeddings").dropout = Odd()
    with pytest.raises(ExportError, match=r"aten\.bucketize\.Tensor \(in encoder\.embeddings\.dropout\)"):
        target.export(program, "fp32", tmp_path / "m.mlpackage")
    assert not list(tmp_path.iterdir())


def test_only_a_mac_is_native() -> None:
    assert target.is_native() == (sys.platform == "darwin")
