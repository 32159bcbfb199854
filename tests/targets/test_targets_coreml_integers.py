"""Core ML packages count exactly: token ids pass through no float and no 16-bit integer."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from transformers import BertTokenizerFast

from pocketformer.program import Program, Shapes
from pocketformer.targets import ExportOptions
from pocketformer.targets import coreml as target
from pocketformer.targets.coreml.package import block_of, operations_in, read_package
from pocketformer.targets.coreml.protobuf import program_messages
from pocketformer.tokenizer import encode_text, read_tokenizer, reference_ids
from tiny import tiny_checkpoint, tiny_vocab

SHAPES = Shapes((16,), 96)
# Consonants that no word of the tiny vocabulary begins with, so that each made-up word is one piece.
WORDS = [f"{a}{b}{c}{d}" for a in "bdfgjklpqrvxz" for b in "bcdfghjklmnpqrstvwxz" for c in "aeiou" for d in
         "bcdfghjklmnpqrstvwxzaeiou012345678"]  # fmt: skip
CHINESE = [chr(point) for point in range(0x4E00, 0x4E00 + 300)]


def write_vocab(folder: Path, vocabulary: list[str], *, lower: bool) -> None:
    (folder / "vocab.txt").write_text("".join(f"{piece}\n" for piece in vocabulary), "utf-8")
    (folder / "tokenizer.json").unlink(missing_ok=True)
    tokenizer = BertTokenizerFast(vocab=str(folder / "vocab.txt"), do_lower_case=lower, model_max_length=64)
    tokenizer.save_pretrained(folder)


@pytest.fixture(scope="module")
def large(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An encoder of 43,000 pieces."""
    folder = tmp_path_factory.mktemp("large")
    vocabulary = list(dict.fromkeys(tiny_vocab() + WORDS))
    assert len(vocabulary) > 43_000
    source = tiny_checkpoint(folder / "e", vocab_size=len(vocabulary))
    write_vocab(source, vocabulary, lower=True)
    return source


@pytest.fixture(scope="module")
def program(large: Path) -> Program:
    return Program.from_checkpoint(str(large), SHAPES).only("encode", "tokenize", "encode_16")


@pytest.fixture(scope="module")
def packages(program: Program, tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    folder = tmp_path_factory.mktemp("packages")
    target.export(program, "fp16", folder / "new.mlpackage")
    target.export(program, "fp16", folder / "old.mlpackage", ExportOptions("16"))
    return [folder / "new.mlpackage", folder / "old.mlpackage"]


def blocks(path: Path) -> Iterator[tuple[str, Any]]:
    names = {path.name, *target.describe(path).parts}
    for name in names:
        for function, message in read_package(path.with_name(name)).functions.items():
            yield f"{name} {function}", block_of(message)


def test_ids_beyond_32767_are_exact(large: Path, program: Program, packages: list[Path]) -> None:
    texts = [" ".join(WORDS[start : start + 12]) for start in (0, 20_000, 33_000, 40_000, 43_000)]
    expected, _ = reference_ids(read_tokenizer(large), texts, 96, 16)
    assert expected.max() > 42_000
    module = {one.name: one.module for one in program.signatures}["encode"]
    for path in packages:
        session = target.open(path)
        for row, text in enumerate(texts):
            given = {"text": encode_text(text, 96)}
            assert np.array_equal(session.run("tokenize", given)["input_ids"][0], expected[row])
            with torch.inference_mode():
                states = module(**{"text": torch.from_numpy(given["text"])})["last_hidden_state"].numpy()
            found = session.run("encode", given)["last_hidden_state"]
            assert np.abs(found - states).max() < 0.02  # another row of the table would be off by more
            assert np.abs(found[:, 1:] - states[:, :-1]).max() > 0.5


def test_no_value_has_a_16_bit_integer_type(packages: list[Path]) -> None:
    types = program_messages().DataType
    narrow = {types.Value("INT16"), types.Value("UINT16")}
    for path in packages:
        for name, block in blocks(path):
            for operation in operations_in(block):
                for output in operation.outputs:
                    assert output.type.tensorType.dataType not in narrow, (name, output.name)


def test_no_id_passes_through_a_float(packages: list[Path]) -> None:
    """Everything that an id depends on, from the text or the input on, is an integer or a truth value."""
    types = program_messages().DataType
    exact = {types.Value(name) for name in ("INT32", "BOOL", "STRING")}
    seen = 0
    for path in packages:
        for name, block in blocks(path):
            made = {out.name: (op, out) for op in operations_in(block) for out in op.outputs}
            open_names = [
                binding.name
                for operation in operations_in(block)
                if operation.type == "gather"
                for binding in operation.inputs["indices"].arguments
            ]
            open_names += [one for one in block.outputs if made[one][1].type.tensorType.dataType in exact]
            reached: set[str] = set()
            while open_names:
                value = open_names.pop()
                if value in reached or value not in made:
                    continue
                reached.add(value)
                operation, output = made[value]
                assert output.type.tensorType.dataType in exact, (name, value, operation.type)
                open_names += [
                    one.name
                    for argument in operation.inputs.values()
                    for one in argument.arguments
                    if one.name
                ]
            seen += len(reached)
    assert seen > 1000


def test_a_cased_and_chinese_vocabulary(tmp_path: Path) -> None:
    source = tiny_checkpoint(tmp_path / "e", vocab_size=len(tiny_vocab()) + 302)
    write_vocab(source, [*tiny_vocab(), *CHINESE, "Card", "É"], lower=False)
    program = Program.of_tokenizer(str(source), Shapes((16,), 64))
    target.export(program, "fp16", tmp_path / "t.mlpackage")
    session = target.open(tmp_path / "t.mlpackage")
    texts = [
        "Card card É é",
        "".join(CHINESE[:9]),
        "一丁 Card七!",
        "\ud7ff\uffff😀 card",
        "[MASK] Card [SEP]",
        "",
    ]
    expected, mask = reference_ids(read_tokenizer(source), texts, 64, 16)
    for row, text in enumerate(texts):
        found = session.run("tokenize", {"text": encode_text(text, 64)})
        assert np.array_equal(found["input_ids"][0], expected[row]), text
        assert found["length"][0] == mask[row].sum()
