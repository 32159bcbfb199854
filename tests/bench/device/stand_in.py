"""What stands in for LiteRT's `benchmark_model`: it takes its flags, measures for real, prints in its form.

Its makers publish the program at an address that tests cannot reach. This one opens the pushed file with
ai_edge_litert, which has the same interpreter inside, and runs what the flags say. Flags, order of work and
every line printed follow LiteRT's sources, tflite/tools/benchmark/benchmark_{model,tflite_model}.cc and
litert/tools/benchmark_litert_model.{h,cc}; so does what it does with a flag it does not know: a warning.

Kinds: "interpreter"; "compiled", which knows no inputs from files and writes no outputs; "old", of before
signatures; "failing", which ends as the real one does at an operation that is too new for it.
"""

from __future__ import annotations

import struct
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np

_BASE = {
    "num_runs": "50", "min_secs": "1.0", "max_secs": "150.0", "num_threads": "-1", "warmup_runs": "1",
    "warmup_min_secs": "0.5", "graph": "", "use_gpu": "false",
}  # fmt: skip
_FLAGS = {
    "interpreter": {
        **_BASE, "signature_to_run_for": "", "input_layer": "", "input_layer_shape": "",
        "input_layer_value_files": "", "output_filepath": "", "use_xnnpack": "", "use_nnapi": "false",
    },
    "compiled": {**_BASE, "signature_to_run_for": "", "use_cpu": "true"},
    "old": {**_BASE, "input_layer": "", "input_layer_shape": "", "input_layer_value_files": ""},
}  # fmt: skip
_FLAGS["failing"] = _FLAGS["interpreter"]


def main(kind: str) -> None:
    """Do what the program of a kind does."""
    flags = dict(_FLAGS[kind])
    unknown = []
    for argument in sys.argv[1:]:
        name, _, value = argument.removeprefix("--").partition("=")
        if name in flags:
            flags[name] = value
        else:
            unknown.append(argument)
    say("STARTING!")
    if unknown:
        say(f"Unconsumed cmdline flags: {' '.join(unknown)}", "WARN")
    say("Log parameter values verbosely: [0]")
    say(f"Graph: [{flags['graph']}]")
    if kind == "failing":
        say(f"Loaded model {flags['graph']}")
        say("Didn't find op for builtin opcode 'FULLY_CONNECTED' version '12'.", "ERROR")
        say("Registration failed.\n", "ERROR")
        fail("Failed to initialize the interpreter")
    run(flags, kind)


def run(flags: dict[str, str], kind: str) -> None:
    from ai_edge_litert.interpreter import Interpreter, OpResolverType

    begin = now()
    bare = OpResolverType.BUILTIN_WITHOUT_DEFAULT_DELEGATES
    chosen = {"experimental_op_resolver_type": bare} if flags.get("use_xnnpack") == "false" else {}
    interpreter = Interpreter(flags["graph"], num_threads=max(1, int(flags["num_threads"])), **chosen)
    say(f"Loaded model {flags['graph']}")
    signature = flags.get("signature_to_run_for", "")
    known = list(interpreter.get_signature_list())
    if kind == "old":
        signature = known[0]
    elif signature not in known:
        say(
            "Signature not specified or incorrect. Pass one of the following to the flag "
            '"--signature_to_run_for"',
            "ERROR",
        )
        for name in known:
            say(f" #> Signature key: {name}", "ERROR")
        fail("Benchmarking failed.")
    else:
        say(f"Using signature: {signature}")
    if flags["use_gpu"] == "true":
        say("GPU acceleration is unsupported on this platform.", "WARN")
    runner = interpreter.get_signature_runner(signature)
    names, results = tensor_order(Path(flags["graph"]), signature)
    init = now() - begin
    size = Path(flags["graph"]).stat().st_size
    say(f"The input model file size (MB): {size / 1e6:g}")
    say(f"Initialized session in {init / 1e3:g}ms.")
    inputs = given_inputs(flags, names, runner.get_input_details())
    warm_up, _ = repeat(flags["warmup_runs"], flags["warmup_min_secs"], flags["max_secs"], runner, inputs)
    measured, outputs = repeat(flags["num_runs"], flags["min_secs"], flags["max_secs"], runner, inputs)
    if kind == "compiled":
        report_compiled(init, warm_up, measured)
    else:
        say(
            f"Inference timings in us: Init: {init}, First inference: {warm_up[0]}, "
            f"Warmup (avg): {np.mean(warm_up):g}, Inference (avg): {np.mean(measured):g}"
        )
        say("Memory footprint delta from the start of the tool (MB): init=1.625 overall=9.5")
    if flags.get("output_filepath"):
        content = b"".join(np.ascontiguousarray(outputs[name]).tobytes() for name in results)
        Path(flags["output_filepath"]).write_bytes(content)


