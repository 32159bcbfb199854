"""Run every text of some tables through saved tokenizer files and count where ids differ from Hugging Face's.

    python benchmarks/tokenizer_equality.py --vocab uncased-vocab.txt --vocab chinese-vocab.txt TABLE...

A vocabulary is a `vocab.txt`. Tables are read by the data room; each text goes through the saved LiteRT
file as bytes, at 128 tokens and 1,024 bytes.
"""

from __future__ import annotations

import argparse
import json
import tempfile
from pathlib import Path

import numpy as np

from pocketformer.data import Columns
from pocketformer.data.columns import find_columns
from pocketformer.data.table import read_table
from pocketformer.program import Program, Shapes
from pocketformer.targets import target_named
from pocketformer.tokenizer import encode_text, read_tokenizer, reference_ids

SHAPES = Shapes(lengths=(128,))


def tokenizer_directory(folder: Path, vocabulary: Path) -> Path:
    """Write the files an uncased BERT checkpoint has for its tokenizer."""
    directory = folder / vocabulary.stem
    directory.mkdir()
    (directory / "vocab.txt").write_bytes(vocabulary.read_bytes())
    settings = {"tokenizer_class": "BertTokenizer", "do_lower_case": True}
    (directory / "tokenizer_config.json").write_text(json.dumps(settings), encoding="utf-8")
    return directory


def texts_of(path: Path) -> list[str]:
    """Return every text of a table, labelled or not."""
    grid = read_table(path, Columns()).grid
    column = find_columns(grid.names, Columns(), str(path)).text
    return [str(text) for text in grid.column(column) if text]


def mismatches(directory: Path, texts: list[str]) -> int:
    """Return in how many texts the saved file's ids or mask differ."""
    path = directory / "tokenizer.tflite"
    target = target_named("litert")
    target.export(Program.of_tokenizer(str(directory), SHAPES), "fp32", path)
    session = target.open(path)
    size = SHAPES.text_bytes
    ids, masks = reference_ids(read_tokenizer(directory), texts, size, SHAPES.max_length)
    wrong = 0
    for row, text in enumerate(texts):
        found = session.run("tokenize", {"text": encode_text(text, size)})
        same = np.array_equal(found["input_ids"][0], ids[row])
        wrong += not (same and np.array_equal(found["attention_mask"][0], masks[row]))
    return wrong


def main() -> None:
    """Print one row per vocabulary and table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--vocab", type=Path, action="append", required=True)
    parser.add_argument("tables", type=Path, nargs="+")
    arguments = parser.parse_args()
    tables = {path: texts_of(path) for path in arguments.tables}
    with tempfile.TemporaryDirectory() as folder:
        for vocabulary in arguments.vocab:
            directory = tokenizer_directory(Path(folder), vocabulary)
            for path, texts in tables.items():
                name = f"{path.parent.name}/{path.name}"
                print(f"| {vocabulary.name} | {name} | {len(texts):,} | {mismatches(directory, texts)} |")


if __name__ == "__main__":
    main()
