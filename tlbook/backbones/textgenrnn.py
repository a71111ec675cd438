"""A character model that somebody else trained: textgenrnn's LSTMs, read as data, converted and rebuilt in Keras."""

import io
import json
import tarfile

import h5py
import keras
import numpy as np

from tlbook.files import assets, sources
from tlbook.files.archives import DamagedFile, read_member, reading

WINDOW = 40  # characters that it reads before it guesses
START = "<s>"  # stands before the first character and behind the last
UNITS, WIDTH = 128, 100
_MEMBERS = ("textgenrnn/textgenrnn_weights.hdf5", "textgenrnn/textgenrnn_vocab.json")
_LARGEST = 20_000_000  # bytes of a member: the real ones have 2 MB, and an archive may promise anything
# What each layer holds, by the last part of its name in the file.
_PARTS = {
    "embedding": ("embeddings",),
    "rnn_1": ("kernel", "recurrent_kernel", "bias"),
    "rnn_2": ("kernel", "recurrent_kernel", "bias"),
    "attention": ("attention_W",),
    "output": ("kernel", "bias"),
}


def read(path):
    """Read weights and vocabulary from the source archive textgenrnn 2.0.0. Nothing in it is unpacked, imported or run.

    Returns
    -------
    arrays : dict of str to list of numpy.ndarray
        For each layer its float32 arrays as they stand in the file: those of the LSTMs in cuDNN's order.
    vocabulary : dict of str to int
        Belongs to the arrays: the numbers of the characters, and of `START`, from 1 on. 0 is padding and any other
        character.

    Raises `ValueError` where the file is missing, damaged, or holds something else.
    """
    with reading(path, "the archive textgenrnn 2.0.0"):
        with tarfile.open(path, "r:gz") as archive:
            weights, names = (_member(archive, ending) for ending in _MEMBERS)
        arrays, vocabulary = _arrays(weights), json.loads(names)
    _check(path, arrays, vocabulary)
    return arrays, vocabulary


def from_cudnn(kernel, recurrent, bias):
    """Convert the arrays of an LSTM that ran on cuDNN into those of `keras.layers.LSTM`.

    Parameters
    ----------
    kernel, recurrent, bias : numpy.ndarray
        (inputs, 4 * units), (units, 4 * units) and (8 * units,) as Keras 2 stored a CuDNNLSTM: four gates side by side
        in the order i, f, c, o, the numbers of each gate in the order of a matrix (units, inputs), and two biases.

    Returns
    -------
    list of numpy.ndarray
        kernel (inputs, 4 * units), recurrent kernel (units, 4 * units), bias (4 * units,).

    Raises `ValueError` for shapes that do not belong together. Taught in chapter 5.5.
    """
    units = len(recurrent)
    if recurrent.shape != (units, 4 * units) or kernel.shape[1:] != (4 * units,) or bias.shape != (8 * units,):
        raise ValueError(
            f"kernel, recurrent, bias: got shapes {kernel.shape}, {recurrent.shape}, {bias.shape}, expected "
            "(inputs, 4 * units), (units, 4 * units), (8 * units,)"
        )

    def turned(matrix):
        return np.hstack([gate.reshape(units, -1).T for gate in np.hsplit(matrix, 4)])

    return [turned(kernel), turned(recurrent), bias.reshape(2, -1).sum(axis=0)]


def build(characters, arrays=None):
    """Return textgenrnn's network, with the arrays of `read` or with fresh ones.

    Input (n, `WINDOW`) integers below `characters`, the length of the vocabulary plus one; output (n, characters)
    logits.

    Embedding, two LSTMs, and the mean over the window of all three side by side, weighted by an attention that one
    vector decides. Raises `ValueError` for fewer than 2 characters. Taught in chapter 5.5.
    """
    if characters < 2:
        raise ValueError(f"characters: got {characters}, expected 2 or more")
    numbers = keras.Input((WINDOW,), dtype="int32", name="characters")
    embedded = keras.layers.Embedding(characters, WIDTH, name="embedding")(numbers)
    first = keras.layers.LSTM(UNITS, return_sequences=True, name="rnn_1")(embedded)
    second = keras.layers.LSTM(UNITS, return_sequences=True, name="rnn_2")(first)
    together = keras.layers.Concatenate(name="side_by_side")([embedded, first, second])
    score = keras.layers.Dense(1, use_bias=False, name="attention")(together)
    share = keras.layers.Softmax(axis=1, name="share")(score)
    mean = keras.layers.Flatten(name="weighted_mean")(keras.layers.Dot(axes=1)([share, together]))
    model = keras.Model(numbers, keras.layers.Dense(characters, name="output")(mean), name="textgenrnn")
    load_weights(model, arrays or {})
    return model


def load_weights(model, arrays, convert=from_cudnn):
    """Give the network the arrays of `read`, those of both LSTMs through `convert`.

    Raises `ValueError` where a shape does not fit. A wrong order of numbers fits: check what the model says.
    """
    for layer, found in arrays.items():
        model.get_layer(layer).set_weights(convert(*found) if layer.startswith("rnn") else found)


