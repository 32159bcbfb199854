"""The LiteRT that the app takes: what it has, and that it runs an edition's file as the app asks it to."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path

import pytest

from pocketformer.apps.android.runtime import HAS, LITERT
from pocketformer.checks import Golden
from runtime_matrix import RUNTIMES, NoEnvironmentError, environment

HERE = Path(__file__).parent
(RUNTIME,) = (runtime for runtime in RUNTIMES if runtime.name == f"ai-edge-litert {LITERT}")


def test_what_the_release_has_is_what_the_matrix_of_runtimes_found() -> None:
    assert ".".join(str(part) for part in HAS) == RUNTIME.release


@pytest.mark.slow
@pytest.mark.parametrize("cache", [":memory", ""])
def test_the_release_gives_the_golden_scores_through_compiled_model(
    request: pytest.FixtureRequest, cache: str
) -> None:
    folder = Path(os.environ.get("POCKETFORMER_EDITION") or request.getfixturevalue("finished"))
    try:
        python = environment(RUNTIME)
    except NoEnvironmentError as error:
        pytest.skip(str(error))
    subprocess.run([str(python), "-m", "pip", "install", "-q", "ml_dtypes", "numpy<2"], check=True)
    golden = Golden.load(folder / "golden.json")
    for path in sorted(folder.glob("*.tflite")):
        command = [
            str(python),
            str(HERE / "compiled_model.py"),
            str(path),
            str(folder / "golden.json"),
            cache,
        ]
        result = subprocess.run(command, capture_output=True, text=True, check=False)
        assert result.returncode == 0, result.stderr[-3000:]
        answers = {answer["case"]: answer for answer in json.loads(result.stdout.splitlines()[-1])}
        assert len(answers) > 0.9 * len(golden.cases)
        allowed = golden.tolerance[path.name.split(".")[1]]
        for case in golden.cases:
            if case.encoded in answers:
                answer = answers[case.encoded]
                assert answer["ids"] == list(case.input_ids)
                assert answer["scores"] == pytest.approx(list(case.scores or ()), abs=allowed)
        assert len({name for answer in answers.values() for name in answer["signatures"]}) >= 3
