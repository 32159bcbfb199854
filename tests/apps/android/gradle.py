"""Gradle's build files as functions of Kotlin, so that the compiler reads them."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

_HEAD = "package {package}\n\nimport gradle.*\n\n"


def write_scripts(app: Path, folder: Path) -> list[Path]:
    """Write an app's build files, and the catalog they use, as Kotlin; return the files."""
    folder.mkdir(parents=True, exist_ok=True)
    catalog = tomllib.loads((app / "gradle/libs.versions.toml").read_text("utf-8"))
    written = [folder / "Libs.kt"]
    libraries = dict.fromkeys(catalog["libraries"], "MinimalExternalModuleDependency")
    plugins = {f"plugins-{name}": "PluginDependency" for name in catalog["plugins"]}
    accessors = _nested({**libraries, **plugins})
    body = "\n".join(_accessors("libs", accessors))
    written[0].write_text(f"{_HEAD.format(package='gradle')}{body}\n", "utf-8")
    for place, name in enumerate(("settings.gradle.kts", "build.gradle.kts", "app/build.gradle.kts")):
        path = folder / f"Script{place}.kt"
        head = _HEAD.format(package=f"script{place}")
        path.write_text(f"{head}fun script() {{\n{(app / name).read_text('utf-8')}\n}}\n", "utf-8")
        written.append(path)
    return written


def _nested(aliases: Mapping[str, str]) -> dict[str, Any]:
    tree: dict[str, Any] = {}
    for alias, kind in aliases.items():
        *outer, last = alias.split("-")
        inside = tree
        for part in outer:
            inside = inside.setdefault(part, {})
        inside[last] = kind
    return tree


def _accessors(name: str, inside: Mapping[str, Any], indent: str = "") -> list[str]:
    """Return an object with a property for each alias, and an object for each group of them."""
    lines = [f"{indent}object {name} {{"]
    for part, kind in inside.items():
        if isinstance(kind, str):
            lines.append(f"{indent}    val {part} = Provider<{kind}>()")
        else:
            lines += _accessors(part, kind, indent + "    ")
    return [*lines, f"{indent}}}"]
