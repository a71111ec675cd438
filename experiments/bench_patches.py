"""The stronger rivals of `bench_pictures`: whitened patches, edges with colours, and gradients at VGG16's size.

Pixels and gradients of the small pictures are few inputs for a bench that asks what a network is worth. Three more need
no network either. Patches are compared with centres that k-means finds in unlabelled ones (Coates, Ng and Lee, 2011):
of the source's pictures, as many as the bodies there learned from, or of the labelled pictures alone, and then nothing
is transferred. Edges come with the mean colour of each sixteenth. VGG16 sees 32 pixels a side where the bodies see 16,
so gradients get them, too.

Labelled pictures, test, probe and score are those of `bench_pictures`. The table stands apart, so that it made no row
of that one stale. It was written down after those rows were there, and after a reader of them had tried patches on the
same test pictures and found them ahead of the contrastive body. No setting was shaped by either: the features are those
of `cheap_pretraining`, the grid is that of the bench.

Run it with `python -m experiments.bench_patches`. Chapter 3.7 reads it.
"""

import numpy as np

from experiments import bench_pictures, layer_bench, picture_features
from experiments.budgeted_pretraining import SOURCE
from experiments.protocol import Experiment, Task
from tlbook import data
from tlbook.inputs import gradients


def of_the_source(task, seed):
    """Read with patches of the source's pictures."""
    see, said = picture_features.patches(task, seed)
    return {"patches": see(np.concatenate(task.parts))}, said


def of_the_target(task, seed):
    """Read with patches of the labelled pictures, which stand in for the source's: no other picture is looked at."""
    labelled = task.parts[0]
    lender = data.Split(labelled, np.full(len(labelled), SOURCE[0]))
    see, said = picture_features.patches(Task(**vars(task) | {"pictures": lender}), seed)
    return {"own patches": see(np.concatenate(task.parts))}, said | {"figures": {"unlabelled": 0}}


def by_hand(task, seed):
    """Read with what somebody thought out: edges with colours, and gradients at 32 pixels."""
    images = np.concatenate(task.parts)
    see, _ = picture_features.gradients(task, seed)
    return {"colours": see(images), "fine gradients": gradients.hog(images)}, {}


EXPERIMENT = Experiment(
    name="bench_patches",
    question="Do layers of pretrained networks for pictures say more than patches, colours and fine gradients do?",
    unit=bench_pictures.EXPERIMENT.unit,
    arms={
        **layer_bench.arms("raw", of_the_source, ("patches",), "measured"),
        **layer_bench.arms("raw", of_the_target, ("own patches",), "measured"),
        **layer_bench.arms("raw", by_hand, ("colours", "fine gradients"), "none"),
    },
    design=bench_pictures.EXPERIMENT.design,
    load=bench_pictures.load,
    metrics=bench_pictures.EXPERIMENT.metrics,
)

if __name__ == "__main__":
    print(EXPERIMENT.record().groupby("arm", sort=False).test_accuracy.agg(["mean", "std"]).round(3))
