"""A Sphinx extension: the index of the search, one script with all sections of the book, loaded when somebody searches.

A page that is opened from disk may load scripts and nothing else, so the index is one. It holds each section with its
title, its anchor, its running text and the words that stand out in it, and the glossary, which knows other forms of a
term and its Chinese names. `book/_static/search-rank.js` ranks, `book/_static/search.js` asks and shows.
"""

import csv
import json
import pathlib
import re

from docutils import nodes
from sphinx import addnodes

import glossary_links

FILE = "search-index.js"
HOMES = pathlib.Path("book", "search-homes.csv")  # words under whose heading no section stands, and where they lead
# What no reader looks for in words: code, what it prints, formulas.
_SKIPPED = (nodes.literal_block, nodes.math_block, nodes.raw, nodes.image, nodes.comment, addnodes.toctree)
_SKIPPED += (addnodes.glossary,)  # `terms` has it
_APART = (nodes.title, nodes.section, addnodes.index, addnodes.desc)  # entries of their own
_MARKED = (nodes.strong, nodes.emphasis, nodes.literal)
_ASIDE = re.compile(r"^(exercises?|key points|further reading)\b", re.IGNORECASE)
_UNASKED = {"Quiz"}  # wrong answers mislead a search as well
_CALLED = re.compile(r"\bdef (\w{4,})|\.(\w{4,})\(")
_PAGE, _PAGES = "\x02{}\x03", re.compile("\x02(.*?)\x03")  # in the text of a section: the title of a page
_CHINESE = re.compile(r"[\u4e00-\u9fff]{2,}")
LESSON, PAGE, ASIDE, PACKAGE = range(4)  # what a section is; search-rank.js weighs them


def kind(docname, title):
    """Return what a section is: part of a lesson, of another page, an aside (an exercise), or of the package."""
    if docname.startswith("book/api/"):
        return PACKAGE
    if _ASIDE.match(title):
        return ASIDE
    return LESSON if docname.startswith("notebooks/") else PAGE


def sections(doctree, docname):
    """Return the sections of a page as lists `[anchor, title, kind, level, text, words that stand out, names]`.

    The anchor of the page's own heading is "". Text is what stands in the section itself, not in those below it; names
    are those of functions that its code defines or calls.
    """
    found = []
    for section in doctree.findall(nodes.section):
        title = next(iter(section.findall(nodes.title)), None)
        if title is None or not section["ids"] or title.astext() in _UNASKED:
            continue
        level, above = 0, section.parent
        while isinstance(above, nodes.section):
            level, above = level + 1, above.parent
        name = _clean(title.astext())
        what = [section["ids"][0] if level else "", name, kind(docname, name), level]
        found.append([*what, *own_text(section), names(section)])
    return found


def names(section):
    """Return the names of the functions that the code in a section, without those below it, defines or calls."""
    code = [
        block.astext()
        for part in section.children
        if not isinstance(part, nodes.section)
        for block in part.findall(nodes.literal_block)
        if "output" not in block["classes"]
    ]
    return " ".join(sorted({"".join(pair) for pair in _CALLED.findall("\n".join(code))}))


def own_text(section):
    """Return the running text of a section without those below it, and the words in it that stand out, as two texts."""
    parts, marked = [], []

    def walk(node):
        for child in node.children:
            if isinstance(child, _APART + _SKIPPED) or {"cell_input", "cell_output"} & set(_classes(child)):
                continue
            if isinstance(child, nodes.Text):
                parts.append(str(child))
                continue
            if isinstance(child, nodes.math):
                parts.append(" … ")
                continue
            if isinstance(child, addnodes.pending_xref) and not child.get("refexplicit"):
                parts.append(_meant(child))
                continue
            if isinstance(child, _MARKED) and not child.astext().startswith("Figure "):
                marked.append(child.astext())
            walk(child)
            if not isinstance(child, nodes.Inline):
                parts.append(" ")

    walk(section)
    return _clean("".join(parts)), _clean(" ".join(dict.fromkeys(marked)))


def _meant(reference):
    """Return what stands for a link without words of its own: the title of a page, which is known later, or "…"."""
    if reference["reftype"] == "doc":
        return _PAGE.format(reference["reftarget"].split("/")[-1])
    return " … " if reference["refdomain"] == "cite" else reference.astext()


