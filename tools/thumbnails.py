"""Small drawings of the figures, for the cards of the front page: lines, dots and bars of an SVG that matplotlib wrote.

A whole figure weighs twenty kilobytes or more, and its text cannot be read at the size of a card. What is left here
are the shapes, in whole pixels, in the colours of the page.
"""

import base64
import dataclasses
import io
import math
import re
import xml.etree.ElementTree as ET

from PIL import Image

from chapter_pages import page_colours

WIDTH, HEIGHT = 160, 90
MOST_BYTES = 8_000
EDGE, STRETCH = 4, 1.7  # px left free; how much more one side may be stretched than the other
MOST_DOTS, MOST_POINTS, PICTURE = 50, 40, 24  # marks of a cloud; corners of a line; pixels of a photograph's side
_SVG, _LINK = "{http://www.w3.org/2000/svg}", "{http://www.w3.org/1999/xlink}href"
_LEFT_OUT = re.compile(r"matplotlib\.axis|text|legend|figure_?legend")
_NUMBER = re.compile(r"-?\d+(?:\.\d+)?(?:e-?\d+)?")
_STEP = re.compile(r"([MLCQz])([^MLCQz]*)", re.IGNORECASE)


def thumbnail(text):
    """Return the shapes of a figure as a small SVG for a page, or None where too little or too much would be left."""
    found = list(_shapes(ET.fromstring(text[text.index("<svg") :])))
    telling = [shape for shape in found if shape.kind != "line" or len(shape.lines[0]) > 3 or "var(" in shape.look]
    if len(telling) < 3:
        return None
    fit = _fit([point for shape in found for line in shape.lines for point in line])
    drawn = "".join(dict.fromkeys(_drawn(shape, fit) for shape in found))
    if len(drawn) > MOST_BYTES:
        return None
    return f'<svg class="thumb" viewBox="0 0 {WIDTH} {HEIGHT}" aria-hidden="true">{drawn}</svg>'


@dataclasses.dataclass
class Shape:
    """What is kept of a part of a figure: `kind` is line, dot or picture, `lines` are lists of corners (x, y)."""

    kind: str
    lines: list
    look: str


def _fit(points):
    """Return a function from a point of the figure to one of the thumbnail, which all of them fill."""
    (left, right), (top, bottom) = ((min(ends), max(ends)) for ends in zip(*points, strict=True))
    scales = [(WIDTH - 2 * EDGE) / max(right - left, 1), (HEIGHT - 2 * EDGE) / max(bottom - top, 1)]
    x_scale, y_scale = (min(scale, STRETCH * min(scales)) for scale in scales)
    x0, y0 = (WIDTH - x_scale * (right + left)) / 2, (HEIGHT - y_scale * (bottom + top)) / 2
    return lambda x, y: (round(x_scale * x + x0), round(y_scale * y + y0))


def _without_repeats(points):
    return [point for i, point in enumerate(points) if not i or point != points[i - 1]]


def _drawn(shape, fit):
    lines = [_without_repeats([fit(*point) for point in line]) for line in shape.lines]
    if shape.kind == "dot":
        (x, y) = lines[0][0]
        return f'<circle cx="{x}" cy="{y}" r="1.8" {shape.look}/>'
    if shape.kind == "picture":
        (left, top), (right, bottom) = lines[0][0], lines[0][-1]
        size = f'width="{right - left}" height="{bottom - top}"'
        return f'<image x="{left}" y="{top}" {size} preserveAspectRatio="none" {shape.look}/>'
    d = "".join("M" + " ".join(f"{x} {y}" for x, y in line) for line in lines if len(line) > 1)
    return f'<path d="{d}" {shape.look}/>' if d else ""


def _shapes(node):
    """Yield what is drawn below a node of the SVG, in the order in which it is drawn."""
    if node.tag == f"{_SVG}g" and _LEFT_OUT.match(node.get("id", "")):
        return
    for child in node:
        if child.tag == f"{_SVG}path":
            yield from _line(child)
        elif child.tag == f"{_SVG}image":
            yield _picture(child)
        elif child.tag == f"{_SVG}g":
            yield from _shapes(child)
    marks = [mark for child in node for mark in (child, *child) if mark.tag == f"{_SVG}use"]
    for mark in marks[:: max(1, -(-len(marks) // MOST_DOTS))]:
        yield _dot(mark)


def _style(node):
    return dict(part.strip().split(": ", 1) for part in node.get("style", "").split(";") if ": " in part)


def _line(path):
    """Yield a path as its corners alone, thinned; nothing for a white ground."""
    style = _style(path)
    fill, stroke = style.get("fill", "#000000"), style.get("stroke", "none")
    if fill == "#ffffff" and stroke == "none" or not path.get("d"):
        return
    lines = []
    for step, numbers in _STEP.findall(path.get("d")):
        found = [float(number) for number in _NUMBER.findall(numbers)]
        if step in "Mm":
            lines.append([])
        if step in "zZ" and lines:
            lines[-1].append(lines[-1][0])
        elif found and lines:
            lines[-1].append((found[-2], found[-1]))
    lines = [[*line[: -1 : max(1, len(line) // MOST_POINTS)], line[-1]] for line in lines if line]
    fill = "none" if fill == "#ffffff" else fill  # the ground of the page, light or dark
    look = f'fill="{page_colours(fill)}"' + (f' stroke="{page_colours(stroke)}"' if stroke != "none" else "")
    if opacity := style.get("opacity") or style.get("fill-opacity"):
        look += f' opacity="{float(opacity):.1f}"'
    if lines:
        yield Shape("line", lines, look)


def _dot(mark):
    style = _style(mark)
    colour = next(
        (style[name] for name in ("fill", "stroke") if style.get(name, "none") not in ("none", "#ffffff")), "#808080"
    )
    return Shape("dot", [[(float(mark.get("x", 0)), float(mark.get("y", 0)))]], f'fill="{page_colours(colour)}"')


def _picture(node):
    """Return a photograph of a figure, made small, where it lies and the right way up."""
    raw = base64.b64decode("".join(node.get(_LINK).partition(",")[2].split()))
    picture = Image.open(io.BytesIO(raw)).convert("RGB")
    left, top, width, height = (float(node.get(name, 0)) for name in ("x", "y", "width", "height"))
    moved = node.get("transform", "")
    numbers = [float(number) for number in _NUMBER.findall(moved)]
    if moved.startswith("matrix"):
        wide, _, _, high, left, top = numbers
        width, height = width * wide, height * abs(high)
        top = top if high > 0 else top - height
        turned = high < 0
    else:
        turned = moved.startswith("scale(1 -1)")
        top = -numbers[-1] - top - height if turned else top
    if turned:
        picture = picture.transpose(Image.Transpose.FLIP_TOP_BOTTOM)
    scale = min(1, PICTURE / math.sqrt(picture.width * picture.height))
    picture = picture.resize([max(1, round(scale * side)) for side in picture.size])
    small = io.BytesIO()
    picture.quantize(16).save(small, "PNG", optimize=True)
    code = base64.b64encode(small.getvalue()).decode()
    return Shape("picture", [[(left, top), (left + width, top + height)]], f'href="data:image/png;base64,{code}"')
