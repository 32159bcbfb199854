"""Plain networks and given files: any module, `.tflite` or `.onnx` exported, quantised, proven."""

from pocketformer.modules.comparison import Comparison, OutputError, compare_files
from pocketformer.modules.exporting import ExportedFile, export, export_all
from pocketformer.modules.given import QuantizedFile, judge_file, quantize_file
from pocketformer.modules.naming import NamedModule, program_of
from pocketformer.modules.samples import Samples, samples_for
from pocketformer.modules.tensorflow import convert_tensorflow

__all__ = [
    "Comparison",
    "ExportedFile",
    "NamedModule",
    "OutputError",
    "QuantizedFile",
    "Samples",
    "compare_files",
    "convert_tensorflow",
    "export",
    "export_all",
    "judge_file",
    "program_of",
    "quantize_file",
    "samples_for",
]
