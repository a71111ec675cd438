"""Evaluation: predictions against labels, entities against tags, and how far a few seeds can be trusted."""

import collections

import numpy as np
from scipy import stats
from sklearn import metrics

from tlbook.inputs import tags


def accuracy(labels, predictions):
    """Return the share of predictions that are right, 0..1.

    Raises `ValueError` for lengths that differ or no labels.
    """
    labels, predictions = np.asarray(labels), np.asarray(predictions)
    if labels.shape != predictions.shape or labels.ndim != 1 or not len(labels):
        raise ValueError(f"predictions: got shape {predictions.shape}, expected that of labels, {labels.shape}, n > 0")
    return float(metrics.accuracy_score(labels, predictions))


def confusion(labels, predictions, classes):
    """Return the confusion matrix, int64 (classes, classes): row = true class, column = predicted class."""
    return metrics.confusion_matrix(labels, predictions, labels=np.arange(classes))


def recall(labels, predictions, classes):
    """Return the recall of each class, float64 (classes,): of its pictures, the share that was found.

    A class without pictures has no recall (nan).
    """
    return metrics.recall_score(labels, predictions, labels=np.arange(classes), average=None, zero_division=np.nan)


def interval(values, confidence=0.95):
    """Return `(mean, half width)` of Student's interval for the mean of a few runs, one value a seed.

    With three seeds the half width is 4.3 standard errors: few seeds say little, and the interval says so. Raises
    `ValueError` for fewer than two values or one that is not finite. Source: Student (1908). Taught in chapter 4.3.
    """
    values = np.asarray(values, "float64")
    if values.ndim != 1 or len(values) < 2 or not np.isfinite(values).all():
        raise ValueError(f"values: got {values}, expected two or more finite numbers")
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


def entity_scores(true, predicted):
    """Count entities that were found with their exact span and type.

    Parameters
    ----------
    true, predicted : sequence of sequences of str
        The tags of each sentence.

    Returns
    -------
    dict of str to dict
        For each type in alphabetical order and for "all": precision, recall and f1, 0..1 (nan where there is nothing to
        divide by), and the counts true, predicted and correct.

    Raises `ValueError` for no sentences or lengths that differ.
    Source: Tjong Kim Sang and De Meulder (2003). Taught in chapter 5.6.
    """
    counts = {name: collections.Counter() for name in ("true", "predicted", "correct")}
    for wanted, given in _pairs(true, predicted):
        counts["true"].update(kind for *_, kind in wanted)
        counts["predicted"].update(kind for *_, kind in given)
        counts["correct"].update(kind for *_, kind in wanted & given)
    kinds = sorted(counts["true"] | counts["predicted"])
    table = {kind: {name: counts[name][kind] for name in counts} for kind in kinds}
    table["all"] = {name: counts[name].total() for name in counts}
    for row in table.values():
        row["precision"] = _share(row["correct"], row["predicted"])
        row["recall"] = _share(row["correct"], row["true"])
        row["f1"] = _share(2 * row["correct"], row["true"] + row["predicted"])
    return table


def entity_f1(true, predicted):
    """Return the entity F1 over all types, 0..1, as `entity_scores` does."""
    return entity_scores(true, predicted)["all"]["f1"]


def token_accuracy(true, predicted):
    """Return the share of words with the right tag, 0..1: it looks good where most words are no part of a name.

    Raises `ValueError` as `entity_scores` does.
    """
    _pairs(true, predicted)
    return float(np.mean([a == b for x, y in zip(true, predicted, strict=True) for a, b in zip(x, y, strict=True)]))


def entity_errors(true, predicted):
    """Sort what went wrong, entity by entity: a dict of str to int.

    "right": span and type. "type": the span is right, the type is not. "boundary": something overlaps, and the span is
    another. "missed": nothing overlaps a true entity. "invented": nothing true overlaps a predicted one. The first four
    add up to the true entities. Raises `ValueError` as `entity_scores` does. Taught in chapter 5.6.
    """
    counts = dict.fromkeys(("right", "type", "boundary", "missed", "invented"), 0)
    for wanted, given in _pairs(true, predicted):
        for span in wanted:
            touching = [other for other in given if _overlap(span, other)]
            if span in given:
                counts["right"] += 1
            elif any(other[:2] == span[:2] for other in touching):
                counts["type"] += 1
            else:
                counts["boundary" if touching else "missed"] += 1
        counts["invented"] += sum(not any(_overlap(span, other) for other in wanted) for span in given)
    return counts


def _pairs(true, predicted):
    lengths = [[len(row) for row in sentences] for sentences in (true, predicted)]
    if lengths[0] != lengths[1] or not lengths[0]:
        raise ValueError(
            f"predicted: got tags of {len(predicted)} sentences, expected a tag a word of {len(true)} (> 0)"
        )
    return [(set(tags.spans(a)), set(tags.spans(b))) for a, b in zip(true, predicted, strict=True)]


def _share(part, whole):
    return part / whole if whole else np.nan


def _overlap(a, b):
    return a[0] < b[1] and b[0] < a[1]


def one_shot(vectors, speakers, draws, rng):
    """Identify speakers after one recording each: return the accuracy of each draw, float64 (draws,).

    Parameters
    ----------
    vectors : numpy.ndarray
        float (n, units), one a recording.
    speakers : numpy.ndarray
        Integers (n,): who speaks. At least two speakers, each with two recordings or more.
    draws : int
        How often other recordings are enrolled.
    rng : numpy.random.Generator
        Draws them.

    A draw enrols one random recording of each speaker. Every other recording goes to the speaker whose enrolled vector
    has the largest cosine with its own. Raises `ValueError` for anything else. Taught in chapter 5.9.
    """
    vectors, speakers = np.asarray(vectors), np.asarray(speakers)
    if vectors.ndim != 2 or vectors.dtype.kind != "f" or not np.isfinite(vectors).all():
        raise ValueError(f"vectors: got {vectors.dtype} {vectors.shape}, expected finite floats (n, units)")
    names, counts = np.unique(speakers, return_counts=True)
    if speakers.shape != (len(vectors),) or len(names) < 2 or counts.min() < 2:
        raise ValueError(f"speakers: got shape {speakers.shape}, expected ({len(vectors)},), 2 recordings each or more")
    if draws < 1:
        raise ValueError(f"draws: got {draws}, expected 1 or more")
    lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
    units = vectors / np.maximum(lengths, np.finfo(vectors.dtype).tiny)
    accuracies = []
    for _ in range(draws):
        enrolled = np.array([rng.choice(np.flatnonzero(speakers == name)) for name in names])
        others = np.setdiff1d(np.arange(len(vectors)), enrolled)
        nearest = names[(units[others] @ units[enrolled].T).argmax(axis=1)]
        accuracies.append(np.mean(nearest == speakers[others]))
    return np.array(accuracies)
