"""Tiny random checkpoints for every room's tests: an encoder of some ten thousand weights and a WordPiece
vocabulary of some two hundred pieces, written to a directory in a few milliseconds.

    from tiny import tiny_checkpoint, tiny_classifier, tiny_vocab
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch
from transformers import AutoConfig, AutoModel, BertTokenizerFast

from pocketformer.checkpoint import (
    ARCHITECTURES,
    HeadSettings,
    load_tokenizer,
    new_classifier,
    quiet_transformers,
    save_classifier,
)

_SPECIAL = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
_LETTERS = "abcdefghijklmnopqrstuvwxyz0123456789"
_SIGNS = "!\"#$%&'()*+,-./:;<=>?@[]_€"
_WORDS = "the a i my is not card money lost where when how can you please account café naïve hello world"
_PIECES = "##s ##ing ##ed ##er ##ly ##tion ##un ##able"
_FOREIGN = "中 文 银 行 я н е т ##я ##н ##е ##т é ß 東 京"

_SIZES: dict[str, Any] = {
    "hidden_size": 32,
    "num_hidden_layers": 2,
    "num_attention_heads": 2,
    "intermediate_size": 64,
    "max_position_embeddings": 64,
}
_OWN_SIZES: dict[str, dict[str, Any]] = {
    "distilbert": {
        "dim": 32,
        "n_layers": 2,
        "n_heads": 2,
        "hidden_dim": 64,
        "max_position_embeddings": 64,
    },
    "electra": {**_SIZES, "embedding_size": 16},
    "mobilebert": {
        **_SIZES,
        "embedding_size": 16,
        "intra_bottleneck_size": 16,
        "true_hidden_size": 16,
        "num_feedforward_networks": 2,
    },
    "squeezebert": {**_SIZES, "embedding_size": 32},
}


def tiny_vocab() -> list[str]:
    """Return WordPiece pieces in the order of their ids, the special ones first."""
    pieces = _SPECIAL + _WORDS.split() + list(_LETTERS) + [f"##{letter}" for letter in _LETTERS]
    pieces += list(_SIGNS) + _PIECES.split() + _FOREIGN.split()
    return list(dict.fromkeys(pieces))


def tiny_checkpoint(
    directory: str | Path,
    model_type: str = "bert",
    *,
    do_lower_case: bool = True,
    seed: int = 0,
    **config: Any,
) -> Path:
    """Save a random encoder and its tokenizer; further arguments go into config.json."""
    directory = Path(directory)
    directory.mkdir(parents=True, exist_ok=True)
    sizes = _OWN_SIZES.get(model_type, _SIZES)
    settings = AutoConfig.for_model(model_type, **{"vocab_size": len(tiny_vocab()), **sizes, **config})
    with torch.random.fork_rng(devices=[]), quiet_transformers():
        torch.manual_seed(seed)
        AutoModel.from_config(settings).save_pretrained(directory)
    write_vocabulary(directory, do_lower_case=do_lower_case)
    return directory


def tiny_classifier(
    directory: str | Path,
    labels: tuple[str, ...] = ("card", "money", "other"),
    *,
    multi_label: bool = False,
    head: str = "linear",
    pooling: str = "mean",
    model_type: str = "bert",
    seed: int = 0,
    **config: Any,
) -> Path:
    """Save a random classifier of ours with its tokenizer."""
    directory = Path(directory)
    base = directory.parent / f"{directory.name}-base"
    tiny_checkpoint(base, model_type, seed=seed, **config)
    settings = HeadSettings(kind=head, pooling=pooling)
    model = new_classifier(base, labels, multi_label, settings, seed)
    save_classifier(model, load_tokenizer(base), directory)
    return directory


def write_vocabulary(directory: Path, *, do_lower_case: bool = True) -> None:
    """Write the tokenizer's files for `tiny_vocab`."""
    (directory / "vocab.txt").write_text("".join(f"{piece}\n" for piece in tiny_vocab()), "utf-8")
    tokenizer = BertTokenizerFast(
        vocab=str(directory / "vocab.txt"), do_lower_case=do_lower_case, model_max_length=64
    )
    tokenizer.save_pretrained(directory)


__all__ = ["ARCHITECTURES", "tiny_checkpoint", "tiny_classifier", "tiny_vocab", "write_vocabulary"]
