"""What a small body learns from pictures without labels, on one budget, against labels of other classes and nothing.

One body, pretrained in several ways on one budget (`experiments.budgeted_pretraining` says how, and which classes are
source and target). A seed draws the target's labels, the body's first weights and the order of the pretraining, so five
seeds are five repetitions of everything, except that all share the test pictures.

Of the labels of a target class (10, 50 or 200) a fifth chooses: C of the probe, or the rate of fine-tuning, by
accuracy, and at a tie by the probability of the right class. Every arm sees the target's pictures mirrored (frozen) or
in the same `VARIANTS` variants (fine-tuned); fine-tuning begins at the probe's head.

The first protocol (`results/lessons/cheap_pretraining.csv`) fine-tuned for `PASSES` only, and tested on CIFAR-10's test
set. A referee then asked whether a fresh body would come level if it learned longer. So there are arms that learn for
`LONGER` passes, with and without pretraining, and the test is made of the target's pictures in `data.holdout`, which
nothing had looked at.

Run it with `python -m experiments.cheap_pretraining`. Chapter 7.1 plots it.
"""

import functools
import math

import keras
import numpy as np

from experiments.budgeted_pretraining import TARGET, Stream, of_classes, pretrained
from experiments.picture_features import gradients, patches, pixels, published
from experiments.protocol import Arm, Experiment, Fitted, HeldOut, Task
from tlbook import data, evaluation, features, heads, training
from tlbook.backbones.cost import multiply_adds
from tlbook.methods import contrastive, generative

PASSES = {40: 30, 200: 15, 800: 6}  # of fine-tuning, by labels that are learned from: four fifths of what there is
LONGER = {40: 120, 200: 60, 800: 30}
BATCH, VARIANTS = 32, 32
PROBE_C = (1e-5, 1e-4, 1e-3, 1e-2, 1e-1, 1.0)
RATES = (1e-4, 1e-3, 3e-3, 1e-2)


