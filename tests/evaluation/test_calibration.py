"""Calibration: hand cases, and the same figures computed another way."""

import numpy as np
import pytest
from scipy import optimize
from sklearn.metrics import log_loss

from tlbook import evaluation


@pytest.fixture
def answers():
    """Logits (500, 4) and labels that are three times less sure than the logits say."""
    rng = np.random.default_rng(0)
    logits = rng.normal(size=(500, 4)) * 6
    labels = np.array([rng.choice(4, p=softmax(row[None] / 3)[0]) for row in logits])
    return logits, labels


def softmax(logits):
    powers = np.exp(logits - logits.max(axis=1, keepdims=True))
    return powers / powers.sum(axis=1, keepdims=True)


def test_negative_log_likelihood_is_scikit_learn_s(answers):
    probabilities = softmax(answers[0])
    expected = log_loss(answers[1], probabilities)
    assert evaluation.negative_log_likelihood(probabilities, answers[1]) == pytest.approx(expected, abs=1e-9)
    assert evaluation.negative_log_likelihood(np.eye(2), [1, 0]) == np.inf


def test_calibration_error_by_hand():
    """Two answers at 0.6, one right; two at 0.9, both right: gaps 0.1 and 0.1."""
    probabilities = np.array([[0.6, 0.4], [0.4, 0.6], [0.9, 0.1], [0.1, 0.9]])
    labels = [0, 0, 0, 1]
    rows = evaluation.reliability(probabilities, labels, bins=5)
    assert rows.to_dict("list") == {"confidence": [0.6, 0.9], "accuracy": [0.5, 1.0], "count": [2, 2]}
    assert evaluation.calibration_error(probabilities, labels, bins=5) == pytest.approx(0.1)


@pytest.mark.parametrize("bins", [1, 10, 15])
def test_calibration_error_equals_loops(answers, bins):
    probabilities, labels = softmax(answers[0]), answers[1]
    total = 0
    for k in range(bins):
        inside = [i for i, row in enumerate(probabilities) if k / bins < row.max() <= (k + 1) / bins]
        if inside:
            right = sum(probabilities[i].argmax() == labels[i] for i in inside)
            total += abs(right - sum(probabilities[i].max() for i in inside))
    assert evaluation.calibration_error(probabilities, labels, bins) == pytest.approx(total / 500, abs=1e-9)


def test_temperature_is_where_the_likelihood_is_largest(answers):
    logits, labels = answers
    found = evaluation.temperature(logits, labels)
    assert found == pytest.approx(3, rel=0.2), "the labels were drawn at 3"
    by_rate = optimize.minimize(
        lambda x: evaluation.negative_log_likelihood(softmax(logits * x), labels), 1.0, method="Nelder-Mead", tol=1e-10
    )
    assert found == pytest.approx(1 / by_rate.x[0], rel=1e-4)
    mended = softmax(logits / found)
    assert evaluation.calibration_error(mended, labels) < evaluation.calibration_error(softmax(logits), labels)
    assert (mended.argmax(axis=1) == logits.argmax(axis=1)).all()


def test_bad_input_is_named(answers):
    logits, labels = answers
    with pytest.raises(ValueError, match="sum to one"):
        evaluation.reliability(logits, labels)
    with pytest.raises(ValueError, match="labels: got int64"):
        evaluation.temperature(logits, labels[:-1])
    with pytest.raises(ValueError, match="labels: got 0..4, expected 0..3"):
        evaluation.temperature(logits, np.where(labels == 1, 4, labels))
    with pytest.raises(ValueError, match="bins: got 0"):
        evaluation.calibration_error(softmax(logits), labels, bins=0)
    with pytest.raises(ValueError, match="logits: got shape"):
        evaluation.temperature(logits[:, :1], labels)
