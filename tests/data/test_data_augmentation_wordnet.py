"""WordNet's synonyms through nltk, over a database of three senses in WordNet's own format."""

from __future__ import annotations

import sys
import zipfile
from pathlib import Path

import nltk
import pytest

from pocketformer.data.augmentation import AugmentSettings, augmented_texts
from pocketformer.data.augmentation.wordnet import WordNet
from pocketformer.errors import MissingExtraError, RecipeError

SYNONYMS = AugmentSettings(methods=("synonyms",), synonym_share=1.0)
NOUNS = (("menu", "bill_of_fare"), ("hour", "sixty_minutes"), ("inch", "in"))
HEADER = "  1 WordNet 3.0 Copyright 2006 by nobody, made for a test.  \n"


def write_wordnet(folder: Path) -> Path:
    """Write the nouns as `data.noun` and `index.noun`; the other parts of speech are empty."""
    folder.mkdir(parents=True)
    data, index = HEADER, dict[str, int]()
    for words in NOUNS:
        index |= dict.fromkeys(words, len(data))
        named = " ".join(f"{word} 0" for word in words)
        data += f"{len(data):08d} 00 n {len(words):02x} {named} 000 | meaning  \n"
    lines = [f"{word} n 1 0 1 0 {offset:08d}  \n" for word, offset in sorted(index.items())]
    senses = [f"{word}%1:00:00:: {offset:08d} 1 0\n" for word, offset in sorted(index.items())]
    files = {
        "index.sense": "".join(senses),
        "lexnames": "00\tnoun.all\t1\n",
        "data.noun": data,
        "index.noun": HEADER + "".join(lines),
    }
    files |= {f"{kind}.{part}": HEADER for kind in ("data", "index") for part in ("verb", "adj", "adv")}
    files |= {f"{part}.exc": "" for part in ("noun", "verb", "adj", "adv")}
    for name, content in files.items():
        (folder / name).write_text(content, "utf-8")
    return folder


@pytest.fixture
def nltk_data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return the only folder in which nltk looks for its data."""
    monkeypatch.setattr(nltk.data, "path", [str(tmp_path / "nltk_data")])
    return tmp_path / "nltk_data"


def test_words_are_replaced_by_the_others_of_their_sense(nltk_data: Path) -> None:
    write_wordnet(nltk_data / "corpora" / "wordnet")
    assert augmented_texts(["The Menu, please, in an hour"], SYNONYMS) == (
        "The Bill of fare, please, in an sixty minutes",
    )


def test_inflected_and_function_words_stay(nltk_data: Path) -> None:
    write_wordnet(nltk_data / "corpora" / "wordnet")
    assert WordNet().of(("menu",)) == ("bill of fare",)
    for word in ("menus", "in", "which", "unknownword", "card"):
        assert WordNet().of((word,)) == ()


def test_the_archive_that_the_downloader_leaves_is_read(nltk_data: Path, tmp_path: Path) -> None:
    folder = write_wordnet(tmp_path / "wordnet")
    (nltk_data / "corpora").mkdir(parents=True)
    with zipfile.ZipFile(nltk_data / "corpora" / "wordnet.zip", "w") as archive:
        archive.writestr("wordnet/", "")
        for file in sorted(folder.iterdir()):
            archive.write(file, f"wordnet/{file.name}")
    assert WordNet().of(("hour",)) == ("sixty minutes",)


def test_without_its_data_the_command_that_fetches_it_is_told(nltk_data: Path) -> None:
    with pytest.raises(RecipeError, match=r"python -m nltk\.downloader wordnet"):
        augmented_texts(["a card"], SYNONYMS)


def test_without_nltk_the_extra_is_told(nltk_data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "nltk.data", None)
    with pytest.raises(MissingExtraError, match=r"pocketformer\[augment\]"):
        WordNet()
