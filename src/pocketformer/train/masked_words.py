"""Other words for gaps in a text, from a checkpoint that has its masked-language-model head."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from transformers import AutoModelForMaskedLM

from pocketformer.checkpoint import load_tokenizer
from pocketformer.checkpoint.config import read_config
from pocketformer.checkpoint.encoders import load_with_report, raise_for_loading
from pocketformer.checkpoint.sources import local_directory
from pocketformer.checkpoint.weights import tensor_names
from pocketformer.data.augmentation.words import Words, is_alone
from pocketformer.errors import CheckpointError
from pocketformer.train.batches import PaddingCollator, encode

if TYPE_CHECKING:
    from pocketformer.data.augmentation import AugmentSettings
    from pocketformer.train.trainer import OnProgress

__all__ = ["MaskedWords", "masked_words_for"]


def masked_words_for(
    settings: AugmentSettings, base: str, on_progress: OnProgress | None = None
) -> MaskedWords | None:
    """Return the model that settings ask for, `base` where they name none; None when none is needed."""
    if "masked" not in settings.methods:
        return None
    return MaskedWords(settings.masked_model or base, settings.top_k, on_progress=on_progress)


class MaskedWords:
    """Proposes whole words for masked ones, drawn from the model's `top_k` best; a `FillWords`.

    Args:
        source: Directory or hub id of a checkpoint with the head, such as `google-bert/bert-base-uncased`.
        top_k: Best words to draw from, in proportion to their probabilities.
        batch_size: Texts per step; texts of similar length go together.
        max_length: Tokens per text; words beyond get no other one.
        on_progress: Called with the fraction done, 0 to 1, and a short message.

    Raises:
        CheckpointError: It is missing, broken, or without the head or a mask token.
        UnsupportedArchitectureError: Not on the list.
    """

    def __init__(
        self,
        source: str | Path,
        top_k: int = 10,
        *,
        batch_size: int = 32,
        max_length: int = 128,
        on_progress: OnProgress | None = None,
    ) -> None:
        self._model = _load(source)
        self._tokenizer = load_tokenizer(source)
        if self._tokenizer.mask_token is None:
            raise CheckpointError(f"The tokenizer in {str(source)!r} has no mask token. {_CURE}")
        self._top_k, self._batch_size, self._on_progress = top_k, batch_size, on_progress
        self._max_length = min(max_length, self._model.config.max_position_embeddings)
        vocabulary = self._tokenizer.get_vocab()
        self._pieces: dict[int, str] = {number: piece for piece, number in vocabulary.items()}
        self._whole = _whole_words(vocabulary, self._model.config.vocab_size)

    def __call__(
        self, texts: Sequence[Words], places: Sequence[Sequence[int]], seed: int
    ) -> list[list[str | None]]:
        """Return for each text and place another whole word, or None; see `FillWords`."""
        mask = self._tokenizer.mask_token
        masked = [
            text.replaced({(place, 1): mask for place in at}).text
            for text, at in zip(texts, places, strict=True)
        ]
        input_ids = encode(self._tokenizer, masked, self._max_length)
        order = sorted(range(len(texts)), key=lambda row: len(input_ids[row]), reverse=True)
        found: list[list[str | None]] = [[None] * len(at) for at in places]
        generator = torch.Generator().manual_seed(seed)
        for start in range(0, len(order), self._batch_size):
            rows = order[start : start + self._batch_size]
            logits = self._logits([input_ids[row] for row in rows])
            for row, of_text in zip(rows, logits, strict=True):
                # A text that holds the mask token itself is left alone: which mask is whose, nobody knows.
                if len(of_text) <= len(places[row]):
                    words = [texts[row].words[place] for place in places[row]]
                    found[row][: len(of_text)] = self._drawn(of_text, words, generator)
            if self._on_progress is not None:
                done = start + len(rows)
                self._on_progress(done / len(order), f"filled {done:,} of {len(order):,} texts")
        return found

    @torch.inference_mode()
    def _logits(self, input_ids: list[list[int]]) -> list[torch.Tensor]:
        """Return by text the logits at its masks, `[masks, vocabulary]`."""
        collate = PaddingCollator(input_ids=self._tokenizer.pad_token_id)
        batch = collate([{"input_ids": ids} for ids in input_ids])
        logits = self._model(**batch).logits.float()
        masked = batch["input_ids"] == self._tokenizer.mask_token_id
        return [of_text[at] for of_text, at in zip(logits, masked, strict=True)]

    def _drawn(
        self, logits: torch.Tensor, words: Sequence[str], generator: torch.Generator
    ) -> list[str | None]:
        """Return a word for each of the masks, `logits` being `[masks, vocabulary]`."""
        return [self._draw(row, word, generator) for row, word in zip(logits, words, strict=False)]

    def _draw(self, logits: torch.Tensor, word: str, generator: torch.Generator) -> str | None:
        allowed = self._whole[is_alone(word)].clone()
        known = self._tokenizer.convert_tokens_to_ids(self._tokenizer.tokenize(word))
        if len(known) == 1:
            allowed[known[0]] = False
        count = min(self._top_k, int(allowed.sum()))
        if not count:
            return None
        best = logits.masked_fill(~allowed, -torch.inf).topk(count)
        place = torch.multinomial(best.values.softmax(dim=0), 1, generator=generator)
        return self._pieces[int(best.indices[place])]


_CURE = (
    'Name a checkpoint with its head, such as masked_model = "google-bert/bert-base-uncased" in [augment], '
    "or leave 'masked' out of the methods."
)


def _load(source: str | Path) -> Any:
    directory = local_directory(source)
    read_config(directory)  # for its sentences
    tensor_names(directory)
    model, info = load_with_report(AutoModelForMaskedLM, directory)
    encoder = f"{model.base_model_prefix}."
    if any(not name.startswith(encoder) for name in info["missing_keys"]):
        raise CheckpointError(
            f"{str(source)!r} has no masked-language-model head, so it cannot propose words. {_CURE}"
        )
    raise_for_loading(directory, info, allow_unexpected=True)
    return model.eval()


def _whole_words(vocabulary: dict[str, int], size: int) -> dict[bool, torch.Tensor]:
    """Return which pieces are whole words of letters, bool `[vocabulary]`: Han and kana signs, and others."""
    allowed = {alone: torch.zeros(size, dtype=torch.bool) for alone in (False, True)}
    for piece, number in vocabulary.items():
        if piece.isalpha() and number < size:
            allowed[is_alone(piece)][number] = True
    return allowed
