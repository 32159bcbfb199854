"""Proving the files of an edition on processors that this machine does not have."""

from __future__ import annotations

import os
import platform
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from pocketformer.checkpoint import local_directory
from pocketformer.checks import GOLDEN_FILE, REJECTED_SUFFIX, TOLERANCES, Golden, Reference, plan_of
from pocketformer.checks.emulation import (
    FORMAT,
    Answers,
    Expected,
    Machine,
    Processor,
    ProcessorVerdict,
    answers_here,
    cached_root,
    compare_answers,
    processor_named,
    root_at,
)
from pocketformer.checks.emulation.blame import blame
from pocketformer.data import LabeledTexts
from pocketformer.edition import Edition, EditionFile
from pocketformer.errors import RecipeError, VerificationError
from pocketformer.pipeline.ledger import Ledger, key_of
from pocketformer.pipeline.lookups import checkpoint_of, file_metadata
from pocketformer.pipeline.observer import Observer, Progress
from pocketformer.prediction import open as open_model
from pocketformer.prediction import text_bytes
from pocketformer.targets import target_of
from pocketformer.tokenizer import read_tokenizer, reference_ids

__all__ = ["ARCHITECTURES", "DEFAULT_SAMPLE", "EmulationRequest", "kept_processors", "verify_emulated"]

#: What can be emulated.
ARCHITECTURES = ("arm64",)

#: Texts that are classified, as emulation takes seconds for each; token ids are compared on all.
DEFAULT_SAMPLE = 16

_NATIVE_NAMES = ("aarch64", "arm64")


@dataclass(frozen=True, slots=True)
class EmulationRequest:
    """What a person asks for.

    Attributes:
        architecture: One of `ARCHITECTURES`.
        root: A folder with a Linux of it; None makes one in the user's cache.
        processors: Names of `PROCESSORS`.
        sample: Texts that are classified, evenly spread; None takes all.
        only: Names of the files to run; empty for all.
    """

    architecture: str
    root: Path | None
    processors: tuple[str, ...]
    sample: int | None = DEFAULT_SAMPLE
    only: tuple[str, ...] = ()


def verify_emulated(
    edition: Edition,
    directory: Path,
    rows: LabeledTexts | None,
    request: EmulationRequest,
    observer: Observer,
) -> Edition:
    """Run the LiteRT files of an edition on emulated processors, and compare with this machine and PyTorch.

    Args:
        edition: Whose files stand in `directory`.
        directory: Where they are.
        rows: Held-out rows; None takes the edition's golden texts.
        request: Which files, processors and texts.
        observer: Told of each file.

    Returns:
        The edition with what was found in `EditionFile.processors`, saved. Files keep their names also where
        they missed: whose fault it is, the sentences tell.

    Raises:
        RecipeError: An architecture or a processor that is not known, or no file to run.
        EmulationError: Programs of it cannot be run here.
        VerificationError: A file missed a limit; all were run.
    """
    processors = _asked(request)
    entries = [entry for entry in edition.files if _is_asked(entry, directory, request)]
    if not entries:
        raise RecipeError(
            f"{directory} holds no LiteRT file with its tokenizer inside that could be run on "
            f"{request.architecture}; export one with --target litert."
        )
    say = observer.say
    root = cached_root(say) if request.root is None else root_at(request.root, say)
    run = _Run(edition, directory, rows, request, Machine(root), observer)
    found = {entry.file: run.of(entry, processors) for entry in entries}
    kept = [
        entry.model_copy(update={"processors": found.get(entry.file, entry.processors)})
        for entry in edition.files
    ]
    edition = edition.model_copy(update={"files": tuple(kept)})
    edition.save(directory)
    refusals = [
        f"{name} on {verdict.processor}: {' '.join(verdict.misses)}"
        for name, verdicts in found.items()
        for verdict in verdicts
        if not verdict.passed
    ]
    if refusals:
        raise VerificationError(" ".join(refusals))
    return edition


def kept_processors(ledger: Ledger, name: str, entry: EditionFile) -> tuple[ProcessorVerdict, ...]:
    """Return what an earlier run found of the very same bytes on emulated processors."""
    found = ledger.get(_stage(name), key_of(entry.sha256), EditionFile)
    return () if found is None else found.processors


def _stage(name: str) -> str:
    return f"processors {name}"


def _asked(request: EmulationRequest) -> tuple[Processor, ...]:
    if request.architecture not in ARCHITECTURES:
        raise RecipeError(
            f"There is no architecture {request.architecture!r} to verify on; expected "
            f"{' or '.join(ARCHITECTURES)}."
        )
    if platform.machine().lower() in _NATIVE_NAMES:
        raise RecipeError(
            f"This machine is {request.architecture} itself: `pocketformer verify` without --arch has run "
            "the files on it."
        )
    if request.sample is not None and request.sample < 1:
        raise RecipeError(f"{request.sample} texts to classify were asked for; at least one is needed.")
    return tuple(processor_named(name) for name in dict.fromkeys(request.processors))


def _is_asked(entry: EditionFile, directory: Path, request: EmulationRequest) -> bool:
    if entry.format != FORMAT or (request.only and entry.file not in request.only):
        return False
    return target_of(entry.file).describe(directory / entry.file).signature("tokenize") is not None


