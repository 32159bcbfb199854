"""The files of an app for iPhone, iPad and Mac: the same every time, none without use, no text as code."""

from __future__ import annotations

import base64
import json
import plistlib
import re
from pathlib import Path

import pytest

from pocketformer.apps import Subject
from pocketformer.apps.ios import next_step
from pocketformer.apps.ios.functions import Function, ModelFunctions
from pocketformer.apps.ios.making import Carried, tree_of
from pocketformer.apps.ios.swift import plist_string, swift_literal
from pocketformer.apps.scaffold import MADE_BY, Tree, write
from pocketformer.checks import Golden
from pocketformer.checks.golden import GoldenCase
from pocketformer.edition import Edition, EditionFile

LABELS = ("condition", 'a "quoted" \\(label)', "越过\n{{ 7 * 6 }}\u202e")
TEXTS = ("Wet paint dries in an hour.", 'The label says "\\(name)" and then {% if %}.')
MAIN = "shop-notices.int8.mlpackage"
SIZES = {"tokenize_128_bytes": 128, "tokenize": 1024, "classify_16": 16, "classify_32": 32}


def functions_of(ios: int) -> ModelFunctions:
    """Return functions as a file for an iOS has them: in one package, or before 18 in one each."""
    made = [
        Function(name, MAIN, name, size)
        if ios >= 18
        else Function(name, f"shop-notices.int8.{name}.mlpackage", None, size)
        for name, size in SIZES.items()
    ]
    return ModelFunctions(tuple(made[:2]), tuple(made[2:]), ios, ios - 3)


def entry_of(ios: int) -> EditionFile:
    return EditionFile(
        file=MAIN, format="coreml", precision="int8", size_bytes=9, zipped_bytes=9, sha256="ab" * 32,
        signatures=("classify", *SIZES), operations=9, weight_bytes={"int8": 9}, oldest_runtime=f"iOS {ios}",
    )  # fmt: skip


@pytest.fixture
def subject(tmp_path: Path) -> Subject:
    edition = Edition(
        name="shop-notices", created="2026-11-28T00:00:00Z", kind="classifier", labels=LABELS,
        multi_label=False, base="base", architecture="bert", parameters=9, checkpoint="checkpoint",
        checkpoint_sha256="cd" * 32,
    )  # fmt: skip
    cases = tuple(
        GoldenCase(
            bytes=base64.b64encode(text.encode()).decode(), text=text, input_ids=(1, 2), length=2,
            truncated=False, scores=(0.7, 0.2, 0.1), logits=(2.0, 1.0, 0.0),
        )
        for text in TEXTS
    )  # fmt: skip
    golden = Golden(
        edition="shop-notices", kind="classifier", labels=LABELS, multi_label=False, lengths=(16, 32),
        max_bytes=1024, tolerance={"int8": 0.2}, cases=cases,
    )  # fmt: skip
    golden.save(tmp_path / "golden.json")
    for ios in (16, 18):
        for package in functions_of(ios).packages:
            (tmp_path / package).mkdir()
            (tmp_path / package / "Manifest.json").write_text("{}")
    return Subject(tmp_path, edition, golden)


def made(subject: Subject, ios: int = 18) -> Tree:
    return tree_of(subject, Carried(entry_of(ios), functions_of(ios), 25_100_000, 0.2, True))


def text_of(tree: Tree, path: str) -> str:
    content = tree[path]
    assert isinstance(content, bytes)
    return content.decode("utf-8")


def project_path(tree: Tree) -> str:
    return next(path for path in tree if path.endswith("project.pbxproj"))


def test_the_same_edition_gives_the_same_files(subject: Subject) -> None:
    assert made(subject) == made(subject)


def test_the_app_is_named_for_the_edition(subject: Subject, tmp_path: Path) -> None:
    tree = made(subject)
    assert project_path(tree) == "ShopnoticesApp.xcodeproj/project.pbxproj"
    assert "PRODUCT_BUNDLE_IDENTIFIER = com.example.shopnotices;" in text_of(tree, project_path(tree))
    assert 'INFOPLIST_KEY_CFBundleDisplayName = "Shop Notices";' in text_of(tree, project_path(tree))
    readme = text_of(tree, "README.md")
    assert readme.startswith("# Shop Notices for ")
    assert MADE_BY in readme
    write(tree, tmp_path / "app")
    assert "ShopnoticesApp.xcodeproj" in next_step(tmp_path / "app")


def test_the_readme_is_one_screen(subject: Subject) -> None:
    assert len(text_of(made(subject), "README.md").splitlines()) <= 45


def test_every_file_is_used(subject: Subject) -> None:
    tree = made(subject)
    by_hand = {"README.md", ".gitignore", "PocketClassifier/Package.swift", project_path(tree)}
    project, package = text_of(tree, project_path(tree)), text_of(tree, "PocketClassifier/Package.swift")
    for path in set(tree) - by_hand:
        top, *rest = path.split("/")
        if top == "App":  # in the project file: a file of its own, or in the asset catalogue
            assert f"path = {rest[0]};" in project, path
        else:  # in a target of the package, or one of its resources
            kind, target, file = rest[0], rest[1], rest[2]
            declared = ".testTarget" if kind == "Tests" else ".target"
            assert f'{declared}(name: "{target}"' in package, path
            assert file.endswith(".swift") or f'.copy("{file}")' in package, path


