"""Fully convolutional networks: a class for every pixel, from 1x1 convolutions on several depths of a body.

`read` takes what a frozen body sees at the end of its blocks, `head` builds the head on that, `fit` trains it, `answer`
names the class of each pixel. `whole` is a small network of the same plan, body and head, with fresh weights.
"""

import keras
import numpy as np

from tlbook import features, training
from tlbook.backbones import cut

BLOCKS = tuple(f"block{number}_pool" for number in (1, 2, 3, 4, 5))  # of VGG16; each halves the map


def read(body, pictures, blocks=BLOCKS[2:]):
    """Return what a frozen body sees at the end of each block, the deepest first.

    Parameters
    ----------
    body : keras.Model
        VGG16 (`tlbook.backbones.vgg16`), or another chain of layers that has the layers `blocks`.
    pictures : numpy.ndarray
        uint8 (n, height, width, 3), RGB.
    blocks : sequence of str
        Names of layers, in the order of the body.

    Returns
    -------
    list of numpy.ndarray
        float16 (n, h, w, channels), one for each block. They are kept (`tlbook.features.extract`).

    Raises `ValueError` for a layer that the body lacks, or pictures of another shape. Taught in chapter 5.13.
    """
    maps, x = [], pictures
    for block in blocks:
        lower, body = cut.split(body, block) if block != body.operations[-1].name else (body, None)
        x = features.extract(lower, x)
        maps.append(x)
    return maps[::-1]


def head(maps, size, classes):
    """Return a head that turns maps of a body into a score for each class at every pixel.

    A 1x1 convolution scores every cell of every map. The scores of the deepest map are enlarged to the size of the next
    one and added to its scores, and so on; the sum is enlarged to the picture. One map gives FCN-32, two FCN-16, three
    FCN-8, where these are the maps at the end of VGG16's blocks 5, 4 and 3.

    Parameters
    ----------
    maps : list of numpy.ndarray
        (n, h, w, channels) as `read` returns them, the deepest first: mean and variance of each channel are measured
        on them. Their sides are multiples of each other.
    size : int
        Pixels a side of the square picture, a multiple of the sides of all maps.
    classes : int
        How many.

    Returns
    -------
    keras.Model
        Inputs: a list of maps, float32. Output: logits (n, size, size, classes) float32.

    Raises `ValueError` for sides that are no multiples. Source: Long, Shelhamer and Darrell (2015); there the
    enlargement is learned, here it is bilinear. Taught in chapter 5.13.
    """
    sides = [each.shape[1] for each in maps]
    if any(after % before for before, after in zip(sides, [*sides[1:], size], strict=True)):
        raise ValueError(f"size: got {size} for maps of sides {sides}, expected each a multiple of the one before")
    inputs = [keras.Input(each.shape[1:]) for each in maps]
    standard = [_standardise(seen)(x) for seen, x in zip(maps, inputs, strict=True)]
    return keras.Model(inputs, _scores(standard, size, classes), name=f"fcn_{size // maps[-1].shape[1]}")


def whole(size, classes, width=16):
    """Return a small network of the same plan with fresh weights: five blocks and the head, to be trained as one.

    Each block has two 3x3 convolutions with batch normalisation (momentum 0.9, for short trainings) and a pooling. The
    channels are `width`, then 2, 4, 8 and 8 times that: VGG16 at a width of 64. The head takes the ends of all blocks.

    Input: pictures (n, size, size, 3), RGB, 0..255. Output: logits (n, size, size, classes) float32. Raises
    `ValueError` for a size that is no multiple of 32. Taught in chapter 5.13.
    """
    if size < 32 or size % 32:
        raise ValueError(f"size: got {size}, expected a multiple of 32")
    inputs = keras.Input((size, size, 3))
    x, maps = keras.layers.Rescaling(1 / 64, offset=-2.0)(inputs), []
    for factor in (1, 2, 4, 8, 8):
        for _ in range(2):
            x = keras.layers.Conv2D(factor * width, 3, padding="same", use_bias=False)(x)
            x = keras.layers.ReLU()(keras.layers.BatchNormalization(momentum=0.9)(x))
        x = keras.layers.MaxPooling2D()(x)
        maps.append(x)
    return keras.Model(inputs, _scores(maps[::-1], size, classes), name="whole_fcn")


