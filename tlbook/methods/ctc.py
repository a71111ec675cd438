"""CTC: a network that says a string without being told when, and how it is trained, scored and read.

Class 0 is the blank, and digit d is class d + 1: as Keras has it. Taught in chapter 5.14.
"""

import keras
import numpy as np

from tlbook import features, training

BLANK = 0


def collapse(path):
    """Return the string that a path says, a tuple of int: runs become one, *then* blanks are dropped.

    `path` holds one class a frame, integers of 0 or more. Source: Graves et al. (2006), the map B. Taught in chapter
    5.14.

    >>> collapse([0, 2, 2, 0, 2, 3, 3]), collapse([2, 2, 2])
    ((2, 2, 3), (2,))
    """
    merged = [k for place, k in enumerate(path) if place == 0 or k != path[place - 1]]
    return tuple(int(k) for k in merged if k != BLANK)


def log_probability(scores, string):
    """Return the log of the probability that a network gives to a string: the sum over all paths that say it.

    Parameters
    ----------
    scores : numpy.ndarray
        float (frames, classes), the log of the probability of each class in each frame.
    string : sequence of int
        Classes of 1 or more: no blanks.

    -inf where there are too few frames: two equal neighbours need a blank between them. The forward algorithm, in
    frames x string steps, in place of the classes ** frames paths. Raises `ValueError` for a blank or an unknown class
    in the string, or scores of another shape. Source: Graves et al. (2006), equations 5 to 8. Taught in chapter 5.14.

    >>> half = np.log(np.full((2, 2), 0.5))
    >>> float(np.exp(log_probability(half, [1])).round(3))  # of four paths, 0 1, 1 0 and 1 1 say it
    0.75
    """
    scores = np.asarray(scores, "float64")
    if scores.ndim != 2 or not len(scores):
        raise ValueError(f"scores: got shape {scores.shape}, expected (frames, classes), one frame or more")
    if any(not 1 <= k < scores.shape[1] for k in string):
        raise ValueError(f"string: got {list(string)}, expected classes of 1..{scores.shape[1] - 1}, no blanks")
    states = np.full(2 * len(string) + 1, BLANK)
    states[1::2] = string
    # The blank between two classes may be left out, unless they are equal: then it is what keeps them apart.
    skips = np.zeros(len(states), bool)
    skips[2:] = (states[2:] != BLANK) & (states[2:] != states[:-2])
    alpha = np.full(len(states), -np.inf)
    alpha[:2] = scores[0, states[:2]]
    for frame in scores[1:]:
        one = np.concatenate([[-np.inf], alpha[:-1]])
        two = np.where(skips, np.concatenate([[-np.inf, -np.inf], alpha[:-2]])[: len(alpha)], -np.inf)
        alpha = np.logaddexp(np.logaddexp(alpha, one), two) + frame[states]
    return float(np.logaddexp.reduce(alpha[-2:]))


def recogniser(body, classes=11, width=64, kernel=5):
    """Put a head on a body that gives a vector every so often: logits (n, steps, classes), the blank first.

    The head is a convolution over `kernel` steps and a dense layer for each step. Taught in chapter 5.14.
    """
    x = keras.layers.Dropout(0.3, name="dropout")(body.output)
    x = keras.layers.Conv1D(width, kernel, padding="same", activation="relu", name="neighbours")(x)
    return keras.Model(body.input, keras.layers.Dense(classes, name="logits")(x), name="recogniser")


def targets(labels):
    """Return strings of digits as Keras's CTC loss wants them: int32 (n, longest), digit d as d + 1, filled with 0.

    Raises `ValueError` for no strings, an empty one, or a digit below 0.
    """
    if not len(labels) or not all(len(string) for string in labels) or min(map(min, labels)) < 0:
        raise ValueError(f"labels: got {list(labels)[:3]}, expected one or more strings of digits, 0 or more")
    filled = np.zeros((len(labels), max(map(len, labels))), "int32")
    for row, string in zip(filled, labels, strict=True):
        row[: len(string)] = np.asarray(string) + 1
    return filled