def test_no_file_that_the_project_names_is_missing(subject: Subject) -> None:
    tree = made(subject)
    project = text_of(tree, project_path(tree))
    named = re.findall(r'path = (\S+); sourceTree = "<group>"', project)
    assert len(named) > 8
    for name in named:
        assert any(path in (name, f"App/{name}") or path.startswith(f"App/{name}/") for path in tree), name
    defined = re.findall(r"^\t\t([0-9A-F]{24})(?: /\*.*?\*/)? = \{", project, re.MULTILINE)
    assert len(defined) == len(set(defined))
    assert set(re.findall(r"\b[0-9A-F]{24}\b", project)) == set(defined)


@pytest.mark.parametrize("ios", [16, 18])
def test_the_file_decides_which_systems_run_the_app(subject: Subject, ios: int) -> None:
    tree = made(subject, ios)
    package, project = text_of(tree, "PocketClassifier/Package.swift"), text_of(tree, project_path(tree))
    assert f'platforms: [.iOS("{ios}.0"), .macOS("{ios - 3}.0")]' in package
    assert set(re.findall(r"(\w+)_DEPLOYMENT_TARGET = ([\d.]+);", project)) == {
        ("IPHONEOS", f"{ios}.0"),
        ("MACOSX", f"{ios - 3}.0"),
    }


@pytest.mark.parametrize("ios", [16, 18])
def test_the_app_carries_the_packages_it_calls_and_no_other(subject: Subject, ios: int) -> None:
    tree = made(subject, ios)
    folder = "PocketClassifier/Sources/PocketClassifier/Model/"
    carried = {path.removeprefix(folder): tree[path] for path in tree if path.startswith(folder)}
    assert carried == {package: subject.directory / package for package in functions_of(ios).packages}
    edition = text_of(tree, "PocketClassifier/Sources/PocketClassifier/Edition.swift")
    named = set(re.findall(r'package: "([^"]+)",\s+name: (\S+),', edition))
    expected = {(MAIN, f'"{name}"') for name in SIZES} if ios == 18 else {(one, "nil") for one in carried}
    assert named == expected


def test_the_golden_texts_are_the_editions(subject: Subject) -> None:
    tree = made(subject)
    assert tree["PocketClassifier/Sources/GoldenCheck/golden.json"] == subject.directory / "golden.json"
    text = text_of(tree, "PocketClassifier/Sources/PocketClassifier/Edition.swift")
    assert "scoreTolerance: 0.2," in text


def test_no_mark_of_a_template_is_left(subject: Subject) -> None:
    for path, content in made(subject).items():
        if isinstance(content, bytes):
            left = content.decode("utf-8").replace("{{ 7 * 6 }}", "").replace("{% if %}", "")
            assert not re.search(r"\{\{|\}\}|\{%|%\}|\{#|\.j2", left + path), path


def test_no_label_or_text_breaks_out_of_its_string(subject: Subject) -> None:
    tree = made(subject)
    edition = text_of(tree, "PocketClassifier/Sources/PocketClassifier/Edition.swift")
    assert r'"a \"quoted\" \\(label)",' in edition
    assert r'"越过\n{{ 7 * 6 }}\u{202E}",' in edition
    examples = text_of(tree, "App/Examples.swift")
    assert r'"The label says \"\\(name)\" and then {% if %}.",' in examples


@pytest.mark.parametrize(
    ("value", "literal"),
    [
        ("plain", '"plain"'),
        ('"', r'"\""'),
        ("\\(1 + 1)", r'"\\(1 + 1)"'),
        ("tab\t\r\n\0", r'"tab\t\r\n\0"'),
        ("é 越 🎨", '"é 越 🎨"'),
        ("a\u202eb\u200b\ufeff", r'"a\u{202E}b\u{200B}\u{FEFF}"'),
        ("\ud800", r'"\u{FFFD}"'),
        (None, "nil"),
        (True, "true"),
        (128, "128"),
    ],
)
def test_values_are_written_as_swift_reads_them(value: str | int | None, literal: str) -> None:
    assert swift_literal(value) == literal


def test_a_display_name_stays_in_its_quotes() -> None:
    assert plist_string('Wet "paint" \\ 越\n') == '"Wet \\"paint\\" \\\\ 越 "'


def test_the_asset_catalogue_and_the_entitlements_are_well_formed(subject: Subject) -> None:
    tree = made(subject)
    catalogue = [path for path in tree if path.endswith("Contents.json")]
    assert len(catalogue) == 3
    assert all(json.loads(text_of(tree, path))["info"]["version"] == 1 for path in catalogue)
    entitlements = plistlib.loads(text_of(tree, "App/App.entitlements").encode())
    assert entitlements == {"com.apple.security.app-sandbox": True}


def test_inputs_and_outputs_have_the_names_of_the_files(subject: Subject) -> None:
    """As `functions.py` recognises a file's functions; the slow tests run them."""
    from pocketformer.apps.ios.functions import _CLASSIFIER, _TOKENIZER

    swift = text_of(made(subject), "PocketClassifier/Sources/PocketClassifier/ModelFile.swift")
    named = set(re.findall(r'public static let \w+ = "([^"]+)"', swift))
    assert named == set().union(*_TOKENIZER, *_CLASSIFIER)
