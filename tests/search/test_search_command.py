"""The command `search`: what it writes, that its recipe can be run, and workers that share a study."""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
import typer
from typer.testing import CliRunner

from pocketformer.cli.searching import search as search_command
from pocketformer.errors import MissingExtraError, RecipeError
from pocketformer.pipeline import read_rows
from pocketformer.pipeline.observer import Silent
from pocketformer.pipeline.searching import search_directory, search_recipe
from pocketformer.recipe import Recipe
from pocketformer.train import finetune
from tiny import tiny_checkpoint

_WORDS = {"bank": "card account money lost", "greeting": "hello world café naïve"}
_PROGRAM = "import typer; from pocketformer.cli.searching import search; typer.run(search)"


def write_recipe(folder: Path, search: str, epochs: int = 2) -> Path:
    tiny_checkpoint(folder / "base")
    draw = random.Random(0)
    rows = ["text,label"]
    for number in range(40):
        label = "bank" if number % 2 else "greeting"
        rows.append(f"{' '.join(draw.choice(_WORDS[label].split()) for _ in range(4))} {number},{label}")
    (folder / "train.csv").write_text("\n".join(rows) + "\n", "utf-8")
    path = folder / "recipe.toml"
    path.write_text(
        'name = "tiny"\nbase = "./base"\noutput = "dist/tiny"\n'
        '[data]\ntrain = "train.csv"\ndev_fraction = 0.3\n'
        f"[finetune]\nepochs = {epochs}\nmax_length = 32\n[search]\n{search}",
        "utf-8",
    )
    return path


def command(*arguments: object) -> Any:
    app = typer.Typer()
    app.command()(search_command)
    return CliRunner().invoke(app, [str(argument) for argument in arguments], catch_exceptions=False)


@pytest.fixture(scope="module")
def done(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Any]:
    """Return a recipe that was searched by the command, and what the command gave."""
    recipe = write_recipe(
        tmp_path_factory.mktemp("recipe"),
        "trials = 9\nstudy = 'tiny'\n[search.space]\nlearning_rate = [1e-5, 2e-2]\nbatch_size = [4, 8]\n"
        "[search.start_from]\nlearning_rate = 1e-5\n",
    )
    return recipe, command(recipe, "--trials", 4)


def test_the_command_shows_its_trials_what_it_wrote_and_what_to_do_next(done: tuple[Path, Any]) -> None:
    recipe, shown = done
    directory = recipe.parent / "dist" / "tiny-search"
    assert shown.exit_code == 0
    assert "the best 4 of 4" in shown.stdout
    assert "starting point" in shown.stdout
    assert f"Wrote {directory}: best.toml, search.html, search.json" in shown.stdout
    assert f"pocketformer run {directory / 'best.toml'}" in shown.stderr
    assert "optuna" not in shown.output.lower()
    assert sorted(path.name for path in directory.iterdir()) == [
        "best.toml", "search.html", "search.journal", "search.json",
    ]  # fmt: skip


def test_the_best_recipe_loads_and_gives_the_best_trials_score(done: tuple[Path, Any]) -> None:
    recipe, _ = done
    directory = search_directory(Recipe.load(recipe))
    found = json.loads((directory / "search.json").read_text("utf-8"))
    written = (directory / "best.toml").read_text("utf-8")
    assert written.startswith(
        f"# The best of 4 trials: macro-F1 {found['best']['value']:.2%} on the dev rows"
    )
    best = Recipe.load(directory / "best.toml")
    original = Recipe.load(recipe)
    assert best.output.resolve() == original.output.resolve()
    assert best.data.train.resolve() == original.data.train.resolve()
    assert Path(best.base).resolve() == (recipe.parent / "base").resolve()
    assert str(recipe.parent) not in written.split("\n\n", 1)[1]
    rows = read_rows(best.data, Silent())
    result = finetune(best.base, rows.train, rows.dev, recipe.parent / "again", best.finetune)
    assert result.macro_f1 == found["best"]["value"]


