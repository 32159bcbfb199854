"""English synonyms from WordNet (Miller 1995), through nltk and its data."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache, lru_cache
from pathlib import Path
from typing import Any

from pocketformer.data.augmentation.synonyms import Phrase
from pocketformer.errors import MissingExtraError, RecipeError
from pocketformer.quiet import without_chatter

__all__ = ["WordNet"]

# WordNet has only nouns, verbs, adjectives and adverbs, and takes "in" for the inch and "who" for the WHO.
_SHORTEST = 4
_FUNCTION_WORDS = """
    about above after again against also although always among another around because been before being below
    between both could does doing down during each either else ever every from further have having hence here
    hers herself himself however into itself just less like many might mine more most much must myself neither
    never none once only other ours ourselves over rather same shall should since some such than that their
    theirs them themselves then there these they this those though through thus together under until upon very
    were what when where whether which while whom whose will with within without would your yours yourself
""".split()  # noqa: SIM905, a list of hundred literals reads worse


class WordNet:
    """Synonyms of single English words, of their commonest sense that has any.

    Raises:
        MissingExtraError: nltk is not installed.
        RecipeError: WordNet's data is not on this machine.
    """

    longest = 1

    def __init__(self) -> None:
        self._senses = _reader(_place()).synsets
        self.of = lru_cache(maxsize=1 << 16)(self._of)

    def _of(self, phrase: Phrase) -> Sequence[str]:
        (word,) = phrase
        if len(word) < _SHORTEST or word in _FUNCTION_WORDS:
            return ()
        for sense in self._senses(word):
            names = [name.replace("_", " ") for name in sense.lemma_names()]
            # An inflected word is found by its base form, which would not fit in its place.
            if word in map(str.casefold, names) and len(names) > 1:
                return tuple(name for name in names if name.casefold() != word)
        return ()


def _place() -> str:
    """Return the name under which nltk finds WordNet: a folder, or the archive that its downloader leaves."""
    try:
        from nltk.data import find
    except ModuleNotFoundError as error:
        raise MissingExtraError("augment", error.name or "nltk") from error
    for place in ("corpora/wordnet", "corpora/wordnet.zip/wordnet/"):
        try:
            return str(find(place))
        except LookupError:
            continue
    raise RecipeError(
        "Synonyms are asked for without a file of them, and WordNet's data is not on this machine. Fetch it "
        "once with `python -m nltk.downloader wordnet`, or name a file of your own: "
        'synonyms = "synonyms.txt" in [augment].'
    )


@cache
def _reader(place: str) -> Any:
    """Return nltk's reader of the data at `place`; it takes seconds to make, and keeps its files open."""
    from nltk.corpus.reader import WordNetCorpusReader
    from nltk.data import FileSystemPathPointer, find

    root = FileSystemPathPointer(place) if Path(place).is_dir() else find("corpora/wordnet.zip/wordnet/")
    with without_chatter():  # it warns that other languages are not there
        return WordNetCorpusReader(root, None)