def find_arrays():
    """Find textgenrnn 2.0.0 and return `(arrays, vocabulary, source)`; the first two are as `read` returns them.

    Raises `tlbook.files.sources.NotFound` where the archive cannot be had (random weights never stand in), and
    `ValueError` where it is damaged. Taught in chapter 5.5.
    """
    path, source = sources.find(assets.TEXTGENRNN)
    return *read(path), source


def pretrained():
    """Return textgenrnn with its published weights, its vocabulary and their source: `(model, vocabulary, source)`.

    The errors are those of `find_arrays`.
    """
    arrays, vocabulary, source = find_arrays()
    return build(len(vocabulary) + 1, arrays), vocabulary, source


def windows(texts, vocabulary):
    """Return each character with the `WINDOW` before it: (inputs int32 (n, `WINDOW`), targets int32 (n,)).

    Every text begins with `START`; inputs are padded with 0 in front. Raises `ValueError` for no character at all.

    >>> inputs, targets = windows(["ab"], {"a": 1, "b": 2, START: 3})
    >>> inputs[:, -2:].tolist(), targets.tolist()
    ([[0, 3], [3, 1]], [1, 2])
    """
    if isinstance(texts, str) or not sum(len(text) for text in texts):
        raise ValueError(f"texts: got {texts!r:.40}, expected a sequence of str with one or more characters")
    inputs, targets = [], []
    for text in texts:
        numbers = [vocabulary[START], *(vocabulary.get(character, 0) for character in text)]
        padded = np.array([0] * (WINDOW - 1) + numbers, "int32")
        inputs.append(np.lib.stride_tricks.sliding_window_view(padded, WINDOW)[:-1])
        targets.append(padded[WINDOW:])
    return np.concatenate(inputs), np.concatenate(targets)


def generate(model, vocabulary, temperature, seed=0, start="", longest=80):
    """Let the model write: draw one character after another until it ends the text or `longest` is reached.

    `temperature` > 0 divides the logits: near 0 the likeliest character always comes, above 1 unlikely ones come more
    often. Returns a str that begins with `start`. Raises `ValueError` for another temperature. Taught in chapter 5.5.
    """
    if not temperature > 0:
        raise ValueError(f"temperature: got {temperature}, expected a number above 0")
    rng, characters = np.random.default_rng(seed), {number: character for character, number in vocabulary.items()}
    text = start
    while len(text) < longest:
        window, _ = windows([f"{text} "], vocabulary)  # the last window ends before the space
        # Compiled once: called as a function, the model would build its loop over the window anew for each character.
        logits = model.predict_on_batch(window[-1:])[0].astype("float64") / temperature
        logits[0] = -np.inf  # padding is no character
        share = np.exp(logits - logits.max())
        drawn = characters[int(rng.choice(len(share), p=share / share.sum()))]
        if drawn == START:
            break
        text += drawn
    return text


def _member(archive, ending):
    """Return the bytes of the one regular file whose name ends so; a link in its place is refused."""
    (member,) = [member for member in archive.getmembers() if member.name.endswith(f"/{ending}")]
    if not member.isreg() or member.size > _LARGEST:
        raise ValueError(f"{member.name} is no regular file of at most {_LARGEST:,} bytes")
    return read_member(archive, member)


def _arrays(content):
    """Return the arrays of a Keras 2 weights file by layer. Links to other files are never followed."""
    found = {layer: {} for layer in _PARTS}
    with h5py.File(io.BytesIO(content)) as file:

        def keep(name, item):  # `visititems` passes by soft and external links
            layer, part = name.split("/")[0], name.split("/")[-1].partition(":")[0]
            if isinstance(item, h5py.Dataset) and layer in found:
                if item.external or item.is_virtual or item.nbytes > _LARGEST:
                    raise ValueError(f"{name} does not lie in this file, or is too large")
                found[layer][part] = item[()]

        file.visititems(keep)
    return {layer: [found[layer][part] for part in parts] for layer, parts in _PARTS.items()}


def _check(path, arrays, vocabulary):
    numbers = list(vocabulary.values()) if isinstance(vocabulary, dict) else [None]
    if any(type(number) is not int for number in numbers) or sorted(numbers) != list(range(1, len(numbers) + 1)):
        raise DamagedFile(f"{path}: the vocabulary does not number its characters from 1 on")
    if START not in vocabulary:
        raise DamagedFile(f"{path}: the vocabulary lacks {START}")
    size, wide = len(vocabulary) + 1, WIDTH + 2 * UNITS
    recurrent = [(UNITS, 4 * UNITS), (8 * UNITS,)]
    expected = {
        "embedding": [(size, WIDTH)],
        "rnn_1": [(WIDTH, 4 * UNITS), *recurrent],
        "rnn_2": [(UNITS, 4 * UNITS), *recurrent],
        "attention": [(wide, 1)],
        "output": [(wide, size), (size,)],
    }
    for layer, found in arrays.items():
        for array, shape in zip(found, expected[layer], strict=True):
            if array.shape != shape or array.dtype != np.float32 or not np.isfinite(array).all():
                raise DamagedFile(f"{path}: {layer} holds {array.dtype} {array.shape}, expected finite float32 {shape}")
