"""The files of an Android app: the same every time, none without use, no text as code."""

from __future__ import annotations

import ast
import re
import tomllib
import xml.etree.ElementTree as ElementTree
from collections.abc import Iterator
from pathlib import Path

import pytest

from apps.android.conftest import TEXTS, entry_of, subject_of
from pocketformer.apps import AppOptions, Subject, Tree, make_app
from pocketformer.apps.android import app_tree, next_step
from pocketformer.apps.android.literals import kotlin
from pocketformer.apps.android.runtime import LITERT
from pocketformer.apps.android.tree import tree_of
from pocketformer.apps.scaffold import MADE_BY, write
from pocketformer.errors import ExportError, RecipeError

ANDROID = "{http://schemas.android.com/apk/res/android}"


def text_of(tree: Tree, ending: str) -> str:
    """Return the one text of a tree whose path ends so."""
    (content,) = (content for path, content in tree.items() if path.endswith(ending))
    assert isinstance(content, bytes)
    return content.decode("utf-8")


def texts(tree: Tree, ending: str = "") -> Iterator[tuple[str, str]]:
    for path, content in tree.items():
        if path.endswith(ending) and isinstance(content, bytes):
            yield path, content.decode("utf-8")


def test_the_same_edition_gives_the_same_files(subject: Subject, tree: Tree) -> None:
    assert tree_of(subject, entry_of()) == tree


def test_the_app_is_named_for_the_edition(tree: Tree, tmp_path: Path) -> None:
    build = text_of(tree, "app/build.gradle.kts")
    assert 'applicationId = "com.example.shopnotices"' in build
    assert 'namespace = "com.example.shopnotices"' in build
    assert 'rootProject.name = "shop-notices"' in text_of(tree, "settings.gradle.kts")
    assert ">Shop Notices</string>" in text_of(tree, "values/strings.xml")
    readme = text_of(tree, "README.md")
    assert readme.startswith("# shop-notices:")
    assert MADE_BY in readme
    write(tree, tmp_path / "app")
    assert str(tmp_path / "app") in next_step(tmp_path / "app")
    for path, text in texts(tree, ".kt"):
        (package,) = re.findall(r"^package (com\.example\.shopnotices[a-z.]*)$", text, re.M)
        assert f"/kotlin/{package.replace('.', '/')}/" in path


@pytest.mark.parametrize(("name", "part"), [("new", "newapp"), ("in", "inapp"), ("3-way", "model3way")])
def test_a_word_of_the_language_is_no_part_of_a_package(tmp_path: Path, name: str, part: str) -> None:
    build = text_of(tree_of(subject_of(tmp_path, name), entry_of()), "app/build.gradle.kts")
    assert f'namespace = "com.example.{part}"' in build


def test_the_readme_is_one_screen(tree: Tree) -> None:
    assert len(text_of(tree, "README.md").splitlines()) <= 45


def test_no_mark_of_a_template_is_left(tree: Tree) -> None:
    for path, text in texts(tree):
        for text_of_edition in TEXTS:
            text = text.replace(kotlin(text_of_edition), "")
        assert not re.search(r"\{\{|\}\}(?!\s*$)|\{%|%\}|\{#|#\}", text, re.M), path
        assert "j2" not in path


def test_texts_of_the_edition_are_literals(tree: Tree) -> None:
    asset = text_of(tree, "ModelAsset.kt")
    assert r'"The \"label\" says \${name} and \\n, then {% if %}."' in asset
    assert 'FILE = "shop-notices.int8.tflite"' in asset
    assert "TOLERANCE = 0.2" in asset


def test_the_model_and_its_golden_texts_are_assets(subject: Subject, tree: Tree) -> None:
    assert tree["app/src/main/assets/shop-notices.int8.tflite"] == subject.directory / entry_of().file
    assert tree["app/src/main/assets/golden.json"] == subject.golden_path


def test_every_kotlin_file_is_used(tree: Tree) -> None:
    files = dict(texts(tree, ".kt"))
    for path, text in files.items():
        if path.endswith("Test.kt") or path.endswith("MainActivity.kt"):
            continue  # a runner, or Android, finds these
        declared = re.findall(
            r"^(?:data |private )?(?:class|object|interface|fun|val) (?:<\w+> )?(\w+)", text, re.M
        )
        others = "\n".join(other for name, other in files.items() if name != path)
        assert any(re.search(rf"\b{name}\b", others) for name in declared), path


