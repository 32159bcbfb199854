"""Trees of files: templates rendered, written whole or not at all, and nobody's work replaced."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from pocketformer.apps.scaffold import MADE_BY, rendered, write
from pocketformer.errors import MissingExtraError, RecipeError

README = {"README.md": f"# App\n{MADE_BY}.\n".encode()}


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """Return the name of a package with templates: one rendered, one not, one with a value in its path."""
    templates = tmp_path / "scaffold_package" / "templates"
    for path, content in {
        "plain.txt": b"{{ name }} \xff",
        "{{ name }}/page.html.j2": b"<b>{{ label|e }}</b>\n",
        "__pycache__/left.pyc": b"",
    }.items():
        (templates / path).parent.mkdir(parents=True, exist_ok=True)
        (templates / path).write_bytes(content)
    (tmp_path / "scaffold_package" / "__init__.py").touch()
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.delitem(sys.modules, "scaffold_package", raising=False)
    return "scaffold_package"


def test_templates_are_rendered_and_other_files_kept(package: str) -> None:
    tree = rendered(package, {"name": "notices", "label": "<i>"})
    assert tree == {"plain.txt": b"{{ name }} \xff", "notices/page.html": b"<b>&lt;i&gt;</b>\n"}


def test_jinja_is_asked_for_where_it_is_missing(package: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "jinja2", None)
    with pytest.raises(MissingExtraError, match=r"pip install 'pocketformer\[report\]'"):
        rendered(package, {})


def test_bytes_files_and_folders_are_written(tmp_path: Path) -> None:
    folder = tmp_path / "package"
    folder.mkdir()
    (folder / "weights").write_bytes(b"w")
    output = tmp_path / "new" / "app"
    write({**README, "a/b.txt": b"text", "model": folder, "copy": folder / "weights"}, output)
    found = {
        path.relative_to(output).as_posix(): path.read_bytes() for path in output.rglob("*") if path.is_file()
    }
    assert found == {**README, "a/b.txt": b"text", "model/weights": b"w", "copy": b"w"}
    assert [path.name for path in output.parent.iterdir()] == ["app"]


def test_an_app_is_replaced_only_by_force(tmp_path: Path) -> None:
    output = tmp_path / "app"
    write({**README, "old.txt": b""}, output)
    with pytest.raises(RecipeError, match=r"holds an app already\. Give another place with -o, or --force"):
        write(README, output)
    write(README, output, force=True)
    assert [path.name for path in output.iterdir()] == ["README.md"]


@pytest.mark.parametrize("force", [False, True])
def test_what_is_no_app_is_never_replaced(tmp_path: Path, force: bool) -> None:
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "README.md").write_text("My work")
    (tmp_path / "file").write_text("My work")
    for name in ("mine", "file"):
        with pytest.raises(RecipeError, match="is there and is no app of pocketformer's"):
            write(README, tmp_path / name, force=force)
    assert (tmp_path / "mine" / "README.md").read_text() == "My work"


def test_an_empty_folder_is_a_place_but_not_the_one_a_person_stands_in(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "empty").mkdir()
    monkeypatch.chdir(tmp_path / "empty")
    with pytest.raises(RecipeError, match=r"-o \. is the folder you are in"):
        write(README, Path())
    monkeypatch.chdir(tmp_path)
    write(README, Path("empty"))
    assert (tmp_path / "empty" / "README.md").is_file()


def test_a_half_written_app_is_never_seen(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        write({**README, "z": tmp_path / "missing"}, tmp_path / "app")
    assert list(tmp_path.iterdir()) == []
