"""A Sphinx extension: each entry of the bibliography leads back to the places that cite it."""

import collections

from docutils import nodes


def places(domain, order):
    """Return for each key of the bibliography where it is cited: a list of (docname, id), in the order of the book.

    `domain` is the domain of sphinxcontrib-bibtex, `order` the names of all pages as the table of contents has them.
    """
    found = collections.defaultdict(list)
    for reference in domain.citation_refs:
        for target in reference.targets:
            found[target.key].append((reference.docname, reference.citation_ref_id))
    rank = {docname: place for place, docname in enumerate(order)}
    return {key: sorted(cited, key=lambda one: rank.get(one[0], len(rank))) for key, cited in found.items()}


def label(title):
    """Return what a link to a page is called: the number of a chapter, or the title of another page."""
    number = title.partition(" ")[0]
    return number if number[:1].isdigit() else title


def back_links(cited, title_of, uri):
    """Return a paragraph with a link to each place; a second place on the same page is called by its number alone."""
    paragraph, before, count = nodes.paragraph("", "Cited in ", classes=["cited-in"]), None, 0
    for docname, mark in cited:
        count = count + 1 if docname == before else 1
        words = label(title_of(docname)) if count == 1 else str(count)
        spoken = f"{label(title_of(docname))}, place {count}"
        link = nodes.reference("", words, refuri=f"{uri(docname)}#{mark}", internal=True, reftitle=spoken)
        if before is not None:
            paragraph += nodes.Text(", " if count == 1 else " ")
        paragraph += link
        before = docname
    paragraph += nodes.Text(".")
    return paragraph


def fill(app, doctree, docname):
    """Put the links below the entries of a page that holds a bibliography."""
    entries = list(doctree.findall(nodes.citation))
    if not entries or app.builder.format != "html":
        return
    domain = app.env.get_domain("cite")
    cited = places(domain, list(app.env.external_site_map))
    keys = {citation.citation_id: citation.key for citation in domain.citations}

    def title_of(name):
        return app.env.titles[name].astext()

    for entry in entries:
        key = next((keys[mark] for mark in entry["ids"] if mark in keys), None)
        if cited.get(key):
            entry += back_links(cited[key], title_of, lambda name: app.builder.get_relative_uri(docname, name))


def setup(app):
    """Connect to Sphinx's build, after the bibliography has been written."""
    app.connect("doctree-resolved", fill, priority=900)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
