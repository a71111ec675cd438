"""Transferability scores: hand-computed cases, and implementations written another way, to 1e-6."""

import numpy as np
import pytest
from scipy import optimize
from sklearn.covariance import LedoitWolf

from tlbook.methods import transferability


def examples(n, width, classes, seed, signal=1.0):
    rng = np.random.default_rng(seed)
    labels = np.arange(n) % classes
    centres = signal * rng.normal(size=(classes, width))
    return centres[labels] + rng.normal(size=(n, width)) * rng.uniform(0.5, 3, width), labels


CASES = {
    "many examples": examples(120, 7, 3, 0),
    "little signal": examples(90, 12, 4, 1, signal=0.3),
    "more features than examples": examples(40, 60, 3, 2),
    "features of another size": (1e3 * examples(80, 5, 2, 3)[0], examples(80, 5, 2, 3)[1]),
    "labels with a gap": (examples(60, 4, 3, 4)[0], 5 * examples(60, 4, 3, 4)[1]),
}
each_case = pytest.mark.parametrize(("features", "labels"), CASES.values(), ids=CASES)


def evidence(features, target, alpha, beta):
    """The log evidence as Bishop (2006), equation 3.86, has it: dense matrices, nothing decomposed."""
    n, width = features.shape
    precision = alpha * np.eye(width) + beta * features.T @ features
    mean = beta * np.linalg.solve(precision, features.T @ target)
    fit = beta / 2 * np.sum((target - features @ mean) ** 2) + alpha / 2 * mean @ mean
    return (
        width / 2 * np.log(alpha)
        + n / 2 * np.log(beta)
        - fit
        - np.linalg.slogdet(precision)[1] / 2
        - n / 2 * np.log(2 * np.pi)
    )


def maximised(features, target):
    """The largest log evidence over both precisions, searched from several starts."""
    size = np.mean(features**2)
    starts = [(np.log(size) + a, b) for a in (-4.0, 0.0, 4.0) for b in (0.0, 4.0)]
    found = []
    for start in starts:
        search = optimize.minimize(
            lambda x: -evidence(features, target, *np.exp(np.clip(x, -40, 40))),
            start,
            method="Nelder-Mead",
            options={"xatol": 1e-9, "fatol": 1e-11, "maxiter": 4_000, "maxfev": 4_000},
        )
        found.append(-search.fun)
    return max(found)


@each_case
def test_logme_is_the_largest_evidence_over_both_precisions(features, labels):
    expected = np.mean([maximised(features, (labels == one).astype(float)) for one in np.unique(labels)])
    assert transferability.logme(features, labels) == pytest.approx(expected / len(labels), abs=1e-6)


def fixed_point(features, target, steps=2_000):
    """The iteration of You et al. (2021), on dense matrices: log evidence where it no longer moves."""
    n, width = features.shape
    gram = features.T @ features
    alpha = beta = 1.0
    for _ in range(steps):
        precision = alpha * np.eye(width) + beta * gram
        mean = beta * np.linalg.solve(precision, features.T @ target)
        used = width - alpha * np.trace(np.linalg.inv(precision))
        alpha, beta = used / (mean @ mean), (n - used) / np.sum((target - features @ mean) ** 2)
    return evidence(features, target, alpha, beta)


def test_logme_is_where_the_authors_steps_end():
    features, labels = CASES["many examples"]
    ends = [fixed_point(features, (labels == one).astype(float)) for one in np.unique(labels)]
    assert transferability.logme(features, labels) == pytest.approx(np.mean(ends) / len(labels), abs=1e-6)


def test_logme_by_hand():
    """One feature, always 1, four of eight labels 1: all is closed form.

    The sum of squares of the feature is 8, and the feature explains (sum of targets)^2 / 8 = 2 of 4.
    """
    features, labels = np.ones((8, 1)), np.array([0, 1] * 4)
    ratios = np.exp(np.linspace(-8, 8, 2_000_001))
    errors = 4 - 2 * 8 / (8 + ratios)
    by_hand = -4 * np.log(2 * np.pi * np.e * errors / 8) - np.log(1 + 8 / ratios) / 2
    assert transferability.logme(features, labels) == pytest.approx(by_hand.max() / 8, abs=1e-9)


def test_logme_of_features_that_say_nothing_is_that_of_noise_alone():
    features, labels = np.zeros((10, 2)), np.arange(10) % 2
    expected = -np.log(2 * np.pi * np.e * 0.5) / 2  # five ones in ten: mean square 0.5
    assert transferability.logme(features, labels) == pytest.approx(expected, abs=1e-9)


def h_score_by_loops(features, labels, shrink):
    """The H-score, class by class, with scikit-learn's covariance and a pseudoinverse."""
    n, width = features.shape
    centred = features - features.mean(axis=0)
    if shrink:
        found = LedoitWolf(assume_centered=True).fit(centred)
        covariance, share = found.covariance_, 1 - found.shrinkage_
    else:
        covariance, share = centred.T @ centred / n, 1.0
    between = np.zeros((width, width))
    for one in set(labels.tolist()):
        mean = sum(centred[i] for i in range(n) if labels[i] == one) / sum(labels == one)
        between += sum(labels == one) / n * np.outer(mean, mean)
    return share * np.trace(np.linalg.pinv(covariance, rcond=1e-10) @ between)


