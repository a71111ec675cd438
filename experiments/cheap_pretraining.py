"""What a small body learns from pictures without labels, on one budget, against labels of other classes and nothing.

CIFAR-10 at 16 pixels a side (`tlbook.methods.generative.small`). Classes with even numbers are the source (airplane,
bird, deer, frog, ship), those with odd numbers the target (automobile, cat, dog, horse, truck): a rule that nobody
could tune. One body, `generative.body`, is pretrained in several ways, each on `BUDGET` multiply-adds: a way whose step
costs more takes fewer steps. A seed draws the target's labels, the body's first weights and the order of the
pretraining, so five seeds are five repetitions of everything, except that all share the test pictures.

Of the labels of a target class (10, 50 or 200) a fifth chooses: C of the probe, or the rate of fine-tuning, by
accuracy, and at a tie by the probability of the right class. Every arm sees the
target's pictures mirrored (frozen) or in the same eight variants (fine-tuned); fine-tuning begins at the probe's head.
Rates and areas of the pretraining were tried with seed 99 on the source's classes alone. The test is made of pictures
of CIFAR-10's test set. No picture of `data.holdout` is drawn.

Run it with `python -m experiments.cheap_pretraining`. Chapter 7.1 plots it.
"""

import functools
import math

import keras
import numpy as np
import tensorflow as tf
from sklearn.cluster import MiniBatchKMeans

from experiments.code_digest import digest
from experiments.pretraining import trained_once, weights_once
from experiments.protocol import Arm, Experiment, Fitted, HeldOut, Task
from tlbook import backbones, data, evaluation, features, heads, training
from tlbook.backbones import vgg16
from tlbook.backbones.cost import multiply_adds
from tlbook.files import cache
from tlbook.methods import contrastive, generative

SOURCE, TARGET = (0, 2, 4, 6, 8), (1, 3, 5, 7, 9)
BUDGET = 0.5e12  # multiply-adds of one pretraining
PASSES = {40: 30, 200: 15, 800: 6}  # of fine-tuning, by labels that are learned from: four fifths of what there is
TEST = 2_000
PEAK = {"labels": 1e-2, "autoencoder": 2e-3, "judge": 1e-3, "forger": 2e-3, "contrastive": 5e-3}  # rates of Adam
PROBE_C = (1e-5, 1e-4, 1e-3, 1e-2, 1e-1, 1.0)
RATES = (1e-4, 1e-3, 3e-3, 1e-2)
PATCHES, PATCH, CENTRES = 40_000, 5, 300


