"""Every error a person can cause, and what the command line does with it.

PocketformerError            a sentence: what was given, what was expected, what to do (exit 2)
├── RecipeError              a recipe or an option that cannot be followed
├── BudgetError              limits of size, accuracy and time that no plan keeps (exit 1)
├── DataError                a table that cannot be read or learned from
├── CheckpointError          a directory that is no usable Hugging Face checkpoint
│   └── UnsupportedArchitectureError
├── TokenizerError           a tokenizer outside what runs inside a model file
├── ExportError              a model or a plan that a target cannot write
├── FileFormatError          a model file that is broken or of an unknown kind
├── InputError               an input that a model file cannot take
├── DeviceError              a phone, or a tool on it, that nothing can be measured with
├── EmulationError           programs of another architecture that cannot be run on this machine
├── MissingExtraError        a part of pocketformer that is not installed
├── LostProcessError         another process of the same training has ended
└── VerificationError        a file that missed its tolerances (exit 1)
"""

from __future__ import annotations

__all__ = [
    "BudgetError",
    "CheckpointError",
    "DataError",
    "DeviceError",
    "EmulationError",
    "ExportError",
    "FileFormatError",
    "InputError",
    "LostProcessError",
    "MissingExtraError",
    "PocketformerError",
    "RecipeError",
    "TokenizerError",
    "UnsupportedArchitectureError",
    "VerificationError",
]


class PocketformerError(Exception):
    """Base class: its text is a sentence for the person who gave the input."""

    exit_code = 2


class RecipeError(PocketformerError):
    """A recipe or an option that cannot be followed."""


class BudgetError(PocketformerError):
    """No plan keeps all limits of a budget."""

    exit_code = 1


class DataError(PocketformerError):
    """A table that cannot be read or learned from."""


class CheckpointError(PocketformerError):
    """A directory or hub id that is no usable Hugging Face checkpoint."""


class UnsupportedArchitectureError(CheckpointError):
    """A checkpoint of an architecture that is not on the list."""


class TokenizerError(PocketformerError):
    """A tokenizer outside what can run inside a model file."""


class ExportError(PocketformerError):
    """A model, or a plan, that a target cannot write."""


class FileFormatError(PocketformerError):
    """A model file that is broken, or of a kind that no target reads."""


class InputError(PocketformerError):
    """An input that does not fit the signature it was given to."""


class DeviceError(PocketformerError):
    """A phone, or a tool on it, that nothing can be measured with."""


class LostProcessError(PocketformerError):
    """Another process of the same training has ended; what ended it is that one's to say."""


class VerificationError(PocketformerError):
    """A file that was written and missed its tolerances; it is kept under a `.rejected` name."""

    exit_code = 1


class EmulationError(PocketformerError):
    """Programs of another processor architecture cannot be run on this machine."""


class MissingExtraError(PocketformerError):
    """A part of pocketformer whose packages are not installed.

    Args:
        extra: Name of the extra, as in `pip install pocketformer[extra]`.
        package: The package that could not be imported.
    """

    def __init__(self, extra: str, package: str) -> None:
        super().__init__(
            f"The package {package!r} is not installed. This part of pocketformer needs it: "
            f"pip install 'pocketformer[{extra}]'"
        )
        self.extra = extra
        self.package = package
