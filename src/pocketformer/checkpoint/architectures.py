"""The list of supported encoder architectures, and how each one's own classification head maps to ours.

An architecture is on the list when its tokenizer is BERT's WordPiece, padding does not change its answer,
and it takes a 4-D additive mask and explicit position ids (what an exported program gives it).
ConvBERT (padding leaks through its convolutions), MPNet and RoFormer (other tokenizers) are off it.
"""

from __future__ import annotations

from dataclasses import dataclass

from pocketformer.errors import UnsupportedArchitectureError

__all__ = ["ARCHITECTURES", "Architecture", "LayerParts", "NativeHead", "require_supported"]


@dataclass(frozen=True, slots=True)
class NativeHead:
    """The head of a Hugging Face `…ForSequenceClassification` class, in our terms.

    Attributes:
        output: Module path of the last Linear.
        hidden: Module path of the first of two Linears; None for a linear head.
        activation: Between the two.
        pooling: What the class feeds to the head.
        dropout_fields: Config fields that hold its dropout, first one that is set.
    """

    output: str = "classifier"
    hidden: str | None = None
    activation: str = "leaky_relu"
    pooling: str = "pooler"
    dropout_fields: tuple[str, ...] = ("classifier_dropout", "hidden_dropout_prob")


@dataclass(frozen=True, slots=True)
class LayerParts:
    """Where in a layer the Linears are whose rows or columns are attention heads or feed-forward neurons.

    Attributes:
        query: Path of the Linear `[heads * head size, hidden]`; the module around it counts the heads.
        key: As `query`.
        value: As `query`.
        mixing: The one after the attention, `[hidden, heads * head size]`.
        widening: The feed-forward part's first, `[neurons, hidden]`.
        narrowing: Its second, `[hidden, neurons]`.
        neurons_field: Config field of the number of neurons.
    """

    query: str = "attention.self.query"
    key: str = "attention.self.key"
    value: str = "attention.self.value"
    mixing: str = "attention.output.dense"
    widening: str = "intermediate.dense"
    narrowing: str = "output.dense"
    neurons_field: str = "intermediate_size"


@dataclass(frozen=True, slots=True)
class Architecture:
    """One supported `model_type` of transformers.

    Attributes:
        model_type: As in config.json.
        families: Names under which people know models of this type.
        pooler: 'optional' (built on request), 'always' (built in) or 'none'.
        takes_token_types: Whether the encoder takes `token_type_ids`.
        native_head: Head of its `…ForSequenceClassification` class.
        layers: Path of the list of its layers in the encoder.
        parts: Of each layer; None where a layer is built otherwise, and its parts cannot be cut.
    """

    model_type: str
    families: str
    pooler: str = "optional"
    takes_token_types: bool = True
    native_head: NativeHead = NativeHead()
    layers: str = "encoder.layer"
    parts: LayerParts | None = LayerParts()


ARCHITECTURES: dict[str, Architecture] = {
    architecture.model_type: architecture
    for architecture in (
        Architecture("bert", "BERT, MiniLM, TinyBERT, BGE, E5, GTE, Chinese RoBERTa-wwm"),
        Architecture(
            "distilbert",
            "DistilBERT",
            pooler="none",
            takes_token_types=False,
            native_head=NativeHead(
                hidden="pre_classifier",
                activation="relu",
                pooling="cls",
                dropout_fields=("seq_classif_dropout",),
            ),
            layers="transformer.layer",
            parts=LayerParts(
                query="attention.q_lin",
                key="attention.k_lin",
                value="attention.v_lin",
                mixing="attention.out_lin",
                widening="ffn.lin1",
                narrowing="ffn.lin2",
                neurons_field="hidden_dim",
            ),
        ),
        Architecture("mobilebert", "MobileBERT", parts=None),
        Architecture(
            "electra",
            "ELECTRA",
            pooler="none",
            native_head=NativeHead(
                output="classifier.out_proj", hidden="classifier.dense", activation="gelu", pooling="cls"
            ),
        ),
        Architecture("ernie", "ERNIE 2.0, ERNIE 3.0"),
        Architecture("megatron-bert", "Megatron-BERT"),
        Architecture(
            "squeezebert",
            "SqueezeBERT",
            pooler="always",
            native_head=NativeHead(dropout_fields=("hidden_dropout_prob",)),
            layers="encoder.layers",
            parts=None,
        ),
    )
}


def require_supported(model_type: str, source: object) -> Architecture:
    """Return the architecture called `model_type`.

    Args:
        model_type: As in config.json.
        source: Where it was read, for the message.

    Raises:
        UnsupportedArchitectureError: It is not on the list; the message holds the list.
    """
    if model_type in ARCHITECTURES:
        return ARCHITECTURES[model_type]
    supported = "; ".join(f"{entry.model_type} ({entry.families})" for entry in ARCHITECTURES.values())
    raise UnsupportedArchitectureError(
        f"{str(source)!r} is of the architecture {model_type!r}, which is not supported. "
        f"Supported are: {supported}. Choose a checkpoint of one of these."
    )
