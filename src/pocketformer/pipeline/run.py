"""The whole way: from a recipe to verified, measured and reported files."""

from __future__ import annotations

from dataclasses import dataclass

from pocketformer import files
from pocketformer.checkpoint import local_directory
from pocketformer.edition import Edition
from pocketformer.pipeline.export import export_checkpoint
from pocketformer.pipeline.ledger import Ledger, key_of
from pocketformer.pipeline.measure import bench_edition
from pocketformer.pipeline.observer import Observer, Silent
from pocketformer.pipeline.rows import Rows, read_rows
from pocketformer.pipeline.verify import verify_edition
from pocketformer.recipe import Recipe
from pocketformer.report import write_report
from pocketformer.train import FinetuneResult, finetune

CHECKPOINT_DIRECTORY = "checkpoint"


@dataclass(frozen=True, slots=True)
class _Trained:
    result: FinetuneResult
    sha256: str  # of the checkpoint's weights


def run(recipe: Recipe, observer: Observer | None = None) -> Edition:
    """Fine-tune, export, verify, measure and report; finished stages of an earlier run are kept.

    Args:
        recipe: Read by `Recipe.load`.
        observer: Told what happens; None for nobody.

    Returns:
        The edition, as it stands in `recipe.output`.

    Raises:
        PocketformerError: A sentence for the person; what was finished before it is kept.
        VerificationError: A file missed its tolerance.
    """
    observer = observer or Silent()
    output = recipe.output
    rows = read_rows(recipe.data, observer)
    training = _finetuned(recipe, rows, observer)
    checkpoint = output / CHECKPOINT_DIRECTORY
    edition = export_checkpoint(
        str(checkpoint), output, recipe.name, recipe.export, recipe.base, observer, rows.dev.texts
    )
    edition = edition.model_copy(
        update={
            "training": training,
            "data": rows.section,
            "recipe": recipe.model_dump(mode="json", exclude={"output"}),
        }
    )
    edition = verify_edition(edition, output, rows.test, observer)
    edition = bench_edition(edition, output, rows.test.texts, recipe.bench, observer)
    with observer.stage("report"):
        write_report(edition, output)
    return edition


def _finetuned(recipe: Recipe, rows: Rows, observer: Observer) -> FinetuneResult:
    """Return the training of a checkpoint that stands in the output, made now or by an earlier run."""
    ledger = Ledger(recipe.output)
    checkpoint = recipe.output / CHECKPOINT_DIRECTORY
    weights = checkpoint / "model.safetensors"
    base = files.sha256(local_directory(recipe.base) / "model.safetensors")
    tables = [rows.section.train, rows.section.test, recipe.data.model_dump(mode="json")]
    key = key_of(base, [str(table) for table in tables], recipe.finetune.model_dump())
    known = ledger.get("finetune", key, _Trained)
    if known is not None and weights.is_file() and files.sha256(weights) == known.sha256:
        observer.kept("finetune")
        return known.result
    with observer.stage("finetune") as progress:
        result = finetune(recipe.base, rows.train, rows.dev, checkpoint, recipe.finetune, progress)
    ledger.put("finetune", key, _Trained(result, files.sha256(weights)))
    for note in result.notes:
        observer.say(note)
    return result
