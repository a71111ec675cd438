"""The slides of all lectures, from the built book, in a browser.

Needs `make book` first, so it is run by name: `pytest tests/check_slides.py`. It writes the slides itself.
"""

import base64
import io
import pathlib

import headless
import pytest
import slide_look
from pypdf import PdfReader

import slides

ROOT = pathlib.Path(__file__).parents[1]
PLANS = slides.plans()


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """The slides, with every figure, table and number that their plans name."""
    target = tmp_path_factory.mktemp("made") / "slides"
    slides.write(ROOT, PLANS, target)
    return target


@pytest.fixture(scope="module")
def browser():
    with headless.browser(watch=True) as driver:
        yield driver


@pytest.mark.parametrize(("name", "theme"), [*((plan.name, "light") for plan in PLANS), (PLANS[0].name, "dark")])
def test_nothing_is_cut_off_silent_or_from_another_host(folder, browser, name, theme):
    found = slide_look.complaints(browser, folder / f"{name}.html", f"?theme={theme}")
    assert not found, found
    assert all(address.startswith(("file:", "data:")) for address in headless.asked_for(browser))
    assert not headless.errors(browser)


def test_every_slide_is_one_sheet_on_paper(folder, browser, tmp_path):
    plan = PLANS[0]
    slide_look.open_deck(browser, folder / f"{plan.name}.html", "?view=print")
    browser.execute_async_script("setTimeout(arguments[0], 500)")
    printed = browser.execute_cdp_cmd("Page.printToPDF", {"preferCSSPageSize": True, "printBackground": True})
    sheets = PdfReader(io.BytesIO(base64.b64decode(printed["data"]))).pages
    assert len(sheets) == len(plan.slides)
    for sheet, slide in zip(sheets, plan.slides, strict=True):
        assert slide.title.split()[0].strip("?,:") in sheet.extract_text()
