"""Transfer of hidden states and attention maps from a teacher to a student of another size.

Both are compared word by word (`words.py`), so the two may have different tokenizers; layers are matched by
their relative depth, widths by a linear map that is trained along and thrown away, heads by their mean.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import torch
from torch import nn
from torch.nn import functional as F

from pocketformer.checkpoint import ClassifierOutput, TextClassifier
from pocketformer.errors import RecipeError
from pocketformer.train.words import aligned, number_words, word_weights

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerFast

__all__ = ["Transfer", "transfer_columns"]

# SqueezeBERT gives its attention scores before the softmax, which are no maps.
_WITHOUT_MAPS = {"squeezebert"}
_TINY = 1e-9


class Transfer(nn.Module):
    """A student that is trained to have its teacher's inner states; evaluated, it is the student alone.

    Args:
        student: The classifier that learns.
        teacher: The classifier that shows; it is left as it is and is no part of this module's weights.
        hidden_weight: Of the hidden states' loss; 0 leaves it out.
        attention_weight: Of the attention maps' loss; 0 leaves it out.
        seed: Of the linear maps between widths.

    Raises:
        RecipeError: Attention is asked of an architecture that gives no attention maps.
    """

    def __init__(
        self,
        student: TextClassifier,
        teacher: TextClassifier,
        hidden_weight: float,
        attention_weight: float,
        seed: int,
    ) -> None:
        super().__init__()
        self.student = student
        self._teacher = (teacher.eval().requires_grad_(False),)  # in a tuple, so that it is not registered
        self._hidden_weight, self._attention_weight = hidden_weight, attention_weight
        if attention_weight:
            for model in (student, teacher):
                _give_maps(model)
        sizes = (student.encoder.config.hidden_size, teacher.encoder.config.hidden_size)
        pairs = student.encoder.config.num_hidden_layers + 1  # the embeddings' output is one more
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            self.maps = nn.ModuleList(
                nn.Linear(*sizes, bias=False) if hidden_weight and sizes[0] != sizes[1] else nn.Identity()
                for _ in range(pairs)
            )

    def forward(
        self,
        input_ids: torch.Tensor,
        attention_mask: torch.Tensor,
        words: torch.Tensor | None = None,
        teacher_input_ids: torch.Tensor | None = None,
        teacher_attention_mask: torch.Tensor | None = None,
        teacher_words: torch.Tensor | None = None,
    ) -> ClassifierOutput:
        """Return the student's logits, and in training the transfer's loss.

        Args:
            input_ids: The student's token ids, int `[batch, length]`.
            attention_mask: 1 for tokens, 0 for padding, int `[batch, length]`.
            words: Word numbers of its tokens, int `[batch, length]`.
            teacher_input_ids: The teacher's token ids, int `[batch, teacher length]`.
            teacher_attention_mask: Of the teacher's tokens.
            teacher_words: Word numbers of the teacher's tokens.
        """
        if words is None or teacher_words is None:
            output: ClassifierOutput = self.student(input_ids, attention_mask)
            return output
        wanted = {
            "output_hidden_states": bool(self._hidden_weight),
            "output_attentions": bool(self._attention_weight),
        }
        own = self.student.encoder(input_ids=input_ids, attention_mask=attention_mask, **wanted)
        (teacher,) = self._teacher
        with torch.no_grad():
            shown = teacher.to(input_ids.device).encoder(
                input_ids=teacher_input_ids, attention_mask=teacher_attention_mask, **wanted
            )
        count = int(torch.maximum(words.max(), teacher_words.max())) + 1
        weights = word_weights(words, count), word_weights(teacher_words, count)
        loss = self._hidden_weight * self._hidden_loss(own, shown, *weights) if self._hidden_weight else 0.0
        if self._attention_weight:
            loss = loss + self._attention_weight * _attention_loss(own.attentions, shown.attentions, *weights)
        return ClassifierOutput(loss=loss, logits=self.student.classify(own, attention_mask))

    def _hidden_loss(
        self, own: Any, shown: Any, weights: torch.Tensor, teacher_weights: torch.Tensor
    ) -> torch.Tensor:
        """Return the mean squared difference of the words' states, each scaled to variance 1."""
        exists = weights.sum(dim=2).clamp(max=1.0)  # [batch, words]
        losses = []
        for number, (map_, states) in enumerate(zip(self.maps, own.hidden_states, strict=True)):
            target = _at_depth(shown.hidden_states, number, len(self.maps) - 1)
            ours = _scaled(map_(_mean_of_words(states, weights)))
            theirs = _scaled(_mean_of_words(target, teacher_weights))
            difference = (ours - theirs).square().mean(dim=2)
            losses.append((difference * exists).sum() / exists.sum().clamp(min=1.0))
        return torch.stack(losses).mean()


