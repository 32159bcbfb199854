"""A web app's files: the same every time, each used, nothing from elsewhere, no text as markup."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path, PurePosixPath

import pytest
from transformers import AutoTokenizer

from pocketformer.apps import AppOptions, Subject, Tree
from pocketformer.apps.web import app_tree
from pocketformer.errors import RecipeError

PAGES = ("index.html", "check.html")
ENTRIES = {"index.html", "README.md", "engine/NOTICE.txt"}  # opened by a person, not by another file
HOSTS = re.compile(r"https?://(?!localhost|www\.w3\.org/2000/svg)[^\s\"')]+")


def text_of(content: bytes | Path) -> str:
    return (content if isinstance(content, bytes) else content.read_bytes()).decode("utf-8", "replace")


def own_files(tree: Tree) -> dict[str, str]:
    """Return what pocketformer wrote itself, as text."""
    third = {path for path in tree if path.startswith(("engine/", "model/"))} - {"engine/NOTICE.txt"}
    return {path: text_of(content) for path, content in tree.items() if path not in third}


def model_card(tree: Tree) -> dict[str, object]:
    found: dict[str, object] = json.loads(text_of(tree["model/model.json"]))
    return found


class Markup(HTMLParser):
    """Collects what a page loads, what stands in its title, and anything that runs or styles in place."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.loaded: list[str] = []
        self.inline: list[str] = []
        self.title = ""
        self.policy = ""
        self._inside = ""
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        values = dict(attrs)
        self._inside = tag
        self.loaded += [value for name in ("src", "href") if (value := values.get(name))]
        self.inline += [f"{tag} {name}" for name in values if name.startswith("on") or name == "style"]
        if tag == "style" or (tag == "script" and "src" not in values):
            self.inline.append(tag)
        if values.get("http-equiv") == "Content-Security-Policy":
            self.policy = values["content"] or ""

    def handle_endtag(self, tag: str) -> None:
        self._inside = ""

    def handle_data(self, data: str) -> None:
        if self._inside == "title":
            self.title += data


def references(tree: Tree) -> Iterator[tuple[str, str]]:
    """Yield (file, the path in the app that it loads) of pages, modules and the worker."""
    for path, text in own_files(tree).items():
        folder = PurePosixPath(path).parent
        if path.endswith(".html"):
            found = [address for address in Markup(text).loaded if not address.startswith("#")]
        elif path.endswith(".js"):
            found = re.findall(r'^(?:import|export) [^;]*?from "([^"]+)"', text, re.MULTILINE)
        else:
            continue
        for address in found:
            parts: list[str] = []
            for part in (folder / address).parts:
                parts = parts[:-1] if part == ".." else [*parts, part]
            yield path, "/".join(parts)


def test_the_same_edition_gives_the_same_bytes(subject: Subject, packages: Path, tree: Tree) -> None:
    again = app_tree(subject, AppOptions(engine_package=packages))
    assert again == tree


def test_every_file_is_used_and_every_reference_leads_to_one(tree: Tree) -> None:
    wanted = list(references(tree))
    assert {path for _, path in wanted} <= set(tree), "a reference leads nowhere"
    for path in set(tree) - ENTRIES:
        others = "".join(text_of(content) for other, content in tree.items() if other != path)
        assert PurePosixPath(path).name in others, f"{path} is used nowhere"


def test_nothing_is_fetched_from_elsewhere(tree: Tree) -> None:
    for path, text in own_files(tree).items():
        assert not HOSTS.findall(text), path
    for page in PAGES:
        markup = Markup(text_of(tree[page]))
        assert markup.inline == []
        assert all("//" not in address and not address.startswith("/") for address in markup.loaded)
        rules = dict(rule.strip().split(" ", 1) for rule in markup.policy.split(";"))
        assert rules["default-src"] == "'none'"
        assert rules["connect-src"] == "'self'"
        assert rules["script-src"] == "'self' 'wasm-unsafe-eval'"


@pytest.mark.parametrize("name", ['a"b', "</title><script>alert(1)</script>", "über-größe ☂", "x&amp;y"])
def test_names_stay_text(subject: Subject, packages: Path, name: str) -> None:
    named = replace(subject, edition=subject.edition.model_copy(update={"name": name}))
    made = app_tree(named, AppOptions(engine_package=packages))
    for page in PAGES:
        markup = Markup(text_of(made[page]))
        assert markup.title.startswith(named.title)
        assert markup.inline == []


