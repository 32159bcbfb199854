"""The files of a web app: a static page, the edition's model file, and the engine that runs it."""

from __future__ import annotations

import gzip
import json
import shlex
from pathlib import Path

from pocketformer.apps.scaffold import Tree, rendered
from pocketformer.apps.subject import AppOptions, Subject
from pocketformer.apps.web.engines import Engine, engine_named
from pocketformer.apps.web.packages import engine_files
from pocketformer.apps.web.pieces import pieces_of
from pocketformer.checks.tolerances import tolerance_for
from pocketformer.edition import EditionFile
from pocketformer.errors import RecipeError

__all__ = ["app_tree", "next_step"]

_PORT = 8000


def app_tree(subject: Subject, options: AppOptions) -> Tree:
    """Return the files of a web app.

    Args:
        subject: The edition.
        options: Which file of it, and on which engine.

    Raises:
        RecipeError: The edition has no such file, there is no such engine, or it cannot be had.
        FileFormatError: A given package is not the engine's.
    """
    engine = engine_named(options.engine)
    chosen = _file(subject, engine, options.precision)
    engine_tree = engine_files(engine, options.engine_package)
    pieces = pieces_of(subject)
    values = {
        "name": subject.name,
        "title": subject.title,
        "model": chosen,
        "engine": engine,
        "sizes": _sizes(chosen, engine, engine_tree),
        "is_slow": _is_half(chosen) and engine.format == "litert",
        "cases": len(subject.golden.cases),
        "has_pieces": pieces is not None,
    }
    tree = rendered("pocketformer.apps.web", values)
    adapters = {name: tree.pop(f"js/engine.{name}.js") for name in ("litert", "onnx")}
    licences = {name: tree.pop(f"engine/{name}") for name in ("LICENSE-Apache-2.0.txt", "LICENSE-MIT.txt")}
    tree["js/engine.js"] = adapters[engine.name]
    tree["engine/LICENSE.txt"] = licences[engine.licence_file]
    tree |= {f"engine/{name}": content for name, content in engine_tree.items()}
    tree[f"model/{chosen.file}"] = subject.directory / chosen.file
    tree["model/golden.json"] = subject.golden_path
    tree["model/model.json"] = _json(_card(subject, chosen, engine, pieces is not None), indent=2)
    if pieces is not None:
        tree["model/pieces.json"] = _json(pieces)
    return tree


def next_step(output: Path) -> str:
    """Return how a person looks at the app."""
    folder = shlex.quote(str(output))
    return f"python -m http.server {_PORT} --directory {folder}, then open http://localhost:{_PORT}/"


def _file(subject: Subject, engine: Engine, precision: str | None) -> EditionFile:
    """Return the file a web app carries: not float16 where it is computed four times slower, unless asked."""
    chosen = subject.file(engine.format, precision)
    if precision is not None or engine.format != "litert" or not _is_half(chosen):
        return chosen
    others = [entry.precision for entry in subject.edition.files if entry.format == engine.format]
    for other in others:
        try:
            entry = subject.file(engine.format, other)
        except RecipeError:
            continue  # not proven, or it takes no text
        if not _is_half(entry):
            return entry
    raise RecipeError(
        f"The only proven .tflite of {subject.directory} is float16, which browsers compute some four times "
        "slower than float32. Export int8 or fp32 too (pocketformer export … --precision int8), "
        f"or take it all the same: --precision {chosen.precision}"
    )


def _is_half(entry: EditionFile) -> bool:
    """Whether most of a file's weights are float16."""
    return 2 * entry.weight_bytes.get("float16", 0) > sum(entry.weight_bytes.values())


def _card(subject: Subject, chosen: EditionFile, engine: Engine, has_pieces: bool) -> dict[str, object]:
    """Return what the page has to know of its model."""
    edition, golden = subject.edition, subject.golden
    plan = chosen.plan or chosen.precision
    name = plan if isinstance(plan, str) else plan.name
    return {
        "name": subject.name,
        "title": subject.title,
        "labels": list(edition.labels),
        "multi_label": edition.multi_label,
        "max_bytes": golden.max_bytes,
        "lengths": list(golden.lengths),
        "file": chosen.file,
        "size_bytes": chosen.size_bytes,
        "sha256": chosen.sha256,
        "precision": chosen.precision,
        "tolerance": golden.tolerance.get(name, tolerance_for(plan).unlabelled_error),
        "engine": f"{engine.title} {engine.version}",
        "examples": list(subject.examples),
        "has_pieces": has_pieces,
    }


def _sizes(chosen: EditionFile, engine: Engine, engine_tree: dict[str, bytes]) -> dict[str, float]:
    """Return what a browser downloads, in MB: the engine's usual build and the model, plain and gzipped."""
    names = [*engine.loader, *engine.wasm[0]]
    return {
        "model": chosen.size_bytes / 1e6,
        "model_gzip": chosen.zipped_bytes / 1e6,
        "engine": sum(len(engine_tree[name]) for name in names) / 1e6,
        "engine_gzip": sum(len(gzip.compress(engine_tree[name], 6)) for name in names) / 1e6,
    }


def _json(value: object, indent: int | None = None) -> bytes:
    return (json.dumps(value, ensure_ascii=False, indent=indent) + "\n").encode("utf-8")
