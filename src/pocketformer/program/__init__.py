"""The model as it ships: named signatures over one set of weights, tokenizer included."""

from pocketformer.program.embeddings import ClampedEmbedding
from pocketformer.program.modules import MASKED_SCORE
from pocketformer.program.program import Program, Signature
from pocketformer.program.shapes import Shapes

__all__ = ["MASKED_SCORE", "ClampedEmbedding", "Program", "Shapes", "Signature"]
