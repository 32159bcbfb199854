"""Apps of tiny editions: with the functions in one package, as from iOS 18, and with a package for each."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest
from filelock import FileLock

LABELS = ("card", 'say "hi" \\(1)', "money 越\n\u202e{{ x }}")


@pytest.fixture(scope="session")
def once(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str, Callable[[Path], None]], Path]:
    """Return a function that fills a folder once for all workers of this run, and returns it."""
    base = tmp_path_factory.getbasetemp()
    shared = base.parent if "PYTEST_XDIST_WORKER" in os.environ else base

    def made(name: str, make: Callable[[Path], None]) -> Path:
        folder = shared / f"ios-{name}"
        with FileLock(f"{folder}.lock"):
            if not folder.is_dir():
                unfinished = Path(f"{folder}.unfinished")
                unfinished.mkdir()
                make(unfinished)
                unfinished.rename(folder)
        return folder

    return made


@pytest.fixture(scope="session", params=[None, "16"], ids=["functions", "packages"])
def edition(request: pytest.FixtureRequest, once: Callable[[str, Callable[[Path], None]], Path]) -> Path:
    """Return a directory with an edition in Core ML, proven and with golden texts."""
    from pocketformer import pipeline
    from pocketformer.pipeline.observer import Silent
    from pocketformer.recipe import ExportRecipe
    from tiny import tiny_classifier

    def make(folder: Path) -> None:
        checkpoint = str(tiny_classifier(folder / "checkpoint", LABELS))
        recipe = ExportRecipe(
            targets=("coreml",), precisions=("int8",), lengths=(16, 32), max_bytes=256, ios=request.param
        )
        made = pipeline.export_checkpoint(checkpoint, folder / "dist", "tiny-one", recipe, "tiny", Silent())
        pipeline.verify_edition(made, folder / "dist", None, Silent())

    return once(f"edition-{request.param or 18}", make) / "dist"
