"""Running a Core ML package from its saved bytes, on any system: see docs/coreml-evaluator.md."""

from pocketformer.targets.coreml.evaluator.evaluator import Evaluator

__all__ = ["Evaluator"]