class _Run:
    """The texts and PyTorch's answers to them, made once for all files."""

    def __init__(
        self,
        edition: Edition,
        directory: Path,
        rows: LabeledTexts | None,
        request: EmulationRequest,
        machine: Machine,
        observer: Observer,
    ) -> None:
        self._directory = directory
        self._machine = machine
        self._observer = observer
        self._ledger = Ledger(directory)
        self._expected = (
            _golden(Golden.load(directory / GOLDEN_FILE), request.sample)
            if rows is None
            else _labelled(edition, directory, rows.texts, request.sample)
        )
        asked = self._expected
        texts = [text.hex() for text in asked.texts]
        limits = [str(tolerance) for tolerance in TOLERANCES.values()]
        by = machine.emulator, machine.runtime
        self._key = key_of(texts, asked.classified, asked.values.tolist(), limits, by)

    def of(self, entry: EditionFile, processors: Sequence[Processor]) -> tuple[ProcessorVerdict, ...]:
        """Return what is found of one file; processors of an earlier run that are not asked again stay."""
        path = self._directory / entry.file
        earlier = {verdict.processor: verdict for verdict in entry.processors}
        wanted, found = [], {}
        for processor in processors:
            key = key_of(self._key, entry.sha256, processor.option)
            kept = self._ledger.get(f"verify {entry.file} on {processor.name}", key, ProcessorVerdict)
            if kept is None:
                wanted.append((processor, key))
            else:
                found[processor.name] = kept
                self._observer.kept(f"verify {entry.file} on {processor.name}")
        if wanted:
            names = ", ".join(processor.name for processor, _ in wanted)
            with self._observer.stage(f"verify {entry.file} on {names}") as progress:
                for (processor, key), verdict in zip(
                    wanted, self._verdicts(path, [one for one, _ in wanted], progress), strict=True
                ):
                    found[processor.name] = verdict
                    self._ledger.put(f"verify {entry.file} on {processor.name}", key, verdict)
        verdicts = tuple({**earlier, **found}.values())
        self._ledger.put(
            _stage(entry.file.removesuffix(REJECTED_SUFFIX)),
            key_of(entry.sha256),
            entry.model_copy(update={"processors": verdicts}),
        )
        return verdicts

    def _verdicts(
        self, path: Path, processors: Sequence[Processor], progress: Progress
    ) -> list[ProcessorVerdict]:
        """Emulate several processors side by side, as many as this machine has cores."""
        asked = self._expected
        here = answers_here(path, asked.texts, asked.classified)
        plan = plan_of(open_model(path).card)
        parts = _Parts(len(processors), progress)

        def verdict(number: int) -> ProcessorVerdict:
            processor = processors[number]
            there: Answers = self._machine.answers(
                processor, path, asked.texts, asked.classified, parts.of(number, processor.name)
            )
            found = compare_answers(plan, asked, here, there, processor, self._machine.emulator)
            if found.passed:
                return found
            reason = blame(self._machine, processor, path, plan, asked, here, there)
            return replace(found, misses=(*found.misses, reason))

        with ThreadPoolExecutor(max_workers=min(len(processors), os.cpu_count() or 1)) as pool:
            try:
                return list(pool.map(verdict, range(len(processors))))
            except BaseException:  # an interrupt too: the pool waits for what runs
                self._machine.stop()
                raise


class _Parts:
    """The progress of several pieces of work as one."""

    def __init__(self, count: int, progress: Progress) -> None:
        self._fractions = [0.0] * count
        self._progress = progress

    def of(self, number: int, name: str) -> Callable[[float, str], None]:
        """Return the callback of one piece."""

        def advance(fraction: float, message: str) -> None:
            self._fractions[number] = fraction
            self._progress(sum(self._fractions) / len(self._fractions), f"{name}: {message}")

        return advance


def _golden(golden: Golden, sample: int | None) -> Expected:
    chosen = _spread(len(golden.cases), sample)
    values = [
        case.logits if case.logits is not None else (*(case.state or ()), case.state_norm or 0.0)
        for case, asked in zip(golden.cases, chosen, strict=True)
        if asked
    ]
    return Expected(
        texts=tuple(case.content for case in golden.cases),
        classified=chosen,
        ids=tuple(case.input_ids for case in golden.cases),
        values=np.array(values, np.float32),
        encoder=golden.kind == "encoder",
        labelled=False,
    )


def _labelled(edition: Edition, directory: Path, texts: Sequence[str], sample: int | None) -> Expected:
    """Return Hugging Face's ids of labelled rows, and PyTorch's answers to those that are classified."""
    if edition.kind == "encoder":
        raise RecipeError(
            f"{directory} is an encoder's edition, whose golden texts are compared here; leave --data out."
        )
    metadata = file_metadata(directory / edition.files[0].file)
    checkpoint = checkpoint_of(edition, directory)
    max_bytes, length = metadata["max_bytes"], max(metadata["lengths"])
    chosen = _spread(len(texts), sample)
    ids, mask = reference_ids(read_tokenizer(local_directory(checkpoint)), texts, max_bytes, length)
    asked = [text for text, wanted in zip(texts, chosen, strict=True) if wanted]
    return Expected(
        texts=tuple(text_bytes(text) for text in texts),
        classified=chosen,
        ids=tuple(tuple(row[:count].tolist()) for row, count in zip(ids, mask.sum(axis=1), strict=True)),
        values=Reference(checkpoint, max_bytes, length).run(asked).logits,
        encoder=False,
        labelled=True,
    )


def _spread(count: int, sample: int | None) -> tuple[bool, ...]:
    """Choose so many of a list, evenly spread; all where there is no such number, or no more."""
    if sample is None or sample >= count:
        return (True,) * count
    places = set(np.linspace(0, count - 1, sample, dtype=int).tolist())
    return tuple(place in places for place in range(count))