def test_every_resource_is_used_and_every_used_one_is_there(tree: Tree) -> None:
    declared, used = set(), set()
    for path, text in texts(tree):
        if match := re.search(r"/res/(drawable)[^/]*/(\w+)\.xml$", path):
            declared.add((match[1], match[2]))
        if "/res/values" in path:
            for element in ElementTree.fromstring(text):
                declared.add((element.tag, element.get("name")))
        if path.endswith(".kt"):
            used |= set(re.findall(r"\bR\.(\w+)\.(\w+)", text))
        if path.endswith(".xml"):
            used |= {
                (kind, name) for kind, name in re.findall(r'"@(string|drawable|color|style)/([\w.]+)"', text)
            }
    assert used == declared


def test_xml_is_well_formed_and_the_activity_exists(tree: Tree) -> None:
    for path, text in texts(tree, ".xml"):
        assert ElementTree.fromstring(text) is not None, path
    manifest = ElementTree.fromstring(text_of(tree, "AndroidManifest.xml"))
    (activity,) = manifest.iter("activity")
    assert activity.get(f"{ANDROID}name") == ".MainActivity"
    assert "class MainActivity" in text_of(tree, "shopnotices/MainActivity.kt")
    assert not list(manifest.iter("uses-permission"))  # as the README promises


def test_every_alias_of_the_catalog_is_used_and_every_used_one_is_there(tree: Tree) -> None:
    catalog = tomllib.loads(text_of(tree, "libs.versions.toml"))
    assert set(catalog) == {"versions", "libraries", "plugins"}
    declared = {name.replace("-", ".") for name in catalog["libraries"]}
    declared |= {f"plugins.{name.replace('-', '.')}" for name in catalog["plugins"]}
    scripts = "\n".join(text for _, text in texts(tree, ".gradle.kts"))
    assert set(re.findall(r"\blibs\.([\w.]+)\)", scripts)) == declared
    entries = [*catalog["libraries"].values(), *catalog["plugins"].values()]
    versions = {entry["version"]["ref"] for entry in entries if "version" in entry}
    assert versions == set(catalog["versions"])
    assert catalog["versions"]["litert"] == LITERT
    bom = [entry["module"] for entry in entries if "version" not in entry]  # the bill of materials has theirs
    assert all(module.startswith("androidx.compose.") for module in bom)


def test_only_what_is_named_so_needs_android(tree: Tree) -> None:
    needing = {
        Path(path).name
        for path, text in texts(tree, ".kt")
        if re.search(r"^import (android|com\.google)", text, re.M)
    }
    assert needing & {Path(path).name for path in tree if "/classifier/" in path} == {"LiteRt.kt"}


def test_the_python_beside_the_tests_is_python(tree: Tree) -> None:
    assert ast.parse(text_of(tree, "run_model.py"))


def test_gradle_is_pinned_by_digest(tree: Tree) -> None:
    wrapper = text_of(tree, "gradle-wrapper.properties")
    assert re.search(r"^distributionSha256Sum=[0-9a-f]{64}$", wrapper, re.M)
    assert "gradle-9.1.0-bin.zip" in wrapper


@pytest.mark.parametrize(
    ("runtime", "sentence"),
    [
        ("LiteRT 2.23.0", r"needs LiteRT 2\.23\.0; LiteRT [\d.]+, .* up to 2\.22\. .* --runtime 2\.22$"),
        ("LiteRT, release unknown", r"no release of LiteRT is known .* `pocketformer inspect "),
    ],
)
def test_a_file_that_the_apps_runtime_does_not_run_is_refused(
    subject: Subject, monkeypatch: pytest.MonkeyPatch, runtime: str, sentence: str
) -> None:
    monkeypatch.setattr(Subject, "file", lambda *_: entry_of(runtime=runtime))
    with pytest.raises(ExportError, match=sentence):
        app_tree(subject, AppOptions())


def test_a_file_at_the_edge_is_taken(subject: Subject, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Subject, "file", lambda *_: entry_of(runtime="LiteRT 2.22.0"))
    assert app_tree(subject, AppOptions()) == tree_of(subject, entry_of(runtime="LiteRT 2.22.0"))


def test_an_edition_without_a_proven_file_is_refused(subject: Subject) -> None:
    with pytest.raises(RecipeError, match="no proven file of format litert"):
        app_tree(subject, AppOptions())


def test_an_app_is_replaced_only_when_asked(
    subject: Subject, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(Subject, "file", lambda *_: entry_of())
    subject.edition.save(subject.directory)
    made = make_app(subject.directory, "android", tmp_path / "out")
    assert (tmp_path / "out" / "app/src/main/assets" / entry_of().file).read_bytes() == b"model"
    assert made.files == len(tree_of(subject, entry_of()))
    with pytest.raises(RecipeError, match="holds an app already"):
        make_app(subject.directory, "android", tmp_path / "out")
    assert make_app(subject.directory, "android", tmp_path / "out", force=True) == made
