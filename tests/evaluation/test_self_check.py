"""Checks for readers: what is right passes, and each mistake is told in words, with the chapter."""

import re

import numpy as np
import pytest

from tlbook.evaluation import self_check

PICTURES = np.random.default_rng(0).integers(0, 256, (6, 4, 4, 3), dtype=np.uint8)


def standardise(images, mean, deviation):
    return (images - mean) / deviation


def share_right(labels, scores):
    return (scores.argmax(axis=1) == labels).mean()


def by_validation(shares):
    return max(shares, key=lambda name: shares[name]["validation"])


def test_what_is_right_passes(capsys):
    self_check.apart(PICTURES[:3], PICTURES[3:])
    self_check.balanced([0, 1, 1, 0], classes=2)
    self_check.prepares(standardise)
    self_check.counts_pictures(share_right)
    self_check.frozen([np.zeros(2)], [np.zeros(2)])
    self_check.moved([np.zeros(2)], [np.ones(2)])
    self_check.chooses_by_validation(by_validation)
    assert capsys.readouterr().out.count("✓") == 7


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        (lambda: self_check.apart(PICTURES[:4], PICTURES[3:]), "1 pictures are in both sets.*chapter 2"),
        (lambda: self_check.apart(PICTURES[:4], PICTURES[:0]), "A set is empty"),
        (lambda: self_check.balanced([0, 0, 1], classes=2), r"\[2, 1\] pictures"),
        (lambda: self_check.prepares(lambda x, m, d: (x - x.mean()) / x.std()), "when it comes alone.*chapter 3.2"),
        (lambda: self_check.prepares(lambda x, m, d: x / 255), "should be the picture again"),
        (lambda: self_check.prepares(lambda x, m, d: x[0]), "returned shape"),
        (lambda: self_check.counts_pictures(lambda y, s: ((s > 0) == np.eye(5)[y]).mean()), "80 %.*chapter 4.4"),
        (lambda: self_check.counts_pictures(lambda y, s: 1.0), "share_right says 1.0"),
        (lambda: self_check.frozen([np.zeros(2), np.ones(1)], [np.ones(2), np.ones(1)]), "1 of 2 arrays"),
        (lambda: self_check.frozen([], []), "0 arrays before"),
        (lambda: self_check.moved([np.zeros(2), np.ones(1)], [np.ones(2), np.ones(1)]), "1 of 2 .* compile again"),
        (lambda: self_check.chooses_by_validation(lambda s: max(s, key=lambda n: s[n]["test"])), "looked at the test"),
        (lambda: self_check.chooses_by_validation(lambda s: 3), "returned 3"),
    ],
)
def test_a_mistake_is_told_in_words(wrong, words):
    with pytest.raises(AssertionError, match=words):
        wrong()


def test_a_known_mistake_is_named_before_the_general_words():
    right, wrong, other = np.array([1.0, -2.0]), np.array([2.0, -1.0]), np.array([9.0, 9.0])
    mistakes = {"Turned around.": wrong, "Another shape.": np.zeros((2, 2))}
    said = {"(1,), not (2,). Look again.": right[:1], "it: Turned around. Read again: chapter 3.3.": wrong}
    for words, ours in (said | {"it: Look again.": other, "it: Look ": right * np.nan}).items():
        with pytest.raises(AssertionError, match=re.escape(words)):
            self_check.agrees("it", ours, right, "Look again.", "3.3", mistakes=mistakes)


def test_what_agrees_to_the_tolerance_passes(capsys):
    self_check.agrees("it", [1.0, 2.0], [1.0, 2.0 + 1e-6], "Look again.", "3.3")
    assert capsys.readouterr().out == "✓ it: largest difference 1e-06\n"
    with pytest.raises(AssertionError, match="Look again"):
        self_check.agrees("it", [1.0, 2.0], [1.0, 2.0 + 1e-6], "Look again.", "3.3", tolerance=1e-7)
