// The page of one model: wires the text box, the result, the raw view and the batch to the classifier.
import { wireBatch } from "./batch.js";
import { Classifier, loadCard } from "./classifier.js";
import { byId, count, el, megabytes, showTrouble } from "./dom.js";
import { debounced, latestOnly } from "./latest.js";
import { clearRaw, showRaw } from "./raw.js";
import { showFailure, showNothing, showResult } from "./result.js";
import { wireTabs } from "./tabs.js";
import { wireTheme } from "./theme.js";
import { bytesOf } from "./text.js";

const PAUSE_MS = 120;

async function start() {
  wireTheme();
  wireTabs(byId("tabs"));
  const card = await loadCard();
  const classifier = new Classifier(card, showProgress(card));
  const text = byId("text");
  let backend = "";
  let shown = null;

  const classify = latestOnly(async (value) => {
    try {
      await show(value);
    } catch (error) {
      shown = null;
      if (error.cure) showTrouble(error);
      else showFailure(error.message);
    }
    byId("result").setAttribute("aria-busy", String(text.value !== value));
  });

  async function show(value) {
    if (!value.trim()) {
      shown = null;
      showNothing();
      clearRaw();
      return;
    }
    shown = await classifier.classify(value);
    showResult(shown, card);
    if (byId("raw").checked) await showRaw(shown, card, backend);
  }

  const later = debounced(() => classify(text.value), PAUSE_MS);

  function changed() {
    const bytes = bytesOf(text.value).length;
    byId("count").textContent = `${count(bytes)} of ${count(card.max_bytes)} bytes`;
    byId("clear").hidden = text.value === "";
    byId("result").setAttribute("aria-busy", "true");
    later();
  }

  function put(value) {
    text.value = value;
    changed();
    text.focus();
  }

  text.addEventListener("input", changed);
  byId("clear").addEventListener("click", () => put(""));
  byId("raw").addEventListener("change", async ({ target }) => {
    byId("raw-panel").hidden = !target.checked;
    if (target.checked && shown) await showRaw(shown, card, backend);
  });
  byId("examples").replaceChildren(
    ...card.examples.map((example) => {
      const button = el("button", { type: "button", class: "example" }, example);
      button.addEventListener("click", () => put(example));
      return el("li", {}, button);
    }),
  );
  byId("examples-box").hidden = card.examples.length === 0;
  wireBatch(classifier);
  if (!text.value) text.value = card.examples[0] ?? "";
  changed();

  ({ backend } = await classifier.ready);
  byId("loading").hidden = true;
  document.documentElement.dataset.state = "ready";
  if (shown && byId("raw").checked) await showRaw(shown, card, backend);
}

function showProgress(card) {
  return (share) => {
    byId("loading-bar").value = share;
    const loaded = `${megabytes(share * card.size_bytes)} of ${megabytes(card.size_bytes)}`;
    byId("loading-text").textContent = share > 0.98 ? "Starting the model" : `Loading the model, ${loaded}`;
  };
}

start().catch(showTrouble);
