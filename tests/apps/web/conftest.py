"""A web app for tests: the tiny edition on stand-ins of the engines' packages, or on the real ones."""

from __future__ import annotations

import base64
import hashlib
import importlib.util
import io
import os
import shutil
import subprocess
import sys
import tarfile
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from pocketformer.apps import AppOptions, Subject, Tree, make_app
from pocketformer.apps.web import app_tree, engines
from pocketformer.apps.web.engines import ENGINES, Engine, Package

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page, Route

# As root in a container, and with nothing that Chromium asks of its maker's hosts.
CHROMIUM_FLAGS = [
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync",
]  # fmt: skip


def write_package(package: Package, folder: Path) -> Package:
    """Write a package file like npm's with a few words for each file; return it with that file's digest."""
    path = folder / package.file_name
    with tarfile.open(path, "w:gz") as archive:
        for inside in package.files:
            content = _content(package, inside).encode()
            entry = tarfile.TarInfo(f"package/{inside}")
            entry.size = len(content)
            archive.addfile(entry, io.BytesIO(content))
    digest = hashlib.sha512(path.read_bytes()).digest()
    return replace(package, integrity=f"sha512-{base64.b64encode(digest).decode()}")


def _content(package: Package, inside: str) -> str:
    """Return a module that names its siblings, as the real ones do."""
    imports = "".join(f'import {{ createWasmLib }} from "{name}";\n' for name in package.imports)
    siblings = " ".join(name for path, name in package.files.items() if path != inside)
    return f"{imports}// {siblings}\n//# sourceMappingURL=index.js.map"


@pytest.fixture
def packages(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a folder of stand-ins for the engines' packages; their digests are pinned while a test runs."""
    folder = tmp_path / "packages"
    folder.mkdir()
    for name, engine in ENGINES.items():
        made = tuple(write_package(package, folder) for package in engine.packages)
        monkeypatch.setitem(engines.ENGINES, name, replace(engine, packages=made))
    return folder


@pytest.fixture
def subject(finished: Path) -> Subject:
    """Return the tiny edition, as apps see it."""
    return Subject.load(finished)


@pytest.fixture
def tree(subject: Subject, packages: Path) -> Tree:
    """Return a web app of the tiny edition."""
    return app_tree(subject, AppOptions(engine_package=packages))


@pytest.fixture
def litert(packages: Path) -> Engine:
    """Return the usual engine, with the stand-ins' digests."""
    assert packages.is_dir()
    return engines.ENGINES["litert"]


def _require(tool: str | None, name: str) -> str:
    """Return a tool's path; skip a test without it, or fail where all tools must be there."""
    if tool is None:
        if os.environ.get("POCKETFORMER_REQUIRE_TOOLS") == "1":
            pytest.fail(f"{name} is not installed")
        pytest.skip(f"{name} is not installed")
    return tool


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """Return headless Chromium, the system's own; skip without it or without Playwright."""
    chromium = _require(shutil.which("chromium") or shutil.which("google-chrome"), "Chromium")
    has_playwright = importlib.util.find_spec("playwright") is not None
    _require("playwright" if has_playwright else None, "the Python package playwright")
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        opened = playwright.chromium.launch(executable_path=chromium, args=CHROMIUM_FLAGS)
        yield opened
        opened.close()


@dataclass(frozen=True)
class Site:
    """A folder served by `python -m http.server`, and the apps in it, each under a path of its own."""

    root: Path
    origin: str
    dist: Path

    def app(self, name: str, dist: Path | None = None, **options: str) -> str:
        """Return the address of an app, written on first use; of another edition where one is given."""
        place = self.root / "some where" / name
        if not place.exists():
            _require(shutil.which("npm"), "npm")
            make_app(dist or self.dist, "web", place, AppOptions(**options))
        return f"{self.origin}/some%20where/{name}/"


@pytest.fixture(scope="session")
def site(finished: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """Return a plain static host."""
    root = tmp_path_factory.mktemp("site")
    command = [
        sys.executable,
        "-u",
        "-m",
        "http.server",
        "0",
        "--bind",
        "127.0.0.1",
        "--directory",
        str(root),
    ]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as server:
        assert server.stdout is not None
        port = server.stdout.readline().split(" port ")[1].split()[0]
        yield Site(root, f"http://127.0.0.1:{port}", finished)
        server.terminate()


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    """Return a page that may reach its own host alone; a test fails on any other request, or a page error."""
    context = browser.new_context(viewport={"width": 1280, "height": 900}, accept_downloads=True)
    opened = context.new_page()
    elsewhere: list[str] = []
    errors: list[str] = []

    def guard(route: Route) -> None:
        if route.request.url.startswith(("http://127.0.0.1:", "blob:", "data:", "file:")):
            route.continue_()
        else:
            elsewhere.append(route.request.url)
            route.abort()

    context.route("**/*", guard)
    opened.on("pageerror", lambda error: errors.append(str(error)))
    opened.set_default_timeout(60_000)
    yield opened
    context.close()
    assert elsewhere == []
    assert errors == []


@pytest.fixture(scope="session")
def axe(tmp_path_factory: pytest.TempPathFactory) -> str:
    """Return axe-core, the accessibility checker, from npm."""
    npm = _require(shutil.which("npm"), "npm")
    folder = tmp_path_factory.mktemp("axe")
    subprocess.run([npm, "pack", "axe-core@4.14.1", "--silent"], cwd=folder, check=True, capture_output=True)
    with tarfile.open(folder / "axe-core-4.14.1.tgz") as archive:
        stream = archive.extractfile("package/axe.min.js")
        assert stream is not None
        return stream.read().decode()
