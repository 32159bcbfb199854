"""Word vectors from which pieces stand in the same texts: a start for an encoder that has no other.

Positive pointwise mutual information, and its singular vectors weighted by the root of the singular values
(Levy, Goldberg and Dagan 2015). It takes seconds where masked-language-model pretraining takes many minutes.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
from scipy import sparse  # type: ignore[import-untyped]  # without types, like scikit-learn
from sklearn.utils.extmath import randomized_svd

__all__ = ["word_vectors"]

_SMOOTHING = 0.75  # exponent of a neighbour's frequency, so that rare neighbours count less
_TINY = 1e-9


def word_vectors(
    ids: Sequence[Sequence[int]], pieces: int, width: int, without: Sequence[int] = (), seed: int = 0
) -> npt.NDArray[np.float32]:
    """Return a vector per piece with entries of mean square 1, float32 `[pieces, width]`.

    Pieces that stand beside no other get random vectors.

    Args:
        ids: The token ids of each text.
        pieces: Size of the vocabulary; more than `width`.
        width: Numbers per vector.
        without: Ids that are no words, such as special tokens.
        seed: Of the decomposition and the random vectors.
    """
    information = _information(_together(ids, pieces, without))
    left, values, _ = randomized_svd(information, width, n_iter=3, random_state=seed)
    vectors = left * np.sqrt(values)
    vectors -= vectors.mean(axis=0)
    norms = np.linalg.norm(vectors, axis=1)
    alone = np.asarray(information.sum(axis=1)).ravel() == 0
    vectors[alone] = np.random.Generator(np.random.PCG64(seed)).normal(size=(alone.sum(), width))
    norms[alone] = np.linalg.norm(vectors[alone], axis=1)
    vectors *= np.sqrt(width) / norms[:, None]
    found: npt.NDArray[np.float32] = vectors.astype(np.float32)
    return found


def _together(ids: Sequence[Sequence[int]], pieces: int, without: Sequence[int]) -> sparse.coo_array:
    """Return how often two pieces share a text `[pieces, pieces]`; a piece has one vote per text."""
    rows = np.repeat(np.arange(len(ids)), [len(text) for text in ids])
    columns = np.concatenate([np.asarray(text, np.int64) for text in ids])
    counted = ~np.isin(columns, without)
    rows, columns = rows[counted], columns[counted]
    has = sparse.csr_array((np.ones(len(rows), np.float32), (rows, columns)), shape=(len(ids), pieces))
    has.data[:] = 1  # counted twice where a piece stands twice
    others = np.maximum(np.asarray(has.sum(axis=1)) - 1, 1)
    shared = (sparse.diags_array(1 / np.sqrt(others)) @ has).tocsr()
    counts = (shared.T @ shared).tocsr()
    counts.setdiag(0)
    counts.eliminate_zeros()
    return counts.tocoo()


def _information(counts: sparse.coo_array) -> sparse.csr_array:
    """Return the positive pointwise mutual information of counts, `[pieces, pieces]`."""
    rows, columns = counts.coords
    frequency = np.asarray(counts.sum(axis=1)).ravel()
    smoothed = frequency**_SMOOTHING
    smoothed /= smoothed.sum()
    expected = np.maximum(frequency[rows], _TINY) * np.maximum(smoothed[columns], _TINY)
    information = np.log(counts.data / expected)
    positive = information > 0
    return sparse.csr_array((information[positive], (rows[positive], columns[positive])), shape=counts.shape)
