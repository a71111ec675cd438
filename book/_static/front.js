// The slider of the front page. Every sentence and every place was computed when the book was built, from the record
// (tools/front_instrument.py); this script only picks the one for the number of labels.
(() => {
  const box = document.querySelector(".front-instrument");
  const stops = JSON.parse(box.dataset.stops);
  const slider = box.querySelector("input");
  const sentence = box.querySelector(".front-sentence");
  const output = box.querySelector("output");
  const drawings = [...box.querySelectorAll(".front-plot")];

  function show() {
    const stop = stops[slider.value];
    const labels = stop.n.toLocaleString("en-US");
    [...sentence.children].forEach((half, i) => (half.textContent = stop.said[i]));
    output.textContent = labels + (stop.recorded ? "" : " (between the recorded numbers)");
    slider.setAttribute("aria-valuetext", `${labels} labels${stop.recorded ? "" : ", interpolated"}`);
    box.classList.toggle("interpolated", !stop.recorded);
    box
      .querySelectorAll(".front-legend b")
      .forEach((value) => (value.textContent = stop.values[value.dataset.arm] || "–"));
    drawings.forEach((drawing, which) => {
      const cursor = drawing.querySelector(".cursor");
      cursor.setAttribute("x1", stop.x[which]);
      cursor.setAttribute("x2", stop.x[which]);
      drawing.querySelectorAll(".at").forEach((dot) => {
        const y = stop.y[dot.dataset.arm]?.[which];
        dot.style.display = y === undefined ? "none" : "";
        dot.setAttribute("cx", stop.x[which]);
        dot.setAttribute("cy", y ?? 0);
      });
      drawing.querySelector(".now").removeAttribute("hidden");
    });
  }

  slider.addEventListener("input", show);
  box.querySelector(".front-slider").hidden = false;
  show();
})();
