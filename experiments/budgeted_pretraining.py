"""Ways to pretrain one small body, each on the same budget of multiply-adds: a step that costs more makes fewer steps.

CIFAR-10 at 16 pixels a side (`tlbook.methods.generative.small`). Classes with even numbers are the source (airplane,
bird, deer, frog, ship), those with odd numbers the target (automobile, cat, dog, horse, truck): a rule that nobody
could tune. Rates and areas were tried with seed 99 on the source's classes alone.
"""

import functools
import math

import keras
import numpy as np
import tensorflow as tf

from experiments.code_digest import digest
from experiments.pretraining import weights_once
from tlbook import data, training
from tlbook.backbones.cost import multiply_adds
from tlbook.files import cache
from tlbook.methods import contrastive, generative

SOURCE, TARGET = (0, 2, 4, 6, 8), (1, 3, 5, 7, 9)
BUDGET = 0.5e12  # multiply-adds of one pretraining
PEAK = {"labels": 1e-2, "autoencoder": 2e-3, "judge": 1e-3, "forger": 2e-3, "contrastive": 5e-3}  # rates of Adam


def of_classes(split, classes):
    """Return the pictures of some classes, which get the numbers 0, 1, ..."""
    mask = np.isin(split.labels, classes)
    return data.Split(split.images[mask], np.searchsorted(classes, split.labels[mask]))


def by_labels(body, split, seed):
    """Train a body with the source's labels, on large parts of its pictures."""
    model, pictures = generative.with_head(body, len(SOURCE)), generative.small(split.images)
    steps = steps_within(3 * multiply_adds(model) * 64)
    rng = np.random.default_rng(seed)
    order = contrastive.passes(len(pictures), 64 * steps, rng).reshape(steps, 64)
    batches = Stream([lambda i: contrastive.views(pictures[order[i]], rng, (0.6, 1), False)], split.labels, order)
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile(keras.optimizers.Adam(training.warmup_cosine(PEAK["labels"], steps)), loss, jit_compile=False)
    training.run(model, batches, 1)


class Stream(keras.utils.PyDataset):
    """One batch after the other, from a function of its number; `labels` are taken at `order` (steps, batch)."""

    def __init__(self, make, labels, order):
        """Keep what makes a batch, in a list: Keras would track a bare function."""
        super().__init__()
        self.make, self.labels, self.order = make, labels, order

    def __len__(self):
        """Return the number of batches."""
        return len(self.order)

    def __getitem__(self, index):
        """Return batch `index`."""
        return self.make[0](index), self.labels[self.order[index]]


def by_copying(body, split, seed):
    """Train a body as the lower part of an autoencoder."""
    pictures = generative.small(split.images)
    model = generative.with_head(generative.body(), generative.CODE)
    cost = multiply_adds(model) + multiply_adds(generative.decoder())
    order = contrastive.passes(len(pictures), 64 * steps_within(3 * cost * 64), np.random.default_rng(seed))
    shown = pictures[order]
    shown[1::2] = shown[1::2, :, ::-1]
    generative.train_autoencoder(body, shown, 1, PEAK["autoencoder"])


def by_a_game(body, split, seed):
    """Train a body as the discriminator of a GAN, as chapter 3.6 does."""
    pictures = generative.small(split.images)
    judge, forger = generative.with_head(body, 1), generative.decoder()
    # One step: forge, judge real and forged, and the gradients of both players' losses.
    cost = 3 * multiply_adds(forger) + 7 * multiply_adds(judge)
    steps = steps_within(cost * 64)
    rng = np.random.default_rng(seed)
    order = contrastive.passes(len(pictures), 64 * steps, rng).reshape(steps, 64)
    players = [
        (judge, keras.optimizers.Adam(PEAK["judge"], beta_1=0.5)),
        (forger, keras.optimizers.Adam(PEAK["forger"], beta_1=0.5)),
    ]
    for network, optimizer in players:
        optimizer.build(network.trainable_variables)

    @tf.function
    def step(real, codes):
        with tf.GradientTape(persistent=True) as tape:
            forged = forger(codes, training=True)
            logits = judge(tf.concat([real, forged], axis=0), training=True)
            on_real, on_forged = logits[:64], logits[64:]
            loss_d = tf.reduce_mean(tf.nn.softplus(-on_real)) + tf.reduce_mean(tf.nn.softplus(on_forged))
            loss_g = tf.reduce_mean(tf.nn.softplus(-on_forged))
        for loss, (network, optimizer) in zip((loss_d, loss_g), players, strict=True):
            optimizer.apply(tape.gradient(loss, network.trainable_variables), network.trainable_variables)
        return loss_d + loss_g

    for chosen in order:
        real = pictures[chosen]
        real[::2] = real[::2, :, ::-1]
        loss = step(real, rng.standard_normal((64, generative.CODE)).astype("float32"))
    if not math.isfinite(loss):
        raise FloatingPointError(f"the game of seed {seed} has blown up: its loss is {loss}")


def by_contrast(body, split, seed, colour=True):
    """Train a body to find the partner of each view."""
    steps = steps_within(6 * multiply_adds(contrastive.projector(generative.body())) * 128)
    pictures, rate = generative.small(split.images), PEAK["contrastive"]
    contrastive.train_contrastive(body, pictures, steps, learning_rate=rate, seed=seed, colour=colour)


def steps_within(cost):
    """Return how many steps of a cost in multiply-adds the budget pays."""
    return max(1, round(BUDGET / cost))


def of_source(split):
    """Return the pictures of the source's classes, with their labels."""
    return of_classes(split, SOURCE)


def everything_unlabelled(split):
    """Return the training pictures of all ten classes, without their labels."""
    return data.Split(split.images, np.zeros(len(split), int))


WAYS = {
    "labels": (by_labels, of_source),
    "autoencoder": (by_copying, of_source),
    "gan": (by_a_game, of_source),
    "contrastive": (by_contrast, of_source),
    "contrastive_all": (by_contrast, everything_unlabelled),
    "contrastive_no_colour": (functools.partial(by_contrast, colour=False), of_source),
}


def pretrained(way, task, seed):
    """Return a body that was pretrained in one way, and what the row says about it; trained once for each seed."""
    keras.utils.set_random_seed(seed)
    body = generative.body()
    if way in ("fresh", "measured"):
        if way == "measured":
            measure(body, of_source(task.pictures).images[:1_000])
        return body, {}
    train, select = WAYS["contrastive" if way == "shuffled" else way]
    split = select(task.pictures)
    key = cache.fingerprint(
        split.images, split.labels, text=[digest(pretrained), way.replace("shuffled", "contrastive")]
    )
    key += f"-{seed}-{BUDGET:.3g}"
    seconds = weights_once(key, body, lambda: train(body, split, seed))
    said = {
        "pretraining_seconds": seconds,
        "n_source": len(split) if way == "labels" else 0,
        "figures": {"tmac": BUDGET / 1e12, "unlabelled": 0 if way == "labels" else len(split)},
    }
    if way == "shuffled":
        shuffle(body, split.images[:1_000], seed)
    return body, said


def shuffle(body, images, seed):
    """Put the numbers of every weight array in a random order, and measure the means and variances anew."""
    rng = np.random.default_rng(seed)
    body.set_weights([rng.permuted(weight.ravel()).reshape(weight.shape) for weight in body.get_weights()])
    measure(body, images)


def measure(body, images):
    """Give batch normalisation the means and variances of pictures: no weight learns."""
    pictures = generative.small(images)
    for _ in range(3):  # momentum 0.9: after thirty batches what was there before is gone
        for start in range(0, len(pictures), 100):
            body(pictures[start : start + 100], training=True)
