"""Settings every test runs under, and one small edition made by the whole pipeline."""

from __future__ import annotations

import csv
import os
import random
import shutil
import signal
from pathlib import Path

import hypothesis
import pytest
from filelock import FileLock

os.environ["HF_HUB_OFFLINE"] = "1"
os.environ["TOKENIZERS_PARALLELISM"] = "false"
if "PYTEST_XDIST_WORKER" in os.environ:  # a process per core, not also a thread per core in each
    os.environ.setdefault("OMP_NUM_THREADS", "1")

# A shell has what it runs in the background ignore Ctrl-C, which some tests press.
signal.signal(signal.SIGINT, signal.default_int_handler)

# A busy machine is no failure; and CI asks the same examples every time, so that it is red for a reason.
hypothesis.settings.register_profile("pocketformer", deadline=None, derandomize="CI" in os.environ)
hypothesis.settings.load_profile("pocketformer")


def pytest_xdist_auto_num_workers(config: pytest.Config) -> int | None:
    """Share out the whole suite over the cores; a file or a test that was named runs in this process."""
    return os.cpu_count() if config.args == config.getini("testpaths") else 0


_POSITIVE = ["please", "can", "you", "account", "lost", "card", "money", "when", "where"]
_NEGATIVE = ["world", "hello", "café", "naïve", "the", "my", "is", "not", "a"]


def write_table(path: Path, rows: int, seed: int) -> Path:
    """Write a table of two labels that are told apart by their words."""
    draw = random.Random(seed)
    with path.open("w", encoding="utf-8", newline="") as stream:
        writer = csv.writer(stream)
        writer.writerow(["text", "label"])
        for number in range(rows):
            words = _POSITIVE if number % 2 else _NEGATIVE
            text = " ".join(draw.choice(words) for _ in range(draw.randint(3, 9)))
            writer.writerow([f"{text} {number}!", "bank" if number % 2 else "greeting"])
    return path


@pytest.fixture(scope="session")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder that all processes of this session share; what is made in it is made under a lock."""
    base = tmp_path_factory.getbasetemp()
    folder = (base.parent if "PYTEST_XDIST_WORKER" in os.environ else base) / "shared"
    folder.mkdir(exist_ok=True)
    return folder


@pytest.fixture(scope="session")
def recipe_path(shared: Path) -> Path:
    """Return a recipe over a tiny encoder and a table of 160 rows."""
    from tiny import tiny_checkpoint

    recipe = shared / "recipe.toml"
    with FileLock(shared / "recipe.lock"):
        if not recipe.is_file():
            tiny_checkpoint(shared / "base")
            write_table(shared / "train.csv", 160, seed=1)
            write_table(shared / "test.csv", 48, seed=2)
            recipe.write_text(
                'name = "tiny"\nbase = "./base"\noutput = "dist"\n'
                '[data]\ntrain = "train.csv"\ntest = "test.csv"\n'
                "[finetune]\nepochs = 12\npatience = 12\nmax_length = 32\nlearning_rate = 0.003\n"
                "[export]\nlengths = [16, 32]\nmax_bytes = 128\n"
                "[bench]\nrounds = 2\nthreads = [1]\n",
                encoding="utf-8",
            )
    return recipe


@pytest.fixture(scope="session")
def finished(recipe_path: Path) -> Path:
    """Return the directory of an edition that `run` made for all processes; tests must not change it."""
    from pocketformer import pipeline
    from pocketformer.recipe import Recipe

    recipe, done = Recipe.load(recipe_path), recipe_path.with_name("dist.done")
    with FileLock(recipe_path.with_name("dist.lock")):
        if not done.is_file():
            pipeline.run(recipe)
            done.touch()
    return recipe.output


@pytest.fixture
def dist(finished: Path, tmp_path: Path) -> Path:
    """Return a copy of the finished edition, to be changed at will."""
    return Path(shutil.copytree(finished, tmp_path / "dist"))
