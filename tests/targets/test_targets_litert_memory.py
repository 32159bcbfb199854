"""What docs/runtimes.md tells an app to turn on does not change a file's answers, and saves memory."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from pocketformer.targets import litert

_MEASURE = Path(__file__).parents[2] / "benchmarks" / "litert_memory.py"

# In a process of its own: opening a compiled model writes to standard error, and tries GPU plug-ins.
_RUN = """
import json, sys
import numpy as np
from ai_edge_litert.compiled_model import CompiledModel
from ai_edge_litert.options import CpuOptions, Options
path, signature, cache = sys.argv[1:]
options = Options(cpu_options=CpuOptions(num_threads=1, xnnpack_weight_cache_path=cache))
model = CompiledModel.from_file(path, options=options)
index = model.get_signature_index(signature)
inputs, outputs = model.create_input_buffers(index), model.create_output_buffers(index)
for name, buffer in zip(model.get_signature_by_index(index)["inputs"], inputs, strict=True):
    buffer.write(np.ones(model.get_input_tensor_details(signature)[name]["shape"], np.int32))
model.run_by_index(index, inputs, outputs)
place = model.get_signature_by_index(index)["outputs"].index("logits")
print(json.dumps(outputs[place].read(2, np.float32).tolist()))
"""


def _in_a_process(*arguments: str) -> str:
    command = [sys.executable, *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout


@pytest.mark.parametrize("precision", ["fp32", "int8"])
def test_the_weight_cache_in_memory_gives_the_same_logits(finished: Path, precision: str) -> None:
    path = finished / f"tiny.{precision}.tflite"
    inputs = {name: np.ones((1, 16), np.int32) for name in ("input_ids", "attention_mask", "token_type_ids")}
    expected = litert.open(path).run("classify_16", inputs)["logits"]
    made = json.loads(_in_a_process("-c", _RUN, str(path), "classify_16", ":memory"))
    assert np.allclose(made, expected[0], atol=1e-6)
    assert not Path(":memory").exists()


@pytest.mark.slow
def test_several_signatures_cost_less_with_the_cache(tmp_path: Path) -> None:
    from pocketformer.program import Program, Shapes
    from tiny import tiny_classifier

    sizes = {"hidden_size": 384, "num_hidden_layers": 3, "num_attention_heads": 6, "intermediate_size": 1536}
    checkpoint = tiny_classifier(tmp_path / "checkpoint", **sizes)
    path = tmp_path / "model.tflite"
    program = Program.from_checkpoint(str(checkpoint), Shapes((8, 16, 32), 64))
    litert.export(program.only("classify_8", "classify_16", "classify_32"), "fp32", path)

    def memory_mb(*cache: str) -> float:
        answer = _in_a_process(str(_MEASURE), "--measure", str(path), "classify_32", *cache)
        return float(json.loads(answer)["memory_mb"])

    # 21 MB of weights, packed three times or once.
    assert memory_mb() - memory_mb(":memory") > 30
