"""Running a TFLite file by its signatures, with the stock runtime."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from ai_edge_litert.interpreter import Interpreter

from pocketformer.errors import FileFormatError
from pocketformer.targets.checking import checked_inputs
from pocketformer.targets.contract import Arrays, FileCard
from pocketformer.targets.litert.card import read_card


class LiteRTSession:
    """An open TFLite file: CPU, XNNPACK, a fixed number of threads."""

    def __init__(self, path: Path, threads: int = 1) -> None:
        self.card: FileCard = read_card(path)
        try:
            self._interpreter = Interpreter(model_path=str(path), num_threads=threads)
        except (ValueError, RuntimeError) as error:
            raise FileFormatError(
                f"The LiteRT runtime does not open {path}: {_first_line(error)}. Export it again, or use "
                "a newer runtime."
            ) from error
        self._runners: dict[str, Any] = {}

    def run(self, signature: str, inputs: Mapping[str, np.ndarray]) -> Arrays:
        """Run one signature: arrays by name in, arrays by name out (see `Session.run`)."""
        _, checked = checked_inputs(self.card, signature, inputs)
        try:
            if signature not in self._runners:
                self._runners[signature] = self._interpreter.get_signature_runner(signature)
            outputs: Arrays = self._runners[signature](**checked)
        except RuntimeError as error:
            raise FileFormatError(
                f"{self.card.path} failed in {signature!r}: {_first_line(error)}"
            ) from error
        return outputs


def _first_line(error: Exception) -> str:
    return next(iter(str(error).strip().splitlines()), type(error).__name__)
