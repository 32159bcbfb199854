"""What is known of phones outlives a new run, as long as its files are the same."""

from __future__ import annotations

from pathlib import Path

from pocketformer.bench.device import DeviceBench, Phone
from pocketformer.edition import EDITION_FILE, Edition, EditionFile
from pocketformer.pipeline.device import with_phones_kept

PHONE = Phone("Pixel 8", "15", 35, "Tensor G3", "arm64-v8a", 9, 8 * 2**30)


def edition(digest: str, *phones: DeviceBench) -> Edition:
    file = EditionFile(
        file="a.int8.tflite", format="litert", precision="int8", size_bytes=1, zipped_bytes=1, sha256=digest,
        signatures=("tokenize", "classify"), operations=1, weight_bytes={}, oldest_runtime="LiteRT 2.18.0",
    )  # fmt: skip
    return Edition(
        name="a", created="2026-11-28T14:00:00Z", kind="classifier", labels=("no", "yes"), multi_label=False,
        base="b", architecture="bert", parameters=1, checkpoint="checkpoint", checkpoint_sha256="",
        files=(file,), device_bench=phones,
    )  # fmt: skip


def test_phones_are_kept_while_their_files_are_the_same(tmp_path: Path) -> None:
    measured = DeviceBench(
        PHONE, "2026-11-28T14:00:00Z", "benchmark_model", "ab" * 32, None, True, None, None,
        {"a.int8.tflite": "old"}, None, (),
    )  # fmt: skip
    edition("old", measured).save(tmp_path)
    assert with_phones_kept(edition("old"), tmp_path).device_bench == (measured,)
    assert with_phones_kept(edition("new"), tmp_path).device_bench == ()


def test_an_edition_that_cannot_be_read_is_replaced(tmp_path: Path) -> None:
    assert with_phones_kept(edition("new"), tmp_path).device_bench == ()
    (tmp_path / EDITION_FILE).write_text("{")
    assert with_phones_kept(edition("new"), tmp_path).device_bench == ()
