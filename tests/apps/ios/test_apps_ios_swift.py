"""The Swift of an app: compiled, linted and run here, with Core ML answered by pocketformer's evaluator."""

from __future__ import annotations

import json
import plistlib
import re
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

import pocketformer
from apps.ios.evaluation import answering
from apps.ios.swift import HERE, Swift, swift_root
from pocketformer.apps import make_app
from pocketformer.checks import Golden
from pocketformer.tokenizer.text_bytes import encode_text

pytestmark = pytest.mark.slow

MODULES = ("CoreML", "Combine", "SwiftUI")
STRICT = ("-strict-concurrency=complete", "-warnings-as-errors")
STYLE = json.dumps({"version": 1, "lineLength": 120, "indentation": {"spaces": 4}})


Once = Callable[[str, Callable[[Path], None]], Path]


@pytest.fixture(scope="session")
def swift(once: Once) -> Swift:
    """Return the compiler, with the stand-ins for Apple's frameworks built as modules."""
    root = swift_root()

    def make(work: Path) -> None:
        swift = Swift(root, work)
        shutil.copytree(HERE / "stand_in", work / "stand_in")
        shutil.copyfile(HERE / "read_plist.swift", work / "read_plist.swift")
        swift.succeed("swiftc -o read_plist read_plist.swift && mkdir modules")
        for name in MODULES:
            swift.succeed(
                "swiftc -parse-as-library -swift-version 5 -emit-module -emit-library"
                f" -module-name {name} -module-link-name {name} -I modules -L modules"
                f" -emit-module-path modules/{name}.swiftmodule -o modules/lib{name}.so stand_in/{name}.swift"
            )

    return Swift(root, once("swift", make))


@pytest.fixture(scope="session")
def app(swift: Swift, edition: Path, once: Once) -> Path:
    """Return the app of an edition, where the compiler sees it, its package and that one's tests built.

    Warnings are errors.
    """
    name = edition.parent.name

    def make(marker: Path) -> None:
        make_app(edition, "ios", swift.work / name)
        swift.succeed(f"cd {name}/PocketClassifier && swift build --build-tests {flags()}")

    once(f"{name}-built", make)
    return swift.work / name


def flags() -> str:
    linked = "-Xlinker -L/work/modules -Xlinker -rpath -Xlinker /work/modules -Xswiftc -I/work/modules"
    return linked + "".join(f" -Xswiftc {flag}" for flag in STRICT)


def test_the_package_gives_ids_signatures_and_scores_of_all_golden_texts(
    swift: Swift, app: Path, edition: Path
) -> None:
    pipes = swift.work / f"{app.name}-pipes"
    pipes.mkdir()
    with answering(pipes, "/work", swift.work) as asked:
        out = swift.succeed(
            f"cd {app.name}/PocketClassifier && HOME=/work/{pipes.name}"
            f" POCKETFORMER_EVALUATOR=/work/{pipes.name} swift test --skip-build {flags()}"
        )
    count = len(re.findall(r"func test", "".join(path.read_text() for path in app.glob("*/Tests/*/*.swift"))))
    assert f"Executed {count} tests, with 0 failures" in out
    # The tests on the Swift side hold ids and scores against golden.json; here, what the file was given.
    golden = Golden.load(edition / "golden.json")
    model = pocketformer.open(next(edition.glob("tiny-one.int8.mlpackage")))
    for case in golden.cases:
        tokens = model.tokenize(case.content)
        text = encode_text(case.content, model.size_of(tokens.signature))
        assert (tokens.signature, text.tobytes()) in asked.runs
        signature, _ = model.run_tokens(tokens)
        given = tokens.cut(model.size_of(signature))
        assert (signature, b"".join(given[name].tobytes() for name in sorted(given))) in asked.runs
    assert set(asked.loaded) == {*model_signatures(app)}


def model_signatures(app: Path) -> list[str]:
    """Return the signatures that the app's Swift knows."""
    text = (app / "PocketClassifier/Sources/PocketClassifier/Edition.swift").read_text("utf-8")
    return re.findall(r'Function\(\s+signature: "([^"]+)"', text)


def test_the_app_type_checks_against_the_frameworks_it_uses(swift: Swift, app: Path) -> None:
    modules = "-I /work/modules -I PocketClassifier/.build/debug/Modules"
    swift.succeed(
        f"cd {app.name} && swiftc -typecheck -parse-as-library -module-name StarterApp -swift-version 5"
        f" {' '.join(STRICT)} {modules} App/*.swift"
    )