def test_the_page_stands_alone_and_shows_every_trial(done: tuple[Path, Any]) -> None:
    recipe, _ = done
    page = (search_directory(Recipe.load(recipe)) / "search.html").read_text("utf-8")
    assert page.count("<svg") == 2
    assert "Search: tiny" in page
    assert "0 (starting point" in page
    assert "1 (defaults" in page
    for name in ("learning_rate", "batch_size", "weight_decay", "warmup_ratio"):
        assert name in page
    assert 'src="' not in page
    assert 'href="http' not in page


def test_json_is_the_result_and_a_second_time_trains_nothing(done: tuple[Path, Any]) -> None:
    recipe, _ = done
    shown = command(recipe, "--trials", 4, "--json")
    assert "trial 1 of 4" not in shown.stderr
    page = search_directory(Recipe.load(recipe)) / "search.json"
    assert json.loads(shown.stdout) == json.loads(page.read_text("utf-8"))


def test_a_storage_is_found_from_the_recipe_and_a_url_is_left_alone(tmp_path: Path) -> None:
    path = write_recipe(tmp_path, 'storage = "shared/study.journal"\n')
    assert Recipe.load(path).search.storage == str(tmp_path / "shared/study.journal")
    path = write_recipe(tmp_path, 'storage = "sqlite:///study.db"\n')
    assert Recipe.load(path).search.storage == "sqlite:///study.db"


def test_options_out_of_range_and_students_are_refused(tmp_path: Path) -> None:
    path = write_recipe(tmp_path, "")
    with pytest.raises(
        RecipeError, match="'trials': input should be greater than or equal to 1, 0 was given"
    ):
        command(path, "--trials", 0)
    path.write_text(path.read_text("utf-8") + "[student]\nlayers = 1\n", "utf-8")
    with pytest.raises(RecipeError, match=r"Take \[student\] and \[augment\] out"):
        search_recipe(Recipe.load(path))


def start_worker(recipe: Path, *arguments: object) -> subprocess.Popen[str]:
    line = [sys.executable, "-c", _PROGRAM, str(recipe), *(str(argument) for argument in arguments)]
    return subprocess.Popen(line, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def result_in(recipe: Path) -> dict[str, Any]:
    text = (search_directory(Recipe.load(recipe)) / "search.json").read_text("utf-8")
    result: dict[str, Any] = json.loads(text)
    return result


def test_without_optuna_the_search_says_what_to_install(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "optuna", None)
    with pytest.raises(MissingExtraError, match=r"pip install 'pocketformer\[search\]'"):
        command(write_recipe(tmp_path, ""))


@pytest.mark.slow
def test_without_optuna_everything_else_works() -> None:
    program = "import sys; sys.modules['optuna'] = None; import pocketformer.pipeline.searching"
    subprocess.run([sys.executable, "-c", program], check=True, capture_output=True)


@pytest.mark.slow
def test_two_workers_share_one_study_and_end_with_the_same_result(tmp_path: Path) -> None:
    recipe = write_recipe(tmp_path, "trials = 7\n")
    workers = [start_worker(recipe, "--json") for _ in range(2)]
    shown = [worker.communicate()[0] for worker in workers]
    assert [worker.returncode for worker in workers] == [0, 0]
    assert json.loads(shown[0]) == json.loads(shown[1])
    trials = json.loads(shown[0])["trials"]
    assert len(trials) == 7
    assert len({json.dumps(trial["params"]) for trial in trials}) == 7
    assert sum(trial["role"] == "defaults" for trial in trials) == 1


@pytest.mark.slow
@pytest.mark.skipif(os.name != "posix", reason="there is no SIGKILL, and processes are not asked after")
def test_the_trial_of_a_killed_worker_is_run_again(tmp_path: Path) -> None:
    recipe = write_recipe(tmp_path, "trials = 3\n", epochs=200)
    work = search_directory(Recipe.load(recipe)) / ".trials"
    worker = start_worker(recipe)
    while not list(work.glob(".trial-0.training/checkpoint-*")):
        assert worker.poll() is None
        time.sleep(0.05)
    worker.send_signal(signal.SIGKILL)
    worker.communicate()
    assert list(work.iterdir())
    shown = command(recipe, "--trials", 1)
    assert "Trial 0 was lost with its worker, its settings are tried again." in shown.stderr
    (trial,) = result_in(recipe)["trials"]
    assert (trial["number"], trial["role"]) == (1, "defaults")
    assert not work.exists()
