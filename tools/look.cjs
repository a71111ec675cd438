// Look at the built pages as readers do: light, dark, and on a phone. Writes a picture of each page to _build/screens and
// fails where a page asks another host for something, scrolls sideways, logs an error or breaks an accessibility rule.
//
// Needs Node with playwright-core and axe-core, and a Chromium:
//     npm install --prefix _build/node playwright-core axe-core
//     NODE_PATH=_build/node/node_modules CHROMIUM=/usr/bin/chromium node tools/look.cjs [PAGE ...]

const fs = require("fs");
const path = require("path");
const { chromium } = require("playwright-core");

const html = path.resolve(__dirname, "../_build/html");
const screens = path.resolve(__dirname, "../_build/screens");
const axe = fs.readFileSync(require.resolve("axe-core/axe.min.js"), "utf8");
const views = [
  { name: "light", colorScheme: "light", viewport: { width: 1280, height: 900 } },
  { name: "dark", colorScheme: "dark", viewport: { width: 1280, height: 900 } },
  { name: "phone", colorScheme: "light", viewport: { width: 390, height: 844 } },
];

function allPages() {
  return ["book", "book/api", "notebooks"].flatMap((folder) =>
    fs
      .readdirSync(path.join(html, folder))
      .filter((name) => name.endsWith(".html"))
      .map((name) => `${folder}/${name}`),
  );
}

async function lookAt(browser, view, page) {
  const faults = [];
  const tab = await browser.newPage(view);
  tab.on("request", (request) => {
    if (!/^(file|data|blob):/.test(request.url())) faults.push(`asks for ${request.url()}`);
  });
  tab.on("requestfailed", (request) => faults.push(`cannot load ${request.url()}`));
  tab.on("pageerror", (error) => faults.push(`script error: ${error.message}`));
  await tab.goto(`file://${html}/${page}`, { waitUntil: "load" });
  await tab.waitForTimeout(300);
  await tab.screenshot({ path: path.join(screens, `${page.replace(/\W/g, "_")}.${view.name}.png`) });
  const overflow = await tab.evaluate(() => document.documentElement.scrollWidth - window.innerWidth);
  if (overflow > 0) faults.push(`scrolls sideways by ${overflow} px`);
  await tab.evaluate(axe);
  const { violations } = await tab.evaluate(() => window.axe.run());
  for (const violation of violations)
    for (const node of violation.nodes) faults.push(`${violation.id}: ${node.target} ${node.html.slice(0, 120)}`);
  await tab.close();
  return faults;
}

(async () => {
  fs.mkdirSync(screens, { recursive: true });
  const browser = await chromium.launch({
    executablePath: process.env.CHROMIUM,
    args: ["--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--allow-file-access-from-files"],
  });
  const pages = process.argv.length > 2 ? process.argv.slice(2) : allPages();
  let count = 0;
  for (const page of pages)
    for (const view of views)
      for (const fault of await lookAt(browser, view, page)) {
        console.log(`${page} (${view.name}): ${fault}`);
        count += 1;
      }
  await browser.close();
  console.log(`${pages.length} pages, ${views.length} views each, ${count} faults; pictures in _build/screens`);
  process.exit(count ? 1 : 0);
})();
