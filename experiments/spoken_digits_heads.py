"""Spoken digits by a new speaker: the head first, then all layers, from a timid head and from a confident one.

In `spoken_digits` the head that fine-tuning starts from is the regression that did best as it is, and that is often one
under a strong penalty. Such a head has the classes in the right order and nearly equal scores: its loss on its own
training recordings stays high. Here the strength of the penalty is the arm. All else is as there, pair by pair: the
speakers, recordings, pretrained weights and passes, and a rehearsal that chooses the learning rate from the same grid.

Run it with `python -m experiments.spoken_digits_heads`. Shown in chapter 5.6.
"""

import keras
import numpy as np
from sklearn.metrics import log_loss

from experiments import spoken_digits as base
from tlbook import evaluation, speech
from tlbook.recording import record

STRENGTHS = {"timid_head": 1e-2, "confident_head": 1e2}  # scikit-learn's C: large is a weak penalty


def run(arm, seed):
    """Choose the rate on the validation speaker, transfer to the target, and return the accuracies and the source."""
    digits = speech.load_digits()
    inputs = speech.log_mel(digits.waveforms)
    target, rehearsal = seed % base.SPEAKERS, (seed + 1) % base.SPEAKERS
    source = ~np.isin(digits.speakers, [target, rehearsal])
    pretrained = base.pretrain(inputs[source], digits.labels[source], seed)
    strength = STRENGTHS[arm]

    def transfer(speaker, shots, rate):
        keras.utils.set_random_seed(seed)
        train, test = speech.few_shots(digits, speaker, shots, seed)
        few = inputs[train], digits.labels[train]
        predicted = base.probe_first(pretrained, few, inputs[test], (strength, rate), seed)
        return evaluation.accuracy(digits.labels[test], predicted)

    rehearsed = {rate: transfer(rehearsal, base.REHEARSED, rate) for rate in base.GRIDS["probe_then_all"]}
    chosen = max(rehearsed, key=rehearsed.get)
    train, _ = speech.few_shots(digits, target, base.REHEARSED, seed)
    few = base.extract(base.body(pretrained), inputs[train])
    head = base.probe(few, digits.labels[train], strength)
    return {
        "target": digits.speaker_names[target],
        "chosen": chosen,
        "validation_accuracy": round(rehearsed[chosen], 4),
        "head_loss_3": round(log_loss(digits.labels[train], head.predict_proba(few), labels=range(10)), 4),
        **{f"test_accuracy_{shots}": round(transfer(target, shots, chosen), 4) for shots in base.PASSES},
        "source": digits.source,
    }


if __name__ == "__main__":
    configurations = [{"arm": arm, "seed": seed} for arm in STRENGTHS for seed in range(base.SPEAKERS)]
    table = record("spoken_digits_heads", configurations, run)
    print(
        table.groupby("arm", sort=False)[["head_loss_3", *(f"test_accuracy_{shots}" for shots in base.PASSES)]].mean()
    )
