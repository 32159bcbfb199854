"""Options that several commands share."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Annotated, Any, TypeVar

import typer
from pydantic import BaseModel, ValidationError

from pocketformer.errors import RecipeError

__all__ = ["Json", "Label", "LabelName", "Separator", "SetOption", "Text", "settings_of"]

Json = Annotated[bool, typer.Option("--json", help="Print the result as JSON.")]
Text = Annotated[str | None, typer.Option(help="Column of the text; found when left out.")]
Label = Annotated[str | None, typer.Option(help="Column of the label or its id.")]
LabelName = Annotated[str | None, typer.Option(help="Column of the names of label ids.")]
Separator = Annotated[str | None, typer.Option(help="Splits the labels of a multi-label table.")]
SetOption = Annotated[
    list[str] | None,
    typer.Option(
        "--set",
        metavar="NAME=VALUE",
        help="Any other setting of the recipe's section, as focal_gamma=2; repeat for several.",
    ),
]

Settings = TypeVar("Settings", bound=BaseModel)


def settings_of(
    kind: type[Settings], options: Mapping[str, Any], pairs: Sequence[str] | None = None
) -> Settings:
    """Return settings made of the options that were given and of `NAME=VALUE` pairs.

    Raises:
        RecipeError: A pair without a sign, a name that there is not, or a value out of range.
    """
    from pocketformer.recipe import explain

    given = {name: value for name, value in options.items() if value is not None}
    for pair in pairs or ():
        name, sign, value = pair.partition("=")
        if not sign:
            raise RecipeError(f"--set was given {pair!r}; give a name and a value, as focal_gamma=2.")
        if name not in kind.model_fields:
            raise RecipeError(
                f"There is no setting {name!r}; there are {', '.join(sorted(kind.model_fields))}."
            )
        given[name] = value
    try:
        return kind.model_validate(given)
    except ValidationError as error:
        raise RecipeError(explain(error)) from error
