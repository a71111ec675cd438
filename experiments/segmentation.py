"""A class for every pixel, from few labelled pictures: FCN heads on VGG16, and what the same pictures allow without it.

Scenes are an animal and a vehicle, drawings both, on a textured ground: the mask is known (`tlbook.data.scenes`). A
label is a whole picture with its mask. `n_train` counts all that an arm gets. It chooses its setting on the scenes of
one drawing style among them, which it has not learned from, and then learns from all of them: the styles of the test
are new, too. Every arm also learns from the mirror image of each picture. The arms `fcn_32`, `fcn_8` and `fcn_2` read
a frozen VGG16 at its last block, at its last three, and at all five. Three controls keep the plan of `fcn_2`: a frozen
VGG16 with fresh weights; one whose weights are drawn with the pretrained mean and variance of each array; a network of
the same plan, narrower and with batch normalisation, all of which is trained from fresh weights. The classical
control sees colours, gradients and the place of each pixel. `ground` answers "ground" everywhere. The score is the mean
IoU of a picture; the test is the same 40 scenes for all runs, and their scores stand in the rows.

Run it with `python -m experiments.segmentation`. Chapter 5.13 plots it.
"""

import functools
import math

import keras
import numpy as np
from sklearn.ensemble import HistGradientBoostingClassifier

from experiments.protocol import Arm, Experiment, Fitted, HeldOut, Task
from tlbook import evaluation
from tlbook.backbones import cost, vgg16
from tlbook.data import emoji10, scenes
from tlbook.files import sources
from tlbook.methods import fcn

SIZE = 64
TEST, TEST_SEED = 40, 2015
BLOCKS = {32: fcn.BLOCKS[4:], 8: fcn.BLOCKS[2:], 2: fcn.BLOCKS}  # that a head of this stride reads
RATES = (3e-3, 1e-2, 3e-2)  # of all networks: peaks of a cosine
HEAD_LOOKS, WHOLE_LOOKS = 600, {10: 600, 40: 1_600}  # pictures that a training looks at, to the next whole pass
PIXELS = 20_000  # that the classical classifier learns from
LEAVES = (4, 8, 16, 32, 64)  # of each boosted tree
CLASSES = len(scenes.MASK_CLASSES)
SOURCE = sources.Source("bundled drawings", "bundled", "drawings on a textured ground, not photographs")


def load(n_train, seed):
    """Return labelled scenes, with those that choose marked, and the scenes of the test."""
    images, masks, styles = scenes.masked_scenes(n_train, seed, emoji10.TRAIN_STYLES, SIZE)
    judge = styles == emoji10.TRAIN_STYLES[seed % len(emoji10.TRAIN_STYLES)]
    task = Task(train=(images, masks), validation=judge, n_choose=int(judge.sum()), source=SOURCE)
    images, masks, _ = scenes.masked_scenes(TEST, TEST_SEED, emoji10.TEST_STYLES, SIZE)
    return task, HeldOut(images, masks)


def scores(truth, answer):
    """Return the mean IoU of pictures, that of all pixels together, pixel accuracy, and the IoU of each picture."""
    each = evaluation.picture_iou(truth, answer, CLASSES)
    return {
        "iou": each.mean(),
        "pooled_iou": np.nanmean(evaluation.class_iou(truth, answer, CLASSES)),
        "accuracy": np.mean(truth == answer),
        "by_picture": " ".join(f"{value:.3f}" for value in each),
    }


def chosen(task, arm, see, learn, operations):
    """Let the scenes that choose pick a setting of the grid, learn from all scenes with it, and return `Fitted`.

    `see` turns pictures into what is learned from, an array or a list of them. `learn(seen, masks, settings)` yields
    for each setting a function from what is seen to answers, to be used before the next one is asked for.
    `operations(n, setting)` are the multiply-adds of reading n pictures and learning from them.
    """
    images, masks = (np.concatenate([array, array[:, :, ::-1]]) for array in task.train)
    judge = np.tile(task.validation, 2)
    seen = see(images)

    def of(rows):
        return [each[rows] for each in seen] if isinstance(seen, list) else seen[rows]

    answers = zip(arm.grid, learn(of(~judge), masks[~judge], arm.grid), strict=True)
    tried = {setting: mean_iou(masks[judge], answer(of(judge))) for setting, answer in answers}
    best = max(tried, key=tried.get)
    (answer,) = learn(seen, masks, [best])
    return Fitted(
        predict=lambda inputs: answer(see(inputs)),
        validation=tried[best],
        chosen=best,
        figures={"train_iou": mean_iou(masks, answer(seen)), "tmac": operations(len(images), best) / 1e12},
    )


