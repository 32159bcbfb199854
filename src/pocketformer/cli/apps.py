"""Commands that put an edition into somebody's hand: app, serve."""

from __future__ import annotations

import webbrowser
from contextlib import suppress
from pathlib import Path
from typing import Annotated

import typer

from pocketformer.cli.console import err, next_step, out, own_stderr, show_json
from pocketformer.cli.options import Json

Dist = Annotated[Path, typer.Argument(help="Directory that `run` or `export` has written.")]


def app(
    dist: Dist,
    output: Annotated[Path, typer.Option("--output", "-o", help="Where the app goes.")],
    platform: Annotated[str, typer.Option(help="web, android or ios.")],
    precision: Annotated[
        str | None, typer.Option(help="Which file it carries; int8, or the smallest, when left out.")
    ] = None,
    engine: Annotated[str, typer.Option(help="Of the web app: litert, or onnx.")] = "litert",
    engine_package: Annotated[
        Path | None,
        typer.Option(help="Of the web app: folder of the engine's npm packages, downloaded before."),
    ] = None,
    force: Annotated[bool, typer.Option("--force", help="Replace an app that stands there.")] = False,
    json: Json = False,
) -> None:
    """Write a starter app that runs the edition's file: a project that opens, builds and runs.

    The tokenizer, the labels and the lengths are in the file, so nothing is left to port. The app brings the
    golden texts and a test that asks them of the file on the device.
    """
    with own_stderr():
        from pocketformer.apps import AppOptions, make_app

        made = make_app(dist, platform, output, AppOptions(precision, engine, engine_package), force=force)
    if json:
        show_json(made)
        return
    out.print(
        f"Wrote {made.path}: {made.files} files, {made.size_bytes / 1e6:.1f} MB, with {made.model}",
        markup=False,
    )
    next_step(made.next)


def serve(
    dist: Dist,
    port: Annotated[
        int | None, typer.Option(min=0, max=65535, help="8765 or the next free one when left out; 0: any.")
    ] = None,
    browser: Annotated[bool, typer.Option(help="Open the page in the browser.")] = True,
    precision: Annotated[
        str | None, typer.Option(help="Which file; int8, or the smallest, when left out.")
    ] = None,
    engine: Annotated[str, typer.Option(help="litert, or onnx.")] = "litert",
    engine_package: Annotated[
        Path | None, typer.Option(help="Folder of the engine's npm packages, downloaded before.")
    ] = None,
) -> None:
    """Try an edition in the browser: serves its web app to this machine, until Ctrl-C.

    The page is the one that `app --platform web` writes; nothing is written here.
    """
    with own_stderr():
        from pocketformer.apps import AppOptions
        from pocketformer.apps.serving import serve_app

        server = serve_app(dist, AppOptions(precision, engine, engine_package), port)
    with server:
        out.print(f"Serving {dist} on {server.url}", markup=False)
        err.print("Press Ctrl-C to stop.", style="dim")
        if browser and not webbrowser.open(server.url):
            err.print("No browser was found; open the address in one.", style="dim")
        with suppress(KeyboardInterrupt):
            server.serve_forever()
    err.print("Stopped.", style="dim")
