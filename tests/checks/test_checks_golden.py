"""Golden vectors hold for the files they were made with, and tell of the smallest wrong answer."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from transformers import AutoTokenizer

import pocketformer
from pocketformer.checks.golden import GOLDEN_FILE, Golden
from pocketformer.checks.golden_checking import check_golden
from pocketformer.checks.golden_making import make_golden
from pocketformer.checks.golden_texts import golden_texts
from pocketformer.errors import FileFormatError, InputError
from pocketformer.program import Program, Shapes
from pocketformer.targets import target_named
from pocketformer.tokenizer import cut_text
from tiny import tiny_checkpoint

MAX_BYTES, LENGTHS = 128, (16, 32)


@pytest.fixture(scope="module")
def golden(finished: Path) -> Golden:
    return make_golden(str(finished / "checkpoint"), "tiny", LENGTHS, MAX_BYTES)


def changed(golden: Golden, number: int, **fields: object) -> Golden:
    cases = list(golden.cases)
    cases[number] = cases[number].model_copy(update=fields)
    return golden.model_copy(update={"cases": tuple(cases)})


def test_there_are_two_hundred_different_texts_of_every_kind() -> None:
    texts = golden_texts()
    assert (len(texts), len(set(texts))) == (200, 200)
    assert b"" in texts
    assert sum(len(text) > 4096 for text in texts) >= 10
    invalid = [text for text in texts if text != text.decode("utf-8", "replace").encode()]
    assert len(invalid) >= 20
    everything = b"".join(texts).decode("utf-8", "replace")
    scripts = {
        "combining marks": (0x300, 0x36F), "Cyrillic": (0x400, 0x4FF), "Arabic": (0x600, 0x6FF),
        "Devanagari": (0x900, 0x97F), "Thai": (0xE00, 0xE7F), "joiner": (0x200D, 0x200D),
        "kana": (0x3040, 0x30FF), "CJK": (0x4E00, 0x9FFF), "Hangul": (0xAC00, 0xD7A3),
        "flags": (0x1F1E6, 0x1F1FF), "skin tones": (0x1F3FB, 0x1F3FF),
    }  # fmt: skip
    for name, (start, end) in scripts.items():
        assert any(start <= ord(character) <= end for character in everything), name


def test_any_byte_limit_cuts_a_character_of_each_size() -> None:
    texts = golden_texts()
    for limit in range(60, 80):
        cut = [text[:limit] for text in texts if len(text) > limit]
        lost = {len(part) - len(part.decode("utf-8", "ignore").encode()) for part in cut}
        assert {1, 2, 3} <= lost


@pytest.mark.parametrize("precision", ["fp32", "fp16", "int8"])
def test_every_file_of_the_edition_gives_the_golden_answers(
    finished: Path, golden: Golden, precision: str
) -> None:
    assert check_golden(pocketformer.open(finished / f"tiny.{precision}.tflite"), golden) == ()


def test_the_file_is_read_back_as_it_was_saved(golden: Golden, tmp_path: Path) -> None:
    golden.save(tmp_path / GOLDEN_FILE)
    assert Golden.load(tmp_path / GOLDEN_FILE) == golden


def test_the_file_tells_another_platform_all_it_needs(golden: Golden, finished: Path, tmp_path: Path) -> None:
    """Read as plain JSON: ids are transformers' own, floats are exactly float32."""
    golden.save(tmp_path / GOLDEN_FILE)
    content = json.loads((tmp_path / GOLDEN_FILE).read_text("utf-8"))
    assert {"format_version", "edition", "labels", "lengths", "max_bytes", "tolerance"} <= content.keys()
    tokenizer = AutoTokenizer.from_pretrained(finished / "checkpoint")
    for case, text in zip(content["cases"], golden_texts(), strict=True):
        ids = tokenizer(cut_text(text, MAX_BYTES), truncation=True, max_length=32)["input_ids"]
        assert case["input_ids"] == ids
        assert case["length"] == len(ids)
        assert case.get("text", "").encode() in (text, b"")
        assert all(float(np.float32(value)) == pytest.approx(value, rel=1e-7) for value in case["scores"])
        assert sum(case["scores"]) == pytest.approx(1, abs=1e-6)
    assert content["cases"][2]["text"] == ""
    assert sum("text" not in case for case in content["cases"]) >= 20


def test_what_is_cut_is_marked(golden: Golden) -> None:
    by_text = {case.content: case for case in golden.cases}
    assert not by_text[b"Hello"].truncated
    assert by_text["長".encode() * 300].truncated  # more bytes than fit
    assert by_text[b"antidisestablishmentarianism pneumonoultramicroscopicsilicovolcanoconiosis"].truncated
    assert all(case.length == 32 for case in golden.cases if case.truncated and len(case.content) < MAX_BYTES)


def test_a_wrong_id_and_a_wrong_score_are_told(finished: Path, golden: Golden) -> None:
    model = pocketformer.open(finished / "tiny.fp32.tflite")
    ids = (golden.cases[1].input_ids[0] + 1, *golden.cases[1].input_ids[1:])
    (miss,) = check_golden(model, changed(golden, 1, input_ids=ids))
    assert "Golden text 1 (b'Hello'): its ids are [" in str(miss)
    scores = golden.cases[3].scores
    assert scores is not None
    (miss,) = check_golden(model, changed(golden, 3, scores=(scores[0] + 0.01, *scores[1:])))
    assert "a score is off by 0.01, at most 0.0001 is allowed" in str(miss)


def test_a_file_of_other_lengths_is_no_subject(finished: Path, golden: Golden) -> None:
    model = pocketformer.open(finished / "tiny.fp32.tflite")
    with pytest.raises(InputError, match=r"for 64 bytes and \[16, 32\] tokens"):
        check_golden(model, golden.model_copy(update={"max_bytes": 64}))


def test_a_plan_that_the_golden_texts_have_no_limit_for_has_its_own(finished: Path, golden: Golden) -> None:
    model = pocketformer.open(finished / "tiny.fp32.tflite")
    other = golden.model_copy(update={"tolerance": {"int8": 0.2}})
    assert check_golden(model, other) == ()
    scores = golden.cases[3].scores
    assert scores is not None
    assert len(check_golden(model, changed(other, 3, scores=(scores[0] + 0.01, *scores[1:])))) == 1


def test_an_encoder_has_its_state_instead_of_scores(tmp_path: Path) -> None:
    source = str(tiny_checkpoint(tmp_path / "encoder", "distilbert"))
    target_named("litert").export(
        Program.from_checkpoint(source, Shapes((16,), 64)), "fp32", tmp_path / "encoder.fp32.tflite"
    )
    golden = make_golden(source, "encoder", (16,), 64)
    model = pocketformer.open(tmp_path / "encoder.fp32.tflite")
    assert check_golden(model, golden) == ()
    state = golden.cases[0].state
    assert state is not None
    assert len(state) == 8
    (miss,) = check_golden(model, changed(golden, 0, state=(state[0] + 1, *state[1:])))
    assert "its state is off by" in str(miss)


def test_no_golden_file_is_a_sentence(tmp_path: Path) -> None:
    with pytest.raises(FileFormatError, match=r"golden\.json does not exist"):
        Golden.load(tmp_path / GOLDEN_FILE)
    (tmp_path / GOLDEN_FILE).write_text('{"format_version": 2}')
    with pytest.raises(FileFormatError, match=r"cannot be read: .* at format_version"):
        Golden.load(tmp_path / GOLDEN_FILE)
