"""Timing many things in turns, so that a busy moment of the machine hits them all alike."""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Mapping
from typing import TypeVar

Key = TypeVar("Key")

_WARM_UP_CALLS = 2


def interleave(
    calls: Mapping[Key, Callable[[], object]],
    rounds: int,
    seed: int = 0,
    on_progress: Callable[[float, str], None] | None = None,
) -> dict[Key, list[float]]:
    """Call everything once per round, in an order drawn anew for each round.

    Args:
        calls: What to time, by key.
        rounds: Measured calls of each, after a warm-up.
        seed: For the order.
        on_progress: Called with the fraction done and a short message.

    Returns:
        Milliseconds of each call, by key.
    """
    for call in calls.values():
        for _ in range(_WARM_UP_CALLS):
            call()
    milliseconds: dict[Key, list[float]] = {key: [] for key in calls}
    order = list(calls)
    shuffle = random.Random(seed).shuffle
    for done in range(rounds):
        shuffle(order)
        for key in order:
            start = time.perf_counter_ns()
            calls[key]()
            milliseconds[key].append((time.perf_counter_ns() - start) / 1e6)
        if on_progress is not None:
            on_progress((done + 1) / rounds, f"round {done + 1} of {rounds}")
    return milliseconds
