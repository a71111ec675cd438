"""Recurrent networks for text: an encoder of sentences, and the body of a tagger, both reading in both directions."""

import keras
import numpy as np

from tlbook.inputs import tokens


def text_encoder(vocabulary_size, width=64, units=64, dropout=0.3):
    """Return a fresh bidirectional GRU that turns a sentence into one vector.

    Parameters
    ----------
    vocabulary_size : int
        Rows of the embedding: the largest number in an encoded sentence, plus one.
    width, units : int
        Numbers a word, and numbers a direction.
    dropout : float
        Share of the embedding's numbers that is set to 0 in training.

    Returns
    -------
    keras.Model
        Input (n, length) integers as `tlbook.inputs.text.encode` makes them, any length; 0 is skipped. Output (n, 2 *
        units) float32: the last state of each direction.

    Raises `ValueError` for sizes that make no network. Source: Schuster and Paliwal (1997), Cho et al. (2014). Taught
    in chapter 5.2.
    """
    if vocabulary_size < 3 or width < 1 or units < 1:
        raise ValueError(
            f"vocabulary_size, width, units: got {vocabulary_size}, {width}, {units}, expected 3, 1, 1 or more"
        )
    numbers = keras.Input((None,), dtype="int32", name="words")
    x = keras.layers.Embedding(vocabulary_size, width, mask_zero=True, name="embedding")(numbers)
    x = keras.layers.Dropout(dropout, name="word_dropout")(x)
    x = keras.layers.Bidirectional(keras.layers.GRU(units), name="both_ways")(x)
    return keras.Model(numbers, x, name="text_encoder")


def tagger_body(rows, units=64, dropout=0.3):
    """Return the network from words to features, one vector for each word in its sentence.

    Input, a dict, as `tlbook.inputs.tokens.encode` makes it; output (n, length, 2 * units) float32. `rows` is that of
    the vectors of words: the length of the vocabulary plus two, for padding and any other word. Source: Ma and Hovy
    (2016), also for the scale of the vectors at the start; without the last layer of theirs, which scores whole
    sequences of tags. Taught in chapter 5.6.
    """
    words = keras.Input((None,), dtype="int32", name="words")
    shapes = keras.Input((None,), dtype="int32", name="shapes")
    letters = keras.Input((None, tokens.LETTERS), dtype="int32", name="characters")
    by_letters = _vectors(tokens.CHARACTERS, 16, "letter_vectors")(letters)
    by_letters = keras.layers.Conv2D(32, (1, 3), padding="same", activation="relu", name="letter_patterns")(by_letters)
    x = [
        _vectors(rows, 50, "word_vectors")(words),
        keras.ops.one_hot(shapes, len(tokens.SHAPES)),
        keras.ops.max(by_letters, axis=2),
    ]
    x = keras.layers.Dropout(dropout)(keras.layers.Concatenate()(x))
    both_ways = keras.layers.Bidirectional(keras.layers.LSTM(units, return_sequences=True), name="both_ways")
    x = both_ways(x, mask=keras.ops.not_equal(words, tokens.PADDING))
    return keras.Model({"words": words, "shapes": shapes, "characters": letters}, x, name="body")


def _vectors(rows, size, name):
    # Keras starts vectors so small that the network would need many steps to notice them.
    start = keras.initializers.RandomUniform(-((3 / size) ** 0.5), (3 / size) ** 0.5)
    return keras.layers.Embedding(rows, size, embeddings_initializer=start, name=name)


def extend_vocabulary(body, vocabulary, new_vocabulary):
    """Return a copy of a body for a larger vocabulary: new words start with the vector of the unknown word.

    Raises `ValueError` where the new vocabulary does not begin with the words of the old one. Taught in chapter 5.6.
    """
    old, new = list(vocabulary), list(new_vocabulary)
    if new[: len(old)] != old:
        raise ValueError(f"new_vocabulary: got {len(new)} words, expected the {len(old)} old ones first, in order")
    units = body.output_shape[-1] // 2
    copy = tagger_body(len(new_vocabulary) + 2, units)
    for layer in body.layers:
        weights = layer.get_weights()
        if layer.name == "word_vectors":
            table = weights[0]
            weights = [np.concatenate([table, np.repeat(table[[tokens.UNKNOWN]], len(new) - len(old), axis=0)])]
        if weights:
            copy.get_layer(layer.name).set_weights(weights)
    return copy
