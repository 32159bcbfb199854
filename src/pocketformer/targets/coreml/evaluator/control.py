"""Branches and loops: the operations that run blocks of others."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from pocketformer.targets.coreml.evaluator.plan import Block, Call, Registers

#: Operations with blocks of their own.
CONTROL = frozenset({"cond", "while_loop"})


def control_call(kind: str, operands: Sequence[int], blocks: Sequence[Block]) -> Call:
    """Return a closure that runs a branch or a loop.

    Args:
        kind: One of `CONTROL`.
        operands: Registers of the branch's condition, or of the loop's first values.
        blocks: What to run when true and when false; or the loop's condition and its body.
    """
    first, second = blocks
    return _branch(operands[0], first, second) if kind == "cond" else _loop(operands, first, second)


def _branch(condition: int, when_true: Block, when_false: Block) -> Call:
    def run(registers: Registers) -> Any:
        return _alone((when_true if registers[condition] else when_false).run(registers))

    return run


def _loop(operands: Sequence[int], condition: Block, body: Block) -> Call:
    def run(registers: Registers) -> Any:
        values: Sequence[Any] = [registers[slot] for slot in operands]
        while _enter(condition, registers, values)[0]:
            values = _enter(body, registers, values)
        return _alone(values)

    return run


def _enter(block: Block, registers: Registers, values: Sequence[Any]) -> tuple[Any, ...]:
    for slot, value in zip(block.inputs, values, strict=True):
        registers[slot] = value
    return block.run(registers)


def _alone(values: Sequence[Any]) -> Any:
    """Return what an operation gives: one value as itself, several in a sequence."""
    return values[0] if len(values) == 1 else values
