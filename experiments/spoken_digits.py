"""Spoken digits by a new speaker, with one, three or five recordings of each digit: what transfer is worth.

Six speakers. Each in turn is the new one, which is what the seed says: seed 0 has speaker 0 as target, speaker 1 for
validation, and a network pretrained on the other four. The seed also draws the recordings and, with `FRESH` added, the
fresh weights: drawn with the seed of the pretraining, a "fresh" head would be the one from which the pretraining
started, and the body knows that one.

What must be chosen (learning rate, or strength of the penalty) is chosen by a rehearsal: the same transfer, to the
validation speaker, with three recordings of each digit. The target speaker then gets what was best there, with one,
three and five recordings. The test set is the same for all three, and is touched once for each.

Run it with `python -m experiments.spoken_digits`. Plotted in chapter 5.6.
"""

import keras
import numpy as np

from experiments.recording import record
from tlbook import backbones, evaluation, heads, training
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
STRENGTHS = (1e-4, 1e-3, 1e-2, 1e-1, 1.0)
# What is chosen in the rehearsal, for each arm.
GRIDS = {
    "majority": [0.0],
    "zero_shot": [0.0],
    "log_mel_regression": STRENGTHS,
    "random_frozen": STRENGTHS,
    "pretrained_frozen": STRENGTHS,
    "scratch": [1e-3, 3e-3, 1e-2],
    "random_head_then_all": [1e-4, 3e-4, 1e-3, 3e-3],
    "probe_then_all": [3e-5, 1e-4, 3e-4, 1e-3],
    "confident_head_then_all": [3e-5, 1e-4, 3e-4, 1e-3],
}


def run(arm, seed):
    """Choose on the validation speaker, transfer to the target, and return the accuracies and the source."""
    recordings = digits.load()
    inputs = sound.log_mel(recordings.waveforms)
    target, rehearsal = seed % SPEAKERS, (seed + 1) % SPEAKERS
    source = ~np.isin(recordings.speakers, [target, rehearsal])
    pretrained = pretrain(inputs[source], recordings.labels[source], seed) if arm in PRETRAINED else None

    def transfer(arm, speaker, shots, setting):
        keras.utils.set_random_seed(FRESH + seed)
        train, test = digits.few_shots(recordings, speaker, shots, seed)
        predicted = ARMS[arm](pretrained, (inputs[train], recordings.labels[train]), inputs[test], setting, seed)
        return evaluation.accuracy(recordings.labels[test], predicted)

    def choose(arm, settings):
        rehearsed = {setting: transfer(arm, rehearsal, REHEARSED, setting) for setting in settings}
        best = max(rehearsed, key=rehearsed.get)
        return best, rehearsed[best]

    settings, strength = GRIDS[arm], CONFIDENT
    if arm == "probe_then_all":
        strength, _ = choose("pretrained_frozen", STRENGTHS)
    if ARMS[arm] is probe_first:
        settings = [(strength, rate) for rate in settings]
    chosen, validation_accuracy = choose(arm, settings)
    return {
        "target": recordings.speaker_names[target],
        "chosen": chosen[1] if ARMS[arm] is probe_first else chosen,
        "validation_accuracy": round(validation_accuracy, 4),
        **{f"test_accuracy_{shots}": round(transfer(arm, target, shots, chosen), 4) for shots in PASSES},
        "source": recordings.source,
    }


def pretrain(inputs, labels, seed):
    """Train the network on the source speakers, once for each seed, and return the classifier."""
    keras.utils.set_random_seed(seed)
    model = new_classifier()
    shapes = [tuple(weight.shape) for weight in model.weights]
    key = cache.fingerprint(inputs, labels, text=[seed, PRETRAINING, DROPOUT, shapes])

    def compute():
        batches = training.Batches([inputs], labels, PRETRAINING["batch_size"], seed)
        # Nothing is chosen by these curves, so they need no data of their own.
        training.fit(model, batches, (inputs[:50], labels[:50]), PRETRAINING["epochs"], PRETRAINING["learning_rate"])
        return {str(number): array for number, array in enumerate(model.get_weights())}

    weights = cache.cached_arrays(f"spoken-digits-cnn-{key}", compute)
    model.set_weights([weights[str(number)] for number in range(len(weights))])
    return model


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


def probe(inputs, labels, strength):
    """Fit a logistic regression with a strength that is already chosen, hence no validation set of its own."""
    return heads.linear_probe((inputs, labels), (inputs, labels), strengths=[strength])


def majority(pretrained, train, test, setting, seed):
    """Say the most frequent digit: all are equally frequent."""
    return np.full(len(test), np.bincount(train[1]).argmax())


def zero_shot(pretrained, train, test, setting, seed):
    """Use the pretrained network as it is."""
    return training.predict(pretrained, test)


def log_mel_regression(pretrained, train, test, setting, seed):
    """Fit a logistic regression on the spectrograms themselves."""
    return probe(*train, setting).predict(test.reshape(len(test), -1))


def frozen(pretrained, train, test, setting, seed):
    """Fit a logistic regression on the features of a body, pretrained or, where there is none, freshly drawn."""
    backbone = body(pretrained or new_classifier())
    return probe(extract(backbone, train[0]), train[1], setting).predict(extract(backbone, test))


def extract(backbone, inputs):
    """Return the features of a body; too cheap to keep."""
    batches = [backbone(inputs[start : start + 100], training=False) for start in range(0, len(inputs), 100)]
    return np.concatenate([keras.ops.convert_to_numpy(batch) for batch in batches])


def whole_network(pretrained, train, test, setting, seed, strength=None):
    """Train all layers, from the pretrained ones where given; the head is fitted first where `strength` says how."""
    model = new_classifier(pretrained)
    if strength is not None:
        heads.start_from_probe(model, probe(extract(body(model), train[0]), train[1], strength))
    # One epoch over all passes, because Keras spends more on an epoch than on ten recordings. It also wants something
    # to validate on; nothing is chosen by it (see `run`).
    passes = PASSES[len(train[1]) // 10]
    inputs, labels = np.tile(train[0], (passes, 1, 1)), np.tile(train[1], passes)
    training.fit(model, training.Batches([inputs], labels, 10, seed), train, 1, setting)
    return training.predict(model, test)


def probe_first(pretrained, train, test, setting, seed):
    """Fit the head on frozen features, copy it, then train all layers."""
    strength, rate = setting
    return whole_network(pretrained, train, test, rate, seed, strength)


ARMS = {
    "majority": majority,
    "zero_shot": zero_shot,
    "log_mel_regression": log_mel_regression,
    "random_frozen": frozen,
    "pretrained_frozen": frozen,
    "scratch": whole_network,
    "random_head_then_all": whole_network,
    "probe_then_all": probe_first,
    "confident_head_then_all": probe_first,
}
PRETRAINED = ("zero_shot", "pretrained_frozen", "random_head_then_all", "probe_then_all", "confident_head_then_all")


if __name__ == "__main__":
    table = record(
        "spoken_digits", [{"arm": arm, "seed": seed} for arm in ARMS for seed in range(SPEAKERS)], run, fresh=False
    )
    print(table.groupby("arm", sort=False)[[f"test_accuracy_{shots}" for shots in PASSES]].mean())
