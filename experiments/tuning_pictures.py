"""What a task has to change in VGG16's convolutions: five ways to tune it on CIFAR-10, three numbers of labels.

VGG16 always ends at `block4_pool`, and pictures have 32 pixels, as in `cifar10_regimes`, which has the controls without
transfer. Rates and C are chosen inside the labels (`adapting`). Every arm that tunes starts where the linear probe
ended, and sees each picture or its mirror image; so does the probe. All arms but one change block 4 alone: then the
blocks below are computed once. `everything` cannot do that, and is recorded at the two small numbers of labels;
`cifar10_regimes` has it at a thousand.

Run it with `python -m experiments.tuning_pictures`. Chapter 7.2 plots it.
"""

import functools

import keras
import numpy as np

from experiments import adapting, cifar10_regimes
from experiments.protocol import Arm, Fitted, HeldOut
from tlbook import data, evaluation, features, heads
from tlbook.backbones import cost
from tlbook.methods import adapters

EPOCHS = {50: 8, 100: 6, 200: 4, 1_000: 2}
TEST = 1_000  # pictures
PROBE_C = (1e-5, 1e-4, 1e-3, 1e-2, 1e-1)
CONVOLUTIONS = ("block4_conv1", "block4_conv2", "block4_conv3")
RANK = 4
BATCH_SIZE = 16


def load(n_train, seed):
    """Return the labelled pictures, with their number and seed; and a thousand of the test set, always the same."""
    dataset = data.load_cifar10(seed=seed)
    train = data.subset(dataset.train, n_train, seed)
    test = data.subset(dataset.test, min(TEST, len(dataset.test)), 0)
    task = adapting.inside(train, seed, dataset.source)
    return task, HeldOut(test.images, test.labels)


def probe(task, arm, seed):
    """Train nothing but a logistic regression, on the features of the pictures and of their mirror images."""
    _, upper = parts("probe")[1]
    known = both(task, upper)
    C, validation = best_C(known, task.train.labels, arm.grid, seed)
    fitted = fit_probe(known, task.train.labels, C)
    work = 2 * len(task.train) * passes_of(parts("probe")[0]) / 1e12
    return Fitted(
        predict=lambda images: fitted.predict(features.forward(upper, lower_features(images))),
        validation=validation,
        chosen=C,
        figures=figures(10 * (known[0][0].size + 1), work),
    )


def tuned(task, arm, seed, how):
    """Tune block 4, or everything, under a head that was fitted first."""
    model, start, passes, upper = machine(how)
    labels, whole = task.train.labels, how == "everything"
    known = both(task, upper)
    C, _ = best_C(known, labels, PROBE_C, seed)
    pictures = [task.train.images, task.train.images[:, :, ::-1]] if whole else both(task, None)

    def prepare(positions):
        model.set_weights(start)
        chosen = [variant[positions] for variant in known]
        heads.start_from_probe(model, fit_probe(chosen, labels[positions], C))

    def batches(positions, rng):
        order = rng.permutation(positions)
        for begin in range(0, len(order), BATCH_SIZE):
            batch = order[begin : begin + BATCH_SIZE]
            mirrored = rng.integers(2, size=len(batch))
            yield (
                np.stack([pictures[m][k] for m, k in zip(mirrored, batch, strict=True)]).astype("float32"),
                labels[batch],
            )

    def predict(positions):
        return features.forward(model, pictures[0][positions]).argmax(axis=1)

    found = adapting.tune(model, prepare, batches, predict, labels, arm.grid, EPOCHS, seed)
    below, of_upper = (passes_of(part) for part in parts(how)[1])
    work = found.seen * (3 * (below + of_upper) if whole else passes * of_upper) + 2 * len(labels) * below * (not whole)
    return Fitted(
        predict=lambda images: features.forward(model, images if whole else lower_features(images)).argmax(axis=1),
        validation=found.validation,
        chosen=found.rate,
        figures=figures(adapters.trained(model), work / 1e12, found.cpu_ms),
    )


