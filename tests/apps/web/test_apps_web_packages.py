"""Engines: pinned, checked, taken from a folder, the cache or npm; and what is said where none has them."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from pocketformer.apps.web.engines import ENGINES, Engine
from pocketformer.apps.web.packages import cache_directory, engine_files
from pocketformer.errors import FileFormatError, RecipeError

BOTH_WAYS = r"install Node\.js with npm .* `npm pack @litertjs/core@[\d.]+ @litertjs/wasm-utils@[\d.]+`"


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr("sys.platform", "linux")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return cache_directory()


@pytest.fixture
def without_npm(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "bin").mkdir()
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))


def test_a_folder_or_a_file_of_it_gives_the_used_files(packages: Path, litert: Engine) -> None:
    names = {name for package in litert.packages for name in package.files.values()}
    assert set(engine_files(litert, packages)) == names
    assert set(engine_files(litert, packages / litert.packages[0].file_name)) == names


def test_a_package_that_is_missing_is_named(packages: Path, litert: Engine) -> None:
    (packages / litert.packages[1].file_name).unlink()
    with pytest.raises(
        RecipeError, match=rf"needs litertjs-wasm-utils-.*\.tgz, which is not in .*{BOTH_WAYS}"
    ):
        engine_files(litert, packages)
    with pytest.raises(RecipeError, match=rf"nowhere does not exist\. .*{BOTH_WAYS}"):
        engine_files(litert, packages / "nowhere")


def test_another_file_of_that_name_is_refused(packages: Path, litert: Engine) -> None:
    path = packages / litert.packages[0].file_name
    path.write_bytes(path.read_bytes() + b"\0")
    with pytest.raises(FileFormatError, match=r"is not @litertjs/core .* its digest is sha512-.*npm pack"):
        engine_files(litert, packages)


@pytest.mark.usefixtures("without_npm")
def test_the_cache_is_enough_and_a_damaged_one_is_not_believed(
    packages: Path, litert: Engine, cache: Path
) -> None:
    with pytest.raises(RecipeError, match=rf"npm is not installed\. Either {BOTH_WAYS}"):
        engine_files(litert)
    shutil.copytree(packages, cache)
    assert "litert.js" in engine_files(litert)
    (cache / litert.packages[0].file_name).write_bytes(b"half a fi")
    with pytest.raises(RecipeError, match="npm is not installed"):
        engine_files(litert)


@pytest.mark.skipif(shutil.which("npm") is None, reason="npm is not installed")
def test_what_npm_says_is_passed_on(litert: Engine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("npm_config_offline", "true")
    monkeypatch.setenv("npm_config_cache", str(tmp_path / "npm"))
    with pytest.raises(
        RecipeError, match=rf"npm could not download @litertjs/core .*\(.+\)\. Either {BOTH_WAYS}"
    ):
        engine_files(litert)


@pytest.mark.slow
@pytest.mark.skipif(shutil.which("npm") is None, reason="npm is not installed")
@pytest.mark.parametrize("name", list(ENGINES))
def test_npm_has_the_pinned_packages(name: str, cache: Path) -> None:
    engine = ENGINES[name]
    found = engine_files(engine)
    assert {path.name for path in cache.iterdir()} == {package.file_name for package in engine.packages}
    for module, wasm in engine.wasm:
        assert found[wasm].startswith(b"\0asm")
        assert wasm.encode() in found[module]