def load(n_train, seed):
    """Return labelled target pictures to learn from and to choose by, what needs no labels; and those of the test."""
    dataset = data.load_cifar10()
    labelled, test = of_classes(dataset.train, TARGET), of_classes(data.holdout(), TARGET)
    train, validation = data.split_off(data.subset(labelled, n_train * 5 // 4, seed), n_train // 4, seed)
    task = Task(
        train=train, validation=validation, n_choose=len(validation), source=dataset.source, pictures=dataset.train
    )
    return task, HeldOut(test.images, test.labels)


def choose(probe, inputs, labels):
    """Return the accuracy, and among settings of equal accuracy more for a more probable right class."""
    right = np.log(probe.predict_proba(inputs)[np.arange(len(labels)), labels] + 1e-9)
    return in_order(probe.score(inputs, labels), right)


def in_order(accuracy, right):
    """Return an accuracy, less at most 0.004 for how improbable (logarithms `right`) the right classes were."""
    return accuracy + 1e-3 * max(float(np.mean(right)), -4)


def fitted_probe(see, task, grid):
    """Fit a head on what is seen of the training pictures and their mirror images."""
    train, validation = task.train, task.validation
    both = np.concatenate([see(train.images), see(train.images[:, :, ::-1])])
    judged = see(validation.images), validation.labels
    probe = heads.best_probe((both, np.tile(train.labels, 2)), judged, grid, score=choose)
    return probe, probe.score(*judged)


def on_features(task, arm, see, said):
    """Fit a head on what `see` makes of pictures."""
    probe, score = fitted_probe(see, task, arm.grid)
    return Fitted(predict=lambda images: probe.predict(see(images)), validation=score, chosen=probe.C, **said)


def without_body(task, arm, seed, way):
    """Fit a head on features that none of the bodies made."""
    return on_features(task, arm, *way(task, seed))


def frozen(task, arm, seed, way):
    """Fit a head on a frozen body's features."""
    body, said = pretrained(way, task, seed)
    return on_features(task, arm, functools.partial(seen_by, body), said)


def seen_by(body, images):
    """Return a body's features of pictures, (n, features)."""
    return features.forward(body, generative.small(images), 500).reshape(len(images), -1)


def tuned(task, arm, seed, way, passes):
    """Begin at a frozen body's head and train everything, at each rate; the last weights of the best rate stay."""
    body, said = pretrained(way, task, seed)
    probe, _ = fitted_probe(functools.partial(seen_by, body), task, arm.first)
    model = heads.classifier(body, len(TARGET))
    heads.start_from_probe(model, probe)
    start, batches = model.get_weights(), variants_of(task.train, passes[len(task.train)], seed)
    falling = Falling(len(batches))
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile(keras.optimizers.Adam(falling), loss, jit_compile=False)
    best = None
    for rate in sorted(arm.grid):
        model.set_weights(start)
        # One compiled step serves all rates: so the optimizer forgets its moments and its steps here.
        for variable in model.optimizer.variables:
            variable.assign(keras.ops.zeros_like(variable))
        falling.peak.assign(rate)
        model.fit(batches, shuffle=False, verbose=0)
        value, accuracy = judged(model, task.validation)
        if best is None or value > best[0]:
            best = value, rate, accuracy, model.get_weights()
    _, rate, accuracy, weights = best
    model.set_weights(weights)
    spent = 3 * multiply_adds(model) * BATCH * len(batches) * len(arm.grid)
    return Fitted(
        predict=lambda images: training.predict(model, generative.small(images), 500),
        validation=accuracy,
        chosen=rate,
        **said | {"figures": said.get("figures", {}) | {"tuning_tmac": spent / 1e12}},
    )


def variants_of(train, passes, seed):
    """Return the batches of a fine-tuning: mirrored parts of the pictures, several of each, in a random order."""
    rng, pictures = np.random.default_rng(seed), generative.small(train.images)
    variants = np.stack([contrastive.views(pictures, rng, (0.7, 1), colour=False) for _ in range(VARIANTS)])
    steps = math.ceil(passes * len(train) / BATCH)
    order = contrastive.passes(len(train), BATCH * steps, rng).reshape(steps, BATCH)
    drawn = rng.integers(VARIANTS, size=order.shape)
    return Stream([lambda i: variants[drawn[i], order[i]]], train.labels, order)


def judged(model, validation):
    """Return what chooses a rate, minus infinity where the training blew up, and the accuracy."""
    logits = features.forward(model, generative.small(validation.images), 500)
    right = np.take_along_axis(logits, validation.labels[:, None], 1)[:, 0] - np.logaddexp.reduce(logits, axis=1)
    accuracy = evaluation.accuracy(validation.labels, logits.argmax(axis=1))
    return in_order(accuracy, right) if np.isfinite(right).all() else -np.inf, accuracy


class Falling(keras.optimizers.schedules.LearningRateSchedule):
    """A rate that falls from `peak`, which can be set, to zero, as half a cosine over `steps`."""

    def __init__(self, steps):
        """Take the number of steps."""
        self.steps, self.peak = steps, keras.Variable(0.0, trainable=False)

    def __call__(self, step):
        """Return the rate of a step."""
        done = keras.ops.cast(step, "float32") / self.steps
        return self.peak * (1 + keras.ops.cos(math.pi * done)) / 2


def kind(way):
    """Return what a row says of a body's pretraining."""
    return "none" if way in ("fresh", "measured") else "measured"


def frozen_arm(way, **more):
    """Return the arm that fits a head on a frozen body."""
    return Arm(fit=functools.partial(frozen, way=way), grid=PROBE_C, pretraining=kind(way), **more)


def tuned_arm(way, passes=PASSES):
    """Return the arm that trains everything."""
    fit = functools.partial(tuned, way=way, passes=passes)
    return Arm(fit=fit, grid=RATES, first=PROBE_C, pretraining=kind(way))


def classical_arm(way, kind="none", **more):
    """Return the arm that fits a head on features of another kind."""
    return Arm(fit=functools.partial(without_body, way=way), grid=PROBE_C, pretraining=kind, **more)


BODIES = ("fresh", "labels", "contrastive", "autoencoder", "gan")
THREE = {"design": {"seed": (0, 1, 2)}}

EXPERIMENT = Experiment(
    name="cheap_pretraining",
    question="What does a small body learn without labels, on one budget, against labels of other classes and nothing?",
    unit="seed: draw of the target's labels and pretraining, both anew",
    arms={
        "pixels": classical_arm(pixels),
        "gradients": classical_arm(gradients),
        "patches": classical_arm(patches, "measured"),
        **{f"{way}_frozen": frozen_arm(way) for way in (*BODIES, "measured", "shuffled")},
        **{f"{way}_tuned": tuned_arm(way) for way in BODIES},
        **{f"{way}_longer": tuned_arm(way, LONGER) for way in BODIES},
        "contrastive_no_colour_frozen": frozen_arm("contrastive_no_colour", **THREE),
        "contrastive_all_frozen": frozen_arm("contrastive_all", **THREE),
        "vgg16_frozen": classical_arm(published, "published", **THREE),
    },
    design={"n_train": tuple(PASSES), "seed": (0, 1, 2, 3, 4)},
    load=load,
    metrics={"accuracy": evaluation.accuracy},
)

if __name__ == "__main__":
    table = EXPERIMENT.record()
    print(table.pivot_table("test_accuracy", "arm", "n_train", sort=False).round(3))
