"""How many pictures a class a small folder of one's own needs: five of CIFAR-10's classes, 5 to 50 pictures of each.

A run draws a folder, keeps a fifth of it (at least one picture of each class) to choose by, as a reader would, and
learns from the rest. Everything is chosen on that fifth: the strength of a penalty, the rate, and whether fine-tuning
is kept at all. The test pictures are 600 others, looked at once a run. Pictures are enlarged to 48 pixels as
`tlbook.data.folders.prepare` enlarges them.

Run it with `python -m experiments.own_folder`. Plotted in chapter 5.1.
"""

import itertools

import keras
import numpy as np
from PIL import Image

from experiments.recording import record
from tlbook import backbones, data, evaluation, features, heads, training
from tlbook.data import folders

CLASSES = ("airplane", "cat", "dog", "frog", "truck")
SIZE = 48
TEST = 600
EPOCHS = {5: 10, 10: 8, 20: 5, 50: 3}  # for each number of pictures a class
RATES = (1e-4, 3e-4)


def run(per_class, seed):
    """Draw a folder, train on it in every way, and return the accuracies on other pictures: a row is a folder."""
    folder, test, source = draw(per_class, seed)
    parts = folders.cut(folder, CLASSES, source, validation=0.2, test=0.2, seed=seed)
    # The test pictures come from elsewhere, so what `cut` keeps for a test goes back to what is learned from.
    train = data.Split(
        np.concatenate([parts.train.images, parts.test.images]), np.concatenate([parts.train.labels, parts.test.labels])
    )
    figures = {"learned_from": len(train)}
    for regime, learn in REGIMES.items():
        keras.utils.set_random_seed(seed)
        predictions, rate = learn(regime, train, parts.validation, test.images, per_class, seed)
        figures[regime] = round(evaluation.accuracy(test.labels, predictions), 4)
    return figures | {"rate_kept": rate, "source": source}


def draw(per_class, seed):
    """Return a folder of `per_class` pictures of each class, the test pictures, and the source."""
    dataset = data.load_cifar10()
    numbers = [dataset.class_names.index(name) for name in CLASSES]

    def chosen(split, n, seed):
        mask = np.isin(split.labels, numbers)
        labels = np.searchsorted(numbers, split.labels[mask])  # the classes are in alphabetical order in both
        small = data.subset(data.Split(split.images[mask], labels), n, seed)
        return data.Split(np.stack([enlarge(image) for image in small.images]), small.labels)

    return chosen(dataset.train, per_class * len(CLASSES), seed), chosen(dataset.test, TEST, 0), dataset.source


def enlarge(image):
    """Return a picture at 48 pixels a side, as `tlbook.data.folders.prepare` enlarges."""
    return np.asarray(Image.fromarray(image).resize((SIZE, SIZE), Image.Resampling.BICUBIC))


def majority(regime, train, validation, images, per_class, seed):
    """Name the most frequent class, whatever the picture."""
    return np.full(len(images), np.bincount(train.labels).argmax()), 0.0


def classical(regime, train, validation, images, per_class, seed):
    """Logistic regression on a histogram of 64 colours, or on the pixels at 16 x 16."""
    see = {"colours": histogram, "pixels": pixels}[regime]
    probe = heads.linear_probe((see(train.images), train.labels), (see(validation.images), validation.labels))
    return probe.predict(see(images)), 0.0


def histogram(images):
    """Count the pixels of each of 4 x 4 x 4 colours: float32 (n, 64), shares."""
    codes = (images // 64) @ np.array([16, 4, 1])
    return np.stack([np.bincount(code.ravel(), minlength=64) for code in codes]).astype("float32") / SIZE**2


def pixels(images):
    """Return the pictures at 16 x 16 pixels: float64 (n, 768)."""
    return images.reshape(len(images), 16, SIZE // 16, 16, SIZE // 16, 3).mean(axis=(2, 4)).reshape(len(images), -1)


def halves(pretrained=True):
    """VGG16 up to `block4_pool`, cut before block 4."""
    body, _ = backbones.split(backbones.vgg16.pretrained((SIZE, SIZE, 3), pretrained)[0], "block4_pool")
    return backbones.split(body, "block3_pool")


def frozen(regime, train, validation, images, per_class, seed):
    """Fit logistic regression on frozen features, of ImageNet's weights or of fresh ones."""
    lower, upper = halves(pretrained=regime == "linear_probe")

    def see(images):
        return features.extract(upper, features.extract(lower, images)).reshape(len(images), -1)

    probe = heads.linear_probe((see(train.images), train.labels), (see(validation.images), validation.labels))
    return probe.predict(see(images)), 0.0


def head_then_block4(regime, train, validation, images, per_class, seed):
    """Start from the probe and train block 4 at each rate; keep the one that is best on the validation pictures."""
    lower, upper = halves()
    variants = [features.extract(lower, train.images, mirrored=mirrored) for mirrored in (False, True)]
    held_out = features.extract(lower, validation.images)
    probe = heads.linear_probe(
        (features.extract(upper, variants[0]), train.labels), (features.extract(upper, held_out), validation.labels)
    )
    start = upper.get_weights()
    # A tie goes to what moved less: first the probe itself (rate 0), then the lower rates.
    best = (probe.validation_accuracy, 0.0, None)
    for rate in RATES:
        upper.set_weights(start)
        model = heads.classifier(upper, len(CLASSES), dropout=0.5)
        heads.start_from_probe(model, probe)
        batches = training.Batches(variants, train.labels, batch_size=16, seed=seed)
        history = training.fit(model, batches, (held_out, validation.labels), EPOCHS[per_class], rate)
        if history["val_accuracy"][-1] > best[0] + 1e-6:
            best = (history["val_accuracy"][-1], rate, model.get_weights())
    model = heads.classifier(upper, len(CLASSES))
    # The probe also gives the head its mean and variance: `set_weights` alone would not make it use them.
    upper.set_weights(start)
    heads.start_from_probe(model, probe)
    if best[2] is not None:
        model.set_weights(best[2])
    return training.predict(model, features.extract(lower, images)), best[1]


REGIMES = {
    "majority": majority,
    "colours": classical,
    "pixels": classical,
    "random_body": frozen,
    "linear_probe": frozen,
    "head_then_block4": head_then_block4,
}


def configurations():
    """Return all runs."""
    return [{"per_class": per_class, "seed": seed} for per_class, seed in itertools.product(EPOCHS, [0, 1, 2])]


if __name__ == "__main__":
    table = record("own_folder", configurations(), run, fresh=False)
    print(table.groupby("per_class")[list(REGIMES)].mean())
