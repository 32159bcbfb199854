"""Every architecture, real old runtimes against the verdict, and the browser's build of the runtime."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from pocketformer.checkpoint import ARCHITECTURES
from pocketformer.checks import SAMPLE_TEXTS, Reference, judge_encoder
from pocketformer.program import Program, Shapes
from pocketformer.targets import onnx as target
from tiny import tiny_checkpoint, tiny_classifier

pytestmark = pytest.mark.slow

SHAPES = Shapes((8, 32), 1024)
TEXT = "where is my card, please? 中文 naïve"


def as_input(text: str) -> dict[str, np.ndarray]:
    return {"text": np.frombuffer(text.encode(), np.uint8).astype(np.int32)[None]}


@pytest.mark.parametrize("model_type", sorted(ARCHITECTURES))
def test_classifiers(model_type: str, tmp_path: Path) -> None:
    source = tiny_classifier(tmp_path / "c", model_type=model_type, head="two-layer", pooling="cls")
    program = Program.from_checkpoint(str(source), SHAPES)
    reference = Reference(str(source), 1024, 32).run(SAMPLE_TEXTS)
    for precision, limit in {"fp32": 1e-4, "fp16": 1e-2, "int8": 0.1, "int4": 0.3}.items():
        path = tmp_path / f"m.{precision}.onnx"
        target.export(program, precision, path)
        session = target.open(path)
        assert {one.name for one in session.card.operations if "." in one.name} == set()
        for row, text in enumerate(SAMPLE_TEXTS):
            ids = session.run("tokenize", as_input(text))["input_ids"][0]
            assert np.array_equal(ids, reference.input_ids[row])
            logits = session.run("classify", as_input(text))["logits"][0]
            assert np.abs(logits - reference.logits[row]).max() <= limit


@pytest.mark.parametrize("model_type", sorted(ARCHITECTURES))
def test_encoders(model_type: str, tmp_path: Path) -> None:
    source = tiny_checkpoint(tmp_path / "e", model_type, do_lower_case=False)
    target.export(Program.from_checkpoint(str(source), SHAPES), "fp32", tmp_path / "e.onnx")
    parity = judge_encoder(tmp_path / "e.onnx", str(source), SAMPLE_TEXTS).parity
    assert parity.token_mismatches == 0
    assert parity.max_logit_error <= 1e-4


def test_multi_label(tmp_path: Path) -> None:
    source = tiny_classifier(tmp_path / "c", ("a", "b", "c"), multi_label=True)
    target.export(Program.from_checkpoint(str(source), SHAPES), "fp32", tmp_path / "m.onnx")
    reference = Reference(str(source), 1024, 32).run([TEXT])
    scores = target.open(tmp_path / "m.onnx").run("classify", as_input(TEXT))["scores"]
    assert np.allclose(scores, reference.scores, atol=1e-5)


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("files")
    source = tiny_classifier(folder / "c", hidden_size=64, intermediate_size=96)
    program = Program.from_checkpoint(str(source), SHAPES)
    plans = (*target.precisions, "w2-e3-a8", "wp4g16-e2b16-a32", "w8b32-e8-a8")  # what is packed, and how
    paths = {precision: folder / f"m.{precision}.onnx" for precision in plans}
    for precision, path in paths.items():
        target.export(program, precision, path)
    return paths


# Run by an interpreter that has neither pocketformer nor anything else of this environment.
PLAIN = """
import json, sys
import numpy as np
import onnxruntime
onnxruntime.set_default_logger_severity(4)
text = np.array([list(sys.argv[1].encode())], np.int32)
answers = {}
for path in sys.argv[2:]:
    try:
        session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
        answers[path] = session.run(["scores"], {"text": text})[0][0].tolist()
    except Exception as error:
        answers[path] = str(error)
