"""The mark of the book: a bar a part of a network, cool where frozen, warm where learning, an outline where left out.

As the mark, five bars stand for VGG16's five blocks as chapter 4.3 uses them. `python tools/mark.py` writes the files
that need it as a picture; the pages draw it themselves.
"""

import io
import pathlib

from PIL import Image, ImageDraw

FROZEN, LEARNS, LEFT_OUT = STATES = ("frozen", "learns", "left out")
MARK = (FROZEN, FROZEN, FROZEN, LEARNS, LEFT_OUT)
# On the cover, and on the slides: each step lets one block more learn, the last first, as in fine-tuning.
WAY = [[FROZEN] * (5 - n) + [LEARNS] * n for n in range(6)]
# Of the two kinds of line that the figures draw first, and of text that is not loud: on white, and in the dark.
LIGHT = {FROZEN: "#0072b2", LEARNS: "#d55e00", LEFT_OUT: "#595959"}
DARK = {FROZEN: "#3d95cf", LEARNS: "#f08a4b", LEFT_OUT: "#9aa4ad"}
PAGE = {FROZEN: "var(--plot-1, #0072b2)", LEARNS: "var(--plot-2, #d55e00)", LEFT_OUT: "currentColor"}
PAPER = "#f6f4ef"
HEIGHT, STEP, WIDTH, EDGE = 64, 13, 9, 2  # of the drawing, from bar to bar, of a bar, of an outline
TALLEST, SHORTEST = 60, 16
FINER = 4  # times: a picture is drawn so much larger and then made small, for smooth edges
STATIC = pathlib.Path(__file__).parents[1] / "book" / "_static"


def bars(states):
    """Return left, top, right, bottom of each bar: shorter from left to right, as pictures shrink on their way.

    Raises `ValueError` for a state that is none of `STATES`, and for no state at all.
    """
    if not states or set(states) - set(STATES):
        raise ValueError(f"states: got {states!r}, expected one or more of {', '.join(STATES)}")
    fall = (TALLEST - SHORTEST) / max(len(states) - 1, 4)
    heights = [TALLEST - fall * place for place in range(len(states))]
    return [(2 + STEP * n, (HEIGHT - h) / 2, 2 + STEP * n + WIDTH, (HEIGHT + h) / 2) for n, h in enumerate(heights)]


def width(states):
    """Return how wide the drawing of some bars is, where it is `HEIGHT` high."""
    return STEP * len(states)


def svg(states=MARK, colours=LIGHT, attributes=""):
    """Return the drawing as a text in SVG.

    `colours` maps each state to one: `LIGHT`, `DARK` or, inside a page, `PAGE`. `attributes` go into the element.
    """
    parts = []
    for state, (left, top, right, bottom) in zip(states, bars(states), strict=True):
        inset = EDGE / 2 if state == LEFT_OUT else 0
        paint = f'fill="none" stroke="{colours[state]}" stroke-width="{EDGE}"' if inset else f'fill="{colours[state]}"'
        parts.append(
            f'<rect x="{left + inset:g}" y="{top + inset:g}" width="{right - left - 2 * inset:g}" '
            f'height="{bottom - top - 2 * inset:g}" rx="{2 - inset:g}" {paint}/>'
        )
    box = f'viewBox="0 0 {width(states)} {HEIGHT}"'
    space = " " if attributes else ""
    return f'<svg xmlns="http://www.w3.org/2000/svg" {box}{space}{attributes}>{"".join(parts)}</svg>'


def icon():
    """Return the mark for the tab of a browser, whose own colours may be light or dark."""
    names = {FROZEN: "f", LEARNS: "l", LEFT_OUT: "o"}
    text = svg(colours={state: f"var(--{name})" for state, name in names.items()})
    first, second = (";".join(f"--{names[state]}:{colour}" for state, colour in of.items()) for of in (LIGHT, DARK))
    style = f"<style>svg{{{first}}}@media(prefers-color-scheme:dark){{svg{{{second}}}}}</style>"
    return text.replace("><rect", f">{style}<rect", 1)


def picture(size, share, ground="#ffffff00"):
    """Return the mark as a `PIL.Image` of `size` (width, height), `share` of its height high, in its middle."""
    image = Image.new("RGBA", (size[0] * FINER, size[1] * FINER), ground)
    draw = ImageDraw.Draw(image)
    scale = share * image.height / HEIGHT
    left, top = (image.width - width(MARK) * scale) / 2, (image.height - HEIGHT * scale) / 2
    for state, box in zip(MARK, bars(MARK), strict=True):
        corners = [place * scale + (top if n % 2 else left) for n, place in enumerate(box)]
        outline = {"outline": LIGHT[state], "width": round(EDGE * scale)} if state == LEFT_OUT else {}
        draw.rounded_rectangle(corners, 2 * scale, fill=None if outline else LIGHT[state], **outline)
    return image.resize(size, Image.Resampling.LANCZOS)


def files():
    """Return the files that hold the mark: a dict from name to bytes."""
    preview, small = io.BytesIO(), io.BytesIO()
    picture((1200, 630), 0.62, PAPER).convert("RGB").save(preview, "PNG", optimize=True)
    sizes = [(side, side) for side in (16, 32, 48)]
    picture(sizes[-1], 1).save(small, "ICO", sizes=sizes, append_images=[picture(size, 1) for size in sizes[:-1]])
    texts = {"favicon.svg": icon(), "logo-light.svg": svg(), "logo-dark.svg": svg(colours=DARK)}
    pictures = {"favicon.ico": small.getvalue(), "preview.png": preview.getvalue()}
    return pictures | {name: f"{text}\n".encode() for name, text in texts.items()}


if __name__ == "__main__":
    for name, content in files().items():
        (STATIC / name).write_bytes(content)
