"""Four small networks that read words, of one width and depth: LSTM, GRU, transformer, and a convolution over words."""

import keras

from tlbook.backbones import transformer
from tlbook.inputs.text import PADDING

KINDS = ("lstm", "gru", "transformer", "cnn")
LAYERS = ("embedding", "layer 1", "layer 2")
WIDTH, LONGEST = 64, 64  # numbers a word in every layer; words that the transformer has positions for


def network(kind, vocabulary_size):
    """Return a fresh network from the numbers of words to the states of its three layers.

    Parameters
    ----------
    kind : str
        "lstm" or "gru" (reads in both directions), "transformer" (four heads of attention), or "cnn" (each state sees
        the word and its two neighbours of the layer below).
    vocabulary_size : int
        Rows of the embedding: the largest number of a word, plus one.

    Returns
    -------
    keras.Model
        Input (n, length) integers as `tlbook.inputs.text.encode` makes them, up to 64 words for the transformer. Output
        a list of three float32 (n, length, 64), named by `LAYERS`. A padded place has a state, which means nothing.

    Raises `ValueError` for another kind or a vocabulary below 3. Source: Hochreiter and Schmidhuber (1997), Cho et al.
    (2014), Vaswani et al. (2017), Kim (2014). Taught in chapter 3.7.
    """
    if kind not in KINDS or vocabulary_size < 3:
        raise ValueError(
            f"kind, vocabulary_size: got {kind!r}, {vocabulary_size}, expected one of {KINDS} and 3 or more"
        )
    words = keras.Input((None,), dtype="int32", name="words")
    real = keras.ops.not_equal(words, PADDING)
    if kind == "transformer":
        return keras.Model(words, _transformer(vocabulary_size)([words, real]), name=kind)
    x = keras.layers.Embedding(vocabulary_size, WIDTH, name="embedding")(words)
    states = [x]
    for number in (1, 2):
        name = f"layer_{number}"
        if kind == "cnn":
            x = x * keras.ops.cast(real, "float32")[..., None]  # beyond the sentence there is nothing
            x = keras.layers.Conv1D(WIDTH, 3, padding="same", activation="relu", name=name)(x)
        else:
            cell = {"lstm": keras.layers.LSTM, "gru": keras.layers.GRU}[kind](WIDTH // 2, return_sequences=True)
            x = keras.layers.Bidirectional(cell, name=name)(x, mask=real)
        states.append(x)
    return keras.Model(words, states, name=kind)


def _transformer(vocabulary_size):
    config = {
        **transformer.KIND,
        "hidden_size": WIDTH,
        "num_attention_heads": 4,
        "num_hidden_layers": 2,
        "intermediate_size": 2 * WIDTH,
        "vocab_size": vocabulary_size,
        "max_position_embeddings": LONGEST,
        "type_vocab_size": 1,
        "layer_norm_eps": 1e-6,
        "initializer_range": WIDTH**-0.5,
    }
    inner = transformer.build(config)
    return keras.Model(inner.input, [inner.get_layer(name).output for name in ("norm", "norm_0", "norm_1")])


def means(network):
    """Return a network that gives the mean over the words of each layer: a list of three float32 (n, 64).

    Padding does not count; a sentence of no words has the mean 0. It shares the weights. Taught in chapter 3.7.
    """
    word = keras.ops.cast(keras.ops.not_equal(network.input, PADDING), "float32")[..., None]
    count = keras.ops.maximum(keras.ops.sum(word, axis=1), 1.0)
    return keras.Model(network.input, [keras.ops.sum(state * word, axis=1) / count for state in network.outputs])


def opinion(network, classes=2, dropout=0.3):
    """Return a classifier of sentences on the last layer's mean: what has to tell things apart. Output logits.

    It shares the weights. Taught in chapter 3.7.
    """
    x = keras.layers.Dropout(dropout)(means(network).outputs[-1])
    return keras.Model(network.input, keras.layers.Dense(classes, name="logits")(x))


def gap_filler(network, vocabulary_size, picks, dropout=0.1):
    """Return a model that guesses hidden words from the last layer's states at their places.

    Inputs `[words, places]`: integers (n, length), the hidden words replaced, and (n, picks), where they stood. Output
    (n, picks, vocabulary_size) logits. It shares the weights. Source: Devlin et al. (2019). Taught in chapter 3.7.
    """
    places = keras.Input((picks,), dtype="int32", name="places")
    x = keras.ops.take_along_axis(network.outputs[-1], places[..., None], axis=1)
    x = keras.layers.Dropout(dropout)(x)
    return keras.Model([network.input, places], keras.layers.Dense(vocabulary_size, name="hidden_word")(x))
