// A figure of a chapter fills the window when it is pressed: with a finger, a mouse, or its button and the keyboard.
// The dialog is the browser's own, so Escape closes it and the focus goes back to the button.
document.addEventListener("DOMContentLoaded", () => {
  const figures = document.querySelectorAll(
    ".cell_output .plot-box > svg.plot, .cell_output > img, .cell_output .output > img, img.figure-card",
  );
  if (!figures.length || !window.HTMLDialogElement) return;

  const dialog = document.createElement("dialog");
  dialog.className = "zoom";
  const close = document.createElement("button");
  close.type = "button";
  close.className = "zoom-close";
  close.textContent = "Close";
  const sheet = document.createElement("div");
  sheet.className = "zoom-sheet";
  sheet.tabIndex = 0; // on a phone the figure is wider than the window: it scrolls, by keyboard too
  sheet.setAttribute("role", "region");
  sheet.setAttribute("aria-label", "The figure, enlarged");
  const words = document.createElement("p");
  words.className = "zoom-caption";
  dialog.append(close, sheet, words);
  document.body.append(dialog);

  close.addEventListener("click", () => dialog.close());
  dialog.addEventListener("click", ({ target }) => [dialog, sheet].includes(target) && dialog.close()); // beside it
  dialog.addEventListener("close", () => sheet.replaceChildren());

  const open = (figure, caption, button) => {
    const copy = figure.cloneNode(true);
    // What the copy refers to is still in the page, and no name may stand there twice.
    for (const part of [copy, ...copy.querySelectorAll("[id]")]) part.removeAttribute("id");
    sheet.replaceChildren(copy);
    words.textContent = caption;
    dialog.setAttribute("aria-label", caption.split(". ")[0] || "Figure");
    button.focus(); // where the focus returns to, also after a tap on the drawing
    dialog.showModal();
    sheet.scrollTo(0, 0);
  };

  figures.forEach((figure) => {
    const box = figure.closest(".plot-box") || figure;
    const caption = figure.closest(".cell")?.querySelector(".figure-caption")?.textContent.trim() || "";
    const button = document.createElement("button");
    button.type = "button";
    button.className = "zoom-open";
    button.setAttribute("aria-label", `Enlarge ${caption.match(/^Figure [\d.-]*\d/)?.[0] || "the figure"}`);
    button.textContent = "⤢";
    const frame = document.createElement("div");
    frame.className = "zoom-frame";
    box.replaceWith(frame);
    frame.append(box, button);
    const show = () => open(figure, caption, button);
    button.addEventListener("click", show);
    figure.addEventListener("click", (press) => press.target.closest("a") || show());
  });
});
