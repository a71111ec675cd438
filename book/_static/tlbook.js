// Small repairs to the theme's markup, for readers with a keyboard or a screen reader; checked by tests/check_access.py.
document.addEventListener("DOMContentLoaded", () => {
  const each = (selector, change) => document.querySelectorAll(selector).forEach(change);

  // A label that differs from the text on the button hides that text.
  each(".search-button-field", (button) => button.removeAttribute("aria-label"));
  each("details.hide > summary", (summary) => summary.removeAttribute("aria-label"));
  each(".theme-switch-button", (button) => {
    const text = document.createElement("span");
    text.className = "visually-hidden";
    text.textContent = button.getAttribute("aria-label");
    button.append(text);
    button.removeAttribute("aria-label");
  });

  // Everything on a page lies in a landmark.
  each("#pst-primary-sidebar", (sidebar) => {
    sidebar.setAttribute("role", "complementary");
    sidebar.setAttribute("aria-label", "Book");
  });

  // A part of the contents that opens and closes says which one it is.
  each(".has-children > details > summary", (summary) => {
    const link = summary.closest(".has-children").querySelector("a");
    summary.setAttribute("aria-label", `Sections of ${link.textContent.trim()}`);
  });

  // The parameters in a long signature, one a line, are no list of definitions.
  each("dt.sig dl, dt.sig dl > dd", (part) => {
    const plain = document.createElement("div");
    plain.append(...part.childNodes);
    part.replaceWith(plain);
  });

  // The entries of the bibliography are items of its list.
  each(".citation-list > .citation", (entry) => entry.setAttribute("role", "listitem"));

  // The empty corner of a table is no header.
  each("table th", (corner) => {
    if (!corner.textContent.trim()) corner.replaceWith(document.createElement("td"));
  });

  // What is wider than the page scrolls by keyboard too, and shows that it goes on.
  const wide = ".plot-box, .places, div.math, span.math.long, .pst-scrollable-table-container, .cell_output .text_html";
  const show = (box) => {
    const beyond = box.scrollWidth - box.clientWidth;
    box.tabIndex = beyond > 1 ? 0 : -1;
    box.classList.toggle("went-on", beyond > 1);
    box.classList.toggle("goes-on", beyond - box.scrollLeft > 1);
  };
  const reachable = new ResizeObserver((entries) => entries.forEach(({ target }) => show(target)));
  const watch = (box) => {
    reachable.observe(box);
    box.addEventListener("scroll", () => show(box), { passive: true });
  };
  addEventListener("load", () => each(wide, watch)); // the theme's own script puts some tables into boxes
});
