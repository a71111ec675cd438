"""`404.html`: from whatever depth a server shows it, its links lead into the book."""

import re

import pytest
from selenium.webdriver.common.by import By
from selenium.webdriver.support.ui import WebDriverWait

import mark
import not_found


def test_it_needs_no_other_file_and_no_other_host():
    text = not_found.page("A & B")
    assert "A &amp; B" in text and "{" + "book}" not in text
    assert not re.search(r'<(?:script|img)[^>]* src=|rel="stylesheet"|https?://(?!www\.w3\.org)', text)


def test_with_the_address_of_the_book_its_links_hold_without_a_script():
    text = not_found.page("Book", "https://example.org/book/")
    assert 'href="https://example.org/book/index.html"' in text
    assert 'action="https://example.org/book/search.html"' in text
    assert 'href="index.html"' in not_found.page("Book", "https://example.invalid/book")


@pytest.mark.parametrize("depth", ["", "notebooks/", "a/b/c/"])
def test_it_finds_the_book_from_any_depth(browser, tmp_path, depth):
    book = tmp_path / "book"
    (book / "_static").mkdir(parents=True)
    (book / "_static" / "favicon.svg").write_text(mark.icon(), encoding="utf-8")
    (book / depth).mkdir(parents=True, exist_ok=True)
    lost = book / depth / "lost.html"
    lost.write_text(not_found.page("Book"), encoding="utf-8")
    browser.get(lost.as_uri())
    link, form = (browser.find_element(By.TAG_NAME, name) for name in ("a", "form"))
    WebDriverWait(browser, 5).until(lambda _: link.get_dom_attribute("href").startswith("file:"))
    assert link.get_attribute("href") == (book / "index.html").as_uri()
    assert form.get_dom_attribute("action") == (book / "search.html").as_uri()
