"""The local server: the files of the app and nothing else, to this machine alone."""

from __future__ import annotations

import http.client
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from pocketformer.apps.serving import AppServer, serve_app
from pocketformer.errors import FileFormatError, RecipeError
from pocketformer.local_address import DEFAULT_PORT, HOST


@contextmanager
def running(server: AppServer) -> Iterator[AppServer]:
    with server:
        thread = threading.Thread(target=server.serve_forever, args=(0.02,))
        thread.start()
        try:
            yield server
        finally:
            server.shutdown()
            thread.join()


@pytest.fixture
def server(tmp_path: Path) -> Iterator[AppServer]:
    (tmp_path / "weights").write_bytes(b"w" * 600_000)
    tree = {
        "index.html": b"<p>page",
        "js/main.js": b"run()",
        "engine/a b.wasm": b"\0asm",
        "model/m.tflite": tmp_path / "weights",
    }
    with running(AppServer(tree, 0)) as started:
        yield started


def asked(server: AppServer, path: str, method: str = "GET", **headers: str) -> tuple[int, str, bytes]:
    """Return status, content type and content."""
    connection = http.client.HTTPConnection(HOST, server.server_port, timeout=10)
    try:
        connection.request(method, path, headers=headers)
        answer = connection.getresponse()
        return answer.status, answer.headers.get("Content-Type", ""), answer.read()
    finally:
        connection.close()


def test_files_come_with_their_types(server: AppServer) -> None:
    assert asked(server, "/") == (200, "text/html; charset=utf-8", b"<p>page")
    assert asked(server, "/js/main.js?x=1") == (200, "text/javascript; charset=utf-8", b"run()")
    assert asked(server, "/engine/a%20b.wasm") == (200, "application/wasm", b"\0asm")
    assert asked(server, "/model/m.tflite")[1:] == ("application/octet-stream", b"w" * 600_000)
    assert asked(server, "/", "HEAD") == (200, "text/html; charset=utf-8", b"")


@pytest.mark.parametrize(
    "path", ["/js/", "/js", "/weights", "/../weights", "/%2e%2e/weights", "//etc/passwd"]
)
def test_nothing_else_is_served(server: AppServer, path: str) -> None:
    assert asked(server, path)[0] == 404


def test_another_hosts_name_and_other_methods_are_refused(server: AppServer) -> None:
    assert asked(server, "/", Host="evil.example")[0] == 421
    assert asked(server, "/", Host=f"localhost:{server.server_port}")[0] == 200
    assert asked(server, "/", "POST")[0] == 501


def test_a_browser_that_goes_away_does_no_harm(server: AppServer) -> None:
    connection = http.client.HTTPConnection(HOST, server.server_port, timeout=10)
    connection.request("GET", "/model/m.tflite")
    connection.close()
    assert asked(server, "/")[0] == 200


def test_ports(tmp_path: Path, finished: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pocketformer.apps.web.app_tree", lambda subject, options: {"index.html": b""})
    with AppServer({}, 0) as busy, pytest.raises(RecipeError, match=r"Port \d+ is taken .*--port"):
        serve_app(finished, port=busy.server_port)
    with serve_app(finished) as first, serve_app(finished) as second:
        assert DEFAULT_PORT <= first.server_port < second.server_port
        assert first.url == f"http://{HOST}:{first.server_port}/"
    with pytest.raises(FileFormatError):
        serve_app(tmp_path)
