"""Contrastive learning: two views of every picture, and a network that finds out which two belong together.

A small SimCLR in plain Keras 3, so the same code runs on TensorFlow, PyTorch and JAX. Taught in chapter 7.1.
"""

import keras
import numpy as np

from tlbook import training

AREA = (0.3, 1.0)  # of a picture that a view shows
TEMPERATURE = 0.2


def views(pictures, rng, area=AREA, colour=True):
    """Return a random view of each picture: a part of it, enlarged, perhaps mirrored, and in other colours.

    Parameters
    ----------
    pictures : numpy.ndarray
        float32 (n, side, side, 3), -1..1.
    rng : numpy.random.Generator
        What the parts and the colours are drawn with.
    area : tuple of float
        The least and the largest share of the picture's area that is shown, 0 < least <= largest <= 1.
    colour : bool
        Whether contrast, saturation, brightness and tint change too; a fifth of the views is then grey.

    Returns float32 (n, side, side, 3), -1..1. Raises `ValueError` for another shape, or an area outside 0..1.
    Source: Chen et al. (2020), with a random tint in place of a turned hue, and no blur. Taught in chapter 7.1.
    """
    pictures = np.asarray(pictures, "float32")
    if pictures.ndim != 4 or pictures.shape[1] != pictures.shape[2] or pictures.shape[3] != 3 or not len(pictures):
        raise ValueError(f"pictures: got shape {pictures.shape}, expected (n, side, side, 3), n > 0")
    if not 0 < area[0] <= area[1] <= 1:
        raise ValueError(f"area: got {area}, expected two shares with 0 < least <= largest <= 1")
    n, side = pictures.shape[:2]
    size = side * np.sqrt(rng.uniform(*area, n))
    rows, columns = (_part(side, size, rng.uniform(0, side - size)) for _ in range(2))
    mirrored = rng.random(n) < 0.5
    columns[mirrored] = columns[mirrored, ::-1]
    shown = (rows @ pictures.reshape(n, side, -1)).reshape(pictures.shape)
    turned = shown.transpose(0, 2, 1, 3)
    shown = (columns @ turned.reshape(n, side, -1)).reshape(pictures.shape).transpose(0, 2, 1, 3)
    return recoloured(shown, rng) if colour else shown


def _part(side, size, start):
    """Return matrices (n, side, side) that stretch each line of pixels from `start` to `start + size` over all of it.

    A row of such a matrix mixes two neighbouring pixels: linear interpolation.
    """
    places = start[:, None] + (np.arange(side) + 0.5) * size[:, None] / side - 0.5
    places = np.clip(places, 0, side - 1)
    return np.maximum(0, 1 - np.abs(places[:, :, None] - np.arange(side))).astype("float32")


def recoloured(pictures, rng):
    """Return pictures (n, height, width, 3) of -1..1 in other colours: contrast, saturation, brightness and tint.

    Taught in chapter 7.1.
    """
    one_each = (len(pictures), 1, 1, 1)
    contrast, saturation = rng.uniform(0.6, 1.4, one_each), rng.uniform(0, 1.5, one_each)
    saturation[rng.random(len(pictures)) < 0.2] = 0
    tint = rng.normal(0, 0.2, (len(pictures), 1, 1, 3))
    grey = pictures.mean(axis=3, keepdims=True)
    mean = pictures.mean(axis=(1, 2), keepdims=True)
    return np.clip(mean + contrast * (grey + saturation * (pictures - grey) - mean) + tint, -1, 1).astype("float32")


def partners(n):
    """Return for each of 2 n views its partner, int64 (2 n,): views i and i + n show the same picture.

    >>> partners(3).tolist()
    [3, 4, 5, 0, 1, 2]
    """
    return np.roll(np.arange(2 * n), n)


