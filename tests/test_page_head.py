"""What a page says about itself: description, address, trail, citation; and the way back from the bibliography."""

import collections
import json

from docutils import nodes
from docutils.core import publish_doctree
from selenium.webdriver.common.action_chains import ActionChains
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys
from sphinx_external_toc.parsing import parse_toc_yaml

import address
import cited_in
import page_head

BOOK = {"title": "A Book", "version": "1.2", "authors": [{"name": "the authors"}]}


def test_the_first_paragraph_that_says_something_is_the_description():
    page = publish_doctree(
        "Title\n=====\n\nShort.\n\n- a list " + "word " * 20 + "\n\nThis **is** what the page is about, in one line."
    )
    assert page_head.description(page) == "This is what the page is about, in one line."


def test_a_long_description_ends_at_a_word():
    words = page_head.description(publish_doctree("Title\n=====\n\n" + "seven77 " * 60))
    assert len(words) <= page_head.LONGEST and words.endswith("seven77…")


def test_the_canonical_address_comes_with_the_book_s_address():
    assert page_head.site(address.PLACEHOLDER) == ""
    assert page_head.site("https://github.com/Some-One/book") == "https://some-one.github.io/book/"
    without = page_head.tags("T", 'say "so"', "book/x.html", "../", "")
    assert "canonical" not in without and "og:url" not in without
    assert 'content="../_static/preview.png"' in without and "say &quot;so&quot;" in without
    found = page_head.tags("T", "words", "book/x.html", "../", "https://a.github.io/b/")
    assert '<link rel="canonical" href="https://a.github.io/b/book/x.html" />' in found
    assert 'content="https://a.github.io/b/_static/preview.png"' in found


def test_the_trail_names_part_and_chapter():
    site_map = parse_toc_yaml(address.ROOT / "_toc.yml")
    assert page_head.trail(site_map, "notebooks/04_3_fine_tuning") == [
        ("4 Walkthrough: from ImageNet to CIFAR-10", "notebooks/04_1_data")
    ]
    assert [name for _, name in page_head.trail(site_map, "book/api/data")] == ["book/notation", "book/api/index"]
    titles = collections.defaultdict(lambda: nodes.title("", "The package"))
    trail = page_head.breadcrumbs([("Back <matter>", "a"), (None, "b")], "Data", lambda name: f"{name}.html", titles)
    assert "Back &lt;matter&gt;" in trail and '<a href="b.html">The package</a>' in trail
    assert trail.count('aria-current="page"') == 1


def test_a_page_can_be_cited():
    text = page_head.citation(BOOK, "2026", "4.3 Fine-tuning", "notebooks/04_3.html", "")
    assert "The authors (2026). 4.3 Fine-tuning. In <em>A Book</em>, version 1.2. notebooks/04_3.html" in text
    text = page_head.citation(BOOK, "2026", "X < Y", "x.html", "https://a/b/")
    assert "url = {https://a/b/x.html}" in text and "(2026). X &lt; Y. In" in text and "X < Y" not in text


def test_entries_lead_back_in_the_order_of_the_book():
    Reference = collections.namedtuple("Reference", "docname citation_ref_id targets")
    Target = collections.namedtuple("Target", "key")
    domain = collections.namedtuple("Domain", "citation_refs")(
        [
            Reference("b", "id9", [Target("k")]),
            Reference("a", "id1", [Target("k")]),
            Reference("b", "id2", [Target("k")]),
        ]
    )
    cited = cited_in.places(domain, ["a", "b"])["k"]
    titles = {"a": "2 Concepts", "b": "Glossary"}
    paragraph = cited_in.back_links(cited, titles.get, lambda name: f"{name}.html")
    assert paragraph.astext() == "Cited in 2, Glossary 2."
    assert [link["refuri"] for link in paragraph.findall(nodes.reference)] == ["a.html#id1", "b.html#id9", "b.html#id2"]


def test_a_citation_shows_its_entry_by_keyboard_and_pointer(browser, tmp_path):
    static = address.ROOT / "book" / "_static"
    entry = "Some One. A work. 2020."
    page = tmp_path / "page.html"
    page.write_text(
        f'<meta charset="utf-8"><style>{(static / "page_head.css").read_text()}</style>'
        f"<script>{(static / 'citations.js').read_text()}</script>"
        f'<p>As <span class="bibtex-citation" id="id1">[<a href="#e" title={json.dumps(entry)}>One</a>]</span> says.'
    )
    browser.get(page.as_uri())
    link, card = (browser.find_element(By.CSS_SELECTOR, name) for name in ("a", ".citation-card"))
    assert not card.is_displayed() and link.get_attribute("title") == ""
    browser.find_element(By.TAG_NAME, "body").send_keys(Keys.TAB)
    assert card.is_displayed() and card.text == entry and card.get_attribute("role") == "tooltip"
    assert link.get_attribute("aria-describedby") == card.get_attribute("id")
    link.send_keys(Keys.ESCAPE)
    assert not card.is_displayed() and not link.get_attribute("aria-describedby")
    ActionChains(browser).move_to_element(link).perform()
    assert card.is_displayed()
    box = card.rect
    assert box["x"] >= 0 and box["x"] + box["width"] <= browser.execute_script("return innerWidth")
