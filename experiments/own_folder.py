"""How many pictures a class a small folder of one's own needs: five of CIFAR-10's classes, 4 to 40 pictures of each.

A run draws a folder, and has no other labels: penalty, size of the picture, rate, and whether tuning is kept at all are
chosen by cross-validation or in two halves of the same pictures, which all teach in the end. Every arm sees each
picture and its mirror image, and a mirror image stays on the side of its picture. Networks get the pictures enlarged,
to one of `SIZES`. VGG16 is read place by place, in 3 x 3 places at most; EfficientNet as its own head reads it, by the
mean of each channel over the picture. The fresh VGG16 has drawn weights; the shuffled EfficientNet has the published
numbers of each array in another order.

The first protocol (`results/lessons/own_folder.csv`) gave all networks 48 pixels; it had one network and no gradients,
and a fifth of the folder did nothing but choose. So this one draws other folders, and is judged on pictures that the
first had not looked at: 600 of `data.holdout`. Smaller folders are the first pictures of larger ones.

Features are computed once in a process; a run that finds them there adds their seconds to its own. `mmac` are the
million multiply-adds that one new picture takes at the chosen `size`, `tmac` the 1e12 that it took until the classifier
stood.

Run it with `python -m experiments.own_folder`. Chapter 5.1 plots it.
"""

import functools
import time

import numpy as np

from experiments import adapting, cifar10_classical
from experiments.folder_controls import by_folds, by_patches, classical, colours, fit, kernel, pixels
from experiments.folder_readers import CUTS, Seen, network, reader
from experiments.protocol import Arm, Experiment, Fitted, HeldOut, Task
from tlbook import backbones, data, evaluation, features, heads
from tlbook.backbones import cost
from tlbook.data import splits

CLASSES = ("airplane", "cat", "dog", "frog", "truck")
LARGEST = 200  # pictures in a folder
FIRST_DRAW = 100  # added to the seed: folders that the first protocol did not draw
TEST = 600
PROBE_C = (1e-4, 1e-3, 1e-2, 1e-1)
KERNEL_C = (0.3, 1.0, 3.0, 10.0, 30.0)
SIZES = {"vgg16": (32, 48, 64), "efficientnet": (96, 128, 160, 192)}  # pixels a side
EPOCHS = {20: 10, 40: 8, 80: 5, 100: 5, 200: 3}
BATCH_SIZE = 8
DROPOUT = 0.5


def load(n_train, seed):
    """Return a folder, whose own pictures choose, and the test pictures."""
    dataset = data.load_cifar10()
    drawn = data.subset(five(dataset.train, dataset.class_names), LARGEST, FIRST_DRAW + seed)
    first = splits.ranks(drawn.labels, np.arange) < n_train // len(CLASSES)
    folder = data.Split(drawn.images[first], drawn.labels[first])
    test = data.subset(five(data.holdout(), dataset.class_names), TEST, 0)
    task = Task(train=folder, validation="cross-validation", n_choose=len(folder), source=dataset.source)
    return task, HeldOut(test.images, test.labels)


def five(split, class_names):
    """Return the pictures of the five classes, which are in alphabetical order in both lists."""
    numbers = [class_names.index(name) for name in CLASSES]
    mask = np.isin(split.labels, numbers)
    return data.Split(split.images[mask], np.searchsorted(numbers, split.labels[mask]))


def majority(task, arm, seed):
    """Name the most frequent class, whatever the picture."""
    counts = np.bincount(task.train.labels)
    return Fitted(
        predict=lambda images: np.full(len(images), counts.argmax()), validation=float(counts.max() / counts.sum())
    )


_JUDGED = {}  # cross-validations that were done in this process


def chosen_probe(task, see, grid):
    """Return the size and C that serve best in cross-validation, its accuracy there, and the features at that size.

    What another arm has found for the same folder is found done, and paid for.
    """
    labels, scores, seen = task.train.labels, {}, {}
    for size in sorted({size for size, _ in grid}):
        seen[size] = see.both(task.train.images, size)
        C = tuple(sorted(C for each, C in grid if each == size))
        key = (see.body, see.seed, size, C, task.train.images.tobytes())
        see.kept += _JUDGED[key][1] if key in _JUDGED else 0
        if key not in _JUDGED:
            start = time.process_time()
            _JUDGED[key] = by_folds(seen[size], labels, C, heads.regression), time.process_time() - start
        scores |= {(size, each): score for each, score in _JUDGED[key][0].items()}
    best = max(scores, key=scores.get)  # at a tie the smaller picture, then the smaller C
    return best, scores[best], seen[best[0]]


