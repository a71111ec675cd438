"""What the layers of a pretrained voice encoder know of spoken digits, and of who speaks: frozen features, three seeds.

Two splits of the first 20 takes of each digit by each speaker:
- `known`: everybody is in the training set. A seed draws, for each speaker and digit, 1 take to learn from, 4 to choose
  by and 15 for the test.
- `unseen`: nobody in the test is in the training set. Seed s tests on two speakers, chooses by a third one and learns
  from the other three, 5 takes of each digit. Over the three seeds each speaker is tested once.

An arm is one layer of one frozen body under a logistic regression. The validation set chooses how the states are
pooled over time and C of the regression. `test_one_shot` needs no training: among the test recordings of
`known`, one of each speaker is enrolled and the others go to the speaker with the most similar vector (mean over time,
cosine), the mean over 200 draws.

Closed: it asks its two questions by unequal means, and tests pairs of speakers, so `voice_probes` took its place, which
uses its pieces. Its table stands in `results/lessons/`.
"""

import functools
import itertools

import keras
import numpy as np

from experiments.protocol import Arm, Experiment, Fitted, HeldOut, Task
from tlbook import evaluation, heads
from tlbook.backbones import voice
from tlbook.data import digits, splits
from tlbook.inputs import sound

TAKES = 20
SPLITS = {60: "known", 150: "unseen"}  # by the number of labels
PROBE_C = (1e-4, 1e-3, 1e-2, 1e-1, 1.0, 10.0)
BODIES = ("pretrained", "shuffled", "fresh")
LAYERS = ("lstm1", "lstm2", "lstm3", "embedding")
POOLINGS = ("mean", "thirds", "last")
DRAWS = 200


def load(n_train, seed):
    """Return waveforms with digits, to learn from and to choose by; and those of the test, with speakers."""
    recordings = digits.load()
    split = SPLITS[n_train]
    train, validation, test = (
        ([recordings.waveforms[i] for i in part], recordings.labels[part]) for part in parts(recordings, split, seed)
    )
    *_, tested = parts(recordings, split, seed)
    labels = {"digits": test[1], "speakers": recordings.speakers[tested] if split == "known" else None, "seed": seed}
    task = Task(train=train, validation=validation, n_choose=len(validation[1]), source=recordings.source, split=split)
    return task, HeldOut(test[0], labels)


def parts(recordings, split, seed):
    """Return the positions to learn from, to choose by and to test on, among the first takes."""
    rng = np.random.default_rng(seed)
    first = recordings.takes < TAKES
    rank = np.full(len(recordings), TAKES)  # of a take among those of its speaker and digit, in a random order
    rank[first] = splits.ranks((10 * recordings.speakers + recordings.labels)[first], rng.permutation)
    if split == "known":
        chosen = rank < 1, (rank >= 1) & (rank < 5), rank >= 5
    else:
        place = (recordings.speakers - 2 * seed) % len(recordings.speaker_names)  # 0, 1 test, 2 chooses, 3 to 5 teach
        chosen = (place >= 3) & (rank < 5), place == 2, place < 2
    return [np.flatnonzero(part & first) for part in chosen]


def body(kind, seed):
    """Return a voice encoder: pretrained, with its weights shuffled, or freshly drawn."""
    keras.utils.set_random_seed(seed)
    if kind == "fresh":
        return voice.build()
    weights, _ = voice.find_arrays()
    return voice.build(voice.shuffled(weights, seed) if kind == "shuffled" else weights)


def majority(task, arm, seed):
    """Say the most frequent digit of the training set."""
    most = np.bincount(task.train[1]).argmax()
    return Fitted(
        predict=lambda waveforms: {"digits": np.full(len(waveforms), most)},
        validation=float(np.mean(task.validation[1] == most)),
        figures={"split": task.split},
    )


def probe(task, arm, seed, kind, layer):
    """Fit a probe to each pooling of a layer and keep the best one by the validation set."""
    encoder = body(kind, seed)

    def see(waveforms):
        found = voice.features(encoder, waveforms, sound.DIGITS.rate)
        found["log-mel-whole"] = sound.log_mel(waveforms)  # chapter 5.7's picture, with every frame
        return {name.rpartition("-")[2]: x for name, x in found.items() if name.startswith(layer)}

    train, validation = see(task.train[0]), see(task.validation[0])
    tried = tuple(dict.fromkeys(C for _, C in arm.grid))
    probes = {
        pooling: heads.best_probe((train[pooling], task.train[1]), (validation[pooling], task.validation[1]), tried)
        for pooling in dict.fromkeys(pooling for pooling, _ in arm.grid)
    }
    best = max(probes, key=lambda pooling: probes[pooling].validation_score)

    def predict(waveforms):
        seen = see(waveforms)
        recordings = probes[best].predict(seen[best].reshape(len(waveforms), -1))
        return {"digits": recordings, "vectors": seen.get("mean", seen.get("embedding"))}

    return Fitted(
        predict=predict,
        validation=probes[best].validation_score,
        chosen=(best, probes[best].C),
        figures={"split": task.split},
    )


def accuracy(labels, predictions):
    """Return the share of digits that are right."""
    return evaluation.accuracy(labels["digits"], predictions["digits"])


def one_shot(labels, predictions):
    """Return the mean share of recordings that went to their speaker, where the speakers are those of the training."""
    if labels["speakers"] is None or "vectors" not in predictions:
        return {}
    rng = np.random.default_rng(labels["seed"])
    right = evaluation.one_shot(predictions["vectors"], labels["speakers"], DRAWS, rng)
    return {"one_shot": float(right.mean())}


def arms(probe, tried):
    """Return an arm for each layer of each body, which `probe` reads with each C tried, and what they are to beat."""

    def of(kind, layer, poolings=POOLINGS):
        return Arm(
            fit=functools.partial(probe, kind=kind, layer=layer),
            grid=itertools.product(poolings, tried),
            pretraining="none" if kind == "fresh" or layer == "log-mel" else "published",
        )

    return {
        "majority": Arm(fit=majority, pretraining="none"),
        "log_mel": of("pretrained", "log-mel", (*POOLINGS, "whole")),
        **{
            f"{kind}_{layer}": of(kind, layer, ("embedding",) if layer == "embedding" else POOLINGS)
            for kind, layer in itertools.product(BODIES, LAYERS)
        },
    }


EXPERIMENT = Experiment(
    name="voice_layers",
    question="What do the layers of a voice encoder know of digits, and of who speaks?",
    unit="speaker",
    arms=arms(probe, PROBE_C),
    design={"n_train": tuple(SPLITS), "seed": (0, 1, 2)},
    load=load,
    metrics={"accuracy": accuracy, "one_shot": one_shot},
)
