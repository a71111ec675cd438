"""The built pages in Chromium, everything unfolded: axe finds nothing, no page scrolls sideways, no formula is cut.

Needs `make book` first and Chromium with its driver, so it is run by name: `pytest -n 2 tests/check_access.py`. Every
page is opened wide and on a phone, in light and dark, and a picture of what a reader sees first goes to
`_build/screens`.
"""

import pathlib

import axe_core_python
import headless
import pytest

HTML = pathlib.Path(__file__).parents[1] / "_build" / "html"
PAGES = sorted(path for path in HTML.rglob("*.html") if "_static" not in path.parts)
SCREENS = HTML.parent / "screens"
AXE = pathlib.Path(axe_core_python.__file__).with_name("axe.min.js").read_text(encoding="utf-8")
WIDE, PHONE = 1440, 390  # pixels
MODES = ("light", "dark")
STILL = "<style>* { animation: none !important; transition: none !important }</style>"
# Drawings share marks, so their ids come twice; WCAG 2.2 no longer minds.
RUN = """const tell = arguments[arguments.length - 1];
axe.run(document, {resultTypes: ["violations"], rules: {"duplicate-id": {enabled: false}}}).then(
  (found) => tell(found.violations.map((one) => `${one.id}: ${one.nodes.map((node) => node.html.slice(0, 200))}`)),
  (error) => tell([String(error)]))"""
# What reaches beyond the window, unless something around it scrolls by itself.
CUT = """const scrolls = (e) => e && e !== document.body &&
  (["auto", "scroll"].includes(getComputedStyle(e).overflowX) || scrolls(e.parentElement));
return [...document.querySelectorAll("math, table")].filter((e) => e.checkVisibility() &&
  e.getBoundingClientRect().right > innerWidth + 1 && !scrolls(e)).map((e) => e.outerHTML.slice(0, 200))"""


@pytest.fixture(scope="module")
def browser():
    with headless.browser("--hide-scrollbars") as driver:
        driver.set_script_timeout(120)
        yield driver


def show(browser, page, width):
    """Open a page as a reader sees it; what would fade in is there at once."""
    size = {"width": width, "height": 900, "deviceScaleFactor": 1, "mobile": width == PHONE}
    browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)
    browser.get(page.as_uri())
    browser.execute_script("document.head.insertAdjacentHTML('beforeend', arguments[0])", STILL)


def turn(browser, mode):
    """Let the page be as for a reader who prefers this mode."""
    prefers = [{"name": "prefers-color-scheme", "value": mode}]
    browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": prefers})
    browser.execute_script(
        "Object.assign(document.documentElement.dataset, {mode: arguments[0], theme: arguments[0]})", mode
    )


def test_there_are_pages_to_look_at():
    assert len(PAGES) > 60, "run `make book` first"


@pytest.mark.parametrize("width", [WIDE, PHONE])
@pytest.mark.parametrize("page", PAGES, ids=lambda path: path.stem)
def test_axe_finds_nothing_and_nothing_is_cut(browser, page, width):
    show(browser, page, width)
    SCREENS.mkdir(exist_ok=True)
    for mode in MODES:
        turn(browser, mode)
        browser.save_screenshot(SCREENS / f"{page.stem}-{mode}-{width}.png")
    browser.execute_script("for (const one of document.querySelectorAll('details')) one.open = true")
    assert browser.execute_script("return document.documentElement.scrollWidth <= innerWidth"), "scrolls sideways"
    assert browser.execute_script(CUT) == []
    browser.execute_script(AXE)
    for mode in MODES:
        turn(browser, mode)
        assert browser.execute_async_script(RUN) == [], mode
    # The theme complains once that a new reader has chosen no mode yet.
    assert [one for one in headless.errors(browser) if "invalid theme mode" not in one] == []
