"""The operations of a model before conversion, each with the layer it first stands in."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from transformers import AutoModel, PreTrainedConfig

from pocketformer.checkpoint import local_directory, quiet_transformers
from pocketformer.errors import ExportError
from pocketformer.program.modules import Tokenize
from pocketformer.program.on_ids import model_in, on_ids_module
from pocketformer.quiet import without_chatter
from pocketformer.targets import ModelOperation
from pocketformer.tokenizer import InGraphTokenizer, build_tables, read_tokenizer

__all__ = ["config_operations", "id_operations", "model_operations", "text_operations"]

_EXAMPLE_TOKENS = 16
_EXAMPLE_BYTES = 64

# What building or tracing a stranger's model may end in: neither transformers nor torch has one class.
_FAILURES = (
    ArithmeticError, AssertionError, AttributeError, ImportError, LookupError, NotImplementedError,
    RuntimeError, TypeError, ValueError,
)  # fmt: skip


def id_operations(source: str) -> tuple[ModelOperation, ...]:
    """Return the operations of a checkpoint's model on token ids, as its files have it.

    Raises:
        CheckpointError: The checkpoint cannot be used.
        ExportError: torch cannot trace it.
    """
    module = on_ids_module(source)
    prefix = next(name for name, part in module.named_modules() if part is model_in(module))
    return _without_prefix(model_operations(module, _example_ids(token_types=True)), prefix)


def text_operations(source: str) -> tuple[ModelOperation, ...]:
    """Return the operations of a checkpoint's tokenizer inside a file.

    Raises:
        TokenizerError: It cannot run inside a file.
        ExportError: torch cannot trace it.
    """
    tables = build_tables(read_tokenizer(local_directory(source)))
    module = Tokenize(InGraphTokenizer(tables, _EXAMPLE_BYTES, _EXAMPLE_TOKENS)).eval()
    return model_operations(module, {"text": torch.zeros(1, _EXAMPLE_BYTES, dtype=torch.int32)})


def config_operations(directory: Path, config: PreTrainedConfig) -> tuple[ModelOperation, ...]:
    """Return the operations of a model of any architecture, as transformers runs it, from its config alone.

    Raises:
        ExportError: transformers cannot build it, or torch cannot trace it.
    """
    try:
        with quiet_transformers(), torch.device("meta"):
            model = AutoModel.from_config(config)
    except _FAILURES as error:
        raise ExportError(
            f"transformers does not build the model of {directory}: {_first_line(error)}"
        ) from error
    model.config.use_cache = False
    # Tracing looks at no number, so the weights may be whatever is in memory.
    return model_operations(model.to_empty(device="cpu").eval(), _example_ids(token_types=False))


def model_operations(module: nn.Module, inputs: Mapping[str, Tensor]) -> tuple[ModelOperation, ...]:
    """Return the operations of any module, taken apart into PyTorch's core ones.

    Args:
        module: In eval mode; its `named_modules()` name the layers.
        inputs: Its keyword arguments; shapes and dtypes matter, numbers do not.

    Returns:
        One entry per kind, with how often it stands and in which layer first, in the order they run.

    Raises:
        ExportError: torch cannot trace the module.
    """
    try:
        with without_chatter(), torch.no_grad():
            exported = torch.export.export(module, (), dict(inputs), strict=False).run_decompositions()
    except _FAILURES as error:
        raise ExportError(
            f"torch.export cannot trace this {type(module).__name__}: {_first_line(error)}"
        ) from error
    found: dict[str, ModelOperation] = {}
    for node in exported.graph.nodes:
        name = str(node.target)
        # Assertions check what was traced; no target writes them.
        if isinstance(node.target, torch._ops.OpOverload) and not name.startswith("aten._assert"):
            first = found.get(name, ModelOperation(name, _layer(node.meta), 0))
            found[name] = ModelOperation(name, first.layer, first.count + 1)
    return tuple(found.values())


def _layer(meta: Mapping[str, Any]) -> str:
    paths: Sequence[tuple[str, Any]] = list((meta.get("nn_module_stack") or {}).values())
    return paths[-1][0].removeprefix("L['self']").removeprefix(".") if paths else ""


def _without_prefix(operations: Sequence[ModelOperation], prefix: str) -> tuple[ModelOperation, ...]:
    return tuple(
        ModelOperation(one.name, one.layer.removeprefix(prefix).removeprefix("."), one.count)
        for one in operations
    )


def _example_ids(token_types: bool) -> dict[str, Tensor]:
    names = ["input_ids", "attention_mask", *(["token_type_ids"] if token_types else [])]
    dtype = torch.int32 if token_types else torch.int64
    # Tensors of their own: torch.export takes one that is given twice for one input.
    return {name: torch.ones(1, _EXAMPLE_TOKENS, dtype=dtype) for name in names}


def _first_line(error: Exception) -> str:
    return next(iter(str(error).strip().splitlines()), type(error).__name__)
