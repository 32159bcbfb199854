"""From a table to verified files, by one recipe; and again, after an interruption or a change."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

import pocketformer
from pocketformer import pipeline
from pocketformer.data import read_labeled_texts
from pocketformer.edition import Edition
from pocketformer.errors import FileFormatError, VerificationError
from pocketformer.recipe import Recipe
from watching import Watcher

FILES = ["tiny.fp32.tflite", "tiny.fp16.tflite", "tiny.int8.tflite"]


@pytest.fixture
def recipe(recipe_path: Path, finished: Path, tmp_path: Path) -> Recipe:
    """The finished recipe with a copy of its output to work on."""
    loaded = Recipe.load(recipe_path)
    shutil.copytree(finished, tmp_path / "dist")
    return loaded.model_copy(update={"output": tmp_path / "dist"})


def test_everything_promised_is_there(finished: Path) -> None:
    names = {path.name for path in finished.iterdir()}
    assert {*FILES, "edition.json", "report.html", "report.md", "checkpoint", "golden.json"} <= names
    edition = Edition.load(finished)
    assert [entry.file for entry in edition.files] == FILES
    assert all(entry.verdict is not None and entry.verdict.passed for entry in edition.files)
    assert edition.data is not None
    assert edition.data.rows["test"] == 48
    assert edition.bench is not None
    assert edition.training is not None


def test_the_files_do_what_the_edition_says(finished: Path, recipe_path: Path) -> None:
    """The held-out rows, run one by one through each delivered file, give the reported accuracy."""
    edition = Edition.load(finished)
    rows, _ = read_labeled_texts(recipe_path.parent / "test.csv", labels=edition.labels)
    for entry in edition.files:
        model = pocketformer.open(finished / entry.file)
        right = [
            model(text).label == edition.labels[target]
            for text, target in zip(rows.texts, rows.targets, strict=True)
        ]
        assert entry.verdict is not None
        assert entry.verdict.quality is not None
        assert sum(right) / len(right) == pytest.approx(entry.verdict.quality.accuracy)


def test_sizes_fall_with_the_precision(finished: Path) -> None:
    sizes = [entry.size_bytes for entry in Edition.load(finished).files]
    assert sizes == sorted(sizes, reverse=True)


def test_a_second_run_keeps_every_stage(recipe: Recipe) -> None:
    before = {name: (recipe.output / name).read_bytes() for name in FILES}
    watcher = Watcher()
    pipeline.run(recipe, watcher)
    assert watcher.done == ["report"]
    assert len(watcher.kept_stages) == 2 + 2 * len(FILES) + 2  # baselines, finetune; golden.json, bench
    assert before == {name: (recipe.output / name).read_bytes() for name in FILES}


@pytest.mark.slow
def test_a_damaged_file_is_written_again(recipe: Recipe) -> None:
    path = recipe.output / FILES[2]
    intact = path.read_bytes()
    path.write_bytes(intact[:-100])
    watcher = Watcher()
    pipeline.run(recipe, watcher)
    assert f"export {FILES[2]}" in watcher.done
    assert f"export {FILES[0]}" in watcher.kept_stages
    assert path.read_bytes() == intact


def test_an_interrupted_run_goes_on_where_it_stopped(recipe: Recipe) -> None:
    for stage in (recipe.output / ".pocketformer").glob("verify-*"):
        stage.unlink()
    with pytest.raises(KeyboardInterrupt):
        pipeline.run(recipe, Watcher(interrupt=f"verify {FILES[1]}"))
    watcher = Watcher()
    pipeline.run(recipe, watcher)
    assert watcher.done == [f"verify {FILES[1]}", f"verify {FILES[2]}", "report"]


def test_the_person_is_told_what_became_of_the_rows(recipe: Recipe) -> None:
    watcher = Watcher()
    pipeline.run(recipe, watcher)
    assert any("160 rows read, 160 kept" in sentence for sentence in watcher.said)
    assert any("48 held out" in sentence for sentence in watcher.said)


def test_a_file_that_is_wrong_is_rejected_and_the_others_stay(dist: Path, recipe_path: Path) -> None:
    edition = Edition.load(dist)
    wrong = dist / FILES[0]
    wrong.write_bytes(with_other_labels_first(wrong.read_bytes()))
    entry = edition.files[0].model_copy(update={"sha256": "changed"})
    edition = edition.model_copy(update={"files": (entry, *edition.files[1:])})
    rows, _ = read_labeled_texts(recipe_path.parent / "test.csv", labels=edition.labels)
    told = r"tiny\.fp32\.tflite is not delivered: .*logit error.*The error jumps .* at head\.output "
    with pytest.raises(VerificationError, match=told):
        pipeline.verify_edition(edition, dist, rows, Watcher())
    assert not wrong.exists()
    assert (dist / f"{FILES[0]}.rejected").is_file()
    assert (dist / FILES[2]).is_file()
    files = Edition.load(dist).files
    assert [one.file for one in files] == [f"{FILES[0]}.rejected", *FILES[1:]]
    assert files[0].verdict is not None
    assert not files[0].verdict.passed


def test_a_rejected_file_gets_its_name_back_when_it_passes(dist: Path, recipe_path: Path) -> None:
    edition = Edition.load(dist)
    (dist / FILES[0]).rename(dist / f"{FILES[0]}.rejected")
    rejected = edition.files[0].model_copy(update={"file": f"{FILES[0]}.rejected"})
    edition = edition.model_copy(update={"files": (rejected, *edition.files[1:])})
    edition = pipeline.verify_edition(edition, dist, None, Watcher())
    assert [entry.file for entry in edition.files] == FILES
    assert (dist / FILES[0]).is_file()
    assert not (dist / f"{FILES[0]}.rejected").exists()


def with_other_labels_first(content: bytes) -> bytes:
    """Return the file with the weights of its head turned round: every answer becomes the opposite."""
    import numpy as np

    from pocketformer.targets.litert.flatbuffer import read_model, write_model

    model = read_model(content, "memory")
    for graph in model.subgraphs:
        for tensor in graph.tensors:
            data = model.buffers[tensor.buffer].data
            if data is not None and list(tensor.shape) == [2, 32]:
                model.buffers[tensor.buffer].data = np.ascontiguousarray(data.reshape(2, -1)[::-1]).reshape(
                    -1
                )
                return write_model(model)
    raise AssertionError("the head's weights [2, 32] are not in the file")


def test_no_edition_is_a_sentence(tmp_path: Path) -> None:
    with pytest.raises(FileFormatError, match=r"holds no edition\.json"):
        Edition.load(tmp_path)
    (tmp_path / "edition.json").write_text('{"name": 1}')
    with pytest.raises(FileFormatError, match=r"cannot be read: .* at "):
        Edition.load(tmp_path)


def test_an_edition_does_not_tell_where_studies_are_kept(finished: Path) -> None:
    recipe = Edition.load(finished).recipe
    assert "finetune" in recipe
    assert "search" not in recipe
