"""A Sphinx extension: the mark of the book as logo and icon of every page, and as the picture on the cover.

On the cover the mark goes its whole way, from a body that is frozen to one in which every block learns.
"""

from docutils import nodes

import mark

ALT = (
    "Six drawings of a network with five blocks. In the first all blocks are blue, which stands for frozen. From "
    "drawing to drawing one block more turns orange, which stands for learning, the last block first."
)


def set_logo(app, config):
    """Put the mark beside the title of the book, one for light and one for dark pages."""
    logo = {"image_light": "_static/logo-light.svg", "image_dark": "_static/logo-dark.svg"}
    options = config.html_theme_options
    config.html_theme_options = options | {"logo": logo | {"text": config.html_title or config.project}}


def icon_links(app, pagename, templatename, context, doctree):
    """Name the icon that can be drawn at any size, beside the one of `html_favicon`."""
    address = context["pathto"]("_static/favicon.svg", resource=True)
    context["metatags"] = context.get("metatags", "") + f'\n<link rel="icon" type="image/svg+xml" href="{address}" />'


def cover():
    """Return the picture of the front page, as HTML."""
    marks = "".join(mark.svg(states, mark.PAGE, 'class="cover-mark" aria-hidden="true"') for states in mark.WAY)
    scale = '<span class="frozen">frozen</span><span class="learns">tuned</span>'
    return (
        f'<div class="cover"><div class="cover-way" role="img" aria-label="{ALT}">{marks}</div>'
        f'<p class="cover-scale">{scale}</p></div>'
    )


def add_cover(app, doctree, docname):
    """Put the picture below the title of the front page."""
    if app.builder.format == "html" and docname == app.config.root_doc:
        next(doctree.findall(nodes.section)).insert(1, nodes.raw("", cover(), format="html"))


def setup(app):
    """Register the extension with Sphinx."""
    app.connect("config-inited", set_logo)
    app.connect("html-page-context", icon_links)
    app.connect("doctree-resolved", add_cover)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