print(json.dumps(answers))
"""


# The oldest one, and those before and after int4; `.ci/run` installs no others.
_BORDERS = ("1.12.1", "1.18.1", "1.19.2")


@pytest.mark.parametrize("release", ["1.12.1", "1.16.3", "1.17.3", "1.18.1", "1.19.2", "1.23.2"])
def test_a_verdict_is_true_on_old_runtimes(release: str, files: dict[str, Path], tmp_path: Path) -> None:
    """What it admits gives the right scores there, and what it does not is refused out loud."""
    python = _environment(release, tmp_path / "venv")
    command = [str(python), "-c", PLAIN, TEXT, *map(str, files.values())]
    printed = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    answers = json.loads(printed.splitlines()[-1])
    for path in files.values():
        session, answer = target.open(path), answers[str(path)]
        oldest = session.card.runtime.release
        assert oldest is not None
        if _numbers(release) >= _numbers(oldest):
            expected = session.run("classify", as_input(TEXT))["scores"][0]
            # Not to 1e-4: where a value lies between two steps, two releases may round it differently.
            assert answer == pytest.approx(expected.tolist(), abs=1e-4 if "fp" in path.name else 0.02)
        else:
            assert isinstance(answer, str)


def _numbers(release: str) -> tuple[int, ...]:
    return tuple(map(int, release.split(".")[:2]))


def _environment(release: str, folder: Path) -> Path:
    """Return the interpreter of a fresh environment with that release; skip where none can be made."""
    if os.environ.get("POCKETFORMER_RUNTIMES") == "borders" and release not in _BORDERS:
        pytest.skip(f"POCKETFORMER_RUNTIMES=borders leaves {release} out")
    name = "python3.10" if _numbers(release) < (1, 14) else "python3.11"
    own = sys.executable if name.endswith(f".{sys.version_info.minor}") else None
    managed = [str(path) for path in sorted(Path.home().glob(f".pyenv/versions/*/bin/{name}"))]
    for interpreter in filter(None, (own, shutil.which(name), *managed)):
        made = subprocess.run([interpreter, "-m", "venv", str(folder)], capture_output=True, check=False)
        if made.returncode == 0:
            break
    else:
        pytest.skip(f"{name} is not installed, and onnxruntime {release} has no wheel for another")
    install = [str(folder / "bin/pip"), "install", "-q", f"onnxruntime=={release}", "numpy<2"]
    installed = subprocess.run(install, capture_output=True, text=True, check=False)
    if installed.returncode:
        pytest.skip(f"onnxruntime {release} cannot be installed here: {installed.stderr.splitlines()[-1]}")
    return folder / "bin/python"


IN_NODE = """
import * as ort from 'onnxruntime-web';
import fs from 'node:fs';
ort.env.wasm.numThreads = 1;
const answers = {};
for (const path of process.argv.slice(3)) {
  const session = await ort.InferenceSession.create(fs.readFileSync(path), {executionProviders: ['wasm']});
  const bytes = new Int32Array(new TextEncoder().encode(process.argv[2]));
  const outputs = await session.run({text: new ort.Tensor('int32', bytes, [1, bytes.length])});
  answers[path] = [Array.from(outputs.input_ids.data), Array.from(outputs.scores.data)];
}
console.log(JSON.stringify(answers));
"""


def test_the_browsers_runtime_gives_the_same(files: dict[str, Path], tmp_path: Path) -> None:
    node, npm = shutil.which("node"), shutil.which("npm")
    if node is None or npm is None:
        pytest.skip("node and npm are not installed")
    install = [npm, "install", "--no-audit", "--no-fund", "--ignore-scripts", "onnxruntime-web@1.30.0"]
    installed = subprocess.run(install, cwd=tmp_path, capture_output=True, text=True, check=False)
    if installed.returncode:
        pytest.skip(f"npm cannot install onnxruntime-web: {installed.stderr.strip()[-200:]}")
    (tmp_path / "run.mjs").write_text(IN_NODE, encoding="utf-8")
    command = [node, "run.mjs", TEXT, *map(str, files.values())]
    printed = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=True).stdout
    answers = json.loads(printed.splitlines()[-1])
    for path in files.values():
        session = target.open(path)
        ids, scores = answers[str(path)]
        assert ids == session.run("tokenize", as_input(TEXT))["input_ids"][0].tolist()
        expected = session.run("classify", as_input(TEXT))["scores"][0]
        assert scores == pytest.approx(expected.tolist(), abs=1e-4 if "fp" in path.name else 0.02)