def test_labels_stay_data(subject: Subject, packages: Path) -> None:
    labels = ('"quoted"', "</script><b>größer</b>")
    changed = subject.edition.model_copy(update={"labels": labels})
    golden = subject.golden.model_copy(update={"labels": labels})
    made = app_tree(replace(subject, edition=changed, golden=golden), AppOptions(engine_package=packages))
    assert model_card(made)["labels"] == list(labels)
    assert all("größer" not in text for path, text in own_files(made).items())


def test_the_page_knows_its_model(subject: Subject, tree: Tree) -> None:
    card = model_card(tree)
    entry = subject.file("litert")
    assert (card["file"], card["precision"], card["sha256"]) == ("tiny.int8.tflite", "int8", entry.sha256)
    assert (card["labels"], card["multi_label"]) == (["bank", "greeting"], False)
    assert (card["lengths"], card["max_bytes"]) == ([16, 32], 128)
    assert card["tolerance"] == subject.golden.tolerance["int8"]
    assert tree["model/tiny.int8.tflite"] == subject.directory / "tiny.int8.tflite"
    assert tree["model/golden.json"] == subject.golden_path


def test_pieces_are_those_of_the_tokenizer(subject: Subject, tree: Tree) -> None:
    pieces = json.loads(text_of(tree["model/pieces.json"]))
    tokenizer = AutoTokenizer.from_pretrained(subject.directory / "checkpoint")
    assert pieces == tokenizer.convert_ids_to_tokens(list(range(len(tokenizer))))


def test_pieces_of_another_checkpoint_are_left_out(dist: Path, packages: Path) -> None:
    weights = dist / "checkpoint" / "model.safetensors"
    weights.write_bytes(weights.read_bytes() + b" ")
    made = app_tree(Subject.load(dist), AppOptions(engine_package=packages))
    assert "model/pieces.json" not in made
    assert model_card(made)["has_pieces"] is False
    assert "pieces.json" not in text_of(made["README.md"])


def test_float16_is_taken_only_when_asked_for(subject: Subject, packages: Path) -> None:
    def only(*precisions: str) -> Subject:
        kept = tuple(entry for entry in subject.edition.files if entry.precision in precisions)
        return replace(subject, edition=subject.edition.model_copy(update={"files": kept}))

    options = AppOptions(engine_package=packages)
    assert model_card(app_tree(only("fp16", "fp32"), options))["precision"] == "fp32"
    with pytest.raises(RecipeError, match=r"float16, which browsers compute .* --precision fp16"):
        app_tree(only("fp16"), options)
    asked = app_tree(only("fp16"), replace(options, precision="fp16"))
    assert model_card(asked)["precision"] == "fp16"
    assert "four times slower" in text_of(asked["README.md"])


def test_an_engine_without_a_file_for_it_is_refused(subject: Subject, packages: Path) -> None:
    with pytest.raises(RecipeError, match=r"no proven file of format onnx .* --target onnx"):
        app_tree(subject, AppOptions(engine="onnx", engine_package=packages))
    with pytest.raises(RecipeError, match="no engine 'tvm' for the web; there are litert and onnx"):
        app_tree(subject, AppOptions(engine="tvm"))


def test_engine_modules_import_the_file_beside_them(tree: Tree) -> None:
    module = text_of(tree["engine/litert.js"])
    assert 'from "./wasm-utils.js"' in module
    assert "sourceMappingURL" not in module
    assert "Apache License" in text_of(tree["engine/LICENSE.txt"])
    assert "sha512-" in text_of(tree["engine/NOTICE.txt"])


def test_the_readme_is_one_screen_and_true(tree: Tree) -> None:
    readme = text_of(tree["README.md"])
    assert len(readme.splitlines()) < 50
    assert "tiny.int8.tflite" in readme
    for path in re.findall(r"`((?:js|model|engine)/[\w.]*|[\w]+\.html|app\.css)`", readme):
        assert any(name == path or name.startswith(path) for name in tree), path
