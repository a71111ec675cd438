"""Where to read VGG16 on CIFAR-10 at 32 pixels: a linear probe behind each of the last three blocks, three seeds.

Features, like VGG16, are those of `cifar10_regimes`. Run it with `python -m experiments.cifar10_depth`. Shown in
chapter 4.2.
"""

import itertools

from experiments import cifar10_regimes
from experiments.recording import record
from tlbook import backbones, data, features, heads

DEPTHS = ["block3_pool", "block4_pool", "block5_pool"]


def run(depth, labels, seed):
    """Return the validation accuracy of a linear probe on frozen features; nothing here looks at the test set."""
    dataset = data.load_cifar10(cifar10_regimes.VALIDATION, seed)
    train = data.subset(dataset.train, labels, seed)
    inputs = [train.images, dataset.validation.images]
    backbone, source = backbones.vgg16.pretrained()
    for end in DEPTHS[: DEPTHS.index(depth) + 1]:
        piece, backbone = backbones.split(backbone, end) if end != DEPTHS[-1] else (backbone, None)
        inputs = [features.extract(piece, pictures) for pictures in inputs]
    probe = heads.linear_probe((inputs[0], train.labels), (inputs[1], dataset.validation.labels))
    return {"validation_accuracy": round(probe.validation_accuracy, 4), "source": dataset.source}


if __name__ == "__main__":
    grid = itertools.product(DEPTHS, [1_000, 10_000], [0, 1, 2])
    table = record(
        "cifar10_depth", [{"depth": depth, "labels": labels, "seed": seed} for depth, labels, seed in grid], run
    )
    print(table.groupby(["labels", "depth"]).validation_accuracy.agg(["mean", "min", "max"]))
