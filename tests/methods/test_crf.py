"""The chain: against all sequences written out, its gradient against differences, what it learns, what it refuses."""

import itertools

import numpy as np
import pytest
from scipy import optimize, sparse
from scipy.special import logsumexp

from tlbook.inputs.tags import Sentence
from tlbook.methods import crf

NAMES = ("O", "B-X", "I-X")
SENTENCES = [
    Sentence(("Ada", "Lee", "sleeps"), ("B-X", "I-X", "O")),
    Sentence(("sleeps",), ("O",)),
    Sentence(("we", "met", "Bo", "."), ("O", "O", "B-X", "O")),
]
LENGTHS = [len(sentence) for sentence in SENTENCES]


@pytest.fixture
def scores():
    rng = np.random.default_rng(0)
    return rng.normal(size=(4, 3)), rng.normal(size=(3, 3)), rng.normal(size=3)


def total(path, scores, transitions, start):
    return (
        start[path[0]]
        + sum(scores[t, k] for t, k in enumerate(path))
        + sum(transitions[pair] for pair in itertools.pairwise(path))
    )


def log_partition(scores, transitions, start):
    paths = itertools.product(range(scores.shape[1]), repeat=len(scores))
    return logsumexp([total(path, scores, transitions, start) for path in paths])


def test_best_path_is_that_of_all_sequences(scores):
    paths = list(itertools.product(range(3), repeat=4))
    assert tuple(crf.viterbi(*scores)) == max(paths, key=lambda path: total(path, *scores))


def test_without_transitions_each_word_is_for_itself(scores):
    assert np.array_equal(crf.viterbi(scores[0], np.zeros((3, 3))), scores[0].argmax(1))


def test_large_scores_neither_overflow_nor_vanish(scores):
    loss, gradient = crf._Chains(np.eye(3), [[0, 1, 2]], 3).loss(np.eye(3) * 1e4, *np.zeros((2, 3)), 100 * scores[1])
    assert np.isfinite(loss) and np.isfinite(gradient).all()


@pytest.mark.parametrize("kind", [np.asarray, sparse.csr_array])
def test_loss_is_that_of_all_sequences_and_its_gradient_that_of_differences(kind):
    rng = np.random.default_rng(1)
    features = kind(rng.normal(size=(sum(LENGTHS), 5)))
    numbers = [[NAMES.index(tag) for tag in sentence.tags] for sentence in SENTENCES]
    chains, weights = crf._Chains(features, numbers, 3), rng.normal(size=(5 + 2 + 3) * 3)

    kernel, bias, start, transitions = crf._cut(weights, 5, 3)
    rows = np.split(features @ kernel + bias, np.cumsum(LENGTHS)[:-1])
    by_hand = sum(
        log_partition(row, transitions, start) - total(path, row, transitions, start)
        for row, path in zip(rows, numbers, strict=True)
    )
    assert np.isclose(chains.loss(kernel, bias, start, transitions)[0], by_hand)

    gradient = chains.loss(kernel, bias, start, transitions)[1]
    differences = optimize.approx_fprime(weights, lambda w: chains.loss(*crf._cut(w, 5, 3))[0], 1e-6)
    np.testing.assert_allclose(gradient, differences, atol=1e-4)


def one_hot(sentences):
    words = sorted({token for sentence in SENTENCES for token in sentence.tokens})
    return np.array([[word == token for word in words] for s in sentences for token in s.tokens], float)


def test_it_learns_the_tags_and_the_penalty_holds_it_back():
    loose, tight = (crf.fit(one_hot(SENTENCES), SENTENCES, NAMES, C) for C in (100.0, 1e-3))
    assert loose.tag(one_hot(SENTENCES), LENGTHS) == [sentence.tags for sentence in SENTENCES]
    assert np.abs(tight.kernel).max() < 0.1 < np.abs(loose.kernel).max()
    assert loose.transitions[1, 2] > loose.transitions[0, 2], "an entity goes on after its beginning, not after O"


def test_with_sentences_of_one_word_it_is_a_logistic_regression():
    rng = np.random.default_rng(0)
    features, labels = rng.normal(size=(60, 4)), rng.integers(0, 3, 60)
    sentences = [Sentence(("w",), (NAMES[k],)) for k in labels]
    chain = crf.fit(features, sentences, NAMES, C=1e4, iterations=1000)
    from sklearn.linear_model import LogisticRegression

    other = LogisticRegression(C=1e4, tol=1e-8, max_iter=1000).fit(features, labels)
    ours = features @ chain.kernel + chain.bias + chain.start
    theirs = other.decision_function(features)
    np.testing.assert_allclose(ours - ours.mean(1, keepdims=True), theirs - theirs.mean(1, keepdims=True), atol=0.05)


def test_bad_input_is_named():
    features = one_hot(SENTENCES)
    with pytest.raises(ValueError, match="C: got 0"):
        crf.fit(features, SENTENCES, NAMES, 0)
    with pytest.raises(ValueError, match="got the tags"):
        crf.fit(features, SENTENCES, NAMES[:2], 1.0)
    with pytest.raises(ValueError, match="features: got 7 rows, expected 8"):
        crf.fit(features[:-1], SENTENCES, NAMES, 1.0)
    with pytest.raises(ValueError, match="transitions: got"):
        crf.viterbi(np.zeros((2, 3)), np.zeros((2, 2)))
