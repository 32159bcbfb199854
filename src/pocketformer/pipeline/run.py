"""The whole way: from a recipe to verified, measured and reported files."""

from __future__ import annotations

from pocketformer.edition import Edition
from pocketformer.pipeline.baselines import measured_baselines
from pocketformer.pipeline.export import export_checkpoint
from pocketformer.pipeline.measure import bench_edition
from pocketformer.pipeline.observer import Observer, Silent
from pocketformer.pipeline.rows import read_rows
from pocketformer.pipeline.training import CHECKPOINT_DIRECTORY, trained
from pocketformer.pipeline.verify import verify_edition
from pocketformer.recipe import Recipe
from pocketformer.report import write_report


def run(recipe: Recipe, observer: Observer | None = None) -> Edition:
    """Train, export, verify, measure and report; finished stages of an earlier run are kept.

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
    baselines = measured_baselines(rows, output, observer)
    made = trained(recipe, rows, observer)
    checkpoint = output / CHECKPOINT_DIRECTORY
    edition = export_checkpoint(
        str(checkpoint), output, recipe.name, recipe.export, recipe.base, observer, rows.dev.texts
    )
    edition = edition.model_copy(
        update={
            "training": made.training,
            "teacher": made.teacher,
            "assistant": made.assistant,
            "student": made.student,
            "augmentation": made.augmentation,
            "baselines": baselines,
            "data": rows.section,
            # The storage of a search may hold a password, and none of it made these files.
            "recipe": recipe.model_dump(mode="json", exclude={"output", "search"}),
        }
    )
    edition = verify_edition(edition, output, rows.test, observer)
    edition = bench_edition(edition, output, rows.test.texts, recipe.bench, observer)
    with observer.stage("report"):
        write_report(edition, output)
    return edition