def mean_iou(truth, answer):
    """Return the mean over pictures of their mean IoU."""
    return evaluation.picture_iou(truth, answer, CLASSES).mean()


def ground(task, arm, seed):
    """Answer "ground" everywhere."""

    def learn(seen, masks, settings):
        yield lambda seen: np.zeros(seen.shape[:3], int)

    return chosen(task, arm, lambda images: images, learn, lambda n, _: 0)


def classical(task, arm, seed):
    """Classify each pixel by what lies around it, with boosted trees of the size that serves best."""

    def see(images):
        return np.stack([scenes.pixel_features(image) for image in images])

    def learn(seen, masks, settings):
        pixels, labels = seen.reshape(-1, seen.shape[-1]), masks.ravel()
        drawn = np.random.default_rng(seed).permutation(len(labels))[:PIXELS]
        for leaves in settings:
            model = HistGradientBoostingClassifier(max_leaf_nodes=leaves, max_iter=60, random_state=seed)
            model.fit(pixels[drawn], labels[drawn])
            yield lambda seen, model=model: model.predict(seen.reshape(-1, seen.shape[-1])).reshape(seen.shape[:3])

    return chosen(task, arm, see, learn, lambda n, _: 0)


def body(weights, seed):
    """Return VGG16 with ImageNet's weights ("published"), fresh ones, or ones drawn with the published statistics."""
    keras.utils.set_random_seed(seed)
    if weights == "fresh":
        return vgg16.build((SIZE, SIZE, 3))
    arrays, _ = vgg16.find_arrays()
    return vgg16.build((SIZE, SIZE, 3), vgg16.redrawn(arrays, seed) if weights == "redrawn" else arrays)


def frozen(task, arm, seed, weights, stride):
    """Train a head on what a frozen body sees, at the rate that serves best."""
    network = body(weights, seed)

    def learn(seen, masks, rates):
        for rate in rates:
            model = fcn.head(seen, SIZE, CLASSES)
            fcn.fit(model, seen, masks, math.ceil(HEAD_LOOKS / len(masks)), rate)
            yield functools.partial(fcn.answer, model)

    def operations(n, rate):
        return cost.multiply_adds(network) * n  # those of the head are below one percent

    return chosen(task, arm, lambda images: fcn.read(network, images, BLOCKS[stride]), learn, operations)


def whole(task, arm, seed):
    """Train a small network of the same plan from fresh weights, at the rate that serves best."""
    looks = WHOLE_LOOKS[len(task.validation)]

    def learn(images, masks, rates):
        for rate in rates:
            keras.utils.set_random_seed(seed)
            model = fcn.whole(SIZE, CLASSES)
            fcn.fit(model, images, masks, math.ceil(looks / len(masks)), rate)
            yield functools.partial(fcn.answer, model)

    def operations(n, rate):
        return 3 * cost.multiply_adds(fcn.whole(SIZE, CLASSES)) * looks

    return chosen(task, arm, lambda images: images, learn, operations)


def frozen_arm(weights, stride):
    """Return the arm of a head on a frozen body."""
    return Arm(
        fit=functools.partial(frozen, weights=weights, stride=stride),
        grid=RATES,
        pretraining="none" if weights == "fresh" else "published",
    )


EXPERIMENT = Experiment(
    name="segmentation",
    question="What is VGG16 worth for labelling every pixel, from few labelled pictures?",
    unit="test picture and seed",
    arms={
        "ground": Arm(fit=ground, pretraining="none", design={"n_train": (10,), "seed": (0,)}),
        "classical": Arm(fit=classical, grid=LEAVES, pretraining="none"),
        "whole": Arm(fit=whole, grid=RATES, pretraining="none"),
        "fcn_2_fresh": frozen_arm("fresh", 2),
        "fcn_2_redrawn": frozen_arm("redrawn", 2),
        "fcn_32": frozen_arm("published", 32),
        "fcn_8": frozen_arm("published", 8),
        "fcn_2": frozen_arm("published", 2),
    },
    design={"n_train": (10, 40), "seed": (0, 1, 2, 3, 4)},
    load=load,
    metrics={"iou": scores},
)

if __name__ == "__main__":
    print(EXPERIMENT.record().pivot_table("test_iou", "arm", "n_train", sort=False))
