"""What runs inside the emulator: `python3 worker.py JOB.json`, one line of JSON per answer.

It is run by its path, by the Python of another architecture that has numpy and the runtime and nothing else.
"""

from __future__ import annotations

import base64
import json
import platform
import struct
import sys
from pathlib import Path
from typing import Any

_HWCAP, _HWCAP2 = 16, 26  # kinds of entries that Linux hands to a program (AT_HWCAP in its headers)
_FEATURES = {
    "fp16": (_HWCAP, 10), "dotprod": (_HWCAP, 20), "sve": (_HWCAP, 22),
    "sve2": (_HWCAP2, 1), "i8mm": (_HWCAP2, 13), "sme": (_HWCAP2, 23),
}  # fmt: skip


def features(auxiliary: bytes) -> list[str]:
    """Return what a program sees of an arm64 processor, from the content of `/proc/self/auxv`."""
    words = struct.unpack(f"<{len(auxiliary) // 8}Q", auxiliary)
    told = dict(zip(words[::2], words[1::2], strict=True))
    return [name for name, (kind, bit) in _FEATURES.items() if told.get(kind, 0) >> bit & 1]


def opened(path: Path, plain: bool) -> Any:
    """Open a file; `plain` without XNNPACK, by the runtime's own portable kernels."""
    from ai_edge_litert.interpreter import OpResolverType

    from pocketformer.prediction import TextModel
    from pocketformer.targets.litert.session import LiteRTSession

    class _Plain(LiteRTSession):
        def _opened(self, **options: Any) -> Any:
            return super()._opened(experimental_op_resolver_type=OpResolverType.BUILTIN_REF, **options)

    return TextModel(_Plain(path) if plain else LiteRTSession(path))


def answer(model: Any, text: bytes, classified: bool) -> dict[str, Any]:
    """Return the ids of one text, and what the file gives for it."""
    tokens = model.tokenize(text)
    found: dict[str, Any] = {"ids": tokens.input_ids[0, : tokens.count].tolist()}
    if classified:
        _, outputs = model.run_tokens(tokens)
        if "scores" in outputs:
            found.update(values=outputs["logits"][0].tolist(), scores=outputs["scores"][0].tolist())
        else:
            found.update(state=outputs["last_hidden_state"][0, 0].tolist())
    return found


def main(job: dict[str, Any]) -> None:
    """Answer a job, line by line."""
    seen = features(Path("/proc/self/auxv").read_bytes()) if platform.machine() == "aarch64" else []
    _say({"machine": platform.machine(), "features": seen})
    model = opened(Path(job["file"]), job["plain"])
    for text, classified in zip(job["texts"], job["classified"], strict=True):
        _say(answer(model, base64.b64decode(text), classified))


def _say(line: dict[str, Any]) -> None:
    sys.stdout.write(json.dumps(line) + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    given = json.loads(Path(sys.argv[1]).read_bytes())
    sys.path[:0] = given["libraries"]
    main(given)
