"""The built pages, without a browser: nothing from other hosts, no missing file, nothing left unrendered.

Needs `make book` first, so it is run by name: `pytest tests/check_html.py`.
"""

import pathlib
import re
import urllib.parse

import pytest
from bs4 import BeautifulSoup

HTML = pathlib.Path(__file__).parents[1] / "_build" / "html"
PAGES = sorted(page for page in HTML.rglob("*.html") if "_static" not in page.parts)
STYLES = sorted(HTML.rglob("*.css"))
# What a browser loads by itself; a link that a reader may follow is another matter.
LOADED = {
    "script": "src",
    "img": "src",
    "iframe": "src",
    "source": "src",
    "video": "src",
    "audio": "src",
    "embed": "src",
    "object": "data",
    "link": "href",
}
# rel values of <link> that load nothing
NOT_LOADED = {"next", "prev", "index", "search", "canonical", "genindex", "author", "license"}
# What libraries log, and where; and how an object that nobody asked for shows itself.
DEBRIS = re.compile(r"(?:INFO|WARNING|DEBUG):\w+:.*|(?<![\w./:])/tmp/\S*|<[\w.]+(?: object)? at 0x[0-9a-f]+>")
UNRENDERED = re.compile(r"\{[a-z][a-z:-]*\}`|\$\$|(?<![\w$])\$[^\s$][^$\n]*[\\^_={][^$\n]*\$|:::|\]\(\S+\)")
SHOWS_SOURCE = ["pre", "code", "script", "style", "textarea", ".math"]
OUTSIDE = re.compile(r"(?:https?:)?//", re.IGNORECASE)


def is_file(target):
    """Whether a target names a file: no data URL, mail address or script."""
    return urllib.parse.urlsplit(target).scheme not in ("data", "mailto", "javascript")


def resolve(page, target):
    """The file that a relative target on a page names."""
    name = urllib.parse.unquote(urllib.parse.urlsplit(target).path)
    return (page.parent / name).resolve() if name else page


def test_there_are_pages():
    assert HTML / "book" / "index.html" in PAGES, "build the book first: make book"


@pytest.mark.parametrize("path", PAGES, ids=lambda path: str(path.relative_to(HTML)))
def test_page(path):
    soup = BeautifulSoup(path.read_text(encoding="utf-8"), "html.parser")
    faults = []
    for name, attribute in LOADED.items():
        for tag in soup.find_all(name):
            target = tag.get(attribute)
            if not target or NOT_LOADED & set(tag.get("rel", [])):
                continue
            if OUTSIDE.match(target):
                faults.append(f"loads {target}")
            elif is_file(target) and not resolve(path, target).exists():
                faults.append(f"misses {target}")
    for tag in soup.find_all("a", href=True):
        target = tag["href"]
        if OUTSIDE.match(target) or not is_file(target):
            continue
        page, fragment = resolve(path, target), urllib.parse.urlsplit(target).fragment
        if not page.exists():
            faults.append(f"links to {target}, which is not there")
        elif page == path and fragment and not soup.find(id=fragment):
            faults.append(f"links to #{fragment}, which is not on the page")
    for tag in soup.find_all("img"):
        if tag.get("alt") == "" and tag.parent.name == "a" and tag.parent.get_text(strip=True):
            continue  # beside words that say the same, such as the title of the book
        if not tag.get("alt") or tag["alt"].startswith(("../", "_images", "data:")):
            faults.append(f"picture without a text for those who do not see it: {tag.get('src')}")
    outputs = " ".join(output.get_text() for output in soup.select(".cell_output"))
    faults += [f"a cell prints what is no reader's business: {found[0]}" for found in DEBRIS.finditer(outputs)]
    faults += [
        f"a formula that was not written as MathML: {f.get_text()}" for f in soup.select(".math:not(:has(math))")
    ]
    for tag in soup.select(", ".join(SHOWS_SOURCE)):
        tag.decompose()
    article = soup.find("article") or soup
    faults += [f"not rendered: {found[0]}" for found in UNRENDERED.finditer(article.get_text())]
    assert not faults, "\n".join(faults)


@pytest.mark.parametrize("path", STYLES, ids=lambda path: str(path.relative_to(HTML)))
def test_style_sheet(path):
    pattern = r"(?:url\(|@import)\s*[\"']?((?:https?:)?//[^\"')\s]+)"
    assert not re.findall(pattern, path.read_text(encoding="utf-8"), flags=re.IGNORECASE)
