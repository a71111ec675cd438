"""What the layers of a pretrained voice encoder know of spoken digits, and of who speaks: frozen features, six seeds.

Two splits of the first 20 takes of each digit by each speaker:
- `known`: everybody is in the training set. A seed draws, for each speaker and digit, 1 take to learn from, 4 to choose
  by and 15 for the test.
- `unseen`: nobody in the test is in the training set. Seed s tests on speaker s, chooses by the next one and learns
  from the other four, 5 takes of each digit. Over the six seeds each speaker is tested once, so that an interval over
  seeds is one over speakers.

An arm is one layer of one frozen body under a logistic regression: pretrained; with its weights shuffled within each
array, so that their statistics are kept; or freshly drawn. The validation set chooses how the states are pooled over
time and C of the regression. In `known` the same layer gets a second regression, which asks who speaks: `test_who`,
with the same recordings to learn from and to choose by. `test_one_shot` needs no training: among the test recordings of
`known`, one of each speaker is enrolled and the others go to the speaker with the most similar vector (mean over time,
cosine), the mean over 200 draws.

The experiment `voice_layers` compared a trained regression for the digits with the cosine for the speakers, and tested
pairs of speakers. A review found that the trade between the two that it saw came from the unequal comparison. So this
one was written down, with arms, grids and seeds, before any of it was run.

Run it with `python -m experiments.voice_probes`. Chapter 5.8 plots it.
"""

import numpy as np

from experiments.code_digest import digest
from experiments.pretraining import trained_once
from experiments.protocol import Experiment, Fitted, HeldOut, Task
from experiments.voice_layers import TAKES, accuracy, arms, body, one_shot
from tlbook import evaluation, heads
from tlbook.backbones import voice
from tlbook.data import digits, splits
from tlbook.files import cache
from tlbook.inputs import sound

SPLITS = {60: "known", 200: "unseen"}  # by the number of labels
PROBE_C = (1e-5, 1e-4, 1e-3, 1e-2, 1e-1, 1.0, 10.0)


def load(n_train, seed):
    """Return positions of recordings with digits, to learn from and to choose by; and those of the test, with speakers.

    The recordings themselves are no secret: each is read by a frozen body, whatever part it is in.
    """
    recordings = digits.load()
    split = SPLITS[n_train]
    train, validation, test = parts(recordings, split, seed)
    task = Task(
        train=(train, recordings.labels[train]),
        validation=(validation, recordings.labels[validation]),
        n_choose=len(validation),
        source=recordings.source,
        split=split,
        recordings=recordings,
    )
    known = split == "known"
    labels = {
        "digits": recordings.labels[test],
        "speakers": recordings.speakers[test] if known else None,
        "seed": seed,
    }
    return task, HeldOut(test, labels)


def parts(recordings, split, seed):
    """Return the positions to learn from, to choose by and to test on, among the first takes."""
    rng = np.random.default_rng(seed)
    first = recordings.takes < TAKES
    rank = np.full(len(recordings), TAKES)  # of a take among those of its speaker and digit, in a random order
    rank[first] = splits.ranks((10 * recordings.speakers + recordings.labels)[first], rng.permutation)
    if split == "known":
        chosen = rank < 1, (rank >= 1) & (rank < 5), rank >= 5
    else:
        place = (recordings.speakers - seed) % len(recordings.speaker_names)  # 0 tests, 1 chooses, the others teach
        chosen = (place >= 2) & (rank < 5), place == 1, place == 0
    return [np.flatnonzero(part & first) for part in chosen]


def readings(recordings, kind, seed):
    """Return what the layers of a body make of the first takes, and their positions; with the CPU seconds of it."""
    first = np.flatnonzero(recordings.takes < TAKES)
    seed = 0 if kind == "pretrained" else seed
    waveforms = [recordings.waveforms[i] for i in first]

    def read():
        return voice.features(body(kind, seed), waveforms, sound.DIGITS.rate)

    key = cache.fingerprint(*map(np.asarray, waveforms), text=[digest(readings), kind, seed])
    found, seconds = trained_once(key, read)
    return found, first, seconds


def probe(task, arm, seed, kind, layer):
    """Fit a probe to each pooling of a layer and keep the best one by the validation set; in `known`, one for who."""
    found, first, seconds = readings(task.recordings, kind, seed)
    seen = {name.rpartition("-")[2]: x.reshape(len(x), -1) for name, x in found.items() if name.startswith(layer)}
    if layer == "log-mel":  # chapter 5.7's picture, with every frame
        seen["whole"] = sound.log_mel([task.recordings.waveforms[i] for i in first]).reshape(len(first), -1)
    row = {position: number for number, position in enumerate(first)}

    def see(pooling, positions):
        return seen[pooling][[row[position] for position in positions]]

    def fit(answers):
        tried = tuple(dict.fromkeys(C for _, C in arm.grid))
        probes = {}
        for pooling in dict.fromkeys(pooling for pooling, _ in arm.grid):
            known = [(see(pooling, part), answers[part]) for part in (task.train[0], task.validation[0])]
            probes[pooling] = heads.best_probe(*known, C=tried)
        best = max(probes, key=lambda pooling: probes[pooling].validation_score)
        return best, probes[best]

    pooling, what = fit(task.recordings.labels)
    who = fit(task.recordings.speakers) if task.split == "known" else None

    def predict(positions):
        said = {"digits": what.predict(see(pooling, positions))}
        if who:
            said["who"] = who[1].predict(see(who[0], positions))
            said["vectors"] = see("mean" if "mean" in seen else "embedding", positions)
        return said

    return Fitted(
        predict=predict,
        validation=what.validation_score,
        chosen=(pooling, what.C),
        kept_seconds=seconds,
        figures={"split": task.split, "who_chosen": f"{who[0]} {who[1].C}" if who else None},
    )


def who(labels, predictions):
    """Return the share of recordings for which the trained probe names the speaker, where the speakers are known."""
    if labels["speakers"] is None or "who" not in predictions:
        return {}
    return {"who": evaluation.accuracy(labels["speakers"], predictions["who"])}


EXPERIMENT = Experiment(
    name="voice_probes",
    question="What do the layers of a voice encoder know of digits, and of who speaks?",
    unit="speaker",
    arms=arms(probe, PROBE_C),
    design={"n_train": tuple(SPLITS), "seed": tuple(range(6))},
    load=load,
    metrics={"accuracy": accuracy, "who": who, "one_shot": one_shot},
)

if __name__ == "__main__":
    columns = ["test_accuracy", "test_who", "test_one_shot"]
    print(EXPERIMENT.record().pivot_table(columns, "arm", "split", sort=False).round(3))
