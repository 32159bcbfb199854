"""The file as an app's Swift says it is: names and sizes read out of the Swift, and run by the evaluator."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest

from apps.ios.evaluation import Functions
from pocketformer.apps import AppOptions, Subject
from pocketformer.apps.ios import app_tree
from pocketformer.apps.scaffold import Tree
from pocketformer.tokenizer.text_bytes import encode_text

pytestmark = pytest.mark.slow

SOURCES = "PocketClassifier/Sources/PocketClassifier/"
FUNCTION = re.compile(
    r'Function\(\s+signature: "([^"]+)",\s+package: "([^"]+)",\s+name: (?:nil|"([^"]+)"),\s+size: (\d+)\)'
)

Called = tuple[str, str | None, int]


@pytest.fixture(scope="session")
def subject(edition: Path) -> Subject:
    return Subject.load(edition)


@pytest.fixture(scope="session")
def tree(subject: Subject) -> Tree:
    return app_tree(subject, AppOptions())


def swift_of(tree: Tree, name: str) -> str:
    content = tree[f"{SOURCES}{name}"]
    assert isinstance(content, bytes)
    return content.decode("utf-8")


def called(tree: Tree, part: str) -> list[Called]:
    """Return package, function and size of the functions that one list of Edition.swift holds."""
    text = swift_of(tree, "Edition.swift").split(f"{part}: [")[1].split("        ]")[0]
    return [(package, name or None, int(size)) for _, package, name, size in FUNCTION.findall(text)]


def feature(tree: Tree, name: str) -> str:
    found = re.search(rf'public static let {name} = "([^"]+)"', swift_of(tree, "ModelFile.swift"))
    assert found
    return found[1]


def asked(functions: Functions, function: Called, inputs: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Run a function as LoadedFunction.swift does: int32 arrays [1, size] by name."""
    package, name, _ = function
    tensors = {
        key: {"dtype": "int32", "shape": [1, values.size], "values": values.ravel().tolist()}
        for key, values in inputs.items()
    }
    answer = functions.answer({"package": f"/model/{package}", "function": name, "inputs": tensors})
    assert "error" not in answer, answer
    return {
        key: np.array(one["values"], one["dtype"]).reshape(one["shape"])
        for key, one in answer["outputs"].items()
    }


def shortest(functions: list[Called], least: int) -> Called:
    return next((one for one in functions if one[2] >= least), functions[-1])


def test_every_golden_text_goes_the_way_that_the_swift_describes(tree: Tree, subject: Subject) -> None:
    functions = Functions("/model", subject.directory)
    tokenizers, classifiers = called(tree, "tokenizers"), called(tree, "classifiers")
    ids, mask, types = (feature(tree, name) for name in ("ids", "mask", "types"))
    tolerance = float(swift_of(tree, "Edition.swift").split("scoreTolerance: ")[1].split(",")[0])
    for case in subject.golden.cases:
        tokenizer = shortest(tokenizers, len(case.content))
        tokens = asked(functions, tokenizer, {feature(tree, "text"): encode_text(case.content, tokenizer[2])})
        count = int(tokens[feature(tree, "length")][0])
        assert tuple(tokens[ids][0, :count].tolist()) == case.input_ids
        classifier = shortest(classifiers, count)
        given = {name: tokens[name][:, : classifier[2]] for name in (ids, mask, types)}
        outputs = asked(functions, classifier, given)
        assert outputs[feature(tree, "logits")].dtype == np.float32
        assert np.abs(outputs[feature(tree, "scores")][0] - np.array(case.scores)).max() <= tolerance


def test_both_layouts_are_told_apart(tree: Tree, subject: Subject) -> None:
    functions = [*called(tree, "tokenizers"), *called(tree, "classifiers")]
    packages = {package for package, _, _ in functions}
    carried = {Path(path).name for path in tree if path.startswith(f"{SOURCES}Model/")}
    assert packages == carried
    parts = subject.file("coreml").parts
    assert packages == (set(parts) or {"tiny-one.int8.mlpackage"})
    assert all((name is None) == bool(parts) for _, name, _ in functions)
