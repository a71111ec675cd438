"""Spoken digits by a new speaker: the head first, but standardised with the statistics of the source speakers.

`spoken_digits` standardises features with the mean and the spread of ten, thirty or fifty recordings, as
`heads.linear_probe` does. A feature that hardly varies among so few is then blown up, and training makes it worse. Here
mean and spread come from the 2,000 recordings of the source. All else is as there, pair by pair: speakers, recordings,
pretrained weights, grids, rehearsal.

Run it with `python -m experiments.spoken_digits_statistics`. Plotted in chapter 5.6.
"""

import keras
import numpy as np
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from experiments import spoken_digits as base
from tlbook import evaluation, heads, speech, training
from tlbook.recording import record

ARMS = ("frozen_source_statistics", "probe_source_statistics_then_all")


def run(arm, seed):
    """Choose on the validation speaker, transfer to the target, and return the accuracies and the source."""
    digits = speech.load_digits()
    inputs = speech.log_mel(digits.waveforms)
    target, rehearsal = seed % base.SPEAKERS, (seed + 1) % base.SPEAKERS
    source = ~np.isin(digits.speakers, [target, rehearsal])
    pretrained = base.pretrain(inputs[source], digits.labels[source], seed)
    backbone = base.body(pretrained)
    scaler = StandardScaler().fit(base.extract(backbone, inputs[source]))

    def transfer(speaker, shots, strength, rate):
        keras.utils.set_random_seed(seed)
        train, test = speech.few_shots(digits, speaker, shots, seed)
        regression = LogisticRegression(C=strength, max_iter=300, tol=1e-3)
        regression.fit(scaler.transform(base.extract(backbone, inputs[train])), digits.labels[train])
        probe = make_pipeline(scaler, regression)
        if rate is None:
            predicted = probe.predict(base.extract(backbone, inputs[test]))
        else:
            predicted = fine_tuned(pretrained, probe, inputs[train], digits.labels[train], rate, seed, inputs[test])
        return evaluation.accuracy(digits.labels[test], predicted)

    def choose(settings):
        rehearsed = {setting: transfer(rehearsal, base.REHEARSED, *setting) for setting in settings}
        best = max(rehearsed, key=rehearsed.get)
        return best, rehearsed[best]

    chosen, validation_accuracy = choose([(strength, None) for strength in base.STRENGTHS])
    if arm == "probe_source_statistics_then_all":
        chosen, validation_accuracy = choose([(chosen[0], rate) for rate in base.GRIDS["probe_then_all"]])
    return {
        "target": digits.speaker_names[target],
        "chosen": chosen[0] if chosen[1] is None else chosen[1],
        "validation_accuracy": round(validation_accuracy, 4),
        **{f"test_accuracy_{shots}": round(transfer(target, shots, *chosen), 4) for shots in base.PASSES},
        "source": digits.source,
    }


def fine_tuned(pretrained, probe, inputs, labels, rate, seed, test):
    """Train all layers from the pretrained body and a head that is fitted, and return the predictions for the test."""
    model = base.new_classifier(pretrained)
    heads.start_from_probe(model, probe)
    passes = base.PASSES[len(labels) // 10]
    many = training.Batches([np.tile(inputs, (passes, 1, 1))], np.tile(labels, passes), 10, seed)
    training.fit(model, many, (inputs, labels), 1, rate)
    return evaluation.predict(model, test)


if __name__ == "__main__":
    configurations = [{"arm": arm, "seed": seed} for arm in ARMS for seed in range(base.SPEAKERS)]
    table = record("spoken_digits_statistics", configurations, run)
    print(table.groupby("arm", sort=False)[[f"test_accuracy_{shots}" for shots in base.PASSES]].mean())
