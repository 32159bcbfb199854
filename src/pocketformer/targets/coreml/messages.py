"""From coremltools' programs in memory to the messages of a package, constants apart."""

from __future__ import annotations

from typing import Any

import numpy as np
from coremltools.converters.mil.backend.mil.helper import create_file_value_tensor, types_to_proto_primitive
from coremltools.converters.mil.backend.mil.load import MILProtoExporter
from coremltools.converters.mil.mil import Program, types

from pocketformer.targets.coreml.constants import WEIGHT_FILE, Constants
from pocketformer.targets.coreml.protobuf import model_messages, program_messages
from pocketformer.targets.coreml.releases import Release


class MessageMaker(MILProtoExporter):  # type: ignore[misc]  # coremltools has no types
    """coremltools' own translation to messages, which gives large constants to a store instead of a file.

    Args:
        program: coremltools' own `Program`, through all its passes.
        release: The release whose operations it is written in.
        constants: Where constants go.
    """

    def __init__(self, program: Program, release: Release, constants: Constants) -> None:
        super().__init__(program, "", release.specification)
        self._constants = constants
        self._opset = release.opset_name

    def create_file_value(self, var: Any) -> Any:
        """Return the message of a constant: its number stands where the offset will."""
        primitive = var.sym_type.get_primitive() if hasattr(var.sym_type, "get_primitive") else var.sym_type
        data_type = types_to_proto_primitive(primitive)
        number = self._constants.add(np.asarray(var.val), program_messages().DataType.Name(data_type).lower())
        return create_file_value_tensor(WEIGHT_FILE, number, np.shape(var.val), data_type)

    def function(self, name: str) -> Any:
        """Return the `Function` message of one function."""
        return self.convert_function(self.prog.functions[name], self._opset)


def described(name: str, function: Any) -> Any:
    """Return the `FunctionDescription` message of a function: what apps see of its inputs and outputs."""
    messages = model_messages()
    description = messages.FunctionDescription(name=name)
    for features, variables in (
        (description.input, function.inputs.values()),
        (description.output, function.outputs),
    ):
        for variable in variables:
            feature = features.add(name=variable.name)
            array = feature.type.multiArrayType
            array.shape.extend(int(size) for size in variable.shape)
            array.dataType = array.INT32 if variable.dtype == types.int32 else array.FLOAT32
    return description
