// The raw view: what went into the model and what came out, number by number.
import { byId, count, el } from "./dom.js";

let pieces; // by id; a promise once asked for

/** The word pieces of the vocabulary; an empty list where the app has none. */
function loadPieces(card) {
  pieces ??= card.has_pieces
    ? fetch(new URL("../model/pieces.json", import.meta.url)).then((response) => response.json())
    : Promise.resolve([]);
  return pieces;
}

/** Show the raw data of a prediction. */
export async function showRaw(prediction, card, backend) {
  const { ids, bytes, signatures, isFirst, ms } = prediction;
  byId("facts").replaceChildren(
    ...fact("Text", `${count(bytes)} of ${count(card.max_bytes)} bytes`),
    ...fact("Tokens", `${ids.length} of ${card.lengths.at(-1)}`),
    ...fact("Signatures", signatures.join(" → ")),
    ...fact("Time", timeOf(ms) + (isFirst ? ": the first use, which also prepares the weights" : "")),
    ...fact("File", `${card.file} (${card.precision})`),
    ...fact("Backend", `${card.engine}: ${backend}`),
  );
  byId("logits").replaceChildren(
    ...prediction.ranked.map(({ label, logit, score }) =>
      el("tr", {}, el("th", { scope: "row" }, label), number(logit.toFixed(4)), number(score.toFixed(6))),
    ),
  );
  const known = await loadPieces(card).catch(() => []);
  byId("tokens").replaceChildren(
    ...[...ids].map((id) =>
      el(
        "li",
        { class: "token" },
        known[id] === undefined ? "" : el("span", { class: "piece" }, known[id]),
        el("span", { class: "id" }, String(id)),
      ),
    ),
  );
}

/** Empty the raw view. */
export function clearRaw() {
  for (const id of ["facts", "tokens", "logits"]) byId(id).replaceChildren();
}

function fact(name, value) {
  return [el("dt", {}, name), el("dd", {}, value)];
}

function number(text) {
  return el("td", {}, text);
}

function timeOf(ms) {
  const parts = Object.entries(ms).map(([name, value]) => `${name} ${value.toFixed(1)}`);
  const total = Object.values(ms).reduce((sum, value) => sum + value, 0);
  return parts.length > 1 ? `${total.toFixed(1)} ms (${parts.join(", ")})` : `${total.toFixed(1)} ms`;
}
