"""The map, tuned: what training VGG16's layers adds to the probe, and what its weights are worth.

VGG16 always ends at `block4_pool`, averaged over 2 x 2 places, as the linear probe of `map_frozen` reads it; pictures
are enlarged bilinearly. Three ways to tune, each from the probe's head (LP-FT, Kumar et al., 2022): `last_block` trains
block 4 on cached features, `last_two` blocks 3 and 4, `everything` all ten convolutions. Three controls train all ten
from other weights: `fresh` ones (He et al., 2015), the published ones `shuffled` inside each kernel, and normal ones
with each layer's mean and deviation (`mean_variance`; Raghu et al., 2019). Without normalisation these do not learn,
so they alone get it, as `tlbook.backbones.normalised` puts it in, and two to three times the passes.

Every arm sees mirror images in turn. What begins at a layer with places of four pixels is also shifted by one of them,
and pictures by up to two pixels. Rate and C are chosen inside the labels, the rate after cycles as long as the final
one (with 10,000 labels, half as long). `map_task` and `map_training` say what all arms share. The frozen part's work
on pictures of the test is not in `cpu_seconds`; in `test_tmac` it is.

Grids and cycles were laid down before any test picture was looked at, from a pilot (seeds 1000 to 1002, a GPU, pictures
of the training set that are no labels). With 1,000 labels, cycles of 15 % chose 1e-5 for `everything`, whole ones 3e-4:
69 and 72 %. With 100, no rate adds more than a point to the probe. `at_edge` says where the best lay at an edge.

Run it with `python -m experiments.map_tuned`. Chapters 4.7 and 4.8 read it.
"""

import functools

import keras
import numpy as np

from experiments import map_task, map_training, pretraining
from experiments.map_task import Mapped
from experiments.protocol import Arm, Fitted
from tlbook import backbones, features, heads
from tlbook.backbones import normalised, vgg16
from tlbook.backbones.cost import multiply_adds
from tlbook.files import cache
from tlbook.methods import prefix

END = "block4_pool"
CUTS = {"last_block": "block3_pool", "last_two": "block2_pool"}
SHIFTS = {"last_block": 0, "last_two": 1}  # cells; pictures move by two pixels
EPOCHS = {
    "last_block": {10: 30, 100: 16, 1_000: 8, 10_000: 4},
    "last_two": {10: 30, 100: 16, 1_000: 6, 10_000: 4},
    "everything": {10: 30, 100: 16, 1_000: 6},
    "control": {10: 60, 100: 40, 1_000: 15},
}
CHOOSING = {10: 1.0, 100: 1.0, 1_000: 1.0, 10_000: 0.5}  # of the passes
BATCH = {10: 10, 100: 20, 1_000: 32, 10_000: 64}
PROBE_C = (1e-4, 1e-3, 1e-2, 1e-1)
FIXED_C = 1e-2  # for ten labels
TUNING, FIXED_TUNING = (3e-5, 1e-4, 3e-4), 3e-4
CONTROL, FIXED_CONTROL = (1e-4, 3e-4, 1e-3), 3e-4
DROPOUT = 0.5
MEASURED = 300  # pictures that normalisation is measured on


def whole(resolution, weights="published", seed=0):
    """Return VGG16 up to its last layer here, for pictures of 32 pixels, with one of the kinds of weights."""
    shape = (resolution, resolution, 3)
    source = vgg16.build(shape, arrays_of(weights, seed))
    x = inputs = keras.Input((32, 32, 3), name="rgb")
    if resolution != 32:
        x = keras.layers.Resizing(resolution, resolution, interpolation="bilinear", name="enlarge")(x)
    for operation in source.operations[1:]:
        x = operation(x)
        if operation.name == END:
            break
    cell = resolution // 32
    x = keras.layers.AveragePooling2D(cell, name="two_by_two")(x) if cell > 1 else x
    return keras.Model(inputs, x, name="vgg16")


def arrays_of(weights, seed):
    """Return the arrays of VGG16: published, shuffled in each kernel, of each layer's mean and deviation, or fresh."""
    published, rng = vgg16.find_arrays()[0], np.random.default_rng(seed)
    changed = {
        "published": lambda array: array,
        "shuffled": lambda array: rng.permutation(array.ravel()).reshape(array.shape),
        "mean_variance": lambda array: rng.normal(array.mean(), array.std(), array.shape),
        "fresh": lambda array: he_normal(array.shape, rng),
    }[weights]
    return {name: tuple(changed(array).astype("float32") for array in pair) for name, pair in published.items()}


def he_normal(shape, rng):
    """Return fresh numbers of a kernel (3, 3, in, out), and zeros for a bias (out,)."""
    return rng.normal(0, np.sqrt(2 / np.prod(shape[:-1])), shape) if len(shape) > 1 else np.zeros(shape)


def made_by(upper, seen):
    """Return what a part makes of views, flat and float32: (views, n, features)."""
    made = np.stack([features.forward(upper, view) for view in seen])
    return made.reshape(*made.shape[:2], -1)


