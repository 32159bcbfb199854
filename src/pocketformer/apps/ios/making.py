"""The files of the iPhone, iPad and Mac app."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from pocketformer import files
from pocketformer.apps.ios.functions import ModelFunctions, read_functions
from pocketformer.apps.ios.swift import plist_string, swift_literal
from pocketformer.apps.scaffold import Tree, rendered
from pocketformer.apps.subject import AppOptions, Subject
from pocketformer.checks import computes_in_half, plan_of, tolerance_for
from pocketformer.edition import EditionFile
from pocketformer.targets import target_of

__all__ = ["Carried", "app_tree", "next_step", "tree_of"]

_SOURCES = "PocketClassifier/Sources"


@dataclass(frozen=True, slots=True)
class Carried:
    """The file that an app carries.

    Attributes:
        entry: What the edition says of it.
        functions: What the app calls of it.
        size_bytes: Of the packages that hold these.
        score_tolerance: The largest difference to a golden score that its precision allows.
        is_half: Whether it computes in float16.
    """

    entry: EditionFile
    functions: ModelFunctions
    size_bytes: int
    score_tolerance: float
    is_half: bool


def app_tree(subject: Subject, options: AppOptions) -> Tree:
    """Return the files of the app: a Swift package with the model, and a SwiftUI app around it.

    Raises:
        RecipeError: The edition has no such Core ML file that has passed its verdict.
        FileFormatError: A package of the file is missing or damaged.
        ExportError: The file has no functions that an app could call.
    """
    entry = subject.file("coreml", options.precision)
    path = subject.directory / entry.file
    functions = read_functions(path)
    target = target_of(path)
    plan = plan_of(target.describe(path))
    carried = Carried(
        entry,
        functions,
        sum(files.size_bytes(subject.directory / package) for package in functions.packages),
        subject.golden.tolerance.get(plan.name, tolerance_for(plan).unlabelled_error),
        computes_in_half(target, plan),
    )
    return tree_of(subject, carried)


def tree_of(subject: Subject, carried: Carried) -> Tree:
    """Return the files of an app that carries a file of the edition."""
    values = {
        "swift": swift_literal,
        "plist": plist_string,
        "id": _object_id,
        "target": _target_name(subject),
        "title": subject.title,
        "name": subject.name,
        "identifier": subject.identifier,
        "labels": subject.edition.labels,
        "multi_label": subject.edition.multi_label,
        "examples": subject.examples,
        "golden_texts": len(subject.golden.cases),
        "model": carried.entry.file,
        "precision": carried.entry.precision,
        "sha256": carried.entry.sha256,
        "score_tolerance": carried.score_tolerance,
        "is_half": carried.is_half,
        "megabytes": f"{carried.size_bytes / 1e6:.1f}",
        "tokenizers": carried.functions.tokenizers,
        "classifiers": carried.functions.classifiers,
        "ios": carried.functions.ios,
        "macos": carried.functions.macos,
    }
    models = {
        f"{_SOURCES}/PocketClassifier/Model/{package}": subject.directory / package
        for package in carried.functions.packages
    }
    golden = {f"{_SOURCES}/GoldenCheck/golden.json": subject.golden_path}
    return {**rendered("pocketformer.apps.ios", values), **models, **golden}


def next_step(output: Path) -> str:
    """Return the step by which a person runs the app."""
    project = next(output.glob("*.xcodeproj"))
    return f"on a Mac: open {project}, choose a device and press Command-R"


def _target_name(subject: Subject) -> str:
    """Return the name of project, target and app: "NoticesApp" ("App" keeps it apart from any module)."""
    return f"{subject.identifier.capitalize()}App"


def _object_id(number: int) -> str:
    """Return the identifier of an object of the project file: 24 hexadecimal digits, the same each time."""
    return f"{0x504F434B4554:012X}{number:012d}"
