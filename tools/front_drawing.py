"""The curves of the front page, drawn as SVG that is part of the page: its colours turn, its text is text."""

import html
import math

MARKS = ("circle", "square", "triangle", "diamond")


class Drawing:
    """A place of `width` x `height` px for curves over a logarithmic axis of labels: x and y of values, and the SVG."""

    def __init__(self, curves, width, height):
        """Lay out the axes for curves, a dict from arm to a dict from size to `(mean, half width)`."""
        self.curves, self.width, self.height = curves, width, height
        self.left, self.right, self.top, self.bottom = 44, 14, 10, 42
        sizes = [size for points in curves.values() for size in points]
        ends = [
            end for points in curves.values() for mean, half in points.values() for end in (mean - half, mean + half)
        ]
        self.sizes = sorted(set(sizes))
        self.x_ends = math.log(min(sizes)), math.log(max(sizes))
        self.y_ends = math.floor(10 * max(0, min(ends))) / 10, math.ceil(10 * min(1, max(ends))) / 10

    def x(self, n):
        """Return where `n` labels lie, in px."""
        low, high = self.x_ends
        share = (math.log(n) - low) / (high - low)
        return round(self.left + 10 + share * (self.width - self.left - self.right - 20), 1)

    def y(self, value):
        """Return where an accuracy lies, in px."""
        low, high = self.y_ends
        share = (value - low) / (high - low)
        return round(self.height - self.bottom - share * (self.height - self.top - self.bottom), 1)

    def svg(self, label, css):
        """Return the drawing: axes, a dashed line an arm, a mark and an interval a recorded size, and the cursor."""
        parts = [*self._axes(), *(part for i, arm in enumerate(self.curves) for part in self._arm(i, arm))]
        cursor = f'<line class="cursor" y1="{self.top}" y2="{self.height - self.bottom}" x1="0" x2="0"/>'
        dots = "".join(f'<circle class="at arm-{i}" r="5.5" data-arm="{arm}"/>' for i, arm in enumerate(self.curves))
        return (
            f'<svg class="front-plot {css}" viewBox="0 0 {self.width} {self.height}" role="img" '
            f'aria-label="{html.escape(label)}">{"".join(parts)}<g class="now" hidden>{cursor}{dots}</g></svg>'
        )

    def _axes(self):
        floor, wall = self.height - self.bottom, self.width - self.right
        low, high = (round(10 * end) for end in self.y_ends)
        for tenth in range(low, high + 1):
            y = self.y(tenth / 10)
            yield f'<line class="grid" x1="{self.left}" x2="{wall}" y1="{y}" y2="{y}"/>'
            yield f'<text x="{self.left - 6}" y="{y + 4}" text-anchor="end">{10 * tenth} %</text>'
        for n in self.sizes:
            yield f'<line class="tick" x1="{self.x(n)}" x2="{self.x(n)}" y1="{floor}" y2="{floor + 5}"/>'
            yield f'<text x="{self.x(n)}" y="{floor + 20}" text-anchor="middle">{n:,}</text>'
        middle = (self.left + wall) / 2
        yield f'<text x="{middle}" y="{self.height - 4}" text-anchor="middle">labels</text>'

    def _arm(self, number, arm):
        points = [
            (self.x(n), self.y(mean), self.y(mean - half), self.y(mean + half))
            for n, (mean, half) in self.curves[arm].items()
        ]
        line = " ".join(f"{x},{y}" for x, y, _, _ in points)
        yield f'<g class="arm-{number}"><polyline class="between" points="{line}"/>'
        for x, y, low, high in points:
            yield f'<line class="interval" x1="{x}" x2="{x}" y1="{low}" y2="{high}"/>{mark(number, x, y)}'
        yield "</g>"


def mark(number, x, y, r=4.5):
    """Return the sign of an arm: circle, square, triangle, diamond, so that colour is not all that tells them apart."""
    shape = MARKS[number % len(MARKS)]
    if shape == "circle":
        return f'<circle cx="{x}" cy="{y}" r="{r}"/>'
    corners = {
        "square": [(-r, -r), (r, -r), (r, r), (-r, r)],
        "triangle": [(0, -1.2 * r), (1.1 * r, 0.9 * r), (-1.1 * r, 0.9 * r)],
        "diamond": [(0, -1.3 * r), (1.3 * r, 0), (0, 1.3 * r), (-1.3 * r, 0)],
    }[shape]
    points = " ".join(f"{round(x + dx, 1)},{round(y + dy, 1)}" for dx, dy in corners)
    return f'<polygon points="{points}"/>'
