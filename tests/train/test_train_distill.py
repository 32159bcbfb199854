"""Distilling: soft labels computed once, each model with its own tokenizer, transfer across sizes."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file

from pocketformer.checkpoint import ARCHITECTURES, load_classifier, load_tokenizer
from pocketformer.data import LabeledTexts
from pocketformer.errors import CheckpointError, RecipeError
from pocketformer.train import DistillSettings, distill, finetune, predict_logits, scores, soft_labels
from pocketformer.train.settings import FinetuneSettings
from pocketformer.train.words import OUTSIDE, aligned, number_words
from pocketformer.train.work import work_folder
from tiny import tiny_checkpoint, tiny_classifier
from watching import Interruption

LABELS = ("card", "money")
QUICK = DistillSettings(epochs=4, patience=4, batch_size=8, max_length=32, learning_rate=3e-3)


def examples(count: int = 16, multi_label: bool = False) -> LabeledTexts:
    texts = tuple(f"where is my {word} {number}" for number in range(count) for word in LABELS)
    targets = np.array([0, 1] * count, dtype=np.int64)
    if multi_label:
        return LabeledTexts(texts, np.eye(2, dtype=np.float32)[targets], LABELS, True)
    return LabeledTexts(texts, targets, LABELS, False)


@pytest.fixture(scope="module")
def teacher(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("teacher")
    base = tiny_checkpoint(folder / "base")
    settings = FinetuneSettings(epochs=6, patience=6, batch_size=8, max_length=32, learning_rate=3e-3)
    finetune(base, examples(), examples(), folder / "teacher", settings)
    return folder / "teacher"


def test_student_learns_from_soft_labels_alone(teacher: Path, tmp_path: Path) -> None:
    """Two labelled texts cannot teach it; the teacher's word on the others can."""
    student = tiny_checkpoint(tmp_path / "student", num_hidden_layers=1, seed=3)
    data = examples()
    few, pool = data.subset([0, 1]), data.texts[2:]
    settings = QUICK.model_copy(update={"epochs": 8, "patience": 8})
    result = distill(teacher, student, few, data, tmp_path / "out", settings, pool)
    assert result.accuracy > 0.9
    assert result.teacher == str(teacher)
    assert any("30 texts without a label" in note for note in result.notes)
    model, tokenizer = load_classifier(tmp_path / "out"), load_tokenizer(tmp_path / "out")
    found = scores(predict_logits(model, tokenizer, data.texts, 32), data.targets, False)
    assert found.accuracy == result.accuracy
    assert json.loads((tmp_path / "out" / "distill.json").read_text()) == json.loads(result.to_json())


@pytest.mark.parametrize("multi_label", [False, True])
def test_soft_labels_are_the_teachers_logits(multi_label: bool, tmp_path: Path) -> None:
    saved = tiny_classifier(tmp_path / "teacher", multi_label=multi_label)
    texts = examples(3).texts
    found = soft_labels(saved, texts, 32, tmp_path / "cache")
    expected = predict_logits(load_classifier(saved), load_tokenizer(saved), texts, 32)
    assert np.array_equal(found, expected)
    assert found.min() < 0  # logits, not probabilities


