"""What would overflow in float16 is found by name, and the layers that mend it are no more than needed."""

from __future__ import annotations

import copy
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from torch import Tensor, nn

from pocketformer.checkpoint import (
    ARCHITECTURES,
    TextClassifier,
    load_classifier,
    load_tokenizer,
    save_classifier,
)
from pocketformer.checks.headroom import FLOAT16_MAX, SAFE_HEADROOM, ValueRange
from pocketformer.checks.value_range import measure_range, value_range
from pocketformer.checks.watching import Operation, watch
from tiny import tiny_checkpoint, tiny_classifier

TEXTS = ("where is my card", "hello world", "the café is not naïve", "", "can you please [SEP] 中文 €")
LAYER = "encoder.encoder.layer.1"


def measured(source: Path) -> ValueRange:
    return value_range(str(source), TEXTS, (16, 32), 128)


def with_change(source: Path, change: Callable[[TextClassifier], None]) -> Path:
    """Save a classifier again after a change of its weights."""
    model = load_classifier(source)
    with torch.no_grad():
        change(model)
    save_classifier(model, load_tokenizer(source), source)
    return source


def scaled(name: str, factor: float) -> Callable[[TextClassifier], None]:
    def change(model: TextClassifier) -> None:
        model.get_parameter(name).mul_(factor)

    return change


@pytest.mark.parametrize("model_type", ARCHITECTURES)
def test_ordinary_models_have_nothing_to_refuse(tmp_path: Path, model_type: str) -> None:
    found = measured(tiny_classifier(tmp_path / "model", model_type=model_type))
    assert found.texts == len(TEXTS)
    assert found.refusal() is None
    assert found.overflowing == ()
    # The largest of all is the program's own mask.
    assert found.largest.largest == pytest.approx(1e4, rel=0.01)


def test_every_layer_with_arithmetic_is_listed_by_its_name_in_the_checkpoint(tmp_path: Path) -> None:
    source = tiny_classifier(tmp_path / "model")
    names = [layer.layer for layer in measured(source).layers]
    modules = dict(load_classifier(source).named_modules())
    assert set(names) <= modules.keys()
    assert {name for name, module in modules.items() if isinstance(module, nn.Linear)} <= set(names)
    assert names.index("encoder.encoder.layer.0.output.dense") < names.index(f"{LAYER}.intermediate.dense")


def test_a_layer_that_overflows_is_named_with_those_that_take_its_values(tmp_path: Path) -> None:
    source = with_change(tiny_classifier(tmp_path / "model"), scaled(f"{LAYER}.output.dense.weight", 1e7))
    found = measured(source)
    # The sum with the residual takes the value, and the layer norm after it.
    assert found.overflowing == (f"{LAYER}.output",)
    told = found.refusal()
    assert told is not None
    assert "float16 ends at 65,504" in told
    assert f"{LAYER}.output.dense reaches" in told
    assert "times too large" in told
    assert told.endswith(" ".join(f"--keep-fp32 {layer}" for layer in found.overflowing) + ".")
    assert found.refusal(found.overflowing) is None
    assert found.refusal(("encoder",)) is None


def test_what_is_kept_in_float32_mends_it(tmp_path: Path) -> None:
    """Run with every value in float16 but those in the list: without it infinite or NaN, with it right."""
    source = with_change(
        tiny_classifier(tmp_path / "model"), scaled(f"{LAYER}.intermediate.dense.weight", 5e5)
    )
    found = measured(source)
    model = load_classifier(source)
    expected = run(model)
    feed_forward = ("intermediate.dense", "intermediate.intermediate_act_fn", "output.dense")
    needed = tuple(f"{LAYER}.{name}" for name in feed_forward)
    # The layer norm is in the list for its variance, which torch's own kernel keeps in float32.
    assert found.overflowing == (*needed, f"{LAYER}.output.LayerNorm")
    assert torch.allclose(half(model, kept=found.overflowing), expected, rtol=0.1, atol=0.01)
    assert not torch.allclose(half(model, kept=()), expected, rtol=0.1, atol=0.01)
    for layer in needed:  # and none of them can be spared
        fewer = tuple(one for one in found.overflowing if one != layer)
        assert not torch.allclose(half(model, kept=fewer), expected, rtol=0.1, atol=0.01)


def run(model: nn.Module) -> Tensor:
    inputs = {"input_ids": torch.tensor([[2, 7, 9, 11, 3]]), "attention_mask": torch.ones(1, 5)}
    with torch.no_grad():
        logits: Tensor = model(**inputs).logits
    return logits


