"""The font of signs, cut to the signs that style sheets draw with it: 5 kB in place of 156.

Most icons are drawings (`light_pages`). A few signs, such as those of the boxes that speak, are letters of a font.
"""

import re

from fontTools import subset
from fontTools.ttLib import TTFont

_SIGN = re.compile("[\ue000-\uf8ff]")
_ESCAPED = re.compile(r"\\(e[0-9a-f]{3}|f[0-8][0-9a-f]{2})\b", re.I)
_SOURCE = re.compile(r'url\([^)]*fa-solid-900\.woff2\)\s*format\("woff2"\),\s*url\([^)]*fa-solid-900\.ttf\)[^,;}]*')


def signs(text):
    """Return the code points of the private area that a style sheet names, as letters or escaped."""
    return {ord(sign) for sign in _SIGN.findall(text)} | {int(code, 16) for code in _ESCAPED.findall(text)}


def lighten(folder):
    """Cut the font in a folder of built pages, and let the style sheets ask for the cut one."""
    font = folder / "_static" / "vendor" / "fontawesome" / "webfonts" / "fa-solid-900.ttf"
    if not font.exists():
        return
    sheets = {path: path.read_text(encoding="utf-8") for path in (folder / "_static").rglob("*.css")}
    options = subset.Options(flavor="woff", hinting=False, notdef_outline=True)
    cutter = subset.Subsetter(options)
    cutter.populate(unicodes=set().union(*map(signs, sheets.values())))
    whole = TTFont(font)
    cutter.subset(whole)
    subset.save_font(whole, font.with_suffix(".woff"), options)
    for path, text in sheets.items():
        lighter = _SOURCE.sub('url(../vendor/fontawesome/webfonts/fa-solid-900.woff) format("woff")', text)
        if lighter != text:
            path.write_text(lighter, encoding="utf-8")