def test_soft_labels_are_computed_once_and_a_damaged_shard_again(
    teacher: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    module = sys.modules["pocketformer.train.soft_labels"]
    monkeypatch.setattr(module, "SHARD_TEXTS", 4)
    texts, seen = examples(5).texts, []
    predict = module.predict_logits
    monkeypatch.setattr(module, "predict_logits", lambda *at: seen.append(len(at[2])) or predict(*at))

    first = soft_labels(teacher, texts, 32, tmp_path)
    assert seen == [4, 4, 2]
    assert np.array_equal(soft_labels(teacher, texts, 32, tmp_path), first)
    assert seen == [4, 4, 2]
    more = soft_labels(teacher, (*texts[:8], "hello"), 32, tmp_path)
    assert seen == [4, 4, 2, 1]
    assert np.array_equal(more[:8], first[:8])
    shard = sorted(tmp_path.rglob("*.npy"))[0]
    shard.write_bytes(shard.read_bytes()[:100])
    assert np.array_equal(soft_labels(teacher, texts, 32, tmp_path), first)
    soft_labels(teacher, texts[:4], 16, tmp_path)
    assert len(seen) == 6  # another length is another reading


def test_labels_in_another_order_are_put_in_order(teacher: Path, tmp_path: Path) -> None:
    data = examples()
    turned = LabeledTexts(data.texts, 1 - data.targets, LABELS[::-1], False)
    student = tiny_checkpoint(tmp_path / "student", num_hidden_layers=1)
    settings = QUICK.model_copy(update={"soft_weight": 1.0, "epochs": 8, "patience": 8})
    result = distill(teacher, student, turned, turned, tmp_path / "out", settings)
    assert result.accuracy > 0.9


def test_each_model_reads_by_its_own_tokenizer(teacher: Path, tmp_path: Path) -> None:
    """The student's vocabulary is the teacher's in reverse: the teacher's ids would be nonsense to it."""
    student = tiny_checkpoint(tmp_path / "student", num_hidden_layers=1)
    pieces = (student / "vocab.txt").read_text("utf-8").splitlines()
    vocabulary = "".join(f"{piece}\n" for piece in [*pieces[:5], *reversed(pieces[5:])])
    for path in student.glob("*token*"):
        path.unlink()
    (student / "vocab.txt").write_text(vocabulary, "utf-8")
    (student / "tokenizer_config.json").write_text('{"tokenizer_class": "BertTokenizer"}', "utf-8")
    ids = [load_tokenizer(path)("my card").input_ids for path in (teacher, student)]
    assert ids[0] != ids[1]
    settings = QUICK.model_copy(update={"epochs": 8, "patience": 8, "hidden_weight": 1.0})
    result = distill(teacher, student, examples(), examples(), tmp_path / "out", settings)
    assert result.accuracy > 0.9


@pytest.mark.parametrize("model_type", sorted(ARCHITECTURES))
def test_inner_states_come_nearer_whatever_the_student_is(
    teacher: Path, tmp_path: Path, model_type: str
) -> None:
    sizes = {"hidden_size": 48} if model_type == "bert" else {}
    student = tiny_checkpoint(tmp_path / "student", model_type, **sizes)
    attention = 0.0 if model_type == "squeezebert" else 1.0
    settings = QUICK.model_copy(update={"hidden_weight": 1.0, "attention_weight": attention, "epochs": 3})
    result = distill(teacher, student, examples(), examples(4), tmp_path / "out", settings)
    assert result.epochs[-1].train_loss < result.epochs[0].train_loss
    assert not any(name.startswith("maps") for name in load_file(tmp_path / "out" / "model.safetensors"))
    assert load_classifier(tmp_path / "out").architecture.model_type == model_type


def test_transfer_to_the_teacher_itself_is_already_done(teacher: Path) -> None:
    from pocketformer.train.transfer import Transfer

    student = load_classifier(teacher)
    ids = torch.tensor([[2, 10, 11, 3], [2, 10, 3, 0]])
    words = torch.tensor([[0, 1, 2, 3], [0, 1, 2, OUTSIDE]])
    module = Transfer(student, load_classifier(teacher), 1.0, 1.0, 0)
    read = (ids, (ids > 0).long(), words) * 2
    assert module(*read).loss.abs() < 1e-5
    with torch.no_grad():
        student.encoder.encoder.layer[0].output.dense.weight.neg_()
    assert module(*read).loss > 0.001


def test_attention_of_an_architecture_without_maps_is_refused(teacher: Path, tmp_path: Path) -> None:
    student = tiny_checkpoint(tmp_path / "student", "squeezebert")
    settings = QUICK.model_copy(update={"attention_weight": 1.0})
    with pytest.raises(RecipeError, match="squeezebert gives no attention maps"):
        distill(teacher, student, examples(), examples(), tmp_path / "out", settings)


def test_words_meet_where_tokenizers_differ(tmp_path: Path) -> None:
    tokenizer = load_tokenizer(tiny_checkpoint(tmp_path / "base"))
    (whole,) = number_words(tokenizer, ["my cards!"], 32)
    assert whole == ([0, 1, 2, 2, 3, 4], False)
    (cut,) = number_words(tokenizer, ["my cards!"], 4)
    assert cut == ([0, 1, 2, 3], True)
    assert aligned(whole, cut) == ([0, 1, 2, 2, OUTSIDE, 3], [0, 1, 2, 3])
    other = ([0, 1, 2], False)  # sees one word where the first sees three
    assert aligned(whole, other) == ([OUTSIDE] * 6, [OUTSIDE] * 3)


@pytest.mark.parametrize("at", ["the teacher read", "epoch 3 of 4"])
def test_interrupted_distillation_ends_with_the_same_weights(teacher: Path, tmp_path: Path, at: str) -> None:
    student = tiny_checkpoint(tmp_path / "student", hidden_size=48, num_hidden_layers=1)
    settings = QUICK.model_copy(update={"hidden_weight": 1.0})
    weights = []
    for name in ("whole", "parts"):
        out = tmp_path / name / "out"
        if name == "parts":
            with pytest.raises(KeyboardInterrupt):
                distill(teacher, student, examples(), examples(4), out, settings, (), Interruption(at))
        distill(teacher, student, examples(), examples(4), out, settings)
        weights.append(load_file(out / "model.safetensors"))
        assert not work_folder(out).exists()
    assert all(torch.equal(weights[0][name], weights[1][name]) for name in weights[0])


def test_head_of_a_cut_classifier_is_kept(teacher: Path, tmp_path: Path) -> None:
    settings = QUICK.model_copy(update={"epochs": 1, "learning_rate": 1e-12})
    result = distill(teacher, teacher, examples(), examples(), tmp_path / "out", settings)
    assert any("head of the base (linear, mean pooling) was kept" in note for note in result.notes)
    before, after = (load_file(path / "model.safetensors") for path in (teacher, tmp_path / "out"))
    assert torch.allclose(before["head.output.weight"], after["head.output.weight"], atol=1e-6)
    deep = tiny_classifier(tmp_path / "deep", LABELS, head="two-layer", pooling="cls")
    kept = distill(teacher, deep, examples(), examples(), tmp_path / "kept", settings)
    assert (kept.settings["head"], kept.settings["pooling"]) == ("two-layer", "cls")
    other = QUICK.model_copy(update={"epochs": 1, "head": "two-layer"})
    distill(teacher, teacher, examples(), examples(), tmp_path / "other", other)
    assert load_classifier(tmp_path / "other").settings.kind == "two-layer"


def test_teachers_that_cannot_teach(teacher: Path, tmp_path: Path) -> None:
    student = tiny_checkpoint(tmp_path / "student")
    data = examples(2)
    strange = tiny_classifier(tmp_path / "strange", ("cat", "dog"))
    with pytest.raises(CheckpointError, match="Fine-tune the teacher on this table first"):
        distill(strange, student, data, data, tmp_path / "out", QUICK)
    with pytest.raises(CheckpointError, match="no classification head"):
        distill(student, student, data, data, tmp_path / "out", QUICK)
    with pytest.raises(CheckpointError, match="the teacher itself"):
        distill(teacher, student, data, data, teacher, QUICK)
    assert not (tmp_path / "out").exists()
