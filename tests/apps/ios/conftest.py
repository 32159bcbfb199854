"""Apps of tiny editions: with the functions in one package, as from iOS 18, and with a package for each."""

from __future__ import annotations

from pathlib import Path

import pytest

LABELS = ("card", 'say "hi" \\(1)', "money 越\n\u202e{{ x }}")


@pytest.fixture(scope="session", params=[None, "16"], ids=["functions", "packages"])
def edition(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a directory with an edition in Core ML, proven and with golden texts."""
    from pocketformer import pipeline
    from pocketformer.pipeline.observer import Silent
    from pocketformer.recipe import ExportRecipe
    from tiny import tiny_classifier

    folder = tmp_path_factory.mktemp("coreml")
    checkpoint = str(tiny_classifier(folder / "checkpoint", LABELS))
    recipe = ExportRecipe(
        targets=("coreml",), precisions=("int8",), lengths=(16, 32), max_bytes=256, ios=request.param
    )
    made = pipeline.export_checkpoint(checkpoint, folder / "dist", "tiny-one", recipe, "tiny", Silent())
    pipeline.verify_edition(made, folder / "dist", None, Silent())
    return folder / "dist"
