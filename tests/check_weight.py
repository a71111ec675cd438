"""The built pages in Chromium: what each of them asks for, how soon it shows, and that lighter styles look the same.

Needs `make book` first and Chromium with its driver, so it is run by name: `pytest tests/check_weight.py`. The weights
are written to `_build/weights.csv`.
"""

import csv
import pathlib
import time
import urllib.parse

import headless
import pydata_sphinx_theme
import pytest

HTML = pathlib.Path(__file__).parents[1] / "_build" / "html"
PAGES = sorted(path for folder in ("book", "notebooks") for path in (HTML / folder).rglob("*.html"))
PLAIN, WITH_FORMULAS, EXPLORER = 900_000, 1_600_000, 600_000  # bytes, uncompressed, nothing cached
RATE, SLOWER, FIRST_PAINT = 1.6e6 / 8, 4, 2.5  # bytes a second, a CPU that many times slower, seconds
KINDS = ("book/index", "book/glossary", "book/explorer", "notebooks/03_4_recurrence", "notebooks/05_1_images")
# What styles decide of an element. Sizes follow from the rest, and so do colours of borders that are not there.
STYLES = """return [...document.querySelectorAll("body *")].filter((e) => !e.closest("svg, math")).map((e) => {
  const s = getComputedStyle(e);
  return ["display", "position", "color", "backgroundColor", "fontSize", "fontWeight", "fontFamily", "margin",
    "padding", "borderTopWidth", "borderLeftWidth", "textDecorationLine", "width", "height", "opacity", "float"]
    .map((name) => s[name]).join("|") + " " + e.tagName + "." + e.className;
})"""


@pytest.fixture(scope="module")
def browser():
    with headless.browser("--disable-background-networking") as driver:
        yield driver


@pytest.fixture(scope="module")
def site():
    """The address of the book: a browser tells times and weights of what came over a connection."""
    with headless.served(HTML) as address:
        yield address


def files_of(browser):
    """The addresses that the open page asked for, itself included."""
    names = browser.execute_script("return performance.getEntriesByType('resource').map((one) => one.name)")
    return {urllib.parse.urldefrag(name)[0] for name in [browser.current_url, *names] if not name.startswith("data:")}


def settled(browser):
    """Return `files_of` once the page asks for no more: fonts are asked for when the text stands."""
    before, files = None, files_of(browser)
    while files != before or browser.execute_script("return document.fonts.status") == "loading":
        time.sleep(0.5)
        before, files = files, files_of(browser)
    return files


def test_no_page_is_too_heavy(browser, site):
    assert PAGES, "build the book first: make book"
    rows, heavy = [], []
    # Else a page is said to ask for the fonts of the page before as well.
    browser.execute_cdp_cmd("Network.enable", {})
    browser.execute_cdp_cmd("Network.setCacheDisabled", {"cacheDisabled": True})
    for path in PAGES:
        page = path.relative_to(HTML).as_posix()
        browser.get(f"{site}/{page}")
        files = settled(browser)
        assert all(name.startswith(site) for name in files), f"{page} asks another host: {files}"
        places = {HTML / urllib.parse.unquote(urllib.parse.urlsplit(name).path).lstrip("/") for name in files}
        weight = sum(place.stat().st_size for place in places if place.is_file())
        formulas = browser.execute_script("return document.querySelector('math') !== null")
        limit = (WITH_FORMULAS if formulas else PLAIN) + EXPLORER * (page == "book/explorer.html")
        rows.append((page, weight, len(places), formulas))
        if weight > limit:
            heavy.append(f"{page}: {weight:,} bytes in {len(places)} files, at most {limit:,}")
    with open(HTML.parent / "weights.csv", "w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows([("page", "bytes", "files", "formulas"), *rows])
    assert not heavy, "\n".join(heavy)


@pytest.mark.parametrize("page", KINDS)
def test_first_paint(browser, site, page):
    """On a slow line and a slow machine something stands soon: the best of three, for other work only lengthens it."""
    seen = []
    browser.execute_cdp_cmd("Network.enable", {})
    browser.execute_cdp_cmd("Network.setCacheDisabled", {"cacheDisabled": True})
    line = {"offline": False, "latency": 40, "downloadThroughput": RATE, "uploadThroughput": RATE}
    try:
        browser.execute_cdp_cmd("Network.emulateNetworkConditions", line)
        browser.execute_cdp_cmd("Emulation.setCPUThrottlingRate", {"rate": SLOWER})
        for _ in range(3):
            browser.get(f"{site}/{page}.html")
            paint = "return performance.getEntriesByName('first-contentful-paint')[0].startTime / 1000"
            seen.append(browser.execute_script(paint))
    finally:
        browser.execute_cdp_cmd("Emulation.setCPUThrottlingRate", {"rate": 1})
        free = {"offline": False, "latency": 0, "downloadThroughput": -1, "uploadThroughput": -1}
        browser.execute_cdp_cmd("Network.emulateNetworkConditions", free)
        browser.execute_cdp_cmd("Network.setCacheDisabled", {"cacheDisabled": False})
    print(page, seen)
    assert min(seen) <= FIRST_PAINT, f"{page}: {seen} seconds"


@pytest.mark.parametrize("page", KINDS)
@pytest.mark.parametrize("mode", ["light", "dark"])
@pytest.mark.parametrize("width", [1280, 390])
def test_lighter_styles_look_the_same(browser, site, page, mode, width):
    """Each element is styled as with the theme's whole style sheet."""
    whole = pathlib.Path(pydata_sphinx_theme.__file__).parent / "theme/pydata_sphinx_theme/static/styles"
    whole = (whole / "pydata-sphinx-theme.css").read_text(encoding="utf-8")
    size = {"width": width, "height": 900, "deviceScaleFactor": 1, "mobile": width < 500}
    browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)
    browser.get(f"{site}/{page}.html")
    browser.execute_script("for (const name of ['mode', 'theme']) localStorage.setItem(name, arguments[0])", mode)
    browser.refresh()
    time.sleep(1)
    lighter = browser.execute_script(STYLES)
    browser.execute_script(
        "const link = document.querySelector('link[href*=\"pydata-sphinx-theme.css\"]');"
        "const style = document.createElement('style'); style.textContent = arguments[0]; link.replaceWith(style);",
        whole.replace("../vendor/", f"{site}/_static/vendor/"),
    )
    time.sleep(0.5)
    full = browser.execute_script(STYLES)
    browser.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})
    other = [(a, b) for a, b in zip(lighter, full, strict=True) if a != b]
    assert not other, f"{len(other)} of {len(full)} elements, such as {other[:3]}"
