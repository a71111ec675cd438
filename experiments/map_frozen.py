"""The map, frozen: VGG16 read at each of its thirteen convolutions, four resolutions, 10 to 10,000 labels.

A linear probe on each layer, at matched dimension: the map of a layer is averaged over the cells of a grid, 8 x 4 for
64 channels, 4 x 4 for 128, 4 x 2 for 256, 2 x 2 for 512 (rows first), which gives 2,048 numbers for every layer.
`linear_probe` reads `block4_pool` in the same way, and `several_depths` the three layers of `SEVERAL` at once. Pictures
are enlarged bilinearly. All features of a resolution are computed once, through a cached prefix that is kept
(`tlbook.methods.prefix`); a row is charged its share in `cpu_seconds`.

`map_task` says what all arms share.

Run it with `python -m experiments.map_frozen`. Chapters 4.7 and 4.8 read it.
"""

import functools

import keras
import numpy as np

from experiments import map_task, pretraining
from experiments.map_task import Mapped
from experiments.protocol import Arm, Fitted
from tlbook import backbones
from tlbook.backbones import cost, vgg16
from tlbook.files import cache
from tlbook.methods import prefix

RESOLUTIONS = (32, 64, 48, 96)
POOLS = ("block3_pool", "block4_pool")
READ = (*vgg16.CONVOLUTIONS, *POOLS)
SEVERAL = ("block3_pool", "block4_pool", "block5_conv3")
GRIDS = {64: (8, 4), 128: (4, 4), 256: (4, 2), 512: (2, 2)}  # rows and columns of cells, by channels
PROBE_C = (1e-5, 1e-4, 1e-3, 1e-2, 1e-1, 1.0)
FIXED_C = 1e-2  # for ten labels


@functools.cache
def readings(resolution):
    """Return the model that reads all of `READ` at one resolution: pictures of 32 pixels to (layers, 2048)."""
    body, _ = vgg16.pretrained((resolution, resolution, 3))
    x = inputs = keras.Input((32, 32, 3))
    if resolution != 32:
        x = keras.layers.Resizing(resolution, resolution, interpolation="bilinear")(x)
    found = {}
    for operation in body.operations[1:]:
        x = operation(x)
        if operation.name in READ:
            found[operation.name] = keras.layers.Reshape((1, 2_048))(averaged(x))
    outputs = keras.layers.Concatenate(axis=1)([found[name] for name in READ])
    return keras.Model(inputs, outputs, name=f"vgg16_at_{resolution}")


def averaged(x):
    """Return a map averaged over the cells of its grid; cells overlap where the sides are no multiples."""
    _, height, width, channels = x.shape
    rows, columns = GRIDS[channels]
    strides = height // rows, width // columns
    size = height - (rows - 1) * strides[0], width - (columns - 1) * strides[1]
    return keras.layers.AveragePooling2D(size, strides)(x)


@functools.cache
def multiply_adds(resolution, layer):
    """Return what one picture costs up to a layer."""
    body = vgg16.build((resolution, resolution, 3))
    return cost.multiply_adds(backbones.split(body, layer)[0])


_KNOWN = {}


def features_of(images, resolution):
    """Return what all layers make of pictures and their mirror images: kept on the disk, and not this run's time."""
    key = resolution, cache.fingerprint(images)
    if key not in _KNOWN:
        with pretraining.aside():
            _KNOWN[key] = prefix.cached(readings(resolution), images, folder=cache.cache_dir() / "map")
    return _KNOWN[key]


def layers_of(found, layers, positions):
    """Return the features of some layers, side by side, float16 (views, n, 2048 a layer), at sorted positions.

    `found` is a list of what `features_of` returned, for one part of the pictures after the other.
    """
    start, parts = 0, []
    for each in found:
        mine = positions[(positions >= start) & (positions < start + each.arrays.shape[1])] - start
        wanted = [each.arrays[:, :, READ.index(layer)] for layer in layers]
        parts.append(np.concatenate([array[:, mine] for array in wanted], axis=-1))
        start += each.arrays.shape[1]
    return np.concatenate(parts, axis=1)


def probe(task, arm, seed, layers):
    """Fit a linear probe on some layers."""
    labels, resolution = task.train.labels, task.resolution
    found = [features_of(images, resolution) for images in task.pool]
    seen = layers_of(found, layers, task.positions)
    C, validation = map_task.best_C(seen, labels, arm.grid, seed, FIXED_C)
    fitted = map_task.fitted_probe(seen, labels, C)
    work = 2 * max(multiply_adds(resolution, layer) for layer in layers)  # of a picture in both views
    seconds = sum(each.cpu_seconds for each in found) / sum(map(len, task.pool))
    share = work / (2 * multiply_adds(resolution, "block5_conv3")) * seconds

    def predict(images):
        every = np.arange(len(images))
        return map_task.both_ways(fitted, layers_of([features_of(images, resolution)], layers, every))

    return Fitted(
        predict=predict,
        validation=validation,
        chosen=C,
        kept_seconds=share * len(labels),
        figures={"tmac": work * len(labels) / 1e12, "test_tmac": work * map_task.TEST / 1e12},
    )


def reading(*layers, **design):
    """Return the arm that reads some layers."""
    fit = functools.partial(probe, layers=layers)
    return Arm(fit=fit, grid=PROBE_C, pretraining="published", design=design)


EXPERIMENT = Mapped(
    name="map_frozen",
    question="Where is a frozen VGG16 best read on CIFAR-10, at which resolution, with how many labels?",
    unit="test picture and seed",
    arms={
        "linear_probe": reading("block4_pool"),
        "several_depths": reading(*SEVERAL, resolution=map_task.FIRST),
        **{layer: reading(layer) for layer in vgg16.CONVOLUTIONS},
    },
    design={"resolution": RESOLUTIONS, "n_train": tuple(map_task.SEEDS), "seed": tuple(range(10))},
    load=map_task.load,
    metrics=map_task.METRICS,
    most={48: (1_000, 10), 96: (1_000, 10)},
)

if __name__ == "__main__":
    table = EXPERIMENT.record()
    print(table.groupby(["resolution", "n_train", "arm"], sort=False).test_accuracy.agg(["mean", "min", "max"]))
