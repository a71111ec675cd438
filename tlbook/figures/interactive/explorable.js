// What the explorable figures share. `tlbook.figures.interactive.show` puts this text into the output of each of them:
// JupyterLab, Colab and a page that is opened from disk have no common place from which a script could be loaded.
function explorable(name) {
  const figure = document.getElementById(name);
  const one = (query) => figure.querySelector(query);
  const all = (query) => [...figure.querySelectorAll(query)];
  const SVG = new Set(["svg", "g", "line", "path", "rect", "circle", "text", "title"]);

  // An element. What begins with "on" listens; false and null leave an attribute out.
  function made(tag, attributes = {}, ...children) {
    const node = SVG.has(tag)
      ? document.createElementNS("http://www.w3.org/2000/svg", tag)
      : document.createElement(tag);
    for (const [key, value] of Object.entries(attributes)) {
      if (key.startsWith("on")) node.addEventListener(key.slice(2), value);
      else if (value !== false && value !== null) node.setAttribute(key, value === true ? "" : value);
    }
    node.append(...children);
    return node;
  }

  const data = () => JSON.parse(one("script.data").textContent);
  const minus = (value) => String(value).replaceAll("-", "\u2212");
  const whole = (value) => Math.round(value).toLocaleString("en-US");
  const percent = (share) => `${(100 * share).toFixed(1)}\u00a0%`;

  // A text that has not changed is not set again: a screen reader would read it again.
  function say(slot, text) {
    const place = one(`[data-say="${slot}"]`);
    if (place.textContent !== String(text)) place.textContent = text;
  }

  // A slider over a list of values, with its label before it and its value, as readers say it, behind it.
  function slider(label, values, start, changed, text = minus) {
    let known = values;
    const input = made("input", { type: "range", min: 0, max: values.length - 1, step: 1 });
    const output = made("output");
    function show() {
      output.textContent = text(known[input.valueAsNumber]);
      input.setAttribute("aria-valuetext", output.textContent);
    }
    function over(others, place) {
      known = others;
      input.max = others.length - 1;
      input.value = place;
      input.disabled = others.length < 2;
      show();
    }
    input.addEventListener("input", () => {
      show();
      changed();
    });
    one(".controls").append(made("label", {}, made("span", {}, label), input, output));
    over(values, start);
    return { over, place: () => input.valueAsNumber, value: () => known[input.valueAsNumber] };
  }

  // One of a few: options are pairs of a value and its words. `offer` leaves some of them.
  function choice(key, legend, options, start, changed) {
    let chosen = start;
    const group = made("fieldset", {}, made("legend", {}, legend));
    const inputs = new Map(
      options.map(([value, words]) => {
        const onchange = () => {
          chosen = value;
          changed();
        };
        const input = made("input", {
          type: "radio",
          name: `${name}-${key}`,
          value,
          checked: value === start,
          onchange,
        });
        group.append(made("label", {}, input, made("span", {}, words)));
        return [value, input];
      }),
    );
    function offer(values) {
      for (const [value, input] of inputs) input.parentElement.hidden = !values.includes(value);
      if (!values.includes(chosen)) chosen = values[0];
      inputs.get(chosen).checked = true;
    }
    one(".controls").append(group);
    return { offer, value: () => chosen };
  }

  // Steps from 0 to last(). The buttons that the figure has ("first", "back", "forward", "play") take them, and so do
  // the arrow keys on a button.
  function stepper(last, draw, pause = 1600) {
    let now = 0;
    let timer = null;
    const buttons = Object.fromEntries(all("[data-do]").map((button) => [button.dataset.do, button]));
    function stop() {
      clearInterval(timer);
      timer = null;
    }
    function go(step) {
      now = Math.max(0, Math.min(last(), step));
      if (now === last()) stop();
      // Not `disabled`: the button would lose the focus of who works with the keyboard.
      buttons.back.setAttribute("aria-disabled", now === 0);
      buttons.forward.setAttribute("aria-disabled", now === last());
      if (buttons.play) buttons.play.textContent = timer === null ? "Play" : "Pause";
      draw(now);
    }
    function play() {
      if (timer !== null) {
        stop();
        go(now);
      } else {
        timer = setInterval(() => go(now + 1), pause);
        go(now === last() ? 0 : now);
      }
    }
    const ways = { first: () => go(0), back: () => go(now - 1), forward: () => go(now + 1), end: () => go(last()) };
    const keys = { ArrowLeft: "back", ArrowRight: "forward", Home: "first", End: "end" };
    for (const [word, button] of Object.entries(buttons)) {
      button.addEventListener(
        "click",
        word === "play"
          ? play
          : () => {
              stop();
              ways[word]();
            },
      );
    }
    one(".steps").addEventListener("keydown", (event) => {
      if (!keys[event.key]) return;
      event.preventDefault();
      stop();
      ways[keys[event.key]]();
    });
    return { go, now: () => now };
  }

  // Two axes, drawn as wide as the figure is, so that its letters keep their size on a phone. An axis is
  // { from, to, log, ticks, text, name }. Lines go into `field`, which cuts off what leaves it.
  function axes(svg, x, y, height = 300) {
    const width = Math.max(280, Math.min(640, figure.clientWidth || 560));
    const [left, right, top, bottom] = [46, width - 14, 22, height - 40];
    const scaled = (axis, start, end) => {
      const at = axis.log ? Math.log : Number;
      return (value) => start + ((end - start) * (at(value) - at(axis.from))) / (at(axis.to) - at(axis.from));
    };
    const across = scaled(x, left, right);
    const up = scaled(y, bottom, top);
    const box = [left, top, right - left, bottom - top];
    const field = made("svg", { x: left, y: top, width: box[2], height: box[3], viewBox: box.join(" ") });
    svg.setAttribute("viewBox", `0 0 ${width} ${height}`);
    svg.replaceChildren(
      ...y.ticks.flatMap((tick) => [
        made("line", { class: "grid", x1: left, x2: right, y1: up(tick), y2: up(tick) }),
        made("text", { x: left - 6, y: up(tick) + 4, "text-anchor": "end" }, y.text(tick)),
      ]),
      ...x.ticks.map((tick) =>
        made("text", { x: across(tick), y: bottom + 17, "text-anchor": "middle" }, x.text(tick)),
      ),
      made("text", { x: (left + right) / 2, y: height - 6, "text-anchor": "middle" }, x.name),
      made("text", { x: 4, y: 12 }, y.name),
      made("path", { class: "axis", d: `M${left} ${top}V${bottom}H${right}` }),
      field,
    );
    // Infinite values leave a gap.
    const line = (points) => {
      let pen = "M";
      return points.reduce((d, [a, b]) => {
        const part = Number.isFinite(b) ? `${pen}${across(a).toFixed(1)} ${up(b).toFixed(1)}` : "";
        pen = part ? "L" : "M";
        return d + part;
      }, "");
    };
    return { across, up, field, line, left, right, top, bottom };
  }

  // What only a script can serve appears, and the table that stands in its place without one is folded.
  function ready(draw) {
    for (const part of all(".scripted")) part.removeAttribute("hidden"); // a drawing has no such property
    for (const part of all(".still")) part.open = false;
    // JupyterLab takes the arrow keys for itself, except on elements that ask it not to.
    for (const control of all("button, input, select, summary")) control.dataset.lmSuppressShortcuts = "true";
    draw();
    if (one("svg.drawing.wide")) new ResizeObserver(() => draw()).observe(figure);
  }

  return { figure, one, all, made, data, minus, whole, percent, say, slider, choice, stepper, axes, ready };
}
