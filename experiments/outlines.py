"""What a published edge detector is worth on other pictures: HED, its trunk, ImageNet's trunk and classical edges.

Scenes are drawings on a textured ground, so that every outline is known (`tlbook.data.scenes`). HED is used as it was
published, without any training. The other arms fit a logistic regression at single pixels, on features read at the end
of each of VGG16's five blocks and interpolated at that pixel: a linear probe for edges. Two trunks learned nothing: a
fresh one, and ImageNet's with its weights shuffled within each array. Training and test scenes share no drawing style.
The figure is the average precision over pixels drawn from the scenes, 1 for a perfect ranking of outline above ground;
for guessing it is the share of outline pixels. Everything chosen (the width of a Gaussian, C) is chosen on validation
scenes. Labels are counted in pixels.

Run it with `python -m experiments.outlines`. Chapter 5.12 plots it.
"""

import functools
import itertools

import keras
import numpy as np
from sklearn.metrics import average_precision_score

from experiments import random_bodies
from experiments.protocol import Arm, Experiment, Fitted, HeldOut, Task
from tlbook import heads
from tlbook.backbones import hed, vgg16
from tlbook.data import emoji10, scenes
from tlbook.files import assets, sources

SIZE = 192
SCENES = {"train": (16, 500), "validation": (6, 2_000), "test": (16, 2_000)}  # scenes, pixels drawn from each
WIDTHS = (1, 1.5, 2, 3, 4)  # of the Gaussians, in pixels
PROBE_C = (1e-5, 1e-4, 1e-3, 1e-2, 1e-1, 1.0)
SOURCE = sources.Source("bundled drawings", "bundled", "drawings on a textured ground, not photographs")


def load(n_train, seed, noise):
    """Return scenes to learn from and to choose by, each (image, rows, columns, labels); and those of the test."""
    train, validation, test = (list(draw(split, noise, seed)) for split in SCENES)
    task = Task(train=train, validation=validation, n_choose=len(labels_of(validation)), source=SOURCE)
    return task, HeldOut([scene[:3] for scene in test], labels_of(test))


def draw(split, noise, seed):
    """Yield scenes as (image, rows, columns, labels) of the pixels drawn from each: the same for every arm."""
    count, pixels = SCENES[split]
    styles = emoji10.TEST_STYLES if split == "test" else emoji10.TRAIN_STYLES
    for k in range(count):
        rng = np.random.default_rng([seed, list(SCENES).index(split), k])
        image, truth = scenes.scene(rng, styles, SIZE, noise=noise)
        places = rng.permutation(np.flatnonzero(truth >= 0))[:pixels]
        yield image, *np.unravel_index(places, truth.shape), truth.ravel()[places]


def labels_of(scenes):
    """Return the labels of all drawn pixels, one scene after the other."""
    return np.concatenate([scene[3] for scene in scenes])


def precision(labels, scores):
    """Average precision over the drawn pixels of all scenes together."""
    return float(average_precision_score(labels, scores))


def ranked(score, task, chosen=None):
    """Return what ranks pixels by `score`, a function (image, rows, columns) -> scores."""

    def predict(scenes):
        return np.concatenate([score(*scene[:3]) for scene in scenes])

    return Fitted(
        predict=predict, validation=precision(labels_of(task.validation), predict(task.validation)), chosen=chosen
    )


def guess(task, arm, seed):
    """Rank no pixel above another."""
    return ranked(lambda image, rows, columns: np.zeros(len(rows)), task)


def gradient(task, arm, seed):
    """Rank by the size of the gradient, at the width that is best on the validation scenes."""

    def at_width(width):
        score = lambda image, rows, columns: scenes.gradient(image, width)[rows, columns]  # noqa: E731
        return ranked(score, task, width)

    return max((at_width(width) for width in arm.grid), key=lambda fitted: fitted.validation)


