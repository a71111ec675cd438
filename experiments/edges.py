"""What a published edge detector is worth on other pictures: HED, its trunk, ImageNet's trunk and classical edges.

Scenes are drawings on a textured ground, so that every outline is known (`tlbook.data.scenes.scene`). HED is used as it was
published, without any training. The other arms fit a logistic regression at single pixels, on features read at the end
of each of VGG16's five blocks and interpolated at that pixel: a linear probe for edges. Training and test scenes share
no drawing style. The figure is the average precision over pixels drawn from the scenes, 1 for a perfect ranking of
outline above ground; for guessing it is the share of outline pixels. Everything chosen (the width of a Gaussian, the
strength of a penalty) is chosen on validation scenes; the test scenes are looked at once a run.

Run it with `python -m experiments.edges`. Plotted in chapter 5.9.
"""

import itertools

import keras
import numpy as np
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import average_precision_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from threadpoolctl import threadpool_limits

from experiments.recording import record
from tlbook import backbones
from tlbook.backbones import hed, vgg16
from tlbook.data import emoji10, scenes
from tlbook.files import assets, sources

ARMS = ("guess", "gradient", "gradients_probe", "random_trunk", "imagenet_trunk", "hed_trunk", "hed_published")
SIZE = 192
SCENES = {"train": (16, 500), "validation": (6, 2_000), "test": (16, 2_000)}  # scenes, pixels drawn from each
WIDTHS = (1, 1.5, 2, 3, 4)  # of the Gaussians, in pixels
STRENGTHS = (1e-4, 1e-3, 1e-2, 1e-1, 1.0)
SOURCE = sources.Source("bundled drawings", "bundled", "drawings on a textured ground, not photographs")


def run(noise, seed):
    """Score pixels of the test scenes in every way and return the average precisions: a row is a set of scenes."""
    scenes = {split: list(draw(split, noise, seed)) for split in SCENES}
    figures = {}
    for arm in ARMS:
        keras.utils.set_random_seed(seed)
        figures[arm] = round(precision(scorer(arm, scenes), scenes["test"]), 4)
    return figures | {"source": SOURCE}


def draw(split, noise, seed):
    """Yield scenes as (image, rows, columns, labels) of the pixels drawn from each: the same for every arm."""
    count, pixels = SCENES[split]
    styles = emoji10.TEST_STYLES if split == "test" else emoji10.TRAIN_STYLES
    for k in range(count):
        rng = np.random.default_rng([seed, list(SCENES).index(split), k])
        image, truth = scenes.scene(rng, styles, SIZE, noise=noise)
        places = rng.permutation(np.flatnonzero(truth >= 0))[:pixels]
        yield image, *np.unravel_index(places, truth.shape), truth.ravel()[places]


def precision(score, scenes):
    """Average precision over the drawn pixels of all scenes together."""
    scores = np.concatenate([score(image, rows, columns) for image, rows, columns, _ in scenes])
    return float(average_precision_score(np.concatenate([labels for *_, labels in scenes]), scores))


def scorer(arm, scenes):
    """Return a function (image, rows, columns) -> scores."""
    if arm == "guess":
        return lambda image, rows, columns: np.zeros(len(rows))
    if arm == "gradient":

        def at_width(width):
            return lambda image, rows, columns: scenes.gradient(image, width)[rows, columns]

        best = max(WIDTHS, key=lambda width: precision(at_width(width), scenes["validation"]))
        return at_width(best)
    if arm == "hed_published":
        model = hed.build(hed.read(sources.find(assets.HED)[0]), (SIZE, SIZE, 3))
        return lambda image, rows, columns: hed.probabilities(model, image)[-1][rows, columns]
    return fit_probe(gradients if arm == "gradients_probe" else trunk(arm), scenes)


def gradients(image, rows, columns):
    """Return the gradient at each width and the three colours: float32 (n, 8)."""
    return np.dstack([*(scenes.gradient(image, width) for width in WIDTHS), image.astype("float32")])[rows, columns]


def trunk(arm):
    """Return a function from pixels to the features at the end of each of the five blocks: float32 (n, 1472)."""
    model, source = backbones.vgg16.pretrained((SIZE, SIZE, 3), pretrained=arm != "random_trunk")
    if arm == "hed_trunk":
        arrays = hed.read(sources.find(assets.HED)[0])
        for name in vgg16.CONVOLUTIONS:
            model.get_layer(name).set_weights(arrays[name])
    reader = keras.Model(model.input, [model.get_layer(layer).output for layer in hed.SIDES.values()])

    def see(image, rows, columns):
        maps = [keras.ops.convert_to_numpy(m)[0] for m in reader(image[np.newaxis].astype("float32"), training=False)]
        return np.concatenate([interpolated(m, rows, columns) for m in maps], axis=1)

    return see


def interpolated(features, rows, columns):
    """Return features (h, w, c) at pixels of the picture, between the four nearest places: (n, c)."""
    total, ends = 0, []
    for places, side in zip((rows, columns), features.shape, strict=False):
        exact = np.clip((places + 0.5) * side / SIZE - 0.5, 0, side - 1)
        low = np.minimum(exact.astype(int), side - 2)
        ends.append([(low, 1 - (exact - low)), (low + 1, exact - low)])
    for (row, share), (column, other) in itertools.product(*ends):
        total = total + features[row, column] * (share * other)[:, np.newaxis].astype("float32")
    return total


def fit_probe(see, scenes):
    """Fit a logistic regression on pixels of the training scenes; the validation scenes choose its penalty."""
    seen = {split: [see(*scene[:3]) for scene in scenes[split]] for split in ("train", "validation")}
    labels = {split: np.concatenate([scene[3] for scene in scenes[split]]) for split in seen}
    best = None
    for strength in STRENGTHS:
        probe = make_pipeline(StandardScaler(), LogisticRegression(C=strength, max_iter=300, tol=1e-3))
        with threadpool_limits(1, user_api="blas"):
            probe.fit(np.concatenate(seen["train"]), labels["train"])
        reached = average_precision_score(
            labels["validation"], probe.decision_function(np.concatenate(seen["validation"]))
        )
        if best is None or reached > best[0]:
            best = (reached, probe)
    return lambda image, rows, columns: best[1].decision_function(see(image, rows, columns))


def configurations():
    """Return all runs: little noise and much."""
    return [{"noise": noise, "seed": seed} for noise, seed in itertools.product((12.0, 40.0), [0, 1, 2])]


if __name__ == "__main__":
    table = record("edges", configurations(), run, fresh=False)
    print(table.groupby("noise")[list(ARMS)].mean())
