"""A finished stage is kept as long as its inputs are the same, and only then."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from pocketformer.pipeline.ledger import Ledger, key_of


@dataclass(frozen=True, slots=True)
class Found:
    label: str
    scores: tuple[float, ...]
    by_length: dict[int, str]


FOUND = Found("naïve", (0.25, 0.75), {16: "short"})


def test_a_result_comes_back_equal(tmp_path: Path) -> None:
    Ledger(tmp_path).put("verify a.tflite", key_of(1), FOUND)
    assert Ledger(tmp_path).get("verify a.tflite", key_of(1), Found) == FOUND


def test_other_inputs_run_again(tmp_path: Path) -> None:
    Ledger(tmp_path).put("verify", key_of({"rows": [1, 2]}), FOUND)
    assert Ledger(tmp_path).get("verify", key_of({"rows": [2, 1]}), Found) is None
    assert Ledger(tmp_path).get("export", key_of({"rows": [1, 2]}), Found) is None


def test_a_damaged_entry_runs_again(tmp_path: Path) -> None:
    ledger = Ledger(tmp_path)
    ledger.put("bench", key_of(1), FOUND)
    written = next((tmp_path / ".pocketformer").iterdir())
    for damage in ("", "{", '{"key": 1}', f'{{"key": "{key_of(1)}", "result": {{"label": 1}}}}'):
        written.write_text(damage)
        assert ledger.get("bench", key_of(1), Found) is None


def test_keys_do_not_depend_on_the_order_of_names() -> None:
    assert key_of({"a": 1, "b": 2}) == key_of({"b": 2, "a": 1})
    assert key_of({"a": 1}) != key_of({"a": "1"})
