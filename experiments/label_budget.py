"""Without and with transfer on CIFAR-10, where labels that choose come out of the budget, and the clock starts cold.

In `cifar10_regimes` every arm chooses by 1,000 further labels, and the seconds of some rows leave out features that lay
in the cache. Here an arm has `n_train` labels and no others: C is chosen by cross-validation among them. The network
from scratch trains once, at the rate that `cifar10_rates` found by labels that are not counted here: more help than the
rules allow it, so that a gain of transfer is none too large. Every run begins with an empty feature cache, and
`fit_seconds` ends when the classifier stands: until then, only pictures with labels have been looked at. The test is
1,000 pictures. No picture of `data.holdout` is drawn.

Run it with `python -m experiments.label_budget`. Chapter 1 plots it.
"""

import functools
import math
import time

import keras

from experiments.cifar10_classical import describe
from experiments.protocol import Arm, Experiment, Fitted, HeldOut, Task
from tlbook import backbones, data, evaluation, features, heads, training
from tlbook.backbones import cost

EPOCHS = {100: 64, 1_000: 32}  # of the small CNN
RATE = 0.01  # of the small CNN, by `cifar10_rates`
PROBE_C = (1e-4, 1e-3, 1e-2, 1e-1)
TEST = 1_000  # pictures
END = "block4_pool"


def load(n_train, seed):
    """Return the labelled pictures, all that an arm gets; and those of the test."""
    dataset = data.load_cifar10(seed=seed)
    train, test = data.subset(dataset.train, n_train, seed), data.subset(dataset.test, TEST, 0)
    task = Task(train=train, validation="cross-validation", n_choose=n_train, source=dataset.source)
    return task, HeldOut(test.images, test.labels)


def spent(start, operations):
    """Return what it took until the classifier stood: CPU seconds and 1e12 multiply-adds."""
    return {"fit_seconds": time.process_time() - start, "tmac": operations / 1e12}


def probed(task, arm, see, start, operations):
    """Fit logistic regression on what `see` makes of pictures, with the C that cross-validation prefers."""
    probe = heads.probe_by_folds(see(task.train.images), task.train.labels, arm.grid)
    return Fitted(
        predict=lambda images: probe.predict(see(images)),
        validation=probe.validation_score,
        chosen=probe.C,
        figures=spent(start, operations),
    )


def gradients(task, arm, seed):
    """Read histograms of oriented gradients, as people did before networks."""
    return probed(task, arm, describe, time.process_time(), 0)


def frozen(task, arm, seed):
    """Read VGG16's features."""
    start = time.process_time()
    body, _ = backbones.split(backbones.vgg16.pretrained()[0], END)
    operations = cost.multiply_adds(body) * len(task.train)
    return probed(task, arm, functools.partial(features.extract, body), start, operations)


def scratch(task, arm, seed):
    """Train a small CNN from fresh weights, on pictures and their mirror images."""
    start = time.process_time()
    keras.utils.set_random_seed(seed)
    images, labels, epochs = task.train.images, task.train.labels, EPOCHS[len(task.train)]
    model = heads.classifier(backbones.small_cnn(), 10, dropout=0.5)
    batches = training.Batches([images, images[:, :, ::-1]], labels, seed=seed)
    training.fit(model, batches, None, epochs, RATE)
    return Fitted(
        predict=lambda inputs: training.predict(model, inputs),
        validation=math.nan,  # nothing was chosen
        chosen=RATE,
        figures=spent(start, 3 * cost.multiply_adds(model) * epochs * len(labels)),
    )


EXPERIMENT = Experiment(
    name="label_budget",
    question="What is transfer worth on CIFAR-10 where the labels that choose are counted, and in minutes?",
    unit="test picture and seed",
    arms={
        "scratch_small_cnn": Arm(fit=scratch, grid=(RATE,), pretraining="none"),
        "gradients_regression": Arm(fit=gradients, grid=PROBE_C, pretraining="none"),
        "linear_probe": Arm(fit=frozen, grid=PROBE_C, pretraining="published"),
    },
    design={"n_train": (100, 1_000), "seed": (0, 1, 2, 3, 4)},
    load=load,
    metrics={"accuracy": evaluation.accuracy},
)

if __name__ == "__main__":
    table = EXPERIMENT.record()
    print(table.groupby(["arm", "n_train"], sort=False)[["test_accuracy", "fit_seconds", "cpu_seconds"]].mean())
