// Small helpers for building the page; text always goes in as text, never as markup.

/** The element of an id. */
export const byId = (id) => document.getElementById(id);

/** Make an element: `el("li", {class: "bar"}, "text", child)`. */
export function el(name, attributes = {}, ...children) {
  const element = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) {
    if (value === true) element.setAttribute(key, "");
    else if (value !== false && value !== null && value !== undefined) element.setAttribute(key, value);
  }
  element.append(...children);
  return element;
}

/** A share as a percentage with one decimal; never "100 %" for what is less. */
export function percent(share) {
  const text = (100 * share).toFixed(1);
  if (text === "100.0" && share < 1) return "> 99.9 %";
  if (text === "0.0" && share > 0) return "< 0.1 %";
  return `${text} %`;
}

/** Megabytes with one decimal. */
export const megabytes = (bytes) => `${(bytes / 1e6).toFixed(1)} MB`;

/** A number with separators, as "1,024". */
export const count = (number) => number.toLocaleString("en");

/** Show why the model cannot be used. */
export function showTrouble(error) {
  const box = byId("trouble");
  box.querySelector("[data-what]").textContent = error.message;
  box.querySelector("[data-cure]").textContent = error.cure ?? "Reload the page to try again.";
  box.querySelector("[data-detail]").textContent = error.detail ?? "";
  box.hidden = false;
  document.documentElement.dataset.state = "failed";
}
