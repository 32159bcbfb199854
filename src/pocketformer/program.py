"""The model as it ships: named signatures over one set of weights, tokenizer included."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn

from pocketformer.checkpoint import (
    is_classifier,
    load_classifier,
    load_encoder,
    local_directory,
    require_supported,
)
from pocketformer.errors import ExportError
from pocketformer.tokenizer import InGraphTokenizer, build_tables, read_tokenizer

if TYPE_CHECKING:
    from transformers import PreTrainedModel

    from pocketformer.checkpoint import TextClassifier

#: Added to the attention scores of padding: far below any real score, and finite in float16.
MASKED_SCORE = -1e4

_BYTES_PER_TOKEN = 8  # room for 128 tokens of any script; English needs 5, Chinese 3
_SHORTEST_TEXT_BYTES = 64
_SHORT_TEXT_DIVISOR = 8  # a line of 14 tokens has some 70 bytes; a buffer of 1,024 costs twice one of 128


@dataclass(frozen=True, slots=True)
class Shapes:
    """The fixed sizes a program is built for.

    Attributes:
        lengths: Tokens per id signature, ascending; the last one is the full length.
        max_bytes: UTF-8 bytes of text that the text signatures read; 8 per token when None.
    """

    lengths: tuple[int, ...] = (16, 32, 64, 128)
    max_bytes: int | None = None

    @property
    def max_length(self) -> int:
        """Tokens at the full length."""
        return self.lengths[-1]

    @property
    def text_bytes(self) -> int:
        """Bytes of text at the full length."""
        return self.max_bytes or self.max_length * _BYTES_PER_TOKEN

    @property
    def tokenizer_bytes(self) -> tuple[int, ...]:
        """Byte lengths in which `tokenize` comes, ascending."""
        short = self.text_bytes // _SHORT_TEXT_DIVISOR
        return (short, self.text_bytes) if short >= _SHORTEST_TEXT_BYTES else (self.text_bytes,)

    def checked(self, positions: int) -> Shapes:
        """Return these shapes if an encoder of `positions` positions can have them.

        Raises:
            ExportError: They are empty, unordered, too short or too long.
        """
        ordered = tuple(sorted(set(self.lengths)))
        if not ordered or ordered != tuple(self.lengths) or ordered[0] < 4:
            raise ExportError(
                f"Lengths {list(self.lengths)} cannot be exported: give different token counts of at "
                "least 4 in ascending order, such as 16, 32, 64, 128."
            )
        if self.max_length > positions:
            raise ExportError(
                f"Length {self.max_length} exceeds the {positions} positions this encoder was trained "
                f"for. Give lengths of at most {positions}."
            )
        if self.text_bytes < self.max_length:
            raise ExportError(
                f"max_bytes {self.text_bytes} is less than the {self.max_length} tokens of the full "
                "length. Give at least one byte per token; 8 per token is the default."
            )
        return self


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
        kind: "classifier" or "encoder".
        signatures: What the file will offer; their modules share one set of weights.
        tokenizers: The tokenizer modules among them, so that a target can choose their gather.
        metadata: JSON-friendly facts that go into the file: labels, sizes, provenance.
    """

    kind: str
    signatures: tuple[Signature, ...]
    tokenizers: tuple[InGraphTokenizer, ...]
    metadata: dict[str, Any]
    shapes: Shapes
    labels: tuple[str, ...] = ()
    multi_label: bool = False
    source: str = ""

    @classmethod
    def from_checkpoint(
        cls, source: str, shapes: Shapes = Shapes(), provenance: Mapping[str, Any] | None = None
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
            on_ids: nn.Module = _EncodeIds(encoder)
            verb = "encode"
        else:
            on_ids = _ClassifyIds(classifier)
            verb = "classify"
        labels = () if classifier is None else classifier.labels
        multi_label = classifier is not None and classifier.multi_label
        metadata = {
            "kind": "encoder" if classifier is None else "classifier",
            "labels": list(labels),
            "multi_label": multi_label,
            "lengths": list(shapes.lengths),
            "max_bytes": shapes.text_bytes,
            "vocabulary_size": int(encoder.config.vocab_size),
            "architecture": str(encoder.config.model_type),
            **(provenance or {}),
        }
        return cls(
            kind=str(metadata["kind"]),
            signatures=_signatures(verb, on_ids.eval(), tokenizers, shapes),
            tokenizers=tokenizers,
            metadata=metadata,
            shapes=shapes,
            labels=labels,
            multi_label=multi_label,
            source=str(source),
        )

    @classmethod
    def of_tokenizer(cls, source: str, shapes: Shapes = Shapes()) -> Program:
        """Build a program of the `tokenize` signatures alone.

        Args:
            source: A directory with tokenizer files, or a hub id.
            shapes: The lengths to offer.

        Raises:
            TokenizerError: The tokenizer cannot run inside a file.
        """
        tokenizers = _tokenizers(source, shapes)
        metadata = {"kind": "tokenizer", "lengths": list(shapes.lengths), "max_bytes": shapes.text_bytes}
        return cls("tokenizer", _tokenize_signatures(tokenizers), tokenizers, metadata, shapes)

    def only(self, *names: str) -> Program:
        """Return this program with some of its signatures: for baselines and for old clients."""
        kept = tuple(signature for signature in self.signatures if signature.name in names)
        return replace(self, signatures=kept)


def make_safe(encoder: nn.Module) -> None:
    """Make every id harmless in place: out-of-range word ids are clamped, token types computed.

    Weights are kept as they are. A runtime refuses, or reads past the end of, a table for an id
    outside it; and a two-row table looked up with constant zeros is folded by converters, so that
    the text and the id signatures would differ after quantising.
    """
    for name, module in list(encoder.named_modules()):
        if not isinstance(module, nn.Embedding):
            continue
        if re.search(r"(^|\.)word_embeddings$", name):
            encoder.set_submodule(name, _ClampedEmbedding(module))
        elif re.search(r"(^|\.)token_type_embeddings$", name) and module.num_embeddings == 2:
            encoder.set_submodule(name, _TokenTypeEmbedding(module))


def _signatures(
    verb: str, on_ids: nn.Module, tokenizers: tuple[InGraphTokenizer, ...], shapes: Shapes
) -> tuple[Signature, ...]:
    from_text = _FromText(tokenizers[-1], on_ids).eval()
    signatures = [
        Signature(verb, from_text, _text_input(shapes.text_bytes)),
        *_tokenize_signatures(tokenizers),
    ]
    signatures += [Signature(f"{verb}_{length}", on_ids, _id_inputs(length)) for length in shapes.lengths]
    familiar = on_ids if verb == "encode" else _LogitsOnly(on_ids).eval()
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
        Signature(name, _Tokenize(one).eval(), _text_input(one.max_bytes)) for name, one in named.items()
    )


