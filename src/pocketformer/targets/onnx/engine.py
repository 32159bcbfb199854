"""ONNX Runtime itself: one loaded graph, its errors as sentences, and no word from it otherwise."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import onnxruntime

from pocketformer.errors import FileFormatError
from pocketformer.targets.contract import Arrays

_FATAL_ALONE = 4  # severity in ONNX Runtime's log: what fails is raised as well
_FLOATS = ("tensor(float)", "tensor(float16)", "tensor(double)")


class Engine:
    """A graph in ONNX Runtime, on the CPU.

    Args:
        model: A file's path, or its bytes.
        name: What to call it in errors.
        threads: Processor threads for one operation.
        as_it_stands: Run the operations one by one as they are in the file, none joined or removed.

    Raises:
        FileFormatError: ONNX Runtime does not load it.
    """

    def __init__(self, model: Path | bytes, name: str, threads: int, *, as_it_stands: bool = False) -> None:
        self.name = name
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads
        options.inter_op_num_threads = 1
        options.log_severity_level = _FATAL_ALONE
        if as_it_stands:
            options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
        source = str(model) if isinstance(model, Path) else model
        try:
            self._session = onnxruntime.InferenceSession(source, options, providers=["CPUExecutionProvider"])
        except Exception as error:  # its own exceptions share no base class
            raise FileFormatError(
                f"ONNX Runtime {onnxruntime.__version__} does not open {name}: {_sentence(error)}. "
                "Export it again, or use a newer runtime."
            ) from error

    def run(self, names: Sequence[str], feeds: Mapping[str, np.ndarray], signature: str) -> Arrays:
        """Compute the outputs called `names`.

        Raises:
            FileFormatError: The runtime failed.
        """
        options = onnxruntime.RunOptions()
        options.log_severity_level = _FATAL_ALONE
        try:
            outputs = self._session.run(list(names), dict(feeds), options)
        except Exception as error:  # its own exceptions share no base class
            raise FileFormatError(f"{self.name} failed in {signature!r}: {_sentence(error)}.") from error
        return dict(zip(names, outputs, strict=True))

    def float_outputs(self) -> list[str]:
        """Return the names of the outputs of a float type, in the graph's order."""
        return [output.name for output in self._session.get_outputs() if output.type in _FLOATS]


def _sentence(error: Exception) -> str:
    """Return the first line of what the runtime says, without its own prefix."""
    line = next(iter(str(error).strip().splitlines()), type(error).__name__)
    return line.rpartition(" : ")[2].strip().rstrip(".") or type(error).__name__
