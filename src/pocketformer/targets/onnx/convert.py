"""The parts of a program as ONNX graphs, each by torch.onnx: the tokenizers, and the model on ids."""

from __future__ import annotations

import hashlib
import re
import weakref
from dataclasses import dataclass, field, replace
from itertools import chain
from typing import TYPE_CHECKING, Any

import onnx_ir as ir
import torch
from torch import Tensor, nn

from pocketformer.errors import ExportError
from pocketformer.plan import weighted_modules
from pocketformer.program.modules import FromText, Tokenize
from pocketformer.program.on_ids import plain_attention
from pocketformer.quiet import without_chatter
from pocketformer.targets.onnx.names import name_after_modules
from pocketformer.targets.onnx.opsets import EXPORTED_OPSET
from pocketformer.targets.onnx.owners import Owners, owners_in
from pocketformer.targets.onnx.translation import TRANSLATIONS

if TYPE_CHECKING:
    from pocketformer.program import Program
    from pocketformer.tokenizer import InGraphTokenizer

_EXAMPLE_TOKENS = 7  # of the example that is traced; files take any number
_POSITIONS = re.compile(r"(^|\.)position_embeddings\.weight$")
_ID_INPUTS = ("input_ids", "attention_mask", "token_type_ids")

# Where the checkpoint's model stands inside the modules of `program.modules`.
_MODEL_PATH = {
    "classifier": r"^(classify\.)?model(\.|$)",
    "encoder": r"^encoder(\.|$)",
    "module": r"^module(\.|$)",
}


@dataclass(frozen=True, slots=True)
class Parts:
    """The graphs that a file is put together from.

    Attributes:
        tokenizers: By the bytes they read, ascending: `text` int32 [1, bytes] to ids, mask, types, length.
        on_ids: Ids, mask and types, int32 [1, tokens], to what the model gives; for a plain module its own
            inputs to its outputs; None for a tokenizer alone.
        owners: The layers whose weights `on_ids` holds.
    """

    tokenizers: dict[int, ir.Model]
    on_ids: ir.Model | None
    owners: Owners = field(default_factory=dict)


# Converting takes most of an export's time, and each plan starts from the same graphs.
_converted: weakref.WeakKeyDictionary[Program, tuple[str, Parts]] = weakref.WeakKeyDictionary()


def convert(program: Program) -> Parts:
    """Return the program's graphs; not to be changed, they are kept for the next plan.

    The weights that a plan speaks of are read from the program's model when they are stored, as another plan
    has other ones; everything else must be what it was, or the graphs are made anew.

    Raises:
        ExportError: torch.onnx cannot take an operation of the model.
    """
    model = layers_model(program)
    state = "" if model is None else _unplanned_state(model)
    known = _converted.get(program)
    if known is None or known[0] != state:
        with without_chatter():
            parts = _parts(program)
        if model is not None and parts.on_ids is not None:
            parts = replace(parts, owners=owners_in(parts.on_ids.graph, model))
        if not all(owner.is_own for owner in parts.owners.values()):
            return parts  # a weight was made from several: only this state of them is known
        known = _converted[program] = (state, parts)
    return known[1]


def layers_model(program: Program) -> nn.Module | None:
    """Return the module whose `named_modules()` are the layers of a plan; None for a tokenizer alone."""
    if program.model is None and program.kind == "module":
        return program.signatures[0].module.get_submodule("module")
    return program.model


def _unplanned_state(model: nn.Module) -> str:
    """Return a digest of a model's shapes, and of all its numbers but the weights that a plan speaks of."""
    planned = {id(part.weight) for _, part, _ in weighted_modules(model)}
    digest = hashlib.sha256()
    for name, value in chain(model.named_parameters(), model.named_buffers()):
        digest.update(f"{name}{tuple(value.shape)}".encode())
        if id(value) not in planned:
            digest.update(value.detach().contiguous().numpy().tobytes())
    return digest.hexdigest()


