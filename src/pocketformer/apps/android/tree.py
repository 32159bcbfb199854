"""The files of an Android app: a Gradle project, the edition's model file, and its golden texts."""

from __future__ import annotations

from pathlib import Path

from pocketformer.apps.android.literals import android_string, kotlin
from pocketformer.apps.android.runtime import LITERT, require_runnable
from pocketformer.apps.scaffold import Tree, rendered
from pocketformer.apps.subject import AppOptions, Subject
from pocketformer.checks import tolerance_for
from pocketformer.edition import EditionFile

__all__ = ["app_tree", "next_step", "tree_of"]

_ASSETS = "app/src/main/assets"

# Words of Java, whose names Android asks for, and what else Kotlin keeps for itself.
_WORDS = """
abstract assert boolean break byte case catch char class const continue default do double else enum extends
final finally float for goto if implements import instanceof int interface long native new package private
protected public return short static strictfp super switch synchronized this throw throws transient try void
volatile while true false null as fun in is object typealias typeof val var when
"""
_RESERVED = frozenset(_WORDS.split())


def app_tree(subject: Subject, options: AppOptions) -> Tree:
    """Return the files of an Android app.

    Args:
        subject: The edition.
        options: Which file of it.

    Raises:
        RecipeError: The edition has no such file.
        ExportError: No LiteRT for Android is known that runs it.
    """
    model = subject.file("litert", options.precision)
    require_runnable(model)
    return tree_of(subject, model)


def tree_of(subject: Subject, model: EditionFile) -> Tree:
    """Return the files of an app around a file that is known to run."""
    plan = model.plan or model.precision
    values = {
        "name": subject.name,
        "title": subject.title,
        "identifier": _package_part(subject.identifier),
        "multi_label": subject.edition.multi_label,
        "model": model,
        "litert": LITERT,
        "cases": len(subject.golden.cases),
        "tolerance": subject.golden.tolerance.get(model.precision, tolerance_for(plan).unlabelled_error),
        "examples": subject.examples,
        "kotlin": kotlin,
        "android_string": android_string,
    }
    tree = rendered("pocketformer.apps.android", values)
    tree[f"{_ASSETS}/{model.file}"] = subject.directory / model.file
    tree[f"{_ASSETS}/golden.json"] = subject.golden_path
    return tree


def next_step(output: Path) -> str:
    """Return how a person opens the app."""
    return f"open {output} in Android Studio and press Run; {output / 'README.md'} says the rest"


def _package_part(identifier: str) -> str:
    """Return an identifier that Java and Kotlin both take as a part of a package's name."""
    return f"{identifier}app" if identifier in _RESERVED else identifier
