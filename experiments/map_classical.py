"""The map, without a network: what the same 10 to 10,000 labels allow with features that somebody thought out.

A control for every claim of transfer, and with few labels the strongest that we know. A support vector machine with a
Gaussian kernel reads three things side by side, on their 200 main components: histograms of oriented gradients (Dalal
and Triggs, 2005) and a picture of 8 x 8 colours, as in `cifar10_classical`, and how near the picture's patches are to
centres that k-means found (Coates, Ng and Lee, 2011). The centres come from the labelled pictures alone, so no other
picture is looked at.

`map_task` says what all arms share. The arm was laid down before any test picture was looked at, from a pilot on
seed 1000 and other pictures of the pool: 37, 58 and 69 % with 100, 1,000 and 10,000 labels, where a linear probe on the
same features has 37, 56 and 65 %, and one on patches alone has 35 and 54 % with the first two. Four
times the centres won nothing. Planned for 35 minutes of one core. There are no networks here, and no multiply-adds of
networks; `cpu_seconds` has the work.

Run it with `python -m experiments.map_classical`. Chapters 4.7 and 4.8 read it.
"""

import numpy as np

from experiments import map_task
from experiments.cifar10_classical import COMPONENTS, describe, kernel
from experiments.map_task import Mapped
from experiments.protocol import Arm, Fitted
from tlbook.methods import patches

CENTRES, PATCHES = 400, 40_000
KERNEL_C = (1.0, 3.0, 10.0, 30.0)
FIXED_C = 10.0  # for ten labels


def classical(task, arm, seed):
    """Fit a support vector machine on gradients, colours and patches."""
    images, labels = task.train.images, task.train.labels
    found = patches.learn(images, CENTRES, PATCHES, seed)

    def see(pictures):
        views = map_task.both_views(pictures)
        return np.stack([np.concatenate([found.describe(view), describe(view)], axis=1) for view in views])

    seen = see(images)
    C, validation = best_C(seen, labels, arm.grid, seed)
    machine = fitted(seen, labels, C)
    return Fitted(
        predict=lambda pictures: both_ways(machine, see(pictures)),
        validation=validation,
        chosen=C,
        figures={"tmac": 0.0, "test_tmac": 0.0},
    )


def fitted(seen, labels, C):
    """Return the machine that has learned from all views (views, n, features)."""
    components = min(COMPONENTS, len(labels) - 1, seen.shape[2])
    return kernel(C, components).fit(np.concatenate(list(seen)), np.tile(labels, len(seen)))


def both_ways(machine, seen):
    """Return the classes by the mean scores over the views (views, n, features)."""
    return np.mean([machine.decision_function(view) for view in seen], axis=0).argmax(axis=1)


def best_C(seen, labels, grid, seed):
    """Return the C that serves best inside the labels, at a tie the least, and its accuracy."""
    parts, scores = map_task.inside(labels, seed), {}
    for C in sorted(grid) if parts else ():
        machines = [(fitted(seen[:, learn], labels[learn], C), judge) for learn, judge in parts]
        right = [both_ways(machine, seen[:, judge]) == labels[judge] for machine, judge in machines]
        scores[C] = float(np.mean(np.concatenate(right)))
    C = max(scores, key=scores.get, default=FIXED_C)
    return C, scores.get(C, float("nan"))


EXPERIMENT = Mapped(
    name="map_classical",
    question="What do the same labels allow on CIFAR-10 without any transfer, and without a network?",
    unit="test picture and seed",
    arms={"classical": Arm(fit=classical, grid=KERNEL_C, pretraining="none")},
    design={"resolution": (32,), "n_train": tuple(map_task.SEEDS), "seed": tuple(range(10))},
    load=map_task.load,
    metrics=map_task.METRICS,
)

if __name__ == "__main__":
    table = EXPERIMENT.record()
    print(table.groupby(["n_train", "arm"], sort=False).test_accuracy.agg(["mean", "min", "max"]))
