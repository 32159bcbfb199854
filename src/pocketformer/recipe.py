"""The recipe: one TOML file that says how a model is made, from its table to its files."""

from __future__ import annotations

import os
import tomllib
from pathlib import Path
from typing import Annotated

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError, model_validator

from pocketformer.data.augmentation import AugmentSettings
from pocketformer.errors import RecipeError
from pocketformer.search import SearchSettings
from pocketformer.shrink import ShrinkSettings
from pocketformer.targets import ExportOptions, Target
from pocketformer.train import DistillSettings, FinetuneSettings

Fraction = Annotated[float, Field(gt=0, lt=0.5)]
# TOML's 16 is as good as "16"; its 2.10 is not "2.10", so a release with a point must be quoted.
Version = Annotated[str, BeforeValidator(lambda value: str(value) if type(value) is int else value)]


class _Section(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class DataRecipe(_Section):
    """Where the rows are, and how they are split."""

    train: Path = Field(description="Table of labelled texts: .csv, .tsv, .jsonl or .parquet.")
    test: Path | None = Field(None, description="Held-out table; a part of `train` when left out.")
    unlabelled: Path | None = Field(None, description="Texts without labels to distil on: .txt or a table.")
    text: str | None = Field(None, description="Column of the text; found when left out.")
    label: str | None = Field(None, description="Column of the label, or of its id.")
    label_name: str | None = Field(None, description="Column of the label's name, beside an id column.")
    separator: str | None = Field(None, description="Splits the label column of a multi-label table.")
    header: bool | None = Field(None, description="Whether the first row names the columns.")
    dev_fraction: Fraction = Field(0.1, description="Part of `train` that early stopping watches.")
    test_fraction: Fraction = Field(0.1, description="Part of `train` held out when there is no `test`.")
    seed: int = Field(0, description="Of the split.")


class StudentRecipe(ShrinkSettings):
    """The small model that is shipped; without this section the fine-tuned base itself is."""

    base: str | None = Field(None, description="Checkpoint to start from; cut from the teacher if left out.")
    assistant_layers: int | None = Field(
        None, ge=1, description="Layers of a model between the two, which the student learns from instead."
    )


class ExportRecipe(_Section):
    """Which files are written."""

    targets: tuple[str, ...] = Field(("litert",), min_length=1, description="Formats: litert, onnx, coreml.")
    precisions: tuple[str, ...] = Field(
        ("fp32", "fp16", "int8"),
        min_length=1,
        description="Plans of the weights: fp32, fp16, int8, int4, palette4, w4b32-e8-a8, or plan files.",
    )
    lengths: tuple[int, ...] = Field((16, 32, 64, 128), description="Tokens per signature, ascending.")
    max_bytes: int | None = Field(None, description="Bytes of text read; 8 per token when left out.")
    runtime: Version | None = Field(None, description='Oldest LiteRT or TFLite release to load on: "2.14".')
    ios: Version | None = Field(None, description="Oldest iOS to load on, as 16.")
    opset: Version | None = Field(None, description="Highest ONNX opset to use, as 17.")
    keep_fp32: tuple[str, ...] = Field((), description="Layers computed in float32 where others are in half.")
    mediapipe: bool = Field(False, description="Also write a file for MediaPipe's TextClassifier.")

    def options_for(self, target: Target) -> ExportOptions:
        """Return what a target's files must keep to."""
        return ExportOptions(getattr(self, target.limit, None), self.keep_fp32)


class BenchRecipe(_Section):
    """How the files are measured."""

    rounds: int = Field(30, ge=1, description="Measured calls of each contender.")
    threads: tuple[int, ...] = Field((1, 2), min_length=1, description="Thread counts.")


class Recipe(_Section):
    """Everything `pocketformer run` needs."""

    name: str = Field(
        pattern=r"^[A-Za-z0-9][A-Za-z0-9_-]*$", description="Files are called NAME.int8.tflite."
    )
    base: str = Field(description="Hub id or directory of the encoder to fine-tune.")
    output: Path = Field(description="Directory of the edition.")
    data: DataRecipe
    teacher: str | None = Field(None, description="Classifier to distil from; the fine-tuned base if absent.")
    student: StudentRecipe | None = None
    distill: DistillSettings = DistillSettings()
    finetune: FinetuneSettings = FinetuneSettings()
    augment: AugmentSettings | None = None
    search: SearchSettings = SearchSettings()
    export: ExportRecipe = ExportRecipe()
    bench: BenchRecipe = BenchRecipe()

    @model_validator(mode="after")
    def _has_a_student_where_one_learns(self) -> Recipe:
        given = {
            "teacher": self.teacher is not None,
            "[distill]": "distill" in self.model_fields_set,
            "data.unlabelled": self.data.unlabelled is not None,
        }
        for name, is_given in given.items():
            if is_given and self.student is None:
                raise ValueError(f"{name} is for a student; add a [student] section, as layers = 3")
        return self

    @classmethod
    def load(cls, path: Path) -> Recipe:
        """Read a recipe; relative paths in it start at the recipe's own directory.

        Raises:
            RecipeError: It is missing, no TOML, or has a field that is unknown or out of range.
        """
        if not path.is_file():
            kind = "is a directory" if path.is_dir() else "does not exist"
            raise RecipeError(f"{path} {kind}; give the path of a recipe, a .toml file.")
        try:
            fields = tomllib.loads(path.read_text(encoding="utf-8"))
            recipe = cls.model_validate(fields)
        except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
            raise RecipeError(f"{path} is not TOML: {error}.") from error
        except ValidationError as error:
            raise RecipeError(f"{path}: {explain(error)}") from error
        return recipe._placed_at(path.parent)

    def _placed_at(self, folder: Path) -> Recipe:
        tables = ("train", "test", "unlabelled")
        given = {name: getattr(self.data, name) for name in tables}
        data = self.data.model_copy(
            update={name: None if path is None else folder / path for name, path in given.items()}
        )
        student = self.student
        if student is not None:
            words = None if student.words is None else folder / student.words
            student = student.model_copy(update={"base": _placed(student.base, folder), "words": words})
        augment = self.augment
        if augment is not None:
            synonyms = None if augment.synonyms is None else folder / augment.synonyms
            model = _placed(augment.masked_model, folder)
            augment = augment.model_copy(update={"synonyms": synonyms, "masked_model": model})
        search = self.search
        if search.storage is not None and "://" not in search.storage:
            search = search.model_copy(update={"storage": str(folder / search.storage)})
        plans = tuple(str(folder / one) if _is_file(one) else one for one in self.export.precisions)
        return self.model_copy(
            update={
                "export": self.export.model_copy(update={"precisions": plans}),
                "data": data,
                "search": search,
                "augment": augment,
                "student": student,
                "output": Path(os.path.normpath(folder / self.output)),
                "base": _placed(self.base, folder),
                "teacher": _placed(self.teacher, folder),
            }
        )


def _is_file(plan: str) -> bool:
    return plan.endswith((".toml", ".json"))


def _placed(checkpoint: str | None, folder: Path) -> str | None:
    """Return a path that starts with a point where the recipe means it; a hub id stays what it is."""
    if checkpoint is None or not checkpoint.startswith((".", "/")):
        return checkpoint
    return str(folder / checkpoint)


def explain(error: ValidationError) -> str:
    """Return the first complaint of a validation as a sentence."""
    first = error.errors()[0]
    place = ".".join(str(part) for part in first["loc"])
    if first["type"] == "extra_forbidden":
        return f"there is no setting {place!r}. `pocketformer run --help` lists them."
    if first["type"] == "value_error" or not place:
        said = first["msg"].removeprefix("Value error, ")
        return f"{place!r}: {said}." if place else f"{said}."
    given = "" if first["type"] == "missing" else f", {first['input']!r} was given"
    return f"{place!r}: {first['msg'].lower()}{given}."
