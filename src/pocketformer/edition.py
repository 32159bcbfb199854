"""The edition: one `edition.json` that lists the files of a model with every figure measured of them."""

from __future__ import annotations

from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from pocketformer import files
from pocketformer.bench.device.results import DeviceBench
from pocketformer.bench.results import BenchResult
from pocketformer.budget import BudgetResult
from pocketformer.checks.emulation.result import ProcessorVerdict
from pocketformer.checks.layers import LayerCurve
from pocketformer.checks.mistakes import Mistake
from pocketformer.checks.verdict import Verdict
from pocketformer.data import Intake
from pocketformer.data.augmentation import AugmentReport
from pocketformer.errors import FileFormatError
from pocketformer.plan import Plan
from pocketformer.shrink import ShrinkResult
from pocketformer.train import FinetuneResult
from pocketformer.train.baselines import Baselines

#: Name of the file in an edition's directory.
EDITION_FILE = "edition.json"


class EditionFile(BaseModel):
    """One model file of an edition. Sizes in bytes; `verdict` is None until it was verified."""

    model_config = ConfigDict(extra="forbid")

    file: str
    format: str
    precision: str  # name of its plan
    plan: Plan | None = None  # which layer has which bits; None in editions that knew no plans
    size_bytes: int
    zipped_bytes: int
    sha256: str
    signatures: tuple[str, ...]
    operations: int
    weight_bytes: dict[str, int]
    oldest_runtime: str  # as "LiteRT 2.18.0": computed from the operations of the file
    parts: tuple[str, ...] = ()  # further packages that belong to it, counted in its sizes and its digest
    verdict: Verdict | None = None
    layers: LayerCurve | None = None  # of a file that missed a limit, or that was looked into
    confusion: list[list[int]] | None = None
    mistakes: tuple[Mistake, ...] = ()
    processors: tuple[ProcessorVerdict, ...] = ()  # emulated ones, as far as it was run on any


class DataSection(BaseModel):
    """The tables a model was trained and verified on, and how many rows stood on each side."""

    model_config = ConfigDict(extra="forbid")

    train: Intake | None = None
    test: Intake | None = None
    rows: dict[str, int] = Field(default_factory=dict)  # train, dev, test
    overlap: int = 0  # training rows left out because their text also stands in the test table


class AugmentationSection(BaseModel):
    """What augmentation did to the training texts, and to the quality on the dev texts.

    The plain figures are those of the same training without it.
    """

    model_config = ConfigDict(extra="forbid")

    report: AugmentReport
    dev_texts: int
    accuracy: float
    macro_f1: float
    plain_accuracy: float
    plain_macro_f1: float


class Edition(BaseModel):
    """Everything known of one delivered model."""

    # A rejected file may have NaN among its errors, which must come back as NaN.
    model_config = ConfigDict(extra="forbid", ser_json_inf_nan="constants")

    schema_version: int = 1
    name: str
    created: str  # UTC, ISO 8601
    kind: str  # "classifier" or "encoder"
    labels: tuple[str, ...]
    multi_label: bool
    base: str
    architecture: str
    parameters: int
    checkpoint: str  # what the files were exported from; a local one relative to the edition
    checkpoint_sha256: str
    recipe: dict[str, object] = Field(default_factory=dict)
    data: DataSection | None = None
    training: FinetuneResult | None = None  # of the checkpoint the files were made from
    teacher: FinetuneResult | None = None  # of what it was distilled from, as far as that was trained here
    assistant: FinetuneResult | None = None
    student: ShrinkResult | None = None  # how it was cut out of its teacher
    augmentation: AugmentationSection | None = None
    baselines: Baselines | None = None
    budget: BudgetResult | None = None  # how the plan of its file was found
    files: tuple[EditionFile, ...] = ()
    bench: BenchResult | None = None
    device_bench: tuple[DeviceBench, ...] = ()  # one for each phone
    environment: dict[str, str] = Field(default_factory=dict)

    def save(self, directory: Path) -> Path:
        """Write `edition.json` into a directory and return its path."""
        path = directory / EDITION_FILE
        files.write_text(path, self.model_dump_json(indent=2) + "\n")
        return path

    @classmethod
    def load(cls, directory: Path) -> Edition:
        """Read the edition of a directory.

        Raises:
            FileFormatError: There is none, or it is not one of ours.
        """
        path = directory / EDITION_FILE
        if not path.is_file():
            raise FileFormatError(
                f"{directory} holds no {EDITION_FILE}. Give a directory that `pocketformer run` or "
                "`pocketformer export` has written."
            )
        try:
            return cls.model_validate_json(path.read_bytes())
        except ValidationError as error:
            first = error.errors()[0]
            place = ".".join(str(part) for part in first["loc"]) or "the file"
            raise FileFormatError(
                f"{path} cannot be read: {first['msg']} at {place}. Write it anew with `pocketformer run`."
            ) from error
