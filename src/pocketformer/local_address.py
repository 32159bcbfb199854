"""Where `pocketformer serve` shows an edition on this machine, which the report links to."""

from __future__ import annotations

__all__ = ["DEFAULT_PORT", "HOST"]

HOST = "127.0.0.1"
DEFAULT_PORT = 8765  # the next free one is taken where it is busy
