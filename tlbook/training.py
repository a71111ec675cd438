"""Training: batches that differ every epoch, a learning rate that warms up and cools down, and `fit`."""

import keras
import numpy as np
from tqdm import tqdm


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

    Yields (inputs float32 (batch, ...), labels). Raises `ValueError` for lengths that disagree. Taught in chapter 4.3.
    """

    def __init__(self, variants, labels, batch_size=64, seed=0):
        """Draw the first epoch's order and variants."""
        super().__init__()
        shapes = {np.shape(variant) for variant in variants}
        if len(shapes) != 1 or next(iter(shapes))[0] != len(labels) or not len(labels):
            raise ValueError(f"variants: got shapes {sorted(shapes)}, expected one shape ({len(labels)}, ...), n > 0")
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
    validation : tuple
        (inputs, integer labels).
    epochs : int
        Passes over `batches`.
    learning_rate : float
        The peak of `warmup_cosine`. The optimizer is Adam, whose steps do not depend on the scale of the gradients:
        VGG16 has no normalisation, and its activations differ by orders of magnitude from block to block.

    Returns
    -------
    dict of str to list of float
        loss, accuracy, val_loss and val_accuracy, one number an epoch.

    Raises
    ------
    FloatingPointError
        Where the loss is no longer a finite number. The rate was too high, or the pixels were not.

    Integer labels, hence *sparse* categorical loss and accuracy. Binary accuracy on one-hot labels counts single zeros
    and ones: among ten classes, a model that has learned nothing scores 90 % (chapter 4.4).
    Source: Kingma and Ba (2015) for Adam. Taught in chapter 4.3.
    """
    model.compile(
        keras.optimizers.Adam(warmup_cosine(learning_rate, epochs * len(batches))),
        loss=keras.losses.SparseCategoricalCrossentropy(from_logits=True),
        metrics=["accuracy"],
    )
    with tqdm(total=epochs * len(batches), desc=model.name, unit="batch", leave=False, disable=None) as bar:
        progress = keras.callbacks.LambdaCallback(on_train_batch_end=lambda batch, logs: bar.update())
        stop = keras.callbacks.TerminateOnNaN()
        history = model.fit(
            batches, validation_data=validation, epochs=epochs, verbose=0, callbacks=[progress, stop]
        ).history
    # The loss on the validation set shows what the very last step did.
    losses = history["loss"] + history["val_loss"]
    if not np.isfinite(losses).all():
        raise FloatingPointError(f"the loss of {model.name} became {losses[-1]}: lower the learning rate")
    return history
