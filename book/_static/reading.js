// "Without code": a chapter as text, figures and results. The choice is kept on the reader's device. This script stands
// in the head of a page and acts before anything is drawn, so that no code flashes up; reading.css hides the cells.
(() => {
  const KEY = "tlbook-without-code";
  const page = document.documentElement;
  const set = (on) => page.classList.toggle("without-code", on);
  let kept = null;
  try {
    kept = localStorage.getItem(KEY);
  } catch {
    // no storage: the switch works until the page is left
  }
  set(kept === "yes");

  document.addEventListener("DOMContentLoaded", () => {
    const place = document.querySelector(".article-header-buttons");
    if (!place || !document.querySelector("div.cell div.cell_input")) return;
    const button = document.createElement("button");
    button.type = "button";
    button.className = "without-code-switch";
    button.setAttribute("role", "switch");
    button.append("Without code");
    const said = document.createElement("span");
    said.className = "visually-hidden";
    said.setAttribute("role", "status");
    const show = () => button.setAttribute("aria-checked", String(page.classList.contains("without-code")));

    // What the reader looks at stays where it is, while cells above it come and go.
    const looked = () =>
      [...document.querySelectorAll("article :is(p, li, h1, h2, h3, svg, table)")].find((node) => {
        const box = node.getBoundingClientRect();
        return box.height && box.top >= 60 && !node.closest(".cell_input, details:not([open])");
      });

    button.addEventListener("click", () => {
      const on = !page.classList.contains("without-code");
      const node = looked();
      const before = node?.getBoundingClientRect().top;
      set(on);
      if (node) scrollBy({ top: node.getBoundingClientRect().top - before, behavior: "instant" });
      show();
      said.textContent = on ? "The code is hidden. Text, figures and results stay." : "The code is shown.";
      try {
        localStorage.setItem(KEY, on ? "yes" : "no");
      } catch {
        // private windows may refuse
      }
    });
    place.prepend(button, said);
    show();
  });
})();
