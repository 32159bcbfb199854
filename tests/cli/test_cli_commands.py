"""The commands, as a person types them: what they print, what they write, how they refuse."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from pocketformer.cli import main


def run(capsys: pytest.CaptureFixture[str], *arguments: object) -> tuple[int, str, str]:
    """Run the command line in this process; return its exit code, standard output and standard error."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sys, "argv", ["pocketformer", *map(str, arguments)])
        with pytest.raises(SystemExit) as stopped:
            main()
    captured = capsys.readouterr()
    code = stopped.value.code
    return (code if isinstance(code, int) else 0), captured.out, captured.err


def refused(capsys: pytest.CaptureFixture[str], *arguments: object) -> str:
    """Run a command that must be refused: exit code 2, one sentence, nothing on standard output."""
    code, out, err = run(capsys, *arguments)
    assert code == 2, err
    assert out == ""
    assert "Traceback" not in err
    errors = [line for line in err.splitlines() if line.startswith("error: ")]
    assert len(errors) == 1, err
    return errors[0]


def test_predict_tells_the_label(capsys: pytest.CaptureFixture[str], finished: Path) -> None:
    code, out, _ = run(capsys, "predict", finished / "tiny.int8.tflite", "where is my card")
    assert code == 0
    assert "→ bank" in out
    code, out, _ = run(capsys, "predict", finished / "tiny.int8.tflite", "hello world", "my card", "--json")
    found = json.loads(out)
    assert [one["text"] for one in found] == ["hello world", "my card"]
    assert set(found[0]["scores"]) == {"bank", "greeting"}


def test_inspect_lists_signatures_and_operations(capsys: pytest.CaptureFixture[str], finished: Path) -> None:
    code, out, _ = run(capsys, "inspect", finished / "tiny.int8.tflite")
    assert code == 0
    assert "classify_16" in out
    assert "FULLY_CONNECTED" in out
    assert "custom" not in out
    code, out, _ = run(capsys, "inspect", finished / "tiny.int8.tflite", "--json")
    assert json.loads(out)["labels"] == ["bank", "greeting"]


def test_verify_with_a_table_and_with_sample_texts(
    capsys: pytest.CaptureFixture[str], dist: Path, recipe_path: Path
) -> None:
    code, out, _ = run(capsys, "verify", dist, "--data", recipe_path.parent / "test.csv", "--json")
    assert code == 0
    assert [verdict["misses"] for verdict in json.loads(out)] == [[], [], []]


def test_bench_prints_ratios(capsys: pytest.CaptureFixture[str], dist: Path) -> None:
    code, out, _ = run(capsys, "bench", dist, "--rounds", 1, "--threads", 1, "--json")
    assert code == 0
    result = json.loads(out)
    assert {row["baseline"] for row in result["comparisons"]} == {"PyTorch fp32", "fixed-length fp32 file"}
    assert all(cost["memory_bytes"] > 0 for cost in result["footprints"])
    works = {row["work"] for row in result["timings"] if row["contender"] == "tiny.int8.tflite"}
    assert {"tokenize", "classify_16", "classify", "text"} <= works


def test_finetune_writes_a_checkpoint_and_says_what_is_next(
    capsys: pytest.CaptureFixture[str], recipe_path: Path, tmp_path: Path
) -> None:
    from pocketformer.checkpoint import load_classifier

    output = tmp_path / "checkpoint"
    arguments = [
        "finetune",
        recipe_path.parent / "train.csv",
        "-o",
        output,
        "--base",
        recipe_path.parent / "base",
    ]
    code, out, err = run(capsys, *arguments, "--epochs", 1, "--max-length", 32)
    assert code == 0, err
    assert f"Wrote {output}: accuracy" in out
    assert f"pocketformer export {output}" in err
    assert load_classifier(output).labels == ("bank", "greeting")


def test_a_student_is_cut_and_distilled(
    capsys: pytest.CaptureFixture[str], finished: Path, recipe_path: Path, tmp_path: Path
) -> None:
    from pocketformer.checkpoint import load_classifier

    teacher, table = finished / "checkpoint", recipe_path.parent / "train.csv"
    start, student, pool = tmp_path / "start", tmp_path / "student", tmp_path / "pool.txt"
    pool.write_text("please find my card\nhello the world\n", "utf-8")
    code, out, err = run(capsys, "shrink", teacher, "-o", start, "--layers", "1", "--train", table)
    assert code == 0, err
    assert f"Wrote {start}: " in out
    assert "pocketformer distill" in err
    arguments = ["distill", teacher, start, table, "-o", student, "--unlabelled", pool, "--max-length", 32]
    code, out, err = run(capsys, *arguments, "--epochs", 2, "--set", "focal_gamma=1.5", "--json")
    assert code == 0, err
    result = json.loads(out)
    assert result["teacher"] == str(teacher)
    assert (result["settings"]["focal_gamma"], len(result["epochs"])) == (1.5, 2)
    assert "2 texts without a label" in err
    assert load_classifier(student).encoder.config.num_hidden_layers == 1


