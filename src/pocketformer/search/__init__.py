"""Search for good settings of a training, on one machine or on several that share one study."""

from __future__ import annotations

from pocketformer.search.result import SearchedSetting, SearchResult, TrialRecord
from pocketformer.search.searching import search
from pocketformer.search.settings import SearchSettings, SearchSpace, StartingPoint

__all__ = [
    "SearchResult",
    "SearchSettings",
    "SearchSpace",
    "SearchedSetting",
    "StartingPoint",
    "TrialRecord",
    "search",
]
