"""Quantisation-aware training of classifiers: the dev score is the file's, interruptions change nothing."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file

import pocketformer
from pocketformer.checkpoint import load_classifier, load_tokenizer
from pocketformer.data import LabeledTexts
from pocketformer.errors import RecipeError
from pocketformer.plan import Plan, WeightFormat, bake, plan_of_checkpoint, simulated
from pocketformer.program import Program, Shapes
from pocketformer.targets import litert
from pocketformer.train import DistillSettings, FinetuneSettings, distill, finetune, predict_logits, scores
from tiny import tiny_checkpoint, tiny_classifier
from watching import Interruption

LABELS = ("card", "money")
QUICK = FinetuneSettings(
    epochs=3, batch_size=8, max_length=32, learning_rate=3e-3, precision="fp32", quantize="w4b32-e4-a8"
)


def examples(count: int = 16) -> LabeledTexts:
    texts = tuple(f"where is my {word} {number}" for number in range(count) for word in LABELS)
    return LabeledTexts(texts, np.array([0, 1] * count, dtype=np.int64), LABELS, False)


@pytest.fixture
def base(tmp_path: Path) -> Path:
    return tiny_checkpoint(tmp_path / "base")


def file_logits(checkpoint: Path, plan: Plan, path: Path, texts: tuple[str, ...]) -> np.ndarray:
    program = Program.from_checkpoint(str(checkpoint), Shapes((32,), 64)).only("classify_32")
    with program.baked(plan):
        litert.export(program, plan, path)
    model, tokenizer = pocketformer.open(path), load_tokenizer(checkpoint)
    tokens = [tokenizer(text, padding="max_length", max_length=32, return_tensors="np") for text in texts]
    names = [tensor.name for tensor in model.card.signature("classify_32").inputs]
    return np.concatenate(
        [
            model.run("classify_32", {name: one[name].astype(np.int32) for name in names})["logits"]
            for one in tokens
        ]
    )


@pytest.mark.parametrize("name", ["int8", "w4b32-e4-a8"])
def test_the_dev_score_is_that_of_the_file(base: Path, tmp_path: Path, name: str) -> None:
    # Few epochs: a model that is always right could not tell.
    settings = QUICK.model_copy(update={"quantize": name, "epochs": 1, "learning_rate": 1e-3})
    dev, plan = examples(12), Plan.named(name)
    result = finetune(base, examples(), dev, tmp_path / "out", settings)
    model, tokenizer = load_classifier(tmp_path / "out"), load_tokenizer(tmp_path / "out")
    with simulated(model, plan):
        logits = predict_logits(model, tokenizer, dev.texts, 32)
    found = scores(logits, dev.targets, False)
    assert (found.accuracy, found.macro_f1) == (result.accuracy, result.macro_f1)
    stored = file_logits(tmp_path / "out", plan, tmp_path / "model.tflite", dev.texts)
    assert scores(stored, dev.targets, False).accuracy == result.accuracy
    differences = np.abs(stored - logits) / np.abs(logits).max()
    assert np.median(differences) < 1e-6
    assert differences.max() < 2e-2  # a sum that ends on a rounding edge may take the next of 255 steps


def test_the_checkpoint_is_an_ordinary_one_on_the_grid(base: Path, tmp_path: Path) -> None:
    result = finetune(base, examples(), examples(), tmp_path / "out", QUICK)
    finetune(base, examples(), examples(), tmp_path / "plain", QUICK.model_copy(update={"quantize": None}))
    tensors, plain = (load_file(tmp_path / name / "model.safetensors") for name in ("out", "plain"))
    assert tensors.keys() == plain.keys()
    plan = plan_of_checkpoint(tmp_path / "out")
    assert plan == Plan.named("w4b32-e4-a8")
    assert plan_of_checkpoint(tmp_path / "plain") is None
    model = load_classifier(tmp_path / "out")
    before = {name: value.clone() for name, value in model.state_dict().items()}
    bake(model, plan)
    assert all(torch.equal(value, before[name]) for name, value in model.state_dict().items())
    assert any("'w4b32-e4-a8'" in note and "weights int4-b32" in note for note in result.notes)
    assert result.settings["quantize"] == "w4b32-e4-a8"


@pytest.mark.parametrize("at", ["epoch 2 of 3", "kept epoch"])
def test_interrupted_run_ends_with_the_same_weights(base: Path, tmp_path: Path, at: str) -> None:
    data, dev = examples(), examples(5)
    finetune(base, data, dev, tmp_path / "whole", QUICK)
    with pytest.raises(KeyboardInterrupt):
        finetune(base, data, dev, tmp_path / "parts", QUICK, Interruption(at))
    finetune(base, data, dev, tmp_path / "parts", QUICK)
    whole, parts = (load_file(tmp_path / name / "model.safetensors") for name in ("whole", "parts"))
    assert all(torch.equal(whole[name], parts[name]) for name in whole)


def test_a_plan_file_with_other_content_is_another_training(base: Path, tmp_path: Path) -> None:
    plan = Plan.named("int8")
    plan.save(tmp_path / "own.toml")
    settings = QUICK.model_copy(update={"quantize": str(tmp_path / "own.toml")})
    with pytest.raises(KeyboardInterrupt):
        finetune(base, examples(), examples(5), tmp_path / "out", settings, Interruption("epoch 2"))
    other = plan.with_layers({"head": WeightFormat.parse("fp16")})
    other.save(tmp_path / "own.toml")
    after = Interruption("never")
    finetune(base, examples(), examples(5), tmp_path / "out", settings, after)
    assert after.seen[0] == "epoch 1 of 3"
    assert plan_of_checkpoint(tmp_path / "out") == other


def test_distilling_is_aware_of_the_plan_as_well(tmp_path: Path) -> None:
    teacher = tiny_classifier(tmp_path / "teacher", LABELS, seed=3)
    student = tiny_classifier(tmp_path / "student", LABELS, num_hidden_layers=1, hidden_size=16)
    settings = DistillSettings(**QUICK.model_dump() | {"hidden_weight": 1.0, "quantize": "w4-e4-a8"})
    dev = examples(6)
    result = distill(teacher, student, examples(), dev, tmp_path / "out", settings)
    plan = plan_of_checkpoint(tmp_path / "out")
    assert plan == Plan.named("w4-e4-a8")
    model, tokenizer = load_classifier(tmp_path / "out"), load_tokenizer(tmp_path / "out")
    with simulated(model, plan):
        found = scores(predict_logits(model, tokenizer, dev.texts, 32), dev.targets, False)
    assert found.accuracy == result.accuracy
    before = {name: value.clone() for name, value in model.state_dict().items()}
    bake(model, plan)
    assert all(torch.equal(value, before[name]) for name, value in model.state_dict().items())


def test_a_classifier_that_was_trained_gets_a_short_last_phase(base: Path, tmp_path: Path) -> None:
    finetune(base, examples(), examples(5), tmp_path / "first", QUICK.model_copy(update={"quantize": None}))
    settings = FinetuneSettings(batch_size=8, max_length=32, quantize="int4")
    result = finetune(tmp_path / "first", examples(), examples(5), tmp_path / "second", settings)
    assert (result.settings["epochs"], result.settings["learning_rate"]) == (2, 5e-5)
    assert sum("last phase" in note for note in result.notes) == 2
    (tmp_path / "first" / "shrink.json").write_text("{}")  # cut since: it has to learn anew
    result = finetune(
        tmp_path / "first",
        examples(),
        examples(5),
        tmp_path / "third",
        settings.model_copy(update={"patience": 1}),
    )
    assert result.settings["learning_rate"] == 2e-4


def test_a_plan_that_cannot_be_followed_is_refused_before_training(base: Path, tmp_path: Path) -> None:
    for name, message in (("w5x", "is no plan"), (str(tmp_path / "none.toml"), "no plan file")):
        with pytest.raises(RecipeError, match=message):
            finetune(
                base, examples(), examples(), tmp_path / "out", QUICK.model_copy(update={"quantize": name})
            )
    assert not (tmp_path / "out").exists()


def linear_weights(checkpoint: Path) -> list[torch.Tensor]:
    return [module.weight.detach() for module in load_classifier(checkpoint).modules() if is_linear(module)]


def is_linear(module: torch.nn.Module) -> bool:
    return isinstance(module, torch.nn.Linear)


def test_a_share_of_zeros_lies_on_the_grid_as_well(base: Path, tmp_path: Path) -> None:
    settings = QUICK.model_copy(update={"sparsity": 0.75, "quantize": "int8"})
    result = finetune(base, examples(), examples(5), tmp_path / "out", settings)
    weights = linear_weights(tmp_path / "out")
    zeros = sum(int((weight == 0).sum()) for weight in weights) / sum(weight.numel() for weight in weights)
    assert zeros == pytest.approx(0.75, abs=0.02)
    assert (result.settings["keep"], result.best_epoch) == ("last", 3)
    assert any("75 %" in note for note in result.notes)
    model = load_classifier(tmp_path / "out")
    bake(model, plan_of_checkpoint(tmp_path / "out"))
    stored = [module.weight.detach() for module in model.modules() if is_linear(module)]
    assert all(torch.equal(before, after) for before, after in zip(weights, stored, strict=True))


@pytest.mark.parametrize("sparsity", [None, 0.5])
def test_clusters_leave_so_many_values_and_survive_an_interruption(
    base: Path, tmp_path: Path, sparsity: float | None
) -> None:
    settings = QUICK.model_copy(update={"clusters": 8, "sparsity": sparsity, "quantize": None})
    finetune(base, examples(), examples(5), tmp_path / "whole", settings)
    with pytest.raises(KeyboardInterrupt):
        finetune(base, examples(), examples(5), tmp_path / "parts", settings, Interruption("epoch 2 of 3"))
    finetune(base, examples(), examples(5), tmp_path / "parts", settings)
    whole, parts = (load_file(tmp_path / name / "model.safetensors") for name in ("whole", "parts"))
    assert all(torch.equal(whole[name], parts[name]) for name in whole)
    for weight in linear_weights(tmp_path / "whole"):
        assert len(weight.unique()) <= 8
        assert sparsity is None or (weight == 0).float().mean() >= 0.45


def test_clusters_beside_a_grid_are_refused() -> None:
    with pytest.raises(ValueError, match="give one of them"):
        FinetuneSettings(clusters=16, quantize="int8")
