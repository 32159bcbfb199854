"""Opening a model file and giving it text or arrays: numpy and the file's runtime are all it needs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import overload

import numpy as np

from pocketformer.errors import InputError
from pocketformer.targets import ANY, Arrays, FileCard, Session, SignatureCard, target_of
from pocketformer.targets.checking import signature_taking
from pocketformer.tokenizer.text_bytes import encode_text

#: A longer text is taken for a mistake, such as a whole file given as one text.
MAX_TEXT_BYTES = 256 * 1024

_THRESHOLD = 0.5  # multi-label: a label holds from this score on


@dataclass(frozen=True, slots=True)
class Prediction:
    """What a model says of one text.

    Attributes:
        label: The label with the highest score.
        score: Its score, 0 to 1.
        scores: Every label's score: softmax, or one sigmoid per label for a multi-label model.
        labels: The labels that hold: the best one; for a multi-label model all from 0.5 on.
        logits: float32 [labels].
        truncated: The text was longer than the model reads; its beginning was used.
        signatures: The signatures that were run.
    """

    label: str
    score: float
    scores: dict[str, float]
    labels: tuple[str, ...]
    logits: np.ndarray = field(repr=False)
    truncated: bool = False
    signatures: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Tokens:
    """A text as the file's own tokenizer sees it: int32 arrays [1, length] and the count of real ids."""

    input_ids: np.ndarray
    attention_mask: np.ndarray
    token_type_ids: np.ndarray
    count: int
    signature: str

    def cut(self, length: int) -> Arrays:
        """Return the first `length` positions, as an id signature takes them."""
        return {
            "input_ids": np.ascontiguousarray(self.input_ids[:, :length]),
            "attention_mask": np.ascontiguousarray(self.attention_mask[:, :length]),
            "token_type_ids": np.ascontiguousarray(self.token_type_ids[:, :length]),
        }


