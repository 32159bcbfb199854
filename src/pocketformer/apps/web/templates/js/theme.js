// The button that changes between light and dark; the system's choice holds until it is pressed.
import { byId } from "./dom.js";

export function wireTheme() {
  const button = byId("theme");
  const root = document.documentElement;
  const name = () => {
    const other = root.dataset.theme === "dark" ? "light" : "dark";
    button.setAttribute("aria-label", `Switch to ${other} mode`);
    return other;
  };
  name();
  new MutationObserver(name).observe(root, { attributeFilter: ["data-theme"] });
  button.addEventListener("click", () => {
    const other = name();
    root.dataset.theme = other;
    try {
      localStorage.setItem("theme", other);
    } catch {
      return; // storage may be forbidden: the choice then holds for this page alone
    }
  });
}
