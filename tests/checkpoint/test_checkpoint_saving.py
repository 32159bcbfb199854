"""Saving: nothing of the person's is destroyed, and the tokenizer comes back the same."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from transformers import AutoTokenizer

from pocketformer.checkpoint import load_classifier, load_tokenizer, new_classifier, save_classifier
from pocketformer.errors import CheckpointError
from tiny import tiny_checkpoint, tiny_classifier, tiny_vocab


@pytest.fixture(scope="module", params=[True, False], ids=["uncased", "cased"])
def tokenizers(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> tuple[object, object]:
    folder = tmp_path_factory.mktemp("tokenizers")
    base = tiny_checkpoint(folder / "base", do_lower_case=request.param)
    tokenizer = load_tokenizer(base)
    tokenizer(["a long text"], truncation=True, max_length=4, padding="max_length")  # leaves its traces
    save_classifier(new_classifier(base, ("a", "b"), False), tokenizer, folder / "saved")
    return AutoTokenizer.from_pretrained(base), AutoTokenizer.from_pretrained(folder / "saved")


@given(text=st.text())
def test_saved_tokenizer_gives_the_same_ids(tokenizers: tuple[object, object], text: str) -> None:
    before, after = tokenizers
    assert before(text)["input_ids"] == after(text)["input_ids"]  # type: ignore[operator]


def test_saved_tokenizer_is_the_same(tokenizers: tuple[object, object]) -> None:
    before, after = tokenizers
    assert before.backend_tokenizer.to_str() == after.backend_tokenizer.to_str()  # type: ignore[attr-defined]
    assert before.do_lower_case == after.do_lower_case  # type: ignore[attr-defined]
    assert before.model_max_length == after.model_max_length  # type: ignore[attr-defined]
    assert before.special_tokens_map == after.special_tokens_map  # type: ignore[attr-defined]


def test_vocabulary_file_is_written_in_id_order(tmp_path: Path) -> None:
    saved = tiny_classifier(tmp_path / "saved")
    assert (saved / "vocab.txt").read_text("utf-8").splitlines() == tiny_vocab()


def test_older_checkpoint_is_replaced_whole(tmp_path: Path) -> None:
    saved = tiny_classifier(tmp_path / "saved", ("a", "b"))
    (saved / "finetune.json").write_text("{}")
    model = new_classifier(tmp_path / "saved-base", ("x", "y", "z"), False)
    save_classifier(model, load_tokenizer(saved), saved, {"shrink.json": "{}\n"})
    assert load_classifier(saved).labels == ("x", "y", "z")
    assert not (saved / "finetune.json").exists()
    assert (saved / "shrink.json").read_text() == "{}\n"
    assert [path.name for path in tmp_path.iterdir() if path.name.startswith(".")] == []


def test_directory_with_other_files_is_not_touched(tmp_path: Path) -> None:
    model = load_classifier(tiny_classifier(tmp_path / "saved"))
    (tmp_path / "letters").mkdir()
    (tmp_path / "letters" / "dear.txt").write_text("dear")
    for target in (tmp_path / "letters", tmp_path / "letters" / "dear.txt"):
        with pytest.raises(CheckpointError, match=r"is no checkpoint|is a file"):
            save_classifier(model, load_tokenizer(tmp_path / "saved"), target)
    assert (tmp_path / "letters" / "dear.txt").read_text() == "dear"


def test_interrupted_save_leaves_the_older_checkpoint(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    saved = tiny_classifier(tmp_path / "saved", ("a", "b"))
    model = new_classifier(tmp_path / "saved-base", ("x", "y"), False)

    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("pocketformer.checkpoint.io.write_tokenizer", interrupt)
    with pytest.raises(KeyboardInterrupt):
        save_classifier(model, load_tokenizer(saved), saved)
    assert load_classifier(saved).labels == ("a", "b")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["saved", "saved-base"]


def test_loading_says_nothing(tmp_path: Path) -> None:
    base = tiny_checkpoint(tmp_path / "base")
    code = (
        "from pocketformer.checkpoint import load_tokenizer, new_classifier\n"
        f"load_tokenizer({str(base)!r}); new_classifier({str(base)!r}, ('a', 'b'), False)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert (done.stdout, done.stderr) == ("", "")
