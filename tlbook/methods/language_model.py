"""Language models: text as one stream of words, models that count, a recurrent network, and perplexity."""

import keras
import numpy as np

from tlbook import features
from tlbook.inputs.text import PADDING, UNKNOWN, tokenize

# The number between two sentences of a stream is that behind the last word of a padded sentence. Both say that no word
# stands here, so what a network learned about one holds for the other.
BETWEEN = PADDING


def stream(sentences, vocabulary):
    """Return all sentences as one row of numbers, int32 (n,), with `BETWEEN` before, between and behind them.

    `vocabulary` comes from `tlbook.inputs.text.vocabulary`; any other word becomes `tlbook.inputs.text.UNKNOWN`.
    Raises `ValueError` for no sentences, or one str in their place. Taught in chapter 5.4.
    """
    if isinstance(sentences, str) or not len(sentences):
        raise ValueError(f"sentences: got {sentences!r:.40}, expected a sequence of one or more str")
    numbers = [BETWEEN]
    for sentence in sentences:
        numbers += [vocabulary.get(word, UNKNOWN) for word in tokenize(sentence)]
        numbers.append(BETWEEN)
    return np.array(numbers, "int32")


def pieces(numbers, length):
    """Cut a stream into pieces and return `(inputs, targets)`, each int32 (n, length); a shorter rest is dropped.

    `targets[i, t]` is the word behind `inputs[i, t]`. Raises `ValueError` for a length below 1 or a stream shorter
    than a piece and a word. Taught in chapter 5.4.
    """
    numbers = np.asarray(numbers)
    count = (len(numbers) - 1) // length if numbers.ndim == 1 and length >= 1 else 0
    if count < 1:
        raise ValueError(f"length: got {length} for a stream of shape {numbers.shape}, expected 1..{numbers.size - 1}")
    end = count * length
    return numbers[:end].reshape(count, length), numbers[1 : end + 1].reshape(count, length)


def perplexity(log_probabilities):
    """Return exp(mean negative log-likelihood): among how many equally likely words the model is still undecided.

    Parameters
    ----------
    log_probabilities : array_like
        Natural logarithm of the probability that the model gave to each word that came, any shape.

    Raises `ValueError` for no words, or a value that is not the logarithm of a probability. A word that the model
    called impossible (-inf) makes the perplexity infinite. Taught in chapter 5.4.
    """
    values = np.asarray(log_probabilities, "float64")
    if not values.size or np.isnan(values).any() or values.max() > 1e-6:  # a sum of float32 may round to just above 1
        raise ValueError(
            f"log_probabilities: got {values.size} values up to {values.max(initial=-np.inf):.3g}, "
            "expected one or more, none above 0 or NaN"
        )
    return float(np.exp(-values.mean()))


def unigram(numbers, size):
    """Return the share of each word in a stream, float64 (size,), after one more of each: no word is impossible.

    Raises `ValueError` for no words or a word outside 0..size - 1. Source: Laplace's rule. Taught in chapter 5.4.
    """
    counts = np.bincount(_checked(numbers, size), minlength=size) + 1.0
    return counts / counts.sum()


def bigram(numbers, size, weight):
    """Return the function that gives log p(word | word before), `weight` of it from pairs and the rest from `unigram`.

    Parameters
    ----------
    numbers : numpy.ndarray
        A stream, the training text.
    size : int
        Words are 0..size - 1.
    weight : float
        0..1, excluding 1: a pair that was never seen stays possible.

    Returns
    -------
    callable
        Takes words before and words, two integer arrays of one shape, returns float64 of that shape.

    Source: Jelinek and Mercer (1980), with one weight for all words. Raises `ValueError` for bad words or weight.
    Taught in chapter 5.4.
    """
    if not 0 <= weight < 1:
        raise ValueError(f"weight: got {weight}, expected 0 <= weight < 1")
    numbers = _checked(numbers, size).astype("int64")
    single = unigram(numbers, size)
    pairs, counts = np.unique(numbers[:-1] * size + numbers[1:], return_counts=True)
    followed = np.bincount(numbers[:-1], minlength=size)

    def log_probability(before, words):
        key = np.asarray(before, "int64") * size + words
        place = np.minimum(np.searchsorted(pairs, key), len(pairs) - 1)
        seen = np.where(pairs[place] == key, counts[place], 0)
        # After a word that never came before another one, pairs say nothing and single words decide.
        share = weight * seen / np.maximum(followed[before], 1) + (1 - weight) * single[words]
        return np.log(np.where(followed[before] > 0, share, single[words]))

    return log_probability


