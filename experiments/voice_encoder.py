"""What the layers of a pretrained voice encoder know of spoken digits, and of who speaks: frozen features, three seeds.

Two splits of the first 20 takes of each digit by each speaker:
- `known`: everybody is in the training set. A seed draws, for each speaker and digit, 1 take to learn from, 4 to choose
  by and 15 for the test.
- `unseen`: nobody in the test is in the training set. Seed s tests on two speakers, chooses by a third one and learns
  from the other three, 5 takes of each digit. Over the three seeds each speaker is tested once.

A run takes one frozen body and fits a logistic regression to each of its layers. For each layer the validation set
chooses how the states are pooled over time and the strength of the regression; the test set is touched once. The
columns `one_shot_...` need no training: among the test recordings of `known`, one of each speaker is enrolled and the
others go to the speaker with the most similar vector (mean over time, cosine), the mean over 200 draws.

Run it with `python -m experiments.voice_encoder`. Plotted in chapter 5.7.
"""

import dataclasses
import itertools

import keras
import numpy as np

from experiments.recording import record
from tlbook import evaluation, heads
from tlbook.backbones import voice
from tlbook.data import digits
from tlbook.inputs import sound

TAKES = 20
STRENGTHS = (1e-4, 1e-3, 1e-2, 1e-1, 1.0, 10.0)
BODIES = ("baselines", "pretrained", "shuffled", "fresh")  # baselines: majority, log-mel
LAYERS = ("lstm1", "lstm2", "lstm3", "embedding")
DRAWS = 200


def split(recordings, task, seed):
    """Return the positions to learn from, to choose by and to test on."""
    rng = np.random.default_rng(seed)
    rank = np.empty(len(recordings), int)  # of a take among those of its speaker and digit, in a random order
    for speaker, digit in itertools.product(range(len(recordings.speaker_names)), range(10)):
        mine = np.flatnonzero((recordings.speakers == speaker) & (recordings.labels == digit))
        rank[mine] = rng.permutation(len(mine))
    if task == "known":
        parts = rank < 1, (rank >= 1) & (rank < 5), rank >= 5
    else:
        place = (recordings.speakers - 2 * seed) % len(
            recordings.speaker_names
        )  # 0 and 1 test, 2 chooses, 3 to 5 teach
        parts = (place >= 3) & (rank < 5), place == 2, place < 2
    return [np.flatnonzero(part) for part in parts]


def body(kind, seed):
    """Return a voice encoder: pretrained, with its weights shuffled, or freshly drawn."""
    keras.utils.set_random_seed(seed)
    if kind == "fresh":
        return voice.build()
    weights, _ = voice.pretrained()
    return voice.build(voice.shuffled(weights, seed) if kind == "shuffled" else weights)


def run(task, body_kind, seed):
    """Probe every layer of one body and return the accuracies."""
    recordings = digits.load()
    kept = np.flatnonzero(recordings.takes < TAKES)
    arrays = {name: getattr(recordings, name)[kept] for name in ("labels", "speakers", "takes")}
    recordings = dataclasses.replace(recordings, waveforms=[recordings.waveforms[i] for i in kept], **arrays)
    parts = split(recordings, task, seed)
    row = {"source": recordings.source}
    found = voice.features(
        body("pretrained" if body_kind == "baselines" else body_kind, seed), recordings.waveforms, sound.RATE
    )
    if body_kind == "baselines":
        found["log-mel-whole"] = sound.log_mel(recordings.waveforms)  # chapter 5.6's picture, with every frame
        most_common = np.bincount(recordings.labels[parts[0]]).argmax()
        row["majority"] = round(float(np.mean(recordings.labels[parts[2]] == most_common)), 4)
    for layer in ("log-mel",) if body_kind == "baselines" else LAYERS:
        candidates = {name.rpartition("-")[2]: x for name, x in found.items() if name.startswith(layer)}
        row |= {f"{figure}_{layer}": value for figure, value in probe(candidates, recordings.labels, parts).items()}
        if task == "known":
            vectors = candidates.get("mean", candidates.get("embedding"))[parts[2]]
            right = evaluation.one_shot(vectors, recordings.speakers[parts[2]], DRAWS, np.random.default_rng(seed))
            row[f"one_shot_{layer}"] = round(float(right.mean()), 4)
    return row


def probe(candidates, labels, parts):
    """Fit a probe to each pooling, keep the best one by the validation set, and test it."""
    train, validation, test = parts
    probes = {
        pooling: heads.linear_probe((x[train], labels[train]), (x[validation], labels[validation]), STRENGTHS)
        for pooling, x in candidates.items()
    }
    best = max(probes, key=lambda pooling: probes[pooling].validation_accuracy)
    predictions = probes[best].predict(candidates[best][test].reshape(len(test), -1))
    return {
        "test": round(evaluation.accuracy(labels[test], predictions), 4),
        "validation": round(probes[best].validation_accuracy, 4),
        "pooling": best,
        "strength": probes[best].strength,
    }


def configurations():
    """Return all runs."""
    return [
        {"task": task, "body_kind": kind, "seed": seed}
        for task, kind, seed in itertools.product(["known", "unseen"], BODIES, [0, 1, 2])
    ]


if __name__ == "__main__":
    table = record("voice_encoder", configurations(), run, fresh=False)
    figures = [name for name in table.columns if name.startswith(("test_", "one_shot_", "majority"))]
    print(table.groupby(["task", "body_kind"])[figures].mean().round(3).T)
