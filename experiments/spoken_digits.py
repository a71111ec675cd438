"""Spoken digits by a new speaker, with one, three or five recordings of each digit: what transfer is worth.

Six speakers. Each in turn is the new one, which is what the seed says: seed 0 has speaker 0 as target, speaker 1 for
validation, and a network pretrained on the other four. The seed also draws the recordings and, with `FRESH` added, the
fresh weights: drawn with the seed of the pretraining, a "fresh" head would be the one from which the pretraining
started, and the body knows that one.

What must be chosen (learning rate, or C) is chosen by a rehearsal: the same transfer, to the
validation speaker, with three recordings of each digit. The target speaker then gets what was best there, with one,
three and five recordings. The test set is the same for all three. They share a rehearsal; its CPU seconds count in
each of them.

Run it with `python -m experiments.spoken_digits`. Chapter 5.7 plots it; chapter 5.10 compares with it.
"""

import functools

import keras
import numpy as np

from experiments.code_digest import digest
from experiments.pretraining import trained_once, weights_once
from experiments.protocol import Arm, Experiment, Fitted, HeldOut, Task
from tlbook import backbones, evaluation, features, heads, training
from tlbook.data import digits
from tlbook.files import cache
from tlbook.inputs import sound

SPEAKERS = 6
PRETRAINING = {"epochs": 8, "learning_rate": 3e-3, "batch_size": 32}
DROPOUT = 0.3
PASSES = {1: 80, 3: 40, 5: 24}  # over 10, 30 or 50 recordings, in batches of 10
REHEARSED = 3
FRESH = 1_000
CONFIDENT = 1e2  # C of a head under hardly any penalty
PROBE_C = (1e-5, 1e-4, 1e-3, 1e-2, 1e-1, 1.0, 10.0)
SCRATCH_RATES, FREE_RATES, PROBE_RATES = (
    (1e-3, 3e-3, 1e-2, 3e-2),
    (3e-4, 1e-3, 3e-3, 1e-2, 3e-2),
    (1e-5, 3e-5, 1e-4, 3e-4, 1e-3, 3e-3),
)


def load(n_train, seed):
    """Return recordings of the target speaker to learn from, those of the rehearsal, and the source; and the test."""
    recordings = digits.load()
    inputs = sound.log_mel(recordings.waveforms)
    source = ~np.isin(recordings.speakers, [seed % SPEAKERS, (seed + 1) % SPEAKERS])
    return new_speaker(recordings, inputs, n_train, seed, (inputs[source], recordings.labels[source]), FRESH)


