"""Changed copies of texts; none equals a text that is held out, a training text or another copy."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from pocketformer.data.augmentation.edits import with_deletions, with_swaps
from pocketformer.data.augmentation.masking import FillWords, with_filled_words
from pocketformer.data.augmentation.result import AugmentExample, AugmentReport
from pocketformer.data.augmentation.settings import AugmentSettings, MethodName
from pocketformer.data.augmentation.synonyms import SynonymFile, Synonyms, with_synonyms
from pocketformer.data.augmentation.wordnet import WordNet
from pocketformer.data.augmentation.words import Words
from pocketformer.data.examples import LabeledTexts, text_key
from pocketformer.errors import RecipeError

__all__ = ["augment", "augmented_texts"]

_MOST_EXAMPLES = 3

_Rewrite = Callable[[Sequence[Words], np.random.Generator], list[Words]]


@dataclass(frozen=True, slots=True)
class _Copy:
    row: int  # of the text it was made from
    method: MethodName
    text: str


def augment(
    train: LabeledTexts,
    settings: AugmentSettings,
    held_out: Sequence[str] = (),
    fill: FillWords | None = None,
) -> tuple[LabeledTexts, AugmentReport]:
    """Return the training texts followed by changed copies with the same targets, and what was done.

    The same inputs and seed always give the same copies. Give it the training split only.

    Args:
        train: What copies are made of.
        settings: Methods, shares, seed.
        held_out: Dev and test texts, which no copy may equal (by `text_key`).
        fill: The masked language model, for the method `masked`.

    Raises:
        RecipeError: `masked` without a model, or `synonyms` with neither a file nor WordNet's data.
        DataError: The file of synonyms cannot be read.
        MissingExtraError: `synonyms` without a file, and nltk is not installed.
    """
    copies, report = _copies(train.texts, settings, held_out, fill)
    rows = np.array([copy.row for copy in copies], dtype=np.int64)
    texts = (*train.texts, *(copy.text for copy in copies))
    targets = np.concatenate([train.targets, train.targets[rows]])
    return LabeledTexts(texts, targets, train.labels, train.multi_label), report


def augmented_texts(
    texts: Sequence[str],
    settings: AugmentSettings,
    held_out: Sequence[str] = (),
    fill: FillWords | None = None,
) -> tuple[str, ...]:
    """Return the changed copies alone, without labels, for a teacher to label.

    Args and errors are those of `augment`.
    """
    return tuple(copy.text for copy in _copies(texts, settings, held_out, fill)[0])


def _copies(
    texts: Sequence[str], settings: AugmentSettings, held_out: Sequence[str], fill: FillWords | None
) -> tuple[list[_Copy], AugmentReport]:
    forbidden = {text_key(text) for text in held_out}
    taken = {text_key(text) for text in texts} | {""}
    kept: list[_Copy] = []
    repeats = leaks = 0
    for copy in _drawn(texts, settings, _rewrites(settings, fill)):
        key = text_key(copy.text)
        if key in taken:
            repeats += 1
        elif key in forbidden:
            leaks += 1
        else:
            taken.add(key)
            kept.append(copy)
    counts: dict[str, int] = {
        method: sum(copy.method == method for copy in kept) for method in settings.methods
    }
    return kept, AugmentReport(len(texts), counts, repeats, leaks, _examples(texts, kept))


def _drawn(
    texts: Sequence[str], settings: AugmentSettings, rewrites: dict[MethodName, _Rewrite]
) -> Iterable[_Copy]:
    """Yield `copies` changed copies of each text in turn, each by one method."""
    # PCG64 by name: what `default_rng` stands for may change with numpy.
    draw = np.random.Generator(np.random.PCG64(settings.seed))
    rows = np.repeat(np.arange(len(texts)), settings.copies)
    methods = [settings.methods[number] for number in draw.integers(len(settings.methods), size=len(rows))]
    apart = [Words.of(text) for text in texts]
    made = {
        method: iter(
            rewrite([apart[row] for row, by in zip(rows, methods, strict=True) if by == method], draw)
        )
        for method, rewrite in rewrites.items()
    }
    for row, method in zip(rows, methods, strict=True):
        yield _Copy(int(row), method, next(made[method]).text)


def _rewrites(settings: AugmentSettings, fill: FillWords | None) -> dict[MethodName, _Rewrite]:
    """Return what each method that is asked for does to texts."""
    return {method: _rewrite(method, settings, fill) for method in dict.fromkeys(settings.methods)}


def _rewrite(method: MethodName, settings: AugmentSettings, fill: FillWords | None) -> _Rewrite:
    if method == "deletion":
        return lambda texts, draw: [with_deletions(text, settings.deletion_share, draw) for text in texts]
    if method == "swap":
        return lambda texts, draw: [with_swaps(text, settings.swaps, draw) for text in texts]
    if method == "synonyms":
        synonyms: Synonyms = WordNet() if settings.synonyms is None else SynonymFile(settings.synonyms)
        return lambda texts, draw: [
            with_synonyms(text, settings.synonym_share, synonyms, draw) for text in texts
        ]
    if fill is None:
        raise RecipeError(
            "The method 'masked' needs a masked language model, and none was given. Pass "
            "fill=MaskedWords(checkpoint), or leave 'masked' out of the methods."
        )
    return lambda texts, draw: with_filled_words(texts, settings.masked_share, fill, draw)


def _examples(texts: Sequence[str], kept: list[_Copy]) -> tuple[AugmentExample, ...]:
    first = list({copy.method: copy for copy in reversed(kept)}.values())[::-1]
    shown = (first + [copy for copy in kept if copy not in first])[:_MOST_EXAMPLES]
    return tuple(AugmentExample(copy.method, texts[copy.row], copy.text) for copy in shown)
