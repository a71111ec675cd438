"""Which body to transfer from: scores that need no training, cross-validation, and the accuracy that followed.

The candidates go from noise to VGG16, read at several depths and at two sizes of picture. All are frozen, and all
are read the same way: the mean of each channel over the picture. What each is worth is what a linear probe reaches with
200 or 1,000 labelled pictures of CIFAR-10: `validation_accuracy` is its cross-validated accuracy on those same labels,
which also choose C, `test_accuracy` that on 2,000 test pictures. Beside it stand the scores of
`tlbook.methods.transferability`, computed on the same labels: LogME, the H-score with and without shrinkage, and, of
the bodies that come with a head, LEEP and NCE. `leave_one_out` is the accuracy of a least-squares probe that leaves
each picture out in turn, which one decomposition gives. Their CPU seconds are in `seconds_...`; `mmac` are the million
multiply-adds that one picture takes.

The five seeds draw pictures that no other seed draws. The bodies stay the same: intervals are over draws of labels.

Run it with `python -m experiments.model_choice`. Chapter 8.2 plots it.
"""

import functools
import time

import keras
import numpy as np
from sklearn.model_selection import StratifiedKFold

from experiments import code_digest, pretraining
from experiments.protocol import Arm, Experiment, Fitted, HeldOut, Task
from tlbook import backbones, data, evaluation, features, heads, training
from tlbook.backbones import cost, hed, vgg16
from tlbook.data import emoji10, splits
from tlbook.files import assets, cache, sources
from tlbook.methods import transferability

SEEDS = 5
CLASSES = 10
DRAW, SOURCE, TEST = 1_000, 5_000, 2_000  # pictures: of a seed, to pretrain on, to test on
FOLDS = 5
PROBE_C = (1e-4, 1e-3, 1e-2, 1e-1, 1.0)
PENALTIES = 10.0 ** np.arange(-1, 6)  # of the least-squares probe
NOISE_WIDTH = 512
PRETRAINING = {"epochs": 8, "rate": 3e-3}
ANIMALS = [emoji10.CLASS_NAMES.index(name) for name in ("bird", "cat", "deer", "dog", "frog", "horse")]
BLOCKS = {"vgg16_32": (1, 2, 3, 4, 5), "vgg16_48": (3, 4, 5), "hed_32": (3, 4, 5), "random_32": (3, 4, 5)}
SMALL = {"fresh": "none", "drawings": "measured", "rotations": "measured", "coarse": "measured", "animals": "measured"}


