"""The model in headless Chromium: equal to `pocketformer.open` on the golden texts, cut as Python cuts."""

from __future__ import annotations

import base64
import random
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest

import pocketformer
from pocketformer import pipeline
from pocketformer.checks import GOLDEN_FILE, Golden
from pocketformer.checks.golden_texts import golden_texts
from pocketformer.pipeline.observer import Silent
from pocketformer.recipe import ExportRecipe
from pocketformer.tokenizer import cut_bytes

if TYPE_CHECKING:
    from playwright.sync_api import Page

    from conftest import Site

pytestmark = pytest.mark.slow

CLASSIFY = """async (texts) => {
  const { Classifier, loadCard } = await import("./js/classifier.js");
  const classifier = new Classifier(await loadCard());
  const found = [];
  for (const text of texts) {
    const bytes = Uint8Array.from(atob(text), (character) => character.charCodeAt(0));
    const { ids, scores, logits, isCut, signatures } = await classifier.classify(bytes);
    found.push({ ids: [...ids], scores: [...scores], logits: [...logits], isCut, signatures });
  }
  return found;
}"""

CUT = """async (cases) => {
  const { cutBytes } = await import("./js/text.js");
  return cases.map(([text, limit]) => cutBytes(Uint8Array.from(text), limit).length);
}"""


@pytest.mark.parametrize("precision", ["fp32", "int8"])
def test_golden_texts_are_those_of_python(page: Page, site: Site, precision: str) -> None:
    page.goto(site.app(precision, precision=precision))
    golden = Golden.load(site.dist / GOLDEN_FILE)
    model = pocketformer.open(site.dist / f"tiny.{precision}.tflite")
    found = page.evaluate(CLASSIFY, [case.encoded for case in golden.cases])
    from_python = from_pytorch = 0.0
    for case, here in zip(golden.cases, found, strict=True):
        there = model(case.content)
        assert tuple(here["ids"]) == case.input_ids
        assert here["isCut"] == there.truncated
        assert tuple(here["signatures"]) == there.signatures
        scores = np.array(here["scores"])
        from_python = max(from_python, np.abs(scores - list(there.scores.values())).max())
        from_pytorch = max(from_pytorch, np.abs(scores - np.array(case.scores)).max())
    # int8: the browser's kernels round other intermediate values than this processor's do
    assert from_python < {"fp32": 1e-4, "int8": 0.02}[precision]
    assert from_pytorch <= golden.tolerance[precision]


def test_golden_texts_in_onnx_are_those_of_python(page: Page, site: Site, tmp_path: Path) -> None:
    checkpoint = str(site.dist / "checkpoint")
    recipe = ExportRecipe(targets=("onnx",), precisions=("fp32",), lengths=(16, 32), max_bytes=128)
    edition = pipeline.export_checkpoint(checkpoint, tmp_path, "tiny", recipe, checkpoint, Silent())
    pipeline.verify_edition(edition, tmp_path, None, Silent())
    page.goto(site.app("onnx", tmp_path, engine="onnx"))
    golden = Golden.load(tmp_path / GOLDEN_FILE)
    found = page.evaluate(CLASSIFY, [case.encoded for case in golden.cases])
    model = pocketformer.open(tmp_path / "tiny.fp32.onnx")
    for case, here in zip(golden.cases, found, strict=True):
        there = model(case.content)
        assert tuple(here["ids"]) == case.input_ids
        assert here["isCut"] == there.truncated
        assert np.allclose(here["scores"], list(there.scores.values()), atol=1e-4)


def test_the_check_page_says_so(page: Page, site: Site) -> None:
    page.goto(site.app("fp32", precision="fp32") + "check.html")
    page.click("#check")
    page.wait_for_selector("#verdict.good")
    assert page.inner_text("#verdict-text") == "200 of 200 texts come out right"
    facts = page.inner_text("#check-facts")
    assert "all equal" in facts
    assert "the very file that was proven (SHA-256)" in facts


def test_the_check_page_notices_another_file(page: Page, site: Site) -> None:
    address = site.app("changed", precision="fp32")
    path = site.root / "some where" / "changed" / "model" / "tiny.fp32.tflite"
    content = path.read_bytes()
    path.write_bytes(content.replace(b'"checkpoint_sha256"', b'"checkpoint_SHA256"'))
    page.goto(address + "check.html?run")
    page.wait_for_selector("#verdict.bad")
    assert "NOT the file that was proven" in page.inner_text("#check-facts")


def test_the_build_for_older_browsers_gives_the_same(page: Page, site: Site) -> None:
    address = site.app("fp32", precision="fp32")
    texts = [base64.b64encode(text).decode() for text in golden_texts()[:20]]
    page.goto(address)
    usual = page.evaluate(CLASSIFY, texts)
    compat = site.root / "some where" / "fp32" / "engine" / "litert_wasm_compat_internal.js"
    page.context.route("**/litert_wasm_internal.js", lambda route: route.fulfill(path=compat))
    with page.expect_response("**/litert_wasm_compat_internal.wasm"):
        page.goto(address)
    older = page.evaluate(CLASSIFY, texts)
    for one, other in zip(usual, older, strict=True):
        assert one["ids"] == other["ids"]
        assert np.allclose(one["scores"], other["scores"], atol=1e-5)


def test_bytes_are_cut_as_in_python(page: Page, site: Site) -> None:
    draw = random.Random(7)
    texts = [*golden_texts(), *(draw.randbytes(draw.randint(0, 40)) for _ in range(500))]
    alphabet = ["a", "é", "界", "𠀀", "\ufeff"]
    texts += ["".join(draw.choice(alphabet) for _ in range(20)).encode() for _ in range(500)]
    cases = [(text[:200], limit) for text in texts for limit in draw.sample(range(1, 40), 4)]
    page.goto(site.app("fp32", precision="fp32"))
    found = page.evaluate(CUT, [[list(text), limit] for text, limit in cases])
    assert found == [len(cut_bytes(text, limit)) for text, limit in cases]
