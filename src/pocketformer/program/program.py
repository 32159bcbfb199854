"""A program: the signatures of one checkpoint, over one set of weights."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import Tensor, nn

from pocketformer.checkpoint import is_classifier, load_classifier, load_encoder, local_directory
from pocketformer.plan import Plan, baked
from pocketformer.program.embeddings import make_safe
from pocketformer.program.modules import ClassifyIds, EncodeIds, FromText, LogitsOnly, Tokenize
from pocketformer.program.shapes import DEFAULT_SHAPES, Shapes
from pocketformer.tokenizer import InGraphTokenizer, build_tables, read_tokenizer


@dataclass(frozen=True, slots=True)
class Signature:
    """One named entry point before export: a module and example inputs of its fixed shapes."""

    name: str
    module: nn.Module
    inputs: dict[str, Tensor]


@dataclass(frozen=True, eq=False)
class Program:
    """Everything a target needs to write a file.

    Attributes:
        kind: "classifier", "encoder", or "tokenizer".
        signatures: What the file will offer; their modules share one set of weights.
        tokenizers: The tokenizer modules among them, so that a target can choose their gather.
        metadata: JSON-friendly facts that go into the file: labels, sizes, provenance.
        model: What the signatures run, whose `named_modules()` are the layers a plan speaks of; None where
            there is nothing but a tokenizer.
    """

    kind: str
    signatures: tuple[Signature, ...]
    tokenizers: tuple[InGraphTokenizer, ...]
    metadata: dict[str, Any]
    model: nn.Module | None = None

    @classmethod
    def from_checkpoint(
        cls, source: str, shapes: Shapes = DEFAULT_SHAPES, provenance: Mapping[str, Any] | None = None
    ) -> Program:
        """Build the program of a checkpoint: a classifier's, or an encoder's when it has no head.

        Args:
            source: A Hugging Face directory or hub id.
            shapes: The lengths to offer.
            provenance: Facts to store in the file's metadata beside the program's own.

        Raises:
            CheckpointError: The checkpoint cannot be used.
            TokenizerError: Its tokenizer cannot run inside a file.
            ExportError: The encoder cannot have these shapes.
        """
        classifier = load_classifier(source) if is_classifier(source) else None
        encoder = load_encoder(source) if classifier is None else classifier.encoder
        shapes = shapes.checked(int(encoder.config.max_position_embeddings))
        tokenizers = _tokenizers(source, shapes)
        make_safe(encoder)
        if classifier is None:
            on_ids: nn.Module = EncodeIds(encoder)
            verb = "encode"
        else:
            on_ids = ClassifyIds(classifier)
            verb = "classify"
        kind = "encoder" if classifier is None else "classifier"
        metadata = {
            "kind": kind,
            "labels": [] if classifier is None else list(classifier.labels),
            "multi_label": classifier is not None and classifier.multi_label,
            "lengths": list(shapes.lengths),
            "max_bytes": shapes.text_bytes,
            "vocabulary_size": int(encoder.config.vocab_size),
            "architecture": str(encoder.config.model_type),
            **(provenance or {}),
        }
        signatures = _signatures(verb, on_ids.eval(), tokenizers, shapes)
        return cls(kind, signatures, tokenizers, metadata, encoder if classifier is None else classifier)

    @classmethod
    def of_tokenizer(cls, source: str, shapes: Shapes = DEFAULT_SHAPES) -> Program:
        """Build a program of the `tokenize` signatures alone.

        Args:
            source: A directory with tokenizer files, or a hub id.
            shapes: The lengths to offer.

        Raises:
            TokenizerError: The tokenizer cannot run inside a file.
        """
        tokenizers = _tokenizers(source, shapes)
        metadata = {"kind": "tokenizer", "lengths": list(shapes.lengths), "max_bytes": shapes.text_bytes}
        return cls("tokenizer", _tokenize_signatures(tokenizers), tokenizers, metadata)

    @contextmanager
    def baked(self, plan: Plan) -> Iterator[None]:
        """Have the weights on a plan's grid, by the checkpoint's own names of layers, inside the block."""
        with baked(self.model, plan) if self.model is not None else nullcontext():
            yield

    def only(self, *names: str) -> Program:
        """Return this program with some of its signatures: for baselines and for old clients."""
        kept = tuple(signature for signature in self.signatures if signature.name in names)
        return replace(self, signatures=kept)


def _signatures(
    verb: str, on_ids: nn.Module, tokenizers: tuple[InGraphTokenizer, ...], shapes: Shapes
) -> tuple[Signature, ...]:
    from_text = FromText(tokenizers[-1], on_ids).eval()
    signatures = [
        Signature(verb, from_text, _text_input(shapes.text_bytes)),
        *_tokenize_signatures(tokenizers),
    ]
    signatures += [Signature(f"{verb}_{length}", on_ids, _id_inputs(length)) for length in shapes.lengths]
    familiar = on_ids if verb == "encode" else LogitsOnly(on_ids).eval()
    signatures.append(Signature("serving_default", familiar, _id_inputs(shapes.max_length)))
    return tuple(signatures)


def _tokenizers(source: str, shapes: Shapes) -> tuple[InGraphTokenizer, ...]:
    """Return one tokenizer per byte length, ascending, over one set of tables."""
    tables = build_tables(read_tokenizer(local_directory(source)))
    return tuple(InGraphTokenizer(tables, size, shapes.max_length).eval() for size in shapes.tokenizer_bytes)


def _tokenize_signatures(tokenizers: tuple[InGraphTokenizer, ...]) -> tuple[Signature, ...]:
    """Return `tokenize` at the full byte length, and `tokenize_N_bytes` for the shorter ones."""
    *shorter, full = tokenizers
    named = {"tokenize": full} | {f"tokenize_{one.max_bytes}_bytes": one for one in shorter}
    return tuple(
        Signature(name, Tokenize(one).eval(), _text_input(one.max_bytes)) for name, one in named.items()
    )


def _text_input(size: int) -> dict[str, Tensor]:
    return {"text": torch.zeros(1, size, dtype=torch.int32)}


def _id_inputs(length: int) -> dict[str, Tensor]:
    zeros = torch.zeros(1, length, dtype=torch.int32)
    return {"input_ids": zeros, "attention_mask": zeros + 1, "token_type_ids": zeros.clone()}
