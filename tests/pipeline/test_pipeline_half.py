"""A file that computes in float16 is refused where values overflow, and the list it offers mends it."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import torch

from pocketformer import pipeline
from pocketformer.checkpoint import load_classifier, load_tokenizer, save_classifier
from pocketformer.errors import ExportError
from pocketformer.pipeline import Silent
from pocketformer.recipe import ExportRecipe
from tiny import tiny_classifier

LAYER = "encoder.encoder.layer.1.output.dense"
RECIPE = ExportRecipe(targets=("coreml",), precisions=("fp16",), lengths=(16,), max_bytes=64)


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A classifier one of whose layers gives values of a million; the norm behind it brings them back."""
    directory = tiny_classifier(tmp_path_factory.mktemp("half") / "checkpoint")
    model = load_classifier(directory)
    with torch.no_grad():
        model.get_submodule(LAYER).get_parameter("bias").copy_(torch.linspace(-1e6, 1e6, 32))
    save_classifier(model, load_tokenizer(directory), directory)
    return directory


def test_the_layer_is_named_and_nothing_is_written(checkpoint: Path, tmp_path: Path) -> None:
    with pytest.raises(ExportError, match=r"coreml fp16 would overflow: .*--keep-fp32 ") as refused:
        pipeline.export_checkpoint(str(checkpoint), tmp_path, "model", RECIPE, "tiny", Silent())
    assert LAYER.rpartition(".")[0] in str(refused.value)
    assert not list(tmp_path.glob("*.mlpackage"))


def test_the_list_that_is_offered_mends_it(checkpoint: Path, tmp_path: Path) -> None:
    with pytest.raises(ExportError) as refused:
        pipeline.export_checkpoint(str(checkpoint), tmp_path, "model", RECIPE, "tiny", Silent())
    found = re.search(r"--keep-fp32 ([^\n]*?)\.(?: |$)", str(refused.value))
    assert found is not None
    kept = tuple(name for name in found.group(1).split() if name != "--keep-fp32")
    recipe = RECIPE.model_copy(update={"keep_fp32": kept})
    edition = pipeline.export_checkpoint(str(checkpoint), tmp_path, "model", recipe, "tiny", Silent())
    edition = pipeline.verify_edition(edition, tmp_path, None, Silent())
    assert edition.files[0].verdict is not None
    assert edition.files[0].verdict.passed


def test_weights_alone_in_float16_do_not_overflow(checkpoint: Path, tmp_path: Path) -> None:
    recipe = RECIPE.model_copy(update={"targets": ("onnx",)})
    edition = pipeline.export_checkpoint(str(checkpoint), tmp_path, "model", recipe, "tiny", Silent())
    edition = pipeline.verify_edition(edition, tmp_path, None, Silent())
    assert edition.files[0].verdict is not None
    assert edition.files[0].verdict.passed
