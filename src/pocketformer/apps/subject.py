"""What an app is about: one edition, and the file of it that the app carries."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from pocketformer.apps.examples import examples_among
from pocketformer.checks import GOLDEN_FILE, Golden
from pocketformer.edition import Edition, EditionFile
from pocketformer.errors import ExportError, RecipeError

__all__ = ["AppOptions", "Subject"]

_EXAMPLES = 6


@dataclass(frozen=True, slots=True)
class AppOptions:
    """What a person may ask of an app.

    Attributes:
        precision: Name of the plan of the file it carries, as "int8"; None takes int8 where the edition has
            it, else the smallest proven file.
        engine: Of the web app: "litert" or "onnx".
        engine_package: Of the web app: the folder of the engine's downloaded npm packages, or the package
            file where the engine is one; None has npm fetch them.
    """

    precision: str | None = None
    engine: str = "litert"
    engine_package: Path | None = None


@dataclass(frozen=True, slots=True)
class Subject:
    """An edition as apps need it.

    Attributes:
        directory: Of the edition.
        edition: Its figures.
        golden: Its golden texts.
    """

    directory: Path
    edition: Edition
    golden: Golden

    @classmethod
    def load(cls, directory: Path) -> Subject:
        """Read an edition for an app.

        Raises:
            FileFormatError: The directory holds no edition, or no golden texts.
            ExportError: The edition is an encoder's, which gives no labels to show.
        """
        edition = Edition.load(directory)
        if edition.kind != "classifier":
            raise ExportError(
                f"{directory} holds an encoder, which gives states and no labels; starter apps show labels. "
                "Export a classifier, or call the file as docs/runtimes.md says."
            )
        return cls(directory, edition, Golden.load(directory / GOLDEN_FILE))

    @property
    def name(self) -> str:
        """The edition's name, as "notices"."""
        return self.edition.name

    @property
    def title(self) -> str:
        """The name for people, as "Notices"."""
        words = self.name.replace("-", " ").replace("_", " ").split()
        return " ".join(word[:1].upper() + word[1:] for word in words)

    @property
    def identifier(self) -> str:
        """The name as a part of a package's or bundle's name: lower-case letters and digits, as "notices"."""
        letters = "".join(char for char in self.name.lower() if char.isascii() and char.isalnum())
        return letters if letters[:1].isalpha() else f"model{letters}"

    @property
    def golden_path(self) -> Path:
        """Where `golden.json` lies."""
        return self.directory / GOLDEN_FILE

    @property
    def examples(self) -> tuple[str, ...]:
        """A few texts of different labels, for a person to start with."""
        known = (mistake.text for entry in self.edition.files for mistake in entry.mistakes)
        return examples_among(self.golden.cases, self.edition.labels, known, _EXAMPLES)

    def file(self, format: str, precision: str | None = None) -> EditionFile:  # noqa: A002  # the edition's word
        """Return the file an app of a format carries.

        Args:
            format: "litert", "coreml" or "onnx".
            precision: Name of its plan; None takes int8 where there is one, else the smallest.

        Raises:
            RecipeError: The edition has no such file that has passed its verdict.
        """
        proven = [
            entry
            for entry in self.edition.files
            if entry.format == format
            and entry.verdict is not None
            and entry.verdict.passed
            and "classify" in entry.signatures
        ]
        if precision is None:
            preferred = [entry for entry in proven if entry.precision == "int8"]
            chosen = preferred or sorted(proven, key=lambda entry: entry.size_bytes)
        else:
            chosen = [entry for entry in proven if entry.precision == precision]
        if not chosen:
            wanted = f"{precision} file" if precision else "file"
            there = ", ".join(entry.file for entry in proven) or "none"
            raise RecipeError(
                f"{self.directory} holds no proven {wanted} of format {format} that takes text "
                f"(there: {there}). "
                f"Make one: pocketformer export {self.directory / self.edition.checkpoint} "
                f"-o {self.directory} --target {format}" + (f" --precision {precision}" if precision else "")
            )
        return chosen[0]
