"""A checkpoint under a budget: the best plan, its file, and the proof of it on rows that chose nothing."""

from __future__ import annotations

from pathlib import Path

from pocketformer.budget import BudgetResult, BudgetSettings, search_plan
from pocketformer.checkpoint import local_directory
from pocketformer.data import LabeledTexts
from pocketformer.edition import Edition
from pocketformer.pipeline.export import export_checkpoint
from pocketformer.pipeline.ledger import Ledger, key_of
from pocketformer.pipeline.observer import Observer
from pocketformer.pipeline.verify import verify_edition
from pocketformer.program import Shapes
from pocketformer.recipe import ExportRecipe
from pocketformer.report import write_report
from pocketformer.train.work import checkpoint_digest

__all__ = ["PLAN_FILE", "plan_checkpoint"]

#: Name of the plan's file in the directory; its stem stands in the names of model files.
PLAN_FILE = "best.toml"


def plan_checkpoint(
    checkpoint: str,
    directory: Path,
    name: str,
    settings: BudgetSettings,
    dev: LabeledTexts,
    test: LabeledTexts | None,
    recipe: ExportRecipe,
    observer: Observer,
) -> Edition:
    """Search the best plan within a budget, write its file, prove it, and report the frontier.

    Args:
        checkpoint: A classifier.
        directory: Gets `best.toml`, the file `NAME.best.…`, `edition.json` and the report.
        name: Of the edition.
        settings: The budget.
        dev: Rows that say what each plan loses.
        test: Rows that the file is proven on; sample texts where there are none.
        recipe: Lengths and limits of the file; its targets and plans are those of the budget.
        observer: Told what happens.

    Raises:
        BudgetError: No plan keeps all limits.
        VerificationError: The file missed its tolerance.
    """
    result = _searched(
        checkpoint, directory, settings, dev, Shapes(recipe.lengths, recipe.max_bytes), observer
    )
    plan = result.best.plan.model_copy(update={"name": Path(PLAN_FILE).stem})
    path = directory / PLAN_FILE
    plan.save(path)
    asked = recipe.model_copy(update={"targets": (settings.target,), "precisions": (str(path),)})
    edition = export_checkpoint(checkpoint, directory, name, asked, checkpoint, observer, dev.texts)
    edition = edition.model_copy(update={"budget": result})
    edition = verify_edition(edition, directory, test, observer)
    with observer.stage("report"):
        write_report(edition, directory)
    return edition


def _searched(
    checkpoint: str,
    directory: Path,
    settings: BudgetSettings,
    dev: LabeledTexts,
    shapes: Shapes,
    observer: Observer,
) -> BudgetResult:
    """Return what an earlier run found under the same inputs, or search."""
    ledger, stage = Ledger(directory), "search plan"
    inputs = [dev.texts, dev.targets.tolist(), settings.model_dump(), shapes.lengths, shapes.max_bytes]
    key = key_of(checkpoint_digest(local_directory(checkpoint)), *inputs)
    found = ledger.get(stage, key, BudgetResult)
    if found is not None:
        observer.kept(stage)
        return found
    with observer.stage(stage) as progress:
        found = search_plan(checkpoint, dev.texts, dev.targets, settings, shapes, progress)
    ledger.put(stage, key, found)
    return found
