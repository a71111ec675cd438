"""Predicted entities against tagged ones: exact spans and types, counted and sorted by what went wrong."""

import collections

import numpy as np

from tlbook.inputs import tags


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
