"""Where to read VGG16 on CIFAR-10 at 32 pixels: a linear probe behind each of the last three blocks, three seeds.

Pictures and VGG16 are those of `cifar10_regimes`.

Run it with `python -m experiments.cifar10_depth`. Chapter 4.2 shows it.
"""

import functools

from experiments import cifar10_regimes
from experiments.protocol import Arm, Experiment, Fitted
from tlbook import backbones, features, heads

DEPTHS = ("block3_pool", "block4_pool", "block5_pool")


def load(n_train, seed):
    """Return the task of `cifar10_regimes`; nothing here looks at the test set."""
    return cifar10_regimes.load(n_train, seed)[0], None


def probe(task, arm, seed, depth):
    """Fit a linear probe on the frozen features of one layer."""
    inputs = [task.train.images, task.validation.images]
    backbone, _ = backbones.vgg16.pretrained()
    for end in DEPTHS[: DEPTHS.index(depth) + 1]:
        piece, backbone = backbones.split(backbone, end) if end != DEPTHS[-1] else (backbone, None)
        inputs = [features.extract(piece, pictures) for pictures in inputs]
    fitted = heads.best_probe((inputs[0], task.train.labels), (inputs[1], task.validation.labels), arm.grid)
    return Fitted(predict=None, validation=fitted.validation_score, chosen=fitted.C)


EXPERIMENT = Experiment(
    name="cifar10_depth",
    question="Where is VGG16 best read on pictures of 32 pixels?",
    unit="validation picture and seed",
    arms={
        depth: Arm(fit=functools.partial(probe, depth=depth), grid=cifar10_regimes.PROBE_C, pretraining="published")
        for depth in DEPTHS
    },
    design={"n_train": (1_000, 10_000), "seed": (0, 1, 2)},
    load=load,
    metrics=cifar10_regimes.EXPERIMENT.metrics,
    fresh=True,
)

if __name__ == "__main__":
    table = EXPERIMENT.record()
    print(table.groupby(["n_train", "arm"]).validation_accuracy.agg(["mean", "min", "max"]))
