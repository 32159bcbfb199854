"""Contenders take turns: each is called equally often, in a new order each round."""

from __future__ import annotations

from pocketformer.bench.footprint import zipped_bytes
from pocketformer.bench.interleave import interleave


def test_everyone_runs_once_per_round_in_changing_order() -> None:
    order: list[str] = []
    calls = {name: (lambda name=name: order.append(name)) for name in "abcd"}
    times = interleave(calls, rounds=20)
    measured = order[len(calls) * 2 :]  # after the warm-up
    rounds = [measured[start : start + 4] for start in range(0, len(measured), 4)]
    assert all(sorted(one) == list("abcd") for one in rounds)
    assert len({tuple(one) for one in rounds}) > 1
    assert {name: len(found) for name, found in times.items()} == dict.fromkeys("abcd", 20)
    assert all(ms >= 0 for found in times.values() for ms in found)


def test_progress_reaches_the_end() -> None:
    seen: list[float] = []
    interleave({"a": lambda: None}, rounds=4, on_progress=lambda fraction, message: seen.append(fraction))
    assert seen == [0.25, 0.5, 0.75, 1.0]


def test_zipped_size_is_what_zlib_makes_of_it(tmp_path) -> None:  # type: ignore[no-untyped-def]
    path = tmp_path / "zeros"
    path.write_bytes(bytes(1_000_000))
    assert 500 < zipped_bytes(path) < 2_000
