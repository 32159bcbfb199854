"""Two processes on one training: they learn what one learns with the doubled batch, and one alone writes."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import load_file

from conftest import write_table
from pocketformer.checkpoint import ARCHITECTURES
from pocketformer.cli import main
from pocketformer.data import LabeledTexts, read_labeled_texts, split
from pocketformer.train import FinetuneSettings, finetune
from pocketformer.train.finetuning import finetune_course
from pocketformer.train.trainer import build_trainer
from pocketformer.train.work import work_folder
from tiny import tiny_checkpoint, tiny_classifier

# Dropout draws by the shape of what it drops from, so it is off where two runs are compared.
SETTINGS: dict[str, Any] = {
    "epochs": 6,
    "patience": 1,
    "learning_rate": 3e-3,
    "max_length": 32,
    "dropout": 0.0,
    "precision": "fp32",
}


@pytest.fixture(scope="module")
def inputs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with a base without dropout and a table whose last batch is a small one."""
    folder = tmp_path_factory.mktemp("inputs")
    tiny_checkpoint(folder / "base", hidden_dropout_prob=0.0, attention_probs_dropout_prob=0.0)
    write_table(folder / "train.csv", 111, seed=1)
    return folder


def launch(*arguments: object) -> list[str]:
    """Return the command that starts two processes, after `python -m torch.distributed.run`'s own options."""
    words = [sys.executable, "-m", "torch.distributed.run", "--nproc-per-node", "2"]
    return [*words, "--rdzv-backend", "c10d", "--rdzv-endpoint", "localhost:0", *map(str, arguments)]


def finetune_command(inputs: Path, output: Path, **changes: Any) -> list[str]:
    pairs = [f"--set={name}={value}" for name, value in {**SETTINGS, "batch_size": 8, **changes}.items()]
    return launch(
        "-m", "pocketformer", "finetune", inputs / "train.csv",
        "--base", inputs / "base", "-o", output, "--json", *pairs,
    )  # fmt: skip


def environment() -> dict[str, str]:
    return {**os.environ, "OMP_NUM_THREADS": "1", "HF_HUB_OFFLINE": "1"}


def run(command: list[str]) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        command, capture_output=True, text=True, env=environment(), check=False, timeout=300
    )


def test_two_processes_learn_what_one_learns_with_the_doubled_batch(inputs: Path, tmp_path: Path) -> None:
    done = run(finetune_command(inputs, tmp_path / "two"))
    assert done.returncode == 0, done.stderr
    two = json.loads(done.stdout)  # said once, or it would be no JSON
    assert done.stderr.count("rows read") == 1
    assert json.loads((tmp_path / "two" / "finetune.json").read_text()) == two
    assert sorted(path.name for path in tmp_path.iterdir()) == ["two"]

    rows, _ = read_labeled_texts(inputs / "train.csv")
    train, dev = split(rows, 0.1, 0)
    settings = FinetuneSettings(**SETTINGS, batch_size=16)
    one = finetune(inputs / "base", train, dev, tmp_path / "one", settings)
    assert len(train) % 16  # so the last batch is divided unevenly
    assert len(two["epochs"]) == len(one.epochs) < 6  # both stopped early, at the same epoch
    for ours, theirs in zip(one.epochs, two["epochs"], strict=True):
        assert theirs["train_loss"] == pytest.approx(ours.train_loss, rel=1e-4)
        assert theirs["dev_loss"] == pytest.approx(ours.dev_loss, rel=1e-4)
        assert (theirs["accuracy"], theirs["macro_f1"]) == (ours.accuracy, ours.macro_f1)
    assert any("2 processes with 8 texts each: 16 texts per step" in note for note in two["notes"])
    weights = [load_file(tmp_path / name / "model.safetensors") for name in ("one", "two")]
    for name, tensor in weights[0].items():
        torch.testing.assert_close(weights[1][name], tensor, rtol=1e-3, atol=1e-4)


@pytest.mark.slow
def test_killed_processes_go_on_to_the_same_weights(inputs: Path, tmp_path: Path) -> None:
    long = {"epochs": 30, "patience": 30}
    assert run(finetune_command(inputs, tmp_path / "whole", **long)).returncode == 0
    command, folder = finetune_command(inputs, tmp_path / "parts", **long), work_folder(tmp_path / "parts")
    started = subprocess.Popen(
        command,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        env=environment(),
        start_new_session=True,
    )
    deadline = time.monotonic() + 120
    while not any(folder.glob("checkpoint-*/trainer_state.json")) and time.monotonic() < deadline:
        time.sleep(0.01)
    _kill(started)
    assert not (tmp_path / "parts").exists()
    done = run(command)
    assert done.returncode == 0, done.stderr
    assert any("Went on from an interrupted run" in note for note in json.loads(done.stdout)["notes"])
    whole, parts = (load_file(tmp_path / name / "model.safetensors") for name in ("whole", "parts"))
    assert all(torch.equal(whole[name], parts[name]) for name in whole)
    assert not folder.exists()


def _kill(started: subprocess.Popen[bytes]) -> None:
    """Kill the launcher and the processes it started, which are in groups of their own."""
    children = Path(f"/proc/{started.pid}/task/{started.pid}/children").read_text().split()
    for process in (started.pid, *map(int, children)):
        os.kill(process, signal.SIGKILL)
    started.wait()


