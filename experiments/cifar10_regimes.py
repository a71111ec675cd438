"""What transfer is worth on CIFAR-10 at 32 pixels: five ways to train, two sizes of training set, three seeds.

The regimes get comparable work, counted in multiply-adds: two passes over the pictures through all of VGG16 cost about
as much as four through blocks 4 and 5 with the cached features of blocks 1 to 3. Learning rates come from
`cifar10_rates` (validation set, another seed). The test set is touched once a run, at its end.

Run it with `python -m experiments.cifar10_regimes`. Plotted in chapter 4.3.
"""

import itertools

import keras

from tlbook import backbones, data, evaluation, features, heads, results, training
from tlbook.recording import record

# The cheapest first.
REGIMES = ["scratch_small_cnn", "linear_probe", "head_then_blocks", "everything", "scratch_vgg16"]
EPOCHS = {
    "scratch_vgg16": {1_000: 4, 10_000: 2},
    "scratch_small_cnn": {1_000: 32, 10_000: 16},
    "head_then_blocks": {1_000: 8, 10_000: 4},
    "everything": {1_000: 4, 10_000: 2},
}
VALIDATION = 1_000  # pictures
CUT = "block3_pool"


def run(regime, labels, seed, learning_rate, test=True):
    """Train one classifier on `labels` pictures and return its accuracies and source."""
    keras.utils.set_random_seed(seed)
    dataset = data.load_cifar10(VALIDATION, seed)
    train = data.subset(dataset.train, labels, seed)
    arms = {"linear_probe": linear_probe, "head_then_blocks": head_then_blocks}
    predict, validation_accuracy = arms.get(regime, whole_network)(
        regime, train, dataset.validation, labels, seed, learning_rate
    )
    figures = {"validation_accuracy": round(validation_accuracy, 4), "source": dataset.source}
    if test:
        correct = predict(dataset.test.images)
        figures["test_accuracy"] = round(evaluation.accuracy(dataset.test.labels, correct), 4)
    return figures


def linear_probe(regime, train, validation, labels, seed, learning_rate):
    """Logistic regression on the frozen features of block 4."""
    lower, upper = backbones.split(backbones.vgg16(), CUT)
    block4, _ = backbones.split(upper, "block4_pool")

    def extract(images):
        return features.extract(block4, features.extract(lower, images))

    probe = heads.linear_probe((extract(train.images), train.labels), (extract(validation.images), validation.labels))
    return lambda images: probe.predict(extract(images).reshape(len(images), -1)), probe.validation_accuracy


def head_then_blocks(regime, train, validation, labels, seed, learning_rate):
    """Fit the head on frozen features, then train it with blocks 4 and 5 on the cached features of block 3."""
    lower, upper = backbones.split(backbones.vgg16(), CUT)
    plain = features.extract(lower, train.images)
    held_out = features.extract(lower, validation.images)
    model = heads.classifier(upper, 10, dropout=0.5)
    probe = heads.linear_probe(
        (features.extract(upper, plain), train.labels), (features.extract(upper, held_out), validation.labels)
    )
    heads.start_from_probe(model, probe)
    variants = [plain, features.extract(lower, train.images, mirrored=True)]
    history = training.fit(
        model,
        training.Batches(variants, train.labels, seed=seed),
        (held_out.astype("float32"), validation.labels),
        EPOCHS[regime][labels],
        learning_rate,
    )
    return (
        lambda images: evaluation.predict(model, features.extract(lower, images)),
        history["val_accuracy"][-1],
    )


def whole_network(regime, train, validation, labels, seed, learning_rate):
    """Train every layer, from fresh weights or (everything) from ImageNet's with the head fitted first."""
    backbone = (
        backbones.small_cnn() if regime == "scratch_small_cnn" else backbones.vgg16(pretrained=regime == "everything")
    )
    model = heads.classifier(backbone, 10, dropout=0.5)
    if regime == "everything":
        lower, upper = backbones.split(backbone, CUT)
        block5 = [features.extract(upper, features.extract(lower, split.images)) for split in (train, validation)]
        heads.start_from_probe(model, heads.linear_probe((block5[0], train.labels), (block5[1], validation.labels)))
    history = training.fit(
        model,
        training.Batches([train.images, train.images[:, :, ::-1]], train.labels, seed=seed),
        (validation.images.astype("float32"), validation.labels),
        EPOCHS[regime][labels],
        learning_rate,
    )
    return lambda images: evaluation.predict(model, images), history["val_accuracy"][-1]


def configurations(regimes=REGIMES):
    """Return the runs of some regimes, each at the rate that `cifar10_rates` found best on the validation set."""
    rates = results.read("cifar10_rates").dropna(subset="validation_accuracy")
    best = rates.loc[rates.groupby("regime").validation_accuracy.idxmax()].set_index("regime").learning_rate
    best["linear_probe"] = 0.0  # scikit-learn's solver has none
    return [
        {"regime": regime, "labels": labels, "seed": seed, "learning_rate": float(best[regime])}
        for regime, labels, seed in itertools.product(regimes, [1_000, 10_000], [0, 1, 2])
    ]


if __name__ == "__main__":
    table = record("cifar10_regimes", configurations(), run)
    print(table.groupby(["regime", "labels"]).test_accuracy.agg(["mean", "min", "max"]))
