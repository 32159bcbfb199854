"""No real runtime computes a delivered file silently wrong, and the verdict says on which it is right."""

from __future__ import annotations

from typing import Any

import pytest

from pocketformer.targets.litert.release_table import FIRST_RELEASES
from pocketformer.targets.litert.releases import PACKAGES, first_release, parsed
from runtime_files import OURS, STRANGE, File, make_files, operation_probes, outcome
from runtime_matrix import RUNTIMES, NoEnvironmentError, Runtime, ask, environment

pytestmark = pytest.mark.slow

_BY_NAME = {runtime.name: runtime for runtime in RUNTIMES}


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> dict[str, File]:
    return make_files(tmp_path_factory.mktemp("matrix"))


@pytest.fixture(scope="module")
def answers(files: dict[str, File]) -> dict[str, Any]:
    """What each runtime that can be had here gives for every file, or why it cannot be had."""
    found: dict[str, Any] = {}
    jobs = {name: file.job for name, file in files.items()}
    for runtime in RUNTIMES:
        try:
            found[runtime.name] = ask(environment(runtime), jobs, operation_probes())
        except NoEnvironmentError as error:
            found[runtime.name] = str(error)
    return found


def answer_of(runtime: Runtime, answers: dict[str, Any]) -> dict[str, Any]:
    answer = answers[runtime.name]
    if isinstance(answer, str):
        pytest.skip(answer)
    found: dict[str, Any] = answer
    return found


@pytest.mark.parametrize("name", _BY_NAME)
def test_our_files_are_right_where_they_are_admitted_and_never_silently_wrong(
    name: str, files: dict[str, File], answers: dict[str, Any]
) -> None:
    runtime = _BY_NAME[name]
    given = answer_of(runtime, answers)["files"]
    for file_name in OURS:
        file = files[file_name]
        result = outcome(file, given[file_name])
        if file.admits(runtime):
            assert result.kind == "right", (file_name, result)
        assert result.kind in ("right", "refused"), (file_name, result)


@pytest.mark.parametrize("name", _BY_NAME)
def test_files_of_other_tools_are_right_where_the_verdict_admits_them(
    name: str, files: dict[str, File], answers: dict[str, Any]
) -> None:
    runtime = _BY_NAME[name]
    given = answer_of(runtime, answers)["files"]
    for file_name in STRANGE:
        if files[file_name].admits(runtime):
            assert outcome(files[file_name], given[file_name]).kind == "right", file_name


def test_a_file_that_understates_its_runtime_is_really_wrong_somewhere(
    files: dict[str, File], answers: dict[str, Any]
) -> None:
    """Otherwise the verdict would correct what needs no correcting."""
    kinds = [
        outcome(files["int8 as quantised"], answer["files"]["int8 as quantised"]).kind
        for answer in answers.values()
        if not isinstance(answer, str)
    ]
    if len(kinds) < len(RUNTIMES):
        pytest.skip("some runtimes cannot be had here")
    assert "wrong" in kinds
    assert files["int8 as quantised"].stated == "2.9.0"
    assert files["int8 as quantised"].release == "2.18.0"


@pytest.mark.parametrize("name", _BY_NAME)
def test_a_runtime_has_every_operation_that_the_table_gives_its_release(
    name: str, answers: dict[str, Any]
) -> None:
    runtime = _BY_NAME[name]
    has = answer_of(runtime, answers)["operations"]
    assert len(has) > 400
    for operation, releases in FIRST_RELEASES.items():
        for version in range(1, len(releases.split()) + 1):
            first = first_release(operation, version)
            if first is not None and first <= parsed(runtime.release):
                assert has[f"{operation} {version}"] is True, (operation, version)


def test_the_packages_named_in_errors_have_the_releases_said() -> None:
    levels = {runtime.name: runtime.release for runtime in RUNTIMES}
    assert {package: levels[package] for package in PACKAGES} == PACKAGES
