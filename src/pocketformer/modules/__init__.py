"""Plain networks and given files: any module, `.tflite` or `.onnx` exported, quantised, proven."""

from pocketformer.modules.comparison import Comparison, OutputError, compare_files
from pocketformer.modules.exporting import ExportedFile, export, export_all
from pocketformer.modules.given import QuantizedFile, quantize_file
from pocketformer.modules.naming import NamedModule, program_of

__all__ = [
    "Comparison",
    "ExportedFile",
    "NamedModule",
    "OutputError",
    "QuantizedFile",
    "compare_files",
    "export",
    "export_all",
    "program_of",
    "quantize_file",
]
