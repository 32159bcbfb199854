"""The app's Kotlin, compiled; its tests and its golden texts, run on the JVM with the real model file.

Neither Gradle nor the SDK is needed: Android, Compose and LiteRT are the declarations in `stubs/`, and the
model file is run by ai-edge-litert, over pipes. With POCKETFORMER_EDITION set to an edition's directory, its
golden texts are asked too.
"""

from __future__ import annotations

import json
import os
import random
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

import pocketformer
from apps.android.gradle import write_scripts
from apps.android.tools import (
    FRAMEWORK,
    JSON,
    JUNIT,
    compile_kotlin,
    joined,
    kotlin_home,
    locked,
    require_android,
    require_jvm,
)
from pocketformer.apps import make_app
from pocketformer.apps.android.literals import android_string, kotlin
from pocketformer.checks import Golden
from pocketformer.tokenizer.text_bytes import cut_bytes

pytestmark = pytest.mark.slow

HERE = Path(__file__).parent
LABELS = ("card", 'say "hi" ${x} \\', "money 越\n\u202e{{ x }}")
PACKAGE = "com.example.tinyone"
AWKWARD = (
    "",
    'a "b" \\ ${c} $d',
    "越过 😀 é",
    "\n\r\t\0\u202e\U000e0001\ud83d",
    "*/ /* // {{ }} '''",
    "@x ?y",
    " a  b ",
)


@dataclass(frozen=True)
class Built:
    """An app of a tiny edition, with all its Kotlin compiled."""

    edition: Path
    other: Path  # a tiny edition in which several labels may hold
    app: Path
    classes: Path
    runtime: tuple[Path, ...]  # what classes need when they are run

    def java(self, *arguments: str, given: str = "") -> subprocess.CompletedProcess[str]:
        """Run a class, in the folder in which Gradle runs tests."""
        return subprocess.run(
            ["java", "-Xmx512m", "-cp", joined((self.classes, *self.runtime)), *arguments],
            cwd=self.app / "app",
            env={**os.environ, "PYTHON": sys.executable, "LC_ALL": "C.UTF-8"},
            input=given,
            capture_output=True,
            text=True,
            encoding="utf-8",
            check=False,
        )

    def answers(self, *arguments: str, given: str = "") -> list[str]:
        """Return the lines that Answers.kt prints."""
        result = self.java("-Dfile.encoding=UTF-8", "answers.AnswersKt", *arguments, given=given)
        assert result.returncode == 0, result.stderr[-3000:]
        return result.stdout.splitlines()


@pytest.fixture(scope="module")
def work(tmp_path_factory: pytest.TempPathFactory, worker_id: str) -> Path:
    """Return a folder that the test workers share."""
    base = tmp_path_factory.getbasetemp()
    folder = (base if worker_id == "master" else base.parent) / "android"
    folder.mkdir(exist_ok=True)
    return folder


@pytest.fixture(scope="module")
def made(work: Path) -> Path:
    """Return a folder with `dist`, `other` and the `app` of the former, made once for all workers."""
    with locked(work / "made"):
        if not (work / "made" / "app").is_dir():
            _edition(work / "made" / "dist", multi_label=False)
            _edition(work / "made" / "other", multi_label=True)
            make_app(work / "made" / "dist", "android", work / "made" / "app")
    return work / "made"


@pytest.fixture(scope="module")
def packed(work: Path, made: Path) -> Path:
    """Return a folder with `app.apk`, which has the app's resources and assets alone, and `R.java`."""
    require_android()
    folder = work / "packed"
    with locked(folder):
        if not (folder / "app.apk").is_file():
            _pack(made / "app/app/src/main", folder)
    return folder


@pytest.fixture(scope="module")
def built(work: Path, made: Path, packed: Path) -> Built:
    """Return the app with all its Kotlin compiled, its screens by Compose's compiler."""
    require_jvm()
    folder = work / "built"
    with locked(folder):
        home = kotlin_home(work / "kotlin")
        library = home / "lib"
        runtime = (library / "kotlin-stdlib.jar", library / "kotlinx-coroutines-core-jvm.jar", *JUNIT, JSON)
        if not (folder / "classes").is_dir():
            stubs = HERE / "stubs"
            compile_kotlin(home, sorted(stubs.glob("runtime/*.kt")), folder / "compose", runtime)
            awkward = ",\n    ".join(kotlin(text) for text in AWKWARD)
            literals = folder / "Literals.kt"
            literals.write_text(f"package answers\n\nval LITERALS = listOf(\n    {awkward}\n)\n", "utf-8")
            sources = [
                *stubs.glob("android/*.java"),
                *(path for part in ("androidx", "litert", "gradle") for path in stubs.glob(f"{part}/*.kt")),
                *packed.rglob("R.java"),
                *(made / "app/app/src").rglob("*.kt"),
                *write_scripts(made / "app", folder / "gradle"),
                literals,
                HERE / "Answers.kt",
            ]
            compile_kotlin(
                home, sorted(sources), folder / "part", (folder / "compose", *runtime), compose=True
            )
            (folder / "part").rename(folder / "classes")
    return Built(made / "dist", made / "other", made / "app", folder / "classes", runtime)


