"""An app of an edition: made by the module of its platform, and told what it holds."""

from __future__ import annotations

from pathlib import Path

import pytest

from pocketformer import files
from pocketformer.apps import PLATFORMS, make_app
from pocketformer.apps.scaffold import MADE_BY
from pocketformer.errors import FileFormatError, RecipeError


def test_the_result_tells_what_stands_there(finished: Path, tmp_path: Path) -> None:
    output = tmp_path / "app"
    made = make_app(finished, "android", output)
    assert (made.platform, made.path, made.model) == ("android", str(output), "tiny.int8.tflite")
    assert made.files == len(files.files_in(output))
    assert made.size_bytes == files.size_bytes(output)
    assert MADE_BY in (output / "README.md").read_text("utf-8")
    assert made.next


def test_unknown_platforms_and_folders_are_refused(finished: Path, tmp_path: Path) -> None:
    with pytest.raises(RecipeError, match=r"no platform 'windows'; there are web, android, ios"):
        make_app(finished, "windows", tmp_path / "app")
    with pytest.raises(FileFormatError, match=r"edition\.json"):
        make_app(tmp_path, PLATFORMS[0], tmp_path / "app")


def test_a_taken_place_is_refused_before_any_work(
    finished: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "taken").write_text("mine")
    monkeypatch.setenv("PATH", str(tmp_path))  # where no npm is: the web app could not be made
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    with pytest.raises(RecipeError, match="is no app of pocketformer's"):
        make_app(finished, "web", tmp_path / "taken")