def transfer_columns(
    student: PreTrainedTokenizerFast,
    teacher: PreTrainedTokenizerFast,
    texts: Sequence[str],
    lengths: tuple[int, int],
) -> tuple[dict[str, list[list[int]]], int]:
    """Return what `Transfer` reads of each text, and how many texts the two split into other words.

    Args:
        student: The student's tokenizer.
        teacher: The teacher's.
        texts: To train on.
        lengths: Tokens per text at most, of the student's and of the teacher's.
    """
    pairs = [
        aligned(ours, theirs)
        for ours, theirs in zip(
            number_words(student, texts, lengths[0]), number_words(teacher, texts, lengths[1]), strict=True
        )
    ]
    ids = teacher(
        list(texts), truncation=True, max_length=lengths[1], return_attention_mask=False,
        return_token_type_ids=False,
    )["input_ids"]  # fmt: skip
    columns = {
        "words": [ours for ours, _ in pairs],
        "teacher_input_ids": ids,
        "teacher_words": [theirs for _, theirs in pairs],
    }
    return columns, sum(max(ours) < 0 for ours, _ in pairs)


def _give_maps(model: TextClassifier) -> None:
    if model.architecture.model_type in _WITHOUT_MAPS:
        raise RecipeError(
            f"attention_weight is set, but {model.architecture.model_type} gives no attention maps; leave it "
            "at 0 and use hidden_weight."
        )
    model.encoder.set_attn_implementation("eager")  # the only one that has maps to give


def _at_depth(states: Sequence[torch.Tensor], number: int, last: int) -> torch.Tensor:
    """Return the teacher's states at the relative depth `number` of `last`, both counted from 0."""
    return states[round(number * (len(states) - 1) / max(last, 1))]


def _mean_of_words(states: torch.Tensor, weights: torch.Tensor) -> torch.Tensor:
    """Return token states `[batch, length, hidden]` averaged over words, `[batch, words, hidden]`."""
    return (weights @ states.float()) / weights.sum(dim=2, keepdim=True).clamp(min=1.0)


def _scaled(states: torch.Tensor) -> torch.Tensor:
    return F.layer_norm(states, states.shape[-1:])


def _attention_loss(
    own: Sequence[torch.Tensor],
    shown: Sequence[torch.Tensor],
    weights: torch.Tensor,
    teacher_weights: torch.Tensor,
) -> torch.Tensor:
    """Return the divergence of the words' attention maps from the teacher's, averaged over layers.

    Args:
        own: The student's maps, `[batch, heads, length, length]` by layer.
        shown: The teacher's.
        weights: Tokens of words, `[batch, words, length]`.
        teacher_weights: Of the teacher's tokens.
    """
    exists = weights.sum(dim=2).clamp(max=1.0)
    losses = []
    for number, maps in enumerate(own, start=1):
        ours = _map_of_words(maps, weights)
        theirs = _map_of_words(shown[round(number * len(shown) / len(own)) - 1], teacher_weights)
        divergence = (theirs * ((theirs + _TINY).log() - (ours + _TINY).log())).sum(dim=2)
        losses.append((divergence * exists).sum() / exists.sum().clamp(min=1.0))
    return torch.stack(losses).mean()


def _map_of_words(maps: torch.Tensor, weights: torch.Tensor) -> torch.Tensor:
    """Return how much each word attends to each, `[batch, words, words]`; a word that exists sums to 1."""
    tokens = maps.float().mean(dim=1)
    words = (weights @ tokens @ weights.transpose(1, 2)) / weights.sum(dim=2, keepdim=True).clamp(min=1.0)
    return words / words.sum(dim=2, keepdim=True).clamp(min=_TINY)
