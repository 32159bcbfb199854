"""The search on a little classifier: sensitivities, a plan, a file proven on rows that chose nothing."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from typer.testing import CliRunner

import pocketformer
from conftest import write_table
from pocketformer.budget.judging import Judge, divergence
from pocketformer.budget.rounding import Roundings
from pocketformer.budget.sensitivity import sensitivity
from pocketformer.checkpoint import load_classifier, load_tokenizer
from pocketformer.cli import app
from pocketformer.data import read_labeled_texts
from pocketformer.edition import Edition
from pocketformer.plan import Plan, WeightFormat, as_plan
from pocketformer.train import predict_logits


@pytest.fixture(scope="module")
def rows(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("rows")
    write_table(folder / "dev.csv", 40, seed=5)
    write_table(folder / "test.csv", 40, seed=6)
    return folder


def test_a_judge_says_what_predicting_says(finished: Path, rows: Path) -> None:
    model, tokenizer = (
        load_classifier(finished / "checkpoint").eval(),
        load_tokenizer(finished / "checkpoint"),
    )
    dev, _ = read_labeled_texts(rows / "dev.csv", labels=model.labels)
    judge = Judge(model, tokenizer, dev.texts, dev.targets, 32)
    assert np.allclose(judge.logits(), predict_logits(model, tokenizer, dev.texts, 32), atol=1e-5)
    assert judge.reference.divergence == 0
    assert judge.reference.agreement == 1


def test_divergence_is_that_of_the_formula() -> None:
    before, after = np.array([[0.0, 1.0, 2.0]], np.float32), np.array([[2.0, 1.0, 0.0]], np.float32)
    p, q = torch.softmax(torch.from_numpy(before), 1), torch.softmax(torch.from_numpy(after), 1)
    assert divergence(before, after) == pytest.approx(float((p * (p / q).log()).sum()), rel=1e-5)
    s, t = torch.sigmoid(torch.from_numpy(before)), torch.sigmoid(torch.from_numpy(after))
    expected = (s * (s / t).log() + (1 - s) * ((1 - s) / (1 - t)).log()).sum()
    assert divergence(before, after, multi_label=True) == pytest.approx(float(expected), rel=1e-5)


def test_fewer_bits_cost_more_and_the_model_is_left_alone(finished: Path, rows: Path) -> None:
    model, tokenizer = (
        load_classifier(finished / "checkpoint").eval(),
        load_tokenizer(finished / "checkpoint"),
    )
    dev, _ = read_labeled_texts(rows / "dev.csv", labels=model.labels)
    before = {name: value.clone() for name, value in model.state_dict().items()}
    formats = [WeightFormat.parse(name) for name in ("int8", "int4", "int2")]
    roundings = Roundings(model, Plan.named("int8"))
    costs = sensitivity(model, Judge(model, tokenizer, dev.texts, None, 32), formats, roundings)
    assert all(torch.equal(value, before[name]) for name, value in model.state_dict().items())
    mean = {
        stored: np.mean([cost.divergence for cost in costs if cost.format == stored])
        for stored in ("int8", "int4", "int2")
    }
    assert mean["int8"] < mean["int4"] < mean["int2"]


@pytest.mark.slow
def test_a_plan_is_found_written_and_proven(finished: Path, rows: Path, tmp_path: Path) -> None:
    arguments = [
        "plan", str(finished / "checkpoint"), "-o", str(tmp_path / "dist"), "--dev", str(rows / "dev.csv"),
        "--test", str(rows / "test.csv"), "--max-drop", "5", "--length", "32", "--name", "small", "--json",
    ]  # fmt: skip
    done = CliRunner().invoke(app, arguments)
    assert done.exit_code == 0, done.output
    edition = Edition.load(tmp_path / "dist")
    assert edition.budget is not None
    entry = edition.files[0]
    assert entry.file == "small.best.tflite"
    assert entry.verdict is not None
    assert entry.verdict.passed
    plan = as_plan(tmp_path / "dist" / "best.toml")
    assert plan.layers == edition.budget.best.plan.layers
    assert entry.size_bytes / 1e6 == pytest.approx(edition.budget.best.megabytes, rel=0.1)
    assert json.loads(done.stdout)["budget"]["chosen"] == edition.budget.chosen
    assert pocketformer.open(tmp_path / "dist" / entry.file)("money card bank").label in edition.labels
    assert "The frontier" in (tmp_path / "dist" / "report.html").read_text("utf-8")
    again = CliRunner().invoke(app, arguments)
    assert again.exit_code == 0


@pytest.mark.slow
def test_an_impossible_budget_is_a_sentence(finished: Path, rows: Path, tmp_path: Path) -> None:
    arguments = ["plan", str(finished / "checkpoint"), "-o", str(tmp_path), "--dev", str(rows / "dev.csv")]
    done = CliRunner().invoke(app, [*arguments, "--max-mb", "0.001", "--length", "32"])
    assert done.exception is not None
    assert "at most 0.001 was asked for" in str(done.exception)
