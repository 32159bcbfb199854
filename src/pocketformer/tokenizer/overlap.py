"""Rows of numbers in one array, laid over each other where the end of one is the beginning of another.

The greedy way to a short common superstring: the pair that shares most is joined first (J. Tarhio,
E. Ukkonen, "A greedy approximation algorithm for constructing shortest common superstrings", 1988).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence

__all__ = ["overlap_rows"]

Row = tuple[int, ...]


def overlap_rows(rows: Sequence[Row]) -> tuple[list[int], dict[Row, int]]:
    """Lay out rows of one length.

    Args:
        rows: No two of them equal.

    Returns:
        The array, and where in it each row starts.
    """
    follower, shared = _joined(rows)
    array: list[int] = []
    starts: dict[Row, int] = {}
    for first in sorted(set(range(len(rows))) - set(follower.values())):
        known, number = 0, first
        while True:
            starts[rows[number]] = len(array) - known
            array += rows[number][known:]
            if number not in follower:
                break
            known, number = shared[number], follower[number]
    return array, starts


def _joined(rows: Sequence[Row]) -> tuple[dict[int, int], dict[int, int]]:
    """Find for rows, by number, the row that follows each, and how many entries the two share."""
    follower: dict[int, int] = {}
    shared: dict[int, int] = {}
    followed: set[int] = set()
    last_of = list(range(len(rows)))  # of the chain that a row begins
    first_of = list(range(len(rows)))  # of the chain that a row ends
    for size in range(len(rows[0]) - 1 if rows else 0, 0, -1):
        beginnings: dict[Row, list[int]] = defaultdict(list)
        for number, row in enumerate(rows):
            if number not in followed:
                beginnings[row[:size]].append(number)
        for number, row in enumerate(rows):
            if number in follower:
                continue
            candidates = beginnings.get(row[-size:], [])
            chosen = next((other for other in candidates if last_of[other] != number), None)
            if chosen is None:
                continue
            candidates.remove(chosen)
            follower[number], shared[number] = chosen, size
            followed.add(chosen)
            first, last = first_of[number], last_of[chosen]
            last_of[first], first_of[last] = last, first
    return follower, shared