def _edition(folder: Path, multi_label: bool) -> None:
    """Write a tiny edition with a LiteRT file that is proven."""
    from pocketformer import pipeline
    from pocketformer.pipeline.observer import Silent
    from pocketformer.recipe import ExportRecipe
    from tiny import tiny_classifier

    checkpoint = str(
        tiny_classifier(folder.with_name(f"{folder.name}-from"), LABELS, multi_label=multi_label)
    )
    recipe = ExportRecipe(targets=("litert",), precisions=("int8",), lengths=(16, 32), max_bytes=192)
    edition = pipeline.export_checkpoint(checkpoint, folder, "tiny-one", recipe, "tiny", Silent())
    pipeline.verify_edition(edition, folder, None, Silent())


def _pack(main: Path, folder: Path) -> None:
    """Pack resources as Android's plugin does, with a string more for each awkward text."""
    extra = folder / "extra/values"
    extra.mkdir(parents=True, exist_ok=True)
    strings = "".join(
        f'<string name="awkward_{place}" formatted="false">{android_string(text)}</string>\n'
        for place, text in enumerate(_named())
    )
    (extra / "awkward.xml").write_text(f"<resources>\n{strings}</resources>\n", "utf-8")
    manifest = (main / "AndroidManifest.xml").read_text("utf-8")
    package = manifest.replace("<manifest ", f'<manifest package="{PACKAGE}" ', 1)  # from `namespace`
    (folder / "AndroidManifest.xml").write_text(package, "utf-8")
    for source in (main / "res", folder / "extra"):
        _aapt2("compile", "--dir", source, "-o", folder / f"{source.name}.zip")
    _aapt2(
        "link", "-I", FRAMEWORK, "--manifest", folder / "AndroidManifest.xml", "--java", folder / "java",
        "-A", main / "assets", "-0", ".tflite", "--min-sdk-version", "24", "--target-sdk-version", "36",
        "-o", folder / "part.apk", folder / "res.zip", folder / "extra.zip",
    )  # fmt: skip
    (folder / "part.apk").rename(folder / "app.apk")


def _named() -> list[str]:
    """Return the awkward texts that resources can hold: half a pair is no character of XML."""
    return [text for text in AWKWARD if not any("\ud800" <= char <= "\udfff" for char in text)]


def _aapt2(*arguments: object) -> str:
    command = ["aapt2", *(str(argument) for argument in arguments)]
    result = subprocess.run(command, capture_output=True, text=True, encoding="utf-8", check=False)
    assert result.returncode == 0, result.stderr
    assert "warn" not in result.stderr, result.stderr
    return result.stdout


def test_manifest_and_resources_are_packed(packed: Path) -> None:
    shown = _aapt2("dump", "badging", packed / "app.apk")
    assert f"package: name='{PACKAGE}'" in shown
    assert "sdkVersion:'24'" in shown
    assert "targetSdkVersion:'36'" in shown
    assert "application-label:'Tiny One'" in shown
    assert f"launchable-activity: name='{PACKAGE}.MainActivity'" in shown
    assert "uses-permission" not in shown


def test_awkward_texts_come_out_of_resources_as_they_went_in(packed: Path) -> None:
    shown = _aapt2("dump", "resources", packed / "app.apk")
    for place, text in enumerate(_named()):
        _, _, rest = shown.partition(f"string/awkward_{place}\n")
        value = rest[rest.index('"') + 1 :]
        assert value.startswith(f'{text}"'), (text, value[:40])


def test_all_kotlin_compiles(built: Built) -> None:
    folder = built.classes / PACKAGE.replace(".", "/")
    names = {path.stem for path in folder.rglob("*.class")}
    assert {"MainActivity", "ClassifierViewModel", "LiteRtRunner", "GoldenOnDeviceTest"} <= names
    assert (built.classes / "script2").is_dir()


def test_the_apps_own_tests_pass_with_the_real_file(built: Built) -> None:
    classes = [f"{PACKAGE}.classifier.{name}" for name in ("TextBytesTest", "GoldenTest")]
    result = built.java("org.junit.runner.JUnitCore", *classes)
    assert result.returncode == 0, result.stdout[-3000:]
    assert "OK (7 tests)" in result.stdout
    assert "texts, largest difference" in result.stdout  # the one that needs a runtime was not left out


