// Where a reader came from the search: the words are marked in their section, the passage with most of them is
// scrolled to. Escape, or a button, takes the marks away. search.js loads this, after search-rank.js.
(() => {
  const asked = new URLSearchParams(location.search);
  const typed = asked.get("find");
  const stems = (asked.get("stems") || "").split(" ").filter(Boolean);
  const UNMARKED = "script, style, svg, pre, nav, button, textarea, .math, .headerlink, .visually-hidden";
  const BLOCKS = "p, li, td, th, dd, dt, figcaption";
  const target = document.getElementById(decodeURIComponent(location.hash.slice(1))); // null at the top of a page
  const section = target?.closest("section, dl") || document.querySelector("article section") || document.body;
  const heading = section.querySelector("h1, h2, h3, h4") || section;

  // The texts of the section itself; those below it are other sections.
  function texts() {
    const own = (node) => node.parentElement.closest("section, dl.py") || section;
    const walker = document.createTreeWalker(section, NodeFilter.SHOW_TEXT);
    const found = [];
    while (walker.nextNode()) {
      const node = walker.currentNode;
      if (!node.parentElement.closest(UNMARKED) && section.contains(own(node)) && own(node) === section)
        found.push(node);
    }
    return found;
  }

  function mark(node) {
    const places = tlbookRank.places(node.data, stems, typed);
    for (const [start, stop] of places.reverse()) {
      const rest = node.splitText(start);
      rest.splitText(stop - start);
      const sign = document.createElement("mark");
      sign.className = "found";
      rest.replaceWith(sign);
      sign.append(rest);
    }
    return places.length;
  }

  // The block with the most different words of those asked for, and the first of such.
  function passage() {
    let [best, most] = [null, 0];
    for (const block of section.querySelectorAll(BLOCKS)) {
      const inside = [...block.querySelectorAll("mark.found")];
      const kinds = new Set(inside.map((sign) => tlbookRank.stem(sign.textContent.toLowerCase()))).size;
      if (kinds > most && !block.closest("details:not([open])")) [best, most] = [block, kinds];
    }
    return best;
  }

  const count = texts()
    .map(mark)
    .reduce((sum, n) => sum + n, 0);
  const block = passage();
  block?.classList.add("found-passage");
  (block || heading).tabIndex = -1;

  const still = matchMedia("(prefers-reduced-motion: reduce)").matches ? "auto" : "smooth";
  function go(behavior) {
    const [top, bottom] = [heading, block || heading].map((node) => node.getBoundingClientRect());
    const both = bottom.bottom - top.top < 0.8 * innerHeight;
    (both ? heading : block).scrollIntoView({ block: both ? "start" : "center", behavior });
    (block || heading).focus({ preventScroll: true }); // the keyboard goes on from here
  }
  // Pictures that come later move the page: go there again, unless the reader has begun to scroll.
  let taken = false;
  for (const sign of ["wheel", "touchmove", "keydown", "mousedown"]) {
    addEventListener(sign, () => (taken = true), { once: true, passive: true });
  }
  const again = () => taken || go("auto");
  go(still === "smooth" && document.readyState === "complete" ? still : "auto");
  if (document.readyState !== "complete") addEventListener("load", again);

  const note = document.createElement("div");
  note.className = "found-note";
  const said = document.createElement("span");
  said.setAttribute("role", "status");
  const button = document.createElement("button");
  button.type = "button";
  button.textContent = "Take the marks away (Esc)";
  note.append(said, button);
  document.querySelector("main")?.append(note);
  // A live region speaks of what changes in it, so it is there before its text.
  setTimeout(
    () => (said.textContent = count ? `“${typed}”: ${count} marked here. ` : `“${typed}” leads to this section. `),
    50,
  );

  function leave() {
    document.querySelectorAll("mark.found").forEach((sign) => {
      const parent = sign.parentNode;
      sign.replaceWith(...sign.childNodes);
      parent.normalize();
    });
    document.querySelectorAll(".found-passage").forEach((one) => one.classList.remove("found-passage"));
    note.remove();
    removeEventListener("keydown", escape);
    const plain = new URL(location.href);
    plain.searchParams.delete("find");
    plain.searchParams.delete("stems");
    history.replaceState(null, "", plain);
  }
  function escape(event) {
    if (event.key === "Escape" && !document.querySelector("dialog[open]")) leave();
  }
  addEventListener("keydown", escape);
  button.addEventListener("click", leave);
})();