def published(task, arm, seed):
    """Rank by HED's answer as it was published."""
    model, _ = hed.pretrained((SIZE, SIZE, 3))
    return ranked(lambda image, rows, columns: hed.probabilities(model, image)[-1][rows, columns], task)


def probe(task, arm, seed, features):
    """Fit a logistic regression on pixels of the training scenes; the validation scenes choose C."""
    keras.utils.set_random_seed(seed)
    see = gradients if features == "gradients" else trunk(features, seed)
    train, validation = (np.concatenate([see(*scene[:3]) for scene in part]) for part in (task.train, task.validation))
    best = heads.best_probe(
        (train, labels_of(task.train)),
        (validation, labels_of(task.validation)),
        C=arm.grid,
        score=lambda probe, seen, labels: precision(labels, probe.scores(seen)),
    )

    def predict(scenes):
        return np.concatenate([best.scores(see(*scene[:3])) for scene in scenes])

    return Fitted(predict=predict, validation=best.validation_score, chosen=best.C)


def gradients(image, rows, columns):
    """Return the gradient at each width and the three colours: float32 (n, 8)."""
    return np.dstack([*(scenes.gradient(image, width) for width in WIDTHS), image.astype("float32")])[rows, columns]


def trunk(features, seed):
    """Return a function from pixels to the features at the end of each of the five blocks: float32 (n, 1472)."""
    kind = {"random": "fresh", "shuffled": "shuffled"}.get(features, "published")
    model = random_bodies.body(kind, (SIZE, SIZE, 3), seed)
    if features == "hed":
        arrays = hed.read(sources.find(assets.HED)[0])
        for name in vgg16.CONVOLUTIONS:
            model.get_layer(name).set_weights(arrays[name])
    reader = keras.Model(model.input, [model.get_layer(layer).output for layer in hed.SIDES.values()])

    def see(image, rows, columns):
        maps = [keras.ops.convert_to_numpy(m)[0] for m in reader(image[np.newaxis].astype("float32"), training=False)]
        return np.concatenate([interpolated(m, rows, columns) for m in maps], axis=1)

    return see


def interpolated(features, rows, columns):
    """Return features (h, w, c) at pixels of the picture, between the four nearest places: (n, c)."""
    total, ends = 0, []
    for places, side in zip((rows, columns), features.shape, strict=False):
        exact = np.clip((places + 0.5) * side / SIZE - 0.5, 0, side - 1)
        low = np.minimum(exact.astype(int), side - 2)
        ends.append([(low, 1 - (exact - low)), (low + 1, exact - low)])
    for (row, share), (column, other) in itertools.product(*ends):
        total = total + features[row, column] * (share * other)[:, np.newaxis].astype("float32")
    return total


def probe_arm(features, pretraining):
    """Return the arm of a linear probe on some features."""
    return Arm(fit=functools.partial(probe, features=features), grid=PROBE_C, pretraining=pretraining)


UNTRAINED = {"n_train": (0,)}
EXPERIMENT = Experiment(
    name="outlines",
    question="What is a published edge detector worth on other pictures?",
    unit="test picture and seed",
    arms={
        "guess": Arm(fit=guess, pretraining="none", design=UNTRAINED),
        "gradient": Arm(fit=gradient, grid=WIDTHS, pretraining="none", design=UNTRAINED),
        "gradients_probe": probe_arm("gradients", "none"),
        "random_trunk": probe_arm("random", "none"),
        "shuffled_trunk": probe_arm("shuffled", "published"),
        "imagenet_trunk": probe_arm("imagenet", "published"),
        "hed_trunk": probe_arm("hed", "published"),
        "hed_published": Arm(fit=published, pretraining="published", design=UNTRAINED),
    },
    design={"n_train": (SCENES["train"][0] * SCENES["train"][1],), "seed": (0, 1, 2), "noise": (12.0, 40.0)},
    load=load,
    metrics={"precision": precision},
)

if __name__ == "__main__":
    print(EXPERIMENT.record().pivot_table("test_precision", "arm", "noise", sort=False))
