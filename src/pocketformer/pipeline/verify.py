"""Proving the files of an edition against their checkpoint."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from pocketformer import files
from pocketformer.checks import (
    GOLDEN_FILE,
    REJECTED_SUFFIX,
    SAMPLE_TEXTS,
    TOLERANCES,
    Golden,
    Outputs,
    Reference,
    Verdict,
    hardest_mistakes,
    judge,
    judge_encoder,
    layer_errors,
    plan_of,
)
from pocketformer.data import LabeledTexts
from pocketformer.edition import Edition, EditionFile
from pocketformer.errors import VerificationError
from pocketformer.pipeline.emulation import kept_processors
from pocketformer.pipeline.golden import asked_golden
from pocketformer.pipeline.ledger import Ledger, key_of
from pocketformer.pipeline.lookups import checkpoint_of
from pocketformer.pipeline.observer import Observer, Progress
from pocketformer.plan import Plan
from pocketformer.prediction import open as open_model
from pocketformer.targets import FileCard, target_of


def verify_edition(
    edition: Edition,
    directory: Path,
    data: LabeledTexts | None,
    observer: Observer,
    layers: bool = False,
) -> Edition:
    """Prove every file of an edition, on held-out rows or on our sample texts.

    Args:
        edition: What `export_checkpoint` or an earlier run gave.
        directory: Where its files are.
        data: Held-out rows; None takes `SAMPLE_TEXTS`, which have no labels.
        observer: Told of each file.
        layers: Look into every file, layer by layer; without it only into those that miss a limit.

    Returns:
        The edition with a verdict per file, saved.

    Raises:
        VerificationError: A file missed its tolerance. All were judged; the failed ones stand under
            their `.rejected` name, and get their own back when they pass another time.
    """
    proof = _Proof(edition, directory, data, layers)
    ledger = Ledger(directory)
    judged, refusals = [], []
    for entry in edition.files:
        name = entry.file.removesuffix(REJECTED_SUFFIX)
        stage, key = f"verify {name}", key_of(proof.key, entry.sha256)
        found = ledger.get(stage, key, EditionFile)
        if found is not None and (found.layers is not None or not layers or not _takes_text(found)):
            observer.kept(stage)
        else:
            with observer.stage(stage) as progress:
                found = proof.of(entry, progress)
        verdict = found.verdict
        assert verdict is not None
        if verdict.passed:
            ledger.put(stage, key, found)
        else:
            refusals.append(
                f"{name} is not delivered: {' '.join(verdict.misses)} It is kept as {name}{REJECTED_SUFFIX}."
            )
        final = name if verdict.passed else name + REJECTED_SUFFIX
        files.move(directory / entry.file, directory / final)
        processors = kept_processors(ledger, name, entry)
        judged.append(found.model_copy(update={"file": final, "processors": processors}))
    edition = edition.model_copy(update={"files": tuple(judged)})
    edition.save(directory)
    if refusals:
        raise VerificationError(" ".join(refusals))
    return edition


def _takes_text(entry: EditionFile) -> bool:
    return entry.verdict is None or entry.verdict.parity.takes_text


class _Proof:
    """The texts and PyTorch's answers to them, computed once for all files of an edition."""

    def __init__(self, edition: Edition, directory: Path, data: LabeledTexts | None, layers: bool) -> None:
        self._kind = edition.kind
        self._directory = directory
        self._checkpoint = checkpoint_of(edition, directory)
        self._data = data
        self._layers = layers
        self._texts: Sequence[str] = SAMPLE_TEXTS if data is None else data.texts
        self._reference: Outputs | None = None
        self._planned: dict[str, Outputs] = {}
        golden = directory / GOLDEN_FILE
        self._golden = Golden.load(golden) if golden.is_file() else None
        targets = None if data is None else data.targets.tolist()
        limits = [str(tolerance) for tolerance in TOLERANCES.values()]
        asked = files.sha256(golden) if golden.is_file() else None
        self.key = key_of(self._texts, targets, limits, edition.checkpoint_sha256, asked)

    def of(self, entry: EditionFile, progress: Progress) -> EditionFile:
        """Return the entry with its verdict; and where the error begins, if it missed or layers are asked."""
        path = self._directory / entry.file
        judged = self._judged(entry, path, progress)
        verdict = judged.verdict
        assert verdict is not None
        if (verdict.passed and not self._layers) or not verdict.parity.takes_text:
            return judged
        curve = layer_errors(open_model(path), self._checkpoint, self._texts)
        if not verdict.passed:
            verdict = replace(verdict, misses=(*verdict.misses, str(curve)))
        return judged.model_copy(update={"layers": curve, "verdict": verdict})

    def _judged(self, entry: EditionFile, path: Path, progress: Progress) -> EditionFile:
        if self._kind == "encoder":
            verdict = judge_encoder(path, self._checkpoint, self._texts, progress)
            return entry.model_copy(update={"verdict": self._asked(verdict)})
        card = target_of(path).describe(path)
        if self._reference is None:
            self._reference = self._pytorch(card, None, progress)
        planned = self._planned_outputs(card, progress)
        targets = None if self._data is None else self._data.targets
        verdict, outputs = judge(path, self._texts, self._reference, targets, progress, planned)
        return entry.model_copy(update={"verdict": self._asked(verdict), **self._shown(verdict, outputs)})

    def _pytorch(self, card: FileCard, plan: Plan | None, progress: Progress) -> Outputs:
        sizes = card.metadata["max_bytes"], max(card.metadata["lengths"])
        return Reference(self._checkpoint, *sizes, plan).run(self._texts, progress)

    def _planned_outputs(self, card: FileCard, progress: Progress) -> Outputs | None:
        """Return PyTorch's answers with the weights of the file's plan; None where they are floats."""
        plan = plan_of(card)
        formats = (plan.weights, plan.embedding, *plan.layers.values())
        if all(stored.kind == "float" for stored in formats):
            return None
        key = plan.model_dump_json(exclude={"name", "activations"})
        if key not in self._planned:
            self._planned[key] = self._pytorch(card, plan, progress)
        return self._planned[key]

    def _asked(self, verdict: Verdict) -> Verdict:
        takes_text = verdict.parity.takes_text
        return asked_golden(verdict, self._golden) if self._golden is not None and takes_text else verdict

    def _shown(self, verdict: Verdict, outputs: Outputs) -> dict[str, object]:
        if self._data is None or verdict.quality is None:
            return {}
        confusion = verdict.quality.confusion
        return {
            "confusion": None if confusion is None else [list(row) for row in confusion],
            "mistakes": hardest_mistakes(self._data, outputs.scores),
        }