def _text_input(size: int) -> dict[str, Tensor]:
    return {"text": torch.zeros(1, size, dtype=torch.int32)}


def _id_inputs(length: int) -> dict[str, Tensor]:
    zeros = torch.zeros(1, length, dtype=torch.int32)
    return {"input_ids": zeros, "attention_mask": zeros + 1, "token_type_ids": zeros.clone()}


def _encoder_inputs(input_ids: Tensor, mask: Tensor) -> dict[str, Tensor]:
    """Return position ids and an additive mask of our own: Hugging Face's mask code does not convert."""
    positions = torch.arange(input_ids.shape[1], dtype=torch.int32).unsqueeze(0)
    additive = (1 - mask.to(torch.float32)) * MASKED_SCORE
    return {"position_ids": positions, "encoder_mask": additive[:, None, None, :]}


class _ClassifyIds(nn.Module):
    """Ids [1, length] to scores and logits [1, labels]."""

    def __init__(self, model: TextClassifier) -> None:
        super().__init__()
        self.model = model

    def forward(self, input_ids: Tensor, attention_mask: Tensor, token_type_ids: Tensor) -> dict[str, Tensor]:
        mask = torch.clamp(attention_mask, 0, 1)
        output = self.model(input_ids, mask, token_type_ids, **_encoder_inputs(input_ids, mask))
        logits = output.logits
        scores = torch.sigmoid(logits) if self.model.multi_label else torch.softmax(logits, dim=-1)
        return {"scores": scores, "logits": logits}