def test_the_style_is_that_of_swift_format(swift: Swift, app: Path) -> None:
    (swift.work / "style.json").write_text(STYLE)
    swift.succeed(
        f"cd {app.name} && swift-format lint --strict --recursive --configuration /work/style.json"
        " App PocketClassifier/Package.swift PocketClassifier/Sources PocketClassifier/Tests"
    )


def test_the_package_asks_for_the_system_of_its_file(swift: Swift, app: Path) -> None:
    ios, macos = ("16.0", "13.0") if len(packages(app)) > 1 else ("18.0", "15.0")
    described = json.loads(swift.succeed(f"cd {app.name}/PocketClassifier && swift package dump-package"))
    platforms = {one["platformName"]: one["version"] for one in described["platforms"]}
    assert platforms == {"ios": ios, "macos": macos}
    project = project_of(swift, app)
    settings = [one["buildSettings"] for one in project.values() if one["isa"] == "XCBuildConfiguration"]
    stated = {one[key] for one in settings for key in one if key.endswith("_DEPLOYMENT_TARGET")}
    assert stated == {ios, macos}


def packages(app: Path) -> list[Path]:
    return sorted(app.glob("PocketClassifier/Sources/PocketClassifier/Model/*.mlpackage"))


def project_of(swift: Swift, app: Path) -> dict[str, dict[str, object]]:
    """Return the objects of the project file, as Foundation's own parser of property lists reads it."""
    file = next(app.glob("*.xcodeproj/project.pbxproj")).relative_to(swift.work)
    content = json.loads(swift.succeed(f"./read_plist {file}"))
    assert content["objects"][content["rootObject"]]["isa"] == "PBXProject"
    objects: dict[str, dict[str, object]] = content["objects"]
    return objects


def test_the_project_file_is_whole(swift: Swift, app: Path) -> None:
    objects = project_of(swift, app)
    identifier = re.compile("[0-9A-F]{24}")
    named = re.findall(identifier, next(app.glob("*.xcodeproj/project.pbxproj")).read_text("utf-8"))
    assert set(named) == set(objects)
    assert all(named.count(one) > 1 for one in objects)  # nothing is defined and not used
    groups = {child: one for one in objects.values() for child in one.get("children", ())}

    def place(key: str) -> Path:
        return (place_of_group(groups[key]) if key in groups else app) / str(objects[key].get("path", ""))

    def place_of_group(group: dict[str, object]) -> Path:
        key = next(key for key, one in objects.items() if one is group)
        return place(key)

    references = [key for key, one in objects.items() if one["isa"] == "PBXFileReference"]
    own = [place(key) for key in references if objects[key]["sourceTree"] == "<group>"]
    assert all(path.exists() for path in own), own
    assert set(app.glob("App/*.swift")) <= set(own)
    package = next(one for one in objects.values() if one["isa"] == "XCLocalSwiftPackageReference")
    assert (app / str(package["relativePath"]) / "Package.swift").is_file()
    entitlements = plistlib.loads((app / "App/App.entitlements").read_bytes())
    assert entitlements == {"com.apple.security.app-sandbox": True}


def test_labels_and_texts_come_out_of_swift_as_they_went_in(swift: Swift, app: Path, edition: Path) -> None:
    main = swift.work / f"{app.name}-main.swift"
    main.write_text(
        "import Foundation\nimport PocketClassifier\n"
        "@main enum Main { static func main() throws {\n"
        "let told = [ModelFile.edition.labels, Examples.texts, [Examples.title, ModelFile.edition.sha256]]\n"
        "FileHandle.standardOutput.write(try JSONEncoder().encode(told)) } }\n"
    )
    build = f"{app.name}/PocketClassifier/.build/debug"
    swift.succeed(
        f"swiftc -parse-as-library -I modules -L modules -I {build}/Modules -o {main.stem}"
        f" {main.name} {app.name}/App/Examples.swift {build}/PocketClassifier.build/*.o"
        " -Xlinker -rpath -Xlinker /work/modules"
    )
    told = json.loads(swift.succeed(f"./{main.stem}"))
    from pocketformer.apps import Subject

    subject = Subject.load(edition)
    entry = subject.file("coreml")
    assert told == [list(subject.edition.labels), list(subject.examples), [subject.title, entry.sha256]]
