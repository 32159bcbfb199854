// The result of one text: the label with its confidence, and a bar for every label.
import { byId, el, percent } from "./dom.js";

const MOST_SHOWN = 8; // with more labels than this, the best few are shown and the rest can be opened
const FEW = 5;

/** Show a prediction; `card` is the model's. */
export function showResult(prediction, card) {
  const answer = byId("answer");
  answer.replaceChildren(...(card.multi_label ? severalLabels(prediction) : oneLabel(prediction)));
  byId("cut").hidden = !prediction.isCut;
  const { ranked } = prediction;
  const shown = ranked.length > MOST_SHOWN ? FEW : ranked.length;
  byId("bars").replaceChildren(...bars(ranked.slice(0, shown), prediction));
  const rest = byId("rest");
  rest.hidden = shown === ranked.length;
  rest.querySelector("summary").textContent = `${ranked.length - shown} more labels`;
  fillWhenOpen(rest, ranked.slice(shown), prediction);
  byId("result").dataset.empty = "false";
}

/** Show that there is no text. */
export function showNothing() {
  byId("answer").replaceChildren(el("span", { class: "quiet" }, "Type a text, or take one of the examples."));
  byId("bars").replaceChildren();
  byId("rest").hidden = true;
  byId("cut").hidden = true;
  byId("result").dataset.empty = "true";
}

/** Show that one text could not be classified. */
export function showFailure(message) {
  showNothing();
  byId("answer").replaceChildren(el("span", { class: "bad" }, message));
}

function oneLabel({ label, score }) {
  return [el("span", { class: "label" }, label), " ", el("span", { class: "confidence" }, percent(score))];
}

function severalLabels({ labels, ranked }) {
  if (!labels.length) return [el("span", { class: "label none" }, "No label reaches 50 %")];
  const holding = ranked.filter(({ label }) => labels.includes(label));
  return holding.map(({ label, score }) =>
    el("span", { class: "pill" }, label, " ", el("span", { class: "confidence" }, percent(score))),
  );
}

function bars(ranked, { labels }) {
  return ranked.map(({ label, score }) => {
    const fill = el("span", { class: "fill" });
    fill.style.setProperty("--share", score);
    return el(
      "li",
      { class: labels.includes(label) ? "bar holds" : "bar" },
      el("span", { class: "name" }, label),
      el("span", { class: "share" }, percent(score)),
      el("span", { class: "track", "aria-hidden": "true" }, fill),
    );
  });
}

/** A long list costs time with every key: it is made only while somebody looks at it. */
function fillWhenOpen(details, ranked, prediction) {
  const list = details.querySelector("ul");
  const fill = () => list.replaceChildren(...(details.open ? bars(ranked, prediction) : []));
  details.ontoggle = fill;
  fill();
}
