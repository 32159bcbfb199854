"""Opens files in whatever TFLite runtime stands beside it, runs them and prints what came out, as JSON.

Runs by itself, in environments as old as Python 3.9 and numpy 1: `python runtime_probe.py JOB.json`.
Each file has a process to itself, so that a crash is a result like any other.
"""

import base64
import json
import os
import sys

import numpy as np

try:
    from tflite_runtime.interpreter import Interpreter
except ImportError:
    from ai_edge_litert.interpreter import Interpreter


def in_a_process(work):
    """Return what `work` returns, from a process that may die."""
    reading, writing = os.pipe()
    pid = os.fork()
    if pid == 0:
        os.dup2(os.open(os.devnull, os.O_WRONLY), 2)
        try:
            answer = work()
        except Exception as error:  # noqa: BLE001  # whatever it is, it is the result
            answer = {"error": str(error).strip().splitlines()[0][:300]}
        with os.fdopen(writing, "w") as stream:
            json.dump(answer, stream)
        os._exit(0)
    os.close(writing)
    with os.fdopen(reading) as stream:
        content = stream.read()
    status = os.waitpid(pid, 0)[1]
    return json.loads(content) if content else {"error": f"crashed with signal {status & 127}"}


def run(path, calls):
    """Return the outputs of each call on a file: by signature, or by place where it has none."""
    interpreter = Interpreter(model_path=path, num_threads=1)
    return {"calls": [one_call(interpreter, **call) for call in calls]}


def one_call(interpreter, signature, inputs):
    arrays = {name: np.array(values, dtype) for name, (dtype, values) in inputs.items()}
    if signature is not None:
        outputs = interpreter.get_signature_runner(signature)(**arrays)
        return {name: np.asarray(array).tolist() for name, array in outputs.items()}
    interpreter.allocate_tensors()
    for details in interpreter.get_input_details():
        interpreter.set_tensor(details["index"], arrays[details["name"]])
    interpreter.invoke()
    return {
        details["name"]: interpreter.get_tensor(details["index"]).tolist()
        for details in interpreter.get_output_details()
    }


def has(content):
    """Whether the runtime has the one operation of a file."""
    try:
        Interpreter(model_content=base64.b64decode(content))
    except Exception as error:  # noqa: BLE001  # the sentence tells
        text = str(error)
        return "Didn't find op" not in text and "out of range" not in text
    return True


if __name__ == "__main__":
    with open(sys.argv[1]) as stream:  # noqa: PTH123  # as old Pythons have it too
        job = json.load(stream)
    results = {name: in_a_process(lambda file=file: run(**file)) for name, file in job["files"].items()}
    operations = {name: in_a_process(lambda one=one: has(one)) for name, one in job["operations"].items()}
    json.dump({"files": results, "operations": operations}, sys.stdout)