def _classes(node):
    return node.get("classes", ()) if isinstance(node, nodes.Element) else ()


def _clean(text):
    return " ".join(text.split())


def objects(doctree):
    """Return what a page of the package documents, in the form of `sections`; the anchor is the name and the title."""
    found = []
    for signature in doctree.findall(addnodes.desc_signature):
        if signature["ids"]:
            body = next((part for part in signature.parent.children if isinstance(part, addnodes.desc_content)), None)
            text = "" if body is None else own_text(body)[0]
            sentence = re.split(r"(?<=[.:]) ", text, maxsplit=1)[0]
            found.append([signature["ids"][0], "", PACKAGE, 2, sentence, "", ""])
    return found


def terms(text, doctree):
    """Return the glossary as lists `[term, anchor, definition, Chinese names, other forms]`.

    `text` is the source of the page, which holds the other forms as comments; `doctree` is what Sphinx made of it.
    """
    forms = {}
    for form, term in glossary_links.terms(text).items():
        forms.setdefault(term, []).extend([form] if form != term else [])
    found = []
    for item in doctree.findall(nodes.definition_list_item):
        said = own_text(next(item.findall(nodes.definition)))[0]
        for name in item.findall(nodes.term):
            term = _clean(name.astext())
            if term in forms and name["ids"]:
                found.append([term, name["ids"][0], said, _CHINESE.findall(said), forms[term]])
    return found


def homes(path, entries, pages):
    """Return what `search-homes.csv` says as pairs `[words asked for, index of the section in entries]`.

    `entries` are sections with the index of their page before them, `pages` the names of the pages. Raises `ValueError`
    for a section that is not there; one on a page that the book does not have is left out.
    """
    at = {(pages[entry[0]], entry[1]): i for i, entry in reversed(list(enumerate(entries)))}
    found = []
    with path.open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            page, _, anchor = row["home"].partition("#")
            if page in pages and (page, anchor) not in at:
                raise ValueError(f"{path.name}: got {row['home']} for {row['asked']!r}, expected a section of the book")
            found += [[row["asked"], at[page, anchor]]] if page in pages else []
    return found


def _kept(env):
    """Return the sections of all pages, and the terms: a dict that Sphinx keeps with its environment."""
    return env.__dict__.setdefault("tlbook_search", {"pages": {}, "terms": []})


def collect(app, doctree):
    """Remember the sections of a page, once the glossary has put its links into it."""
    name = app.env.docname
    _kept(app.env)["pages"][name] = sections(doctree, name) + objects(doctree)
    if name == glossary_links.PAGE:
        text = pathlib.Path(app.srcdir, name + ".md").read_text(encoding="utf-8")
        _kept(app.env)["terms"] = terms(text, doctree)


def forget(app, env, docname):
    """Forget the sections of a page that is read again or gone."""
    _kept(env)["pages"].pop(docname, None)


def write(app, error):
    """Write the index beside the pages, and take away that of Sphinx, which nothing reads any more."""
    if error or app.builder.format != "html":
        return
    kept = _kept(app.env)
    names = sorted(kept["pages"])
    titles = {name.split("/")[-1]: app.env.titles[name].astext().partition(":")[0] for name in names}
    entries = [[at, *section] for at, name in enumerate(names) for section in kept["pages"][name]]
    for entry in entries:
        entry[5] = _PAGES.sub(lambda page: titles.get(page[1], page[1]), entry[5])
    record = {
        "pages": [app.builder.get_target_uri(name) for name in names],
        "sections": entries,
        "terms": kept["terms"],
        "homes": homes(pathlib.Path(app.srcdir, HOMES), entries, names),
    }
    text = json.dumps(record, ensure_ascii=False, separators=(",", ":"))
    pathlib.Path(app.outdir, "_static", FILE).write_text(f"tlbookSearchIndex({text});\n", encoding="utf-8")
    pathlib.Path(app.outdir, "searchindex.js").unlink(missing_ok=True)


def setup(app):
    """Connect the steps to Sphinx's build."""
    app.connect("doctree-read", collect, priority=700)  # after links and captions
    app.connect("env-purge-doc", forget)
    app.connect("build-finished", write)
    return {"parallel_read_safe": False, "version": "1"}