def frozen(task, arm, seed, body):
    """Fit logistic regression on the features of a network."""
    see = Seen(body, seed if body in ("fresh", "shuffled") else 0)
    (size, C), validation, variants = chosen_probe(task, see, arm.grid)
    probe = fit(variants, task.train.labels, np.arange(len(task.train)), C)
    return Fitted(
        predict=lambda images: probe.predict(see.test(images, size)),
        validation=validation,
        chosen=(size, C),
        kept_seconds=see.kept_seconds(size),
        figures={"mmac": reader(body, size, see.seed)[1] / 1e6, "tmac": see.work / 1e12, "size": size},
    )


def tuned(task, arm, seed, body):
    """Start from the probe, train what lies above the cut at each rate, and keep what is best in the second half."""
    labels, everything = task.train.labels, np.arange(len(task.train))
    see, below = Seen(body), Seen(f"{body}_below")
    (size, C), _, variants = chosen_probe(task, see, [(s, C) for s in SIZES[body] for C in arm.first])
    model, start, operations = machine(body, size)
    inputs = below.both(task.train.images, size)

    def prepare(positions):
        model.set_weights(start)
        heads.start_from_probe(model, fit(variants, labels, positions, C))

    def batches(positions, rng):
        order = rng.permutation(positions)
        for begin in range(0, len(order), BATCH_SIZE):
            batch = order[begin : begin + BATCH_SIZE]
            flips = rng.integers(2, size=len(batch))
            yield np.stack([inputs[flip][k] for flip, k in zip(flips, batch, strict=True)]), labels[batch]

    def predict(positions):
        return features.forward(model, inputs[0][positions]).argmax(axis=1)

    learn, choose = adapting.halves(labels, seed, adapting.TO_CHOOSE)
    probe = fit(variants, labels, learn, C).score(variants[0][choose], labels[choose])
    found = adapting.tune(model, prepare, batches, predict, labels, arm.grid[1:], EPOCHS, seed)
    kept = found.validation > probe + 1e-6  # a tie goes to the probe
    if not kept:
        prepare(everything)
    work = see.work + below.work + 3 * operations * found.seen
    return Fitted(
        predict=lambda images: features.forward(model, below.test(images, size)).argmax(axis=1),
        validation=max(found.validation, probe),
        chosen=found.rate if kept else None,
        kept_seconds=see.kept + below.kept_seconds(size),
        figures={"mmac": (reader(below.body, size, 0)[1] + operations) / 1e6, "tmac": work / 1e12, "size": size},
    )


@functools.cache
def machine(body, size):
    """Return what lies above the cut, under a head and ready to be tuned; its first weights; its multiply-adds."""
    upper = backbones.split(network(body, size, 0), CUTS[body])[1]
    model = heads.classifier(upper, len(CLASSES), DROPOUT)
    return adapting.compiled(model), model.get_weights(), cost.multiply_adds(model)


def without(see, grid=PROBE_C, make=heads.regression):
    """Return an arm that reads pictures without a network."""
    return Arm(fit=functools.partial(classical, see=see, make=make), grid=grid, pretraining="none")


def probing(body, pretraining, kind):
    """Return an arm that fits a probe on a frozen network."""
    grid = tuple((size, C) for size in SIZES[kind] for C in PROBE_C)
    return Arm(fit=functools.partial(frozen, body=body), grid=grid, pretraining=pretraining)


def tuning(body, rates):
    """Return an arm that tunes what lies above the cut; no rate means that the probe is kept."""
    fit = functools.partial(tuned, body=body)
    return Arm(fit=fit, grid=(None, *rates), first=PROBE_C, pretraining="published")


EXPERIMENT = Experiment(
    name="own_folder",
    question="How many pictures of a class does a folder of one's own need, and which network?",
    unit="test picture and seed",
    arms={
        "majority": Arm(fit=majority, pretraining="none"),
        "colours": without(colours),
        "pixels": without(pixels),
        "gradients_kernel": without(cifar10_classical.describe, KERNEL_C, kernel),
        "patches": Arm(fit=by_patches, grid=(1e-5, *PROBE_C), pretraining="none"),
        "random_body": probing("fresh", "none", "vgg16"),
        "shuffled_efficientnet": probing("shuffled", "none", "efficientnet"),
        "linear_probe": probing("vgg16", "published", "vgg16"),
        "head_then_block4": tuning("vgg16", (3e-5, 1e-4, 3e-4)),
        "efficientnet_probe": probing("efficientnet", "published", "efficientnet"),
        "efficientnet_tuned": tuning("efficientnet", (1e-4, 3e-4, 1e-3)),
    },
    design={"n_train": (20, 40, 80, 200), "seed": (0, 1, 2, 3, 4)},
    load=load,
    metrics={"accuracy": evaluation.accuracy},
)

if __name__ == "__main__":
    print(EXPERIMENT.record().pivot_table("test_accuracy", "arm", "n_train", sort=False))
