"""Does fine-tuning start better from a confident head? The question of `spoken_digits`, asked of a new draw.

In `spoken_digits` the arm with the confident head was added, and the numbers of recordings changed, after its test had
been looked at. So its rows suggest, and cannot decide. Here arms, rates, numbers of recordings and seeds were written
down before any of it was run. Each way has one rate, the median of those that the six rehearsals of the first record
chose for it; the penalty of the timid head is chosen in a rehearsal, as there:

- `probe_then_all`: the head is fitted under the penalty that serves a frozen network best, then all layers learn;
- `confident_head_then_all`: the same, under hardly any penalty;
- `scratch`: the same network, trained on the few recordings alone.

What is new. Seeds 6 to 17: each of the six speakers is the target twice, with another speaker for the rehearsal, so
with another source, each time; network and heads are drawn anew. The recordings that teach are drawn from those that
`spoken_digits` tested on. The test is the five recordings of each digit from which its runs learned: none of them was
tested on those. (They were in the rehearsal for another speaker, and in the source for the others.) A speaker's two
runs share their test; an interval is over the six speakers, each with the mean of two.

Run it with `python -m experiments.new_draw`. Chapter 5.7 reads it.
"""

import functools

import numpy as np

from experiments import spoken_digits as first
from experiments.protocol import Experiment, HeldOut, Task
from tlbook import evaluation
from tlbook.data import digits, splits
from tlbook.inputs import sound

SEEDS = range(6, 18)
SHOTS = (1, 3)  # recordings of each digit
# Rates: the median of those that the six rehearsals of the first record chose.
WAYS = {
    "probe_then_all": (6.5e-4, {"pretraining": "measured", "first": first.PROBE_C}),
    "confident_head_then_all": (2e-4, {"pretraining": "measured", "head_C": first.CONFIDENT}),
    "scratch": (1e-2, {}),
}


def arm(rate, more):
    """Return an arm of `spoken_digits` that trains all layers, at a rate that was fixed beforehand."""
    return first.arm(first.whole_network, (rate,), **more)


def load(n_train, seed):
    """Return recordings of the target speaker to learn from, those of the rehearsal, and the source; and the test."""
    recordings, inputs = spoken()
    labels = recordings.labels
    target = seed % first.SPEAKERS
    rehearsal = (target + seed // first.SPEAKERS) % first.SPEAKERS
    train, test = fresh_shots(recordings, target, n_train // 10, seed)
    tried, validation = digits.few_shots(recordings, rehearsal, first.REHEARSED, seed)
    source = ~np.isin(recordings.speakers, [target, rehearsal])
    task = Task(
        train=(inputs[train], labels[train]),
        validation=(inputs[validation], labels[validation]),
        n_choose=len(tried) + len(validation),
        source=recordings.source,
        rehearsal=(inputs[tried], labels[tried]),
        source_recordings=(inputs[source], labels[source]),
        target=recordings.speaker_names[target],
        fresh=first.FRESH + seed,
    )
    return task, HeldOut(inputs[test], labels[test])


@functools.lru_cache(maxsize=1)
def spoken():
    """Return the recordings and their spectrograms."""
    recordings = digits.load()
    return recordings, sound.log_mel(recordings.waveforms)


def fresh_shots(recordings, speaker, per_digit, seed):
    """Draw recordings to learn from where `spoken_digits` tested, and test where it learned: positions int64."""
    learned, tested = digits.few_shots(recordings, speaker, max(first.PASSES), seed=speaker)  # its seed: the speaker
    rank = splits.ranks(recordings.labels[tested], np.random.default_rng(seed).permutation)
    return tested[rank < per_digit], learned


EXPERIMENT = Experiment(
    name="new_draw",
    question="Does fine-tuning start better from a confident head?",
    unit="speaker",
    arms={name: arm(*way) for name, way in WAYS.items()},
    design={"n_train": tuple(10 * shots for shots in SHOTS), "seed": tuple(SEEDS)},
    load=load,
    metrics={"accuracy": evaluation.accuracy},
)

if __name__ == "__main__":
    print(EXPERIMENT.record().pivot_table("test_accuracy", "arm", "n_train", sort=False))
