"""A Sphinx extension: `404.html`, the page that a web server shows where there is none.

The server shows it under any address, however deep, so it cannot know where the book begins: its styles stand in it,
and a script climbs from folder to folder until it finds the book's icon. Without a script its links hold at the top of
the book, and everywhere once `html_baseurl` says where the book is.
"""

import html
import pathlib

import address
import mark

_PAGE = """<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="robots" content="noindex">
<title>There is no such page: {book}</title>
<link rel="icon" href="data:,">
<script>document.documentElement.dataset.theme = localStorage.getItem("theme") || ""; // as the reader chose</script>
<style>
:root {{ color-scheme: light dark; --ground: #fff; --text: #222832; --link: #0b5c7a; --edge: #8a929a; }}
[data-theme="light"] {{ color-scheme: light; }}
[data-theme="dark"] {{ --ground: #15181c; --text: #ced6dd; --link: #7cc4de; color-scheme: dark; }}
@media (prefers-color-scheme: dark) {{
  :root:not([data-theme="light"]) {{ --ground: #15181c; --text: #ced6dd; --link: #7cc4de; }}
}}
body {{
  background: var(--ground); color: var(--text); font: 1.1rem/1.6 "Tlbook Sans", "Source Sans 3", system-ui, sans-serif;
  margin: 0 auto; max-width: 34rem; padding: 12vh 1.2rem 2rem;
}}
svg {{ display: block; height: 6rem; }}
h1 {{ font-size: 1.9rem; font-weight: 600; line-height: 1.2; margin: 1.5rem 0 0.5rem; }}
a {{ color: var(--link); }}
form {{ display: flex; flex-wrap: wrap; gap: 0.5rem; margin: 1.2rem 0; }}
input, button {{
  background: none; border: 1px solid var(--edge); border-radius: 6px; color: inherit; font: inherit;
  padding: 0.3rem 0.8rem;
}}
input {{ flex: 1 1 12rem; min-width: 0; }}
button {{ border-color: var(--link); color: var(--link); cursor: pointer; }}
</style>
</head>
<body>
<main>
{drawing}
<h1>There is no such page</h1>
<p>Nothing stands under this address. Perhaps a chapter was renamed. All of them are in the
<a data-to="index.html" href="{base}index.html">contents</a>, or you look for a word:</p>
<form role="search" data-to="search.html" action="{base}search.html">
<input type="search" name="q" aria-label="Search this book">
<button>Search</button>
</form>
<p><a data-to="index.html" href="{base}index.html">{book}</a></p>
</main>
<script>
// Where does the book begin? One folder up after the other, from here, until its icon is found.
const climb = (folder) => {{
  const icon = new Image();
  icon.onload = () => {{
    document.querySelector("link[rel=icon]").href = icon.src;
    document.querySelectorAll("[data-to]").forEach((part) => {{
      part.setAttribute(part.tagName === "FORM" ? "action" : "href", new URL(part.dataset.to, folder));
    }});
    const file = `url("${{new URL("_static/fonts/sans.woff2", folder)}}")`;
    const font = new FontFace("Tlbook Sans", file, {{ weight: "400 700" }});
    font.load().then(() => document.fonts.add(font), () => {{}});
  }};
  icon.onerror = () => {{
    const above = new URL("..", folder);
    if (above.pathname !== folder.pathname) climb(above);
  }};
  icon.src = new URL("_static/favicon.svg", folder);
}};
climb(new URL(".", location));
</script>
</body>
</html>
"""


def page(book, base=""):
    """Return the page as HTML. `book` is the title, `base` the address of the book, empty where it is not known."""
    drawing = mark.svg(len(mark.MARK) * [mark.LEFT_OUT], mark.PAGE, 'aria-hidden="true"')
    known = base.rstrip("/") + "/" if base and not address.is_placeholder(base) else ""
    return _PAGE.format(book=html.escape(book), base=html.escape(known), drawing=drawing)


def write(app, error):
    """Write the page at the top of the book."""
    if not error and app.builder.format == "html":
        text = page(app.config.html_title or app.config.project, app.config.html_baseurl)
        pathlib.Path(app.outdir, "404.html").write_text(text, encoding="utf-8")


def setup(app):
    """Register the extension with Sphinx."""
    app.connect("build-finished", write)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
