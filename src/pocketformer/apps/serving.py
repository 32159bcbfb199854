"""Serving an edition's web app on this machine, from memory: nothing is written."""

from __future__ import annotations

import errno
from functools import partial
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import unquote, urlsplit

from pocketformer.apps.scaffold import Tree
from pocketformer.apps.subject import AppOptions, Subject
from pocketformer.errors import RecipeError
from pocketformer.local_address import DEFAULT_PORT, HOST

__all__ = ["AppServer", "serve_app"]

_PORTS_TRIED = 20
_ENTRY = "index.html"
_CHUNK_BYTES = 1 << 18
_TYPES = {
    ".css": "text/css; charset=utf-8",
    ".html": "text/html; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".json": "application/json",
    ".md": "text/markdown; charset=utf-8",
    ".mjs": "text/javascript; charset=utf-8",
    ".svg": "image/svg+xml",
    ".txt": "text/plain; charset=utf-8",
    ".wasm": "application/wasm",
}


class AppServer(ThreadingHTTPServer):
    """Serves a tree of files to this machine alone.

    Attributes:
        tree: What is served: paths with "/" → content, or the file that holds it.
    """

    daemon_threads = True
    allow_reuse_address = True

    def __init__(self, tree: Tree, port: int) -> None:
        self.tree = tree
        super().__init__((HOST, port), _Handler)

    @property
    def url(self) -> str:
        """Address of the page."""
        return f"http://{HOST}:{self.server_port}/"


def serve_app(directory: Path, options: AppOptions | None = None, port: int | None = None) -> AppServer:
    """Return a server of an edition's web app; its `serve_forever` serves until `shutdown`.

    Args:
        directory: Of the edition.
        options: Which file, and on which engine.
        port: 0 takes any free one; None the default one, or the next that is free.

    Raises:
        RecipeError: The port is taken, or the app cannot be made of this edition.
        FileFormatError: The directory holds no edition.
        ExportError: The edition is an encoder's.
    """
    from pocketformer.apps.web import app_tree

    server = partial(AppServer, app_tree(Subject.load(directory), options or AppOptions()))
    if port is not None:
        return _bound(server, [port])
    return _bound(server, range(DEFAULT_PORT, DEFAULT_PORT + _PORTS_TRIED))


def _bound(server: partial[AppServer], ports: range | list[int]) -> AppServer:
    """Return the server on the first port that is free."""
    for port in ports:
        try:
            return server(port)
        except OSError as error:
            if error.errno not in {errno.EADDRINUSE, errno.EACCES}:
                raise
    tried = f"Port {ports[0]} is" if len(ports) == 1 else f"Ports {ports[0]} to {ports[-1]} are"
    raise RecipeError(f"{tried} taken or not allowed; give another with --port, or 0 for any that is free.")


class _Handler(BaseHTTPRequestHandler):
    """Answers GET and HEAD for the files of the tree, and nothing else."""

    server: AppServer
    protocol_version = "HTTP/1.1"
    server_version = "pocketformer"
    sys_version = ""

    def do_GET(self) -> None:
        self._answer(with_body=True)

    def do_HEAD(self) -> None:
        self._answer(with_body=False)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002
        """Say nothing: the command line owns the screen."""

    def _answer(self, *, with_body: bool) -> None:
        host = self.headers.get("Host", "").rsplit(":", 1)[0]
        if host not in {HOST, "localhost"}:  # another name that was made to lead here
            self.send_error(HTTPStatus.MISDIRECTED_REQUEST)
            return
        path = unquote(urlsplit(self.path).path).removeprefix("/") or _ENTRY
        content = self.server.tree.get(path)
        if content is None:
            self.send_error(HTTPStatus.NOT_FOUND)
            return
        size = len(content) if isinstance(content, bytes) else content.stat().st_size
        self.send_response(HTTPStatus.OK)
        self.send_header("Content-Type", _TYPES.get(Path(path).suffix, "application/octet-stream"))
        self.send_header("Content-Length", str(size))
        self.send_header("Cache-Control", "no-cache")
        self.send_header("X-Content-Type-Options", "nosniff")
        self.end_headers()
        if with_body:
            self._send(content)

    def _send(self, content: bytes | Path) -> None:
        try:
            if isinstance(content, bytes):
                self.wfile.write(content)
                return
            with content.open("rb") as stream:
                while chunk := stream.read(_CHUNK_BYTES):
                    self.wfile.write(chunk)
        except (BrokenPipeError, ConnectionResetError):  # the browser went away, as on a reload
            self.close_connection = True
