"""What transfer is worth on CIFAR-10 at 32 pixels: five ways to train, three sizes of training set, three seeds.

VGG16 always ends at `block4_pool` (see `cifar10_depth`). The regimes that train it get comparable work, counted in
multiply-adds: two passes over the pictures through blocks 1 to 4 cost about as much as four through block 4 with the
cached features of blocks 1 to 3. Learning rates come from `cifar10_rates` (validation set, another seed). The test set
is touched once a run, at its end.

Run it with `python -m experiments.cifar10_regimes`. Plotted in chapter 4.3.
"""

import itertools

import keras

from experiments.recording import record
from tlbook import backbones, data, evaluation, features, heads, results, training

# For each regime and number of training pictures. The cheapest regime first.
EPOCHS = {
    "scratch_small_cnn": {100: 64, 1_000: 32, 10_000: 16},
    "linear_probe": {100: 0, 1_000: 0, 10_000: 0},  # scikit-learn's solver counts otherwise
    "head_then_block4": {100: 16, 1_000: 8, 10_000: 4},
    "everything": {100: 8, 1_000: 4, 10_000: 2},
    "scratch_vgg16": {100: 8, 1_000: 4, 10_000: 2},
}
VALIDATION = 1_000  # pictures
END, CUT = "block4_pool", "block3_pool"
DROPOUT = 0.5


def run(regime, labels, seed, learning_rate, test=True):
    """Train one classifier on `labels` pictures and return its accuracies and source."""
    keras.utils.set_random_seed(seed)
    dataset = data.load_cifar10(VALIDATION, seed)
    train = data.subset(dataset.train, labels, seed)
    arms = {"linear_probe": linear_probe, "head_then_block4": head_then_block4}
    predict, validation_accuracy = arms.get(regime, whole_network)(
        regime, train, dataset.validation, labels, seed, learning_rate
    )
    figures = {"validation_accuracy": round(validation_accuracy, 4), "source": dataset.source}
    if test:
        correct = predict(dataset.test.images)
        figures["test_accuracy"] = round(evaluation.accuracy(dataset.test.labels, correct), 4)
    return figures


def vgg16(pretrained=True):
    """VGG16 up to the layer where it is read, whole and cut in two: (body, (frozen part, last block))."""
    body, _ = backbones.split(backbones.vgg16.pretrained(pretrained=pretrained)[0], END)
    return body, backbones.split(body, CUT)


def fitted_probe(lower, upper, train, validation):
    """Logistic regression on the frozen features of `upper(lower(images))`."""
    splits = [(features.extract(upper, features.extract(lower, s.images)), s.labels) for s in (train, validation)]
    return heads.linear_probe(*splits)


def linear_probe(regime, train, validation, labels, seed, learning_rate):
    """Train no layer of VGG16."""
    _, (lower, upper) = vgg16()
    probe = fitted_probe(lower, upper, train, validation)

    def predict(images):
        return probe.predict(features.extract(upper, features.extract(lower, images)).reshape(len(images), -1))

    return predict, probe.validation_accuracy


def head_then_block4(regime, train, validation, labels, seed, learning_rate):
    """Fit the head on frozen features, then train it with block 4 on the cached features of blocks 1 to 3."""
    _, (lower, upper) = vgg16()
    model = heads.classifier(upper, 10, DROPOUT)
    heads.start_from_probe(model, fitted_probe(lower, upper, train, validation))
    variants = [features.extract(lower, train.images, mirrored=mirrored) for mirrored in (False, True)]
    history = training.fit(
        model,
        training.Batches(variants, train.labels, seed=seed),
        (features.extract(lower, validation.images).astype("float32"), validation.labels),
        EPOCHS[regime][labels],
        learning_rate,
    )
    return lambda images: training.predict(model, features.extract(lower, images)), history["val_accuracy"][-1]


def whole_network(regime, train, validation, labels, seed, learning_rate):
    """Train every layer, from fresh weights or (everything) from ImageNet's with the head fitted first."""
    if regime == "scratch_small_cnn":
        model = heads.classifier(backbones.small_cnn(), 10, DROPOUT)
    else:
        body, (lower, upper) = vgg16(pretrained=regime == "everything")
        model = heads.classifier(body, 10, DROPOUT)
    if regime == "everything":
        heads.start_from_probe(model, fitted_probe(lower, upper, train, validation))
    history = training.fit(
        model,
        training.Batches([train.images, train.images[:, :, ::-1]], train.labels, seed=seed),
        (validation.images.astype("float32"), validation.labels),
        EPOCHS[regime][labels],
        learning_rate,
    )
    return lambda images: training.predict(model, images), history["val_accuracy"][-1]


def configurations():
    """Return all runs, each at the rate that `cifar10_rates` found best for its regime on the validation set."""
    rates = results.read("cifar10_rates").dropna(subset="validation_accuracy")
    best = rates.loc[rates.groupby("regime").validation_accuracy.idxmax()].set_index("regime").learning_rate
    best["linear_probe"] = 0.0  # it has none
    return [
        {"regime": regime, "labels": labels, "seed": seed, "learning_rate": float(best[regime])}
        for regime, epochs in EPOCHS.items()
        for labels, seed in itertools.product(epochs, [0, 1, 2])
    ]


if __name__ == "__main__":
    table = record("cifar10_regimes", configurations(), run)
    print(table.groupby(["regime", "labels"]).test_accuracy.agg(["mean", "min", "max"]))
