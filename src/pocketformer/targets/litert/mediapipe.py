"""A file for MediaPipe's TextClassifier: one subgraph, from ids to scores, that MediaPipe feeds itself."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from torch import Tensor, nn

from pocketformer import files
from pocketformer.errors import ExportError
from pocketformer.program import Signature
from pocketformer.targets.contract import NO_OPTIONS, ExportOptions
from pocketformer.targets.litert.exporting import finished_model
from pocketformer.targets.litert.flatbuffer import set_metadata
from pocketformer.targets.litert.signatures import UNNAMED_SIGNATURE
from pocketformer.targets.litert.task_metadata import (
    ENTRY,
    LABELS_FILE,
    VOCABULARY_FILE,
    text_classifier_metadata,
)
from pocketformer.tokenizer import read_options, read_tokenizer

if TYPE_CHECKING:
    from pocketformer.plan import Plan
    from pocketformer.program import Program

# MediaPipe's names for the inputs.
_INPUTS = {"input_ids": "ids", "attention_mask": "mask", "token_type_ids": "segment_ids"}


def write_mediapipe(
    program: Program, plan: Plan | str, path: Path, vocabulary: Path, options: ExportOptions = NO_OPTIONS
) -> None:
    """Write a classifier as a `.tflite` file that MediaPipe's TextClassifier takes.

    It reads token ids at the full length and gives scores; MediaPipe makes the ids. Its tokenizer is not
    Hugging Face's: see docs/runtimes.md for the texts that it reads otherwise.

    Args:
        program: A classifier's.
        plan: Of the weights, or the name of one.
        path: The file.
        vocabulary: The checkpoint's directory, or a `vocab.txt` or `tokenizer.json` in it.
        options: What the file must keep to.

    Raises:
        ExportError: It is no classifier, MediaPipe's tokenizer cannot make its ids, or as `export` does.
        TokenizerError: There is no tokenizer at `vocabulary`.
    """
    pieces = _pieces(vocabulary)
    labels = _labels(program)
    model = finished_model(_scores_only(program), plan, path, options)
    set_metadata(model.tree, ENTRY, text_classifier_metadata(path.stem, _input_order(model.tree)))
    content = io.BytesIO()
    content.write(model.content())
    with zipfile.ZipFile(content, "a", zipfile.ZIP_STORED) as archive:
        for name, lines in ((VOCABULARY_FILE, pieces), (LABELS_FILE, labels)):
            archive.writestr(zipfile.ZipInfo(name), _joined(lines))
    files.write_bytes(path, content.getbuffer())


class _Scores(nn.Module):
    """Ids to scores and nothing else."""

    def __init__(self, classify: nn.Module) -> None:
        super().__init__()
        self.classify = classify

    def forward(self, input_ids: Tensor, attention_mask: Tensor, token_type_ids: Tensor) -> dict[str, Tensor]:
        """Return `scores` [1, labels] of ids, mask and types, int32 [1, length]."""
        return {"scores": self.classify(input_ids, attention_mask, token_type_ids)["scores"]}


def _scores_only(program: Program) -> Program:
    length = program.metadata["lengths"][-1]
    full = next((one for one in program.signatures if one.name == f"classify_{length}"), None)
    if full is None:
        raise ExportError(
            f"A file for MediaPipe needs the signature 'classify_{length}', and this program has "
            f"{', '.join(one.name for one in program.signatures)}. Give the whole program of a classifier."
        )
    one = Signature(UNNAMED_SIGNATURE, _Scores(full.module).eval(), full.inputs)
    return replace(
        program, signatures=(one,), tokenizers=(), metadata={**program.metadata, "lengths": [length]}
    )


def _pieces(vocabulary: Path) -> list[str]:
    """Return the vocabulary's pieces in the order of their ids, if MediaPipe's tokenizer can use them."""
    tokenizer = read_tokenizer(vocabulary)
    by_id = {index: piece for piece, index in tokenizer.get_vocab().items()}
    if sorted(by_id) != list(range(len(by_id))):
        raise ExportError(f"The ids of {vocabulary} have gaps; MediaPipe counts the lines of vocab.txt.")
    options = read_options(tokenizer)
    named = {options.cls_id: "[CLS]", options.sep_id: "[SEP]", options.unk_id: "[UNK]"}
    other = [by_id[index] for index, name in named.items() if by_id[index] != name]
    if other:
        raise ExportError(
            f"MediaPipe's tokenizer looks for [CLS], [SEP] and [UNK]; {vocabulary} calls them "
            f"{', '.join(other)} instead."
        )
    if not options.lowercase:
        raise ExportError(
            f"MediaPipe's tokenizer lowercases every text, and {vocabulary} tells upper from lower case. "
            "Use the .tflite file with the tokenizer inside."
        )
    return [by_id[index] for index in range(len(by_id))]


def _labels(program: Program) -> list[str]:
    labels: list[str] = list(program.metadata.get("labels", ()))
    if program.kind != "classifier" or not labels:
        raise ExportError(
            f"MediaPipe's TextClassifier needs a classifier; this checkpoint is a {program.kind}."
        )
    for label in labels:
        if not label or "\n" in label or "\r" in label:
            raise ExportError(f"MediaPipe reads one label a line; {label!r} cannot be one. Rename it.")
    return labels


def _input_order(model: Any) -> list[str]:
    """Return what the subgraph's inputs are, in its own order."""
    (definition,) = model.signatureDefs
    names = {entry.tensorIndex: entry.name.decode() for entry in definition.inputs}
    return [_INPUTS[names[index]] for index in model.subgraphs[0].inputs.tolist()]


def _joined(lines: Iterable[str]) -> bytes:
    return "".join(f"{line}\n" for line in lines).encode()
