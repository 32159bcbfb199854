"""Before conversion: what of a checkpoint works, and what each target cannot take, without converting it."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from transformers import AutoConfig, PreTrainedConfig

from pocketformer.checkpoint import is_classifier, load_classifier, local_directory, quiet_transformers
from pocketformer.checkpoint.config import read_config
from pocketformer.checkpoint.weights import tensor_names
from pocketformer.checks.operations import config_operations, id_operations, text_operations
from pocketformer.errors import MissingExtraError, PocketformerError, UnsupportedArchitectureError
from pocketformer.program import Shapes
from pocketformer.targets import ModelOperation, Refusal, Target
from pocketformer.targets.registry import targets
from pocketformer.tokenizer import read_tokenizer

__all__ = ["Feasibility", "Finding", "TargetFinding", "check_checkpoint", "check_operations"]


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was looked at, whether it is as it must be, and a sentence or a few words on it."""

    subject: str
    ok: bool
    detail: str


@dataclass(frozen=True, slots=True)
class TargetFinding:
    """What one target cannot take.

    Attributes:
        target: Its name.
        refusals: The operations it cannot write, with the layer and the reason.
        half: Its precisions that compute in float16: `value_range` says whether the model fits there.
        problem: Why the target could not be asked; "" when it was.
    """

    target: str
    refusals: tuple[Refusal, ...]
    half: tuple[str, ...]
    problem: str = ""

    @property
    def ok(self) -> bool:
        """Whether it takes every operation."""
        return not self.refusals and not self.problem


@dataclass(frozen=True, slots=True)
class Feasibility:
    """What was found of a checkpoint before any conversion.

    Attributes:
        source: Directory or hub id.
        architecture: Its `model_type`; "" when it could not be read.
        findings: On config, weights, head, tokenizer, lengths and tracing.
        operations: Of the model and of its tokenizer; empty when neither could be traced.
        targets: What each target cannot take; empty without operations.
    """

    source: str
    architecture: str
    findings: tuple[Finding, ...]
    operations: tuple[ModelOperation, ...]
    targets: tuple[TargetFinding, ...]

    @property
    def possible(self) -> tuple[str, ...]:
        """The targets that can write it; none where the checkpoint itself is in the way."""
        if not all(finding.ok for finding in self.findings):
            return ()
        return tuple(one.target for one in self.targets if one.ok)


def check_checkpoint(source: str, lengths: Sequence[int] = (16, 32, 64, 128)) -> Feasibility:
    """Say in seconds whether a checkpoint of any architecture can be exported, and what is in the way.

    Nothing is converted. Whatever is wrong with the checkpoint is a finding, not an error. An architecture
    that is not on the list is traced as transformers runs it, so that all that fails is known at once.

    Args:
        source: Directory or hub id.
        lengths: Tokens per signature that are wanted.
    """
    try:
        directory = local_directory(source)
    except PocketformerError as error:
        return Feasibility(source, "", (Finding("checkpoint", False, str(error)),), (), ())
    findings: list[Finding] = []
    is_listed = _add(findings, "architecture", lambda: _architecture(directory))
    config = _any_config(directory)
    _add(findings, "weights", lambda: f"{len(tensor_names(directory))} tensors in safetensors")
    if is_listed:
        _add(findings, "head", lambda: _head(source))
    has_tokenizer = _add(findings, "tokenizer", lambda: _tokenizer(directory))
    if config is not None:
        _add(findings, "lengths", lambda: _lengths(config, lengths))
    operations: list[ModelOperation] = []
    if is_listed and all(finding.ok for finding in findings if finding.subject in ("weights", "head")):
        _trace(findings, operations, "model", lambda: id_operations(source))
    elif config is not None:
        _trace(findings, operations, "model", lambda: config_operations(directory, config))
    if has_tokenizer:
        _trace(findings, operations, "tokenizer in the file", lambda: text_operations(source))
    return Feasibility(
        source,
        _model_type(directory),
        tuple(findings),
        tuple(operations),
        check_operations(operations) if operations else (),
    )


def check_operations(operations: Sequence[ModelOperation]) -> tuple[TargetFinding, ...]:
    """Ask every installed target which of some operations it cannot write."""
    return tuple(_asked(name, target, operations) for name, target in sorted(targets().items()))


def _asked(name: str, target: Target, operations: Sequence[ModelOperation]) -> TargetFinding:
    try:
        return TargetFinding(name, target.unsupported(operations), target.half)
    except MissingExtraError as error:
        return TargetFinding(name, (), target.half, str(error))


def _add(findings: list[Finding], subject: str, look: Callable[[], str]) -> bool:
    try:
        findings.append(Finding(subject, True, look()))
    except PocketformerError as error:
        findings.append(Finding(subject, False, str(error)))
    return findings[-1].ok


def _trace(
    findings: list[Finding],
    operations: list[ModelOperation],
    subject: str,
    trace: Callable[[], tuple[ModelOperation, ...]],
) -> None:
    def look() -> str:
        found = trace()
        operations.extend(found)
        return f"{sum(one.count for one in found)} operations of {len(found)} kinds"

    _add(findings, subject, look)


def _architecture(directory: Path) -> str:
    config, architecture = read_config(directory)
    return f"{config.model_type} ({architecture.families})"


def _head(source: str) -> str:
    if not is_classifier(source):
        return "none: it is exported as an encoder"
    classifier = load_classifier(source)
    several = ", several at once" if classifier.multi_label else ""
    return f"{len(classifier.labels)} labels{several}: {', '.join(classifier.labels[:8])}" + (
        " …" if len(classifier.labels) > 8 else ""
    )


def _tokenizer(directory: Path) -> str:
    return f"WordPiece of {read_tokenizer(directory).get_vocab_size():,} pieces, runs inside a file"


def _lengths(config: PreTrainedConfig, lengths: Sequence[int]) -> str:
    positions = getattr(config, "max_position_embeddings", None)
    if not isinstance(positions, int) or positions < 1:
        return "the architecture states no limit of its own"
    Shapes(tuple(lengths)).checked(positions)
    return f"{', '.join(map(str, lengths))} of {positions} positions"


def _any_config(directory: Path) -> PreTrainedConfig | None:
    """Return the config of an architecture of any kind; None where `read_config` has said what is wrong."""
    try:
        return read_config(directory)[0]
    except UnsupportedArchitectureError:
        pass
    except PocketformerError:
        return None
    try:
        with quiet_transformers():
            return AutoConfig.from_pretrained(directory, local_files_only=True)
    except (OSError, ValueError, TypeError, LookupError, AttributeError, ImportError):
        return None  # the architecture is no finding's success already


def _model_type(directory: Path) -> str:
    try:
        return str(json.loads((directory / "config.json").read_text("utf-8"))["model_type"])
    except (OSError, ValueError, LookupError, TypeError):
        return ""
