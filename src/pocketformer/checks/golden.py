"""Golden vectors: 200 texts, and the ids and scores that an edition's files give for them on any platform."""

from __future__ import annotations

import base64
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from pocketformer import files
from pocketformer.errors import FileFormatError

__all__ = ["GOLDEN_FILE", "STATE_VALUES", "Golden", "GoldenCase"]

#: Name of the file in an edition's directory.
GOLDEN_FILE = "golden.json"

#: How many values of an encoder's [CLS] state a case holds: enough to tell two states apart, and small.
STATE_VALUES = 8


class GoldenCase(BaseModel):
    """One text and what PyTorch with Hugging Face's tokenizer makes of it.

    Attributes:
        encoded: The text, base64 (in the file: "bytes"): what goes into a `text` input, zero padded.
        text: The same as a string; None where the bytes are no valid UTF-8.
        input_ids: With [CLS] and [SEP], cut at the full length, without padding.
        length: How many ids that are.
        truncated: The text has more bytes, or more tokens, than a file reads; its beginning counts.
        scores, logits: Of a classifier, one per label; None for an encoder.
        state: Of an encoder, the first values of `last_hidden_state[0, 0]`, the [CLS] state.
        state_norm: Of an encoder, the Euclidean norm of that whole state.
    """

    model_config = ConfigDict(extra="forbid", populate_by_name=True)

    encoded: str = Field(alias="bytes")
    text: str | None = None
    input_ids: tuple[int, ...]
    length: int
    truncated: bool
    scores: tuple[float, ...] | None = None
    logits: tuple[float, ...] | None = None
    state: tuple[float, ...] | None = None
    state_norm: float | None = None

    @property
    def content(self) -> bytes:
        """The text's bytes."""
        return base64.b64decode(self.encoded)


class Golden(BaseModel):
    """What is in `golden.json`.

    Attributes:
        format_version: Of this layout; 1.
        edition: Name of the edition.
        kind: "classifier" or "encoder".
        labels: In the order of the scores; empty for an encoder.
        multi_label: Scores are one sigmoid per label instead of a softmax.
        lengths: Tokens per id signature, ascending; the last one is the full length.
        max_bytes: Bytes of text that a file reads.
        tolerance: By precision of a file's weights, the largest |difference| allowed of any score of any
            text; for an encoder, of the values and the norm of its state, as a share of `state_norm`.
            Ids are always equal.
        cases: The texts.
    """

    model_config = ConfigDict(extra="forbid")

    format_version: Literal[1] = 1
    edition: str
    kind: Literal["classifier", "encoder"]
    labels: tuple[str, ...]
    multi_label: bool
    lengths: tuple[int, ...]
    max_bytes: int
    tolerance: dict[str, float]
    cases: tuple[GoldenCase, ...]

    def save(self, path: Path) -> None:
        """Write the file, one line per text."""
        head = self.model_dump_json(exclude={"cases"}, indent=2).removesuffix("\n}")
        cases = ",\n    ".join(case.model_dump_json(exclude_none=True, by_alias=True) for case in self.cases)
        files.write_text(path, f'{head},\n  "cases": [\n    {cases}\n  ]\n}}\n')

    @classmethod
    def load(cls, path: Path) -> Golden:
        """Read what `save` wrote.

        Raises:
            FileFormatError: There is no such file, or it is not one of ours.
        """
        if not path.is_file():
            raise FileFormatError(f"{path} does not exist; `pocketformer run` and `export` write one.")
        try:
            return cls.model_validate_json(path.read_bytes())
        except ValidationError as error:
            first = error.errors()[0]
            place = ".".join(str(part) for part in first["loc"]) or "the file"
            raise FileFormatError(
                f"{path} cannot be read: {first['msg']} at {place}. Export the edition again."
            ) from error