@pytest.mark.slow
def test_an_input_that_cannot_be_used_is_said_once(inputs: Path, tmp_path: Path) -> None:
    done = run([*finetune_command(inputs, tmp_path / "out"), "--label", "nothing"])
    assert done.returncode == 1  # the launcher's
    assert done.stderr.count("error: ") == 1
    assert "has no column 'nothing'" in done.stderr
    assert done.stdout == ""


@pytest.mark.slow
def test_one_failing_process_ends_all_with_its_sentence(inputs: Path, tmp_path: Path) -> None:
    """The second process alone cannot go on: the first one waits for it in the middle of its training."""
    script = tmp_path / "script.py"
    script.write_text(
        "import sys\n"
        "from pocketformer import cli\n"
        "from pocketformer.errors import PocketformerError\n"
        "from pocketformer.processes import is_first\n"
        "from pocketformer.train import trainer\n"
        "def fail(self, *_, **__):\n"
        "    if not is_first():\n"
        "        raise PocketformerError('The second one has a bad day.')\n"
        "trainer._Watcher.on_step_end = fail\n"
        "cli._GRACE_SECONDS = 1\n"
        "cli.main()\n"
    )
    command = finetune_command(inputs, tmp_path / "out")
    place = command.index("-m", 3)
    done = run([*command[:place], str(script), *command[place + 2 :]])
    assert done.returncode == 1
    assert done.stderr.count("error: ") == 1
    assert "error: The second one has a bad day." in done.stderr
    assert done.stdout == ""


@pytest.mark.slow
def test_soft_labels_are_shared_out_and_distilled_from(inputs: Path, tmp_path: Path) -> None:
    teacher = tiny_classifier(tmp_path / "teacher", ("bank", "greeting"))
    script = tmp_path / "script.py"
    script.write_text(
        "import os, sys\n"
        "from pathlib import Path\n"
        "import numpy as np\n"
        "from pocketformer.checkpoint import load_classifier, load_tokenizer\n"
        "from pocketformer.data import LabeledTexts, read_labeled_texts, split\n"
        "from pocketformer.train import DistillSettings, distill, predict_logits, soft_labels\n"
        "module, read, own = sys.modules['pocketformer.train.soft_labels'], predict_logits, []\n"
        "module.SHARD_TEXTS = 8\n"
        "module.predict_logits = lambda *at: own.append(len(at[2])) or read(*at)\n"
        "table, teacher, base, output = map(Path, sys.argv[1:])\n"
        "train, dev = split(read_labeled_texts(table)[0], 0.1, 0)\n"
        "settings = DistillSettings(epochs=1, batch_size=8, max_length=32, learning_rate=3e-3)\n"
        "result = distill(teacher, base, train, dev, output, settings)\n"
        "logits = soft_labels(teacher, train.texts, 32, output.parent / '.soft-labels')\n"
        "expected = read(load_classifier(teacher), load_tokenizer(teacher), train.texts, 32)\n"
        "np.testing.assert_allclose(logits, expected, rtol=1e-4, atol=1e-5)\n"
        "said = Path(f'{output}.{os.environ[\"RANK\"]}')\n"
        "said.write_text(f'{sum(own)} {result.accuracy} {result.seconds}')\n"
    )
    command = launch(script, inputs / "train.csv", teacher, inputs / "base", tmp_path / "out")
    done = run(command)
    assert done.returncode == 0, done.stderr
    said = [(tmp_path / f"out.{number}").read_text().split() for number in range(2)]
    assert sorted(int(texts) for texts, *_ in said) == [48, 51]  # of 99 in 13 shards, each read once
    assert said[0][1:] == said[1][1:]  # both end with the same result


@pytest.mark.parametrize("command", ["run", "export", "verify"])
def test_commands_that_do_not_share_their_work_are_refused(
    command: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("WORLD_SIZE", "2")
    monkeypatch.setenv("RANK", "0")
    monkeypatch.setattr(sys, "argv", ["pocketformer", command, "x"])
    with pytest.raises(SystemExit) as stopped:
        main()
    assert stopped.value.code == 2
    assert f"`pocketformer {command}` runs as one" in capsys.readouterr().err


@pytest.mark.parametrize("model_type", sorted(ARCHITECTURES))
def test_every_weight_that_learns_takes_part_in_a_step(model_type: str, tmp_path: Path) -> None:
    """Processes that meet after each step wait for the gradient of every weight."""
    base = tiny_checkpoint(tmp_path / "base", model_type)
    data = LabeledTexts(("my card", "my money"), np.array([0, 1]), ("card", "money"), False)
    settings = FinetuneSettings(epochs=1, max_length=16, precision="fp32")
    course = finetune_course(base, data, data, settings)
    trainer = build_trainer(course, tmp_path / "work")
    batch = next(iter(trainer.get_train_dataloader()))
    trainer.compute_loss(course.module, batch).backward()
    learning = {name: weight for name, weight in course.module.named_parameters() if weight.requires_grad}
    assert [name for name, weight in learning.items() if weight.grad is None] == []
    assert len(learning) > 20
