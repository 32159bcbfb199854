// The check: runs the edition's golden texts in this browser and holds them against what PyTorch gave.
import { Classifier, loadCard } from "./classifier.js";
import { byId, el, showTrouble } from "./dom.js";
import { wireTheme } from "./theme.js";

const MODEL = new URL("../model/", import.meta.url);

async function start() {
  wireTheme();
  const card = await loadCard();
  const classifier = new Classifier(card);
  const { backend } = await classifier.ready;
  byId("check").disabled = false;
  byId("backend").textContent = `${card.engine}: ${backend}`;
  document.documentElement.dataset.state = "ready";
  byId("check").addEventListener("click", () => run(classifier, card).catch(showTrouble));
  if (new URLSearchParams(location.search).has("run")) byId("check").click();
}

async function run(classifier, card) {
  byId("check").disabled = true;
  byId("verdict").hidden = true;
  byId("misses-box").hidden = true;
  const golden = await (await fetch(new URL("golden.json", MODEL))).json();
  const bar = byId("check-bar");
  bar.hidden = false;
  bar.max = golden.cases.length;
  const misses = [];
  const times = [];
  let largest = 0;
  for (const [place, expected] of golden.cases.entries()) {
    const began = performance.now();
    const found = await classifier.classify(bytesOf(expected.bytes));
    times.push(performance.now() - began);
    const difference = Math.max(...expected.scores.map((score, label) => Math.abs(score - found.scores[label])));
    largest = Math.max(largest, difference);
    const reason = reasonOf(found, expected, difference, card.tolerance);
    if (reason) misses.push({ place, text: expected.text ?? "(no valid UTF-8)", reason });
    bar.value = place + 1;
  }
  const file = await fileState(card);
  show(golden.cases.length, misses, { largest, tolerance: card.tolerance, median: median(times), file });
  byId("check").disabled = false;
}

/** What is wrong with one text; nothing when it is right. */
function reasonOf(found, expected, difference, tolerance) {
  const isEqual = found.ids.length === expected.input_ids.length && expected.input_ids.every((id, i) => id === found.ids[i]);
  if (!isEqual) return "other token ids";
  return difference <= tolerance ? "" : `a score is off by ${difference.toFixed(4)}`;
}

/** Whether the file is, byte for byte, the one that was proven. */
async function fileState(card) {
  if (!crypto.subtle) return "not checked: browsers compute digests on https and localhost only";
  const content = await (await fetch(new URL(encodeURIComponent(card.file), MODEL))).arrayBuffer();
  const digest = new Uint8Array(await crypto.subtle.digest("SHA-256", content));
  const hex = [...digest].map((byte) => byte.toString(16).padStart(2, "0")).join("");
  return hex === card.sha256 ? "the very file that was proven (SHA-256)" : "NOT the file that was proven (SHA-256 differs)";
}

function show(all, misses, { largest, tolerance, median: middle, file }) {
  const right = all - misses.length;
  const verdict = byId("verdict");
  verdict.dataset.right = String(right);
  verdict.dataset.all = String(all);
  verdict.dataset.largest = String(largest);
  verdict.className = misses.length || file.startsWith("NOT") ? "verdict bad" : "verdict good";
  byId("verdict-text").textContent = `${right} of ${all} texts come out right`;
  byId("check-facts").replaceChildren(
    ...fact("Token ids", misses.some(({ reason }) => reason.includes("ids")) ? "differ" : "all equal"),
    ...fact("Largest difference of a score", `${largest.toPrecision(2)} (allowed: ${tolerance})`),
    ...fact("Median time", `${middle.toFixed(1)} ms per text`),
    ...fact("Model file", file),
    ...fact("Browser", navigator.userAgent),
  );
  byId("misses").replaceChildren(
    ...misses.map(({ place, text, reason }) =>
      el("tr", {}, el("td", { class: "number" }, String(place)), el("td", { class: "text" }, text), el("td", {}, reason)),
    ),
  );
  byId("misses-box").hidden = misses.length === 0;
  verdict.hidden = false;
}

function fact(name, value) {
  return [el("dt", {}, name), el("dd", {}, value)];
}

function median(values) {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)];
}

function bytesOf(base64) {
  return Uint8Array.from(atob(base64), (character) => character.charCodeAt(0));
}

start().catch(showTrouble);
