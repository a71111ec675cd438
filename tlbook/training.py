"""Training: batches that differ every epoch, a learning rate that warms up and cools down, `fit` and `predict`."""

import warnings
from dataclasses import dataclass

import keras
import numpy as np
from tqdm import tqdm

from tlbook import features, heads


class Batches(keras.utils.PyDataset):
    """Shuffled batches in which every example appears in one of its variants, drawn anew each epoch.

    Parameters
    ----------
    variants : sequence of numpy.ndarray
        Arrays (n, ...) of equal shape: variant k of example i is `variants[k][i]`. One array means no augmentation;
        pictures and their mirror images, or the features of both, are the cheapest one.
    labels : numpy.ndarray
        Integers (n,).
    batch_size, seed : int

    Yields (inputs float32 (batch, ...), labels). Raises `ValueError` for lengths that disagree, or batches of nothing.
    Taught in chapter 4.3.
    """

    def __init__(self, variants, labels, batch_size=64, seed=0):
        """Draw the first epoch's order and variants."""
        super().__init__()
        shapes = {np.shape(variant) for variant in variants}
        if len(shapes) != 1 or next(iter(shapes))[0] != len(labels) or not len(labels):
            raise ValueError(f"variants: got shapes {sorted(shapes)}, expected one shape ({len(labels)}, ...), n > 0")
        if batch_size < 1:
            raise ValueError(f"batch_size: got {batch_size}, expected 1 or more")
        self.variants, self.labels, self.batch_size = variants, labels, batch_size
        self.rng = np.random.default_rng(seed)
        self.on_epoch_end()

    def on_epoch_end(self):
        """Draw the next epoch's order and variants."""
        self.order = self.rng.permutation(len(self.labels))
        self.choice = self.rng.integers(len(self.variants), size=len(self.labels))

    def __len__(self):
        """Return the number of batches, the last smaller one included."""
        return -(-len(self.labels) // self.batch_size)

    def __getitem__(self, index):
        """Return batch `index` of this epoch."""
        chosen = self.order[index * self.batch_size : (index + 1) * self.batch_size]
        inputs = np.empty((len(chosen), *self.variants[0].shape[1:]), "float32")
        for k, variant in enumerate(self.variants):
            mask = self.choice[chosen] == k
            inputs[mask] = variant[chosen[mask]]
        return inputs, self.labels[chosen]


def warmup_cosine(peak, steps, warmup=0.1):
    """Return a schedule that climbs to the rate `peak` over the first part of `steps` and falls to 0 as a half cosine.

    A pretrained network meets a fresh head: the first gradients are large and point nowhere in particular. Small first
    steps keep them from destroying the features. Source: Loshchilov and Hutter (2017) for the cosine. Chapter 4.3.
    """
    warmup_steps = max(1, round(warmup * steps))
    return keras.optimizers.schedules.CosineDecay(
        0.0, max(1, steps - warmup_steps), warmup_target=peak, warmup_steps=warmup_steps
    )


def fit(model, batches, validation, epochs, learning_rate):
    """Train a classifier that returns logits, and return its history.

    Parameters
    ----------
    model : keras.Model
        Returns logits (n, classes). Its `trainable` flags say what learns.
    batches : Batches
        What it learns from.
    validation : tuple or None
        (inputs, integer labels) that judge each epoch; None where nobody asks.
    epochs : int
        Passes over `batches`.
    learning_rate : float
        The peak of `warmup_cosine`. The optimizer is Adam, whose steps do not depend on the scale of the gradients:
        VGG16 has no normalisation, and its activations differ by orders of magnitude from block to block.

    Returns
    -------
    dict of str to list of float
        loss, accuracy, and with validation data val_loss and val_accuracy, one number an epoch.

    Raises
    ------
    ValueError
        For no epochs.
    FloatingPointError
        Where the loss is no longer a finite number. The rate was too high, or the pixels were not.

    Warns where a head trains on large features that nobody standardised (`tlbook.heads.classifier`).
    Integer labels, hence *sparse* categorical loss and accuracy. Binary accuracy on one-hot labels counts single zeros
    and ones: among ten classes, a model that has learned nothing scores 90 % (chapter 4.4).
    Source: Kingma and Ba (2015) for Adam. Taught in chapter 4.3.
    """
    if raw := heads.features_left_raw(model, batches[0][0]):
        warnings.warn(f"the head of {model.name} meets features of size {raw:.0f}, not standardised", stacklevel=2)
    model.compile(
        keras.optimizers.Adam(warmup_cosine(learning_rate, epochs * len(batches))),
        loss=keras.losses.SparseCategoricalCrossentropy(from_logits=True),
        metrics=["accuracy"],
    )
    return run(model, batches, epochs, validation_data=validation)


def run(model, batches, epochs, on_epoch_end=None, **options):
    """Train a compiled model, with a progress bar in a terminal, and return its history, one number an epoch.

    `on_epoch_end(epoch, logs)` is called after each epoch; `options` are those of Keras's `fit`. Raises `ValueError`
    for no epochs, and `FloatingPointError` where the loss is no longer a finite number.
    """
    if epochs < 1:
        raise ValueError(f"epochs: got {epochs}, expected 1 or more")
    with tqdm(total=epochs * len(batches), desc=model.name, unit="batch", leave=False, disable=None) as bar:
        progress = keras.callbacks.LambdaCallback(
            on_train_batch_end=lambda batch, logs: bar.update(), on_epoch_end=on_epoch_end
        )
        callbacks = [progress, keras.callbacks.TerminateOnNaN()]
        history = model.fit(batches, epochs=epochs, verbose=0, callbacks=callbacks, **options).history
    # The loss on the validation set shows what the very last step did.
    losses = history["loss"] + history.get("val_loss", [])
    if not np.isfinite(losses).all():
        raise FloatingPointError(f"the loss of {model.name} became {losses[-1]}: lower the learning rate")
    return history


@dataclass(frozen=True)
class RateSearch:
    """What `choose_rate` found: the best `rate`, its `validation_accuracy`, and `curves`.

    `curves` holds for each rate the validation accuracy after each epoch, a dict of float to list of float. Taught in
    chapter 5.2.
    """

    rate: float
    validation_accuracy: float
    curves: dict[float, list[float]]


def choose_rate(model, train, validation, epochs, rates, batch_size=64, seed=0):
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
    RateSearch

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
    accuracy, rate, weights = best
    model.set_weights(weights)
    return RateSearch(rate, accuracy, curves)


def predict(model, inputs, batch_size=100):
    """Return the most probable class of each input, int64 (n,), of a model that returns logits or probabilities.

    `tlbook.features.forward` says what goes in, and which `ValueError` it raises. Taught in chapter 4.3.
    """
    return features.forward(model, inputs, batch_size).argmax(axis=1)