class _EncodeIds(nn.Module):
    """Ids [1, length] to last_hidden_state [1, length, hidden], and pooler_output [1, hidden] if any."""

    def __init__(self, encoder: PreTrainedModel) -> None:
        super().__init__()
        self.encoder = encoder
        model_type = encoder.config.model_type
        self.takes_token_types = require_supported(model_type, model_type).takes_token_types

    def forward(self, input_ids: Tensor, attention_mask: Tensor, token_type_ids: Tensor) -> dict[str, Tensor]:
        mask = torch.clamp(attention_mask, 0, 1)
        inputs = _encoder_inputs(input_ids, mask)
        inputs["attention_mask"] = inputs.pop("encoder_mask")
        if self.takes_token_types:
            inputs["token_type_ids"] = token_type_ids
        output = self.encoder(input_ids=input_ids, **inputs)
        outputs = {"last_hidden_state": output.last_hidden_state}
        if getattr(output, "pooler_output", None) is not None:
            outputs["pooler_output"] = output.pooler_output
        return outputs


class _LogitsOnly(nn.Module):
    """The familiar signature of a classifier: ids to logits."""

    def __init__(self, classify: nn.Module) -> None:
        super().__init__()
        self.classify = classify

    def forward(self, input_ids: Tensor, attention_mask: Tensor, token_type_ids: Tensor) -> dict[str, Tensor]:
        return {"logits": self.classify(input_ids, attention_mask, token_type_ids)["logits"]}


class _Tokenize(nn.Module):
    """Text bytes [1, bytes] to ids, mask and types [1, length], and the count of real ids [1]."""

    def __init__(self, tokenizer: InGraphTokenizer) -> None:
        super().__init__()
        self.tokenizer = tokenizer

    def forward(self, text: Tensor) -> dict[str, Tensor]:
        tokens = self.tokenizer(text)
        return {
            "input_ids": tokens.input_ids,
            "attention_mask": tokens.attention_mask,
            "token_type_ids": tokens.token_type_ids,
            "length": tokens.length,
        }


class _FromText(nn.Module):
    """Text bytes [1, bytes] to whatever the id module gives at the full length."""

    def __init__(self, tokenizer: InGraphTokenizer, on_ids: nn.Module) -> None:
        super().__init__()
        self.tokenizer = tokenizer
        self.on_ids = on_ids

    def forward(self, text: Tensor) -> dict[str, Tensor]:
        tokens = self.tokenizer(text)
        outputs: dict[str, Tensor] = self.on_ids(
            tokens.input_ids, tokens.attention_mask, tokens.token_type_ids
        )
        return outputs


class _ClampedEmbedding(nn.Module):
    """An embedding [rows, hidden] that reads its first or last row for an id outside it."""

    def __init__(self, embedding: nn.Embedding) -> None:
        super().__init__()
        self.weight = embedding.weight

    def forward(self, ids: Tensor) -> Tensor:
        return nn.functional.embedding(torch.clamp(ids, 0, self.weight.shape[0] - 1), self.weight)


class _TokenTypeEmbedding(nn.Module):
    """A two-row embedding as arithmetic: first row, plus the difference where the type is 1."""

    def __init__(self, embedding: nn.Embedding) -> None:
        super().__init__()
        first, second = embedding.weight.detach()
        self.register_buffer("first", first.clone())
        self.register_buffer("step", second - first)

    def forward(self, types: Tensor) -> Tensor:
        first, step = self.get_buffer("first"), self.get_buffer("step")
        return first + torch.clamp(types, 0, 1).to(first.dtype).unsqueeze(-1) * step
