"""The decision table: for each question the first rule that applies.

Every figure was measured with this project on Banking77 (77 labels, 10,003 rows, MiniLM-L6): see benchmarks/.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import Enum
from types import MappingProxyType
from typing import Any

from pocketformer.advice.situation import Situation

__all__ = ["RULES", "Question", "Rule"]


class Question(Enum):
    """What there is to decide, in this order."""

    FORMAT = "Which format?"
    WEIGHTS = "How are weights stored?"
    STUDENT = "How large is the model?"
    DATA = "What does it learn from?"
    TRAINING = "Is training aware of the plan?"


@dataclass(frozen=True, slots=True)
class Rule:
    """One row of the table.

    Attributes:
        situation: When it applies, in words.
        applies: The same for the machine.
        advice: What to do, in words.
        because: Why.
        settings: The same for a recipe, by "section.setting".
    """

    question: Question
    situation: str
    applies: Callable[[Situation], bool]
    advice: str
    because: str
    settings: Mapping[str, Any] = field(default_factory=lambda: MappingProxyType({}))


def _always(situation: Situation) -> bool:
    return True


def _android_older_than(release: str) -> Callable[[Situation], bool]:
    return lambda s: s.platform in ("android", "web") and s.is_older_than(release)


def _ios_older_than(release: str) -> Callable[[Situation], bool]:
    return lambda s: s.platform == "ios" and s.is_older_than(release)


def _needs_few_bits(situation: Situation) -> bool:
    """Whether eight bits would make the file of every advised size too large."""
    return not situation.fits(_SMALLEST_INT8_MB)


def _is_old(situation: Situation) -> bool:
    """Whether weights of four bits with a scale per row cannot be stored for so old a release."""
    return _android_older_than("2.18")(situation) or _ios_older_than("18")(situation)


def _trains_for_few_bits(situation: Situation) -> bool:
    """Whether weights have four bits, and there is time to train for them."""
    return situation.may_train and _needs_few_bits(situation) and not _is_old(situation)


def _can_distil_few(situation: Situation) -> bool:
    """Whether there are few labelled rows and texts without labels to learn from a teacher on."""
    return situation.may_train and situation.rows_per_label < _FEW_ROWS and situation.unlabelled > 0


def _wants_blocks(situation: Situation) -> bool:
    """Whether so little may be lost that four bits need a scale per block."""
    little = situation.max_drop is not None and situation.max_drop < _LOST_PER_ROW
    return little and not _android_older_than("2.21")(situation)


def _int4_fits(per_row: float, in_blocks: float) -> Callable[[Situation], bool]:
    """Return whether an int4 file fits that takes so many megabytes with scales per row, or in blocks."""
    return lambda s: s.fits(in_blocks if _wants_blocks(s) else per_row)


# Megabytes of files, tokenizer and four lengths included: benchmarks/compression/smallest.md.
_SIX_LAYERS_MB, _SMALLEST_INT8_MB = 24.5, 4.3
_TWO_LAYERS_MB = 6.0  # computed: 5.4 million int8 weights and what stands beside them
_LOST_PER_ROW = 0.3  # points, at most, by int4 with a scale per row
_FEW_ROWS = 40  # per label
_SOFT_LABELS = "+4.5 points with ten labelled rows per label (83.95 against 79.47 %)"

_FORMAT = (
    Rule(
        Question.FORMAT, "iOS or macOS", lambda s: s.platform == "ios",
        "Core ML", "It is what the phone runs without a library; other formats need one in the app.",
        {"export.targets": ("coreml",)},
    ),
    Rule(
        Question.FORMAT, "a server, or a desktop application", lambda s: s.platform == "server",
        "ONNX", "ONNX Runtime has packages for every language; lengths are dynamic in one graph.",
        {"export.targets": ("onnx",)},
    ),
    Rule(
        Question.FORMAT, "Android, or a web page", _always,
        "LiteRT", "One file for both; int8 in it is 1.9 times quicker than ONNX Runtime's.",
        {"export.targets": ("litert",)},
    ),
)  # fmt: skip

_WEIGHTS = (
    Rule(
        Question.WEIGHTS, "a LiteRT or TFLite before 2.18", _android_older_than("2.18"),
        "fp16", "Older runtimes give zeros for int8 weights with a scale per row, without an error.",
        {"export.precisions": ("fp16",)},
    ),
    Rule(
        Question.WEIGHTS, "iOS before 16", _ios_older_than("16"),
        "fp16", "Core ML stores smaller weights from iOS 16 on.",
        {"export.precisions": ("fp16",)},
    ),
    Rule(
        Question.WEIGHTS, "iOS 16 or 17, and int8 is too large",
        lambda s: _ios_older_than("18")(s) and _needs_few_bits(s),
        "palette4: 16 values per matrix",
        "int4 needs iOS 18; palettes of 16 values take the same bytes from iOS 16.",
        {"export.precisions": ("palette4",)},
    ),
    Rule(
        Question.WEIGHTS, "less than 4.3 MB, and less than 0.3 points may be lost",
        lambda s: _needs_few_bits(s) and _wants_blocks(s),
        "int4 with a scale per block of 32 inputs",
        "It loses 0.1 points at most, a scale per row up to 0.3; it is 8 % larger, a quarter slower, and "
        "needs LiteRT 2.21.",
        {"export.precisions": ("int4",)},
    ),
    Rule(
        Question.WEIGHTS, "less than 4.3 MB", _needs_few_bits,
        "int4 with a scale per row", "Half of int8, as quick, and at most 0.3 points less.",
        {"export.precisions": ("w4-e4-a8",)},
    ),
    Rule(
        Question.WEIGHTS, "anything else", _always,
        "int8",
        "A quarter of float32, about 3 times as quick, and no measurable loss (93.18 % before and after).",
        {"export.precisions": ("int8",)},
    ),
)  # fmt: skip

# Letters of scripts that no text uses: half a megabyte of an English vocabulary.
_VOCABULARY = {"student.foreign_letters": False}

_STUDENT = (
    Rule(
        Question.STUDENT, "no time to train", lambda s: not s.may_train,
        "the base as it is; `pocketformer plan` finds its best precision",
        "A budget search needs no training: it measures what each layer's precision costs.",
    ),
    Rule(
        Question.STUDENT, "room for 6 MB, few labelled rows, and texts without labels",
        lambda s: s.fits(_TWO_LAYERS_MB) and _can_distil_few(s),
        "2 layers, distilled", "As good as its teacher of six layers there (83.95 and 83.44 %).",
        {"student.layers": 2},
    ),
    Rule(
        Question.STUDENT, "24.5 MB or more, or no limit", lambda s: s.fits(_SIX_LAYERS_MB),
        "all six layers of MiniLM", "Nothing smaller is more accurate: 93.5 %.",
    ),
    Rule(
        Question.STUDENT, "5.5 MB, or 3 MB in int4", lambda s: s.fits(5.5) or (
            _needs_few_bits(s) and _int4_fits(3.0, 3.2)(s)
        ),
        "3 layers, 1024 neurons each, the vocabulary of the texts", "93.2 %, in int8 and in int4.",
        {**_VOCABULARY, "student.layers": 3, "student.neurons": 1024, "student.min_count": 2},
    ),
    Rule(
        Question.STUDENT, "4.3 MB, or 2.4 MB in int4", lambda s: s.fits(_SMALLEST_INT8_MB) or (
            _int4_fits(2.4, 2.55)(s)
        ),
        "3 layers, 512 neurons each", "93.2 to 93.4 %; 2.8 times as quick as six layers.",
        {**_VOCABULARY, "student.layers": 3, "student.neurons": 512, "student.min_count": 2},
    ),
    Rule(
        Question.STUDENT, "1.3 MB", _int4_fits(1.3, 1.35),
        "1 layer, 512 neurons", "92.3 %.",
        {
            **_VOCABULARY, "student.layers": 1, "student.choose": "last", "student.neurons": 512,
            "student.min_count": 3,
        },
    ),
    Rule(
        Question.STUDENT, "less", _always,
        "1 layer, 256 neurons, 6 heads", "0.94 MB and 91.1 %; TF-IDF + linear has 91.2 %.",
        {
            **_VOCABULARY, "student.layers": 1, "student.choose": "last", "student.neurons": 256,
            "student.heads": 6, "student.min_count": 4,
        },
    ),
)  # fmt: skip

_DATA = (
    Rule(
        Question.DATA, "fewer than 40 labelled rows per label, and texts without labels",
        _can_distil_few,
        "distil over the texts without labels", f"A teacher's answers on them bring {_SOFT_LABELS}.",
    ),
    Rule(
        Question.DATA, "fewer than 40 labelled rows per label, and nothing else",
        lambda s: s.rows_per_label < _FEW_ROWS,
        "collect texts without labels",
        f"They cost no work, and a teacher's answers on them bring {_SOFT_LABELS}.",
    ),
    Rule(
        Question.DATA, "40 or more", _always,
        "the labelled rows", "With all labels soft labels bring little: 93.18 against 93.10 % with 3 layers.",
    ),
)  # fmt: skip

_BLOCKS, _ROWS = "w4b32-e4b32-a8", "w4-e4-a8"
_TRAINING_HELPS = "What training reports is then what the file does (examples/digits: to the last digit)."

_TRAINING = (
    Rule(
        Question.TRAINING, "int4 in blocks, and time to train",
        lambda s: _trains_for_few_bits(s) and _wants_blocks(s),
        "train with `quantize`", _TRAINING_HELPS, {"distill.quantize": _BLOCKS},
    ),
    Rule(
        Question.TRAINING, "int4 with a scale per row, and time to train", _trains_for_few_bits,
        "train with `quantize`", _TRAINING_HELPS, {"distill.quantize": _ROWS},
    ),
    Rule(
        Question.TRAINING, "anything else", _always,
        "no", "int8 and fp16 after training lose nothing that could be won back.",
    ),
)  # fmt: skip


RULES: tuple[Rule, ...] = (*_FORMAT, *_WEIGHTS, *_STUDENT, *_DATA, *_TRAINING)