def new_speaker(recordings, inputs, n_train, seed, source_recordings, fresh):
    """Return task and test of a speaker, with another one for the rehearsal; the source is (inputs, labels)."""
    target, rehearsal = seed % SPEAKERS, (seed + 1) % SPEAKERS
    train, test = digits.few_shots(recordings, target, max(n_train // 10, 1), seed)
    tried, validation = digits.few_shots(recordings, rehearsal, REHEARSED, seed)
    task = Task(
        train=(inputs[train], recordings.labels[train]),
        validation=(inputs[validation], recordings.labels[validation]),
        n_choose=len(tried) + len(validation),
        source=recordings.source,
        rehearsal=(inputs[tried], recordings.labels[tried]),
        source_recordings=source_recordings,
        target=recordings.speaker_names[target],
        fresh=fresh + seed,
    )
    return task, HeldOut(inputs[test], recordings.labels[test])


def transfer(task, arm, seed, way, head_C=None):
    """Choose in the rehearsal, then go the same way to the target; with a `head_C`, a head is fitted first."""
    pretrained, cost = pretrain(*task.source_recordings, seed) if arm.pretraining == "measured" else (None, {})
    kept = 0.0
    if arm.first:
        heads_rehearsed, kept = rehearse(task, arm.first, frozen, pretrained, seed)
        head_C = max(heads_rehearsed, key=heads_rehearsed.get)
    if head_C is not None:
        way = functools.partial(way, head_C=head_C)
    rehearsed, seconds = rehearse(task, arm.grid, way, pretrained, seed)
    chosen = max(rehearsed, key=rehearsed.get)
    keras.utils.set_random_seed(task.fresh)
    return Fitted(
        predict=way(pretrained, task.train, chosen, seed),
        validation=rehearsed[chosen],
        chosen=chosen,
        kept_seconds=kept + seconds,
        figures={"target": task.target, "head_C": head_C},
        **cost,
    )


def rehearse(task, settings, way, pretrained, seed):
    """Return the accuracy of each setting on the validation speaker, and the CPU seconds of it all; done once."""

    def accuracies():
        for setting in settings:
            keras.utils.set_random_seed(task.fresh)
            predictions = way(pretrained, task.rehearsal, setting, seed)(task.validation[0])
            yield evaluation.accuracy(task.validation[1], predictions)

    name = way.func.__name__ + repr(way.keywords) if isinstance(way, functools.partial) else way.__name__
    weights = pretrained.get_weights() if pretrained else []
    text = [digest(rehearse), name, settings, seed, task.fresh]
    key = cache.fingerprint(*task.rehearsal, *task.validation, *weights, text=text)
    found, seconds = trained_once(key, lambda: {"accuracies": np.array(list(accuracies()))})
    return dict(zip(settings, found["accuracies"].tolist(), strict=True)), seconds


def pretrain(inputs, labels, seed):
    """Train the network on the source speakers, once for each seed: `(classifier, what that cost)`."""
    keras.utils.set_random_seed(seed)
    model = new_classifier()

    def train():
        batches = training.Batches([inputs], labels, PRETRAINING["batch_size"], seed)
        # Nothing is chosen by these curves, so they need no data of their own.
        training.fit(model, batches, (inputs[:50], labels[:50]), PRETRAINING["epochs"], PRETRAINING["learning_rate"])

    key = cache.fingerprint(inputs, labels, text=[digest(pretrain), seed])
    return model, {"pretraining_seconds": weights_once(key, model, train), "n_source": len(labels)}


def new_classifier(pretrained=None):
    """Return the network with a fresh head, its body pretrained where a pretrained classifier is given."""
    model = heads.classifier(backbones.small_speech_cnn(), 10, DROPOUT)
    if pretrained is not None:
        head = model.get_layer("logits").get_weights()
        model.set_weights(pretrained.get_weights())
        model.get_layer("logits").set_weights(head)
        for layer in model.layers:
            # With ten recordings, the mean and variance of a batch say more about the batch than about the speaker.
            layer.trainable = not isinstance(layer, keras.layers.BatchNormalization)
    return model


def body(model):
    """Return a classifier without its head."""
    return keras.Model(model.input, model.get_layer("mean").output)


# The ways to a new speaker: each takes (pretrained, (inputs, labels), setting, seed) and returns `predict`.


def majority(pretrained, train, setting, seed):
    """Say the most frequent digit: all are equally frequent."""
    return lambda inputs: np.full(len(inputs), np.bincount(train[1]).argmax())


def zero_shot(pretrained, train, setting, seed):
    """Use the pretrained network as it is."""
    return lambda inputs: training.predict(pretrained, inputs)


def log_mel_regression(pretrained, train, setting, seed):
    """Fit a logistic regression on the spectrograms themselves."""
    return heads.linear_probe(*train, setting).predict


def frozen(pretrained, train, setting, seed):
    """Fit a logistic regression on the features of a body, pretrained or, where there is none, freshly drawn."""
    backbone = body(pretrained or new_classifier())
    probe = heads.linear_probe(features.forward(backbone, train[0]), train[1], setting)
    return lambda inputs: probe.predict(features.forward(backbone, inputs))


def whole_network(pretrained, train, setting, seed, head_C=None):
    """Train all layers, from the pretrained ones where given; the head is fitted first where `head_C` says how."""
    model = new_classifier(pretrained)
    if head_C is not None:
        seen = features.forward(body(model), train[0])
        heads.start_from_probe(model, heads.linear_probe(seen, train[1], head_C))
    # One epoch over all passes, because Keras spends more on an epoch than on ten recordings. It also wants something
    # to validate on; nothing is chosen by it (see `transfer`).
    passes = PASSES[len(train[1]) // 10]
    inputs, labels = np.tile(train[0], (passes, 1, 1)), np.tile(train[1], passes)
    training.fit(model, training.Batches([inputs], labels, 10, seed), train, 1, setting)
    return lambda inputs: training.predict(model, inputs)


def arm(way, grid=(None,), pretraining="none", first=(), design=None, **more):
    """Return the arm that goes one way."""
    fit = functools.partial(transfer, way=way, **more)
    return Arm(fit=fit, grid=grid, first=first, pretraining=pretraining, design=design or {})


EXPERIMENT = Experiment(
    name="spoken_digits",
    question="What is transfer worth for a speaker with one, three or five recordings of each digit?",
    unit="speaker",
    arms={
        "majority": arm(majority),
        "zero_shot": arm(zero_shot, pretraining="measured", design={"n_train": (0,)}),
        "log_mel_regression": arm(log_mel_regression, PROBE_C),
        "random_frozen": arm(frozen, PROBE_C),
        "pretrained_frozen": arm(frozen, PROBE_C, "measured"),
        "scratch": arm(whole_network, SCRATCH_RATES),
        "random_head_then_all": arm(whole_network, FREE_RATES, "measured"),
        "probe_then_all": arm(whole_network, PROBE_RATES, "measured", first=PROBE_C),
        "confident_head_then_all": arm(whole_network, PROBE_RATES, "measured", head_C=CONFIDENT),
    },
    design={"n_train": tuple(10 * shots for shots in PASSES), "seed": tuple(range(SPEAKERS))},
    load=load,
    metrics={"accuracy": evaluation.accuracy},
)

if __name__ == "__main__":
    print(EXPERIMENT.record().pivot_table("test_accuracy", "arm", "n_train", sort=False))