@functools.cache
def machine(how):
    """Return VGG16, or its block 4, under a head, ready to be tuned in one way; its first weights; passes; block 4.

    The passes of a step are counted as in `tuning_sentences`; block 4 is another copy that stays as it was.
    """
    keras.utils.set_random_seed(0)
    body, (_, upper) = parts(how)
    model = heads.classifier(body if how == "everything" else upper, 10, cifar10_regimes.DROPOUT)
    passes = {"bitfit": 2.0, "lora": 3.0, "last": 3.0, "everything": 3.0}[how]
    if how == "bitfit":
        adapters.bitfit(model)
    elif how == "lora":
        adapters.lora(model, [model.get_layer(name) for name in CONVOLUTIONS], RANK)
    return adapting.compiled(model), model.get_weights(), passes, parts("probe")[1][1]


@functools.cache
def parts(how):
    """Return VGG16 up to block 4, whole and cut in two, a copy of its own for each way."""
    return cifar10_regimes.vgg16()


@functools.cache
def passes_of(part):
    """Return the multiply-adds of one picture."""
    return cost.multiply_adds(part)


_KNOWN = {}


def lower_features(images):
    """Return what blocks 1 to 3 make of pictures, float16, computed once in this process."""
    key = hash(np.ascontiguousarray(images).tobytes())
    if key not in _KNOWN:
        _KNOWN[key] = features.forward(parts("probe")[1][0], images).astype("float16")
    return _KNOWN[key]


def both(task, upper):
    """Return the features of the pictures and of their mirror images, of blocks 1 to 3, or of `upper` above them."""
    images = task.train.images
    below = [lower_features(images), lower_features(images[:, :, ::-1])]
    return [features.forward(upper, each) for each in below] if upper else below


def fit_probe(variants, labels, C):
    """Fit one probe on all variants of the pictures."""
    return heads.linear_probe(np.concatenate(variants), np.tile(labels, len(variants)), C)


def best_C(variants, labels, C, seed):
    """Return the C that serves the second half best, and its accuracy; a mirror image stays with its picture."""
    halves = adapting.halves(labels, seed)
    learn, choose = [
        (np.concatenate([variant[half] for variant in variants]), np.tile(labels[half], len(variants)))
        for half in halves
    ]
    probe = heads.best_probe(learn, choose, C)
    return probe.C, probe.validation_score


def figures(trained, tmac, cpu_ms=None):
    """Return what a row says of the cost: numbers that learn, bytes a task, 1e12 multiply-adds, CPU ms an example."""
    row = {"trained": int(trained), "task_bytes": 4 * int(trained), "tmac": tmac}
    return row | {"cpu_ms": float("nan") if cpu_ms is None else cpu_ms}


def tuning(how, rates, **design):
    """Return the arm that tunes in one way."""
    fit = functools.partial(tuned, how=how)
    return Arm(fit=fit, grid=rates, first=PROBE_C, pretraining="published", design=design)


EXPERIMENT = adapting.Tuning(
    name="tuning_pictures",
    question="What does a task have to change in VGG16's convolutions, and what does that cost?",
    unit="test picture and seed",
    arms={
        "probe": Arm(fit=probe, grid=PROBE_C, pretraining="published"),
        "bitfit": tuning("bitfit", (3e-4, 1e-3, 3e-3)),
        "lora": tuning("lora", (1e-4, 3e-4, 1e-3)),
        "last": tuning("last", (3e-5, 1e-4, 3e-4)),
        "everything": tuning("everything", (1e-5, 3e-5, 1e-4), n_train=(50, 200)),
    },
    design={"n_train": (50, 200, 1_000), "seed": (0, 1, 2, 3, 4)},
    load=load,
    metrics={"accuracy": evaluation.accuracy},
)

if __name__ == "__main__":
    table = EXPERIMENT.record()
    print(table.groupby(["arm", "n_train"], sort=False).test_accuracy.agg(["mean", "min", "max"]))