def load(n_train, seed):
    """Return labelled target pictures to learn from and to choose by, what needs no labels; and those of the test."""
    dataset = data.load_cifar10()
    found = [of_classes(split, TARGET) for split in (dataset.train, dataset.test)]
    train, validation = data.split_off(data.subset(found[0], n_train * 5 // 4, seed), n_train // 4, seed)
    test = data.subset(found[1], min(TEST, len(found[1])), 0)
    task = Task(
        train=train, validation=validation, n_choose=len(validation), source=dataset.source, pictures=dataset.train
    )
    return task, HeldOut(test.images, test.labels)


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


def everything_unlabelled(split):
    """Return the training pictures of all ten classes, without their labels."""
    return data.Split(split.images, np.zeros(len(split), int))


WAYS = {
    "labels": (by_labels, functools.partial(of_classes, classes=SOURCE)),
    "autoencoder": (by_copying, functools.partial(of_classes, classes=SOURCE)),
    "gan": (by_a_game, functools.partial(of_classes, classes=SOURCE)),
    "contrastive": (by_contrast, functools.partial(of_classes, classes=SOURCE)),
    "contrastive_all": (by_contrast, everything_unlabelled),
    "contrastive_no_colour": (
        functools.partial(by_contrast, colour=False),
        functools.partial(of_classes, classes=SOURCE),
    ),
}


def pretrained(way, task, seed):
    """Return a body that was pretrained in one way, and what the row says about it; trained once for each seed."""
    keras.utils.set_random_seed(seed)
    body = generative.body()
    if way == "fresh":
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
    pictures = generative.small(images)
    for _ in range(3):  # momentum 0.9: after thirty batches what was there before is gone
        for start in range(0, len(pictures), 100):
            body(pictures[start : start + 100], training=True)


def choose(probe, inputs, labels):
    """Return the accuracy, and among settings of equal accuracy more for a more probable right class."""
    right = np.log(probe.predict_proba(inputs)[np.arange(len(labels)), labels] + 1e-9)
    return in_order(probe.score(inputs, labels), right)


def in_order(accuracy, right):
    """Return an accuracy, less at most 0.004 for how improbable (logarithms `right`) the right classes were."""
    return accuracy + 1e-3 * max(float(np.mean(right)), -4)


def fitted_probe(see, task, grid):
    """Fit a head on what is seen of the training pictures and their mirror images."""
    train, validation = task.train, task.validation
    both = np.concatenate([see(train.images), see(train.images[:, :, ::-1])])
    judged = see(validation.images), validation.labels
    probe = heads.best_probe((both, np.tile(train.labels, 2)), judged, grid, score=choose)
    return probe, probe.score(*judged)


def frozen(task, arm, seed, way):
    """Fit a head on a frozen body's features."""
    body, said = pretrained(way, task, seed)

    def see(images):
        return features.forward(body, generative.small(images), 500).reshape(len(images), -1)

    probe, score = fitted_probe(see, task, arm.grid)
    return Fitted(predict=lambda images: probe.predict(see(images)), validation=score, chosen=probe.C, **said)


def tuned(task, arm, seed, way):
    """Begin at a frozen body's head and train everything, at each rate; the last weights of the best rate stay."""
    body, said = pretrained(way, task, seed)
    probe, _ = fitted_probe(lambda images: features.forward(body, generative.small(images), 500), task, arm.first)
    model = heads.classifier(body, len(TARGET))
    heads.start_from_probe(model, probe)
    start, train, rng = model.get_weights(), task.train, np.random.default_rng(seed)
    pictures = generative.small(train.images)
    variants = np.stack([contrastive.views(pictures, rng, (0.7, 1), colour=False) for _ in range(8)])
    order = contrastive.passes(len(train), 32 * math.ceil(PASSES[len(train)] * len(train) / 32), rng).reshape(-1, 32)
    drawn = rng.integers(len(variants), size=order.shape)
    batches = Stream([lambda i: variants[drawn[i], order[i]]], train.labels, order)
    judged = generative.small(task.validation.images), task.validation.labels
    loss, falling = keras.losses.SparseCategoricalCrossentropy(from_logits=True), Falling(len(order))
    model.compile(keras.optimizers.Adam(falling), loss, jit_compile=False)
    best = None
    for rate in sorted(arm.grid):
        model.set_weights(start)
        # One compiled step serves all rates: so the optimizer forgets its moments and its steps here.
        for variable in model.optimizer.variables:
            variable.assign(keras.ops.zeros_like(variable))
        falling.peak.assign(rate)
        model.fit(batches, shuffle=False, verbose=0)
        logits = features.forward(model, judged[0], 500)
        right = np.take_along_axis(logits, judged[1][:, None], 1)[:, 0] - np.logaddexp.reduce(logits, axis=1)
        accuracy = evaluation.accuracy(judged[1], logits.argmax(axis=1))
        if np.isfinite(right).all() and (best is None or in_order(accuracy, right) > best[0]):
            best = in_order(accuracy, right), rate, accuracy, model.get_weights()
    _, rate, accuracy, weights = best
    model.set_weights(weights)
    return Fitted(
        predict=lambda images: training.predict(model, generative.small(images), 500),
        validation=accuracy,
        chosen=rate,
        **said,
    )


class Falling(keras.optimizers.schedules.LearningRateSchedule):
    """A rate that falls from `peak`, which can be set, to zero, as half a cosine over all steps."""

    def __init__(self, steps):
        """Take the number of steps."""
        self.steps, self.peak = steps, keras.Variable(0.0, trainable=False)

    def __call__(self, step):
        """Return the rate of a step."""
        done = keras.ops.cast(step, "float32") / self.steps
        return self.peak * (1 + keras.ops.cos(math.pi * done)) / 2


def pixels(task, seed):
    """Return what sees the small pictures themselves."""
    return lambda images: generative.small(images).reshape(len(images), -1), {}


def gradients(task, seed):
    """Return what sees how strong the edges of eight directions are in each sixteenth, and its mean colour.

    A plain form of the histograms of oriented gradients of Dalal and Triggs (2005).
    """

    def see(images):
        x = generative.small(images)
        grey = np.pad(x.mean(axis=3), ((0, 0), (1, 1), (1, 1)), "edge")
        down, right = grey[:, 2:, 1:-1] - grey[:, :-2, 1:-1], grey[:, 1:-1, 2:] - grey[:, 1:-1, :-2]
        direction = np.floor(np.arctan2(down, right) / (2 * np.pi) * 8).astype(int) % 8
        edges = np.hypot(down, right)[..., None] * (direction[..., None] == np.arange(8))
        cells = np.concatenate([edges, x], axis=3).reshape(len(x), 4, 4, 4, 4, -1).mean(axis=(2, 4))
        histogram = cells[..., :8] / (np.linalg.norm(cells[..., :8], axis=3, keepdims=True) + 0.02)
        return np.concatenate([histogram, cells[..., 8:]], axis=3).reshape(len(x), -1)

    return see, {}


def patches(task, seed):
    """Return what sees, in each quarter, how near the whitened patches are to centres found without labels.

    The single-layer features of Coates, Ng and Lee (2011), with k-means and their triangle activation.
    """
    split = of_classes(task.pictures, SOURCE)
    rng = np.random.default_rng(seed)

    def train():
        pictures = generative.small(split.images[rng.integers(len(split), size=PATCHES // 4)])
        cut = windows(pictures)
        drawn = normed(
            np.concatenate([cut[np.arange(len(cut)), rng.integers(cut.shape[1], size=len(cut))] for _ in range(4)])
        )
        mean = drawn.mean(axis=0)
        sizes, axes = np.linalg.eigh(np.cov(drawn - mean, rowvar=False))
        whiten = (axes / np.sqrt(sizes + 0.1)) @ axes.T
        whitened = (drawn - mean) @ whiten
        means = MiniBatchKMeans(min(CENTRES, len(drawn)), batch_size=2_000, n_init=1, random_state=seed).fit(whitened)
        return {"mean": mean, "whiten": whiten, "centres": means.cluster_centers_.astype("float32")}

    key = cache.fingerprint(split.images, text=[digest(patches), seed, PATCHES])
    found, seconds = trained_once(key, train)

    def some(images):
        flat = (normed(windows(generative.small(images))) - found["mean"]) @ found["whiten"]
        squares = (flat**2).sum(axis=2, keepdims=True) - 2 * flat @ found["centres"].T
        distances = np.sqrt(np.maximum(squares + (found["centres"] ** 2).sum(axis=1), 0))
        near = np.maximum(0, distances.mean(axis=2, keepdims=True) - distances)
        places = int(math.sqrt(near.shape[1]))
        grid, half = near.reshape(len(images), places, places, -1), places // 2
        quarters = [grid[:, a, b].sum(axis=(1, 2)) for a in halves(half) for b in halves(half)]
        return np.concatenate(quarters, axis=1).astype("float32")

    def see(images):
        return np.concatenate([some(images[start : start + 200]) for start in range(0, len(images), 200)])

    return see, {"pretraining_seconds": seconds, "figures": {"unlabelled": len(split)}}


def halves(half):
    """Return the slices of two halves of a side."""
    return slice(0, half), slice(half, None)


def windows(pictures):
    """Return all patches of pictures (n, side, side, 3): (n, places, PATCH x PATCH x 3)."""
    cut = np.lib.stride_tricks.sliding_window_view(pictures, (PATCH, PATCH), axis=(1, 2))
    return cut.reshape(len(pictures), -1, 3 * PATCH * PATCH)


def normed(patches):
    """Return patches with mean zero and, but for the flat ones, variance one."""
    patches = patches - patches.mean(axis=-1, keepdims=True)
    return patches / np.sqrt(patches.var(axis=-1, keepdims=True) + 0.01)


def published(task, seed):
    """Return what sees the features of VGG16's fourth block, of the pictures at their 32 pixels."""
    body, _ = backbones.split(vgg16.pretrained()[0], "block4_pool")
    return lambda images: features.extract(body, images).reshape(len(images), -1), {}


def without_body(task, arm, seed, way):
    """Fit a head on features that none of the bodies made."""
    keras.utils.set_random_seed(seed)
    see, said = way(task, seed)
    probe, score = fitted_probe(see, task, arm.grid)
    return Fitted(predict=lambda images: probe.predict(see(images)), validation=score, chosen=probe.C, **said)


def frozen_arm(way, **more):
    """Return the arm that fits a head on a frozen body."""
    kind = "none" if way == "fresh" else "measured"
    return Arm(fit=functools.partial(frozen, way=way), grid=PROBE_C, pretraining=kind, **more)


def tuned_arm(way):
    """Return the arm that trains everything."""
    kind = "none" if way == "fresh" else "measured"
    return Arm(fit=functools.partial(tuned, way=way), grid=RATES, first=PROBE_C, pretraining=kind)


def classical_arm(way, kind="none", **more):
    """Return the arm that fits a head on features of another kind."""
    return Arm(fit=functools.partial(without_body, way=way), grid=PROBE_C, pretraining=kind, **more)


THREE = {"design": {"seed": (0, 1, 2)}}

EXPERIMENT = Experiment(
    name="cheap_pretraining",
    question="What does a small body learn without labels, on one budget, against labels of other classes and nothing?",
    unit="seed: draw of the target's labels and pretraining, both anew",
    arms={
        "pixels": classical_arm(pixels),
        "gradients": classical_arm(gradients),
        "patches": classical_arm(patches, "measured"),
        "fresh_frozen": frozen_arm("fresh"),
        "labels_frozen": frozen_arm("labels"),
        "contrastive_frozen": frozen_arm("contrastive"),
        "autoencoder_frozen": frozen_arm("autoencoder"),
        "gan_frozen": frozen_arm("gan"),
        "shuffled_frozen": frozen_arm("shuffled"),
        "fresh_tuned": tuned_arm("fresh"),
        "labels_tuned": tuned_arm("labels"),
        "contrastive_tuned": tuned_arm("contrastive"),
        "autoencoder_tuned": tuned_arm("autoencoder"),
        "gan_tuned": tuned_arm("gan"),
        "contrastive_no_colour_frozen": frozen_arm("contrastive_no_colour", **THREE),
        "contrastive_all_frozen": frozen_arm("contrastive_all", **THREE),
        "vgg16_frozen": classical_arm(published, "published", **THREE),
    },
    design={"n_train": tuple(PASSES), "seed": (0, 1, 2, 3, 4)},
    load=load,
    metrics={"accuracy": evaluation.accuracy},
)

if __name__ == "__main__":
    table = EXPERIMENT.record()
    print(table.pivot_table("test_accuracy", "arm", "n_train", sort=False).round(3))
