"""A Sphinx extension: pages without the weight of the theme that they do not use.

The theme sends each page all two thousand icons of Font Awesome, of which the book uses about a dozen, the machinery of
its own search, which `search_index` and `book/_static/search.js` replace, and ten times the style rules that a page can
apply (`light_styles`). It also has the browser load ten scripts before it shows a word: they wait until the page
stands.
"""

import json
import pathlib
import re

import light_fonts
import light_pictures
import light_styles

_SEARCH = re.compile(r'\s*<script src="[^"]*(?:searchtools|language_data|searchindex)\.js[^"]*"></script>')
_PRELOAD = re.compile(r'\s*<link rel="preload" as="script"[^>]*>')
# A script that may run once the page is read. Not so `documentation_options.js`, which other lines of the head use, and
# `reading.js`, which hides code before it is drawn.
_EARLY = r"documentation_options|reading\.js"
_SCRIPT_FILE = re.compile(rf"<script (?![^>]*\b(?:defer|async)\b)(?=[^>]*src=)(?![^>]*(?:{_EARLY}))")
# The style sheets of the theme and of extensions. Those of the book hold no rule in vain.
_SHEETS = (
    "_static/styles/*.css",
    "_static/basic.css",
    "_static/pygments.css",
    "_static/mystnb.*.css",
    "_static/sphinx-design*.css",
)
_NAME = re.compile(r"\bfa-([a-z0-9-]+)")
_ICON = r'[,{{]"?{name}"?:\[(\d+),(\d+),\[[^\]]*\],"[0-9a-f]+","([^"]+)"\]'
_SCRIPT = """// The icons of Font Awesome Free that the book uses (fontawesome.com, CC BY 4.0), in place of all.
const icons = %s;
const draw = () => document.querySelectorAll("i[class*=fa-]").forEach((old) => {
  const name = [...old.classList].map((one) => one.slice(3)).find((one) => icons[one]);
  if (!name) return;
  const [width, height, path] = icons[name];
  const icon = document.createElementNS("http://www.w3.org/2000/svg", "svg");
  for (const { name, value } of old.attributes) icon.setAttribute(name, value);
  icon.classList.remove("fa-solid", "fas"); // as Font Awesome's own script does, and the theme's styles expect
  icon.classList.add("svg-inline--fa");
  icon.setAttribute("viewBox", `0 0 ${width} ${height}`);
  icon.setAttribute("aria-hidden", "true");
  icon.innerHTML = `<path fill="currentColor" d="${path}"/>`;
  old.replaceWith(icon);
});
document.readyState === "loading" ? document.addEventListener("DOMContentLoaded", draw) : draw();
"""


def icons(script, names):
    """Return, for the names that are icons of the solid style in Font Awesome's script, width, height and path of each.

    The script has several styles, one after the other; the solid one comes last.
    """
    found = {}
    for name in sorted(names):
        if drawings := re.findall(_ICON.format(name=re.escape(name)), script):
            width, height, path = drawings[-1]
            found[name] = int(width), int(height), path
    return found


def lighten(folder):
    """Take out of the pages in a folder what they do not use. Raises `ValueError` where an icon has no drawing."""
    folder = pathlib.Path(folder)
    used, renamed = set(), light_pictures.lighten_files(folder / "_images")
    for page in folder.rglob("*.html"):
        text = page.read_text(encoding="utf-8")
        used |= {name for icon in re.findall(r'<i class="([^"]*\bfa-[^"]*)"', text) for name in _NAME.findall(icon)}
        if (lighter := light_pictures.lighten(_head_lightened(text), renamed)) != text:
            page.write_text(lighter, encoding="utf-8")
    light_styles.lighten(folder, _SHEETS)
    light_fonts.lighten(folder)
    path = folder / "_static" / "scripts" / "fontawesome.js"
    if not path.exists() or (script := path.read_text(encoding="utf-8")).startswith(_SCRIPT[:20]):
        return
    found = icons(script, used)
    if missing := used - set(found) - {"lg", "solid"}:
        raise ValueError(f"{path} has no drawing of the icons {', '.join(sorted(missing))}")
    path.write_text(_SCRIPT % json.dumps(found), encoding="utf-8")


def _head_lightened(text):
    """Return the text of a page whose head asks for what it needs, and keeps nobody waiting."""
    head, end, body = _SEARCH.sub("", text).partition("</head>")
    head = head.replace('type="text/css" href="../_static/print.css', 'media="print" href="../_static/print.css')
    return _SCRIPT_FILE.sub("<script defer ", _PRELOAD.sub("", head)) + end + body


def setup(app):
    """Register the extension with Sphinx."""
    # after the theme, which writes a style sheet of its own when all is built
    app.connect("build-finished", lambda app, error: error or lighten(app.outdir), priority=900)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
