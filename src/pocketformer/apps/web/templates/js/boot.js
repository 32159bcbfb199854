// Runs before anything is drawn, and also where modules do not: sets the theme, explains a page opened as a file.
(function () {
  "use strict";
  const root = document.documentElement;
  const dark = window.matchMedia("(prefers-color-scheme: dark)");

  function stored() {
    try {
      return localStorage.getItem("theme");
    } catch {
      return null; // storage may be forbidden; the system's theme is used then
    }
  }

  function apply() {
    root.dataset.theme = stored() || (dark.matches ? "dark" : "light");
  }

  apply();
  dark.addEventListener("change", apply);

  if (location.protocol === "file:") {
    document.addEventListener("DOMContentLoaded", function () {
      const trouble = document.getElementById("trouble");
      trouble.hidden = false;
      trouble.querySelector("[data-what]").textContent = "This page was opened as a file.";
      trouble.querySelector("[data-cure]").textContent =
        "Browsers run it only from a web server. In its folder, run: python -m http.server 8000 — then open http://localhost:8000/";
      root.dataset.state = "failed";
    });
  }
})();