def tuned(task, arm, seed, how):
    """Train the last layers, or all, from the head of a probe."""
    labels, n, images = task.train.labels, len(task.train), task.train.images
    keras.utils.set_random_seed(seed)
    lower, upper = None, whole(task.resolution)
    if how in CUTS:
        lower, upper = backbones.split(upper, CUTS[how])
        seen = prefix.cached(lower, images)
    else:
        seen = prefix.Prefixed(map_task.both_views(images), prefix.VIEWS, 0.0)
    model = map_training.compiled(heads.classifier(upper, 10, DROPOUT))
    start, frozen, hot = model.get_weights(), made_by(upper, seen.arrays), map_training.one_hot(labels)
    C, _ = map_task.best_C(frozen, labels, PROBE_C, seed, FIXED_C)

    def prepare(positions):
        model.set_weights(start)
        heads.start_from_probe(model, map_task.fitted_probe(frozen[:, positions], labels[positions], C))

    def batches(positions):
        shift = SHIFTS.get(how, 2)
        return prefix.PrefixBatches(seen, hot[positions], BATCH[n], seed, shift=shift, positions=positions)

    trained = map_training.choose_and_train(
        model,
        prepare,
        batches,
        lambda positions: by_both(model, seen.arrays[:, positions]),
        labels,
        arm.grid,
        EPOCHS[how][n],
        seed,
        FIXED_TUNING,
        CHOOSING[n],
    )
    below, above = (multiply_adds(lower) if lower else 0), multiply_adds(model)
    work = 2 * n * (below + above) + 3 * trained.seen * above  # the features below; those of the probe; the training
    return Fitted(
        predict=lambda pictures: by_both(model, seen_below(lower, pictures)),
        validation=trained.validation,
        chosen=trained.rate,
        figures={"tmac": work / 1e12, "test_tmac": 2 * map_task.TEST * (below + above) / 1e12},
    )


def seen_below(lower, pictures):
    """Return what comes before the trained part, in both views; that of the test is kept for all runs."""
    if lower is None:
        return map_task.both_views(pictures)
    with pretraining.aside():
        return prefix.cached(lower, pictures, folder=cache.cache_dir() / "map").arrays


def by_both(model, seen):
    """Return the classes by the mean logits over the views."""
    return np.mean([features.forward(model, view) for view in seen], axis=0).argmax(axis=1)


def control(task, arm, seed, weights):
    """Train all layers from weights that know nothing of ImageNet, or only their statistics."""
    labels, n, images = task.train.labels, len(task.train), task.train.images
    keras.utils.set_random_seed(seed)
    few = images[np.random.default_rng(seed).permutation(n)[:MEASURED]]
    body = normalised.normalised(whole(task.resolution, weights, seed), few, unchanged=weights != "fresh")
    model = map_training.compiled(heads.classifier(body, 10, DROPOUT))
    heads.standardise(model, features.forward(body, few))
    start, hot, seen = model.get_weights(), map_training.one_hot(labels), map_task.both_views(images)

    def batches(positions):
        views = prefix.Prefixed(seen, prefix.VIEWS, 0.0)
        return prefix.PrefixBatches(views, hot[positions], BATCH[n], seed, shift=2, positions=positions)

    trained = map_training.choose_and_train(
        model,
        lambda positions: model.set_weights(start),
        batches,
        lambda positions: by_both(model, seen[:, positions]),
        labels,
        arm.grid,
        EPOCHS["control"][n],
        seed,
        FIXED_CONTROL,
        CHOOSING[n],
    )
    cost = multiply_adds(model)
    return Fitted(
        predict=lambda pictures: by_both(model, map_task.both_views(pictures)),
        validation=trained.validation,
        chosen=trained.rate,
        figures={"tmac": 3 * trained.seen * cost / 1e12, "test_tmac": 2 * map_task.TEST * cost / 1e12},
    )


def tuning(how, grid=TUNING, **design):
    """Return the arm that tunes in one way."""
    fit = functools.partial(tuned, how=how)
    return Arm(fit=fit, grid=grid, first=PROBE_C, pretraining="published", design=design)


def controlled(weights, pretraining="published", **design):
    """Return the arm that begins with other weights."""
    return Arm(fit=functools.partial(control, weights=weights), grid=CONTROL, pretraining=pretraining, design=design)


FIVE, THREE = {"seed": (0, 1, 2, 3, 4)}, {"seed": (0, 1, 2)}
DEAR = {"resolution": (32,), "n_train": (10, 100, 1_000), **THREE}
EXPERIMENT = Mapped(
    name="map_tuned",
    question="What does training VGG16's layers add to the probe on CIFAR-10, and what are its weights worth?",
    unit="test picture and seed",
    arms={
        "last_block": tuning("last_block"),
        "last_two": tuning("last_two", resolution=(32,), **FIVE),
        "everything": tuning("everything", (*TUNING, 1e-3), **DEAR),
        "vgg16_fresh": controlled("fresh", "none", **DEAR),
        "vgg16_shuffled": controlled("shuffled", **DEAR | {"n_train": (100, 1_000)}),
        "vgg16_mean_variance": controlled("mean_variance", **DEAR | {"n_train": (100, 1_000)}),
    },
    design={"resolution": (32, 64), "n_train": tuple(map_task.SEEDS), "seed": tuple(range(10))},
    load=map_task.load,
    metrics=map_task.METRICS,
    fresh=True,
    most={64: (1_000, 3)},
)

if __name__ == "__main__":
    table = EXPERIMENT.record()
    print(table.groupby(["resolution", "n_train", "arm"], sort=False).test_accuracy.agg(["mean", "min", "max"]))