def test_without_a_python_the_file_is_left_out(built: Built) -> None:
    environment = {name: value for name, value in os.environ.items() if name != "PYTHON"}
    result = subprocess.run(
        ["java", "-cp", joined((built.classes, *built.runtime)), "org.junit.runner.JUnitCore",
         f"{PACKAGE}.classifier.GoldenTest"],
        cwd=built.app / "app", env=environment, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert result.returncode == 0, result.stdout[-3000:]
    assert "OK (3 tests)" in result.stdout
    assert "texts, largest difference" not in result.stdout


@pytest.mark.parametrize("which", ["edition", "other", "named"])
def test_golden_texts_are_answered_as_pocketformer_answers(built: Built, which: str) -> None:
    named = os.environ.get("POCKETFORMER_EDITION")
    if which == "named" and not named:
        pytest.skip("POCKETFORMER_EDITION names no edition")
    folder = Path(named or "") if which == "named" else getattr(built, which)
    (path,) = folder.resolve().glob("*.int8.tflite")
    golden = Golden.load(folder / "golden.json")
    head, *lines = built.answers("golden", sys.executable, str(path), str(path.with_name("golden.json")))
    assert json.loads(head) == {"labels": list(golden.labels), "precision": "int8"}
    model = pocketformer.open(path)
    answers: list[dict[str, Any]] = [json.loads(line) for line in lines]
    assert len(answers) == len(golden.cases) >= 200
    for case, answer in zip(golden.cases, answers, strict=True):
        prediction = model(case.content)
        assert answer["ids"] == list(case.input_ids)
        assert answer["signatures"] == list(prediction.signatures)
        assert answer["scores"] == pytest.approx(list(prediction.scores.values()), abs=1e-6)
        assert answer["logits"] == pytest.approx(prediction.logits.tolist(), abs=1e-5)
        assert (answer["best"], answer["holding"]) == (prediction.label, list(prediction.labels))
        assert answer["is_cut"] == prediction.truncated
        assert answer["scores"] == pytest.approx(list(case.scores or ()), abs=golden.tolerance["int8"])


def test_texts_are_cut_as_pocketformer_cuts(built: Built) -> None:
    draw = random.Random(0)
    pieces = [
        b"a",
        "é".encode(),
        "越".encode(),
        "😀".encode(),
        b"\xff",
        b"\xe0\x80",
        b"\xed\xa0\x80",
        b"\xf4\x90",
    ]
    asked = []
    for _ in range(3000):
        content = b"".join(draw.choice(pieces) for _ in range(draw.randint(0, 8)))
        asked.append((content[draw.randint(0, 2) :], draw.randint(1, 12)))
    lines = built.answers("cut", given="".join(f"{content.hex()} {limit}\n" for content, limit in asked))
    assert lines == [f"={cut_bytes(content, limit).hex()}" for content, limit in asked]


def test_halves_of_pairs_are_replaced_as_pocketformer_replaces(built: Built) -> None:
    draw = random.Random(1)
    units = ["0061", "d83d", "de00", "8d8a", "dfff", "d800"]
    asked = ["".join(draw.choice(units) for _ in range(draw.randint(1, 6))) for _ in range(500)]
    lines = built.answers("utf8", given="\n".join(asked) + "\n")
    texts = [bytes.fromhex(line).decode("utf-16-be", "surrogatepass") for line in asked]
    assert lines == [f"={cut_bytes(text, 100).hex()}" for text in texts]


def test_literals_mean_their_texts(built: Built) -> None:
    lines = built.answers("literals")
    assert lines == [f"={text.encode('utf-16-be', 'surrogatepass').hex()}" for text in AWKWARD]


def test_a_file_that_is_none_is_refused(built: Built, tmp_path: Path) -> None:
    (whole,) = built.edition.glob("*.tflite")
    content = whole.read_bytes()
    other = tmp_path / "other.tflite"
    shutil.copyfile(whole.with_name("golden.json"), tmp_path / "golden.json")
    for wrong, sentence in (
        (content[: len(content) // 2], "is no complete .tflite file"),
        (b"PK\3\4 nothing of the kind", "this is no .tflite file"),
    ):
        other.write_bytes(wrong)
        arguments = ("golden", sys.executable, str(other), str(tmp_path / "golden.json"))
        result = built.java("answers.AnswersKt", *arguments)
        assert result.returncode != 0
        assert sentence in result.stderr
