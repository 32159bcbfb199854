"""The command `shrink`, as a person types it."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

from conftest import write_table
from pocketformer.checkpoint import load_classifier, load_encoder
from pocketformer.cli import main
from tiny import tiny_classifier, tiny_vocab


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    tiny_classifier(tmp_path / "teacher", ("bank", "greeting"), num_hidden_layers=3)
    write_table(tmp_path / "train.csv", 40, seed=1)
    return tmp_path


def run(capsys: pytest.CaptureFixture[str], *arguments: object) -> tuple[int, str, str]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sys, "argv", ["pocketformer", "shrink", *map(str, arguments)])
        with pytest.raises(SystemExit) as stopped:
            main()
    captured = capsys.readouterr()
    return int(stopped.value.code or 0), captured.out, captured.err


def test_student_of_a_classifier(capsys: pytest.CaptureFixture[str], folder: Path) -> None:
    code, out, err = run(capsys, "teacher", "-o", "start", "--layers", 2, "--texts", "train.csv")
    assert code == 0, err
    assert "Wrote start" in out
    assert "Layers: 1, 2 of 3" in err
    assert "pocketformer distill teacher start TRAIN.csv" in err
    assert load_classifier(folder / "start").labels == ("bank", "greeting")


def test_layers_by_number_and_by_search(capsys: pytest.CaptureFixture[str], folder: Path) -> None:
    _, out, _ = run(capsys, "teacher", "-o", "a", "--layers", "0,2", "--keep-vocabulary", "--json")
    found = json.loads(out)
    assert (found["layers"], found["pieces"]) == ([0, 2], found["pieces_before"])
    search = ("--layers", 1, "--choose", "search", "--train", "train.csv")
    code, _, err = run(capsys, "teacher", "-o", "b", *search)
    assert code == 0, err
    assert "probed 3 choices of layers" in err
    assert "held-out texts" in err


def test_neurons_and_heads(capsys: pytest.CaptureFixture[str], folder: Path) -> None:
    kept = ("--layers", 2, "--neurons", 16, "--heads", 1, "--train", "train.csv")
    code, _, err = run(capsys, "teacher", "-o", "start", *kept)
    assert code == 0, err
    said = " ".join(err.split())
    assert "Feed-forward neurons: 16 of 64 in each layer" in said
    assert "Attention heads: 1 of 2 in each layer" in said
    assert "measured on 36 texts" in said
    assert load_classifier(folder / "start").encoder.config.intermediate_size == 16


def test_from_scratch(capsys: pytest.CaptureFixture[str], folder: Path) -> None:
    (folder / "vocab.txt").write_text("".join(f"{piece}\n" for piece in tiny_vocab()), "utf-8")
    sizes = ("--width", 32, "--depth", 1, "--heads", 4, "--set", "max_positions=64")
    code, out, err = run(capsys, "vocab.txt", "-o", "start", "--scratch", *sizes, "--texts", "train.csv")
    assert code == 0, err
    config = load_encoder(folder / "start").config
    assert (config.hidden_size, config.num_attention_heads, config.max_position_embeddings) == (32, 4, 64)
    assert "Wrote start" in out


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["--layers", "4", "--texts", "train.csv"], "4 layers were asked for, but the encoder has 3"),
        (["--layers", "0,3", "--texts", "train.csv"], "different numbers from 0 to 2"),
        (["--layers", "two", "--texts", "train.csv"], "give a number, as 3, or some, as 1,3,5"),
        (["--layers", "2"], "--keep-vocabulary"),
        (["--layers", "1", "--choose", "search", "--texts", "train.csv"], "needs labelled texts"),
        (["--choose", "last", "--texts", "train.csv"], "needs a number of layers to choose"),
        (["--width", "32", "--texts", "train.csv"], "--width is for a student that starts from --scratch"),
        (["--neurons", "65", "--texts", "train.csv"], "65 neurons were asked for, but each layer has 64"),
        (["--heads", "1", "--keep-vocabulary"], "no texts to measure"),
        (["--scratch", "--neurons", "8", "--texts", "train.csv"], "--neurons is for a student that cuts"),
        (["--scratch", "--layers", "1", "--texts", "train.csv"], "--layers is for a student that cuts"),
    ],
)
def test_refusals(
    capsys: pytest.CaptureFixture[str], folder: Path, arguments: list[str], sentence: str
) -> None:
    code, out, err = run(capsys, "teacher", "-o", "start", *arguments)
    assert (code, out) == (2, "")
    assert sentence in err
    assert "Traceback" not in err
    assert not (folder / "start").exists()


def test_source_is_never_overwritten(capsys: pytest.CaptureFixture[str], folder: Path) -> None:
    before = (folder / "teacher" / "model.safetensors").read_bytes()
    for kind in (["--layers", "1"], ["--scratch", "--width", "32"]):
        code, _, err = run(capsys, "teacher", "-o", "teacher", *kind, "--texts", "train.csv")
        assert code == 2
        assert "would be overwritten" in err
    assert (folder / "teacher" / "model.safetensors").read_bytes() == before
