"""How far a few runs can be trusted: intervals, paired differences, verdicts, and two arrays that should agree."""

import base64

import numpy as np
from scipy import stats


def interval(values, confidence=0.95):
    """Return `(mean, half width)` of Student's interval for the mean of a few runs, one value a seed.

    With three seeds the half width is 4.3 standard errors: few seeds say little, and the interval says so. Raises
    `ValueError` for fewer than two values, one that is not finite, or a confidence that is not between 0 and 1.
    Source: Student (1908). Taught in chapter 4.3.
    """
    values = np.asarray(values, "float64")
    if values.ndim != 1 or len(values) < 2 or not np.isfinite(values).all():
        raise ValueError(f"values: got {values}, expected two or more finite numbers")
    if not 0 < confidence < 1:
        raise ValueError(f"confidence: got {confidence}, expected a share between 0 and 1")
    return float(values.mean()), float(stats.t.ppf((1 + confidence) / 2, len(values) - 1) * stats.sem(values))


def paired(a, b, confidence=0.95):
    """Return `(mean, half width)` of the interval of `a - b`: runs that share a seed, a draw or a fold.

    What a seed makes easy or hard for both arms cancels, so the interval is as a rule narrower than those of the two
    means. Two `pandas.Series` are paired by their index. Raises `ValueError` where one has no partner, and as
    `interval` does. Source: Student (1908). Taught in chapter 4.3.

    >>> mean, half = paired([0.81, 0.86, 0.78], [0.80, 0.84, 0.77])
    >>> f"{mean:.3f} ± {half:.3f}"
    '0.013 ± 0.014'
    """
    if np.shape(a) != np.shape(b):
        raise ValueError(f"b: got shape {np.shape(b)}, expected that of a, {np.shape(a)}")
    return interval(np.subtract(a, b), confidence)


def crossed(values, confidence=0.95):
    """Return `(mean, half width)` for runs that were all judged on the same examples, over runs *and* examples.

    `values` (runs, examples) holds 1 where a run was right and 0 where not, or the difference of two arms. The interval
    of the run means is Student's, that of the example means the normal one; their half widths are added as squares.
    Both hold a share of the noise of single answers, so the interval is rather too wide than too narrow. Raises
    `ValueError` for fewer than two runs or examples, and as `interval` does. Taught in chapter 4.3.

    >>> mean, half = crossed([[1, 0, 1, 1], [1, 1, 1, 0], [0, 1, 1, 1]])
    >>> f"{mean:.2f} ± {half:.2f}"
    '0.75 ± 0.16'
    """
    values = np.asarray(values, "float64")
    if values.ndim != 2 or min(values.shape) < 2:
        raise ValueError(f"values: got shape {values.shape}, expected (runs, examples), two or more of each")
    mean, over_runs = interval(values.mean(axis=1), confidence)
    over_examples = stats.norm.ppf((1 + confidence) / 2) * stats.sem(values.mean(axis=0))
    return mean, float(np.hypot(over_runs, over_examples))


def packed_right(right):
    """Return which examples were right, bool (n,), as a short text for a table: the bits as base64.

    >>> packed_right(np.array([True, False, True]))
    '3:oA=='
    """
    right = np.asarray(right, bool)
    if right.ndim != 1 or not len(right):
        raise ValueError(f"right: got shape {right.shape}, expected (n,), n > 0")
    return f"{len(right)}:{base64.b64encode(np.packbits(right).tobytes()).decode()}"


def unpacked_right(texts):
    """Return what `packed_right` wrote, row for row, bool (rows, n), as `crossed` takes it.

    Raises `ValueError` for another text, or rows of different lengths.

    >>> unpacked_right(["3:oA==", "3:4A=="]).astype(int).tolist()
    [[1, 0, 1], [1, 1, 1]]
    """
    rows = []
    for text in texts:
        count, _, bits = str(text).partition(":")
        try:
            bits = np.unpackbits(np.frombuffer(base64.b64decode(bits, validate=True), "uint8"))
            rows.append(bits[: int(count)].astype(bool))
        except ValueError as error:
            raise ValueError(f"texts: got {text!r:.40}, expected what `packed_right` wrote") from error
        if len(bits) < int(count) or len(rows[-1]) != len(rows[0]):
            raise ValueError(f"texts: got {len(rows[-1])} examples in a row of {count}, expected equally many in all")
    return np.array(rows)


def verdict(difference):
    """Say in words what a difference `(mean, half width)` of two shares shows, in percentage points.

    Raises `ValueError` for numbers that are not finite, or a negative half width.

    >>> verdict((0.012, 0.008))
    'helps by 1.2 ± 0.8 points'
    >>> verdict(paired([0.81, 0.86, 0.78], [0.80, 0.84, 0.77]))
    'not told apart: +1.3 ± 1.4 points'
    """
    mean, half = difference
    if not (np.isfinite(mean) and 0 <= half < np.inf):
        raise ValueError(f"difference: got {difference}, expected a finite mean and a half width of 0 or more")
    if abs(mean) <= half:
        return f"not told apart: {100 * mean:+.1f} ± {100 * half:.1f} points"
    return f"{'helps' if mean > 0 else 'hurts'} by {100 * abs(mean):.1f} ± {100 * half:.1f} points"


def agree(what, ours, theirs, tolerance=1e-5):
    """Print the largest difference of two arrays of one shape, and hold it against the tolerance.

    Raises `AssertionError` where the shapes differ, or the difference is not below `tolerance`. Taught in chapter 3.3.
    """
    ours, theirs = np.asarray(ours), np.asarray(theirs)
    assert ours.shape == theirs.shape, f"{what}: the shapes differ, {ours.shape} and {theirs.shape}"
    difference = np.abs(ours - theirs).max()
    print(f"{what}: largest difference {difference:.1e}, tolerance {tolerance:.0e}")
    assert difference < tolerance, f"{what}: the two disagree"