def nt_xent(partners, projections, temperature=TEMPERATURE):
    """Return the loss of each view: minus the logarithm of how probable its partner is among all other views.

    Parameters
    ----------
    partners : array
        Integers (m,): which view belongs to each.
    projections : array
        (m, d), of any length: only their angles count.
    temperature : float
        Divides the cosines: a small one asks for sharper choices.

    It is a classification into m - 1 classes, and the views themselves are the classes. Source: Chen et al. (2020),
    equation 1 (normalised temperature-scaled cross entropy). Taught in chapter 7.1.
    """
    z = keras.ops.normalize(keras.ops.cast(projections, "float32"), axis=-1)
    scores = keras.ops.matmul(z, keras.ops.transpose(z)) / temperature
    scores = scores - 1e9 * keras.ops.eye(keras.ops.shape(z)[0])  # nobody is their own partner
    right = keras.ops.cast(keras.ops.reshape(partners, (-1,)), "int32")
    return keras.ops.sparse_categorical_crossentropy(right, scores, from_logits=True)


def projector(body, hidden=128, size=64):
    """Return a model that projects a body's features: flatten, dense with ReLU, dense; output (n, size).

    It shares the body's weights. After the training it is thrown away, and the body is kept. Source: Chen et al.
    (2020), section 4.2. Taught in chapter 7.1.
    """
    x = keras.layers.Dense(hidden, activation="relu", name="hidden")(keras.layers.Flatten()(body.output))
    return keras.Model(body.input, keras.layers.Dense(size, name="projection")(x), name="projector")


def passes(n, count, rng):
    """Return `count` positions below `n`, pass after pass in a new order, int64 (count,)."""
    return np.concatenate([rng.permutation(n) for _ in range(-(-count // n))])[:count]


class Pairs(keras.utils.PyDataset):
    """Batches of pairs: two views of each of `batch_size` pictures, drawn anew every time, and who belongs to whom.

    Yields (views float32 (2 batch_size, ...), partners (2 batch_size,)). `steps` is the number of batches; `options`
    go to `views`. Raises `ValueError` for a batch of fewer than two pictures: a loss needs somebody to tell apart.
    Taught in chapter 7.1.
    """

    def __init__(self, pictures, steps, batch_size=128, seed=0, **options):
        """Draw the order of the pictures."""
        super().__init__()
        if min(batch_size, len(pictures)) < 2 or steps < 1:
            raise ValueError(
                f"batch_size, steps: got {batch_size} and {steps} for {len(pictures)} pictures, expected 2 or more "
                "pictures a batch and 1 or more steps"
            )
        self.pictures, self.steps, self.options = pictures, steps, options
        self.batch_size = min(batch_size, len(pictures))
        self.rng = np.random.default_rng(seed)
        self.order = passes(len(pictures), steps * self.batch_size, self.rng)

    def __len__(self):
        """Return the number of batches."""
        return self.steps

    def __getitem__(self, index):
        """Return batch `index`."""
        chosen = self.pictures[self.order[index * self.batch_size : (index + 1) * self.batch_size]]
        two = [views(chosen, self.rng, **self.options) for _ in range(2)]
        return np.concatenate(two), partners(len(chosen))


def train_contrastive(body, pictures, steps, batch_size=128, learning_rate=2e-3, seed=0, **options):
    """Train a body, in place, to find the partner of each view; return the projector that it was trained with.

    Parameters
    ----------
    body : keras.Model
        `tlbook.methods.generative.body()`, or another one.
    pictures : numpy.ndarray
        float32 (n, side, side, 3), -1..1, as the body takes them.
    steps, batch_size : int
        Batches, and pictures a batch: the network sees twice as many views. All other views of a batch are what a
        view is told apart from, so larger batches ask for more.
    learning_rate : float
        The peak of `tlbook.training.warmup_cosine`, of Adam.
    seed : int
        Of the order and of the views.
    **options
        Go to `views`.

    Source: Chen et al. (2020). Taught in chapter 7.1.
    """
    model = projector(body)
    pairs = Pairs(pictures, steps, batch_size, seed, **options)
    # On TensorFlow, to compile a network so small takes longer than to train it.
    compiled = keras.backend.backend() == "jax"
    rate = training.warmup_cosine(learning_rate, steps)
    model.compile(keras.optimizers.Adam(rate), loss=nt_xent, jit_compile=compiled)
    training.run(model, pairs, epochs=1)
    return model
