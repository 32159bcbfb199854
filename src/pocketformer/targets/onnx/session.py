"""Running an ONNX file by its signatures, with the stock runtime on the CPU."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path

import numpy as np

from pocketformer.errors import InputError, MissingExtraError
from pocketformer.targets.checking import checked_inputs
from pocketformer.targets.contract import Arrays, FileCard
from pocketformer.targets.onnx.card import read_file
from pocketformer.targets.onnx.cutting import cut
from pocketformer.targets.onnx.engine import Engine
from pocketformer.targets.onnx.signatures import ID_NAMES, TEXT, EntryPoint

_WHOLE = (None, "tokenizer", "module")  # kinds of graph that give nothing beside what is asked for
_NO_TEXT = np.zeros((1, 0), np.int32)


class OnnxSession:
    """An open ONNX file: CPU, a fixed number of threads."""

    def __init__(self, path: Path, threads: int = 1) -> None:
        self.card: FileCard
        self.card, entries = read_file(path)
        self._path, self._threads = path, threads
        self._entries: dict[str, EntryPoint] = {entry.card.name: entry for entry in entries}
        self._engine = Engine(path, str(path), threads)
        self._tokenizer: Engine | None = None
        self._traced: Engine | None = None

    def run(self, signature: str, inputs: Mapping[str, np.ndarray]) -> Arrays:
        """Run one signature: arrays by name in, arrays by name out (see `Session.run`)."""
        feeds = self._feeds(signature, inputs)
        names = [tensor.name for tensor in self._entries[signature].card.outputs]
        return self._engine_for(signature, names).run(names, feeds, signature)

    def trace(self, signature: str, inputs: Mapping[str, np.ndarray]) -> Iterator[tuple[str, np.ndarray]]:
        """Run one signature and yield every float value of the outermost graph (see `Session.trace`).

        The values are those of the operations as they stand in the file, before ONNX Runtime joins any.
        """
        feeds = self._feeds(signature, inputs)
        if self._traced is None:
            try:
                from pocketformer.targets.onnx.tracing import traced
            except ModuleNotFoundError as error:
                raise MissingExtraError("onnx", error.name or "onnx") from error
            self._traced = Engine(traced(self._path), str(self._path), self._threads, as_it_stands=True)
        names = self._traced.float_outputs()
        yield from self._traced.run(names, feeds, signature).items()

    def _engine_for(self, signature: str, outputs: list[str]) -> Engine:
        """Return the whole graph, or for ids alone the part of it that makes them."""
        if signature != "tokenize" or self.card.metadata.get("kind") in _WHOLE:
            return self._engine
        if self._tokenizer is None:
            self._tokenizer = Engine(cut(self._path, outputs), str(self._path), self._threads)
        return self._tokenizer

    def _feeds(self, signature: str, inputs: Mapping[str, np.ndarray]) -> Arrays:
        """Return what the graph takes, from what the signature takes.

        Raises:
            InputError: The inputs do not fit the signature, or each other.
        """
        card, checked = checked_inputs(self.card, signature, inputs)
        entry = self._entries[card.name]
        self._check_counts(card.name, [checked[name] for name in ID_NAMES if name in checked])
        feeds = {entry.feeds[name]: np.ascontiguousarray(array) for name, array in checked.items()}
        return {TEXT: _NO_TEXT, **feeds} if entry.needs_empty_text else feeds

    def _check_counts(self, signature: str, ids: list[np.ndarray]) -> None:
        """Refuse ids, mask and types [1, tokens] of unequal or impossible length in a file of ours."""
        most = max(self.card.metadata.get("lengths", ()), default=None)
        if most is None or not ids:
            return
        counts = [array.shape[1] for array in ids]
        if len(set(counts)) > 1 or not 1 <= counts[0] <= most:
            raise InputError(
                f"Signature {signature!r} was given {', '.join(ID_NAMES)} of {', '.join(map(str, counts))} "
                f"tokens; give all three the same length of 1 to {most}."
            )
