// Light or dark, before anything is drawn: what the address says, what was chosen, or what the system prefers.
(() => {
  const asked = new URLSearchParams(location.search);
  let kept = null;
  try { kept = localStorage.getItem("tlbook-slides"); } catch { /* a browser may keep nothing for files */ }
  const system = matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light";
  const onPaper = asked.get("view") === "print";
  document.documentElement.dataset.theme = onPaper ? "light" : asked.get("theme") || kept || system;
})();
