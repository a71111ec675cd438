"""From synthetic to real speech: what a synthesiser's digits are worth as the source, for a person with few recordings.

The sequel of `spoken_digits`: the same network and training, the same speakers, recordings and rehearsal, as many
recordings in the source. Only who speaks in the source differs. Both sources were fixed before any result was seen:

- `rich`: 50 voices; speed, pitch and noise drawn anew for each recording; spectrograms randomised;
- `weak`: one voice, one speed, no noise, nothing randomised.

Seeds 0 to 2, that is the speakers 0 to 2 as targets and 1 to 3 for the rehearsal; speakers 4 and 5 had served to try
the randomisation out. What needs no synthesiser (majority, regression on spectrograms, random frozen body, training
from scratch, and four real people as the source) stands in `spoken_digits`, seed by seed. One run here goes three ways
with one pretrained network, and touches the test set once for each way and number of recordings.

Run it with `python -m experiments.synthetic_speech`. Plotted in chapter 5.8.
"""

import itertools

import keras

from experiments import spoken_digits as real
from experiments.recording import record
from tlbook import evaluation
from tlbook.data import digits, synthesiser
from tlbook.inputs import sound

SEEDS = (0, 1, 2)
# Wider at the upper end than for four people: a first rehearsal had chosen the largest of those.
STRENGTHS = (*real.STRENGTHS, 10.0)
RATES = (3e-4, 1e-3, 3e-3, 1e-2)


def source_recordings(kind, seed):
    """Return 2,000 synthetic recordings as spectrograms (n, frames, bands), with their digits."""
    if kind == "weak":
        waveforms, labels, *_ = synthesiser.spoken_digits(["en-us"], takes=200, seed=seed, vary=False)
        return sound.log_mel(waveforms), labels
    waveforms, labels, *_ = synthesiser.spoken_digits(synthesiser.VOICES, takes=4, seed=seed)
    return synthesiser.randomise(sound.log_mel(waveforms), seed), labels


def run(synthetic, seed):
    """Pretrain on a synthetic source, go three ways to the target, and return the accuracies and the data source."""
    recordings = digits.load()
    inputs = sound.log_mel(recordings.waveforms)
    target, rehearsal = seed % real.SPEAKERS, (seed + 1) % real.SPEAKERS
    pretrained = real.pretrain(*source_recordings(synthetic, seed), seed)

    def transfer(arm, speaker, shots, setting):
        keras.utils.set_random_seed(seed)
        train, test = digits.few_shots(recordings, speaker, shots, seed)
        predicted = real.ARMS[arm](pretrained, (inputs[train], recordings.labels[train]), inputs[test], setting, seed)
        return evaluation.accuracy(recordings.labels[test], predicted)

    def choose(arm, settings):
        return max(settings, key=lambda setting: transfer(arm, rehearsal, real.REHEARSED, setting))

    strength = choose("pretrained_frozen", STRENGTHS)
    both = choose("probe_then_all", [(strength, rate) for rate in RATES])
    accuracies = {"zero_shot_0": transfer("zero_shot", target, real.REHEARSED, 0.0)}
    for way, setting in [("pretrained_frozen", strength), ("probe_then_all", both)]:
        accuracies |= {f"{way}_{shots}": transfer(way, target, shots, setting) for shots in real.PASSES}
    return {
        "target": recordings.speaker_names[target],
        "strength": strength,
        "learning_rate": both[1],
        **{name: round(accuracy, 4) for name, accuracy in accuracies.items()},
        "source": recordings.source,
    }


def configurations():
    """Return all runs: two sources, three seeds."""
    return [{"synthetic": kind, "seed": seed} for seed, kind in itertools.product(SEEDS, ("rich", "weak"))]


if __name__ == "__main__":
    table = record("synthetic_speech", configurations(), run, fresh=False)
    print(table.groupby("synthetic")[[name for name in table if name[-1].isdigit()]].mean().T)
