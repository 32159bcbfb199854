"""What an app's process pays for `import pocketformer`, and what its public names are."""

from __future__ import annotations

import subprocess
import sys

import pocketformer
from pocketformer import errors

HEAVY = {
    "torch",
    "transformers",
    "tokenizers",
    "litert_torch",
    "ai_edge_quantizer",
    "pydantic",
    "rich",
    "sklearn",
}


def packages_loaded_by(statement: str) -> set[str]:
    """Run a statement in a fresh process and return the packages it has imported."""
    code = f"import sys\n{statement}\nprint(' '.join({{name.split('.')[0] for name in sys.modules}}))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return set(done.stdout.split())


def test_opening_a_file_imports_numpy_and_the_runtime_alone() -> None:
    loaded = packages_loaded_by("import pocketformer; from pocketformer.targets.litert import session")
    assert "ai_edge_litert" in loaded
    assert HEAVY.isdisjoint(loaded)


def test_the_help_page_needs_none_of_the_heavy_packages() -> None:
    loaded = packages_loaded_by("from pocketformer.cli import app")
    assert {"torch", "transformers", "litert_torch", "sklearn", "matplotlib"}.isdisjoint(loaded)


def test_public_names_are_all_there() -> None:
    assert set(pocketformer.__all__) <= set(dir(pocketformer))
    assert all(not name.startswith("_") or name == "__version__" for name in pocketformer.__all__)


def test_every_error_is_one_a_person_can_be_told() -> None:
    for name in errors.__all__:
        assert issubclass(getattr(errors, name), errors.PocketformerError)
    assert errors.VerificationError.exit_code == 1
    assert errors.DataError.exit_code == 2


def test_a_missing_extra_says_what_to_install() -> None:
    sentence = str(errors.MissingExtraError("report", "jinja2"))
    assert "'jinja2' is not installed" in sentence
    assert "pip install 'pocketformer[report]'" in sentence