@functools.cache
def pictures():
    """Return `(draws, to pretrain on, test, source)`: by rank within the class, so that nothing overlaps."""
    dataset = data.load_cifar10()
    per_draw = DRAW // CLASSES
    rank = splits.ranks(dataset.train.labels, np.random.default_rng(0).permutation)
    tested = splits.ranks(dataset.test.labels, np.random.default_rng(0).permutation) < TEST // CLASSES

    def part(split, chosen):
        order = np.argsort(np.where(chosen, rank if split is dataset.train else 0, len(chosen)), kind="stable")
        order = order[: chosen.sum()]  # by rank: the first pictures of a draw are the smaller draw
        return data.Split(split.images[order], split.labels[order])

    draws = [part(dataset.train, rank // per_draw == seed) for seed in range(SEEDS)]
    first = SEEDS * per_draw
    pretrain = part(dataset.train, (rank >= first) & (rank < first + SOURCE // CLASSES))
    return draws, pretrain, part(dataset.test, tested), dataset.source


def load(n_train, seed):
    """Return pictures to learn from and to choose by, the same ones; and those of the test."""
    draws, _, test, source = pictures()
    train = data.Split(draws[seed].images[:n_train], draws[seed].labels[:n_train])
    task = Task(train=train, validation="cross-validation", n_choose=n_train, source=source)
    return task, HeldOut(test.images, test.labels)


@functools.cache
def seen(body):
    """Return what a body makes of every picture, labels aside, a dict from pixels to a row; and its CPU seconds.

    A row holds the features of all cuts, one after the other, and the answers of the head, where there is one.
    """
    draws, _, test, _ = pictures()
    images = np.concatenate([part.images for part in (*draws, test)])
    reader, seconds = networks(body)
    key = cache.fingerprint(images, *reader.get_weights(), text=[body, code_digest.digest(seen)])
    found, spent = pretraining.trained_once(f"choice-{key}", lambda: {"rows": features.forward(reader, images)})
    return {picture.tobytes(): row for picture, row in zip(images, found["rows"], strict=True)}, spent, seconds


def networks(body):
    """Return the network that makes the rows of a body, and the CPU seconds of its pretraining (None: not measured)."""
    keras.utils.set_random_seed(0)
    if body in BLOCKS:
        kind, size = body.split("_")
        size = int(size)
        arrays = {"vgg16": lambda: vgg16.find_arrays()[0], "hed": trunk, "random": lambda: None}[kind]()
        trunk_model = vgg16.build((size, size, 3), arrays)
        inputs = keras.Input((32, 32, 3))
        x = inputs if size == 32 else keras.layers.Resizing(size, size)(inputs)
        ends = [trunk_model.get_layer(f"block{block}_pool").output for block in range(1, 6)]
        means = [keras.layers.GlobalAveragePooling2D()(end) for end in ends]
        reader = keras.Model(trunk_model.input, keras.layers.Concatenate()(means))
        return keras.Model(inputs, reader(x)), None
    images, labels, classes = source_task(body)
    model = heads.classifier(backbones.small_cnn(), classes)
    seconds = None
    if SMALL[body] == "measured":
        key = cache.fingerprint(images, labels, text=[body, PRETRAINING, code_digest.digest(networks)])
        seconds = pretraining.weights_once(f"choice-{key}", model, lambda: pretrain(model, images, labels))
    last = model.get_layer("stage3_pool").output
    mean = keras.layers.GlobalAveragePooling2D()(last)
    return keras.Model(model.input, keras.layers.Concatenate()([mean, model.output])), seconds


def trunk():
    """Return the thirteen convolutions of HED, which was fine-tuned from VGG16 to find edges."""
    arrays = hed.read(sources.find(assets.HED)[0])
    return {name: arrays[name] for name in vgg16.CONVOLUTIONS}


def source_task(body):
    """Return the pictures, labels and number of classes that a small network is pretrained on."""
    source = pictures()[1]
    if body == "drawings":
        images, labels, names = emoji10.source_pictures()
        return images, labels, len(names)
    if body == "rotations":
        turns = np.random.default_rng(0).integers(4, size=len(source))
        return np.stack([np.rot90(*pair) for pair in zip(source.images, turns, strict=True)]), turns, 4
    if body == "animals":
        mine = np.isin(source.labels, ANIMALS)
        return source.images[mine], np.searchsorted(ANIMALS, source.labels[mine]), len(ANIMALS)
    if body == "coarse":
        return source.images, np.isin(source.labels, ANIMALS).astype("int64"), 2
    return source.images[:1], source.labels[:1], CLASSES  # fresh: nothing is learned


def pretrain(model, images, labels):
    """Train a small network on its source; nothing is chosen, so the pictures that are watched may be its own."""
    variants = [images] if len(np.unique(labels)) == 4 else [images, images[:, :, ::-1]]  # a mirror turns the other way
    watched = (images[:100].astype("float32"), labels[:100])
    training.fit(model, training.Batches(variants, labels), watched, PRETRAINING["epochs"], PRETRAINING["rate"])


def million_multiply_adds(body, block):
    """Return what one picture takes to the cut, in millions of multiply-adds."""
    if block is None:
        return cost.multiply_adds(backbones.small_cnn()) / 1e6
    size = int(body.split("_")[1])
    model = vgg16.build((size, size, 3))
    return cost.multiply_adds(keras.Model(model.input, model.get_layer(f"block{block}_pool").output)) / 1e6


def network(task, arm, seed, body, block=None):
    """Score one cut of a body, or a small network with its head, and fit a probe on it."""
    known, spent, seconds = seen(body)
    widths = np.cumsum([0, 64, 128, 256, 512, 512])
    columns = slice(0, 64) if block is None else slice(*widths[block - 1 : block + 1])

    def read(images):
        return np.array([known[picture.tobytes()] for picture in images])

    answers = read(task.train.images)[:, 64:] if block is None else None
    mmac = million_multiply_adds(body, block)
    whole = mmac if block is None else million_multiply_adds(body, 5)
    share = mmac / whole * (len(task.train) + TEST) / len(known)
    n_source = len(source_task(body)[1]) if SMALL.get(body) == "measured" and body != "rotations" else 0
    return scored(task, arm, lambda images: read(images)[:, columns], answers, mmac, n_source, seconds, share * spent)


def pixels(task, arm, seed):
    """Score means of 4 x 4 pixels: what anybody has without a network."""
    return scored(task, arm, lambda images: images.reshape(-1, 8, 4, 8, 4, 3).mean(axis=(2, 4)).reshape(-1, 192))


def noise(task, arm, seed):
    """Score random numbers, which say nothing of the picture."""
    rng = np.random.default_rng(seed)
    return scored(task, arm, lambda images: rng.normal(size=(len(images), NOISE_WIDTH)))


def scored(task, arm, read, answers=None, mmac=0.0, n_source=0, pretraining_seconds=None, kept_seconds=0.0):
    """Compute every score on the labelled pictures, choose C by cross-validation, and fit the probe."""
    inputs, labels = read(task.train.images), task.train.labels
    figures = {"width": inputs.shape[1], "mmac": mmac, "tmac": mmac * len(labels) / 1e6}

    def timed(name, function):
        start = time.process_time()
        figures[name] = function()
        figures[f"seconds_{name}"] = time.process_time() - start

    timed("logme", lambda: transferability.logme(inputs, labels))
    timed("h_score", lambda: transferability.h_score(inputs, labels))
    timed("h_score_plain", lambda: transferability.h_score(inputs, labels, shrink=False))
    timed("leave_one_out", lambda: leave_one_out(inputs, labels))
    if answers is not None:
        powers = np.exp(answers - answers.max(axis=1, keepdims=True)).astype("float64")
        said = powers / powers.sum(axis=1, keepdims=True)
        timed("leep", lambda: transferability.leep(said, labels))
        timed("nce", lambda: transferability.nce(said.argmax(axis=1), labels))
    start = time.process_time()
    accuracies = {C: cross_validated(inputs, labels, C) for C in arm.grid}
    C = max(accuracies, key=accuracies.get)  # the smallest wins a tie
    figures["seconds_cross_validation"] = time.process_time() - start
    probe = heads.linear_probe(inputs, labels, C)
    return Fitted(
        predict=lambda images: probe.predict(read(images)),
        validation=accuracies[C],
        chosen=C,
        n_source=n_source,
        pretraining_seconds=pretraining_seconds,
        kept_seconds=kept_seconds,
        figures=figures,
    )


def cross_validated(inputs, labels, C):
    """Return the accuracy of a probe on pictures that it did not learn from, over stratified folds."""
    right = 0
    for learn, judge in StratifiedKFold(FOLDS, shuffle=True, random_state=0).split(inputs, labels):
        right += (heads.linear_probe(inputs[learn], labels[learn], C).predict(inputs[judge]) == labels[judge]).sum()
    return right / len(labels)


def leave_one_out(inputs, labels):
    """Return the best leave-one-out accuracy of a least-squares probe over penalties, from one decomposition."""
    spread = inputs.std(axis=0)
    x = (inputs - inputs.mean(axis=0)) / np.where(spread > 0, spread, 1)
    left, lengths, _ = np.linalg.svd(x.astype("float64"), full_matrices=False)
    targets = np.eye(labels.max() + 1)[labels]
    centred = targets - targets.mean(axis=0)
    best = 0.0
    for penalty in PENALTIES:
        shares = lengths**2 / (lengths**2 + penalty)
        fitted = left @ (shares[:, np.newaxis] * (left.T @ centred))
        leverage = (left**2) @ shares + 1 / len(labels)
        left_out = targets - (centred - fitted) / (1 - leverage[:, np.newaxis])
        best = max(best, float((left_out.argmax(axis=1) == labels).mean()))
    return best


def block_arm(body, block):
    """Return the arm of one cut of VGG16."""
    fit = functools.partial(network, body=body, block=block)
    return Arm(fit=fit, grid=PROBE_C, pretraining="none" if body.startswith("random") else "published")


EXPERIMENT = Experiment(
    name="model_choice",
    question="Does a score that needs no training choose the better pretrained body?",
    unit="draw of the target's labels",
    arms={
        "noise": Arm(fit=noise, grid=PROBE_C, pretraining="none"),
        "pixels": Arm(fit=pixels, grid=PROBE_C, pretraining="none"),
        **{
            f"cnn_{body}": Arm(fit=functools.partial(network, body=body), grid=PROBE_C, pretraining=pretrained)
            for body, pretrained in SMALL.items()
        },
        **{f"{body}_block{block}": block_arm(body, block) for body, blocks in BLOCKS.items() for block in blocks},
    },
    design={"n_train": (200, 1_000), "seed": tuple(range(SEEDS))},
    load=load,
    metrics={"accuracy": evaluation.accuracy},
)

if __name__ == "__main__":
    table = EXPERIMENT.record()
    columns = ["test_accuracy", "validation_accuracy", "logme", "h_score", "leave_one_out", "leep", "nce"]
    print(table.groupby(["n_train", "arm"], sort=False)[columns].mean().round(3).to_string())
