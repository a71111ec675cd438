"""The pictures that `map_shift` judges on, and its scores: clean, corrupted at all severities, and drawings.

- In distribution: the 2,500 pictures of `data.holdout` that the map is tested on.
- Corruptions: 600 of these in the six kinds of `tlbook.data.corruptions`, 120 at each severity, so that the mean is the
  one that CIFAR-10-C asks for. `corrupted_right` holds them kind after kind; picture i has severity i % 5 + 1.
- Another style: 1,000 drawings of the same ten classes (`tlbook.data.emoji10`, all five styles). They come from
  few drawings, some two for a class and style: their interval is over seeds, not over pictures.

Each of the three has accuracy, negative log likelihood and expected calibration error (15 bins of equal width), as they
come and, in the columns that end in `scaled`, after temperature scaling. The error is biased upwards, the more the
fewer the pictures: compare arms, and before with after, not one kind of picture with another.
"""

import functools

import numpy as np
from scipy import special

from experiments import map_task
from tlbook import data, evaluation
from tlbook.data import corruptions, emoji10
from tlbook.data.images import Split

SOME, DRAWN, SEVERITIES = 600, 1_000, len(corruptions.SEVERITIES)
GROUPS = {"": ("clean",), "corrupted_": corruptions.KINDS, "drawings_": ("drawings",)}


@functools.cache
def conditions():
    """Return the pictures of the test, a dict of name to `Split`: clean, each kind of corruption, drawings."""
    clean = map_task.pictures()[1]
    some = data.subset(clean, min(SOME, len(clean)), 0)
    images, labels = (
        np.concatenate(both) for both in zip(*map(emoji10.target_pictures, ("train", "test")), strict=True)
    )
    drawings = data.subset(Split(images, labels), DRAWN, 0)
    ruined = {kind: Split(over_severities(some.images, kind), some.labels) for kind in corruptions.KINDS}
    return {"clean": clean, **ruined, "drawings": drawings}


def over_severities(images, kind, seed=0):
    """Return pictures in one kind of corruption, picture i at severity i % 5 + 1."""
    found = images.copy()
    for first, severity in enumerate(corruptions.SEVERITIES):
        mine = slice(first, None, SEVERITIES)
        if len(images[mine]):
            found[mine] = corruptions.corrupted(images[mine], kind, severity, seed)
    return found


def one_of_each(images, seed):
    """Return a corrupted copy of every picture, in a kind and at a severity that are drawn for it."""
    rng = np.random.default_rng(seed)
    kinds, severities = rng.integers(len(corruptions.KINDS), size=len(images)), rng.integers(1, 6, size=len(images))
    drawn = zip(images, kinds, severities, range(len(images)), strict=True)
    return np.concatenate([corruptions.corrupted(x[None], corruptions.KINDS[k], s, seed + i) for x, k, s, i in drawn])


def scored(labels, predictions):
    """Return accuracy, likelihood and calibration of each group of pictures, and the accuracy of each corruption."""
    found = {}
    for group, names in GROUPS.items():
        truth = np.concatenate([labels[name] for name in names])
        for number, suffix in enumerate(("", "_scaled")):
            logits = np.concatenate([predictions[name][number] for name in names]).astype("float64")
            said = special.softmax(logits, axis=1)
            if not number:
                answers = logits.argmax(axis=1)
                found[f"{group}accuracy"] = evaluation.accuracy(truth, answers)
                found[f"{group}right"] = evaluation.packed_right(answers == truth)
            found[f"{group}nll{suffix}"] = evaluation.negative_log_likelihood(said, truth)
            found[f"{group}ece{suffix}"] = evaluation.calibration_error(said, truth)
    kinds = {name: predictions[name][0].argmax(axis=1) for name in corruptions.KINDS}
    return found | {f"{name}_accuracy": evaluation.accuracy(labels[name], answers) for name, answers in kinds.items()}
