"""What a benchmark lets race: each file's signatures and texts, PyTorch, and a fixed-length file."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np

from pocketformer.prediction import TextModel
from pocketformer.prediction import open as open_model
from pocketformer.targets import ANY, Session, SignatureCard, target_of

PYTORCH = "PyTorch fp32"
FIXED_LENGTH = "fixed-length fp32 file"


@dataclass(frozen=True, slots=True)
class Contender:
    """One thing to time: see `Timing` for its fields."""

    contender: str
    work: str
    tokens: int
    call: Callable[[], object]


def of_file(path: Path, texts: dict[int, str], threads: int) -> Iterator[Contender]:
    """Yield each signature of a file, and each whole text from bytes to scores.

    A signature of fixed sizes is called at these, with real content; one that takes any is called with
    each text.
    """
    model = open_model(path, threads)
    longest = texts[max(texts)]
    for card in model.card.signatures:
        if ANY in card.inputs[0].shape:
            called = {
                tokens: model.inputs_for(card, text, model.tokenize(text)) for tokens, text in texts.items()
            }
        else:
            called = {_length(card): _fixed_inputs(model, card, longest)}
        for tokens, inputs in called.items():
            if inputs is not None:
                yield Contender(path.name, card.name, tokens, _run(model.session, card.name, inputs))
    for tokens, text in texts.items():
        yield Contender(path.name, "text", tokens, _predict(model, text))


def of_pytorch(checkpoint: str, texts: dict[int, str], threads: int) -> Iterator[Contender]:
    """Yield each whole text through Hugging Face's tokenizer and the checkpoint, unpadded."""
    import torch

    from pocketformer.checkpoint import load_classifier, load_tokenizer

    model = load_classifier(checkpoint).eval()
    tokenizer = load_tokenizer(checkpoint)
    positions = model.encoder.config.max_position_embeddings

    def classify(text: str) -> object:
        torch.set_num_threads(threads)
        with torch.inference_mode():
            encoded = tokenizer(text, truncation=True, max_length=positions, return_tensors="pt")
            return model(encoded["input_ids"], encoded["attention_mask"]).logits.softmax(-1)

    for tokens, text in texts.items():
        yield Contender(PYTORCH, "text", tokens, partial(classify, text))


@contextmanager
def fixed_length_file(checkpoint: str, length: int) -> Iterator[Path]:
    """Write the file people ship today, for as long as the block runs: fp32, one signature, one length."""
    from pocketformer.program import Program, Shapes
    from pocketformer.targets import target_named

    program = Program.from_checkpoint(checkpoint, Shapes(lengths=(length,))).only("serving_default")
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "fixed.tflite"
        target_named("litert").export(program, "fp32", path)
        yield path


def of_fixed_length(path: Path, checkpoint: str, texts: dict[int, str], threads: int) -> Iterator[Contender]:
    """Yield each whole text through Hugging Face's tokenizer, padded to the one length of the file."""
    from pocketformer.checkpoint import local_directory
    from pocketformer.tokenizer import read_tokenizer

    session = target_of(path).open(path, threads)
    card = session.card.signatures[0]
    length = _length(card)
    tokenizer = read_tokenizer(local_directory(checkpoint))
    tokenizer.enable_truncation(length)
    tokenizer.enable_padding(length=length)

    def classify(text: str) -> object:
        encoding = tokenizer.encode(text)
        inputs = {
            "input_ids": np.array([encoding.ids], np.int32),
            "attention_mask": np.array([encoding.attention_mask], np.int32),
            "token_type_ids": np.array([encoding.type_ids], np.int32),
        }
        return session.run(card.name, inputs)

    for tokens, text in texts.items():
        yield Contender(FIXED_LENGTH, "text", tokens, partial(classify, text))


def texts_of_real_lengths(model: TextModel, texts: Sequence[str]) -> dict[int, str]:
    """Choose texts by their count of tokens: a short one, the median, the 90th percentile, the longest.

    Short means at most 14 tokens, the most of a line that `classify_16` holds with [CLS] and [SEP]
    counted apart; it is the longest such text.

    Returns:
        Text by its count of tokens, [CLS] and [SEP] included, ascending.
    """
    by_count = sorted((model.tokenize(text).count, text) for text in texts)
    short = [entry for entry in by_count if entry[0] <= 16]
    places = [len(by_count) // 2, int(len(by_count) * 0.9), len(by_count) - 1]
    return dict(sorted([*short[-1:], *(by_count[place] for place in places)]))


def _run(session: Session, name: str, inputs: dict[str, np.ndarray]) -> Callable[[], object]:
    return partial(session.run, name, inputs)


def _predict(model: TextModel, text: str) -> Callable[[], object]:
    return partial(model if model.labels else model.encode, text)


def _length(card: SignatureCard) -> int:
    return card.inputs[0].shape[-1]


def _fixed_inputs(model: TextModel, card: SignatureCard, text: str) -> dict[str, np.ndarray]:
    """Return inputs with real content: the text's bytes, or its ids cut to the signature's length."""
    from pocketformer.tokenizer.text_bytes import encode_text

    if [tensor.name for tensor in card.inputs] == ["text"]:
        return {"text": encode_text(text, _length(card))}
    return model.tokenize(text).cut(_length(card))