def test_options_of_students_that_make_no_sense_are_refused(
    capsys: pytest.CaptureFixture[str], finished: Path, recipe_path: Path, tmp_path: Path
) -> None:
    teacher, table, out = finished / "checkpoint", recipe_path.parent / "train.csv", tmp_path / "out"
    shrink = ["shrink", teacher, "-o", out, "--train", table]
    assert "--layers was given" in refused(capsys, *shrink, "--layers", "two")
    assert "the encoder has 2" in refused(capsys, *shrink, "--layers", "9")
    assert "starts from --scratch" in refused(capsys, *shrink, "--width", 64)
    distill = ["distill", teacher, teacher, table, "-o", out]
    assert "no setting 'colour'" in refused(capsys, *distill, "--set", "colour=red")
    assert "give a name and a value" in refused(capsys, *distill, "--set", "epochs")
    assert "'temperature'" in refused(capsys, *distill, "--temperature", "0.5")
    assert not out.exists()


def test_report_is_written_anew(capsys: pytest.CaptureFixture[str], dist: Path) -> None:
    before = (dist / "report.html").read_bytes()
    (dist / "report.html").unlink()
    code, out, _ = run(capsys, "report", dist)
    assert code == 0
    assert "report.html" in out
    assert (dist / "report.html").read_bytes() == before


def test_help_teaches(capsys: pytest.CaptureFixture[str]) -> None:
    code, out, _ = run(capsys, "--help")
    assert code == 0
    for command in (
        "run",
        "finetune",
        "search",
        "shrink",
        "distill",
        "export",
        "verify",
        "bench",
        "predict",
        "inspect",
        "report",
    ):
        assert command in out
    _, out, _ = run(capsys, "run", "--help")
    assert 'train = "train.csv"' in out


def test_tables_that_cannot_be_learned_from(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    empty = tmp_path / "empty.csv"
    empty.write_bytes(b"")
    assert "empty.csv" in refused(capsys, "finetune", empty, "-o", tmp_path / "out")
    table = tmp_path / "table.csv"
    table.write_text("text,label\na,x\nb,y\n", encoding="utf-8")
    assert "colour" in refused(capsys, "finetune", table, "-o", tmp_path / "out", "--label", "colour")
    assert "directory" in refused(capsys, "finetune", tmp_path, "-o", tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_files_that_are_no_models(capsys: pytest.CaptureFixture[str], finished: Path, tmp_path: Path) -> None:
    cut = tmp_path / "cut.tflite"
    cut.write_bytes((finished / "tiny.int8.tflite").read_bytes()[:5000])
    assert "cut short" in refused(capsys, "predict", cut, "hello")
    assert "cut short" in refused(capsys, "inspect", cut)
    assert "is a directory" in refused(capsys, "run", tmp_path)
    assert "edition.json" in refused(capsys, "verify", tmp_path)


def test_an_unknown_architecture_is_named_with_the_list(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    checkpoint = tmp_path / "llama"
    checkpoint.mkdir()
    (checkpoint / "config.json").write_text('{"model_type": "llama", "architectures": ["LlamaModel"]}')
    sentence = refused(capsys, "export", checkpoint, "-o", tmp_path / "out")
    assert "'llama'" in sentence
    assert "distilbert" in sentence
    assert not (tmp_path / "out").exists()


def test_texts_no_model_can_read(finished: Path) -> None:
    """On standard input, as nobody can type them: a megabyte in one line, and bytes that are no UTF-8."""
    command = [sys.executable, "-m", "pocketformer", "predict", str(finished / "tiny.int8.tflite")]
    environment = {**os.environ, "PYTHONWARNINGS": "ignore"}
    for content, words in ((b"x" * 1_000_000, "1,000,000 bytes"), (b"ab\xff", "lone surrogate")):
        done = subprocess.run(command, input=content, capture_output=True, check=False, env=environment)
        assert done.returncode == 2
        assert words in done.stderr.decode()
        assert done.stdout == b""


def test_a_full_disk_leaves_nothing_half_written(
    capsys: pytest.CaptureFixture[str], dist: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import errno

    def full(descriptor: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    before = sorted(path.name for path in dist.iterdir())
    (dist / "report.md").unlink()
    monkeypatch.setattr("pocketformer.files.os.fsync", full)
    assert "No space left on device" in refused(capsys, "report", dist)
    after = sorted(path.name for path in dist.iterdir())
    assert [name for name in before if name != "report.md"] == after


def test_a_recipe_with_an_unknown_setting(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    recipe = tmp_path / "recipe.toml"
    recipe.write_text('name = "a"\nbase = "b"\noutput = "c"\ncolour = 1\n[data]\ntrain = "t.csv"\n')
    assert "'colour'" in refused(capsys, "run", recipe)


def test_options_out_of_range_are_sentences(
    capsys: pytest.CaptureFixture[str], finished: Path, tmp_path: Path
) -> None:
    checkpoint = finished / "checkpoint"
    assert "'int3'" in refused(capsys, "export", checkpoint, "-o", tmp_path / "a", "--precision", "int3")
    assert "ascending" in refused(
        capsys, "export", checkpoint, "-o", tmp_path / "b", "--length", 32, "--length", 16
    )
    assert "64 positions" in refused(capsys, "export", checkpoint, "-o", tmp_path / "c", "--length", 512)
