"""Fine-tuning: it learns, keeps the best epoch, resumes exactly, and says what it did."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from pydantic import ValidationError
from safetensors import SafetensorError
from safetensors.torch import load_file

from pocketformer.checkpoint import load_classifier, load_tokenizer
from pocketformer.data import LabeledTexts
from pocketformer.errors import CheckpointError, DataError, PocketformerError, RecipeError
from pocketformer.train import FinetuneSettings, finetune, predict_logits, scores
from pocketformer.train.defaults import EncoderSize, resolve
from pocketformer.train.result import EpochScore, best_of, stopped_early
from pocketformer.train.trainer import parameter_groups
from pocketformer.train.work import sentence_for_full_disk, work_folder
from tiny import tiny_checkpoint, tiny_classifier
from watching import Interruption

LABELS = ("card", "money")
QUICK = FinetuneSettings(epochs=3, batch_size=8, max_length=32, learning_rate=3e-3)


def examples(count: int = 16, multi_label: bool = False) -> LabeledTexts:
    texts = tuple(f"where is my {word} {number}" for number in range(count) for word in LABELS)
    targets = np.array([0, 1] * count, dtype=np.int64)
    if multi_label:
        return LabeledTexts(texts, np.eye(2, dtype=np.float32)[targets], LABELS, True)
    return LabeledTexts(texts, targets, LABELS, False)


@pytest.fixture
def base(tmp_path: Path) -> Path:
    return tiny_checkpoint(tmp_path / "base")


@pytest.mark.parametrize(("multi_label", "head"), [(False, "linear"), (True, "two-layer")])
def test_learns_and_reports_what_the_checkpoint_does(
    base: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str], multi_label: bool, head: str
) -> None:
    data = examples(multi_label=multi_label)
    progress: list[tuple[float, str]] = []
    chosen = QUICK.model_copy(update={"epochs": 6, "patience": 6, "head": head})
    result = finetune(base, data, data, tmp_path / "out", chosen, lambda *at: progress.append(at))
    assert capfd.readouterr().out == ""
    assert result.accuracy > 0.9
    model, tokenizer = load_classifier(tmp_path / "out"), load_tokenizer(tmp_path / "out")
    found = scores(predict_logits(model, tokenizer, data.texts, 32), data.targets, multi_label)
    assert (found.accuracy, found.macro_f1) == (result.accuracy, result.macro_f1)
    assert result.macro_f1 == max(score.macro_f1 for score in result.epochs)
    assert result.epochs[result.best_epoch - 1].macro_f1 == result.macro_f1
    assert result.parameters == sum(parameter.numel() for parameter in model.parameters())
    assert [done for done, _ in progress] == sorted(done for done, _ in progress)
    assert progress[-1][0] == 1.0
    assert json.loads((tmp_path / "out" / "finetune.json").read_text()) == json.loads(result.to_json())
    assert sorted(path.name for path in tmp_path.iterdir()) == ["base", "out"]


def test_same_seed_same_weights_another_seed_others(base: Path, tmp_path: Path) -> None:
    weights = []
    for name, seed in (("a", 0), ("b", 0), ("c", 1)):
        settings = QUICK.model_copy(update={"epochs": 1, "seed": seed})
        finetune(base, examples(), examples(), tmp_path / name, settings)
        weights.append(load_file(tmp_path / name / "model.safetensors")["head.output.weight"])
    assert torch.equal(weights[0], weights[1])
    assert not torch.equal(weights[0], weights[2])


@pytest.mark.parametrize("at", ["epoch 1 of 3", "epoch 2 of 3", "epoch 3 of 3: dev", "kept epoch"])
def test_interrupted_run_ends_with_the_same_weights(base: Path, tmp_path: Path, at: str) -> None:
    data, dev = examples(), examples(5)
    finetune(base, data, dev, tmp_path / "whole", QUICK)
    with pytest.raises(KeyboardInterrupt):
        finetune(base, data, dev, tmp_path / "parts", QUICK, Interruption(at))
    assert (tmp_path / "parts").exists() == (at == "kept epoch")
    after = Interruption("never")
    result = finetune(base, data, dev, tmp_path / "parts", QUICK, after)
    if at == "epoch 2 of 3":
        assert not any(message.startswith("epoch 1") for message in after.seen)
        assert any("after epoch 1" in note for note in result.notes)
    assert [score.epoch for score in result.epochs] == [1, 2, 3]
    whole, parts = (load_file(tmp_path / name / "model.safetensors") for name in ("whole", "parts"))
    assert whole.keys() == parts.keys()
    assert all(torch.equal(whole[name], parts[name]) for name in whole)
    assert not work_folder(tmp_path / "parts").exists()


def test_interrupted_run_with_other_settings_starts_afresh(base: Path, tmp_path: Path) -> None:
    with pytest.raises(KeyboardInterrupt):
        finetune(base, examples(), examples(), tmp_path / "out", QUICK, Interruption("epoch 2"))
    assert any(work_folder(tmp_path / "out").glob("checkpoint-*"))
    after = Interruption("never")
    changed = QUICK.model_copy(update={"dropout": 0.2})
    finetune(base, examples(), examples(), tmp_path / "out", changed, after)
    assert after.seen[0] == "epoch 1 of 3"


def test_half_written_epoch_is_done_again(base: Path, tmp_path: Path) -> None:
    finetune(base, examples(), examples(5), tmp_path / "whole", QUICK)
    with pytest.raises(KeyboardInterrupt):
        finetune(base, examples(), examples(5), tmp_path / "parts", QUICK, Interruption("epoch 3"))
    newest = max(work_folder(tmp_path / "parts").glob("checkpoint-*"), key=lambda path: path.stat().st_mtime)
    (newest / "trainer_state.json").write_text("{")
    finetune(base, examples(), examples(5), tmp_path / "parts", QUICK)
    whole, parts = (load_file(tmp_path / name / "model.safetensors") for name in ("whole", "parts"))
    assert all(torch.equal(whole[name], parts[name]) for name in whole)


def test_stops_early_and_keeps_the_best_epoch(base: Path, tmp_path: Path) -> None:
    # A rate too small to move anything: no epoch is better than the first.
    idle = FinetuneSettings(epochs=9, patience=2, batch_size=8, max_length=32, learning_rate=1e-12)
    result = finetune(base, examples(), examples(), tmp_path / "out", idle)
    assert len(result.epochs) == result.best_epoch + 2 < 9
    assert any("Stopped before 9 epochs" in note for note in result.notes)


def test_last_epoch_is_kept_where_asked(base: Path, tmp_path: Path) -> None:
    idle = FinetuneSettings(
        epochs=4, patience=1, keep="last", batch_size=8, max_length=32, learning_rate=1e-12
    )
    result = finetune(base, examples(), examples(), tmp_path / "out", idle)
    assert result.best_epoch == len(result.epochs) == 4
    assert any("the last one" in note for note in result.notes)


def test_early_stopping_counts_from_the_best_epoch() -> None:
    def run(*values: float) -> list[EpochScore]:
        return [EpochScore(number, 0.0, 0.0, 0.0, value) for number, value in enumerate(values, 1)]

    assert best_of(run(0.5, 0.7, 0.7)).epoch == 2
    assert not stopped_early(run(0.5, 0.7, 0.6), 2)
    assert stopped_early(run(0.5, 0.7, 0.7, 0.6), 2)


def test_head_learns_faster_and_only_matrices_decay(tmp_path: Path) -> None:
    model = load_classifier(tiny_classifier(tmp_path / "saved", model_type="mobilebert"))
    settings, _ = resolve(FinetuneSettings(), EncoderSize(384, 6))
    groups = parameter_groups(model, settings)
    by_id = {id(parameter): group for group in groups for parameter in group["params"]}
    for name, parameter in model.named_parameters():
        group = by_id.pop(id(parameter))
        assert group["lr"] == (1e-3 if name.startswith("head.") else 1e-4)
        is_plain = name.endswith(".bias") or "LayerNorm" in name
        assert group["weight_decay"] == (0.0 if is_plain else 0.01)
    assert not by_id


@pytest.mark.parametrize(
    ("size", "texts", "rate", "epochs"),
    [
        (EncoderSize(384, 3), 9500, 2e-4, 8),
        (EncoderSize(128, 6), None, 1e-4, 8),
        (EncoderSize(384, 6), 9500, 1e-4, 5),
        (EncoderSize(384, 6), 1200, 1e-4, 12),
        (EncoderSize(512, 4), 50_000, 5e-5, 4),
        (EncoderSize(768, 12), 5000, 2e-5, 10),
        (EncoderSize(1024, 24), None, 2e-5, 8),
    ],
)
def test_rate_and_epochs_follow_the_encoder_and_the_table(
    size: EncoderSize, texts: int | None, rate: float, epochs: int
) -> None:
    settings, notes = resolve(FinetuneSettings(), size, texts=texts)
    assert (settings.learning_rate, settings.epochs) == (rate, epochs)
    assert settings.patience == (epochs + 1) // 2
    assert settings.head_learning_rate == pytest.approx(10 * rate)
    assert all(str(size) in note for note in notes)


def test_a_head_that_was_trained_before_learns_as_slowly_as_its_encoder() -> None:
    settings, notes = resolve(FinetuneSettings(), EncoderSize(384, 6), head_is_new=False)
    assert settings.head_learning_rate == settings.learning_rate
    assert "trained before" in notes[0]


def test_given_values_are_kept() -> None:
    given = FinetuneSettings(learning_rate=3e-4, head_learning_rate=1e-3, epochs=3)
    settings, notes = resolve(given, EncoderSize(384, 6))
    assert (settings.learning_rate, settings.head_learning_rate, settings.epochs) == (3e-4, 1e-3, 3)
    assert " ".join(notes).count("as given") == 3


@pytest.mark.parametrize("wrong", [{"epochs": 0}, {"dropout": 1}, {"head": "deep"}, {"learningrate": 1e-4}])
def test_settings_outside_their_bounds_are_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        FinetuneSettings(**wrong)  # type: ignore[arg-type]


def test_inputs_that_cannot_be_followed(base: Path, tmp_path: Path) -> None:
    data = examples(2)
    with pytest.raises(RecipeError, match=r"max_length is 128.*at most 64"):
        finetune(base, data, data, tmp_path / "out")
    with pytest.raises(DataError, match="no dev texts"):
        finetune(base, data, data.subset([]), tmp_path / "out", QUICK)
    other = LabeledTexts(data.texts, data.targets, ("money", "card"), False)
    with pytest.raises(DataError, match="other labels"):
        finetune(base, data, other, tmp_path / "out", QUICK)
    with pytest.raises(CheckpointError, match="the base itself"):
        finetune(base, data, data, base, QUICK)
    small = tiny_checkpoint(tmp_path / "small", vocab_size=50)
    with pytest.raises(CheckpointError, match="only 50 embeddings"):
        finetune(small, data, data, tmp_path / "out", QUICK)
    assert not (tmp_path / "out").exists()


@pytest.mark.skipif(torch.cuda.is_available(), reason="a GPU has float16")
def test_float16_without_a_gpu_is_refused(base: Path, tmp_path: Path) -> None:
    with pytest.raises(RecipeError, match="needs a GPU"):
        finetune(
            base, examples(2), examples(2), tmp_path / "out", QUICK.model_copy(update={"precision": "fp16"})
        )


def test_labels_without_a_dev_text_are_noted(base: Path, tmp_path: Path) -> None:
    data = examples(4)
    result = finetune(
        base, data, data.subset([0, 2]), tmp_path / "out", QUICK.model_copy(update={"epochs": 1})
    )
    assert any("1 of 2 labels have no dev text" in note for note in result.notes)


@pytest.mark.parametrize(
    "error",
    [
        OSError(28, "No space left on device"),
        SafetensorError("Error while serializing: I/O error: No space left on device (os error 28)"),
        RuntimeError("[enforce fail at inline_container.cc:672] . unexpected pos 191680 vs 191568"),
    ],
)
def test_a_full_disk_is_a_sentence_however_it_is_told(tmp_path: Path, error: Exception) -> None:
    """What the system, safetensors and torch were seen to raise on a full disk."""
    with (
        pytest.raises(PocketformerError, match="no space is left on the disk"),
        sentence_for_full_disk(tmp_path),
    ):
        raise error


def test_other_errors_of_training_stay_what_they_are(tmp_path: Path) -> None:
    with pytest.raises(RuntimeError, match="shape"), sentence_for_full_disk(tmp_path):
        raise RuntimeError("shape mismatch")
