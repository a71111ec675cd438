// How the search ranks sections: Okapi BM25 over weighted fields, with the glossary's other forms and Chinese names.
// No page, no document: search.js asks it, and tests run it alone. The index comes from tools/search_index.py.
const tlbookRank = (() => {
  // A section's fields and what a word in each is worth, beside one in the running text.
  const WORTH = { title: 8, page: 1.5, marked: 2.5, names: 0.5, text: 1 };
  const KIND = [1, 0.8, 0.45, 0.35]; // part of a lesson, of another page, an exercise, of the package
  const K = 1.2; // from here on, the same word again says less
  const LENGTH = 0.6; // how much a long section is held back
  const WORD = /[\u4e00-\u9fff]+|[\p{L}\p{N}_]+/gu;
  const CHINESE = /[\u4e00-\u9fff]/;
  // Words that say nothing of the subject: they count only where nothing else was asked for.
  const EMPTY = new Set(
    "a an and are as at be by do does for from how in is it of on one or that the this to what when why with you".split(
      " ",
    ),
  );

  // A light stemmer: inflections meet, and words stay words. "freezing", "freezes", "freeze" give one stem.
  function stem(word) {
    if (word.length < 4 || /[\d_]/.test(word)) return word;
    let w = word
      .replace(/iz/, "is")
      .replace(/ies$/, "y")
      .replace(/(ss|sh|ch|x)es$/, "$1");
    w = w.replace(/([^s])s$/, "$1").replace(/(?:ation|ations)$/, "at");
    if (/[aeiouy].*ing$/.test(w)) w = undouble(w.slice(0, -3));
    else if (/[aeiouy].*[^e]ed$/.test(w)) w = undouble(w.slice(0, -2));
    return w.length > 3 ? w.replace(/e$/, "") : w;
  }
  const undouble = (w) => (/([bdgmnprt])\1$/.test(w) ? w.slice(0, -1) : w);

  // Words that the glossary calls one: each leads to the first of them. "frozen" and "freeze" are found by either.
  function alike(terms) {
    const same = new Map();
    for (const [term, , , , forms] of terms) {
      const [first, ...more] = words(term);
      if (more.length) continue;
      for (const form of forms) {
        const [other, ...rest] = words(form);
        if (!rest.length && other !== first) same.set(other, first);
      }
    }
    return same;
  }

  // A text as words: Latin ones by their stems, Chinese ones as pairs of characters.
  function words(text, root = stem) {
    const found = [];
    for (const [part] of text.toLowerCase().matchAll(WORD)) {
      if (!CHINESE.test(part)) found.push(...latin(part).map(root));
      else if (part.length === 1) found.push(part);
      else for (let i = 0; i + 1 < part.length; i++) found.push(part.slice(i, i + 2));
    }
    return found;
  }

  // A name such as fit_generator is found by its parts as well.
  const latin = (part) => (part.includes("_") ? [...new Set([part, ...part.split("_")])].filter(Boolean) : [part]);

  // A heading without what comes before its subject: "4.3 Fine-tuning: ..." and "Stage 2: fine-tuning" begin alike.
  const subject = (title) =>
    title.replace(/^(?:[\d.]+|(?:stage|step|lesson|question) \d+:)\s*/i, "").replace(/^(?:the|a|what) /i, "");

  function build({ pages, sections, terms, homes }) {
    const same = alike(terms);
    const known = new Map(); // most words come again and again
    const canonical = (text) =>
      words(text, (word) => {
        if (!known.has(word)) known.set(word, stem(word));
        return known.get(word);
      }).map((word) => same.get(word) || word);
    const titles = {};
    sections.forEach(([page, , title, , level]) => level === 0 && (titles[page] ??= title));
    const postings = new Map(); // word -> Map(section -> weighted count)
    const lengths = [];
    const entries = sections.map(([page, anchor, named, kind, level, text, marked, names], at) => {
      const title = named || anchor; // an object of the package has its name as anchor
      const fields = { title: subject(title), page: level ? titles[page] || "" : "", marked, names, text };
      const joined = {};
      for (const [field, worth] of Object.entries(WORTH)) {
        const found = canonical(fields[field]);
        for (const word of found) {
          if (!postings.has(word)) postings.set(word, new Map());
          const counts = postings.get(word);
          counts.set(at, (counts.get(at) || 0) + worth);
        }
        if (field === "text") lengths.push(found.length);
        joined[field] = ` ${found.join(" ")} `;
      }
      return { address: pages[page], anchor, title, kind, level, text, of: titles[page] || title, joined };
    });
    const mean = lengths.reduce((sum, n) => sum + n, 0) / Math.max(1, lengths.length);
    const glossary = terms.map(([term, anchor, said, chinese, forms]) => ({ term, anchor, said, chinese, forms }));
    const at = new Map(homes.map(([asked, entry]) => [canonical(asked).join(" "), entry]));
    return { entries, postings, lengths, mean, glossary, canonical, homes: at };
  }

  // The words that stand for one that was typed: itself; what it begins; what is one slip away.
  function near(index, word, last) {
    if (index.postings.has(word)) return [[word, 1]];
    const all = [...index.postings.keys()];
    const begun = last && word.length > 1 ? all.filter((one) => one.startsWith(word)).slice(0, 40) : [];
    if (begun.length) return begun.map((one) => [one, 0.7]);
    return word.length > 4 ? all.filter((one) => slip(one, word)).map((one) => [one, 0.6]) : [];
  }

  // Whether two words differ by one letter: one more, one less, another one, or two neighbours swapped.
  function slip(a, b) {
    if (Math.abs(a.length - b.length) > 1) return false;
    let i = 0;
    while (i < a.length && a[i] === b[i]) i++;
    const rest = (x, y, k, l) => x.slice(i + k) === y.slice(i + l);
    return (
      rest(a, b, 1, 1) ||
      rest(a, b, 1, 0) ||
      rest(a, b, 0, 1) ||
      (a[i] === b[i + 1] && a[i + 1] === b[i] && rest(a, b, 2, 2))
    );
  }

  function score(index, typed) {
    let asked = index.canonical(typed);
    const telling = asked.filter((word) => !EMPTY.has(word));
    if (telling.length) asked = telling;
    const total = index.entries.length;
    const sums = new Map();
    const met = new Map();
    asked.forEach((word, i) => {
      const best = new Map();
      for (const [one, trust] of near(index, word, i === asked.length - 1)) {
        const counts = index.postings.get(one);
        const rare = Math.log(1 + (total - counts.size + 0.5) / (counts.size + 0.5));
        for (const [at, count] of counts) {
          const long = 1 - LENGTH + (LENGTH * index.lengths[at]) / index.mean;
          const worth = (trust * rare * count * (K + 1)) / (count + K * long);
          best.set(at, Math.max(best.get(at) || 0, worth));
        }
      }
      for (const [at, worth] of best) {
        sums.set(at, (sums.get(at) || 0) + worth);
        met.set(at, (met.get(at) || 0) + 1);
      }
    });
    const phrase = ` ${asked.join(" ")} `;
    for (const [at, sum] of sums) {
      const entry = index.entries[at];
      const whole = (met.get(at) / asked.length) ** 2;
      sums.set(at, sum * whole * about(entry, asked, phrase) * KIND[entry.kind]);
    }
    return sums;
  }

  // How far a section is about what was asked: its heading begins with it, holds it; it stands out; it stands together.
  function about({ joined, title, level }, asked, phrase) {
    const inside = asked.filter((word) => joined.title.includes(` ${word} `)).length;
    let factor = 1 + inside / asked.length;
    if (joined.title.startsWith(phrase)) factor *= level ? 1.5 : 1.8;
    else if (joined.marked.includes(phrase)) factor *= 1.3;
    if (asked.length > 1 && [joined.title, joined.marked, joined.text].some((one) => one.includes(phrase)))
      factor *= 1.4;
    return title.startsWith("The mistake") ? 0.8 * factor : factor; // it comes after what it is a mistake about
  }

  // What is asked, in the other words of the glossary: [words, how far they stand for it].
  function variants(index, typed) {
    const plain = ` ${words(typed).join(" ")} `;
    const named = CHINESE.test(typed) && index.glossary.some(({ chinese }) => chinese.includes(typed.trim()));
    const found = [[typed, named ? 0.5 : 1]]; // a Chinese name that the glossary knows is asked for in English
    for (const { term, chinese, forms } of index.glossary) {
      if (CHINESE.test(typed)) {
        if (chinese.some((name) => typed.includes(name))) found.push([term, 1]);
        continue;
      }
      const all = [term, ...forms];
      const said = all.find((form) => plain.includes(` ${words(form).join(" ")} `));
      if (!said) continue;
      const rest = plain.replace(` ${words(said).join(" ")} `, " ").trim();
      const held = new Set(words(said));
      const adds = (form) => ![...held].every((word) => words(form).includes(word)); // "transfer learning" holds "transfer"
      all.filter(adds).forEach((form) => found.push([`${form} ${rest}`, 0.9]));
    }
    return found.slice(0, 12);
  }

  // The sections for what was typed, best first: [{ entry, score }], and the term of the glossary that it names.
  function find(index, typed, most = 20) {
    const best = new Map();
    for (const [text, trust] of variants(index, typed)) {
      for (const [at, sum] of score(index, text)) best.set(at, Math.max(best.get(at) || 0, trust * sum));
    }
    // What the book treats under another heading has its home by hand: book/search-homes.csv.
    const term = named(index, typed);
    const home = [typed, term?.term]
      .map((one) => one && index.homes.get(index.canonical(one).join(" ")))
      .find(isFinite);
    if (home !== undefined) best.set(home, Infinity);
    const ranked = [...best].sort((a, b) => b[1] - a[1] || a[0] - b[0]);
    const results = ranked.slice(0, most).map(([at, sum]) => ({ entry: index.entries[at], score: sum }));
    return { results, count: ranked.length, term };
  }

  function named(index, typed) {
    const plain = words(typed).join(" ");
    return index.glossary.find(
      ({ term, chinese, forms }) =>
        chinese.includes(typed.trim()) || [term, ...forms].some((form) => words(form).join(" ") === plain),
    );
  }

  // All stems that a mark may stand on, for what was typed: search.js marks excerpts, found.js the passage.
  const stems = (index, typed) => [
    ...new Set(
      variants(index, typed)
        .flatMap(([text]) => words(text))
        .filter((word) => !EMPTY.has(word)),
    ),
  ];

  // Where in a text a mark goes: [start, end] of each word with one of these stems, and of the Chinese that was typed.
  function places(text, stems, typed) {
    const asked = new Set(stems);
    const chinese = typed.match(/[\u4e00-\u9fff]{2,}/g) || [];
    const found = [];
    for (const match of text.matchAll(WORD)) {
      const [word] = match;
      if (!CHINESE.test(word)) {
        if (
          latin(word.toLowerCase())
            .map(stem)
            .some((one) => asked.has(one))
        )
          found.push([match.index, match.index + word.length]);
        continue;
      }
      for (const name of chinese) {
        const at = word.indexOf(name);
        if (at >= 0) found.push([match.index + at, match.index + at + name.length]);
      }
    }
    return found;
  }

  return { build, find, stems, places, words, stem };
})();
if (typeof module !== "undefined") module.exports = tlbookRank;