def read(logits):
    """Return the most probable path of each string, collapsed: a list of tuples of digits. Taught in chapter 5.14.

    `logits` are float (n, steps, classes). This is greedy decoding: the best path, not the best string.
    """
    return [tuple(k - 1 for k in collapse(path)) for path in np.asarray(logits).argmax(axis=-1).tolist()]


def recognise(model, inputs, batch_size=50):
    """Return what a recogniser reads in each input, a list of tuples of digits."""
    return read(features.forward(model, inputs, batch_size))


def masked(pictures, rng, shift=6, bands=8, frames=12):
    """Return copies of spectrograms (n, frames, bands) that start later, with a stripe of bands and one of frames gone.

    Each is moved by 0 to `shift` frames, and loses up to `bands` bands and up to `frames` frames, which become as quiet
    as its quietest place. `rng` draws. Source: Park et al. (2019) for the stripes. Taught in chapter 5.14.
    """
    moved = np.array(pictures, "float32")
    for picture in moved:
        quiet = picture.min()
        later = rng.integers(shift + 1)
        picture[later:] = picture[: len(picture) - later].copy()
        picture[:later] = quiet
        for axis, most in enumerate((frames, bands)):
            size = rng.integers(most + 1)
            start = rng.integers(picture.shape[axis] - size + 1)
            np.moveaxis(picture, axis, 0)[start : start + size] = quiet
    return moved


class Strings(keras.utils.PyDataset):
    """Batches of spectrograms, masked anew each time, with the targets of their strings.

    `pictures` are (n, frames, bands), `strings` a sequence of tuples of digits. `steps` batches make the one epoch of a
    training; every example comes once before any comes again. Raises `ValueError` where pictures and strings differ in
    number, and as `targets` does. Taught in chapter 5.14.
    """

    def __init__(self, pictures, strings, steps, batch_size=8, seed=0, augment=masked):
        """Draw the order of all batches."""
        super().__init__()
        if len(pictures) != len(strings):
            raise ValueError(f"strings: got {len(strings)}, expected one for each of {len(pictures)} pictures")
        self.pictures, self.targets, self.augment = pictures, targets(strings), augment
        self.rng = np.random.default_rng(seed)
        size = min(batch_size, len(strings))
        rounds = -(-steps * size // len(strings))
        order = np.concatenate([self.rng.permutation(len(strings)) for _ in range(rounds)])
        self.order = order[: steps * size].reshape(steps, size)

    def __len__(self):
        """Return the number of batches."""
        return len(self.order)

    def __getitem__(self, index):
        """Return batch `index`: (pictures float32, targets int32)."""
        chosen = self.order[index]
        return self.augment(self.pictures[chosen], self.rng), self.targets[chosen]


def fit(model, pictures, strings, steps, learning_rate, batch_size=8, seed=0, augment=masked):
    """Train a recogniser on spectrograms and the strings that they say; return the loss of each step, a list of float.

    `learning_rate` is the peak of `tlbook.training.warmup_cosine`, for Adam. A model that was compiled already keeps
    its compiled step, which takes seconds to make, and its optimizer begins anew: for other `trainable` flags, call
    `prepare` first. Raises `FloatingPointError` where the loss is no longer a number, as it is where a string has too
    few steps. Taught in chapter 5.14.
    """
    batches = Strings(pictures, strings, steps, batch_size, seed, augment)
    if not model.compiled:
        prepare(model)
    for variable in model.optimizer.variables:
        variable.assign(keras.ops.zeros_like(variable))
    schedule, losses = training.warmup_cosine(learning_rate, steps), []
    for step in range(steps):
        model.optimizer.learning_rate = float(schedule(step))
        model.reset_metrics()
        losses.append(float(model.train_on_batch(*batches[step])))
        if not np.isfinite(losses[-1]):
            raise FloatingPointError(f"the loss of {model.name} became {losses[-1]}: lower the learning rate")
    return losses


def prepare(model):
    """Compile a recogniser with Keras's CTC loss and Adam, for `fit`."""
    optimizer = keras.optimizers.Adam(1e-3, clipnorm=1.0)
    model.compile(optimizer, loss=keras.losses.CTC(), jit_compile=False)
