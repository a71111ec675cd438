"""Strings of digits by a new speaker: what transfer is worth with 4, 16 or 64 labelled strings, and with none.

Six speakers, as in `spoken_digits`: each in turn is the new one, which is what the seed says; the next one is for the
rehearsal, the other four are the source. Strings of three to six digits are joined from recordings of one speaker. Half
of them have pauses between the digits, in the other half the digits run together (`spoken_strings.GAPS`); the test
tells the two apart. Of each digit 60 % of a speaker's recordings are for the strings that are learned from, the rest
for the test. The 4 strings are among the 16, these among the 64. The test is the same for all.

What must be chosen is chosen by a rehearsal: the same way, to the rehearsal's speaker, with 16 of its strings, judged
by 24 others. All three sizes share it, and its CPU seconds count in each of them. All networks see the same
augmentation (`ctc.masked`), and so do the pieces that a classifier learns from.

`n_train` and `n_choose` count strings; `n_source` counts the single digits of the source. Each is used twice: to learn
single digits (the pretraining of `spoken_digits`), then joined to strings. `tmac` are the multiply-adds of the
last training, in 10^12.

The weights of the cepstrum, for the templates, were found on strings of speaker 4 drawn by seed 9: the design meets
these recordings again, in other strings, and this favours the control. A pilot on such strings set the steps, for
transfer and scratch alike: 200 steps of pretraining left the recogniser behind the templates, with 600 it read better
with 16 strings than they; 600 steps from scratch read 64 strings better than 300, and 16 strings no better than 250.

Run it with `python -m experiments.digit_strings`. Chapter 5.14 plots it.
"""

import functools

import keras
import numpy as np

from experiments import spoken_digits
from experiments.code_digest import digest
from experiments.pretraining import trained_once, weights_once
from experiments.protocol import Arm, Experiment, Fitted, HeldOut, Task
from experiments.string_cutters import cut_network, cut_probe, cut_regression, templates
from tlbook import backbones
from tlbook.backbones import cost
from tlbook.data import digits, spoken_strings
from tlbook.evaluation import word_error_rate
from tlbook.files import cache
from tlbook.inputs import sound
from tlbook.methods import ctc

SPEAKERS = 6
SIZES = (4, 16, 64)
REHEARSED, VALIDATION, TEST = 16, 24, 40  # strings
SHARE = 0.6  # of the recordings of each digit: for the strings that are learned from
FRAMES = 320  # 5.1 s; three strings in a hundred of the slowest speaker are longer, and lose their end
SOURCE_STRINGS = 1_200
PRETRAINING = {"steps": 600, "learning_rate": 3e-3, "batch_size": 16}
STEPS = {  # by the number of strings
    "pretrained": {4: 60, 16: 60, 64: 60},
    "head": {4: 100, 16: 100, 64: 100},
    "scratch": {4: 200, 16: 400, 64: 600},
}
BATCH = 8
FRESH = 2_000
THRESHOLDS = (-40, -35, -30, -25)  # decibels below the loudest frame
PENALTIES = (0.0, 1.0, 2.0, 4.0, 8.0, 16.0)
PIECE_C = (1e-4, 1e-3, 1e-2, 1e-1)
PROBE_C = (1e-3, 1e-2, 1e-1, 1.0)
TUNED_RATES, HEAD_RATES, SCRATCH_RATES = (1e-4, 3e-4, 1e-3, 3e-3), (1e-3, 3e-3, 1e-2, 3e-2), (1e-3, 3e-3, 1e-2)


def load(n_train, seed):
    """Return strings of the target speaker to learn from, those of the rehearsal, and the source; and the test."""
    recordings = digits.load()
    speakers = len(recordings.speaker_names)
    target, rehearsal = seed % speakers, (seed + 1) % speakers
    train, test = of_speaker(recordings, target, max(n_train, 1), TEST, seed)
    tried, validation = of_speaker(recordings, rehearsal, REHEARSED, VALIDATION, seed)
    task = Task(
        train=(pictures(train), train.labels),
        validation=(pictures(validation), validation.labels),
        n_choose=len(tried) + len(validation),
        source=recordings.source,
        rehearsal=(pictures(tried), tried.labels),
        recordings=recordings,
        others=np.flatnonzero(~np.isin(recordings.speakers, [target, rehearsal])),
        target=recordings.speaker_names[target],
        fresh=FRESH + seed,
    )
    return task, HeldOut(pictures(test), test)


