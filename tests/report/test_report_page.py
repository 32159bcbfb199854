"""The written report: complete, self-contained, well-formed, and the same every time."""

from __future__ import annotations

import re
from collections.abc import Callable
from html.parser import HTMLParser
from pathlib import Path

import pytest

from pocketformer.edition import Edition, EditionFile
from pocketformer.errors import MissingExtraError
from pocketformer.local_address import DEFAULT_PORT, HOST
from pocketformer.report import write_report

VOID = {"br", "col", "hr", "img", "input", "link", "meta"}
KINDS = ("full", "minimal", "multi_label", "rejected", "many_labels", "encoder")


class Reader(HTMLParser):
    """Checks nesting and collects what a page refers to, its ids and its visible text."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.ids: list[str] = []
        self.references: list[str] = []
        self.text: list[str] = []
        self.tags: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        if tag not in VOID:
            self.open.append(tag)
        for name, value in attrs:
            if name == "id":
                self.ids.append(value or "")
            if name in {"src", "href", "xlink:href", "srcset", "data"}:
                self.references.append(value or "")

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attrs)
        if tag not in VOID:
            self.open.pop()

    def handle_endtag(self, tag: str) -> None:
        assert self.open, f"</{tag}> closes nothing"
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if self.open and self.open[-1] != "style":
            self.text.append(data)

    @property
    def words(self) -> str:
        return re.sub(r"\s+", " ", " ".join(self.text))


@pytest.fixture(params=KINDS)
def edition(request: pytest.FixtureRequest) -> Edition:
    found: Edition = request.getfixturevalue(f"{request.param}_edition")
    return found


def read(edition: Edition, folder: Path) -> tuple[Reader, str, str]:
    html, markdown = write_report(edition, folder)
    content = html.read_text(encoding="utf-8")
    reader = Reader()
    reader.feed(content)
    reader.close()
    assert not reader.open
    return reader, content, markdown.read_text(encoding="utf-8")


SERVED = f"http://{HOST}:{DEFAULT_PORT}/"


def headings(markdown: str) -> list[str]:
    return re.findall(r"^## (.*)$", markdown, flags=re.MULTILINE)


def test_every_page_is_well_formed_and_needs_nothing_beside_it(edition: Edition, tmp_path: Path) -> None:
    reader, content, _ = read(edition, tmp_path)
    references = [found for found in reader.references if found != SERVED]
    assert all(reference.startswith("#") for reference in references)
    assert not re.search(r"@import|url\((?!#)|<script|<link|<img", content)
    assert not re.search(r"https?://", content.replace(SERVED, ""))
    assert len(reader.ids) == len(set(reader.ids))
    assert {reference[1:] for reference in references} <= set(reader.ids)


def test_the_same_edition_gives_the_same_bytes(edition: Edition, tmp_path: Path) -> None:
    first = [path.read_bytes() for path in write_report(edition, tmp_path / "a")]
    assert first == [path.read_bytes() for path in write_report(edition, tmp_path / "b")]


def test_every_markdown_table_row_has_all_its_columns(edition: Edition, tmp_path: Path) -> None:
    _, _, markdown = read(edition, tmp_path)
    tables = re.findall(r"(?:^\|.*\n)+", markdown, flags=re.MULTILINE)
    assert tables
    for table in tables:
        assert len({len(re.findall(r"(?<!\\)\|", line)) for line in table.splitlines()}) == 1, table


def test_a_full_edition_shows_every_section_in_order(full_edition: Edition, tmp_path: Path) -> None:
    reader, content, markdown = read(full_edition, tmp_path)
    titles = re.findall(r"<h2[^>]*>(.*?)</h2>", content)
    assert titles == [
        "Files", "Size and accuracy", "Try it", "Latency", "Footprint", "How each file was proven",
        "Confusion matrix", "Hardest rows", "Data", "Training", "Environment and provenance",
    ]  # fmt: skip
    assert headings(markdown) == [title for title in titles if title != "Size and accuracy"]
    assert reader.tags.count("svg") == 3
    assert "3 of 3 files passed: each does what the PyTorch model does." in reader.words


FIGURES = (
    "notices.int8.tflite", "24.6", "20.4", "93.00", "−0.33", "92.98", "300 of 300", "1.9e-6", "0.31", "1.9",
    "3.1e-5", "99.67", "3.01", "49.2", "2.9.0",  # main table
    "57.2 (69.2)", "Xeon® @ 2.60GHz, 2 cores", "19× faster than the fixed-length fp32 file",
    "8.8× faster than PyTorch fp32", "Its tokenizer takes 4 % of that time", "4.21", "61.3", "98.4",
    "1.9 (≤ 3.0)", "1.9e-6 (≤ 1.0e-4)", "99.67 (≥ 98.00)", "0.33 (≤ 0.50)", "300 of 300 (all)", "ids equal",
    "98.71", "如果油漆干了,就可以涂第二层。 🎨",  # mistakes
    "1,277", "1,240", "Rows dropped: no text", "17, 1,103", "1,116", "ab" * 32,  # data
    "90.12 % accuracy", "0.0001", "6.9 min", "The learning rate 1e-4 was chosen",  # training
    "i" * 64, "c" * 64, "data.train", "2.13.0", "16, 32", "1,874", "22,714,756",  # provenance
)  # fmt: skip


def test_every_figure_appears(full_edition: Edition, tmp_path: Path) -> None:
    reader, _, markdown = read(full_edition, tmp_path)
    assert [figure for figure in FIGURES if figure not in reader.words] == []
    assert [figure for figure in FIGURES if figure not in markdown] == []


def test_texts_and_labels_are_shown_as_they_are(full_edition: Edition, tmp_path: Path) -> None:
    reader, content, markdown = read(full_edition, tmp_path)
    assert 'If <b>wet</b> & cold, don\'t | "touch" it.' in reader.words
    assert "notice & <warning>" in reader.words
    assert "<b>" not in content
    assert "<warning>" not in content
    assert "<b>" not in markdown
    assert r"If &lt;b&gt;wet&lt;/b&gt; &amp; cold, don't \| " in markdown
    assert "\x07" not in content + markdown
    assert 'dir="auto">لا تلمس السطح الساخن' in content


def test_what_was_not_measured_is_left_out(minimal_edition: Edition, tmp_path: Path) -> None:
    reader, _, markdown = read(minimal_edition, tmp_path)
    assert headings(markdown) == ["Files", "Environment and provenance"]
    assert "1 file was exported and not verified yet." in reader.words
    assert "svg" not in reader.tags
    for title in ("Accuracy", "Memory", "Top-1", "Latency", "Training", "None"):
        assert title not in reader.words


def test_a_rejected_file_is_named_with_what_it_missed(rejected_edition: Edition, tmp_path: Path) -> None:
    reader, content, markdown = read(rejected_edition, tmp_path)
    sentence = (
        "2 of 3 files passed. notices.int8.tflite.rejected missed: "
        "The mean relative logit error is 9.12%, at most 3.00% is allowed."
    )
    assert sentence in reader.words
    assert sentence in markdown
    assert 'class="bad">✗ missed<' in content
    assert 'class="number bad">✗ 9.1 (≤ 3.0)<' in content
    assert "Of notices.fp16.tflite, the smallest file that passed" in reader.words


def test_a_file_without_numbers_says_so(
    full_edition: Edition, make_file: Callable[..., EditionFile], tmp_path: Path
) -> None:
    broken = make_file("fp32", ("The largest logit error is nan, at most 0.0001 is allowed.",))
    assert broken.verdict is not None
    nothing = float("nan")
    for name in ("max_logit_error", "mean_relative_error", "max_relative_error", "max_score_error"):
        object.__setattr__(broken.verdict.parity, name, nothing)
    reader, _, markdown = read(full_edition.model_copy(update={"files": (broken,)}), tmp_path)
    assert "NaN" in reader.words
    assert "NaN" in markdown
    assert "Confusion matrix" not in reader.words


def test_many_labels_are_drawn_and_their_worst_pairs_listed(
    many_labels_edition: Edition, tmp_path: Path
) -> None:
    reader, content, markdown = read(many_labels_edition, tmp_path)
    assert content.count('class="hit"') == 77
    assert content.count('class="miss"') == 38
    assert "intent <70> & größer → intent <71> & größer: 8" in reader.words
    assert "And 23 more pairs" in reader.words
    assert "And 23 more pairs" in markdown
    assert "<summary>Kept rows per label" in content
    assert "<details><summary>Kept rows per label (77 rows)</summary>" in markdown


def test_several_labels_at_once_have_no_confusion_matrix(
    multi_label_edition: Edition, tmp_path: Path
) -> None:
    reader, _, _ = read(multi_label_edition, tmp_path)
    assert "Confusion matrix" not in reader.words
    assert "4 labels, several may hold" in reader.words
    assert "accuracy (every label of a text right)" in reader.words
    assert "not wet" in reader.words


def test_an_encoder_is_judged_by_its_hidden_states(encoder_edition: Edition, tmp_path: Path) -> None:
    reader, _, _ = read(encoder_edition, tmp_path)
    assert "1 of 1 files passed: it does what the PyTorch model does." in reader.words
    assert "Mean relative hidden state error, %" in reader.words
    assert "4.3 (≤ 15)" in reader.words
    assert "logit" not in reader.words
    assert "Top-1" not in reader.words


def test_a_missing_package_is_named(
    full_edition: Edition, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import sys

    for name in [name for name in sys.modules if name.startswith("pocketformer.report.")]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "jinja2", None)
    with pytest.raises(MissingExtraError, match=r"'jinja2'.*pocketformer\[report\]"):
        write_report(full_edition, tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_a_classifier_can_be_tried(full_edition: Edition, tmp_path: Path) -> None:
    reader, _, markdown = read(full_edition, tmp_path)
    assert SERVED in reader.references
    assert f"<{SERVED}>" in markdown
    assert "platform android" in markdown
