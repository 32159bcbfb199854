"""What is in a Core ML package, read from its bytes: ours, or one that plain coremltools wrote."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from pocketformer import files
from pocketformer.targets.contract import ANY, FileCard, OperationCard, SignatureCard, TensorCard
from pocketformer.targets.coreml.package import Package, block_of, operations_in, read_package
from pocketformer.targets.coreml.parts import SIGNATURE_KEY, own_metadata, read_parts
from pocketformer.targets.coreml.releases import FIRST_OPERATIONS, LATER_OPERATIONS
from pocketformer.targets.coreml.stored import LAYERS_KEY, weight_cards
from pocketformer.targets.coreml.verdict import opset_number, runtime_verdict

#: What the metadata of a card says of packages that belong to it and are not there.
MISSING_KEY = "missing_parts"

_SINGLE = "main"  # the name of a package's only function


def read_card(path: Path) -> FileCard:
    """Return the card of a package, and of those that belong to it.

    Raises:
        FileFormatError: There is no such package, or it is damaged or holds no ML Program.
    """
    return read_packages(path)[0]


def read_packages(path: Path) -> tuple[FileCard, dict[str, tuple[Package, str]]]:
    """Return the card of a package, and signature → package and function that run it.

    Raises:
        FileFormatError: There is no such package, or it is damaged or holds no ML Program.
    """
    package = read_package(path)
    metadata = own_metadata(package)
    parts, missing = read_parts(package)
    entries = {_signature(name, package): (package, name) for name in package.functions} | {
        signature: (part, next(iter(part.functions))) for signature, part in parts.items()
    }
    packages = [package, *parts.values()]
    if missing:
        metadata[MISSING_KEY] = list(missing)
    verdicts = [runtime_verdict(one) for one in packages]
    card = FileCard(
        path=str(path),
        format="coreml",
        size_bytes=sum(files.size_bytes(one.path) for one in packages),
        signatures=tuple(_card(name, *entry) for name, entry in entries.items()),
        operations=_operations(packages),
        weight_bytes=_weight_bytes(packages),
        weights=weight_cards(packages, _layers(metadata)),
        runtime=max(verdicts, key=lambda one: float("inf") if one.release is None else float(one.release)),
        labels=_labels(package, metadata),
        metadata=metadata,
        parts=tuple(part.path.name for part in parts.values()),
    )
    return card, entries


def _layers(metadata: dict[str, Any]) -> list[str]:
    layers = metadata.get(LAYERS_KEY, [])
    return [str(layer) for layer in layers] if isinstance(layers, list) else []


def _signature(function: str, package: Package) -> str:
    """Return the signature that a function is: of its own name, or what the metadata calls the only one."""
    return str(own_metadata(package).get(SIGNATURE_KEY, function)) if function == _SINGLE else function


def _card(signature: str, package: Package, function: str) -> SignatureCard:
    description = _description(package, function)
    return SignatureCard(
        signature,
        tuple(_tensor(feature) for feature in description.input),
        tuple(_tensor(feature) for feature in description.output),
    )


def _description(package: Package, function: str) -> Any:
    """Return the message that has the inputs and outputs of a function: before iOS 18, the model's own."""
    description = package.specification.description
    return next((one for one in description.functions if one.name == function), description)


def _tensor(feature: Any) -> TensorCard:
    kind = feature.type.WhichOneof("Type")
    if kind != "multiArrayType":
        return TensorCard(feature.name, _OTHER_TYPES.get(kind, "object"), ())
    array = feature.type.multiArrayType
    dtype = _DTYPES.get(array.ArrayDataType.Name(array.dataType), "unknown")
    return TensorCard(feature.name, dtype, tuple(_sizes(array)))


_OTHER_TYPES = {"stringType": "str", "int64Type": "int64", "doubleType": "float64"}
_DTYPES = {
    "FLOAT32": "float32", "DOUBLE": "float64", "INT32": "int32", "FLOAT16": "float16", "INT8": "int8",
}  # fmt: skip


def _sizes(array: Any) -> Iterator[int]:
    """Yield the sizes of an array's type, `ANY` where several are allowed."""
    kind = array.WhichOneof("ShapeFlexibility")
    if kind == "shapeRange":
        for one in array.shapeRange.sizeRanges:
            yield int(one.lowerBound) if one.lowerBound == one.upperBound else ANY
    elif kind == "enumeratedShapes":
        for sizes in zip(*(one.shape for one in array.enumeratedShapes.shapes), strict=True):
            yield int(sizes[0]) if len(set(sizes)) == 1 else ANY
    else:
        yield from (int(size) for size in array.shape)


def _operations(packages: list[Package]) -> tuple[OperationCard, ...]:
    counts: Counter[tuple[str, int]] = Counter()
    for package in packages:
        for function in package.functions.values():
            opset = opset_number(function)
            counts.update(
                (one.type, opset) for one in operations_in(block_of(function)) if one.type != "const"
            )
    return tuple(
        OperationCard(name, opset, count, name in FIRST_OPERATIONS or name in LATER_OPERATIONS)
        for (name, opset), count in sorted(counts.items())
    )


def _weight_bytes(packages: list[Package]) -> dict[str, int]:
    totals: Counter[str] = Counter()
    for package in packages:
        totals.update(package.weight_bytes())
    return dict(sorted(totals.items()))


def _labels(package: Package, metadata: dict[str, Any]) -> tuple[str, ...]:
    """Return the labels of our metadata, or of the classifier that Core ML itself knows."""
    if "labels" in metadata:
        return tuple(metadata["labels"])
    for function in package.functions.values():
        for operation in operations_in(block_of(function)):
            if operation.type == "classify":
                binding = operation.inputs["classes"].arguments[0]
                values = binding.value.immediateValue.list.values
                return tuple(_label(value.immediateValue.tensor) for value in values)
    return ()


def _label(tensor: Any) -> str:
    kind = tensor.WhichOneof("value")
    return str(getattr(tensor, kind).values[0]) if kind else ""
