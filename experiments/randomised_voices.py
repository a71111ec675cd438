"""Voices or randomisation? A synthetic source with many voices or one, randomised or not, for each of six speakers.

("Many voices" are varied ones: speed, pitch, loudness and noise vary with them, and with the one voice they do not.)
`synthetic_speech` compares a source that has both with one that has neither, so that it cannot say which of the two
helps. Here each comes with and without the other: four sources, as many recordings each, the same network, training and
rehearsal. Each of the six speakers is the target once, so that an interval over seeds is one over speakers. (The
randomisation had once been tried out on the last two of them; nothing here was chosen on any target.)

Arms, grids and seeds were written down before any of it was run. Run it with
`python -m experiments.randomised_voices`. Chapter 5.10 plots it.
"""

import functools

from experiments import spoken_digits as real
from experiments.pretraining import trained_once
from experiments.protocol import Experiment
from tlbook import evaluation
from tlbook.data import digits, synthesiser
from tlbook.files import cache
from tlbook.inputs import sound

TAKES = {"many": 4, "one": 200}  # of each digit by each voice: 2,000 recordings in all
PROBE_C = (*real.PROBE_C, 100.0)


def load(n_train, seed, voices, randomised):
    """Return what `spoken_digits` does, with one of the four synthetic sources."""
    recordings = digits.load()
    inputs = sound.log_mel(recordings.waveforms)
    source = source_recordings(voices, randomised, seed)
    return real.new_speaker(recordings, inputs, n_train, seed, source, fresh=real.FRESH)


def source_recordings(voices, randomised, seed):
    """Return 2,000 synthetic recordings as spectrograms (n, frames, bands), with their digits."""
    inputs, labels = spoken(voices, seed)
    return (synthesiser.randomise(inputs, seed) if randomised else inputs), labels


@functools.lru_cache(maxsize=2)
def spoken(voices, seed):
    """Return spectrograms and digits of many voices, varied in speed, pitch and noise, or of one that never varies."""
    many = voices == "many"

    def speak():
        names = synthesiser.VOICES if many else ["en-us"]
        waveforms, labels, *_ = synthesiser.spoken_digits(names, takes=TAKES[voices], seed=seed, vary=many)
        return {"inputs": sound.log_mel(waveforms), "labels": labels}

    found, _ = trained_once(cache.fingerprint(text=["randomised voices", voices, TAKES, seed]), speak)
    return found["inputs"], found["labels"]


EXPERIMENT = Experiment(
    name="randomised_voices",
    question="What do many voices bring to a synthetic source, and what does randomising it bring?",
    unit="speaker",
    arms={
        "zero_shot": real.arm(real.zero_shot, pretraining="measured", design={"n_train": (0,)}),
        "pretrained_frozen": real.arm(real.frozen, PROBE_C, "measured"),
    },
    design={
        "n_train": (10, 50),
        "seed": tuple(range(real.SPEAKERS)),
        "voices": ("many", "one"),
        "randomised": (True, False),
    },
    load=load,
    metrics={"accuracy": evaluation.accuracy},
)

if __name__ == "__main__":
    table = EXPERIMENT.record()
    print(table.pivot_table("test_accuracy", ["voices", "randomised"], ["arm", "n_train"], sort=False))
