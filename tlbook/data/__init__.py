"""Data sets: pictures, sentences, entities and spoken digits; each with splits that never overlap, and its source."""

from tlbook.data.images import (
    Dataset,
    Split,
    holdout,
    load_cifar10,
    load_emoji10,
    load_emoji10_source,
    load_target,
    split_off,
    subset,
)

__all__ = [
    "Dataset",
    "Split",
    "holdout",
    "load_cifar10",
    "load_emoji10",
    "load_emoji10_source",
    "load_target",
    "split_off",
    "subset",
]
