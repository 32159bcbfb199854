"""Commands for any model file, ours or not: quantize, and what verify and bench do with single files."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from pocketformer.cli.console import Screen, next_step, out, own_stderr, show_json, show_table
from pocketformer.cli.options import Json
from pocketformer.cli.tables import effort_cells, show_energy_notes
from pocketformer.errors import VerificationError

if TYPE_CHECKING:
    from pocketformer.bench import BenchResult
    from pocketformer.modules import Comparison


Inputs = Annotated[
    Path | None, typer.Option(help="An .npz with an array for each input; random ones when left out.")
]
Tolerance = Annotated[
    float | None, typer.Option(help="Largest relative error of an output, as 0.05; by the plan if left out.")
]


def quantize(
    file: Annotated[Path, typer.Argument(help="A float32 .tflite or .onnx, ours or not.")],
    output: Annotated[Path, typer.Option("--output", "-o", help="The new file, of the same format.")],
    plan: Annotated[str, typer.Option(help="int8, fp16, a name such as w4-e8-a8, or a plan file.")] = "int8",
    inputs: Inputs = None,
    tolerance: Tolerance = None,
    json: Json = False,
) -> None:
    """Write a given model file with smaller weights, and hold it against the original on the same inputs.

    Every output of every signature is compared. A file that is too far off is kept under a `.rejected` name
    and the exit code is 1. Random inputs are normal numbers; integers are within the table that the model
    looks up.
    """
    with own_stderr():
        from pocketformer.modules import quantize_file

    screen = Screen()
    with screen.stage(f"quantize {file.name}"):
        made = quantize_file(file, output, plan, inputs=inputs, tolerance=tolerance)
    if json:
        show_json(made)
        return
    _show_comparison(made.comparison, made.tolerance)
    out.print(
        f"Wrote {output}: {made.size_bytes / 1e3:,.1f} KB of {made.original_bytes / 1e3:,.1f} KB, "
        f"{made.zipped_bytes / 1e3:,.1f} KB zipped, {made.zstd_bytes / 1e3:,.1f} KB by zstd.",
        markup=False,
    )
    out.print(str(made.comparison), markup=False)
    next_step(f"pocketformer bench {file} {output}")


def convert(
    model: Annotated[
        Path, typer.Argument(help="A SavedModel's directory, or a .keras or .h5 file, of TensorFlow.")
    ],
    output: Annotated[Path, typer.Option("--output", "-o", help="The .tflite to write.")],
    inputs: Inputs = None,
    tolerance: Tolerance = None,
    json: Json = False,
) -> None:
    """Write a TensorFlow model as a float32 .tflite, and hold the file against TensorFlow on the same inputs.

    TensorFlow's own converter does it (pip install 'pocketformer[tensorflow]'), with TFLite's built-in
    operations alone. `pocketformer quantize` makes the file smaller.
    """
    with own_stderr():
        from pocketformer.modules.tensorflow import convert_tensorflow

    with Screen().stage(f"convert {model.name}"):
        comparison = convert_tensorflow(model, output, inputs=inputs, tolerance=tolerance)
    if json:
        show_json(comparison)
        return
    out.print(f"Wrote {output}. {comparison}", markup=False)
    next_step(f"pocketformer quantize {output} -o {output.with_suffix('')}.int8.tflite")


def verify_against(
    file: Path, original: Path, inputs: Path | None, tolerance: float | None, json: bool
) -> None:
    """Hold one model file against the one it was made from; exit code 1 where it is too far off."""
    with own_stderr():
        from pocketformer.modules import judge_file

    with Screen().stage(f"verify {file.name}"):
        comparison, allowed = judge_file(file, original, inputs, tolerance)
    show_json(comparison) if json else _show_comparison(comparison, allowed)
    if not comparison.worst.relative_error <= allowed:
        raise VerificationError(f"{file}: {comparison} At most {allowed:.2%} is allowed.")
    if not json:
        out.print(str(comparison), markup=False)
        next_step(f"pocketformer bench {original} {file}")


def bench_files(
    paths: list[Path], inputs: Path | None, rounds: int, threads: tuple[int, ...], json: bool
) -> None:
    """Time single model files against each other, signature by signature."""
    with own_stderr():
        from pocketformer.bench import bench_arrays
        from pocketformer.modules import samples_for

    with Screen().stage("bench") as progress:
        result = bench_arrays(
            paths,
            lambda path: samples_for(path, inputs, 1),
            rounds=rounds,
            threads=threads,
            on_progress=progress,
        )
    if json:
        show_json(result)
        return
    _show_timings(result)


def is_model_file(path: Path) -> bool:
    """Whether a path has the name of a model file: a Core ML package is a directory as an edition is."""
    from pocketformer.targets import targets

    return path.name.endswith(tuple(suffix for target in targets().values() for suffix in target.suffixes))


def _show_comparison(comparison: Comparison, allowed: float) -> None:
    show_table(
        f"Against the original; at most {allowed:.2%} is allowed",
        ["signature", "output", "samples", "relative error", "largest error", ""],
        [
            [
                one.signature, one.output, str(one.samples), f"{one.relative_error:.3%}",
                f"{one.max_error:.3g}", "✓" if one.relative_error <= allowed else "✗",
            ]
            for one in comparison.outputs
        ],
    )  # fmt: skip


def _show_timings(result: BenchResult) -> None:
    show_table(
        f"In turns, {result.processor}, {result.cores} cores",
        ["file", "signature", "threads", "median ms", "95 % ms"],
        [
            [one.contender, one.work, str(one.threads), f"{one.median_ms:.3f}", f"{one.p95_ms:.3f}"]
            for one in result.timings
        ],
    )
    show_table(
        "Each file in a fresh process",
        ["file", "KB", "zipped KB", "load ms", "first run ms", "memory MB", "CPU %", "mJ per run"],
        [
            [
                cost.file, f"{cost.size_bytes / 1e3:,.1f}", f"{cost.zipped_bytes / 1e3:,.1f}",
                f"{cost.load_ms:.1f}", f"{cost.first_text_ms:.1f}", f"{cost.all_memory_bytes / 1e6:.1f}",
                *effort_cells(cost),
            ]
            for cost in result.footprints
        ],
    )  # fmt: skip
    show_energy_notes(result)
