"""Every architecture on the list: exact reload, exact native heads, and what an exported program needs."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file
from transformers import AutoConfig, AutoModel, AutoModelForSequenceClassification, AutoTokenizer

from pocketformer.checkpoint import (
    ARCHITECTURES,
    HeadSettings,
    load_classifier,
    load_encoder,
    load_tokenizer,
    new_classifier,
    quiet_transformers,
    require_supported,
    save_classifier,
)
from pocketformer.errors import CheckpointError, UnsupportedArchitectureError
from tiny import tiny_checkpoint, tiny_classifier, tiny_vocab, write_vocabulary

LABELS = ("card", "money", "other")
every_architecture = pytest.mark.parametrize("model_type", ARCHITECTURES)


def example_inputs(length: int = 12, tokens: int = 8) -> dict[str, torch.Tensor]:
    generator = torch.Generator().manual_seed(1)
    ids = torch.randint(5, len(tiny_vocab()), (2, length), generator=generator)
    mask = torch.zeros_like(ids)
    mask[0], mask[1, :tokens] = 1, 1
    return {"input_ids": ids * mask, "attention_mask": mask, "token_type_ids": torch.zeros_like(ids)}


def logits_of(model: torch.nn.Module, **inputs: torch.Tensor) -> torch.Tensor:
    with torch.no_grad():
        return model(**inputs).logits


@every_architecture
@pytest.mark.parametrize("head", ["linear", "two-layer"])
def test_reload_gives_the_same_logits_bit_for_bit(tmp_path: Path, model_type: str, head: str) -> None:
    base = tiny_checkpoint(tmp_path / "base", model_type)
    model = new_classifier(base, LABELS, False, HeadSettings(kind=head, hidden_size=24), seed=3)
    save_classifier(model, load_tokenizer(base), tmp_path / "saved")
    loaded = load_classifier(tmp_path / "saved")
    assert torch.equal(logits_of(model, **example_inputs()), logits_of(loaded, **example_inputs()))
    assert (loaded.labels, loaded.multi_label, loaded.settings) == (LABELS, False, model.settings)


@every_architecture
def test_saved_directory_is_an_ordinary_hugging_face_checkpoint(tmp_path: Path, model_type: str) -> None:
    saved = tiny_classifier(tmp_path / "saved", LABELS, model_type=model_type)
    config = AutoConfig.from_pretrained(saved)
    assert (config.model_type, config.id2label) == (model_type, dict(enumerate(LABELS)))
    assert config.problem_type == "single_label_classification"
    with quiet_transformers():
        encoder = AutoModel.from_pretrained(saved).eval()
    inputs = example_inputs()
    if not ARCHITECTURES[model_type].takes_token_types:
        del inputs["token_type_ids"]
    with torch.no_grad():
        expected = load_classifier(saved).encoder(**inputs).last_hidden_state
        assert torch.equal(encoder(**inputs).last_hidden_state, expected)
    prefixes = {name.partition(".")[0] for name in load_file(saved / "model.safetensors")}
    assert prefixes == {encoder.base_model_prefix, "head"}
    assert len(AutoTokenizer.from_pretrained(saved)) == len(tiny_vocab())


@every_architecture
def test_native_head_is_mapped_exactly_and_survives_saving(tmp_path: Path, model_type: str) -> None:
    base = tiny_checkpoint(tmp_path / "base", model_type)
    with quiet_transformers():
        config = AutoConfig.from_pretrained(base, num_labels=3)
        native = AutoModelForSequenceClassification.from_config(config).eval()
    native.save_pretrained(tmp_path / "native")
    write_vocabulary(tmp_path / "native")
    ours = load_classifier(tmp_path / "native")
    inputs = example_inputs()
    if not ARCHITECTURES[model_type].takes_token_types:
        del inputs["token_type_ids"]
    assert torch.equal(logits_of(native, **inputs), logits_of(ours, **inputs))
    save_classifier(ours, load_tokenizer(base), tmp_path / "saved")
    again = load_classifier(tmp_path / "saved")
    assert torch.equal(logits_of(native, **inputs), logits_of(again, **inputs))


@every_architecture
def test_additive_mask_and_padding_leave_the_logits_unchanged(tmp_path: Path, model_type: str) -> None:
    model = load_classifier(tiny_classifier(tmp_path / "saved", model_type=model_type))
    inputs = example_inputs()
    plain = logits_of(model, **inputs)
    mask = (1.0 - inputs["attention_mask"].float())[:, None, None, :] * -1e4
    positions = torch.arange(inputs["input_ids"].shape[1])[None]
    assert torch.equal(plain, logits_of(model, **inputs, encoder_mask=mask, position_ids=positions))
    unpadded = {name: tensor[1:, :8] for name, tensor in inputs.items()}
    assert torch.allclose(plain[1:], logits_of(model, **unpadded), atol=1e-5)


@pytest.mark.slow
@every_architecture
def test_torch_export_takes_the_classifier(tmp_path: Path, model_type: str) -> None:
    model = load_classifier(tiny_classifier(tmp_path / "saved", model_type=model_type))
    inputs = example_inputs()
    inputs["encoder_mask"] = (1.0 - inputs["attention_mask"].float())[:, None, None, :] * -1e4
    inputs["position_ids"] = torch.arange(inputs["input_ids"].shape[1])[None]
    program = torch.export.export(model, (), inputs)
    assert torch.equal(program.module()(**inputs).logits, logits_of(model, **inputs))


@pytest.mark.parametrize("pooling", ["mean", "cls", "pooler"])
def test_pooler_is_there_only_when_the_head_asks_for_it(tmp_path: Path, pooling: str) -> None:
    model = load_classifier(tiny_classifier(tmp_path / "saved", pooling=pooling))
    has_pooler = any("pooler" in name for name in load_file(tmp_path / "saved" / "model.safetensors"))
    assert has_pooler == (pooling == "pooler") == (model.encoder.pooler is not None)


def test_encoder_keeps_the_pooler_its_checkpoint_has(tmp_path: Path) -> None:
    base = tiny_checkpoint(tmp_path / "base")
    assert load_encoder(base).pooler is not None
    assert load_encoder(base, pooler=False).pooler is None
    assert load_encoder(tiny_classifier(tmp_path / "saved")).pooler is None


@pytest.mark.parametrize("model_type", ["distilbert", "electra"])
def test_pooler_of_an_architecture_without_one_is_refused(tmp_path: Path, model_type: str) -> None:
    base = tiny_checkpoint(tmp_path / "base", model_type)
    with pytest.raises(CheckpointError, match=r"no pooling layer.*choose 'mean' or 'cls'"):
        new_classifier(base, LABELS, False, HeadSettings(pooling="pooler"))


def test_half_precision_checkpoint_is_loaded_in_float32(tmp_path: Path) -> None:
    with quiet_transformers():
        AutoModel.from_pretrained(tiny_checkpoint(tmp_path / "base")).half().save_pretrained(
            tmp_path / "half"
        )
    assert {parameter.dtype for parameter in load_encoder(tmp_path / "half").parameters()} == {torch.float32}


def test_unsupported_architecture_is_named_with_the_list(tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text(json.dumps({"model_type": "roberta"}))
    with pytest.raises(UnsupportedArchitectureError, match=r"'roberta'.*not supported.*mobilebert") as caught:
        load_classifier(tmp_path)
    assert all(name in str(caught.value) for name in ARCHITECTURES)
    assert require_supported("bert", "x").families.startswith("BERT, MiniLM")


def test_multi_label_survives_saving(tmp_path: Path) -> None:
    assert load_classifier(tiny_classifier(tmp_path / "saved", LABELS, multi_label=True)).multi_label


def test_new_head_depends_on_its_seed_alone(tmp_path: Path) -> None:
    base = tiny_checkpoint(tmp_path / "base")
    state = torch.random.get_rng_state()
    first, same, other = (new_classifier(base, LABELS, False, seed=seed) for seed in (1, 1, 2))
    assert torch.equal(torch.random.get_rng_state(), state)
    assert torch.equal(first.head.output.weight, same.head.output.weight)
    assert not torch.equal(first.head.output.weight, other.head.output.weight)
