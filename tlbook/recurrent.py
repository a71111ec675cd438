"""Recurrent networks for text: an encoder that reads a sentence in both directions, and a search for its rate."""

import keras
import numpy as np


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
        Input (n, length) integers as `tlbook.text.encode` makes them, any length; 0 is skipped. Output (n, 2 * units)
        float32: the last state of each direction.

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


def fit_best_rate(model, train, validation, epochs, rates, batch_size=64, seed=0):
    """Train from the same start at each rate, and leave the model with the weights that served validation best.

    Parameters
    ----------
    model : keras.Model
        Returns logits (n, classes).
    train, validation : tuple of numpy.ndarray
        (inputs, integer labels). Validation accuracy chooses the rate and the epoch; at a tie the lower rate and the
        earlier epoch.
    epochs : int
        Passes over `train` for each rate.
    rates : sequence of float
        Learning rates of Adam to try, each constant.
    batch_size, seed : int
        The order of the examples depends on `seed` only: all rates see the same.

    Returns
    -------
    dict of float to list of float
        For each rate the validation accuracy after each epoch. `model.rate` and `model.validation_accuracy` say what
        was chosen.

    Raises `ValueError` for no rates or no epochs, and `FloatingPointError` where no rate gives a loss that is a number.
    Taught in chapter 5.2.
    """
    if not len(rates) or epochs < 1:
        raise ValueError(f"rates, epochs: got {list(rates)} and {epochs}, expected one or more rates and 1 or more")
    start, best = model.get_weights(), None
    model.compile(
        keras.optimizers.Adam(rates[0]),
        loss=keras.losses.SparseCategoricalCrossentropy(from_logits=True),
        metrics=["accuracy"],
    )
    curves = {}
    for rate in sorted(rates):
        keras.utils.set_random_seed(seed)
        model.set_weights(start)
        # One compiled step serves all rates, because compiling takes longer than a short training: so the optimizer
        # forgets its moments here, and the new rate is put into it.
        for variable in model.optimizer.variables:
            variable.assign(keras.ops.zeros_like(variable))
        model.optimizer.learning_rate = rate
        curves[rate] = []

        def keep(epoch, logs, rate=rate):
            nonlocal best
            curves[rate].append(logs["val_accuracy"])
            if np.isfinite(logs["loss"]) and (best is None or logs["val_accuracy"] > best[0]):
                best = logs["val_accuracy"], rate, model.get_weights()

        model.fit(
            *train,
            batch_size=batch_size,
            epochs=epochs,
            validation_data=validation,
            validation_batch_size=512,
            callbacks=[keras.callbacks.LambdaCallback(on_epoch_end=keep)],
            verbose=0,
        )
    if best is None:
        raise FloatingPointError(f"no rate of {sorted(rates)} gave a loss that is a number")
    model.validation_accuracy, model.rate = best[:2]
    model.set_weights(best[2])
    return curves


def sentence_vectors(encoder, numbers, batch_size=512):
    """Return what a frozen encoder makes of encoded sentences (n, length), float32 (n, ...).

    Raises `ValueError` for another shape or no sentence. Taught in chapter 5.2.
    """
    if np.ndim(numbers) != 2 or not len(numbers):
        raise ValueError(f"numbers: got shape {np.shape(numbers)}, expected (n, length), n > 0")
    batches = (numbers[start : start + batch_size] for start in range(0, len(numbers), batch_size))
    return np.concatenate([keras.ops.convert_to_numpy(encoder(batch, training=False)) for batch in batches])
