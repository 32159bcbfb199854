"""What LiteRT's tool prints becomes figures; flags that it ignored, and failures, become sentences."""

from __future__ import annotations

import shlex

import pytest

from pocketformer.bench.device.benchmark_model import Job, arguments, read_output
from pocketformer.errors import DeviceError

JOB = Job(
    "/data/local/tmp/x/0/notices.int8.tflite", "classify_16", 4, "xnnpack", 30, 2.0,
    (((1, 16), "/data/local/tmp/x/input-0-0"), ((1, 16), "/data/local/tmp/x/input-0-1")),
    "/data/local/tmp/x/output-0",
)  # fmt: skip

# Lines as android_aarch64_benchmark_model prints them on a phone.
INTERPRETER = """\
INFO: STARTING!
INFO: Log parameter values verbosely: [0]
INFO: Min num runs: [30]
INFO: Graph: [/data/local/tmp/x/0/notices.int8.tflite]
INFO: Signature to run: [classify_16]
INFO: Loaded model /data/local/tmp/x/0/notices.int8.tflite
INFO: Initialized TensorFlow Lite runtime.
INFO: Created TensorFlow Lite XNNPACK delegate for CPU.
VERBOSE: Replacing 2136 out of 2168 node(s) with delegate (TfLiteXNNPackDelegate) node, yielding 65 partitions for subgraph 0.
VERBOSE: Replacing 64 out of 232 node(s) with delegate (TfLiteXNNPackDelegate) node, yielding 9 partitions for subgraph 1.
INFO: The input model file size (MB): 24.2195
INFO: Initialized session in 43.669ms.
INFO: Running benchmark for at least 1 iterations and at least 0.5 seconds but terminate if exceeding 60 seconds.

INFO: count=50 first=72635 curr=12240 min=12134 max=72635 avg=13536.2 std=4813 p5=12168 median=12430 p95=19447

INFO: Running benchmark for at least 30 iterations and at least 2 seconds but terminate if exceeding 60 seconds.
INFO: count=164 first=12142 curr=12232 min=12142 max=12763 avg=12435.4 std=147 p5=12232 median=12405 p95=12729

INFO: Inference timings in us: Init: 43669, First inference: 72635, Warmup (avg): 13536.2, Inference (avg): 12435.4
INFO: Memory footprint delta from the start of the tool (MB): init=23.5625 overall=27.5859
"""  # noqa: E501
# The older form, without percentiles; one warm-up call comes without an average.
OLDER = """\
INFO: Initialized session in 6.418ms.
INFO: Running benchmark for at least 1 iterations and at least 0.5 seconds but terminate if exceeding 150 seconds.
INFO: count=1 curr=1041765

INFO: Running benchmark for at least 50 iterations and at least 1 seconds but terminate if exceeding 150 seconds.
INFO: count=50 first=977738 curr=964908 min=911877 max=1112273 avg=971535 std=39112

INFO: Inference timings in us: Init: 6418, First inference: 1041765, Warmup (avg): 1.04176e+06, Inference (avg): 971535
"""  # noqa: E501
COMPILED = """\
WARN: Unconsumed cmdline flags: --input_layer=input0 --input_layer_shape=1,16 --output_filepath=/x
INFO: [benchmark_litert_model.h:93] Model initialization: 45.32 ms
INFO: [benchmark_litert_model.h:95] Warmup (first):       120.45 ms
INFO: [benchmark_litert_model.h:97] Warmup (avg):         98.76 ms (1 runs)
INFO: [benchmark_litert_model.h:99] Inference (avg):      85.23 ms (50 runs)
"""


def test_the_interpreters_tool() -> None:
    found = read_output(INTERPRETER, 0, JOB)
    assert (found.init_ms, found.first_ms, found.runs) == (43.669, 72.635, 164)
    assert (found.mean_ms, found.median_ms, found.p95_ms) == (12.4354, 12.405, 12.729)
    assert found.warm_up_ms == pytest.approx(50 * 13.5362)
    assert found.replaced == (2200, 2400)
    assert not found.random_inputs
    assert found.wrote_outputs


def test_an_older_tool_and_a_slow_file() -> None:
    found = read_output(OLDER, 0, JOB)
    assert (found.init_ms, found.first_ms, found.mean_ms) == (6.418, 1041.765, 971.535)
    assert (found.median_ms, found.p95_ms, found.replaced) == (None, None, None)
    assert found.warm_up_ms == pytest.approx(1041.765)


def test_the_tool_of_compiled_model() -> None:
    found = read_output(COMPILED, 0, JOB)
    assert (found.init_ms, found.first_ms, found.mean_ms, found.runs) == (45.32, 120.45, 85.23, 50)
    assert found.random_inputs
    assert not found.wrote_outputs


def test_a_failure_quotes_the_last_lines() -> None:
    text = (
        "INFO: STARTING!\nINFO: Loaded model a.tflite\n"
        "ERROR: Didn't find op for builtin opcode 'FULLY_CONNECTED' version '12'.\n"
        "ERROR: Registration failed.\n\nERROR: Failed to initialize the interpreter\n"
    )
    with pytest.raises(DeviceError, match=r"notices\.int8.tflite, signature classify_16, xnnpack") as failed:
        read_output(text, 1, JOB)
    assert "version '12'. / Registration failed. / Failed to initialize the interpreter" in str(failed.value)
    with pytest.raises(DeviceError, match=r"exit code 139\. Its last lines: it printed nothing"):
        read_output("", 139, JOB)
    with pytest.raises(DeviceError, match="exit code 0"):  # `--help` and the like end so too
        read_output("usage: benchmark_model\n", 0, JOB)


def test_a_flag_without_which_it_measures_something_else() -> None:
    ignored = "WARN: Unconsumed cmdline flags: --signature_to_run_for=classify_16\n"
    with pytest.raises(DeviceError, match="does not know --signature_to_run_for"):
        read_output(ignored + INTERPRETER, 0, JOB)
    with pytest.raises(DeviceError, match="does not know --signature_to_run_for"):
        read_output(ignored + "ERROR: Inputs mismatch\n", 1, JOB)  # the cause, not what came of it


def test_the_flags() -> None:
    flags = shlex.split(arguments(JOB))
    assert "--signature_to_run_for=classify_16" in flags
    assert "--num_threads=4" in flags
    assert "--input_layer=input0,input1" in flags
    assert "--input_layer_shape=1,16:1,16" in flags
    files = "input0:/data/local/tmp/x/input-0-0,input1:/data/local/tmp/x/input-0-1"
    assert f"--input_layer_value_files={files}" in flags
    assert not any(flag.startswith("--use_") for flag in flags)  # what an app gets that sets nothing
