"""The instrument of the front page as HTML: one sentence, a slider, the drawings, a legend and the numbers as a table.

`front_curves` says what the record shows, `front_drawing` draws it, `book/_static/front.js` moves the slider. All that
the script shows is computed here: it only picks. Without it, the sentence, the drawing and the table stand.
"""

import html
import json

import front_curves
import front_drawing

WIDE, NARROW = (720, 300), (358, 300)  # px; a phone gets a drawing of its own


def drawn(found):
    """Return the instrument for a record, as HTML: sentence, slider, drawings, legend, table."""
    curves = {arm: points for arm in front_curves.NAMES if (points := front_curves.curve(found, arm))}
    wide, narrow = (front_drawing.Drawing(curves, *size) for size in (WIDE, NARROW))
    steps = front_curves.stops(found)
    means = {arm: {n: mean for n, (mean, _) in points.items()} for arm, points in curves.items()}
    values = [{arm: front_curves.at(means[arm], n) for arm in curves} for n in steps]
    stops = [
        {
            "n": n,
            "recorded": n in curves[front_curves.TRANSFER],
            "said": _halves(front_curves.sentences(found, n)),
            "values": {arm: None if value is None else f"{100 * value:.0f} %" for arm, value in at.items()},
            "x": [wide.x(n), narrow.x(n)],
            "y": {arm: [one.y(value) for one in (wide, narrow)] for arm, value in at.items() if value is not None},
        }
        for n, at in zip(steps, values, strict=True)
    ]
    start = steps.index(front_curves.START) if front_curves.START in steps else len(steps) // 2
    label = (
        "Accuracy on the test pictures against the number of labels, on a logarithmic axis, one line a method. The "
        "table below holds its numbers."
    )
    legend = "".join(
        f'<li class="arm-{i}"><svg viewBox="-8 -8 16 16" aria-hidden="true">{front_drawing.mark(i, 0, 0)}</svg> '
        f'{front_curves.NAMES[arm]} <b data-arm="{arm}"></b></li>'
        for i, arm in enumerate(curves)
    )
    heart, rest = map(html.escape, stops[start]["said"])
    data = html.escape(json.dumps(stops, allow_nan=False, separators=(",", ":")))
    return (
        f'<div class="front-instrument" data-stops="{data}" data-start="{start}">'
        f'<p class="front-sentence" aria-live="polite"><span>{heart}</span> <span>{rest}</span></p>'
        f'<p class="front-slider" hidden><label for="front-labels">Labels: <output for="front-labels"></output></label>'
        f'<input type="range" id="front-labels" min="0" max="{len(stops) - 1}" step="1" value="{start}"></p>'
        f'{wide.svg(label, "wide")}{narrow.svg(label, "narrow")}<ul class="front-legend">{legend}</ul>'
        f"{_small_print(found)}{_table(curves)}</div>"
    )


def _halves(sentences):
    """Return the heart of what is said, and the rest, as two texts."""
    return [" ".join(sentences[:2]), " ".join(sentences[2:])]


def _small_print(found):
    sources = ", ".join(sorted(found.rows.source.unique()))
    seeds = found.rows.groupby(["arm", "n_train"]).seed.nunique()
    span = f"{seeds.min()}" if seeds.min() == seeds.max() else f"{seeds.min()} to {seeds.max()}"
    noted = " ".join(f"({note})" for note in found.rows.note.dropna().unique())
    return (
        f'<p class="front-note">Marks with bars are recorded: means of {span} seeds with 95 % intervals. The dashed '
        f"lines between them are interpolated. {html.escape(found.note)} Data: {html.escape(sources)}. "
        f'<a href="explorer.html#table={found.table}">Explore the record</a>.</p>'
        + (
            f'<details class="front-data"><summary>About the data</summary><p>{html.escape(noted)}</p></details>'
            if noted
            else ""
        )
    )


def _table(curves):
    sizes = sorted({n for points in curves.values() for n in points})
    head = "".join(f'<th scope="col">{n:,} labels</th>' for n in sizes)
    rows = []
    for arm, points in curves.items():
        cells = (f"{100 * points[n][0]:.1f} ± {100 * points[n][1]:.1f} %" if n in points else "–" for n in sizes)
        rows.append(
            f'<tr><th scope="row">{front_curves.NAMES[arm]}</th>' + "".join(f"<td>{c}</td>" for c in cells) + "</tr>"
        )
    return (
        '<details class="front-table"><summary>All recorded numbers</summary>'
        f'<div class="pst-scrollable-table-container"><table><thead><tr><td></td>{head}</tr></thead>'
        f"<tbody>{''.join(rows)}</tbody></table></div></details>"
    )
