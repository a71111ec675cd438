"""What compression costs and saves: eight forms of a fine-tuned VGG16 and a small student, five draws of the labels.

The network is that of chapter 4.3: VGG16 up to `block4_pool` with a head, blocks 1 to 3 frozen, block 4 fine-tuned on
1,000 labels at the rate that chapter 4.3 found on other draws. Nothing is chosen here: each arm has one setting, fixed
before the test was looked at. A seed draws the labels, the calibration pictures and the fresh weights. Files are
LiteRT, on one thread. In each run the form and the float32 file take turns on the same pictures: what counts is the
ratio of their CPU times. The student learns from the teacher's logits on training pictures without labels; its
control is the same student, which sees the labelled pictures alone, for as many steps.

Run it with `python -m experiments.compressed_vgg16`. Chapter 8.5 plots it. No picture of `data.holdout` is drawn.
"""

import functools

import keras
import numpy as np

from experiments import code_digest, pretraining
from experiments.protocol import Arm, Experiment, Fitted, HeldOut, Task
from tlbook import backbones, data, evaluation, features, heads, training
from tlbook.backbones import cost
from tlbook.files import cache
from tlbook.methods import compression, distillation

VALIDATION, TEST, UNLABELLED, CALIBRATION = 200, 600, 3_000, 100  # pictures
EPOCHS, RATE, DROPOUT = 4, 1e-4, 0.5  # of block 4
AGAIN = 2  # epochs of block 4 once it has lost half of its inner filters
STUDENT = {"epochs": 6, "rate": 0.01}  # epochs over labelled and unlabelled pictures; the rate of a small CNN in 4.3
TIMED, ROUNDS = 2, 25  # pictures of a turn, turns
PROBE_C = (1e-4, 1e-3, 1e-2)


def load(n_train, seed):
    """Return pictures with labels, others whose labels are not used, those that are watched; and those of the test."""
    dataset = data.load_cifar10(VALIDATION, seed)
    rest, train = data.split_off(dataset.train, n_train, seed)
    test = data.subset(dataset.test, TEST, 0)
    task = Task(
        train=train,
        validation=dataset.validation,
        n_choose=len(dataset.validation),
        source=dataset.source,
        unlabelled=data.subset(rest, UNLABELLED, seed).images,
    )
    return task, HeldOut(test.images, test.labels)


def pieces(task):
    """Return VGG16, its frozen part, block 4, and what the frozen part makes of the pictures and mirror images."""
    body, _ = backbones.split(backbones.vgg16.pretrained()[0], "block4_pool")
    lower, upper = backbones.split(body, "block3_pool")
    kept = [features.extract(lower, task.train.images, mirrored=mirrored) for mirrored in (False, True)]
    return body, lower, upper, kept, features.extract(lower, task.validation.images).astype("float32")


def teacher(task, seed):
    """Return the fine-tuned network from pixels to logits, and the CPU seconds of its training: all arms share it."""
    body, _ = backbones.split(backbones.vgg16.pretrained()[0], "block4_pool")
    whole = heads.classifier(body, 10, DROPOUT)

    def train():
        keras.utils.set_random_seed(seed)
        body, lower, upper, kept, watched = pieces(task)
        model = heads.classifier(upper, 10, DROPOUT)
        splits = [
            (features.extract(upper, each.astype("float16")), split.labels)
            for each, split in ((kept[0], task.train), (watched, task.validation))
        ]
        heads.start_from_probe(model, heads.best_probe(*splits, PROBE_C))
        batches = training.Batches(kept, task.train.labels, seed=seed)
        training.fit(model, batches, (watched, task.validation.labels), EPOCHS, RATE)
        for layer in whole.layers:
            if layer.weights:
                trained = model if layer.name in [each.name for each in model.layers] else body
                layer.set_weights(trained.get_layer(layer.name).get_weights())
        whole.get_layer("standardise").finalize_state()

    key = cache.fingerprint(task.train.images, task.train.labels, text=[code_digest.digest(teacher), seed, EPOCHS])
    seconds = pretraining.weights_once(f"compressed-{key}", whole, train)
    whole.get_layer("standardise").finalize_state()
    return whole, seconds


def converted(task, seed, precision):
    """Keep the numbers in fewer bits."""
    model, seconds = teacher(task, seed)
    examples = data.subset(task.train, CALIBRATION, seed).images if precision == "int8" else None
    return model, model, {"precision": precision, "calibration": examples}, seconds


def pruned(task, seed, share):
    """Set the smallest weights of each kernel to zero, and do nothing more."""
    model, seconds = teacher(task, seed)
    return model, compression.prune(model, share), {}, seconds


