// Quizzes that commit: choose, check, and see. Without a script each option still unfolds its answer.
// The answers of a reader stay in the browser, under "tlbook-quiz", by page and question.
document.addEventListener("DOMContentLoaded", () => {
  const KEY = "tlbook-quiz";
  const page = location.pathname.split("/").slice(-2).join("/");
  const made = (tag, attributes = {}, ...children) => {
    const node = document.createElement(tag);
    for (const [name, value] of Object.entries(attributes)) node.setAttribute(name, value);
    node.append(...children);
    return node;
  };

  const stored = () => {
    try {
      return JSON.parse(localStorage.getItem(KEY)) || {};
    } catch {
      return {}; // no storage, or not ours: the quiz works all the same
    }
  };

  // What was answered before: for each question the option chosen last, and whether the first one was right.
  const here = stored()[page] || {};
  const keep = () => {
    try {
      // Read again: another window may have kept the answers of another chapter meanwhile.
      localStorage.setItem(KEY, JSON.stringify({ ...stored(), [page]: here }));
    } catch {
      // private windows may refuse
    }
  };

  // A question is a paragraph and the options that follow it.
  const questions = [];
  document.querySelectorAll("details.quiz").forEach((option) => {
    const before = option.previousElementSibling;
    if (before?.matches("details.quiz")) questions.at(-1).options.push(option);
    else if (before) questions.push({ text: before, options: [option] });
  });
  if (!questions.length) return;

  const score = made("p", { class: "quiz-score", role: "status" });
  const again = made("button", { type: "button", class: "quiz-again" }, "Start again");
  const forms = questions.map(({ text, options }, number) => {
    const form = made("form", { class: "quiz-question" });
    const set = made("fieldset", {}, made("legend", {}, ...text.childNodes));
    const button = made("button", { type: "submit", disabled: "" }, "Check");
    const said = made("span", { class: "quiz-said", role: "status" });
    const parts = options.map((option, i) => {
      const [summary, ...answer] = option.children;
      const input = made("input", { type: "radio", name: `quiz-${number}`, id: `quiz-${number}-${i}` });
      const label = made("label", { for: input.id }, ...summary.childNodes);
      const why = made("div", { class: "quiz-answer" }, ...answer);
      why.hidden = true;
      const part = made("div", { class: "quiz-option" }, input, label, why);
      input.addEventListener("change", () => button.removeAttribute("disabled"));
      set.append(part);
      return { part, input, why, right: option.classList.contains("right") };
    });
    const judge = (i) => {
      const right = parts[i].right;
      parts.forEach(({ part, why }, k) => {
        why.hidden = k !== i;
        part.classList.toggle("right", k === i && right);
        part.classList.toggle("wrong", k === i && !right);
      });
      said.textContent = right ? "✓ Right" : "✗ Not this one: choose again";
      said.className = `quiz-said ${right ? "right" : "wrong"}`;
    };
    const clear = () => {
      form.reset();
      said.textContent = "";
      said.className = "quiz-said";
      button.setAttribute("disabled", "");
      parts.forEach(({ part, why }) => {
        why.hidden = true;
        part.classList.remove("right", "wrong");
      });
    };
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      const i = parts.findIndex(({ input }) => input.checked);
      if (i < 0) return;
      here[number] = { chosen: i, first: here[number]?.first ?? parts[i].right };
      keep();
      judge(i);
      count();
    });
    form.append(set, made("div", { class: "quiz-check" }, button, said));
    text.replaceWith(form);
    options.forEach((option) => option.remove());
    const before = here[number];
    if (parts[before?.chosen]) {
      parts[before.chosen].input.checked = true;
      button.removeAttribute("disabled");
      judge(before.chosen);
    }
    return { form, clear };
  });

  function count() {
    const answered = Object.values(here);
    const first = answered.filter((one) => one.first).length;
    const all = questions.length;
    score.textContent = answered.length
      ? `${answered.length} of ${all} answered, ${first} right at the first try. This is kept on your device.`
      : `${all} questions. What you answer is kept on your device.`;
    again.hidden = !answered.length;
  }
  again.addEventListener("click", () => {
    Object.keys(here).forEach((number) => delete here[number]);
    keep();
    forms.forEach(({ clear }) => clear());
    count();
    forms[0].form.querySelector("input").focus();
  });
  forms.at(-1).form.after(score, again);
  count();
});
