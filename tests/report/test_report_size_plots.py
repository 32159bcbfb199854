"""Accuracy over size: every format a line, every plan named once."""

from __future__ import annotations

import re

import pytest

from pocketformer.report.size_plots import Dot, size_accuracy_plot

PLANS = {"fp32": 90.8, "fp16": 46.1, "int8": 24.2, "best": 14.3, "int4": 13.6}


def drawn(formats: list[str], reference: float | None = 93.2) -> list[str]:
    dots = [Dot(plan, name, size, 0.9 * size, 93) for name in formats for plan, size in PLANS.items()]
    return re.findall(r">([^<>]+)</text>", size_accuracy_plot(dots, reference))


def test_each_plan_is_named_once_for_all_formats() -> None:
    texts = drawn(["litert", "onnx", "coreml"])
    assert [texts.count(plan) for plan in PLANS] == [1] * len(PLANS)
    assert [texts.count(name) for name in ("litert", "onnx", "coreml")] == [1, 1, 1]
    assert "PyTorch 93.20 %" in texts


def test_one_format_needs_no_legend() -> None:
    assert "litert" not in drawn(["litert"])


def test_one_file_can_be_drawn() -> None:
    assert "<svg" in size_accuracy_plot([Dot("int8", "litert", 1.2, 1.0, 92.3)], None)


@pytest.mark.parametrize("reference", [None, 93.2])
def test_the_reference_is_drawn_where_there_is_one(reference: float | None) -> None:
    assert any(text.startswith("PyTorch") for text in drawn(["litert"], reference)) == (reference is not None)
