"""The pipeline: rooms put in a row, each finished stage kept."""

from pocketformer.pipeline.emulation import EmulationRequest, verify_emulated
from pocketformer.pipeline.export import export_checkpoint
from pocketformer.pipeline.half import value_range_of
from pocketformer.pipeline.lookups import checkpoint_of
from pocketformer.pipeline.measure import bench_edition
from pocketformer.pipeline.observer import Observer, Progress, Silent
from pocketformer.pipeline.planning import plan_checkpoint
from pocketformer.pipeline.rows import Rows, read_rows
from pocketformer.pipeline.run import run
from pocketformer.pipeline.training import CHECKPOINT_DIRECTORY
from pocketformer.pipeline.verify import verify_edition

__all__ = [
    "CHECKPOINT_DIRECTORY",
    "EmulationRequest",
    "Observer",
    "Progress",
    "Rows",
    "Silent",
    "bench_edition",
    "checkpoint_of",
    "export_checkpoint",
    "plan_checkpoint",
    "read_rows",
    "run",
    "value_range_of",
    "verify_edition",
    "verify_emulated",
]