@each_case
@pytest.mark.parametrize("shrink", [False, True])
def test_h_score_equals_class_loops(features, labels, shrink):
    expected = h_score_by_loops(features, labels, shrink)
    assert transferability.h_score(features, labels, shrink) == pytest.approx(expected, rel=1e-6)


def test_h_score_by_hand():
    """One feature, classes at 0, 2 and 4, 6: variance 5, of which 4 lies between the class means 1 and 5."""
    features, labels = np.array([[0.0], [2.0], [4.0], [6.0]]), [0, 0, 1, 1]
    assert transferability.h_score(features, labels, shrink=False) == pytest.approx(4 / 5, abs=1e-9)


def test_h_score_of_noise_is_perfect_where_there_are_more_features_than_examples():
    noise = np.random.default_rng(0).normal(size=(50, 200))
    labels = np.arange(50) % 5
    assert transferability.h_score(noise, labels, shrink=False) == pytest.approx(4, abs=1e-6)
    assert transferability.h_score(noise, labels) < 1


def leep_by_counting(probabilities, labels):
    """LEEP, one example and one pair of classes at a time."""
    n, sources = probabilities.shape
    joint = {}
    for row, label in zip(probabilities.tolist(), labels.tolist(), strict=True):
        for source in range(sources):
            joint[label, source] = joint.get((label, source), 0) + row[source] / n
    marginal = [sum(value for (_, s), value in joint.items() if s == source) for source in range(sources)]
    total = 0
    for row, label in zip(probabilities.tolist(), labels.tolist(), strict=True):
        total += np.log(sum(joint[label, s] / marginal[s] * row[s] for s in range(sources) if marginal[s]))
    return total / n


@pytest.mark.parametrize("seed", range(3))
def test_leep_and_nce_equal_counting(seed):
    rng = np.random.default_rng(seed)
    probabilities = rng.dirichlet(np.full(6, 0.3), size=70)
    labels = rng.integers(4, size=70)
    assert transferability.leep(probabilities, labels) == pytest.approx(
        leep_by_counting(probabilities, labels), abs=1e-6
    )
    source = probabilities.argmax(axis=1)
    entropy = 0
    for z in set(source.tolist()):
        for y in set(labels.tolist()):
            both = sum((source == z) & (labels == y))
            entropy -= both / 70 * np.log(both / sum(source == z)) if both else 0
    assert transferability.nce(source, labels) == pytest.approx(-entropy, abs=1e-6)
    # A head that is sure of one name for each example: LEEP is then NCE.
    sure = np.eye(probabilities.shape[1])[source]
    assert transferability.leep(sure, labels) == pytest.approx(transferability.nce(source, labels), abs=1e-9)


def test_leep_may_lie_below_nce_and_the_doubt_in_the_names():
    """The bound of Nguyen et al. (2020) holds with the frequencies that LEEP counts, not with those of single names."""
    probabilities, labels = np.array([[0.7, 0.3], [0.3, 0.7]]), np.array([0, 1])
    bound = transferability.nce(probabilities.argmax(axis=1), labels) + np.log(probabilities.max(axis=1)).mean()
    assert bound == pytest.approx(np.log(0.7), abs=1e-9)
    found = transferability.leep(probabilities, labels)
    assert found == pytest.approx(np.log(0.7**2 + 0.3**2), abs=1e-9)
    assert found < bound


def test_leep_by_hand():
    """Two examples, two classes, a head that says 0.8 and 0.2, or the reverse: P(right | named) is 0.8."""
    probabilities = np.array([[0.8, 0.2], [0.2, 0.8]])
    assert transferability.leep(probabilities, np.array([0, 1])) == pytest.approx(np.log(0.8**2 + 0.2**2), abs=1e-9)
    assert transferability.leep(np.eye(2), np.array([0, 1])) == pytest.approx(0, abs=1e-9)


def test_bad_input_is_named():
    features, labels = CASES["many examples"]
    with pytest.raises(ValueError, match="features: got float64"):
        transferability.logme(features[0], labels)
    with pytest.raises(ValueError, match="features: got numbers that are not finite"):
        transferability.h_score(np.full_like(features, np.nan), labels)
    with pytest.raises(ValueError, match="labels: got int64"):
        transferability.logme(features, labels[:-1])
    with pytest.raises(ValueError, match="labels: .* two classes"):
        transferability.h_score(features, np.zeros_like(labels))
    with pytest.raises(ValueError, match="sum to one"):
        transferability.leep(features, labels)
    with pytest.raises(ValueError, match="source_labels"):
        transferability.nce(labels[:-1], labels)
