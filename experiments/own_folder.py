"""How many pictures a class a small folder of one's own needs: five of CIFAR-10's classes, 5 to 50 pictures of each.

A run draws a folder, keeps a fifth of it (at least one picture of each class) to choose by, as a reader would, and
learns from the rest. Everything is chosen on that fifth: C, the rate, and whether fine-tuning is kept at all. The test
pictures are 600 others. Pictures are enlarged to 48 pixels as `tlbook.data.folders.prepare` enlarges them. No picture
of `data.holdout` is drawn.

Run it with `python -m experiments.own_folder`. Chapter 5.1 plots it.
"""

import functools

import keras
import numpy as np
from PIL import Image

from experiments.protocol import Arm, Experiment, Fitted, HeldOut, Task
from tlbook import backbones, data, evaluation, features, heads, training
from tlbook.data import folders

CLASSES = ("airplane", "cat", "dog", "frog", "truck")
SIZE = 48  # pixels a side
SHAPE = (SIZE, SIZE, 3)
TEST = 600
PER_CLASS = {20: 5, 40: 10, 80: 20, 200: 50}  # pictures of a class, by how many are left to learn from
EPOCHS = {20: 10, 40: 8, 80: 5, 200: 3}
PROBE_C = (1e-4, 1e-3, 1e-2, 1e-1)
RATES = (1e-4, 3e-4)


def load(n_train, seed):
    """Draw a folder and return it, cut in two; and the test pictures."""
    folder, test, source = draw(PER_CLASS[n_train], seed)
    parts = folders.cut(folder, CLASSES, source, validation=0.2, test=0.2, seed=seed)
    # The test pictures come from elsewhere, so what `cut` keeps for a test goes back to what is learned from.
    train = data.Split(
        np.concatenate([parts.train.images, parts.test.images]), np.concatenate([parts.train.labels, parts.test.labels])
    )
    task = Task(
        train=train, validation=parts.validation, n_choose=len(parts.validation), source=source, epochs=EPOCHS[n_train]
    )
    return task, HeldOut(test.images, test.labels)


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


def majority(task, arm, seed):
    """Name the most frequent class, whatever the picture."""
    most = np.bincount(task.train.labels).argmax()
    return Fitted(
        predict=lambda images: np.full(len(images), most), validation=float(np.mean(task.validation.labels == most))
    )


def probed(task, arm, see):
    """Fit a logistic regression on what `see` makes of pictures."""
    probe = heads.best_probe(*((see(part.images), part.labels) for part in (task.train, task.validation)), arm.grid)
    return Fitted(predict=lambda images: probe.predict(see(images)), validation=probe.validation_score, chosen=probe.C)


def classical(task, arm, seed, see):
    """Logistic regression on a histogram of 64 colours, or on the pixels at 16 x 16."""
    return probed(task, arm, see)


def histogram(images):
    """Count the pixels of each of 4 x 4 x 4 colours: float32 (n, 64), shares."""
    codes = (images // 64) @ np.array([16, 4, 1])
    return np.stack([np.bincount(code.ravel(), minlength=64) for code in codes]).astype("float32") / SIZE**2


def pixels(images):
    """Return the pictures at 16 x 16 pixels: float64 (n, 768)."""
    return images.reshape(len(images), 16, SIZE // 16, 16, SIZE // 16, 3).mean(axis=(2, 4)).reshape(len(images), -1)


def halves(pretrained=True):
    """VGG16 up to `block4_pool`, cut before block 4."""
    model = backbones.vgg16.pretrained(SHAPE)[0] if pretrained else backbones.vgg16.build(SHAPE)
    body, _ = backbones.split(model, "block4_pool")
    return backbones.split(body, "block3_pool")


def frozen(task, arm, seed):
    """Fit logistic regression on frozen features, of ImageNet's weights or of fresh ones."""
    keras.utils.set_random_seed(seed)
    lower, upper = halves(pretrained=arm.pretraining == "published")
    return probed(
        task, arm, lambda images: features.extract(upper, features.extract(lower, images)).reshape(len(images), -1)
    )


def head_then_block4(task, arm, seed):
    """Start from the probe and train block 4 at each rate; keep the one that is best on the validation pictures."""
    keras.utils.set_random_seed(seed)
    lower, upper = halves()
    variants = [features.extract(lower, task.train.images, mirrored=mirrored) for mirrored in (False, True)]
    held_out = features.extract(lower, task.validation.images)
    probe = heads.best_probe(
        (features.extract(upper, variants[0]), task.train.labels),
        (features.extract(upper, held_out), task.validation.labels),
        arm.first,
    )
    start = upper.get_weights()
    # A tie goes to what moved less: first the probe itself (no rate), then the lower rates.
    best = (probe.validation_score, None, None)
    for rate in arm.grid[1:]:
        upper.set_weights(start)
        model = heads.classifier(upper, len(CLASSES), dropout=0.5)
        heads.start_from_probe(model, probe)
        batches = training.Batches(variants, task.train.labels, batch_size=16, seed=seed)
        history = training.fit(model, batches, (held_out, task.validation.labels), task.epochs, rate)
        if history["val_accuracy"][-1] > best[0] + 1e-6:
            best = (history["val_accuracy"][-1], rate, model.get_weights())
    model = heads.classifier(upper, len(CLASSES))
    # The probe also gives the head its mean and variance: `set_weights` alone would not make it use them.
    upper.set_weights(start)
    heads.start_from_probe(model, probe)
    if best[2] is not None:
        model.set_weights(best[2])
    return Fitted(
        predict=lambda images: training.predict(model, features.extract(lower, images)),
        validation=best[0],
        chosen=best[1],
    )


EXPERIMENT = Experiment(
    name="own_folder",
    question="How many pictures of a class does a folder of one's own need?",
    unit="test picture and seed",
    arms={
        "majority": Arm(fit=majority, pretraining="none"),
        "colours": Arm(fit=functools.partial(classical, see=histogram), grid=PROBE_C, pretraining="none"),
        "pixels": Arm(fit=functools.partial(classical, see=pixels), grid=PROBE_C, pretraining="none"),
        "random_body": Arm(fit=frozen, grid=PROBE_C, pretraining="none"),
        "linear_probe": Arm(fit=frozen, grid=PROBE_C, pretraining="published"),
        "head_then_block4": Arm(fit=head_then_block4, grid=(None, *RATES), first=PROBE_C, pretraining="published"),
    },
    design={"n_train": tuple(PER_CLASS), "seed": (0, 1, 2)},
    load=load,
    metrics={"accuracy": evaluation.accuracy},
)

if __name__ == "__main__":
    print(EXPERIMENT.record().pivot_table("test_accuracy", "arm", "n_train", sort=False))
