"""Every supported architecture, as classifier and as encoder, becomes files of every format, proven equal."""

from __future__ import annotations

from pathlib import Path

import pytest

from pocketformer import pipeline
from pocketformer.checkpoint import ARCHITECTURES
from pocketformer.pipeline import Silent
from pocketformer.recipe import ExportRecipe
from pocketformer.targets import target_of, targets
from tiny import tiny_checkpoint, tiny_classifier

RECIPE = ExportRecipe(targets=tuple(targets()), precisions=("fp32", "fp16"), lengths=(16, 32), max_bytes=128)


def export_and_verify(checkpoint: Path, output: Path) -> None:
    edition = pipeline.export_checkpoint(str(checkpoint), output, "model", RECIPE, "tiny", Silent())
    assert {entry.format for entry in edition.files} == set(targets())
    edition = pipeline.verify_edition(edition, output, None, Silent())
    for entry in edition.files:
        assert entry.verdict is not None
        assert entry.verdict.passed
        assert entry.verdict.parity.token_mismatches == 0
        card = target_of(output / entry.file).describe(output / entry.file)
        assert card.foreign_operations == ()


# Within `.ci/run`'s time; what the other architectures add is in each target's own tests.
FIRST = ("bert", "distilbert", "electra", "mobilebert")
EACH = [
    pytest.param(name, marks=() if name in FIRST else pytest.mark.exhaustive)
    for name in sorted(ARCHITECTURES)
]


@pytest.mark.slow
@pytest.mark.parametrize("model_type", EACH)
def test_classifiers(model_type: str, tmp_path: Path) -> None:
    checkpoint = tiny_classifier(tmp_path / "c", model_type=model_type, head="two-layer")
    export_and_verify(checkpoint, tmp_path / "dist")


@pytest.mark.slow
@pytest.mark.parametrize(
    "model_type",
    [
        pytest.param(name, marks=() if name == "bert" else pytest.mark.exhaustive)
        for name in sorted(ARCHITECTURES)
    ],
)
def test_encoders(model_type: str, tmp_path: Path) -> None:
    export_and_verify(tiny_checkpoint(tmp_path / "e", model_type), tmp_path / "dist")


@pytest.mark.slow
def test_multi_label(tmp_path: Path) -> None:
    checkpoint = tiny_classifier(tmp_path / "c", labels=("a", "b", "c"), multi_label=True)
    export_and_verify(checkpoint, tmp_path / "dist")


@pytest.mark.slow
def test_a_cased_vocabulary(tmp_path: Path) -> None:
    export_and_verify(tiny_checkpoint(tmp_path / "e", do_lower_case=False), tmp_path / "dist")
