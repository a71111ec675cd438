"""What the four experiments of the map share: the pictures, the seeds, what chooses, the order of the runs.

`map_frozen`, `map_tuned`, `map_scratch` and `map_classical` say what VGG16 is worth on CIFAR-10: at four resolutions,
from every depth, frozen or tuned, against networks that never saw ImageNet and against none, with 10 to 10,000 labels.
Each has a table of its own, so that a change in one makes no row of another stale; `tools/whole_map.py` lays them
together in `results/map.csv`.

- Labels are drawn from one pool, so that a frozen network sees each picture once for all seeds: up to 1,000 labels from
  4,000 training pictures, 10,000 labels from 12,000. There the seeds share most of their pictures: their spread is
  that of a sixth of the labels and of the training, and it understates that of a fresh draw.
- The test is 2,500 pictures of `data.holdout`, the same for every run. `test_right` says which of them were right
  (`evaluation.unpacked_right`), so that an interval can be over pictures as well as seeds.
- What chooses is inside the labels: five folds with 100 of them (two where a network is trained), a fifth that is held
  back with 1,000 and more; the chosen setting is then fitted to all. With 10 labels, one a class, nothing can be
  chosen: the setting is fixed here.
- Every arm learns from pictures and their mirror images, and averages its logits over both in the test.
- `tmac` counts 1e12 multiply-adds of networks, for features, choosing and training (a training step is three forward
  passes); `test_tmac` those of the test. Solvers of linear probes are left out: they are in `cpu_seconds`.

What it costs, in minutes of one core, planned at 35e9 multiply-adds a core-second, the test and loading included. (A
pilot beside other work, seed 1000: 31e9 in VGG16's prefix at 32 pixels; 2 s for all fits of a probe on 1,000 labels.)

    map_frozen   features at 32, 48, 64, 96 px: 4, 4, 17, 17; probes and queue 80                          122
    map_tuned    last_block 58, at 64 px 37; last_two 61; everything 20; fresh, shuffled, mean_variance 72  248
    map_scratch  the rate chosen by whole cycles, for 10,000 labels half                                    110
    map_classical                                                                                          35
"""

import functools
from dataclasses import dataclass, field

import numpy as np
from sklearn.model_selection import StratifiedKFold

from experiments.protocol import Experiment, HeldOut, Task
from tlbook import data, evaluation, heads
from tlbook.data import splits
from tlbook.data.images import Split

POOL, SMALL, TEST = 12_000, 4_000, 2_500  # pictures; the small pool is the first part of the other
SEEDS = {10: 10, 100: 10, 1_000: 10, 10_000: 3}
FALL = 0.01  # of the accuracy: then no larger C is tried
MANY = 1_000  # labels: a fifth of them is held back to choose
FIRST = (32, 64)  # resolutions, before the others
ORDER = (1_000, 100, 10, 10_000)  # numbers of labels, the most telling first


@dataclass(frozen=True, kw_only=True)
class Mapped(Experiment):
    """An experiment of the map: resolutions 32 and 64 before the others, 1,000 labels first, few seeds for 10,000.

    `most` says for a resolution how many labels and seeds there are at most.
    """

    most: dict = field(default_factory=dict)

    def configurations(self):
        """Return all runs, the most telling first, as a list of dict."""
        return sorted(filter(self._planned, super().configurations()), key=_turn)

    def _planned(self, run):
        labels, seeds = self.most.get(run["resolution"], (max(SEEDS), max(SEEDS.values())))
        return run["n_train"] <= labels and run["seed"] < min(seeds, SEEDS[run["n_train"]])


def _turn(run):
    later = 0 if run["resolution"] in FIRST else run["resolution"]
    return later, ORDER.index(run["n_train"]), run["resolution"]


@functools.cache
def pictures():
    """Return the pool that labels are drawn from, the pictures of the test, and their source."""
    dataset, holdout = data.load_cifar10(), data.holdout()
    pool = data.subset(dataset.train, min(POOL, len(dataset.train)), 0)
    order = np.concatenate(splits.stratified(pool.labels, min(SMALL, len(pool) - 10), 0)[::-1])
    pool = Split(pool.images[order], pool.labels[order])
    return pool, data.subset(holdout, min(TEST, len(holdout)), 0), dataset.source


def load(resolution, n_train, seed):
    """Return the labelled pictures, all that an arm gets, with their `positions` in the pool; and those of the test.

    `pool` is a list of one or two arrays of pictures: those that labels are drawn from.
    """
    pool, test, source = pictures()
    parts = [pool.images[:SMALL]]
    if n_train > MANY:
        parts.append(pool.images[SMALL:])
    else:
        pool = Split(pool.images[:SMALL], pool.labels[:SMALL])
    positions = np.sort(splits.stratified(pool.labels, n_train, seed)[1])
    train = Split(pool.images[positions], pool.labels[positions])
    n_choose = n_train // 5 if n_train >= MANY else n_train
    more = {"positions": positions, "pool": parts, "resolution": resolution}
    return Task(train=train, validation="of its own labels", n_choose=n_choose, source=source, **more), HeldOut(
        test.images, test.labels
    )


def inside(labels, seed, folds=5):
    """Return what chooses, as pairs (positions to learn from, positions to judge by); none for one label a class."""
    if len(labels) >= MANY:
        return [splits.stratified(labels, len(labels) // 5, seed)]
    rarest = int(np.bincount(labels).min())
    if rarest < 2:
        return []
    cut = StratifiedKFold(min(folds, rarest), shuffle=True, random_state=seed)
    return list(cut.split(labels, labels))


def both_views(images):
    """Return pictures and their mirror images, (2, n, ...)."""
    return np.stack([images, images[:, :, ::-1]])


def fitted_probe(seen, labels, C):
    """Return a linear probe on all views (views, n, features) of the pictures."""
    return heads.linear_probe(np.concatenate(list(seen)), np.tile(labels, len(seen)), C)


def both_ways(probe, seen):
    """Return the classes by the mean logits over the views (views, n, features)."""
    return np.mean([probe.scores(view) for view in seen], axis=0).argmax(axis=1)


def best_C(seen, labels, grid, seed, fixed):
    """Return the C that serves best inside the labels, at a tie the least, and its accuracy; `fixed` for ten labels.

    The grid is tried from below, until the accuracy has fallen by `FALL`: large C are the slow ones.
    """
    parts = inside(labels, seed)
    if not parts:
        return fixed, float("nan")
    scores = {}
    for C in sorted(grid):
        probes = [(fitted_probe(seen[:, learn], labels[learn], C), judge) for learn, judge in parts]
        right = [both_ways(probe, seen[:, judge]) == labels[judge] for probe, judge in probes]
        scores[C] = float(np.mean(np.concatenate(right)))
        if scores[C] < max(scores.values()) - FALL:
            break
    C = max(scores, key=scores.get)
    return C, scores[C]


def scored(labels, predictions):
    """Return the accuracy, and which pictures were right."""
    right = predictions == labels
    return {"accuracy": evaluation.accuracy(labels, predictions), "right": evaluation.packed_right(right)}


METRICS = {"accuracy": scored}
