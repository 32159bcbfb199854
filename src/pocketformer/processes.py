"""The processes of one training: `torchrun` and `accelerate launch` start several that work together.

Each runs the whole command. The first of them alone writes files and talks to the person; all of them end
with the same result.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import TypeVar

from pocketformer.errors import LostProcessError, RecipeError
from pocketformer.quiet import without_chatter

__all__ = [
    "first_goes_ahead",
    "from_first",
    "is_first",
    "join",
    "process_count",
    "process_number",
    "runs_on_cpu",
    "sentence_for_lost_process",
    "wait_for_all",
]

Value = TypeVar("Value")

# The others wait while the first one saves, or while one reads a shard of texts with a large teacher.
_PATIENCE = timedelta(hours=1)


def process_count() -> int:
    """Return how many processes work on this training; 1 without a launcher."""
    return _told(("WORLD_SIZE", "PMI_SIZE", "OMPI_COMM_WORLD_SIZE", "MV2_COMM_WORLD_SIZE"), 1)


def process_number() -> int:
    """Return which of them this one is, counted from 0."""
    return _told(("RANK", "PMI_RANK", "OMPI_COMM_WORLD_RANK", "MV2_COMM_WORLD_RANK"), 0)


def is_first() -> bool:
    """Whether this is the process that writes files and shows progress."""
    return process_number() == 0


def runs_on_cpu() -> bool:
    """Whether training runs on the CPU: there is no accelerator, or one that processes cannot share."""
    import torch

    device = torch.accelerator.current_accelerator(check_available=True)
    return device is None or (device.type == "mps" and process_count() > 1)


def join() -> None:
    """Meet the other processes; alone, nothing happens.

    Raises:
        RecipeError: There are more processes on this machine than GPUs, or the launcher is of another kind.
    """
    if process_count() == 1:
        return
    import torch
    from accelerate import PartialState

    local = int(os.environ.get("LOCAL_WORLD_SIZE", "1"))
    if not runs_on_cpu() and local > (devices := torch.accelerator.device_count()):
        raise RecipeError(
            f"{local} processes were started on this machine, which has {devices} GPUs. "
            f"Give --nproc-per-node {devices}, or hide the GPUs (CUDA_VISIBLE_DEVICES=) to use the CPU."
        )
    with without_chatter():
        state = PartialState(cpu=runs_on_cpu(), timeout=_PATIENCE)
    if state.num_processes != process_count():
        raise RecipeError(
            f"The launcher says there are {process_count()} processes, but {state.num_processes} were found. "
            "Start them with torchrun or accelerate launch."
        )


def wait_for_all() -> None:
    """Go on when every process has come this far."""
    if process_count() > 1:
        from accelerate import PartialState

        join()
        PartialState().wait_for_everyone()


@contextmanager
def first_goes_ahead() -> Iterator[None]:
    """Let the first process finish the block before the others start it."""
    if not is_first():
        wait_for_all()
    yield
    if is_first():
        wait_for_all()


def from_first(value: Value) -> Value:
    """Return the first process's value in every process; it must be picklable."""
    if process_count() == 1:
        return value
    from torch import distributed

    join()
    values = [value]
    distributed.broadcast_object_list(values, src=0)
    return values[0]


@contextmanager
def sentence_for_lost_process() -> Iterator[None]:
    """Say in a sentence that another process of this training has ended.

    Raises:
        LostProcessError: It has.
    """
    try:
        yield
    except RuntimeError as error:
        if process_count() == 1 or not _is_lost_connection(error):
            raise
        raise LostProcessError(
            f"Process {process_number()} of {process_count()} lost another one, so the training ends. What "
            "ended that one stands above. Run the same command again to go on after the last finished epoch."
        ) from error


def _told(names: tuple[str, ...], otherwise: int) -> int:
    """Return the number a launcher gave: torchrun's name comes first, then those of mpirun's kinds."""
    return next((int(os.environ[name]) for name in names if name in os.environ), otherwise)


def _is_lost_connection(error: RuntimeError) -> bool:
    from torch.distributed import DistError

    return isinstance(error, DistError) or "gloo" in str(error)  # gloo's own are plain RuntimeErrors
