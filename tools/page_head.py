"""A Sphinx extension: what a page says about itself, to search engines, to those who share it and to those who cite it.

The head gets a description, a preview picture and, once the book has a public address, the canonical address of the
page. The article gets a trail, part and chapter, above its title, and "How to cite this page" at its end.
"""

import html
import pathlib
import re
import urllib.parse

import yaml
from docutils import nodes

import address

PICTURE = "_static/preview.png"
LONGEST = 160  # characters of a description; search engines cut what is longer
_SHORTEST = 40  # of a paragraph that says something


def description(doctree):
    """Return what a page is about: its first paragraph, cut at a word, without markup. Empty where it has none."""
    for paragraph in doctree.findall(nodes.paragraph):
        outside = isinstance(paragraph.parent, nodes.section | nodes.document)
        text = " ".join("".join(_plain(paragraph)).split())
        if outside and len(text) >= _SHORTEST and not text.startswith("文章"):
            return text if len(text) <= LONGEST else text[: LONGEST - 1].rsplit(" ", 1)[0].rstrip(",;:") + "…"
    return ""


def _plain(paragraph):
    """Yield the text of a paragraph, part by part; LaTeX and raw HTML are not for those who share a link."""
    if any(isinstance(child, nodes.math) for child in paragraph.findall()):
        return
    for text in paragraph.findall(nodes.Text):
        if not isinstance(text.parent, nodes.raw):
            yield text.astext()


def site(url):
    """Return where the pages of a repository on github.com stand, or "" while the address is a placeholder."""
    if address.is_placeholder(url):
        return ""
    owner, _, name = urllib.parse.urlsplit(url).path.strip("/").partition("/")
    return f"https://{owner.lower()}.github.io/{name}/"


def tags(title, words, page, root, base):
    """Return the tags of a page's head. `page` is its place in the book, `root` leads from it to the book's folder."""
    found = [("name", "description", words), ("property", "og:type", "article"), ("property", "og:title", title)]
    found += [("property", "og:description", words), ("property", "og:image", (base or root) + PICTURE)]
    found += [("name", "twitter:card", "summary_large_image")]
    if base:
        found.append(("property", "og:url", base + page))
    lines = [f'<meta {kind}="{name}" content="{html.escape(value)}" />' for kind, name, value in found if value]
    return "\n".join([*lines, f'<link rel="canonical" href="{base}{page}" />'] if base else lines)


def trail(site_map, docname):
    """Return the way to a page as (words, docname) pairs, the page itself left out; a part leads to its first page."""
    above = {}
    for name in site_map:
        for tree in site_map[name].subtrees:
            for child in tree.items:
                if isinstance(child, str):
                    above[str(child)] = (name, tree.caption, str(tree.items[0]))
    steps = []
    while docname in above:
        parent, caption, first = above[docname]
        if caption:
            steps.append((caption, first))
        if parent != site_map.root.docname:
            steps.append((None, parent))
        docname = parent
    return steps[::-1]


def breadcrumbs(steps, title, uri, titles):
    """Return the trail above a page's title, as HTML; `uri` leads to a page, `titles` has the title of each."""
    items = []
    for words, docname in steps:
        words, target = words or titles[docname].astext(), uri(docname)
        text = html.escape(words)
        items.append(f'<li><a href="{target}">{text}</a></li>' if target not in ("", "#") else f"<li>{text}</li>")
    items.append(f'<li aria-current="page">{html.escape(title)}</li>')
    return f'<nav class="breadcrumbs" aria-label="Where this page stands"><ol>{"".join(items)}</ol></nav>'


def citation(book, year, title, page, base):
    """Return "How to cite this page" as HTML. `book` is what `CITATION.cff` says."""
    authors = " and ".join(_name(author) for author in book["authors"])
    where = base + page if base else page
    address_line = f"  url = {{{where}}},\n" if base else f"  note = {{page {where}}},\n"
    key = re.sub(r"\W+", "-", page.removesuffix(".html").rpartition("/")[2]).strip("-")
    entry = (
        f"@incollection{{tlbook-{key},\n  author = {{{{{authors}}}}},\n  title = {{{{{title}}}}},\n"
        f"  booktitle = {{{book['title']}}},\n  edition = {{version {book['version']}}},\n  year = {{{year}}},\n"
        f"{address_line}}}"
    )
    who, what = html.escape(authors[:1].upper() + authors[1:]), html.escape(title)
    line = f"{who} ({year}). {what}. In <em>{html.escape(book['title'])}</em>"
    return (
        '<details class="cite-this"><summary>How to cite this page</summary>'
        f"<p>{line}, version {book['version']}. {html.escape(where)}</p>"
        f'<div class="highlight"><pre>{html.escape(entry)}</pre></div></details>'
    )


def _name(author):
    return author.get("name") or f"{author['given-names']} {author['family-names']}"


def add(app, pagename, templatename, context, doctree):
    """Give one page its head, its trail and its citation."""
    if doctree is None:
        return
    title = app.env.titles[pagename].astext()
    base, page = site(address.repository()["url"]), pagename + ".html"
    up = "../" * pagename.count("/")
    context["metatags"] += tags(title, description(doctree), page, up, base)

    def uri(docname):
        return app.builder.get_relative_uri(pagename, docname)

    if pagename != app.config.root_doc:
        steps = trail(app.env.external_site_map, pagename)
        context["body"] = breadcrumbs(steps, title, uri, app.env.titles) + context["body"]
    book = app.tlbook_citation
    year = str(book.get("date-released", app.config.copyright))[:4]
    context["body"] += citation(book, year, title, page, base)


def read_citation(app):
    """Read `CITATION.cff` once."""
    app.tlbook_citation = yaml.safe_load((address.ROOT / "CITATION.cff").read_text(encoding="utf-8"))


def name_once(app, error):
    """Let the window of the first page be called "X", and not "X — X"."""
    if not error and app.builder.format == "html":
        path = pathlib.Path(app.outdir, f"{app.config.root_doc}.html")
        text = path.read_text(encoding="utf-8")
        path.write_text(re.sub(r"<title>(.+) &#8212; \1</title>", r"<title>\1</title>", text), encoding="utf-8")


def setup(app):
    """Connect to Sphinx's build."""
    app.connect("builder-inited", read_citation)
    app.connect("html-page-context", add)
    app.connect("build-finished", name_once)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
