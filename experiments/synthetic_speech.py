"""From synthetic to real speech: what a synthesiser's digits are worth as the source, for a person with few recordings.

The sequel of `spoken_digits`: the same network and training, the same speakers, recordings and rehearsal, as many
recordings in the source. Only who speaks in the source differs. Both sources were fixed before any result was seen:

- `rich`: 50 voices; speed, pitch and noise drawn anew for each recording; spectrograms randomised;
- `weak`: one voice, one speed, no noise, nothing randomised.

Seeds 0 to 2, that is the speakers 0 to 2 as targets and 1 to 3 for the rehearsal; speakers 4 and 5 had served to try
the randomisation out. What needs no synthesiser (majority, regression on spectrograms, random frozen body, training
from scratch, and four real people as the source) stands in `spoken_digits`, seed by seed.

Run it with `python -m experiments.synthetic_speech`. Chapter 5.10 plots it.
"""

from experiments import spoken_digits as real
from experiments.protocol import Experiment
from tlbook import evaluation
from tlbook.data import digits, synthesiser
from tlbook.inputs import sound

# Wider at the upper end than for four people: a first rehearsal had chosen the largest of those.
PROBE_C = (*real.PROBE_C, 100.0)
RATES = (1e-4, 3e-4, 1e-3, 3e-3, 1e-2, 3e-2)


def load(n_train, seed, synthetic):
    """Return what `spoken_digits` does, with synthetic recordings as the source."""
    recordings = digits.load()
    inputs = sound.log_mel(recordings.waveforms)
    return real.new_speaker(recordings, inputs, n_train, seed, source_recordings(synthetic, seed), fresh=0)


def source_recordings(kind, seed):
    """Return 2,000 synthetic recordings as spectrograms (n, frames, bands), with their digits."""
    if kind == "weak":
        waveforms, labels, *_ = synthesiser.spoken_digits(["en-us"], takes=200, seed=seed, vary=False)
        return sound.log_mel(waveforms), labels
    waveforms, labels, *_ = synthesiser.spoken_digits(synthesiser.VOICES, takes=4, seed=seed)
    return synthesiser.randomise(sound.log_mel(waveforms), seed), labels


EXPERIMENT = Experiment(
    name="synthetic_speech",
    question="What are a synthesiser's digits worth as the source?",
    unit="speaker",
    arms={
        "zero_shot": real.arm(real.zero_shot, pretraining="measured", design={"n_train": (0,)}),
        "pretrained_frozen": real.arm(real.frozen, PROBE_C, "measured"),
        "probe_then_all": real.arm(real.whole_network, RATES, "measured", first=PROBE_C),
    },
    design={"n_train": real.EXPERIMENT.design["n_train"], "seed": (0, 1, 2), "synthetic": ("rich", "weak")},
    load=load,
    metrics={"accuracy": evaluation.accuracy},
)

if __name__ == "__main__":
    print(EXPERIMENT.record().pivot_table("test_accuracy", ["synthetic", "arm"], "n_train", sort=False))
