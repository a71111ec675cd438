// Before a page is printed: what folds is opened, the paper is white, and the answers of the quiz stand at the end.
// Afterwards the page is as it was. tools/book_pdf.py opens pages with "?page=57", the number of their first sheet in the
// book: it prints all answers together, at the end.

document.addEventListener("DOMContentLoaded", () => {
  const LETTERS = "abcdefgh";
  const first = new URLSearchParams(location.search).get("page");
  let undo = [];
  if (first) {
    document.documentElement.style.counterReset = `page ${first - 1}`;
    document.documentElement.classList.add("in-book");
  }

  const answers = () => {
    const questions = [...document.querySelectorAll(".quiz-question")];
    if (!questions.length) return;
    const section = document.createElement("section");
    section.className = "print-answers";
    section.append(Object.assign(document.createElement("h2"), { textContent: "Answers to the quiz" }));
    const list = section.appendChild(document.createElement("ol"));
    for (const question of questions) {
      const options = [...question.querySelectorAll(".quiz-option")];
      const right = options.findIndex((option) =>
        /^\s*Right\b/.test(option.querySelector(".quiz-answer").textContent),
      );
      const item = list.appendChild(document.createElement("li"));
      const letter = Object.assign(document.createElement("b"), { textContent: `${LETTERS[right]}) ` });
      item.append(letter, ...options[right].querySelector(".quiz-answer").cloneNode(true).childNodes);
    }
    const article = document.querySelector("article");
    article.insertBefore(section, article.querySelector(".cite-this"));
    undo.push(() => section.remove());
  };

  const open = () => {
    for (const details of document.querySelectorAll("article details:not([open])")) {
      details.open = true;
      undo.push(() => (details.open = false));
    }
  };

  const lighten = () => {
    const theme = document.documentElement.dataset.theme;
    document.documentElement.dataset.theme = "light";
    undo.push(() => (document.documentElement.dataset.theme = theme));
  };

  // A short piece of code or output stays on one sheet; a long one may break, or half a sheet would be empty.
  const keepShort = () => {
    for (const text of document.querySelectorAll("article .highlight pre, article .output pre")) {
      text.parentElement.classList.toggle("print-whole", text.textContent.trimEnd().split("\n").length <= 20);
    }
  };

  addEventListener("beforeprint", () => {
    if (undo.length) return; // some browsers say it twice
    keepShort();
    open();
    if (!first) answers();
    lighten();
  });
  addEventListener("afterprint", () => {
    undo.reverse().forEach((step) => step());
    undo = [];
  });
});
