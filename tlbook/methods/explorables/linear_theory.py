"""Transfer between linear tasks: the risks of chapter 3.1 by formula, and what its explorable figure is given.

The target's weights are `HEAD` on `DIRECTIONS` directions out of `INPUTS`; the source looks at directions that are
tilted away from them by an angle, and has `SOURCE_HEAD` there.
"""

import numpy as np
import pandas as pd

INPUTS, DIRECTIONS = 20, 3
HEAD, SOURCE_HEAD = (1.0, -0.8, 0.6), (0.8, -1.0, 0.2)
SIGNAL = float(np.dot(HEAD, HEAD))  # the risk of always answering 0
SIZES = (5, 6, 7, 8, 10, 12, 15, 18, 20, 22, 25, 30, 35, 40, 50, 60, 80, 100, 130, 160, 200)
TILTS = tuple(range(0, 91, 5))  # degrees
NOISES = (0.5, 0.75, 1.0, 1.25, 1.5, 2.0)
WAYS = {
    "squares": "least squares, from scratch",
    "ridge": "ridge, from scratch",
    "frozen": "frozen source features",
    "tuned": "fine-tuned from the source",
}
_DRAWS, _NODES = 400, 32


def spectra(sizes=SIZES, seed=0):
    """Return for each size the mean spectrum of X'X as `(places, shares)`, two short arrays.

    The risk of ridge is a mean over the eigenvalues of X'X, for X of n standard normal rows. The eigenvalues of 400
    draws are put together into a few places with shares (Gauss's rule for their distribution, found by the steps of
    Lanczos): smooth means over them, such as that of 1 / (eigenvalue + penalty), stay what they were.
    """
    rng = np.random.default_rng(seed)
    gram, seen, found = np.zeros((_DRAWS, INPUTS, INPUTS)), 0, []
    for size in sizes:
        rows = rng.normal(size=(_DRAWS, size - seen, INPUTS))  # the examples before stay: the curve is smooth
        gram, seen = gram + rows.swapaxes(1, 2) @ rows, size
        zeros = max(0, INPUTS - size)  # of fewer examples than inputs these are exact, and keep a place of their own
        places, shares = _gauss(np.linalg.eigvalsh(gram)[:, zeros:].ravel())
        found.append((np.append(places, 0), np.append(shares * (1 - zeros / INPUTS), zeros / INPUTS)))
    return found


def _gauss(values):
    """Return places and shares of `_NODES` points that stand for all values: equal means of polynomials."""
    basis = np.zeros((_NODES + 1, len(values)))
    basis[0] = len(values) ** -0.5
    table = np.zeros((_NODES + 1, _NODES + 1))
    for step in range(_NODES):
        new = values * basis[step]
        table[step, step] = new @ basis[step]
        for _ in range(2):  # twice: rounding must not undo it
            new = new - basis[: step + 1].T @ (basis[: step + 1] @ new)
        table[step, step + 1] = table[step + 1, step] = np.linalg.norm(new)
        basis[step + 1] = new / table[step, step + 1]
    places, vectors = np.linalg.eigh(table[:_NODES, :_NODES])
    return places, vectors[0] ** 2


def least_squares(n, noise):
    """Return the risk of least squares on n examples, of the shortest fit where they are few; without bound near 20."""
    if n > INPUTS + 1:
        return noise**2 * INPUTS / (n - INPUTS - 1)
    return SIGNAL * (1 - n / INPUTS) + noise**2 * n / (INPUTS - n - 1) if n < INPUTS - 1 else np.inf


def ridge(spectrum, noise, distance):
    """Return the risk of ridge at its best penalty, for weights at a squared distance from where it pulls them."""
    places, shares = spectrum
    return noise**2 * INPUTS * (shares / (places + INPUTS * noise**2 / distance)).sum()


def frozen(n, tilt, noise):
    """Return the risk of a head on the source's directions, which are tilted by some degrees."""
    lost = SIGNAL * np.sin(np.deg2rad(tilt)) ** 2
    return lost + (noise**2 + lost) * DIRECTIONS / (n - DIRECTIONS - 1)


def distance(tilt):
    """Return the squared distance of the target's weights from those of a source tilted by some degrees."""
    return float(SIGNAL + np.dot(SOURCE_HEAD, SOURCE_HEAD) - 2 * np.cos(np.deg2rad(tilt)) * np.dot(HEAD, SOURCE_HEAD))


def risks(n, tilt, noise, spectrum):
    """Return the excess risk of each of `WAYS` on n examples: a dict.

    `tilt` is in degrees, `noise` a deviation, `spectrum` that of `spectra` for n. Taught in chapter 3.1.
    """
    return {
        "squares": least_squares(n, noise),
        "ridge": ridge(spectrum, noise, SIGNAL),
        "frozen": frozen(n, tilt, noise),
        "tuned": ridge(spectrum, noise, distance(tilt)),
    }


def evidence():
    """Return what the explorable figure of chapter 3.1 shows, ready for JSON."""
    return {
        "inputs": INPUTS,
        "directions": DIRECTIONS,
        "signal": SIGNAL,
        "source": float(np.dot(SOURCE_HEAD, SOURCE_HEAD)),
        "together": float(np.dot(HEAD, SOURCE_HEAD)),
        "sizes": SIZES,
        "tilts": TILTS,
        "noises": NOISES,
        "ways": WAYS,
        "spectra": [[[float(f"{x:.11g}") for x in part] for part in spectrum] for spectrum in spectra()],
    }


def table(tilt=30, noise=1.0, sizes=(10, 30, 60, 200)):
    """Return the risks at one tilt and noise: a `pandas.DataFrame` with a row for each number of examples."""
    known = zip(sizes, spectra(sizes), strict=True)
    return pd.DataFrame([{"n": n, **risks(n, tilt, noise, spectrum)} for n, spectrum in known])
