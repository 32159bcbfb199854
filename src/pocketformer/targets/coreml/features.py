"""What an app's developer reads of a package: names, descriptions, licence, and our own metadata."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

#: Name of our entry in a package's metadata.
METADATA_KEY = "pocketformer"

_DESCRIPTIONS = {
    "text": "UTF-8 bytes of the text, one number each, padded with zeros",
    "input_ids": "token ids, padded to this length",
    "attention_mask": "1 for a real token, 0 for padding",
    "token_type_ids": "0 for every token of a single text",
    "scores": "probability of each label, in the order of the labels",
    "logits": "unnormalised score of each label",
    "length": "count of real tokens",
    "last_hidden_state": "a vector for each token",
    "pooler_output": "a vector for the whole text",
}
_KINDS = {
    "classifier": "Classifies a text: its UTF-8 bytes in, a score for each label out",
    "encoder": "Encodes a text: its UTF-8 bytes in, a vector for each token out",
    "tokenizer": "Cuts a text into tokens: its UTF-8 bytes in, token ids out",
}


def fill_in(description: Any, metadata: Mapping[str, Any]) -> None:
    """Fill in a `ModelDescription` message, in place.

    Args:
        description: With its functions, or its inputs and outputs.
        metadata: Facts of the program, as they are stored under our own key.
    """
    for part in (description, *description.functions):
        for feature in (*part.input, *part.output):
            feature.shortDescription = _DESCRIPTIONS.get(feature.name, "")
    about = description.metadata
    kind = _KINDS.get(str(metadata.get("kind")), "A text model")
    about.shortDescription = f"{kind}. Weights in {metadata['precision']}, made by pocketformer."
    about.author = str(metadata.get("author", "pocketformer"))
    about.license = str(metadata.get("license", ""))
    about.versionString = str(metadata.get("pocketformer", ""))
    about.userDefined[METADATA_KEY] = json.dumps(dict(metadata), ensure_ascii=False, sort_keys=True)
    if labels := metadata.get("labels"):
        about.userDefined["labels"] = json.dumps(labels, ensure_ascii=False)