def thinned(task, seed, trained):
    """Cut half of the inner filters out of block 4; then, for one arm, let what is left of it learn again."""
    model, seconds = teacher(task, seed)
    smaller = compression.thin(model, ["block4_conv1", "block4_conv2"])
    if trained:
        keras.utils.set_random_seed(seed)
        _, _, _, kept, watched = pieces(task)
        _, upper = backbones.split(smaller, "block3_pool")
        batches = training.Batches(kept, task.train.labels, seed=seed)
        training.fit(upper, batches, (watched, task.validation.labels), AGAIN, RATE)
    return model, smaller, {}, seconds


def student(task, seed, weight):
    """Train a small network: on the teacher's logits (a weight above 0), or, for as many steps, on the labels alone."""
    model, seconds = teacher(task, seed)
    keras.utils.set_random_seed(seed)
    small = heads.classifier(backbones.small_cnn(), 10, DROPOUT)
    images, labels, epochs = task.train.images, task.train.labels, STUDENT["epochs"]
    if weight:
        images = np.concatenate([images, task.unlabelled])
        labels = np.concatenate([labels, np.full(len(task.unlabelled), distillation.UNLABELLED)])
        said = features.forward(model, images)
    else:
        said = np.zeros((len(labels), 10), "float32")
        epochs = round(epochs * (1 + len(task.unlabelled) / len(task.train)))
    watched = task.validation.images.astype("float32"), task.validation.labels
    distillation.distil(
        small, [images, images[:, :, ::-1]], labels, said, watched, epochs, STUDENT["rate"], weight=weight, seed=seed
    )
    return model, small, {}, seconds


def measured(task, arm, seed, make, **how):
    """Make one form of the network; weigh it, time it beside the float32 file, and compare its answers.

    `make` returns the fine-tuned network, the form, how it is written into its file, and the CPU seconds of the
    fine-tuning.
    """
    whole, model, written, seconds = make(task, seed, **how)
    content, original = compression.to_litert(model, **written), compression.to_litert(whole)
    run, reference = compression.LiteRT(content), compression.LiteRT(original)
    watched, shown = task.validation, task.validation.images[:TIMED]
    exact = written.get("precision", "float32") == "float32"
    if exact:  # the file and Keras hold the same numbers: that is checked, and Keras is faster
        logits = features.forward(model, shown)
        largest = np.abs(logits).max()
        evaluation.agree("file and Keras", run(shown) / largest, logits / largest, tolerance=1e-3)
    best = model if exact else run
    named = answers(best, watched.images)
    took = compression.side_by_side({"form": lambda: run(shown), "float32": lambda: reference(shown)}, ROUNDS)
    figures = {
        "bytes": len(content),
        "zipped_bytes": compression.zipped(content),
        "size_ratio": len(content) / len(original),
        "zipped_ratio": compression.zipped(content) / compression.zipped(original),
        "speed_ratio": took["float32"] / took["form"],
        "milliseconds": 1000 * took["form"] / TIMED,
        "million_multiply_adds": cost.multiply_adds(model) / 1e6,
        "zeros": float(np.mean(np.concatenate([np.ravel(weight) for weight in model.get_weights()]) == 0)),
        "agreement": float(np.mean(named == answers(whole, watched.images))),
    }
    return Fitted(
        predict=lambda images: answers(best, images),
        validation=evaluation.accuracy(watched.labels, named),
        kept_seconds=seconds if arm.pretraining == "published" else 0.0,
        figures=figures,
    )


def answers(network, images):
    """Return the classes that a LiteRT file or a Keras model names."""
    is_file = isinstance(network, compression.LiteRT)
    return (network(images) if is_file else features.forward(network, images)).argmax(axis=1)


def arm(make, **how):
    """Return the arm that makes one form; the control of the student saw no pretrained network."""
    learned = make is student and not how["weight"]
    fit = functools.partial(measured, make=make, **how)
    return Arm(fit=fit, first=() if learned else PROBE_C, pretraining="none" if learned else "published")


EXPERIMENT = Experiment(
    name="compressed_vgg16",
    question="What does a fine-tuned network lose when it gets smaller, and what does it gain?",
    unit="test picture and seed",
    arms={
        **{precision: arm(converted, precision=precision) for precision in compression.PRECISIONS},
        "pruned_50": arm(pruned, share=0.5),
        "pruned_80": arm(pruned, share=0.8),
        "thin_block4": arm(thinned, trained=False),
        "thin_block4_trained": arm(thinned, trained=True),
        "student_distilled": arm(student, weight=0.9),
        "student_labels": arm(student, weight=0.0),
    },
    design={"n_train": (1_000,), "seed": (0, 1, 2, 3, 4)},
    load=load,
    metrics={"accuracy": evaluation.accuracy},
)

if __name__ == "__main__":
    table = EXPERIMENT.record()
    figures = ["test_accuracy", "agreement", "size_ratio", "zipped_ratio", "speed_ratio"]
    print(table.groupby("arm", sort=False)[figures].mean())
