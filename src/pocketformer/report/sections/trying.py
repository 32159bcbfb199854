"""Try it: how an edition gets into somebody's hand."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pocketformer.local_address import DEFAULT_PORT, HOST
from pocketformer.report.blocks import Bullets, Paragraph, Section

if TYPE_CHECKING:
    from pocketformer.edition import Edition

__all__ = ["trying_section"]

_WEB = ("litert", "onnx")
_APPS = {"litert": ("android", "an Android project"), "coreml": ("ios", "an app for iPhone, iPad and Mac")}


def trying_section(edition: Edition) -> Section | None:
    """Return the commands that show an edition's files at work; an encoder has no labels to show."""
    proven = {file.format for file in edition.files if file.verdict is not None and file.verdict.passed}
    if edition.kind != "classifier":
        return None
    blocks: list[Paragraph | Bullets] = []
    if proven.intersection(_WEB):
        blocks.append(
            Paragraph(
                "In the browser: run “pocketformer serve” with this folder, then open the page. It runs the "
                "file itself; nothing that is typed leaves the machine.",
                link=f"http://{HOST}:{DEFAULT_PORT}/",
            )
        )
    made = [
        f"“pocketformer app” with this folder and --platform {platform} writes {what}."
        for name, (platform, what) in _APPS.items()
        if name in proven
    ]
    if made:
        blocks.append(Bullets(tuple(made)))
    return Section("trying", "Try it", blocks) if blocks else None
