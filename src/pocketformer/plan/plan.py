"""A plan: a weight format for each layer, a name that can be decoded, a file that can be edited."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any, Literal

import tomli_w
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, PlainSerializer, ValidationError

from pocketformer import files
from pocketformer.errors import RecipeError
from pocketformer.plan.formats import WeightFormat
from pocketformer.plan.names import inside_most

__all__ = ["SHORT_NAMES", "Activations", "Plan", "Rounding", "as_plan"]

Activations = Literal["int8", "float"]
Rounding = Literal["nearest", "clipped", "gptq"]

#: What people call a plan → the name that says it all.
SHORT_NAMES = {
    "fp32": "w32-e32-a32",
    "fp16": "w16-e16-a32",
    "int8": "w8-e8-a8",
    "int4": "w4b32-e4b32-a8",
    "palette4": "wp4-ep4-a32",
}

_FALLBACK = WeightFormat("integer", 8)
_FULL_NAME = re.compile(r"w([^-]+)-e([^-]+)-a(8|32)")
_FILE_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]*")

Format = Annotated[
    WeightFormat,
    BeforeValidator(lambda value: WeightFormat.parse(value) if isinstance(value, str) else value),
    PlainSerializer(str, return_type=str),
]


class Plan(BaseModel):
    """Which layer gets which bits.

    `Plan.named("w4b32-e8-a8")` is weights of four bits in blocks of 32, an embedding of eight, activations of
    eight.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: str = Field(description="Stands in the names of files.")
    weights: Format = Field(description="Of matrices and kernels.")
    embedding: Format = Field(description="Of the word embedding.")
    layers: dict[str, Format] = Field(
        default_factory=dict, description="Exceptions, by name of a layer or of what it is inside."
    )
    activations: Activations = Field(
        "int8", description="int8: quantised per token where the runtime computes so; float: never."
    )
    rounding: Rounding = Field("clipped", description="How the codes of few bits are found.")

    @classmethod
    def named(cls, name: str) -> Plan:
        """Return the plan of a name.

        Args:
            name: A short one, as "int8", or a full one, as "w4b32-e8-a8".

        Raises:
            RecipeError: It cannot be decoded.
        """
        found = _FULL_NAME.fullmatch(SHORT_NAMES.get(name, name))
        if found is None:
            raise RecipeError(
                f"{name!r} is no plan: give {', '.join(SHORT_NAMES)}; a name such as w4b32-e8-a8 (weights "
                "int4 in blocks of 32, embedding int8 per row, activations int8; a32 leaves them float); or "
                "a plan file, .toml or .json."
            )
        return cls(
            name=name,
            weights=WeightFormat.decode(found[1]),
            embedding=WeightFormat.decode(found[2]),
            activations="int8" if found[3] == "8" else "float",
        )

    @classmethod
    def load(cls, path: Path) -> Plan:
        """Read a plan file, TOML or JSON; its name is the file's where it gives none.

        Raises:
            RecipeError: It is missing, cannot be read, or has a field that is unknown or out of range.
        """
        if not path.is_file():
            raise RecipeError(
                f"There is no plan file {path}; `pocketformer plan --help` tells how one is made."
            )
        try:
            content = path.read_bytes()
            if path.suffix == ".json":
                return cls.model_validate_json(content)
            fields: dict[str, Any] = {"name": path.stem, **tomllib.loads(content.decode("utf-8"))}
            return cls.model_validate(fields)
        except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
            raise RecipeError(f"{path} is not TOML: {error}.") from error
        except ValidationError as error:
            first = error.errors()[0]
            place = ".".join(str(part) for part in first["loc"]) or "the file"
            raise RecipeError(f"{path}: {first['msg']} at {place}.") from error
        except RecipeError as error:
            raise RecipeError(f"{path}: {error}") from error

    def save(self, path: Path) -> None:
        """Write the plan as TOML, or as JSON where the name ends so."""
        if path.suffix == ".json":
            files.write_text(path, self.model_dump_json(indent=2) + "\n")
        else:
            files.write_text(path, self.to_toml())

    def to_toml(self) -> str:
        """Return what a plan file holds."""
        return tomli_w.dumps(self.model_dump(mode="json"))

    def model_post_init(self, context: Any) -> None:
        """Refuse a name that no file could have."""
        if not _FILE_NAME.fullmatch(self.name):
            raise RecipeError(
                f"A plan cannot be called {self.name!r}: letters, digits, - and _ make its name."
            )

    def format_of(self, layer: str, shape: Sequence[int], is_embedding: bool = False) -> WeightFormat:
        """Return the format of a layer's weight: the exception that names most of it, or the default.

        A default that the weight does not divide into gives way to int8 with a scale per row.

        Args:
            layer: As in `module.named_modules()`.
            shape: Of its weight.
            is_embedding: Whether it is a table.
        """
        exception = inside_most(layer, self.layers)
        if exception is not None:
            return self.layers[exception]
        default = self.embedding if is_embedding else self.weights
        return default if default.fits(shape) else _FALLBACK

    def with_layers(self, layers: Mapping[str, WeightFormat], name: str | None = None) -> Plan:
        """Return this plan with further exceptions, under a name of its own."""
        return self.model_copy(update={"layers": {**self.layers, **layers}, "name": name or self.name})


def as_plan(plan: Plan | str | Path) -> Plan:
    """Return a plan as it is, by its name, or from its file.

    Raises:
        RecipeError: A name that cannot be decoded, or a file that cannot be read.
    """
    if isinstance(plan, Plan):
        return plan
    if isinstance(plan, Path) or plan.endswith((".toml", ".json")):
        return Plan.load(Path(plan))
    return Plan.named(plan)
