"""A Sphinx extension: the index of figures, made while the book is built; `{figure-index}` stands where it goes."""

import collections

from docutils import nodes
from sphinx.util.docutils import SphinxDirective

import chapter_pages


class figure_index(nodes.General, nodes.Element):
    """Stands on its page until all pages have been read."""


class FigureIndex(SphinxDirective):
    """All figures of the book, by chapter, with the first sentence of each caption."""

    def run(self):
        """Leave a mark: the captions are known when all pages have been read."""
        return [figure_index()]


def _captions(env):
    """Return document and words of each figure's caption: a dict that Sphinx keeps with its environment."""
    return env.__dict__.setdefault("tlbook_captions", {})


def collect(app, doctree):
    """Remember the first sentence of each caption."""
    for paragraph in doctree.findall(nodes.paragraph):
        if number := chapter_pages.number_of(paragraph):
            _captions(app.env)[number] = (app.env.docname, first_sentence(paragraph))


def first_sentence(caption):
    """Return what a caption says first, without its number, as a list of nodes: text and formulas."""
    after = [child for child in caption.children if child.astext()][1:]
    found = []
    for child in after:
        text = child.astext()
        stop = text.find(". ") if isinstance(child, nodes.Text) else -1
        if isinstance(child, nodes.math | nodes.literal | nodes.emphasis):
            found.append(child.deepcopy())
        else:
            found.append(nodes.Text(text[: stop + 1] if stop >= 0 else text))
        if stop >= 0:
            break
    if found and isinstance(found[0], nodes.Text):
        found[0] = nodes.Text(found[0].lstrip())
    return found


def fill(app, doctree, docname):
    """Put the list of figures where its mark stands."""
    for mark in list(doctree.findall(figure_index)):
        chapters = collections.defaultdict(list)
        for number, (home, words) in _captions(app.env).items():
            chapters[home].append((tuple(int(n) for n in number.replace("-", ".").split(".")), number, words))
        parts = []
        for home in sorted(chapters, key=lambda home: min(chapters[home])[0]):
            address = app.builder.get_relative_uri(docname, home)
            title = nodes.reference("", app.env.titles[home].astext(), refuri=address, internal=True)
            items = []
            for _, number, words in sorted(chapters[home], key=lambda figure: figure[0]):
                link = nodes.reference(
                    "", f"Figure {number}", refuri=f"{address}#{chapter_pages.anchor(number)}", internal=True
                )
                items.append(nodes.list_item("", nodes.paragraph("", "", link, nodes.Text(": "), *words)))
            parts += [nodes.paragraph("", "", nodes.strong("", "", title)), nodes.bullet_list("", *items)]
        mark.replace_self(parts)


def forget(app, env, docname):
    """Forget the captions of a page that is read again or gone."""
    for number in [number for number, (home, _) in _captions(env).items() if home == docname]:
        del _captions(env)[number]


def setup(app):
    """Register the directive with Sphinx, and collect the captions."""
    app.add_node(figure_index)
    app.add_directive("figure-index", FigureIndex)
    app.connect("doctree-read", collect)
    app.connect("doctree-resolved", fill, priority=400)  # before the mentions of figures become links
    app.connect("env-purge-doc", forget)
    return {"parallel_read_safe": False, "version": "1"}