def reader(vocabulary_size, units=128):
    """Return a fresh embedding and LSTM, one way only: input (n, length) integers, output (n, length, units) states.

    State t has read the words up to t and no further. Raises `ValueError` for sizes below 3 and 1. Source: Mikolov et
    al. (2010) for the idea, Hochreiter and Schmidhuber (1997) for the layer. Taught in chapter 5.4.
    """
    if vocabulary_size < 3 or units < 1:
        raise ValueError(f"vocabulary_size, units: got {vocabulary_size}, {units}, expected 3, 1 or more")
    numbers = keras.Input((None,), dtype="int32", name="words")
    vectors = keras.layers.Embedding(vocabulary_size, units, name="embedding")(numbers)
    states = keras.layers.LSTM(units, return_sequences=True, name="lstm")(vectors)
    return keras.Model(numbers, states, name="reader")


def language_model(body, dropout=0.2):
    """Return a `reader` with a head that guesses the next word: output (n, length, words) logits. Chapter 5.4."""
    x = keras.layers.Dropout(dropout, name="dropout")(body.output)
    words = body.get_layer("embedding").input_dim
    return keras.Model(body.input, keras.layers.Dense(words, name="next_word")(x), name="language_model")


def log_probabilities(model, inputs, targets, batch_size=64):
    """Return what a `language_model` thought of each word that came: log p, float32 of the shape of `targets`.

    One batch at a time: the logits of all would not fit into memory. Taught in chapter 5.4.
    """

    def chosen(batch, training):
        shares = keras.ops.log_softmax(model(batch["inputs"], training=training))
        return keras.ops.take_along_axis(shares, batch["targets"][..., None], axis=-1)[..., 0]

    return features.forward(chosen, {"inputs": inputs, "targets": targets}, batch_size)


def sentence_encoder(body):
    """Return a network that turns encoded sentences into one vector each: mean and maximum of a `reader`'s states.

    Only words count, padding does not. The input must begin with `BETWEEN`, as a sentence does in a stream:
    `prepend_bos`. Output (n, 2 * units) float32. Source: Howard and Ruder (2018), who add the last state. Taught in
    chapter 5.4.
    """
    word = keras.ops.cast(keras.ops.expand_dims(keras.ops.not_equal(body.input, PADDING), -1), "float32")
    count = keras.ops.maximum(keras.ops.sum(word, axis=1), 1.0)  # a sentence of no words has the mean 0
    mean = keras.ops.sum(body.output * word, axis=1) / count
    # States lie between -1 and 1, so the -1 of padding never exceeds a word's.
    largest = keras.ops.max(body.output * word - (1 - word), axis=1)
    return keras.Model(body.input, keras.ops.concatenate([mean, largest], axis=-1), name="sentence_encoder")


def prepend_bos(numbers):
    """Put `BETWEEN` before each encoded sentence: (n, length) becomes (n, length + 1). Taught in chapter 5.4."""
    return np.pad(numbers, ((0, 0), (1, 0)), constant_values=BETWEEN)


def _checked(numbers, size):
    numbers = np.asarray(numbers)
    if numbers.ndim != 1 or not len(numbers) or numbers.dtype.kind not in "iu":
        raise ValueError(f"numbers: got {numbers.dtype} {numbers.shape}, expected integers (n,), n > 0")
    if numbers.min() < 0 or numbers.max() >= size:
        raise ValueError(f"numbers: got {numbers.min()}..{numbers.max()}, expected 0..{size - 1}")
    return numbers
