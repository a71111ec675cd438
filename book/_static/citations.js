// A citation shows its entry in a card when one points at it or reaches it by keyboard. The words are those that the
// page already holds as the link's title: so the card needs no request, works from disk, and without this script the
// browser shows the title in its own way.

document.addEventListener("DOMContentLoaded", () => {
  const links = [...document.querySelectorAll(".bibtex-citation a[title]")];
  if (!links.length) return;

  const card = document.createElement("div");
  card.id = "citation-card";
  card.className = "citation-card";
  card.setAttribute("role", "tooltip");
  card.hidden = true;
  document.body.append(card);
  let shown = null;
  let leaving = 0;

  const hide = () => {
    card.hidden = true;
    shown?.removeAttribute("aria-describedby");
    shown = null;
  };
  // Time to move the pointer from the link to the card, to select or copy what stands there.
  const hideSoon = () => {
    clearTimeout(leaving);
    leaving = setTimeout(hide, 250);
  };
  const stay = () => clearTimeout(leaving);

  const show = (link) => {
    stay();
    if (shown !== link) hide();
    shown = link;
    card.textContent = link.dataset.entry;
    card.hidden = false;
    link.setAttribute("aria-describedby", card.id);
    // Below the link, or above it where there is no room; never beyond the edge of the window.
    const at = link.getClientRects()[0];
    const { width, height } = card.getBoundingClientRect();
    const left = Math.max(8, Math.min(at.left, document.documentElement.clientWidth - width - 8));
    const below = at.bottom + 6 + height < innerHeight;
    card.style.left = `${left + scrollX}px`;
    card.style.top = `${(below ? at.bottom + 6 : at.top - height - 6) + scrollY}px`;
  };

  for (const link of links) {
    link.dataset.entry = link.title;
    link.removeAttribute("title"); // or the browser shows it a second time
    link.addEventListener("mouseenter", () => show(link));
    link.addEventListener("mouseleave", hideSoon);
    link.addEventListener("focus", () => show(link));
    link.addEventListener("blur", hideSoon);
  }
  card.addEventListener("mouseenter", stay);
  card.addEventListener("mouseleave", hideSoon);
  addEventListener("keydown", (event) => {
    if (event.key === "Escape") hide();
  });
});
