"""The oldest iOS that loads a package, from what is in it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from pocketformer.targets.contract import RuntimeVerdict
from pocketformer.targets.coreml.package import Package, block_of, operations_in
from pocketformer.targets.coreml.protobuf import program_messages
from pocketformer.targets.coreml.releases import (
    FIRST_OPERATIONS,
    FUNCTIONS_IOS,
    LATER_OPERATIONS,
    OLDEST_IOS,
    release_of_ios,
    release_of_opset,
    release_of_specification,
)

_NARROW = {"INT4", "UINT1", "UINT2", "UINT3", "UINT4", "UINT6"}


def runtime_verdict(package: Package) -> RuntimeVerdict:
    """Return the first iOS that takes a package's specification version and has all that is in it.

    A file that states less than it needs is given what it needs: it loads nowhere before.
    """
    version = package.specification.specificationVersion
    stated = f"specification version {version}"
    unknown = tuple(sorted({name for name in _operations(package) if not _is_known(name)}))
    by_version = release_of_specification(version)
    if by_version is None:
        return RuntimeVerdict("iOS", None, f"{stated} is newer than every table", stated, unknown)
    ios, reason = max(_needs(package), key=lambda need: need[0])
    if ios < by_version.ios:
        ios, reason = by_version.ios, stated
    if unknown:
        reason = f"{reason} needs iOS {ios}, and no table of releases has {', '.join(unknown)}"
        return RuntimeVerdict("iOS", None, reason, stated, unknown)
    return RuntimeVerdict("iOS", str(ios), reason, stated)


def opset_number(function: Any) -> int:
    """Return the number of a function's operation set, 8 of "CoreML8"; 0 where it has none."""
    digits = str(function.opset).removeprefix("CoreML")
    return int(digits) if digits.isdecimal() else 0


def _is_known(name: str) -> bool:
    return name in FIRST_OPERATIONS or name in LATER_OPERATIONS


def _operations(package: Package) -> Iterator[str]:
    for function in package.functions.values():
        yield from (operation.type for operation in operations_in(block_of(function)))


def _needs(package: Package) -> Iterator[tuple[int, str]]:
    """Yield what a package needs: an iOS version, and what of the package asks for it."""
    yield OLDEST_IOS, "an ML Program"
    if package.specification.description.functions or len(package.functions) > 1:
        yield FUNCTIONS_IOS, "several functions in one package"
    types = program_messages().DataType
    for function in package.functions.values():
        release = release_of_opset(function.opset)
        if release is not None:
            yield release.ios, f"operations of {function.opset}"
        for operation in operations_in(block_of(function)):
            first = LATER_OPERATIONS.get(operation.type, OLDEST_IOS)
            if first > OLDEST_IOS:
                yield first, f"{operation.type} (CoreML{release_of_ios(first).opset})"
            for dtype in _input_types(operation):
                if types.Name(dtype) in _NARROW:
                    yield release_of_ios(18).ios, f"{types.Name(dtype).lower()} weights"


def _input_types(operation: Any) -> set[int]:
    bound = [one for argument in operation.inputs.values() for one in argument.arguments]
    values = [one.value for one in bound if one.WhichOneof("binding") == "value"]
    known = set(program_messages().DataType.values())
    return {value.type.tensorType.dataType for value in values} & known
