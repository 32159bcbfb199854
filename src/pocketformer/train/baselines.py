"""What a model has to beat to be worth its megabytes: the commonest label, and TF-IDF + linear.

TF-IDF + linear is one linear support vector machine per label (Fan et al. 2008, LIBLINEAR) over n-grams of
words and of characters, weighted by Salton and Buckley's (1988) tf-idf. In scripts without spaces a character
is a word, so that its n-grams carry them.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.pipeline import FeatureUnion
from sklearn.svm import LinearSVC

from pocketformer.errors import DataError
from pocketformer.quiet import without_chatter
from pocketformer.train.metrics import scores

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pocketformer.data import LabeledTexts

__all__ = ["Baseline", "Baselines", "baselines", "linear_outputs"]

# Han, kana and Hangul signs are words of their own, and so is punctuation: emoji carry moods.
_WIDE = r"⺀-鿿가-퟿豈-﫿\U00020000-\U0003FFFF"
_WORD = rf"[{_WIDE}]|[^\W{_WIDE}]+|[^\w\s]"
_WORD_NGRAMS = (1, 2)
_CHARACTER_NGRAMS = (2, 4)
_REGULARISATION = 0.3
# A model reads some hundred tokens; this is more text than that, and bounds the memory.
_CHARACTERS_READ = 2_000
# With fewer texts, an n-gram that occurs once is worth its place.
_MANY_TEXTS = 5_000
_BYTES_PER_WEIGHT = 4


@dataclass(frozen=True, slots=True)
class Baseline:
    """How well one of them does on the test texts.

    Attributes:
        accuracy: As in `Metrics`, and so is `macro_f1`.
        seconds: Wall time to learn from the training texts and to label the test texts.
        size_bytes: What keeping it takes: a float32 for each feature and label, and the features' letters.
    """

    accuracy: float
    macro_f1: float
    seconds: float
    size_bytes: int


@dataclass(frozen=True, slots=True)
class Baselines:
    """Two ways to label texts without a transformer.

    Attributes:
        train_texts: How many texts they learned from.
        test_texts: How many texts they were measured on.
        majority_labels: The commonest label; multi-label: the commonest set of labels, which may be empty.
        features: N-grams that the linear one looks at.
        majority: Always says `majority_labels`.
        linear: TF-IDF + linear.
    """

    train_texts: int
    test_texts: int
    majority_labels: tuple[str, ...]
    features: int
    majority: Baseline
    linear: Baseline


def baselines(train: LabeledTexts, test: LabeledTexts, seed: int = 0) -> Baselines:
    """Learn both from `train` and measure them on `test`; the same for the same seed, but for the seconds.

    Args:
        train: What the model learned from as well.
        test: Texts held out from it, with the same labels.
        seed: Of the order in which LIBLINEAR visits the texts.

    Raises:
        DataError: One of the two has no texts with characters in them, or their labels differ.
    """
    _check(train, test)
    labels, majority = _majority(train, test)
    features, linear = _linear(train, test, seed)
    return Baselines(len(train), len(test), labels, features, majority, linear)


def _check(train: LabeledTexts, test: LabeledTexts) -> None:
    for name, side in (("training", train), ("test", test)):
        if not any(text.strip() for text in side.texts):
            raise DataError(
                f"There is no {name} text with a character in it, so no baseline can be measured."
            )
    if (train.labels, train.multi_label) != (test.labels, test.multi_label):
        raise DataError(
            f"The training texts have the labels {', '.join(train.labels)} and the test texts "
            f"{', '.join(test.labels)}; baselines need the same ones in the same order. Read the test table "
            "with `labels=train.labels`."
        )


def _majority(train: LabeledTexts, test: LabeledTexts) -> tuple[tuple[str, ...], Baseline]:
    """Return the commonest label or set of labels, the first one among equals, and how it does."""
    started = time.perf_counter()
    sets, numbers = np.unique(train.multi_hot(), axis=0, return_counts=True)
    # Rows come sorted, False first; from the end, equals are in the order of the labels.
    commonest = sets[::-1][np.argmax(numbers[::-1])]
    logits = np.tile(np.where(commonest, 1.0, -1.0), (len(test), 1))
    labels = tuple(label for label, holds in zip(train.labels, commonest, strict=True) if holds)
    return labels, _measured(logits, test, started, size_bytes=0)


def linear_outputs(train: LabeledTexts, texts: Sequence[str], seed: int = 0) -> npt.NDArray[np.float64]:
    """Return what TF-IDF + linear says of texts, `[texts, labels]`; above 0 a label holds.

    Args:
        train: What it learns from.
        texts: What it is asked about.
        seed: Of the order in which LIBLINEAR visits the texts.
    """
    return _fitted(train, texts, seed)[1]


def _linear(train: LabeledTexts, test: LabeledTexts, seed: int) -> tuple[int, Baseline]:
    started = time.perf_counter()
    vectorizer, logits = _fitted(train, test.texts, seed)
    terms = [term for _, part in vectorizer.transformer_list for term in part.vocabulary_]
    names = sum(len(term.encode("utf-8", "surrogatepass")) for term in terms)
    size = names + len(terms) * (len(train.labels) + 1) * _BYTES_PER_WEIGHT  # and one for its rarity
    return len(terms), _measured(logits, test, started, size)


def _fitted(
    train: LabeledTexts, texts: Sequence[str], seed: int
) -> tuple[FeatureUnion, npt.NDArray[np.float64]]:
    """Return the fitted features and the outputs `[texts, labels]` of the machines over them."""
    least = 2 if len(train) >= _MANY_TEXTS else 1
    vectorizer = FeatureUnion(
        [
            ("words", _tf_idf(least, token_pattern=_WORD, ngram_range=_WORD_NGRAMS)),
            ("characters", _tf_idf(least, analyzer="char_wb", ngram_range=_CHARACTER_NGRAMS)),
        ]
    )
    with without_chatter():
        learned = vectorizer.fit_transform(_read(train.texts))
        asked = vectorizer.transform(_read(texts))
        outputs = [_outputs(learned, has, asked, seed) for has in train.multi_hot().T]
    return vectorizer, np.column_stack(outputs)


def _tf_idf(least: int, **settings: Any) -> TfidfVectorizer:
    return TfidfVectorizer(sublinear_tf=True, min_df=least, dtype=np.float64, **settings)


def _outputs(
    learned: Any, has_label: npt.NDArray[np.bool_], asked: Any, seed: int
) -> npt.NDArray[np.float64]:
    """Return one label's outputs `[test texts]`; above 0 it holds.

    Args:
        learned: Features of the training texts, sparse `[train texts, features]`.
        has_label: Which of them have the label, `[train texts]`.
        asked: Features of the test texts, sparse `[test texts, features]`.
        seed: Of the machine.
    """
    if has_label.all() or not has_label.any():  # nothing to tell apart
        return np.full(asked.shape[0], np.inf if has_label.all() else -np.inf)
    machine = LinearSVC(C=_REGULARISATION, dual=True, random_state=seed)
    outputs: npt.NDArray[np.float64] = machine.fit(learned, has_label).decision_function(asked)
    return outputs


def _measured(
    logits: npt.NDArray[np.float64], test: LabeledTexts, started: float, size_bytes: int
) -> Baseline:
    seconds = time.perf_counter() - started
    metrics = scores(logits, test.targets, test.multi_label)
    return Baseline(metrics.accuracy, metrics.macro_f1, round(seconds, 3), size_bytes)


def _read(texts: Sequence[str]) -> list[str]:
    return [text[:_CHARACTERS_READ] for text in texts]
