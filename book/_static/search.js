// The search: "/" or Ctrl-K, words, arrows, Enter. What ranks and what is searched come when somebody searches, as
// scripts, since a page that is opened from disk may load nothing else. Where a link of it leads, found.js marks.
(() => {
  const here = new URL(".", document.currentScript.src); // _static/
  const root = new URL("..", here);
  const MOST = 12; // results that are shown
  const EXCERPT = 180; // letters

  const script = (name) =>
    new Promise((done, failed) => {
      const node = document.createElement("script");
      Object.assign(node, { src: new URL(name, here), onload: done, onerror: () => failed(new Error(name)) });
      document.head.append(node);
    });
  let record;
  window.tlbookSearchIndex = (given) => (record = given);
  let loading;
  const index = () =>
    (loading ??= Promise.all([script("search-rank.js"), script("search-index.js")]).then(() =>
      tlbookRank.build(record),
    ));

  function made(tag, attributes = {}, ...children) {
    const node = document.createElement(tag);
    for (const [name, value] of Object.entries(attributes)) node.setAttribute(name, value);
    node.append(...children);
    return node;
  }

  // A text with marks on the words that were asked for.
  function marked(text, stems, typed) {
    const parts = [];
    let end = 0;
    for (const [start, stop] of tlbookRank.places(text, stems, typed)) {
      parts.push(text.slice(end, start), made("mark", {}, text.slice(start, stop)));
      end = stop;
    }
    return [...parts, text.slice(end)];
  }

  // The piece of a section's text that holds the most of what was asked for.
  function excerpt(text, stems, typed) {
    const places = tlbookRank.places(text, stems, typed);
    let [best, most] = [0, 0];
    places.forEach(([start], i) => {
      const inside = places.slice(i).filter(([, stop]) => stop <= start + EXCERPT - 40);
      const kinds = new Set(inside.map(([from, to]) => tlbookRank.stem(text.slice(from, to).toLowerCase()))).size;
      if (kinds * 100 + inside.length > most) [best, most] = [start, kinds * 100 + inside.length];
    });
    let start = Math.max(0, best - 40);
    if (start) start = text.indexOf(" ", start) + 1 || start;
    const piece = text.slice(start, start + EXCERPT);
    const more = start + EXCERPT < text.length;
    const whole = more && piece.includes(" ") ? piece.slice(0, piece.lastIndexOf(" ")) : piece;
    return [start ? "… " : "", ...marked(whole, stems, typed), more ? " …" : ""];
  }

  function address(entry, stems, typed) {
    const to = new URL(entry.address, root);
    to.searchParams.set("find", typed);
    to.searchParams.set("stems", stems.join(" "));
    to.hash = entry.anchor;
    return to.href;
  }

  // Gives a form of the theme what it needs: a line that says how many, and the list.
  function mount(form, box) {
    const input = form.querySelector("input[type=search]");
    const status = made("p", { class: "search-status", role: "status" });
    const defined = made("p", { class: "search-term" });
    const list = made("ol", { class: "search-list", "aria-label": "Sections that were found" });
    box.append(status, defined, list);
    let asked = ""; // what the list answers
    let wait;

    function show(found, stems, typed) {
      const { results, count, term } = found;
      asked = typed;
      defined.replaceChildren();
      if (term) {
        const to = new URL(`book/glossary.html#${term.anchor}`, root).href;
        defined.append(made("a", { href: to }, term.term), " ", term.said);
      }
      list.replaceChildren(
        ...results.slice(0, MOST).map(({ entry }) => {
          const where = entry.level ? entry.of : ["A lesson", "A page", "", "The package"][entry.kind];
          const link = made("a", { href: address(entry, stems, typed) }, ...marked(entry.title, stems, typed));
          const text = entry.text ? excerpt(entry.text, stems, typed) : [];
          return made("li", {}, link, made("span", { class: "where" }, where), made("p", {}, ...text));
        }),
      );
      const shown = Math.min(count, MOST);
      if (!count) status.textContent = `Nothing found for “${typed}”. Try another word, or fewer.`;
      else
        status.textContent = `${count} ${count === 1 ? "section" : "sections"}${count > shown ? `, the first ${shown}` : ""}.`;
    }

    async function ask() {
      const typed = input.value.trim();
      if (!typed) {
        [status, defined, list].forEach((node) => node.replaceChildren());
        asked = "";
        return;
      }
      if (!record) status.textContent = "Loading the index …";
      try {
        const built = await index();
        if (typed !== input.value.trim()) return; // more was typed meanwhile
        show(tlbookRank.find(built, typed), tlbookRank.stems(built, typed), typed);
      } catch {
        status.textContent = "The index of the search is not beside these pages: build the book anew.";
      }
    }

    input.addEventListener("focus", () => index().catch(() => {})); // it is there when the first word is
    input.addEventListener("input", () => {
      clearTimeout(wait);
      wait = setTimeout(ask, 120);
    });
    form.addEventListener("submit", async (event) => {
      event.preventDefault();
      clearTimeout(wait);
      if (asked !== input.value.trim()) await ask();
      list.querySelector("a")?.click();
    });
    box.parentElement.addEventListener("keydown", (event) => {
      const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
      if (!step) return;
      const stops = [input, ...list.querySelectorAll("a")];
      const next = stops[stops.indexOf(document.activeElement) + step];
      if (!next) return;
      event.preventDefault();
      next.focus();
    });
    return ask;
  }

  document.addEventListener("DOMContentLoaded", () => {
    const dialog = document.getElementById("pst-search-dialog");
    if (dialog) {
      const box = made("div", { class: "search-box" });
      dialog.append(box);
      dialog.setAttribute("aria-label", "Search");
      mount(dialog.querySelector("form"), box);
    }
    const page = document.querySelector(".bd-search-container form");
    if (page) {
      const ask = mount(page, document.getElementById("search-results"));
      page.querySelector("input").value = new URLSearchParams(location.search).get("q") || "";
      ask();
    }
    document.addEventListener("keydown", (event) => {
      const writes = event.target.closest("input, textarea, select, [contenteditable=true]");
      if (event.key !== "/" || writes || event.ctrlKey || event.metaKey || event.altKey || dialog?.open) return;
      event.preventDefault();
      if (page) page.querySelector("input").focus();
      else document.querySelector(".search-button__button")?.click();
    });
    // Somebody came here from the list: found.js marks what was asked for.
    if (new URLSearchParams(location.search).has("find")) script("search-rank.js").then(() => script("found.js"));
  });
})();
