"""What transfers, layer by layer, in networks for pictures: six pretrainings, three controls for every layer.

Five bodies of one architecture, pretrained on one budget on the source's pictures (`experiments.budgeted_pretraining`;
the VAE here, in the same way), and VGG16 with its published weights. Each layer is averaged in quarters, brought to the
same size by the main axes of the labelled pictures, and read by a logistic regression. Its C is chosen in folds of the
same labels.

Controls for each layer: the same layer with fresh weights (batch normalisation measured on the source's pictures, the
stronger of the two fresh controls of chapter 7.1), and with each weight array redrawn at its pretrained mean and
deviation. For all: the pixels, and histograms of oriented gradients, with every place kept.

The positive control, named before the first row: the last layer of the body with the source's labels, against the same
layer fresh. A seed draws the labels, the bodies and their pretraining. The test pictures come from CIFAR-10's
validation part, at which no run of these bodies has looked.

Run it with `python -m experiments.bench_pictures`. Chapter 3.7 plots it.
"""

import functools

import keras
import numpy as np

from experiments import budgeted_pretraining, layer_bench
from experiments.budgeted_pretraining import PEAK, TARGET, measure, of_classes, of_source, steps_within
from experiments.code_digest import digest
from experiments.pretraining import trained_once, weights_once
from experiments.protocol import Experiment, HeldOut, Task
from tlbook import data, evaluation
from tlbook.backbones import vgg16
from tlbook.backbones.cost import multiply_adds
from tlbook.files import cache
from tlbook.inputs import gradients
from tlbook.methods import contrastive, generative, layers

LABELS, TEST = 250, 1_500  # labelled target pictures, fifty a class; and pictures of the test
LAYERS = ("layer 1", "layer 2", "layer 3")
BLOCKS = {f"layer {number}": f"block{number}_pool" for number in range(1, 6)}  # of VGG16
WAYS = ("labels", "contrastive", "gan", "vae", "autoencoder")


@functools.cache
def pictures():
    """Return the data set; all rows of a process share it."""
    return data.load_cifar10()


def load(n_train, seed):
    """Return where the labelled pictures stand among all that are read, and what needs no labels; and the test."""
    dataset = pictures()
    train = data.subset(of_classes(dataset.train, TARGET), n_train, seed)
    test = of_classes(dataset.validation, TARGET)
    test = data.subset(test, min(TEST, len(test)), 0)
    task = Task(
        train=np.arange(n_train),
        labels=train.labels,
        validation="folds of the labelled pictures",
        n_choose=n_train,
        source=dataset.source,
        pictures=dataset.train,
        parts=(train.images, test.images),
    )
    return task, HeldOut(n_train + np.arange(len(test)), test.labels)


def each_part(task, kind, seeds, read):
    """Return what `read(images)` makes of labelled pictures and of the others, and its CPU seconds; computed once."""
    found, seconds = [], 0.0
    for part, seed in zip(task.parts, seeds, strict=True):
        key = cache.fingerprint(part, text=[digest(each_part), kind, seed, budgeted_pretraining.BUDGET])
        arrays, cost = trained_once(key, functools.partial(read, part))
        found.append(arrays)
        seconds += cost
    return {name: np.concatenate([arrays[name] for arrays in found]) for name in found[0]}, seconds


def by_body(task, seed, kind):
    """Read the pictures with a body: pretrained in one way, redrawn after one, or fresh ("measured")."""
    way = kind.removeprefix("redrawn_")
    body, said = vae(task, seed) if way == "vae" else budgeted_pretraining.pretrained(way, task, seed)

    @functools.cache
    def network():
        if way != kind:
            layers.redrawn(body, seed)
            measure(body, of_source(task.pictures).images[:1_000])
        return layers.pooled(body, [layer.name for layer in body.layers if isinstance(layer, keras.layers.ReLU)])

    def read(images):
        return dict(zip(LAYERS, layers.read(network(), generative.small(images)), strict=True))

    found, seconds = each_part(task, kind, (seed, seed), read)
    return found, said | {"kept_seconds": seconds}


