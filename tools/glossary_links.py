"""A Sphinx extension: where a chapter first uses a term of the glossary, the word leads there, and the glossary back.

`book/glossary.md` is the one list of terms. Behind it stand other forms of a term, as comments: `% fine-tuning:
fine-tune, fine-tuned`. The plural with s or es is found without. And chapters in which the word means something else:
`%- gate: 04_5_application`.
"""

import pathlib
import re

from docutils import nodes
from sphinx import addnodes

import chapter_facts

PAGE = "book/glossary"
_FENCE = re.compile(r"^```\{glossary\}\n(.*?)^```", re.MULTILINE | re.DOTALL)
_FORMS = re.compile(r"^% ([^:\n]+): (.+)$", re.MULTILINE)
_OTHERWISE = re.compile(r"^%- ([^:\n]+): (.+)$", re.MULTILINE)
# What is a link or code already, a title, or a formula.
_NO_PROSE = (nodes.reference, nodes.literal, nodes.literal_block, nodes.raw, nodes.math, addnodes.pending_xref)


def terms(text, chapter=None):
    """Return the terms of a glossary page, a dict from each form in which one may stand in a text to the term.

    Left out are those that mean something else in `chapter`, such as `04_5_application`.
    """
    fence = _FENCE.search(text)
    lines = (fence[1] if fence else "").splitlines()
    names = [line.strip() for line in lines if line.strip() and not line.startswith((" ", ":"))]
    others = {form.strip(): name for name, forms in _FORMS.findall(text) for form in forms.split(",")}
    if unknown := sorted(set(others.values()) - set(names)):
        raise ValueError(f"{PAGE}: got other forms of {', '.join(unknown)}, expected forms of its terms")
    strange = {name for name, chapters in _OTHERWISE.findall(text) if chapter in re.split(r",\s*", chapters)}
    return {form: name for form, name in ({name: name for name in names} | others).items() if name not in strange}


def pattern(forms):
    """Return an expression that finds any of these forms as a word: the longest first, and no part of another word.

    A form in capitals must be written so; the others may begin a sentence.
    """
    ordered = sorted(forms, key=len, reverse=True)
    either = "|".join(re.escape(form) if re.search(r"[A-Z]", form) else f"(?i:{re.escape(form)})" for form in ordered)
    return re.compile(rf"(?<![\w-])({either})(?:e?s)?(?![\w-])")


def find(text, forms, expression=None):
    """Yield `(start, end, term)` for each word of a text that is a form of a term."""
    lower = {form.lower(): term for form, term in forms.items()}
    for match in (expression or pattern(forms)).finditer(text):
        yield match.start(), match.end(), lower[match[1].lower()]


def _texts(doctree):
    """Yield the running text of a page: paragraphs, without code, links, formulas, captions and what cells print."""
    for text in list(doctree.findall(nodes.Text)):
        node, inside = text.parent, False
        while node is not None and not isinstance(node, _NO_PROSE):
            inside |= isinstance(node, nodes.paragraph)
            if {"cell_output", "figure-caption", "package"} & set(node.get("classes", ())):
                break
            node = node.parent
        if node is None and inside:
            yield text


def link(doctree, docname, forms):
    """Turn the first use of each term on a page into a link to the glossary, and return the terms that were found."""
    expression, found = pattern(forms), set()
    for text in _texts(doctree):
        parts, end = [], 0
        for start, stop, term in find(text, forms, expression):
            if term not in found:
                found.add(term)
                parts += [nodes.Text(text[end:start]), _reference(text[start:stop], term, docname)]
                end = stop
        if parts:
            text.parent.replace(text, [*parts, nodes.Text(text[end:])])
    return found


def _reference(words, term, docname):
    options = {"refdomain": "std", "reftype": "term", "reftarget": term, "refdoc": docname, "refexplicit": True}
    return addnodes.pending_xref("", nodes.inline("", words, classes=["glossary-term"]), refwarn=True, **options)


def _uses(env):
    """Return which chapters use which term: a dict that Sphinx keeps with its environment."""
    return env.__dict__.setdefault("tlbook_terms", {})


def read(app, doctree):
    """Link a chapter's terms, once its figures have their captions."""
    if app.env.docname.startswith("notebooks/"):
        app.env.note_dependency(str(pathlib.Path(app.srcdir, PAGE + ".md")))
        chapter = app.env.docname.removeprefix("notebooks/")
        forms = terms(pathlib.Path(app.srcdir, PAGE + ".md").read_text(encoding="utf-8"), chapter)
        for term in link(doctree, app.env.docname, forms):
            _uses(app.env).setdefault(term, set()).add(app.env.docname)


def write(app, doctree, docname):
    """Say behind each entry of the glossary where the book first uses the term."""
    if docname != PAGE:
        return
    for item in doctree.findall(nodes.definition_list_item):
        names = [node.astext() for node in item.findall(nodes.term)]
        homes = {home for name in names for home in _uses(app.env).get(name, ())}
        paragraph = next(item.findall(nodes.paragraph), None)
        if homes and paragraph is not None:
            home = min(homes, key=chapter_facts.chapter_number)
            address = app.builder.get_relative_uri(docname, home)
            number = app.env.titles[home].astext().split()[0]
            chapter = nodes.reference("", f"chapter {number}", refuri=address, internal=True)
            paragraph += [
                nodes.Text(" "),
                nodes.inline("", "First in ", chapter, nodes.Text("."), classes=["first-use"]),
            ]


def forget(app, env, docname):
    """Forget the uses of a page that is read again or gone."""
    for homes in _uses(env).values():
        homes.discard(docname)


def setup(app):
    """Connect the steps to Sphinx's build."""
    app.connect("doctree-read", read, priority=600)  # after the captions have been found
    app.connect("doctree-resolved", write)
    app.connect("env-purge-doc", forget)
    return {"parallel_read_safe": False, "version": "1"}