class TextModel:
    """An open model file: call it with a text to get a `Prediction`, or with arrays by name to get arrays.

    A short text runs through the shortest signatures that hold it; where a format's signatures take any
    length, through those, at its own length.
    """

    def __init__(self, session: Session) -> None:
        self.session = session
        self._text_signatures = self._sized("tokenize", "text")
        verb = "classify" if self.card.signature("classify") else "encode"
        self._id_signatures = [
            entry for entry in self._sized(f"{verb}_", "input_ids") if _takes_ids(entry[1], verb)
        ]

    @property
    def card(self) -> FileCard:
        """What is in the file."""
        return self.session.card

    @property
    def labels(self) -> tuple[str, ...]:
        """The label of each score, in order; empty for an encoder."""
        return self.card.labels

    @property
    def multi_label(self) -> bool:
        """Whether several labels may hold for one text."""
        return bool(self.card.metadata.get("multi_label", False))

    @property
    def takes_text(self) -> bool:
        """Whether the tokenizer is inside: a file for MediaPipe, or a stranger's, may take ids alone."""
        return bool(self._text_signatures)

    @overload
    def __call__(self, given: str | bytes, /) -> Prediction: ...

    @overload
    def __call__(self, given: Mapping[str, np.ndarray] | None = None, /, **inputs: np.ndarray) -> Arrays: ...

    def __call__(
        self, given: str | bytes | Mapping[str, np.ndarray] | None = None, /, **inputs: np.ndarray
    ) -> Prediction | Arrays:
        """Classify one text; or run the file on arrays by name, as `model(image=array)`.

        Args:
            given: A text; or arrays by name, which suits names that are no words of Python.
            **inputs: Arrays by name. They choose the signature that takes just these.

        Raises:
            InputError: The text cannot be read, the file takes no text or gives no scores, or no signature
                takes such arrays.
        """
        if isinstance(given, str | bytes):
            return self._predict(given)
        arrays = {**(given or {}), **inputs}
        return self.run(signature_taking(self.card, arrays), arrays)

    def _predict(self, text: str | bytes) -> Prediction:
        if not self.labels:
            raise InputError(
                f"{self.card.path} holds no labels, so it gives no prediction; use run() with one of its "
                f"signatures: {', '.join(card.name for card in self.card.signatures) or 'none'}."
            )
        tokens = self.tokenize(text)
        signature, outputs = self.run_tokens(tokens)
        scores = [float(score) for score in outputs["scores"][0]]
        best = int(np.argmax(scores))
        holding = tuple(
            label for label, score in zip(self.labels, scores, strict=True) if score >= _THRESHOLD
        )
        return Prediction(
            label=self.labels[best],
            score=scores[best],
            scores=dict(zip(self.labels, scores, strict=True)),
            labels=holding if self.multi_label else (self.labels[best],),
            logits=outputs["logits"][0],
            truncated=self._is_cut(text, tokens),
            signatures=(tokens.signature, signature),
        )

    def encode(self, text: str | bytes) -> Arrays:
        """Run an encoder on one text: `last_hidden_state` [1, length, hidden] and what else it gives."""
        return self.run_tokens(self.tokenize(text))[1]

    def tokenize(self, text: str | bytes) -> Tokens:
        """Return the ids the file itself makes of a text, from the shortest `tokenize` that holds it."""
        if not self._text_signatures:
            raise InputError(
                f"{self.card.path} takes no text (it has no signature 'tokenize'); use run() with token ids."
            )
        size_bytes = len(text_bytes(text))
        size, signature = next(
            (entry for entry in self._text_signatures if entry[0] >= size_bytes), self._text_signatures[-1]
        )
        if self._takes_any_length(signature):
            size = max(1, min(size, size_bytes))
        outputs = self.session.run(signature, {"text": encode_text(text, size)})
        return Tokens(
            outputs["input_ids"],
            outputs["attention_mask"],
            outputs["token_type_ids"],
            int(outputs["length"][0]),
            signature,
        )

    def signature_for(self, count: int) -> str:
        """Return the shortest id signature that holds `count` tokens."""
        if not self._id_signatures:
            raise InputError(f"{self.card.path} has no signature that takes token ids of a given length.")
        return next(
            (name for length, name in self._id_signatures if length >= count), self._id_signatures[-1][1]
        )

    def run_tokens(self, tokens: Tokens) -> tuple[str, Arrays]:
        """Run the shortest id signature that holds some tokens; return its name and what it gives."""
        signature = self.signature_for(tokens.count)
        return signature, self.session.run(signature, tokens.cut(self.length_for(signature, tokens.count)))

    def length_for(self, signature: str, count: int) -> int:
        """Return how many positions an id signature is given for `count` tokens: its own, or just these."""
        length = {name: length for length, name in self._id_signatures}[signature]
        return min(count, length) if self._takes_any_length(signature) else length

    def size_of(self, signature: str) -> int:
        """Return how many bytes or ids a signature takes at most."""
        return {name: size for size, name in [*self._text_signatures, *self._id_signatures]}[signature]

    def inputs_for(self, card: SignatureCard, text: str | bytes, tokens: Tokens) -> Arrays | None:
        """Return what any signature of the file takes for one text: its bytes, or its tokens.

        Args:
            card: The signature.
            text: The text.
            tokens: The same text as ids.

        Returns:
            Arrays by name; None where the text does not fit into the signature.
        """
        takes_text = card.inputs[0].name == "text"
        needed = len(text_bytes(text)) if takes_text else tokens.count
        size = self._size(card, "text" if takes_text else "input_ids")
        if needed > size:
            return None
        if self._takes_any_length(card.name):
            size = max(1, needed)
        return {"text": encode_text(text, size)} if takes_text else tokens.cut(size)

    def run(self, signature: str, inputs: Mapping[str, np.ndarray]) -> Arrays:
        """Run one signature of the file: arrays by name in, arrays by name out."""
        return self.session.run(signature, inputs)

    def _sized(self, prefix: str, input_name: str) -> list[tuple[int, str]]:
        """List (largest size of an input, signature) for the signatures that begin with `prefix`, by size."""
        found = [
            card for card in self.card.signatures if card.name.startswith(prefix) and _takes(card, input_name)
        ]
        return sorted((self._size(card, input_name), card.name) for card in found)

    def _size(self, card: SignatureCard, input_name: str) -> int:
        """Return the size of an input, and the full one that the file's metadata states where any will do."""
        size = card.input(input_name).shape[1]
        if size != ANY:
            return size
        metadata = self.card.metadata
        return int(metadata["max_bytes"] if input_name == "text" else max(metadata["lengths"]))

    def _takes_any_length(self, signature: str) -> bool:
        card = self.card.signature(signature)
        return card is not None and ANY in card.inputs[0].shape

    def _is_cut(self, text: str | bytes, tokens: Tokens) -> bool:
        most_bytes, most_tokens = self._text_signatures[-1][0], self._id_signatures[-1][0]
        return len(text_bytes(text)) > most_bytes or tokens.count >= most_tokens


def _takes(card: SignatureCard, input_name: str) -> bool:
    """Whether a signature has an input [1, size] of a name; a stranger's may be called like ours."""
    return any(tensor.name == input_name and len(tensor.shape) == 2 for tensor in card.inputs)


def _takes_ids(name: str, verb: str) -> bool:
    """Whether a signature is `classify_16`, which takes so many ids, or `classify_ids`, which takes any."""
    rest = name.removeprefix(f"{verb}_")
    return rest.isdigit() or rest == "ids"


def text_bytes(text: str | bytes) -> bytes:
    """Return the UTF-8 bytes of a text.

    Raises:
        InputError: It is longer than `MAX_TEXT_BYTES`, or a str with a lone surrogate.
    """
    try:
        content = text if isinstance(text, bytes) else text.encode("utf-8")
    except UnicodeEncodeError as error:
        raise InputError(
            f"The text holds a lone surrogate (U+{ord(error.object[error.start]):04X}) at character "
            f"{error.start + 1}, which no UTF-8 text can. Read it as UTF-8, or give its bytes."
        ) from error
    if len(content) > MAX_TEXT_BYTES:
        raise InputError(
            f"A text of {len(content):,} bytes was given; texts of up to {MAX_TEXT_BYTES:,} bytes are "
            "accepted. Give one sentence or paragraph at a time."
        )
    return content


def open(path: str | Path, threads: int = 1) -> TextModel:  # noqa: A001  # pocketformer.open
    """Open a model file to give it text, or arrays by name.

    Args:
        path: A `.tflite`, `.onnx` or `.mlpackage`, ours or anybody's.
        threads: Processor threads the runtime may use.

    Raises:
        FileFormatError: The file is missing, damaged or of an unknown format.
    """
    path = Path(path)
    return TextModel(target_of(path).open(path, threads))