def _parts(program: Program) -> Parts:
    if program.kind == "module":
        return Parts({}, _plain_module(program))
    takes_text = any("text" in signature.inputs for signature in program.signatures)
    tokenizers = program.tokenizers if takes_text else ()
    module = _on_ids(program)
    return Parts(
        {tokenizer.max_bytes: _tokenizer(tokenizer) for tokenizer in tokenizers},
        None if module is None else _model_on_ids(module, program),
    )


def _plain_module(program: Program) -> ir.Model:
    """Return the graph of a module's one signature, of the fixed shapes of its examples.

    Raises:
        ExportError: The program has several signatures: a graph is one.
    """
    if len(program.signatures) != 1:
        names = ", ".join(signature.name for signature in program.signatures)
        raise ExportError(
            f"An ONNX file holds one signature of a module; {names} were given. Write a file each."
        )
    (signature,) = program.signatures
    model = _exported(signature.module, signature.inputs, None)
    name_after_modules(model, _MODEL_PATH[program.kind])
    return model


def _on_ids(program: Program) -> nn.Module | None:
    """Return the module of ids that gives the most: scores and logits rather than logits alone."""
    modules = [signature.module for signature in program.signatures if "input_ids" in signature.inputs]
    modules += [one.module.on_ids for one in program.signatures if isinstance(one.module, FromText)]
    return modules[0] if modules else None


def _tokenizer(tokenizer: InGraphTokenizer) -> ir.Model:
    text = torch.zeros(1, tokenizer.max_bytes, dtype=torch.int32)
    model = _exported(Tokenize(tokenizer).eval(), {"text": text}, None)
    # Tables are shared by all sizes of the tokenizer, everything else is one size's own.
    name_after_modules(model, r"^tokenizer(\.|$)", f"tokenizer_{tokenizer.max_bytes}")
    return model


def _model_on_ids(module: nn.Module, program: Program) -> ir.Model:
    # Three tensors: torch.export takes one that is given twice for one input.
    inputs = {name: torch.ones(1, _EXAMPLE_TOKENS, dtype=torch.int32) for name in _ID_INPUTS}
    tokens = torch.export.Dim("tokens", min=1)
    with plain_attention(module):  # a third fewer operations than the fused one makes
        model = _exported(module, inputs, {name: {1: tokens} for name in _ID_INPUTS})
    name_after_modules(model, _MODEL_PATH[program.kind])
    _cut_positions(model.graph, max(program.metadata.get("lengths", ()), default=None))
    return model


def _cut_positions(graph: ir.Graph, length: int | None) -> None:
    """Keep the positions that a file of that many tokens can have: the others are never looked up."""
    for name, value in graph.initializers.items():
        table = value.const_value
        if length is None or table is None or not _POSITIONS.search(name) or len(table.shape) != 2:
            continue
        content = table.numpy()[:length].copy()
        value.const_value, value.shape = ir.tensor(content, name=name), ir.Shape(content.shape)


def _exported(module: nn.Module, inputs: dict[str, Tensor], dynamic: dict[str, Any] | None) -> ir.Model:
    with torch.inference_mode():
        names = list(module(**inputs))
    try:
        program = torch.onnx.export(
            module,
            kwargs=inputs,
            output_names=names,
            dynamo=True,
            opset_version=EXPORTED_OPSET,
            dynamic_shapes=dynamic,
            custom_translation_table=TRANSLATIONS,
            verbose=False,
        )
    except (torch.onnx.OnnxExporterError, RuntimeError, ValueError, NotImplementedError) as error:
        raise ExportError(f"ONNX cannot take this model: {_reason(error)}") from error
    assert program is not None  # with dynamo=True it never is
    model: ir.Model = program.model
    return model


def _reason(error: BaseException) -> str:
    """Return the first line of the first cause: torch.onnx wraps it in pages of advice."""
    while error.__cause__ is not None:
        error = error.__cause__
    return next(iter(str(error).strip().splitlines()), type(error).__name__)
