"""Run golden texts through LiteRT's CompiledModel, as the app does; run by the Python of some release.

    python compiled_model.py FILE.tflite golden.json CACHE

Prints, as JSON, for each text the ids, the scores and the signatures that were run.
"""

import base64
import json
import sys
from pathlib import Path

import numpy as np
from ai_edge_litert.compiled_model import CompiledModel
from ai_edge_litert.options import CpuOptions, Options

ID_INPUTS = ("input_ids", "attention_mask", "token_type_ids")


class Model:
    """A model whose buffers are made once for each signature."""

    def __init__(self, path, cache):
        options = Options(cpu_options=CpuOptions(num_threads=2, xnnpack_weight_cache_path=cache))
        self.model = CompiledModel.from_file(path, options=options)
        self.buffers = {}

    def size(self, signature, name):
        """Return how many bytes or ids a signature takes."""
        return int(self.model.get_input_tensor_details(signature)[name]["shape"][1])

    def run(self, signature, inputs):
        """Run a signature: arrays by name in, flat arrays by name out."""
        if signature not in self.buffers:
            index = self.model.get_signature_index(signature)
            names = self.model.get_signature_by_index(index)
            taken = dict(zip(names["inputs"], self.model.create_input_buffers(index), strict=True))
            given = dict(zip(names["outputs"], self.model.create_output_buffers(index), strict=True))
            self.buffers[signature] = index, taken, given, self.model.get_output_tensor_details(signature)
        index, taken, given, details = self.buffers[signature]
        for name, values in inputs.items():
            taken[name].write(values)
        self.model.run_by_index(index, list(taken.values()), list(given.values()))
        return {
            name: buffer.read(int(np.prod(details[name]["shape"])), np.dtype(details[name]["dtype"]))
            for name, buffer in given.items()
        }


def main(path, golden, cache):
    """Print the answers."""
    model = Model(path, cache)
    names = list(model.model.get_signature_list())
    texts = sorted((model.size(name, "text"), name) for name in names if name.startswith("tokenize"))
    lengths = sorted((model.size(name, "input_ids"), name) for name in names if name[9:].isdigit())
    answers = []
    for case in json.loads(Path(golden).read_text("utf-8"))["cases"]:
        content = base64.b64decode(case["bytes"])
        if len(content) > texts[-1][0]:
            continue  # cutting is the app's part, and tested as Kotlin
        size, tokenize = next(entry for entry in texts if entry[0] >= len(content))
        text = np.zeros((1, size), np.int32)
        text[0, : len(content)] = list(content)
        tokens = model.run(tokenize, {"text": text})
        count = int(tokens["length"][0])
        length, classify = next(entry for entry in lengths if entry[0] >= count)
        ids = {name: np.ascontiguousarray(tokens[name][np.newaxis, :length]) for name in ID_INPUTS}
        scores = model.run(classify, ids)["scores"]
        answers.append(
            {
                "case": case["bytes"],
                "ids": tokens["input_ids"][:count].tolist(),
                "scores": scores.tolist(),
                "signatures": [tokenize, classify],
            }
        )
    sys.stdout.write(json.dumps(answers) + "\n")


if __name__ == "__main__":
    main(*sys.argv[1:])
