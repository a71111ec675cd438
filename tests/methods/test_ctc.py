"""CTC: against all paths one by one, against Keras's loss and its decoder, and what is refused."""

import itertools

import keras
import numpy as np
import pytest

from tlbook import backbones
from tlbook.methods import ctc


def random_scores(frames, classes, seed=0):
    logits = np.random.default_rng(seed).normal(0, 2, (frames, classes))
    return logits - np.logaddexp.reduce(logits, axis=1, keepdims=True)


@pytest.mark.parametrize(
    ("path", "string"),
    [
        ([1, 1, 1], (1,)),
        ([1, 0, 1], (1, 1)),
        ([0, 0], ()),
        ([], ()),
        ([0, 2, 2, 0, 0, 2, 3], (2, 2, 3)),
    ],
)
def test_runs_become_one_before_blanks_are_dropped(path, string):
    assert ctc.collapse(path) == string


def test_probability_is_the_sum_over_all_paths():
    scores = random_scores(5, 3)
    sums = {}
    for path in itertools.product(range(3), repeat=5):
        string = ctc.collapse(path)
        sums[string] = sums.get(string, 0) + np.exp(sum(scores[t, k] for t, k in enumerate(path)))
    assert len(sums) > 20
    for string, probability in sums.items():
        assert np.exp(ctc.log_probability(scores, string)) == pytest.approx(probability, rel=1e-9)
    assert sum(sums.values()) == pytest.approx(1)


def test_a_string_that_needs_more_frames_is_impossible():
    assert ctc.log_probability(random_scores(2, 3), [1, 1]) == -np.inf
    assert ctc.log_probability(random_scores(3, 3), [1, 1]) > -np.inf


def test_loss_of_keras_is_minus_the_log_probability():
    strings = [(3, 3, 1), (7,), (0, 9, 2, 2)]
    logits = np.random.default_rng(1).normal(size=(3, 12, 11)).astype("float32")
    theirs = keras.ops.convert_to_numpy(keras.losses.CTC(reduction="none")(ctc.targets(strings), logits))
    for string, frames, loss in zip(strings, logits.astype("float64"), theirs, strict=True):
        scores = frames - np.logaddexp.reduce(frames, axis=1, keepdims=True)
        assert -ctc.log_probability(scores, [digit + 1 for digit in string]) == pytest.approx(loss, rel=1e-4)


def test_read_agrees_with_the_greedy_decoder_of_keras():
    logits = np.random.default_rng(2).normal(size=(5, 20, 11)).astype("float32")
    decoded, _ = keras.ops.ctc_decode(logits, np.full(5, 20), strategy="greedy")
    theirs = keras.ops.convert_to_numpy(decoded)[0]
    assert ctc.read(logits) == [tuple(k - 1 for k in row[row >= 0].tolist()) for row in theirs]


@pytest.mark.parametrize(
    ("scores", "string", "message"),
    [
        (np.zeros(3), [1], r"scores: got shape \(3,\)"),
        (np.zeros((0, 3)), [1], "scores"),
        (np.zeros((4, 3)), [0], "string: got .0., expected classes of 1..2"),
        (np.zeros((4, 3)), [3], "string"),
    ],
)
def test_what_has_no_probability_is_refused(scores, string, message):
    with pytest.raises(ValueError, match=message):
        ctc.log_probability(scores, string)


def test_targets_are_shifted_and_filled():
    assert ctc.targets([(0, 9), (4,)]).tolist() == [[1, 10], [5, 0]]
    for wrong in ([], [()], [(-1,)]):
        with pytest.raises(ValueError, match="labels: got"):
            ctc.targets(wrong)


def test_masked_copies_are_moved_and_have_stripes():
    pictures = np.random.default_rng(0).uniform(-60, 0, (4, 40, 20)).astype("float32")
    before = pictures.copy()
    found = ctc.masked(pictures, np.random.default_rng(1))
    assert np.array_equal(pictures, before) and found.shape == pictures.shape
    assert not np.array_equal(found, pictures)
    same = ctc.masked(pictures, np.random.default_rng(0), shift=0, bands=0, frames=0)
    assert np.array_equal(same, pictures)
    moved = ctc.masked(pictures, np.random.default_rng(3), shift=6, bands=0, frames=0)
    later = [
        next(k for k in range(7) if np.array_equal(a[k:], b[: 40 - k])) for a, b in zip(moved, before, strict=True)
    ]
    assert len(set(later)) > 1


def test_batches_show_every_string_once_before_any_comes_again():
    strings = [(k,) for k in range(6)]
    batches = ctc.Strings(np.zeros((6, 16, 16), "float32"), strings, steps=6, batch_size=3)
    seen = np.concatenate([batches[i][1][:, 0] - 1 for i in range(len(batches))])
    assert len(batches) == 6
    assert all(sorted(seen[start : start + 6]) == list(range(6)) for start in (0, 6, 12))


def test_a_string_for_each_picture():
    with pytest.raises(ValueError, match="strings: got 1, expected one for each of 3 pictures"):
        ctc.Strings(np.zeros((3, 40, 20)), [(1, 2)], steps=1)


def test_a_recogniser_learns_where_nobody_told_it_when():
    keras.utils.set_random_seed(0)
    rng = np.random.default_rng(0)
    strings = [tuple(rng.permutation(3)[:2].tolist()) for _ in range(32)]
    pictures = np.full((32, 64, 24), -60, "float32")
    for picture, string in zip(pictures, strings, strict=True):
        for place, digit in enumerate(string):  # a tone of its own for each digit
            start = 8 + 24 * place + rng.integers(8)
            picture[start : start + 12, 8 * digit : 8 * digit + 6] = 0
    model = ctc.recogniser(backbones.small_speech_frames((None, 24), width=4), classes=4, width=16)
    losses = ctc.fit(model, pictures, strings, 120, 1e-2, augment=lambda pictures, rng: pictures)
    assert len(losses) == 120 and np.mean(losses[-20:]) < np.mean(losses[:20])
    right = np.mean([a == b for a, b in zip(ctc.recognise(model, pictures), strings, strict=True)])
    assert right > 0.5
