"""A recurrent language model over pieces of words, with one table of vectors for what it reads and what it says."""

import keras
import numpy as np

from tlbook import training
from tlbook.inputs.pieces import END
from tlbook.methods.language_model import log_probabilities
from tlbook.methods.language_model import pieces as pieces_of

SPREAD = 0.3  # of the vectors at the start. From Keras's own 0.05, a first pass learned hardly more than frequencies.
LENGTH = 32  # of what is read at once


class NextWord(keras.layers.Layer):
    """A head that scores each word by the vector it has as an input: logits = states @ vectors.T + bias.

    `embedding` is the `keras.layers.Embedding` whose vectors it shares, as wide as the states. Half the numbers of a
    language model are gone so, and a word that is read often is also said well. Source: Press and Wolf (2017). Taught
    in chapter 5.16.
    """

    def __init__(self, embedding, **options):
        """Keep the embedding."""
        super().__init__(**options)
        self.embedding = embedding

    def build(self, shape):
        """Make one bias a word."""
        self.bias = self.add_weight(shape=(self.embedding.input_dim,), initializer="zeros", name="bias")

    def call(self, states):
        """Return the logits (n, length, words)."""
        return keras.ops.matmul(states, keras.ops.transpose(self.embedding.embeddings)) + self.bias


def language_model(size, units=128, dropout=0.2):
    """Return a fresh network: input (n, length) integers below `size`, output (n, length, size) logits.

    State t of its layer "lstm" has read the pieces up to t. Raises `ValueError` for sizes below 3 and 1. Source:
    Mikolov et al. (2010) for the idea, Press and Wolf (2017) for the tie. Taught in chapter 5.16.
    """
    if size < 3 or units < 1:
        raise ValueError(f"size, units: got {size}, {units}, expected 3, 1 or more")
    numbers = keras.Input((None,), dtype="int32", name="words")
    start = keras.initializers.RandomUniform(-SPREAD, SPREAD)
    embedding = keras.layers.Embedding(size, units, embeddings_initializer=start, name="embedding")
    states = keras.layers.LSTM(units, return_sequences=True, name="lstm")(embedding(numbers))
    states = keras.layers.Dropout(dropout, name="dropout")(states)
    return keras.Model(numbers, NextWord(embedding, name="next_word")(states), name="language_model")


def reader(model):
    """Return the part of a `language_model` below its head: output (n, length, units) states. Chapter 5.16."""
    return keras.Model(model.input, model.get_layer("lstm").output, name="reader")


def stream(texts):
    """Return texts in pieces as one row of numbers, int32 (n,), with `END` before, between and behind them.

    Taught in chapter 5.16.

    >>> stream([[7, 8], [9]]).tolist()
    [0, 7, 8, 0, 9, 0]
    """
    return np.concatenate([[END], *(np.append(text, END) for text in texts)]).astype("int32")


def start_from_frequencies(model, texts):
    """Let a fresh `language_model` begin with how often each piece stands in texts: the bias of its head.

    Every piece is counted once more than it was seen. Otherwise the first hundreds of steps teach little else. Taught
    in chapter 5.16.
    """
    head = model.get_layer("next_word")
    counts = np.bincount(stream(texts), minlength=head.bias.shape[0]) + 1.0
    head.bias.assign(np.log(counts / counts.sum()))


def train(model, texts, epochs, rate, batch_size=32, on_epoch_end=None):
    """Teach a `language_model` to guess the next piece of texts, which it reads as one stream.

    `rate` is the peak of `tlbook.training.warmup_cosine`; gradients longer than 1 are cut, as a sudden one would throw
    an LSTM far off. `on_epoch_end(epoch, logs)` is called after each pass. Raises `ValueError` for texts with fewer
    than `LENGTH` pieces, and `FloatingPointError` where the loss is no number. Taught in chapter 5.16.
    """
    inputs, targets = pieces_of(stream(texts), LENGTH)
    steps = epochs * -(-len(inputs) // batch_size)
    model.compile(
        keras.optimizers.Adam(training.warmup_cosine(rate, steps), clipnorm=1.0),
        loss=keras.losses.SparseCategoricalCrossentropy(from_logits=True),
        jit_compile=False,  # compiling takes longer than a short training
    )
    called = [keras.callbacks.LambdaCallback(on_epoch_end=on_epoch_end)] if on_epoch_end else []
    history = model.fit(inputs, targets, batch_size, epochs, verbose=0, callbacks=called).history
    if not np.isfinite(history["loss"]).all():
        raise FloatingPointError(f"the loss became {history['loss'][-1]}: lower the learning rate")


def score_texts(model, texts):
    """Return log p of each piece of each text and of its end, a list of float arrays (pieces + 1,).

    `texts` are lists of int, as `tlbook.inputs.pieces.encode` returns them; the model reads `END` first. Raises
    `ValueError` for no texts. Taught in chapter 5.16.
    """
    if not len(texts):
        raise ValueError("texts: got none, expected one or more")
    order = np.argsort([len(text) for text in texts], kind="stable")  # like lengths together: little padding
    found = [None] * len(texts)
    for start in range(0, len(order), 64):
        batch = order[start : start + 64]
        rows = np.full((len(batch), max(len(texts[i]) for i in batch) + 2), END, "int32")
        for row, i in zip(rows, batch, strict=True):
            row[1 : len(texts[i]) + 1] = texts[i]
        scores = log_probabilities(model, rows[:, :-1], rows[:, 1:])
        for row, i in zip(scores, batch, strict=True):
            found[i] = row[: len(texts[i]) + 1]
    return found
