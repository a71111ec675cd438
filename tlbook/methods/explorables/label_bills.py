"""Labels, money and minutes: the recorded curves of chapter 1, and the bills read off them by its explorable figure."""

import numpy as np
import pandas as pd

from tlbook import results

WAYS = {
    "scratch_small_cnn": "from scratch",
    "linear_probe": "VGG16 frozen",
    "head_then_block4": "VGG16, last block trained",
}
SCRATCH, TRANSFER = "scratch_small_cnn", "linear_probe"
PRICES = (1, 2, 5, 10, 20, 50, 100)  # cents a label


def curves():
    """Return the mean test accuracy of each of `WAYS` by the number of labels: a dict of lists `labels`, `accuracy`."""
    runs = results.read("cifar10_regimes")
    return {way: _curve(runs[runs.arm == way], "test_accuracy", "accuracy") for way in WAYS}


def minutes():
    """Return the mean minutes until a way stands, from an empty cache, by the number of labels; where recorded."""
    runs = results.read("label_budget")
    runs = runs[runs.cache == "cold"].assign(minutes=lambda table: table.fit_seconds / 60)
    return {way: _curve(runs[runs.arm == way], "minutes", "minutes") for way in WAYS if (runs.arm == way).any()}


def _curve(runs, measure, name):
    mean = runs.groupby("n_train")[measure].mean()
    return {"labels": mean.index.tolist(), name: mean.tolist()}


def accuracy_at(curve, labels):
    """Return the accuracy on straight lines between the recorded points, over the logarithm of the labels."""
    return float(np.interp(np.log(labels), np.log(curve["labels"]), curve["accuracy"]))


def labels_for(curve, accuracy):
    """Return how many labels a curve needs for an accuracy, by the same lines; None outside of what was recorded."""
    if not min(curve["accuracy"]) <= accuracy <= max(curve["accuracy"]):
        return None
    return float(np.exp(np.interp(accuracy, curve["accuracy"], np.log(curve["labels"]))))


def evidence():
    """Return what the explorable figure of chapter 1 shows, ready for JSON. Taught in chapter 1."""
    known = curves()
    sizes = sorted({size for curve in known.values() for size in curve["labels"]})
    steps = [round(size) for size in np.geomspace(sizes[0], sizes[-1], 8 * round(np.log10(sizes[-1] / sizes[0])) + 1)]
    return {
        "ways": WAYS,
        "scratch": SCRATCH,
        "transfer": TRANSFER,
        "curves": known,
        "minutes": minutes(),
        "sizes": [_readable(step) for step in steps],
        "prices": PRICES,
    }


def _readable(number):
    """Return a whole number with two digits that count."""
    return int(float(f"{number:.2g}"))


def table():
    """Return the bills at the recorded numbers of labels: a `pandas.DataFrame` with a row for each."""
    known = curves()
    rows = []
    for labels in known[TRANSFER]["labels"]:
        accuracy = accuracy_at(known[TRANSFER], labels)
        rows.append((labels, accuracy, accuracy_at(known[SCRATCH], labels), labels_for(known[SCRATCH], accuracy)))
    return pd.DataFrame(rows, columns=["labels", "transfer", "scratch", "needed"])
