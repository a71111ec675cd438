"""Sounds on a page: spectrograms side by side, and a player."""

import html

import matplotlib.pyplot as plt
import numpy as np
from IPython.display import HTML, Audio

from tlbook.figures.style import GREY


def spectrograms(pictures, titles, source, *, hop_ms, ylabel="mel band", height=None, floor=-60.0, columns=3):
    """Draw spectrograms in decibels on one scale, each under its title; the silence that fills them up is left out.

    `pictures` are float (frames, frequencies) in decibels of `floor`..0; `source` is a `tlbook.files.sources.Source` or
    a str; `hop_ms` are the milliseconds from one frame to the next. The upper edge stands for `height`, in the units of
    `ylabel`: the number of frequencies unless given.

    Raises `ValueError` where pictures and titles differ in number. Returns the figure.
    """
    if len(pictures) != len(titles) or not len(pictures):
        raise ValueError(f"titles: got {len(titles)} for {len(pictures)} spectrograms, expected as many, n > 0")
    columns = min(columns, len(pictures))
    rows = -(-len(pictures) // columns)
    size = (5.6, 3.2) if len(pictures) == 1 else (min(6.6, 2.2 * columns + 1.2), 1.7 * rows + 0.7)
    figure, grid = plt.subplots(rows, columns, figsize=size, sharex=True, sharey=True, squeeze=False)
    sounding = max(np.flatnonzero((picture > floor).any(axis=1)).max(initial=0) + 1 for picture in pictures)
    for axes in list(grid.flat)[len(pictures) :]:
        axes.axis("off")
    for axes, picture, title in zip(grid.flat, pictures, titles, strict=False):
        extent = (0, hop_ms * len(picture), 0, height or picture.shape[1])
        image = axes.imshow(picture.T, origin="lower", aspect="auto", extent=extent, cmap="magma", vmin=floor, vmax=0)
        axes.grid(visible=False)
        axes.set_title(title, fontsize=9)
        axes.set(xlabel="time (ms)", ylabel=ylabel, xlim=(0, hop_ms * sounding))
        axes.label_outer()
    figure.colorbar(image, ax=grid, label="power (dB)")
    figure.suptitle(f"data: {getattr(source, 'name', source)}", fontsize=9, color=GREY)
    return figure


def player(waveform, rate, label):
    """Return a sound player for a notebook to display, under its label; the sound is part of the page.

    `waveform` is float (samples,), `rate` its samples a second.
    """
    label = html.escape(label)
    audio = Audio(waveform, rate=rate)._repr_html_().replace("<audio", f'<audio aria-label="{label}"')
    return HTML(f"<div>{label}</div>{audio}")