def _standardise(seen):
    """Return a layer that gives each channel mean 0 and variance 1, as measured on maps; constant ones keep theirs."""
    flat = seen.reshape(-1, seen.shape[-1]).astype("float32")
    variance = flat.var(axis=0)
    return keras.layers.Normalization(mean=flat.mean(axis=0), variance=np.where(variance > 1e-6, variance, 1.0))


def _scores(maps, size, classes):
    """Return logits at every pixel: the scores of each map, enlarged and added up, the deepest first."""
    total = None
    for number, x in enumerate(maps):
        score = keras.layers.Conv2D(classes, 1, kernel_initializer="zeros")(x)
        total = score if total is None else total + score
        factor = (maps[number + 1].shape[1] if number + 1 < len(maps) else size) // x.shape[1]
        if factor > 1:
            total = keras.layers.UpSampling2D(factor, interpolation="bilinear")(total)
    return total


def fit(model, inputs, masks, epochs, rate, batch_size=8):
    """Train a model that returns logits for every pixel, with the mean cross-entropy of all pixels as its loss.

    Parameters
    ----------
    model : keras.Model
        `head`, or any other with logits (n, height, width, classes).
    inputs : numpy.ndarray or list of numpy.ndarray
        (n, ...): pictures, or maps.
    masks : numpy.ndarray
        Integers (n, height, width).
    epochs : int
        Passes over the masks.
    rate : float
        The peak of `tlbook.training.warmup_cosine`, for Adam.
    batch_size : int
        Pictures a step.

    Returns the history. Raises `ValueError` for no epochs or another number of masks, and `FloatingPointError` where
    the loss is no longer a finite number. Taught in chapter 5.13.
    """
    steps = epochs * -(-len(masks) // batch_size)
    model.compile(
        keras.optimizers.Adam(training.warmup_cosine(rate, steps)),
        loss=keras.losses.SparseCategoricalCrossentropy(from_logits=True),
    )
    return training.run(model, Batches(inputs, masks, batch_size), epochs)


class Batches(keras.utils.PyDataset):
    """Shuffled batches of pictures or maps, as float32, with their masks, in another order each epoch.

    Parameters
    ----------
    inputs : numpy.ndarray or list of numpy.ndarray
        (n, ...): pictures, or maps as `read` returns them.
    masks : numpy.ndarray
        Integers (n, height, width).
    batch_size : int

    Raises `ValueError` where inputs and masks differ in number. Taught in chapter 5.13.
    """

    def __init__(self, inputs, masks, batch_size=8):
        """Draw the first epoch's order."""
        super().__init__()
        found = {len(each) for each in (inputs if isinstance(inputs, list) else [inputs])}
        if found != {len(masks)}:
            raise ValueError(f"inputs: got {sorted(found)}, expected one for each of {len(masks)} masks")
        self.inputs, self.masks, self.batch_size = inputs, masks, batch_size
        self.rng = np.random.default_rng(0)
        self.on_epoch_end()

    def on_epoch_end(self):
        """Draw the next epoch's order."""
        self.order = self.rng.permutation(len(self.masks))

    def __len__(self):
        """Return the number of batches, the last smaller one included."""
        return -(-len(self.masks) // self.batch_size)

    def __getitem__(self, index):
        """Return batch `index` of this epoch."""
        chosen = self.order[index * self.batch_size : (index + 1) * self.batch_size]
        return _batch(self.inputs, chosen), self.masks[chosen]


def _batch(inputs, chosen):
    if isinstance(inputs, list):
        return tuple(each[chosen].astype("float32") for each in inputs)
    return inputs[chosen].astype("float32")


def answer(model, inputs, batch_size=20):
    """Return the class with the highest score at every pixel: uint8 (n, height, width).

    `model` and `inputs` are as for `fit`. Taught in chapter 5.13.
    """
    n = len(inputs[0] if isinstance(inputs, list) else inputs)
    parts = [np.arange(start, min(n, start + batch_size)) for start in range(0, n, batch_size)]
    found = [keras.ops.convert_to_numpy(model(_batch(inputs, part), training=False)) for part in parts]
    return np.concatenate([logits.argmax(axis=-1).astype("uint8") for logits in found])
