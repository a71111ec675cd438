"""The search over the built pages: for forty queries the defining section comes first, at least for 36.

Needs `make book` first, and Chromium, so it is run by name: `pytest tests/check_search.py`.
"""

import csv
import json
import pathlib
import re
import urllib.parse

import headless
import pytest
from selenium.webdriver.support.ui import WebDriverWait

ROOT = pathlib.Path(__file__).parents[1]
HTML = ROOT / "_build" / "html"
INDEX = HTML / "_static" / "search-index.js"
ASKED = list(csv.DictReader((ROOT / "tests" / "search_queries.csv").open(encoding="utf-8", newline="")))
ASK = """const field = document.querySelector('.bd-search-container input');
field.value = arguments[0]; field.dispatchEvent(new Event('input'));"""
FIRST = """const list = document.querySelector('#search-results .search-list a');
return list ? [list.href, document.querySelector('#search-results .search-status').textContent] : null;"""


def record():
    return json.loads(re.fullmatch(r"tlbookSearchIndex\((.*)\);\n", INDEX.read_text(encoding="utf-8"), re.DOTALL)[1])


def test_the_index_is_light_and_the_only_one():
    assert INDEX.stat().st_size <= 20_000 * len(record()["pages"]), "the text of the pages and little else"
    assert not (HTML / "searchindex.js").exists()


def test_every_section_of_the_index_is_there():
    found = record()
    ids = [set(re.findall(r'\bid="([^"]+)"', (HTML / page).read_text(encoding="utf-8"))) for page in found["pages"]]
    missing = [
        (found["pages"][page], anchor) for page, anchor, *_ in found["sections"] if anchor and anchor not in ids[page]
    ]
    assert not missing


def test_every_expected_section_is_there():
    found = record()
    known = {f"{found['pages'][page]}#{anchor}".removesuffix("#") for page, anchor, *_ in found["sections"]}
    assert not [home for row in ASKED for home in row["defined_in"].split(" | ") if home not in known]


@pytest.fixture(scope="module")
def answers():
    """What comes first for each query, on the page of the search, opened from disk."""
    with headless.browser() as driver:
        driver.get((HTML / "search.html").as_uri() + "?q=start")
        WebDriverWait(driver, 60).until(lambda d: d.execute_script(FIRST))
        found = {}
        for row in ASKED:
            clear = "document.querySelector('#search-results .search-list').replaceChildren()"
            driver.execute_script(clear)
            driver.execute_script(ASK, row["query"])
            href, _ = WebDriverWait(driver, 30).until(lambda d: d.execute_script(FIRST))
            to = urllib.parse.urlsplit(href)
            path = pathlib.Path(urllib.parse.unquote(to.path)).resolve().relative_to(HTML.resolve()).as_posix()
            found[row["query"]] = f"{path}#{to.fragment}".removesuffix("#")
        yield found


def test_the_defining_section_comes_first(answers):
    wrong = {
        row["query"]: answers[row["query"]]
        for row in ASKED
        if answers[row["query"]] not in row["defined_in"].split(" | ")
    }
    assert len(ASKED) == 40 and len(wrong) <= 4, wrong