def of_speaker(recordings, speaker, n, n_others, seed):
    """Return strings of one speaker to learn from, and others, from recordings that the former do not hold."""
    takes = np.bincount(recordings.labels[recordings.speakers == speaker]).min()
    kept = max(1, round(SHARE * takes))
    learn, judge = digits.few_shots(recordings, speaker, kept, seed, reserved=kept)
    drawn = (learn, n, 2 * seed), (judge, n_others, 2 * seed + 1)
    return tuple(spoken_strings.join(recordings, *each) for each in drawn)


def pictures(strings):
    """Return the log-mel spectrograms of strings, float32 (n, FRAMES, bands)."""
    return sound.log_mel(strings.waveforms, frames=FRAMES)


def error_rates(strings, predictions):
    """Return word error rates, of all strings and by how they were joined, and the share of strings that are right."""
    found = {"wer": word_error_rate(strings.labels, predictions)}
    for kind in spoken_strings.GAPS:
        mine = np.flatnonzero(strings.gaps == kind)
        found[f"wer_{kind}"] = word_error_rate([strings.labels[i] for i in mine], [predictions[i] for i in mine])
    right = [tuple(said) == tuple(read) for said, read in zip(strings.labels, predictions, strict=True)]
    return found | {"whole": float(np.mean(right))}


def transfer(task, arm, seed, way):
    """Choose in the rehearsal, then go the same way to the target speaker."""
    pretrained, paid = pretrain(task, seed) if arm.pretraining == "measured" else (None, {})
    rehearsed, seconds = rehearse(task, arm.grid, way, pretrained, seed) if len(arm.grid) > 1 else ({None: np.nan}, 0.0)
    chosen = min(rehearsed, key=rehearsed.get)
    keras.utils.set_random_seed(task.fresh)
    predict, tmac = way(pretrained, task.train, chosen, seed)
    return Fitted(
        predict=predict,
        validation=rehearsed[chosen],
        chosen=chosen,
        kept_seconds=seconds,
        figures={"target": task.target, "tmac": tmac},
        **paid,
    )


def rehearse(task, settings, way, pretrained, seed):
    """Return the word error rate of each setting on the rehearsal's speaker, and the CPU seconds of it all; done once.

    The order of the settings breaks a tie: the first wins.
    """

    def rates():
        for setting in settings:
            keras.utils.set_random_seed(task.fresh)
            predict, _ = way(pretrained, task.rehearsal, setting, seed)
            yield word_error_rate(task.validation[1], predict(task.validation[0]))

    name = way.func.__name__ + repr(way.keywords) if isinstance(way, functools.partial) else way.__name__
    weights = [w for model in pretrained or () for w in model.get_weights()]
    text = [digest(rehearse), name, settings, seed, task.fresh]
    key = cache.fingerprint(task.rehearsal[0], task.validation[0], *weights, text=text)
    found, seconds = trained_once(key, lambda: {"rates": np.array(list(rates()))})
    return dict(zip(settings, found["rates"].tolist(), strict=True)), seconds


def pretrain(task, seed):
    """Train on the source speakers, once for each seed: `((classifier of digits, recogniser), what that cost)`."""
    labels = task.recordings.labels[task.others]
    single = sound.log_mel([task.recordings.waveforms[i] for i in task.others])
    classifier, paid = spoken_digits.pretrain(single, labels, seed)
    strings = spoken_strings.join(task.recordings, task.others, SOURCE_STRINGS, seed)
    inputs = pictures(strings)
    model = recogniser(spoken_digits.body(classifier))
    options = PRETRAINING | {"seed": seed}
    key = cache.fingerprint(inputs, *model.get_weights(), text=[digest(pretrain), seed])
    seconds = weights_once(key, model, lambda: ctc.fit(model, inputs, strings.labels, **options))
    return (classifier, model), paid | {"pretraining_seconds": paid["pretraining_seconds"] + seconds}


