// Which chapters were read: kept on the reader's device, ticked in the side bar and on the cards of the front page. A
// chapter counts as read when its end was seen for a second, or its quiz was answered.
document.addEventListener("DOMContentLoaded", () => {
  const KEY = "tlbook-read"; // { "notebooks/NAME.html": true }
  const ALL = [KEY, "tlbook-quiz", "tlbook-without-code"]; // what the book keeps
  const name = (path) => path.split("/").slice(-2).join("/");
  const here = name(location.pathname);
  const chapter = here.startsWith("notebooks/");
  const stored = (key) => {
    try {
      return JSON.parse(localStorage.getItem(key)) || {};
    } catch {
      return {}; // no storage, or not ours
    }
  };
  const keep = (read) => {
    try {
      localStorage.setItem(KEY, JSON.stringify(read));
    } catch {
      // private windows may refuse: then nothing is ticked
    }
  };
  const made = (tag, attributes, ...children) => {
    const node = document.createElement(tag);
    for (const [key, value] of Object.entries(attributes)) node.setAttribute(key, value);
    node.append(...children);
    return node;
  };

  // A tick is a sign for those who see it, and a word for those who hear it.
  const tick = () =>
    made(
      "span",
      { class: "read-tick" },
      made("span", { "aria-hidden": "true" }, " ✓"),
      made("span", { class: "visually-hidden" }, " (read)"),
    );

  function show() {
    const read = stored(KEY);
    document.querySelectorAll(".read-tick").forEach((old) => old.remove());
    document.querySelectorAll("nav.bd-links a[href], .chapter-card a[href]").forEach((link) => {
      const isCard = link.closest(".chapter-card");
      const is = Boolean(read[link.hash ? "" : name(link.pathname)]);
      if (is) link.append(tick());
      isCard?.classList.toggle("is-read", is);
    });
    const cards = document.querySelectorAll(".chapter-card");
    const count = document.getElementById("chapters-read");
    if (count) {
      const done = document.querySelectorAll(".chapter-card.is-read").length;
      count.textContent = done ? `You have read ${done} of ${cards.length}. This is kept on your device.` : "";
    }
    if (chapter) line(Boolean(read[here]));
  }

  function set(is) {
    const read = stored(KEY);
    if (Boolean(read[here]) === is) return;
    if (is) read[here] = true;
    else delete read[here];
    keep(read);
    show();
  }

  // At the end of a chapter: what is kept, and a way to take it back.
  const place = document.querySelector(".prev-next-footer");
  let words, button;
  function line(is) {
    if (!place) return;
    if (!words) {
      words = made("span", { role: "status" });
      button = made("button", { type: "button" });
      button.addEventListener("click", () => {
        watching?.disconnect(); // the reader decides now
        set(!stored(KEY)[here]);
      });
      place.before(made("p", { class: "read-line" }, words, button));
    }
    words.textContent = is ? "✓ You have read this chapter. " : "";
    button.textContent = is ? "Mark it as unread" : "Mark it as read";
  }

  let watching;
  if (chapter) {
    const sections = document.querySelectorAll("article section");
    const end = sections[sections.length - 1];
    let timer;
    watching = new IntersectionObserver(([{ isIntersecting }]) => {
      clearTimeout(timer);
      if (isIntersecting) timer = setTimeout(() => set(true), 1000);
    });
    if (end) watching.observe(end);
    document.addEventListener("submit", (event) => {
      if (!event.target.matches(".quiz-question")) return;
      const answered = Object.keys(stored("tlbook-quiz")[here] || {}).length;
      if (answered === document.querySelectorAll(".quiz-question").length) set(true);
    });
  }

  // The page "How to use this book" has a button that forgets it all.
  const memory = document.getElementById("reading-memory");
  if (memory) {
    const forget = made("button", { type: "button" }, "Forget it all");
    const said = made("span", { role: "status" });
    forget.addEventListener("click", () => {
      try {
        ALL.forEach((key) => localStorage.removeItem(key));
      } catch {
        // nothing was kept
      }
      document.documentElement.classList.remove("without-code");
      show();
      said.textContent = " Forgotten: what you read, what you answered, whether code is hidden.";
    });
    memory.append(forget, said);
  }
  show();
  addEventListener("storage", show); // another window of the book
  addEventListener("pageshow", show); // back from a chapter
});
