"""A plain module under named inputs and outputs, as the program that targets write."""

from __future__ import annotations

import inspect
import re
from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor, nn

from pocketformer.errors import ExportError
from pocketformer.program import Program, Signature

#: What a module takes for an example: tensors by name, or in the order of its `forward`.
Examples = Mapping[str, Tensor] | Sequence[Tensor] | Tensor

_DTYPES = (torch.float32, torch.int32)
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_SINGLE_OUTPUT = "output"


class NamedModule(nn.Module):
    """Any module with its inputs by name, giving its outputs as a mapping.

    Args:
        module: Takes the inputs in order; gives a tensor, several, or a mapping of them.
        input_names: In the order of its `forward`.
        output_names: In the order of what it gives; a mapping has its own.
    """

    def __init__(self, module: nn.Module, input_names: Sequence[str], output_names: Sequence[str]) -> None:
        super().__init__()
        self.module = module
        self.input_names = tuple(input_names)
        self.output_names = tuple(output_names)

    def forward(self, **inputs: Tensor) -> dict[str, Tensor]:
        """Return the outputs by name."""
        given = self.module(*(inputs[name] for name in self.input_names))
        return dict(zip(self.output_names, _outputs(given).values(), strict=True))


def program_of(
    module: nn.Module,
    example_inputs: Examples,
    *,
    input_names: Sequence[str] | None = None,
    output_names: Sequence[str] | None = None,
    signature: str = "serving_default",
    metadata: Mapping[str, Any] | None = None,
) -> Program:
    """Return the program of a module: one signature over its inputs and outputs by name.

    Args:
        module: In evaluation mode while it is converted; left as it was.
        example_inputs: float32 or int32 tensors of the shapes the file will take.
        input_names: For examples without names; those of `forward` when left out.
        output_names: For outputs without names; `output`, or `output_0`, `output_1` … when left out.
        signature: What the file calls its entry point.
        metadata: JSON-friendly facts that go into the file.

    Raises:
        ExportError: Examples or names that a file cannot have, or that do not fit the module.
    """
    examples = named_examples(module, example_inputs, input_names)
    outputs = _run(module, examples)
    names = _output_names(outputs, output_names)
    _require_names([signature, *examples, *names])
    named = NamedModule(module, list(examples), names).eval()
    facts = {"kind": "module", "signature": signature, **(metadata or {})}
    return Program("module", (Signature(signature, named, examples),), (), facts, module)


def named_examples(
    module: nn.Module, example_inputs: Examples, input_names: Sequence[str] | None = None
) -> dict[str, Tensor]:
    """Return the examples by name, in the order of the module's `forward`.

    Raises:
        ExportError: They do not fit the names, or are not float32 or int32.
    """
    parameters = _parameters(module)
    if isinstance(example_inputs, Mapping):
        known = [name for name in parameters if name in example_inputs]
        examples = {name: example_inputs[name] for name in (known or example_inputs)}
        if len(examples) != len(example_inputs) or (input_names and list(input_names) != list(examples)):
            raise ExportError(
                f"Examples for {', '.join(example_inputs)} were given; `forward` takes "
                f"{', '.join(parameters)}."
            )
    else:
        tensors = [example_inputs] if isinstance(example_inputs, Tensor) else list(example_inputs)
        names = list(input_names or parameters[: len(tensors)])
        if len(names) != len(tensors) or not tensors:
            raise ExportError(
                f"{len(tensors)} example inputs were given for the names {', '.join(names) or 'none'}; give "
                "as many of each, or a mapping of name to tensor."
            )
        examples = dict(zip(names, tensors, strict=True))
    for name, tensor in examples.items():
        if not isinstance(tensor, Tensor) or tensor.dtype not in _DTYPES:
            kind = str(tensor.dtype) if isinstance(tensor, Tensor) else type(tensor).__name__
            raise ExportError(
                f"The example of {name!r} is {kind}; give a float32 tensor, or int32 for integers: phones "
                "have no others."
            )
    return examples


def _parameters(module: nn.Module) -> list[str]:
    kinds = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)
    signature = inspect.signature(module.forward)
    return [name for name, parameter in signature.parameters.items() if parameter.kind in kinds]


def _run(module: nn.Module, examples: Mapping[str, Tensor]) -> dict[str, Tensor]:
    training = module.training
    try:
        with torch.inference_mode():
            return _outputs(module.eval()(*examples.values()))
    except (RuntimeError, TypeError, ValueError, IndexError) as error:
        shapes = ", ".join(f"{name} {list(value.shape)}" for name, value in examples.items())
        first = next(iter(str(error).strip().splitlines()), type(error).__name__)
        raise ExportError(f"The module does not run on the examples ({shapes}): {first}") from error
    finally:
        module.train(training)


def _outputs(given: Any) -> dict[str, Tensor]:
    """Return what a module gave, by name, or by place where it has no names.

    Raises:
        ExportError: It is no tensor, nor a mapping or sequence of them.
    """
    if isinstance(given, Tensor):
        return {_SINGLE_OUTPUT: given}
    if isinstance(given, Mapping):
        found = {str(name): value for name, value in given.items()}
    elif isinstance(given, tuple | list):
        found = {f"{_SINGLE_OUTPUT}_{place}": value for place, value in enumerate(given)}
    else:
        found = {}
    if not found or not all(isinstance(value, Tensor) for value in found.values()):
        raise ExportError(
            f"The module gives {type(given).__name__}; a file gives tensors: return one, a tuple of them, or "
            "a mapping of name to tensor."
        )
    return found


def _output_names(outputs: Mapping[str, Tensor], asked: Sequence[str] | None) -> list[str]:
    names = list(outputs if asked is None else asked)
    if len(names) != len(outputs):
        raise ExportError(f"The module gives {len(outputs)} outputs; {len(names)} names were given for them.")
    return names


def _require_names(names: Sequence[str]) -> None:
    for name in names:
        if not _NAME.fullmatch(name):
            raise ExportError(f"{name!r} cannot be a name in a file; letters, digits and _ make one.")
    inner = names[1:]
    if len(set(inner)) != len(inner):
        raise ExportError(f"Inputs and outputs need different names; {', '.join(inner)} were given.")