def vae(task, seed):
    """Return a body that was pretrained as the lower part of a VAE on the same budget, and what the row says of it."""
    keras.utils.set_random_seed(seed)
    body, split = generative.body(), of_source(task.pictures)

    def train():
        encoder = generative.with_head(generative.body(), 2 * generative.CODE)
        cost = multiply_adds(encoder) + multiply_adds(generative.decoder())
        steps, rng = steps_within(3 * cost * 64), np.random.default_rng(seed)
        shown = generative.small(split.images)[contrastive.passes(len(split), 64 * steps, rng)]
        shown[1::2] = shown[1::2, :, ::-1]
        generative.train_vae(body, shown, 1, learning_rate=PEAK["autoencoder"])

    key = cache.fingerprint(split.images, text=[digest(vae), seed, budgeted_pretraining.BUDGET])
    figures = {"tmac": budgeted_pretraining.BUDGET / 1e12, "unlabelled": len(split)}
    return body, {"pretraining_seconds": weights_once(key, body, train), "figures": figures}


def by_vgg16(task, seed, kind):
    """Read the pictures at their 32 pixels with VGG16: published, redrawn or fresh."""

    def read(images):
        keras.utils.set_random_seed(seed)
        model = vgg16.build() if kind == "fresh_vgg16" else vgg16.pretrained()[0]
        if kind == "redrawn_vgg16":
            layers.redrawn(model, seed)
        return dict(zip(BLOCKS, layers.read(layers.pooled(model, BLOCKS.values()), images, 100), strict=True))

    # What the published network says of the test pictures is the same for all seeds.
    found, seconds = each_part(task, kind, (seed, 0 if kind == "vgg16" else seed), read)
    return found, {"kept_seconds": seconds}


def by_nobody(task, seed):
    """Return the pixels of the small pictures, and their gradients: what there is without a network."""
    small = generative.small(np.concatenate(task.parts))
    return {"pixels": small.reshape(len(small), -1), "gradients": gradients.hog(generative.pixels(small))}, {}


def right(labels, predictions):
    """Return which pictures were right, as a text: the interval is over seeds and pictures."""
    return evaluation.packed_right(labels == predictions)


FIVE = {"design": {"seed": (0, 1, 2, 3, 4)}}  # VGG16 costs most, a reading as much as half a pretraining


def of_body(kind, pretraining="measured"):
    """Return the arms of the layers of a body."""
    return layer_bench.arms(kind, functools.partial(by_body, kind=kind), LAYERS, pretraining)


def of_vgg16(kind, pretraining="published"):
    """Return the arms of the blocks of VGG16."""
    return layer_bench.arms(kind, functools.partial(by_vgg16, kind=kind), BLOCKS, pretraining, **FIVE)


EXPERIMENT = Experiment(
    name="bench_pictures",
    question="Which layers of which pretrained networks for pictures carry something to other classes?",
    unit="seed (labels, bodies and pretraining drawn anew) and test picture",
    arms={
        **layer_bench.arms("raw", by_nobody, ("pixels", "gradients"), "none"),
        **of_body("measured", "none"),
        **{name: arm for way in WAYS for name, arm in of_body(way).items()},
        **{name: arm for way in WAYS for name, arm in of_body(f"redrawn_{way}").items()},
        **of_vgg16("fresh_vgg16", "none"),
        **of_vgg16("vgg16"),
        **of_vgg16("redrawn_vgg16"),
    },
    design={"n_train": (LABELS,), "seed": tuple(range(8))},
    load=load,
    metrics={"accuracy": evaluation.accuracy, "right": right},
)

if __name__ == "__main__":
    print(EXPERIMENT.record().groupby("arm", sort=False).test_accuracy.agg(["mean", "std"]).round(3))
