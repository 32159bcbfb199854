"""Run signatures of a .tflite file for a process at the other end of standard input and output.

Numbers are big-endian and texts are a 16-bit size and UTF-8, as Java's DataOutputStream writes them. A request is
the signature, the number of inputs, and for each its name, its size and int32 values; an answer is the number of
outputs, and for each its name, its size and its values of 32 bits.
"""

import struct
import sys

import numpy as np
from ai_edge_litert.interpreter import Interpreter


def main(path):
    """Answer requests until there are no more."""
    source, target = sys.stdin.buffer, sys.stdout.buffer
    interpreter = Interpreter(path, num_threads=1)
    runners = {}
    while head := source.read(2):
        signature = source.read(struct.unpack(">H", head)[0]).decode()
        inputs = dict(_input(source) for _ in range(_int(source)))
        runner = runners.get(signature) or runners.setdefault(
            signature, interpreter.get_signature_runner(signature)
        )
        outputs = runner(**inputs)
        target.write(struct.pack(">i", len(outputs)))
        for name, values in outputs.items():
            encoded = name.encode()
            target.write(struct.pack(">H", len(encoded)) + encoded + struct.pack(">i", values.size))
            target.write(values.astype(values.dtype.newbyteorder(">")).tobytes())
        target.flush()


def _input(source):
    name = source.read(struct.unpack(">H", source.read(2))[0]).decode()
    size = _int(source)
    return name, np.frombuffer(source.read(4 * size), ">i4").astype(np.int32)[np.newaxis]


def _int(source):
    return struct.unpack(">i", source.read(4))[0]


if __name__ == "__main__":
    main(sys.argv[1])
