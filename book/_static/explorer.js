// The explorer of the recorded tables: one script a table, on demand; its state is in the address. See tools/explorer.py.
(() => {
  const root = document.getElementById("explorer");
  const questions = JSON.parse(root.dataset.tables);
  const student = JSON.parse(root.dataset.student); // 97.5 % quantiles for 1, 2, ... degrees of freedom
  const records = {};
  const state = { table: "", measure: "", against: "", arms: null, where: {} };
  const SIZE = { width: 720, left: 64, right: 12, top: 14, bottom: 44 };
  const FIRST = 8; // arms that are shown before a reader chooses: more are hard to tell apart
  const MARKS = ["circle", "square", "triangle", "diamond"];

  function made(tag, attributes = {}, ...children) {
    const svg = ["svg", "g", "line", "path", "text", "title"].includes(tag);
    const node = svg ? document.createElementNS("http://www.w3.org/2000/svg", tag) : document.createElement(tag);
    for (const [name, value] of Object.entries(attributes)) {
      if (name.startsWith("on")) node.addEventListener(name.slice(2), value);
      else if (value !== false && value !== null) node.setAttribute(name, value === true ? "" : value);
    }
    node.append(...children);
    return node;
  }
  const words = (name) => name.replace(/^test_/, "").replaceAll("_", " ");
  const known = (values) => values.filter((value) => value !== null && value !== undefined);
  const distinct = (values) => [...new Set(known(values))];

  // The arithmetic: Student's interval of a few runs, and of the differences of two arms that share their seeds.
  function interval(values) {
    const n = values.length;
    const mean = values.reduce((sum, value) => sum + value, 0) / n;
    if (n < 2) return { n, mean, half: null };
    const variance = values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / (n - 1);
    return { n, mean, half: student[Math.min(n - 1, student.length) - 1] * Math.sqrt(variance / n) };
  }

  function verdict({ n, mean, half }, share) {
    if (half === null) return `${n} run: no interval`;
    const scale = share ? 100 : 1;
    const unit = share ? " points" : "";
    const size = `${digits(scale * Math.abs(mean), share)} ± ${digits(scale * half, share)}${unit}`;
    if (Math.abs(mean) <= half) return `not told apart: ${mean < 0 ? "-" : "+"}${size}`;
    return `${mean > 0 ? "more" : "less"} by ${size}`;
  }
  const digits = (value, share) =>
    share ? value.toFixed(1) : value === 0 ? "0" : String(Number(value.toPrecision(3)));

  // What the state selects: for each arm and each place along the axis the runs, by the value that pairs them.
  function selected(record) {
    const { rows, by, pair } = record;
    const axis = by.includes("n_train") ? "n_train" : by[0];
    const fixed = by.filter((name) => name !== axis);
    const runs = new Map();
    rows[state.measure].forEach((value, i) => {
      if (value === null || fixed.some((name) => String(rows[name][i]) !== state.where[name])) return;
      const arm = rows.arm ? String(rows.arm[i]) : "all runs";
      const place = axis ? rows[axis][i] : "";
      const key = JSON.stringify([arm, place]);
      if (!runs.has(key)) runs.set(key, new Map());
      runs.get(key).set(pair ? rows[pair][i] : i, value);
    });
    const places = axis ? distinct(rows[axis]) : [""];
    if (places.every((place) => typeof place === "number")) places.sort((a, b) => a - b);
    const found = (arm, place) => runs.get(JSON.stringify([arm, place])) || new Map();
    return {
      axis,
      fixed,
      places,
      at: (arm, place) => (state.against ? minus(found, arm, place) : [...found(arm, place).values()]),
    };
  }

  function minus(found, arm, place) {
    const ours = found(arm, place);
    const theirs = found(state.against, place);
    return [...ours].filter(([seed]) => theirs.has(seed)).map(([seed, value]) => value - theirs.get(seed));
  }

  const allArms = (record) => (record.rows.arm ? distinct(record.rows.arm).map(String) : ["all runs"]);
  const shownArms = (record) => allArms(record).filter((arm) => state.arms.includes(arm) && arm !== state.against);

  // The controls.
  function choice(label, options, value, change) {
    const select = made("select", { onchange: (event) => change(event.target.value) });
    for (const [key, text] of options) select.append(made("option", { value: key, selected: key === value }, text));
    return made("label", {}, `${label} `, select);
  }

  function controls(record) {
    const arms = allArms(record);
    const box = made("div", { class: "controls" });
    if (Object.keys(record.measures).length > 1) {
      const measures = Object.keys(record.measures).map((name) => [name, words(name)]);
      box.append(choice("Measure", measures, state.measure, (value) => update({ measure: value })));
    }
    for (const name of selected(record).fixed) {
      const values = distinct(record.rows[name]).map((value) => [String(value), words(String(value))]);
      const change = (value) => update({ where: { ...state.where, [name]: value } });
      box.append(choice(words(name), values, state.where[name], change));
    }
    if (record.pair && arms.length > 1) {
      const options = [["", "nothing: each arm by itself"], ...arms.map((arm) => [arm, words(arm)])];
      box.append(choice("Compare with", options, state.against, (value) => update({ against: value })));
    }
    const list = made("fieldset", {}, made("legend", {}, "Arms"));
    arms.forEach((arm) => {
      const toggle = (event) => {
        const rest = state.arms.filter((one) => one !== arm);
        update({ arms: event.target.checked ? [...rest, arm] : rest });
      };
      const attributes = { type: "checkbox", value: arm, checked: state.arms.includes(arm), onchange: toggle };
      const input = made("input", { ...attributes, disabled: arm === state.against });
      list.append(made("label", {}, input, " ", words(arm)));
    });
    box.append(list);
    return box;
  }

  // The figure: runs as small dots, their mean with its interval, one column a place and a colour and mark an arm.
  function mark(kind, x, y, r, attributes) {
    const shapes = {
      circle: `M${x - r} ${y}a${r} ${r} 0 1 0 ${2 * r} 0a${r} ${r} 0 1 0 ${-2 * r} 0`,
      square: `M${x - r} ${y - r}h${2 * r}v${2 * r}h${-2 * r}z`,
      triangle: `M${x} ${y - 1.2 * r}L${x + 1.1 * r} ${y + r}H${x - 1.1 * r}z`,
      diamond: `M${x} ${y - 1.3 * r}L${x + 1.3 * r} ${y}L${x} ${y + 1.3 * r}L${x - 1.3 * r} ${y}z`,
    };
    return made("path", { d: shapes[kind], ...attributes });
  }

  function ticks(low, high) {
    const rough = (high - low) / 5;
    const power = 10 ** Math.floor(Math.log10(rough));
    const step = [1, 2, 5, 10].map((factor) => factor * power).find((one) => one >= rough);
    const first = Math.ceil(low / step);
    return Array.from({ length: Math.floor(high / step) - first + 1 }, (_, i) => (first + i) * step);
  }

  function drawn(record, chosen) {
    const arms = shownArms(record);
    const share = record.measures[state.measure];
    const cells = arms.flatMap((arm, i) =>
      chosen.places.map((place, j) => ({ arm, i, j, place, runs: chosen.at(arm, place) })),
    );
    const full = cells.filter((cell) => cell.runs.length);
    if (!full.length) return made("p", { class: "none" }, "No run fits this choice.");
    const narrow = root.clientWidth < 560;
    const width = narrow ? 380 : SIZE.width;
    const height = narrow ? 380 : 400;
    const ends = full.flatMap(({ runs }) => {
      const { mean, half } = interval(runs);
      return [...runs, mean - (half || 0), mean + (half || 0)];
    });
    let [low, high] = [
      Math.min(...ends, ...(state.against ? [0] : [])),
      Math.max(...ends, ...(state.against ? [0] : [])),
    ];
    if (share && !state.against) [low, high] = [Math.max(low, 0), Math.min(high, 1)];
    if (low === high) [low, high] = [low - 0.5, high + 0.5];
    const pad = 0.04 * (high - low);
    const y = (value) =>
      SIZE.top +
      ((high + pad - Math.max(low, Math.min(high, value))) / (high - low + 2 * pad)) *
        (height - SIZE.top - SIZE.bottom);
    const column = (width - SIZE.left - SIZE.right) / chosen.places.length;
    const slot = Math.min(26, (0.8 * column) / arms.length);
    const x = (i, j) => SIZE.left + column * (j + 0.5) + slot * (i - (arms.length - 1) / 2);
    const named = `${words(state.measure)}${share ? (state.against ? " (points)" : " (%)") : ""}`;
    const svg = made("svg", {
      class: "plot",
      viewBox: `0 0 ${width} ${height}`,
      role: "img",
      "aria-label": `${record.question} ${named}; the table below holds the numbers.`,
    });
    for (const tick of ticks(low, high)) {
      svg.append(made("line", { class: "grid", x1: SIZE.left, x2: width - SIZE.right, y1: y(tick), y2: y(tick) }));
      svg.append(
        made(
          "text",
          { x: SIZE.left - 6, y: y(tick) + 4, "text-anchor": "end" },
          digits((share ? 100 : 1) * tick, false),
        ),
      );
    }
    if (state.against)
      svg.append(made("line", { class: "zero", x1: SIZE.left, x2: width - SIZE.right, y1: y(0), y2: y(0) }));
    chosen.places.forEach((place, j) => {
      const said = typeof place === "number" ? place.toLocaleString("en") : words(String(place));
      svg.append(made("text", { x: SIZE.left + column * (j + 0.5), y: height - 22, "text-anchor": "middle" }, said));
    });
    if (chosen.axis)
      svg.append(
        made(
          "text",
          { x: SIZE.left + (width - SIZE.left) / 2, y: height - 4, "text-anchor": "middle" },
          chosen.axis === "n_train" ? "labels to learn from" : words(chosen.axis),
        ),
      );
    svg.append(
      made(
        "text",
        {
          transform: `translate(13 ${SIZE.top + (height - SIZE.top - SIZE.bottom) / 2}) rotate(-90)`,
          "text-anchor": "middle",
        },
        named,
      ),
    );
    for (const { arm, i, j, place, runs } of full) {
      const { n, mean, half } = interval(runs);
      const group = made("g", { class: `arm arm-${i % 6}` });
      const said = state.against ? verdict({ n, mean, half }, share) : means({ n, mean, half }, share);
      group.append(made("title", {}, `${words(arm)}${chosen.axis ? `, ${place}` : ""}: ${said}`));
      for (const run of runs) group.append(mark("circle", x(i, j) - 6, y(run), 2, { class: "run" }));
      if (half !== null)
        group.append(made("line", { x1: x(i, j), x2: x(i, j), y1: y(mean - half), y2: y(mean + half) }));
      group.append(mark(MARKS[Math.floor(i / 6 + i) % MARKS.length], x(i, j), y(mean), 5, { class: "mean" }));
      svg.append(group);
    }
    return made("div", { class: "plot-box" }, svg);
  }

  function legend(arms) {
    const list = made("ul", { class: "legend" });
    arms.forEach((arm, i) => {
      const svg = made(
        "svg",
        { viewBox: "0 0 16 16", "aria-hidden": "true" },
        made(
          "g",
          { class: `arm arm-${i % 6}` },
          mark(MARKS[Math.floor(i / 6 + i) % MARKS.length], 8, 8, 5, { class: "mean" }),
        ),
      );
      list.append(made("li", {}, svg, " ", words(arm)));
    });
    return list;
  }

  function means({ n, mean, half }, share) {
    const scale = share ? 100 : 1;
    const size = digits(scale * mean, share);
    return `${size}${half === null ? "" : ` ± ${digits(scale * half, share)}`}${share ? " %" : ""} (${n} ${n === 1 ? "run" : "runs"})`;
  }

  function tabled(record, chosen) {
    const share = record.measures[state.measure];
    const head = made("tr", {}, made("th", { scope: "col" }, "arm"));
    for (const place of chosen.places) {
      head.append(
        made(
          "th",
          { scope: "col" },
          chosen.axis === "n_train"
            ? `${place.toLocaleString("en")} labels`
            : words(String(place)) || words(state.measure),
        ),
      );
    }
    const body = made("tbody");
    for (const arm of shownArms(record)) {
      const row = made("tr", {}, made("th", { scope: "row" }, words(arm)));
      for (const place of chosen.places) {
        const runs = chosen.at(arm, place);
        const said = state.against ? verdict : means;
        row.append(made("td", {}, runs.length ? said(interval(runs), share) : "–"));
      }
      body.append(row);
    }
    const caption = state.against
      ? `${words(state.measure)}, minus ${words(state.against)}, paired by ${record.pair}`
      : `${words(state.measure)}: mean and 95 % interval over the ${record.pair || "run"}s`;
    return made(
      "div",
      { class: "table-box", tabindex: "0", role: "region", "aria-label": "The numbers of the figure" },
      made("table", { class: "tlbook-table" }, made("caption", {}, caption), made("thead", {}, head), body),
    );
  }

  function provenance(record) {
    const list = made("dl", { class: "provenance" });
    const say = (name, value) => list.append(made("dt", {}, name), made("dd", {}, value));
    const { source, note, cpu, device, date, code, ...versions } = record.provenance;
    say("data", [...(source || []), ...(note || [])].join("; "));
    say(
      "recorded",
      [
        date && (date.length > 1 ? `${date[0]} to ${date.at(-1)}` : date[0]),
        (cpu || []).join(", "),
        (device || []).join(", "),
      ]
        .filter(Boolean)
        .join("; "),
    );
    say(
      "versions",
      ["python", "keras", "tensorflow"]
        .filter((name) => versions[name])
        .map((name) => `${name} ${versions[name].join(", ")}`)
        .join("; "),
    );
    say("command", made("code", {}, `python -m experiments.${record.name}`));
    say("table", made("a", { href: `../_static/records/${record.name}.csv`, download: true }, `${record.name}.csv`));
    return list;
  }

  // From the address to the state, and back.
  function readAddress() {
    const found = new URLSearchParams(location.hash.slice(1));
    state.table = found.get("table") in questions ? found.get("table") : "";
    state.measure = found.get("measure") || "";
    state.against = found.get("against") || "";
    state.arms = found.has("arms") ? found.get("arms").split(",") : null;
    state.where = Object.fromEntries(
      [...found].filter(([name]) => name.startsWith("at-")).map(([name, value]) => [name.slice(3), value]),
    );
  }

  function writeAddress(record) {
    const found = new URLSearchParams({ table: state.table });
    if (record) {
      found.set("measure", state.measure);
      if (state.against) found.set("against", state.against);
      found.set("arms", state.arms.join(","));
      for (const [name, value] of Object.entries(state.where)) found.set(`at-${name}`, value);
    }
    history.replaceState(null, "", `#${found}`);
  }

  function settle(record) {
    const arms = allArms(record);
    if (!(state.measure in record.measures)) state.measure = Object.keys(record.measures)[0];
    if (!arms.includes(state.against)) state.against = "";
    state.arms = (state.arms || arms.slice(0, FIRST)).filter((arm) => arms.includes(arm));
    const fixed = selected(record).fixed;
    state.where = Object.fromEntries(
      fixed.map((name) => {
        const values = distinct(record.rows[name]).map(String);
        return [name, values.includes(state.where[name]) ? state.where[name] : values[0]];
      }),
    );
  }

  function update(changes) {
    const focused = document.activeElement;
    const place = [...root.querySelectorAll("select, input")].indexOf(focused);
    Object.assign(state, changes);
    show();
    if (place >= 0) root.querySelectorAll("select, input")[place]?.focus();
  }

  const head = made("div", { class: "question" });
  const body = made("div");
  const live = made("p", { class: "live", "aria-live": "polite" });
  root.append(head, live, body);

  function show() {
    const options = [["", "choose one"], ...Object.entries(questions)];
    head.replaceChildren(
      choice("Question", options, state.table, (value) =>
        update({ table: value, measure: "", against: "", arms: null, where: {} }),
      ),
    );
    const record = records[state.table];
    if (!state.table || !record) {
      body.replaceChildren();
      live.textContent = state.table ? "The table is being loaded." : "Choose a question: its table is loaded then.";
      if (state.table) load(state.table);
      return;
    }
    settle(record);
    writeAddress(record);
    const chosen = selected(record);
    const arms = shownArms(record);
    const count = arms.reduce(
      (sum, arm) => sum + chosen.places.reduce((part, place) => part + chosen.at(arm, place).length, 0),
      0,
    );
    live.textContent = `${count} ${state.against ? "differences" : "runs"} of ${arms.length} arms${state.against ? ` against ${words(state.against)}` : ""}.`;
    body.replaceChildren(
      controls(record),
      drawn(record, chosen),
      legend(arms),
      tabled(record, chosen),
      provenance(record),
    );
  }

  function load(name) {
    const script = made("script", { src: new URL(`../_static/records/${name}.js`, document.baseURI).href });
    script.addEventListener("error", () => {
      live.textContent = `The table ${name} could not be loaded.`;
    });
    document.head.append(script);
  }

  window.tlbookRecord = (name, record) => {
    records[name] = record;
    if (name === state.table) show();
  };
  addEventListener("hashchange", () => {
    readAddress();
    show();
  });
  readAddress();
  show();
})();