def recogniser(body=None):
    """Return a recogniser with a fresh head, its body that of a classifier of single digits where one is given."""
    cut = backbones.small_speech_frames((None, sound.DIGITS.bands))
    if body is not None:
        cut.set_weights(body.get_weights())
    return ctc.recogniser(cut)


# The ways to a new speaker: each takes (pretrained, (pictures, strings), setting, seed), returns `predict` and tmac.


def as_it_is(pretrained, train, setting, seed):
    """Let the pretrained recogniser read."""
    return functools.partial(ctc.recognise, pretrained[1]), 0.0


def network(pretrained, train, setting, seed, steps, frozen=False):
    """Train a recogniser, pretrained where there is one, or its head alone."""
    start = recogniser()
    if pretrained:
        start.set_weights(pretrained[1].get_weights())
    elif frozen:
        measure(start, train[0])
    model = compiled(bool(pretrained), frozen)
    model.set_weights(start.get_weights())
    model.get_layer("dropout").seed_generator.state.assign([FRESH + seed, 0])
    taken = STEPS[steps][len(train[1])]
    ctc.fit(model, *train, taken, setting, BATCH, seed)
    whole, body = multiply_adds()
    passes = body + 3 * (whole - body) if frozen else 3 * whole
    return functools.partial(ctc.recognise, model), passes * taken * min(BATCH, len(train[1])) / 1e12


@functools.lru_cache(maxsize=1)
def compiled(pretrained, frozen):
    """Return a recogniser that is ready to be trained: compiling takes as long as a short training, so it is kept."""
    model = recogniser()
    for layer in model.layers:
        # The statistics of a few strings say more about these strings than about the speaker.
        fixed = pretrained and isinstance(layer, keras.layers.BatchNormalization)
        layer.trainable = layer.name in ("neighbours", "logits") if frozen else not fixed
    ctc.prepare(model)
    return model


@functools.cache
def multiply_adds():
    """Return those of one forward pass, of a recogniser and of its body."""
    body = backbones.small_speech_frames((FRAMES, sound.DIGITS.bands))
    return cost.multiply_adds(ctc.recogniser(body)), cost.multiply_adds(body)


def measure(model, inputs, rounds=20):
    """Let a random network measure the mean and variance of its channels: otherwise its features have no scale."""
    for _ in range(rounds):
        model(inputs[:BATCH], training=True)


def arm(way, grid=(None,), pretraining="none", design=None, **more):
    """Return the arm that goes one way."""
    way = functools.partial(way, **more) if more else way
    return Arm(fit=functools.partial(transfer, way=way), grid=grid, pretraining=pretraining, design=design or {})


NONE = {"n_train": (0,)}
CUTS = tuple((strength, threshold) for strength in PIECE_C for threshold in THRESHOLDS)
PROBED = tuple((strength, threshold) for strength in PROBE_C for threshold in THRESHOLDS)
EXPERIMENT = Experiment(
    name="digit_strings",
    question="What is transfer worth for reading strings of digits by a speaker with 4, 16 or 64 labelled strings?",
    unit="speaker",
    arms={
        "zero_shot": arm(as_it_is, pretraining="measured", design=NONE),
        "cut_network": arm(cut_network, THRESHOLDS, "measured", NONE),
        "cut_regression": arm(cut_regression, CUTS),
        "cut_probe": arm(cut_probe, PROBED, "measured"),
        "templates": arm(templates, PENALTIES),
        "random_frozen": arm(network, HEAD_RATES, steps="head", frozen=True),
        "scratch": arm(network, SCRATCH_RATES, steps="scratch"),
        "pretrained_head": arm(network, HEAD_RATES, "measured", steps="head", frozen=True),
        "pretrained_tuned": arm(network, TUNED_RATES, "measured", steps="pretrained"),
    },
    design={"n_train": SIZES, "seed": tuple(range(SPEAKERS))},
    load=load,
    metrics={"wer": error_rates},
)

if __name__ == "__main__":
    print(EXPERIMENT.record().pivot_table(["test_wer_pauses", "test_wer_together"], "arm", "n_train", sort=False))
