"""Bitmaps within the drawings of a page, without loss in fewer bytes: WebP in place of PNG.

Matplotlib puts photographs into an SVG as PNG. The pages with most of them weigh a megabyte; every browser of today
reads WebP, which says the same, pixel for pixel, in about two thirds.
"""

import base64
import functools
import io
import re

from PIL import Image

LARGE = 200_000  # bytes of a file, a fifth of what a page may weigh
_PNG = re.compile(r"data:image/png;base64,([A-Za-z0-9+/=\s]+)")


@functools.cache
def shorter(data):
    """Return the text of a data address with the picture of the base64 text `data`, the shorter of PNG and WebP."""
    picture = Image.open(io.BytesIO(base64.b64decode(data)))
    file = io.BytesIO()
    picture.save(file, "WEBP", lossless=True, quality=60, method=4, exact=True)
    webp = base64.b64encode(file.getvalue()).decode()
    png = "".join(data.split())
    return f"data:image/webp;base64,{webp}" if len(webp) < len(png) else f"data:image/png;base64,{png}"


def lighten_files(folder):
    """Write the PNG files of a folder as WebP where that is shorter; return which name takes the place of which.

    A large one loses what nobody sees; the file in the repository stays as it is.
    """
    renamed = {}
    for path in sorted(folder.glob("*.png")):
        target = path.with_suffix(".webp")
        with Image.open(path) as picture:
            options = {"quality": 92} if path.stat().st_size > LARGE else {"lossless": True, "quality": 80}
            picture.save(target, "WEBP", method=5, exact=True, **options)
        if target.stat().st_size < path.stat().st_size:
            renamed[f"_images/{path.name}"] = f"_images/{target.name}"
            path.unlink()
        else:
            target.unlink()
    return renamed


def lighten(text, renamed=()):
    """Return the HTML of a page with its bitmaps in the shorter form. `renamed` is what `lighten_files` returned."""
    for name in renamed:
        text = text.replace(name, renamed[name])
    return _PNG.sub(lambda found: shorter(found[1]), text)