def given_inputs(flags: dict[str, str], names: list[str], details: dict[str, Any]) -> dict[str, np.ndarray]:
    """Read the inputs from files, which are in the order of the subgraph; draw them where there are none."""
    draw = np.random.default_rng()
    if not flags.get("input_layer"):
        return {
            name: draw.integers(0, 100, details[name]["shape"]).astype(details[name]["dtype"])
            for name in names
        }
    layers = flags["input_layer"].split(",")
    shapes = [tuple(map(int, shape.split(","))) for shape in flags["input_layer_shape"].split(":")]
    files = dict(pair.split(":") for pair in flags["input_layer_value_files"].split(","))
    if len(layers) != len(names):
        fail(f"Inputs mismatch: Model inputs #:{len(layers)} expected: {len(names)}")
    found = {}
    for name, layer, shape in zip(names, layers, shapes, strict=True):
        content = Path(files[layer]).read_bytes()
        wanted = np.zeros(shape, details[name]["dtype"])
        if len(content) != wanted.nbytes:
            fail(f"The size of {files[layer]} is {len(content)} bytes. It should be {wanted.nbytes} bytes.")
        found[name] = np.frombuffer(content, wanted.dtype).reshape(shape)
    return found


def repeat(runs: str, least: str, most: str, runner: Any, inputs: Any) -> tuple[list[int], Any]:
    say(
        f"Running benchmark for at least {runs} iterations and at least {float(least):g} seconds but "
        f"terminate if exceeding {float(most):g} seconds."
    )
    start, taken, outputs = now(), [], None
    while (len(taken) < int(runs) or now() < start + float(least) * 1e6) and now() <= start + float(
        most
    ) * 1e6:
        begin = now()
        outputs = runner(**inputs)
        taken.append(now() - begin)
    if len(taken) == 1:
        say(f"count=1 curr={taken[0]}\n")
    else:
        low, middle, high = (int(np.percentile(taken, part)) for part in (5, 50, 95))
        say(
            f"count={len(taken)} first={taken[0]} curr={taken[-1]} min={min(taken)} max={max(taken)} "
            f"avg={np.mean(taken):g} std={int(np.std(taken))} p5={low} median={middle} p95={high}\n"
        )
    return taken, outputs


def report_compiled(init: int, warm_up: list[int], measured: list[int]) -> None:
    mark = "[benchmark_litert_model.h:93]"
    say(f"{mark} \n========== BENCHMARK RESULTS ==========")
    say(f"{mark} Model initialization: {init / 1e3:.2f} ms")
    say(f"{mark} Warmup (first):       {warm_up[0] / 1e3:.2f} ms")
    say(f"{mark} Warmup (avg):         {np.mean(warm_up) / 1e3:.2f} ms ({len(warm_up)} runs)")
    say(f"{mark} Inference (avg):      {np.mean(measured) / 1e3:.2f} ms ({len(measured)} runs)")
    say(f"{mark} ======================================\n")


def tensor_order(path: Path, signature: str) -> tuple[list[str], list[str]]:
    """Return the names of a signature's inputs and outputs in the order of its subgraph."""
    from ai_edge_litert import schema_py_generated as schema

    model = schema.ModelT.InitFromPackedBuf(path.read_bytes())
    entry = next(one for one in model.signatureDefs if one.signatureKey.decode() == signature)
    graph = model.subgraphs[entry.subgraphIndex]
    inputs = {one.tensorIndex: one.name.decode() for one in entry.inputs}
    outputs = {one.tensorIndex: one.name.decode() for one in entry.outputs}
    return [inputs[index] for index in graph.inputs], [outputs[index] for index in graph.outputs]


def launcher(script: Path) -> bytes:
    """Return an x86-64 program for Linux that does nothing but start a script with its own arguments.

    The script cannot be pushed itself: what runs on a phone is machine code, and is checked to be.
    """
    base, header = 0x400000, 64 + 56
    code = bytes.fromhex(
        "488b0c24"  # mov rcx, [rsp]            the number of arguments
        "488d742408"  # lea rsi, [rsp + 8]       the arguments
        "488d54ce08"  # lea rdx, [rsi + rcx*8 + 8]  the environment
        "488d3d11000000"  # lea rdi, [rip + 17]   the script's path, behind the code
        "b83b000000"  # mov eax, 59              execve
        "0f05"  # syscall
        "bf7f000000"  # mov edi, 127
        "6a3c580f05"  # push 60; pop rax; syscall  exit
    )
    content = code + str(script).encode() + b"\0"
    elf = struct.pack(
        "<16s2HI3QI6H", b"\x7fELF\x02\x01\x01", 2, 62, 1, base + header, 64, 0, 0, 64, 56, 1, 0, 0, 0
    )
    size = header + len(content)
    return elf + struct.pack("<2I6Q", 1, 5, 0, base, base, size, size, 0x1000) + content


def say(sentence: str, level: str = "INFO") -> None:
    sys.stderr.write(f"{level}: {sentence}\n")


def fail(sentence: str) -> None:
    say(sentence, "ERROR")
    sys.exit(1)


def now() -> int:
    return time.perf_counter_ns() // 1000
