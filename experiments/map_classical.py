"""The map, without a network: what the same 10 to 10,000 labels allow with features that somebody thought out.

A control for every claim of transfer, and with few labels the strongest that we know. One linear probe reads three
things side by side: histograms of oriented gradients (Dalal and Triggs, 2005) and a picture of 8 x 8 colours, as
`cifar10_classical` has them, and how near the picture's patches are to centres that k-means found (Coates, Ng and Lee,
2011). The centres come from the labelled pictures alone, so no other picture is looked at.

`map_task` says what all arms share. The arm was laid down before any test picture was looked at, from a pilot on
seed 1000 and other pictures of the pool: 23, 37 and 56 % with 10, 100 and 1,000 labels, two to three points more than
with patches alone; four times the centres, and a kernel in place of the linear probe, won nothing. Planned for 25
minutes of one core. There are no networks here, and no multiply-adds of networks; `cpu_seconds` has the work.

Run it with `python -m experiments.map_classical`.
"""

import numpy as np

from experiments import map_task
from experiments.cifar10_classical import describe
from experiments.map_task import Mapped
from experiments.protocol import Arm, Fitted
from tlbook.methods import patches

CENTRES, PATCHES = 400, 40_000
PROBE_C = (1e-5, 1e-4, 1e-3, 1e-2, 1e-1)
FIXED_C = 1e-3  # for ten labels


def classical(task, arm, seed):
    """Fit a linear probe on gradients, colours and patches."""
    images, labels = task.train.images, task.train.labels
    found = patches.learn(images, CENTRES, PATCHES, seed)

    def see(pictures):
        views = map_task.both_views(pictures)
        return np.stack([np.concatenate([found.describe(view), describe(view)], axis=1) for view in views])

    seen = see(images)
    C, validation = map_task.best_C(seen, labels, arm.grid, seed, FIXED_C)
    fitted = map_task.fitted_probe(seen, labels, C)
    return Fitted(
        predict=lambda pictures: map_task.both_ways(fitted, see(pictures)),
        validation=validation,
        chosen=C,
        figures={"tmac": 0.0, "test_tmac": 0.0},
    )


EXPERIMENT = Mapped(
    name="map_classical",
    question="What do the same labels allow on CIFAR-10 without any transfer, and without a network?",
    unit="test picture and seed",
    arms={"classical": Arm(fit=classical, grid=PROBE_C, pretraining="none")},
    design={"resolution": (32,), "n_train": tuple(map_task.SEEDS), "seed": tuple(range(10))},
    load=map_task.load,
    metrics=map_task.METRICS,
)

if __name__ == "__main__":
    table = EXPERIMENT.record()
    print(table.groupby(["n_train", "arm"], sort=False).test_accuracy.agg(["mean", "min", "max"]))