def half(model: nn.Module, kept: tuple[str, ...]) -> Tensor:
    """Round all an operation takes and gives to float16, but in the layers kept in float32."""

    def see(operation: Operation) -> None:
        if not any(operation.layer == one or operation.layer.startswith(f"{one}.") for one in kept):
            for tensor in operation.outputs:
                tensor.copy_(tensor.half().float())

    model = copy.deepcopy(model)
    before = rounding_hooks(model, kept)
    try:
        with watch(model, see):
            return run(model)
    finally:
        for hook in before:
            hook.remove()


def rounding_hooks(model: nn.Module, kept: tuple[str, ...]) -> list[torch.utils.hooks.RemovableHandle]:
    def rounded(module: nn.Module, inputs: tuple[object, ...]) -> tuple[object, ...]:
        return tuple(one.half().float() if isinstance(one, Tensor) and one.is_floating_point() else one
                     for one in inputs)  # fmt: skip

    return [
        module.register_forward_pre_hook(rounded)
        for name, module in model.named_modules()
        if not any(name == one or name.startswith(f"{one}.") for one in kept)
        and not any(one.startswith(f"{name}." if name else "") for one in kept)
    ]


def test_half_the_range_is_not_safe_enough() -> None:
    model = nn.Sequential(nn.Identity(), nn.ReLU())
    inside, beyond = FLOAT16_MAX / SAFE_HEADROOM * 0.99, FLOAT16_MAX / SAFE_HEADROOM * 1.01
    assert measure_range(model, model, [{"input": torch.tensor([[inside]])}]).refusal() is None
    told = measure_range(model, model, [{"input": torch.tensor([[beyond]])}]).refusal()
    assert told is not None
    assert "over 1 texts, 1 reaches 33,080 (aten.relu; only 2.0 times below)" in told


def test_a_weight_beyond_float16_is_named(tmp_path: Path) -> None:
    def change(model: TextClassifier) -> None:
        model.encoder.embeddings.word_embeddings.weight[-1, 0] = -70000  # a piece that no text uses

    found = measured(with_change(tiny_classifier(tmp_path / "model"), change))
    assert found.overflowing == ("encoder.embeddings.word_embeddings",)
    (weight,) = found.weights
    assert (weight.what, weight.value) == ("encoder.embeddings.word_embeddings.weight", -70000)
    assert "word_embeddings.weight holds -70000" in str(found.refusal())


def test_a_layer_norm_of_widely_spread_values_counts_its_variance() -> None:
    norm = nn.LayerNorm(64)
    found = measure_range(norm, norm, [{"input": torch.linspace(-900, 900, 64)[None]}])
    assert found.largest.largest == pytest.approx(277_714, rel=0.01)


@pytest.mark.parametrize("value", [float("-inf"), torch.finfo(torch.float32).min])
def test_a_mask_that_float16_lacks_is_told_and_is_no_activation(value: float) -> None:
    class Masked(nn.Module):
        def forward(self, scores: Tensor) -> Tensor:
            return torch.softmax(scores.masked_fill(scores > 1, value), dim=-1)

    model = nn.Sequential()
    model.add_module("attention", Masked())
    found = measure_range(model, model, [{"input": torch.tensor([[0.0, 1.0, 2.0]])}])
    assert found.overflowing == ()
    assert {mask.layer for mask in found.masks} == {"attention"}
    assert found.largest.largest == 1
    assert "which float16 does not have" in str(found.refusal())


def test_transformers_own_mask_would_be_refused(tmp_path: Path) -> None:
    model = load_classifier(tiny_classifier(tmp_path / "model"))
    model.encoder.set_attn_implementation("eager")
    mask = torch.tensor([[1, 1, 0, 0]])
    found = measure_range(model, model, [{"input_ids": mask + 4, "attention_mask": mask}])
    assert found.masks
    assert "uses -3.40282e+38" in str(found.refusal())


def test_a_value_that_is_no_number_is_out_of_range() -> None:
    model = nn.Sequential(nn.Identity(), nn.Linear(2, 2))
    found = measure_range(model, model, [{"input": torch.tensor([[float("nan"), 1.0]])}])
    assert found.overflowing == ("1",)


def test_an_encoder_is_measured_with_its_own_names_and_rows_are_capped(tmp_path: Path) -> None:
    source = tiny_checkpoint(tmp_path / "encoder", "electra")
    seen: list[float] = []
    found = value_range(
        str(source), TEXTS * 40, (16,), 64, rows=30, on_progress=lambda part, _: seen.append(part)
    )
    assert found.texts == 30
    assert seen[-1] == 1
    assert "encoder.layer.0.attention.self.query" in {layer.layer for layer in found.layers}
