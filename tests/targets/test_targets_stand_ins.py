"""Converting with numbers in place of the weights gives the same bytes, or is not used."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from torch import nn

from pocketformer.program import Program, Shapes, Signature
from pocketformer.targets.litert import convert, stand_ins
from tiny import tiny_classifier

LEAST = 512
SHAPES = Shapes(lengths=(16, 32), max_bytes=64)


def program(folder: Path, model_type: str = "bert") -> Program:
    checkpoint = tiny_classifier(folder / "checkpoint", model_type=model_type, head="two-layer")
    return Program.from_checkpoint(str(checkpoint), SHAPES).only("classify", "classify_16")


def converted(made: Program, path: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[bytes, bool]:
    """Return the file made with stand-ins, and whether they were used."""
    used = []

    def fill(numbers: stand_ins.StandIns, file: Path) -> bool:
        used.append(original(numbers, file))
        return used[-1]

    original = stand_ins.StandIns.fill
    with monkeypatch.context() as patch:
        patch.setattr(stand_ins.StandIns, "fill", fill)
        patch.setattr(convert, "stand_ins", lambda given: stand_ins.stand_ins(given, LEAST))
        convert._convert(made, path)
    return path.read_bytes(), used == [True]


def converted_whole(made: Program, path: Path) -> bytes:
    with convert._single_gather(made), convert.without_chatter():
        convert._converted_signatures(made).export(str(path))
    return path.read_bytes()


@pytest.mark.parametrize(
    "model_type",
    ["bert", *(pytest.param(name, marks=pytest.mark.slow) for name in ("mobilebert", "electra"))],
)
def test_the_file_is_the_same_to_the_byte(
    model_type: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = program(tmp_path, model_type)
    before = {name: value.clone() for name, value in made.signatures[0].module.state_dict().items()}
    lean, used = converted(made, tmp_path / "lean.tflite", monkeypatch)
    assert used
    assert lean == converted_whole(made, tmp_path / "whole.tflite")
    after = made.signatures[0].module.state_dict()
    assert all(torch.equal(before[name], after[name]) for name in before)


class Scaled(nn.Module):
    """A layer whose output is multiplied by a constant, which the converter folds into its weights."""

    def __init__(self) -> None:
        super().__init__()
        self.linear = nn.Linear(32, 32, bias=False)
        self.register_buffer("scale", torch.linspace(0.5, 2, 32))

    def forward(self, x: torch.Tensor) -> dict[str, torch.Tensor]:
        return {"y": self.linear(x) * self.scale}


def test_a_matrix_that_the_converter_changed_is_not_filled_in(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    torch.manual_seed(0)
    made = Program("encoder", (Signature("scaled", Scaled().eval(), {"x": torch.zeros(1, 32)}),), (), {})
    lean, used = converted(made, tmp_path / "lean.tflite", monkeypatch)
    assert not used
    assert lean == converted_whole(made, tmp_path / "whole.tflite")


def test_weights_come_back_when_the_conversion_fails(tmp_path: Path) -> None:
    made = program(tmp_path)
    module = made.signatures[0].module
    before = {name: value.clone() for name, value in module.state_dict().items()}
    with pytest.raises(KeyboardInterrupt), stand_ins.stand_ins(made, LEAST) as numbers:
        numbers.release()
        raise KeyboardInterrupt
    assert all(torch.equal(before[name], value) for name, value in module.state_dict().items())


def test_what_another_format_keeps_of_a_weight_stays_true(tmp_path: Path) -> None:
    made = program(tmp_path)
    kept = {name: value.detach() for name, value in made.signatures[0].module.named_parameters()}
    before = {name: value.clone() for name, value in kept.items()}
    with stand_ins.stand_ins(made, LEAST) as numbers:
        numbers.release()
    assert all(torch.equal(before[name], value) for name, value in kept.items())
