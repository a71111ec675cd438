"""Evaluation: counted by hand, and compared with SciPy."""

import keras
import numpy as np
import pytest
from scipy import stats

from tlbook import evaluation, training

# Three classes of four; nobody predicts class 2, and class 3 has no pictures.
LABELS = [0, 0, 0, 1, 1, 2]
PREDICTIONS = [0, 0, 1, 1, 1, 0]
CALLS = []


class Watched(keras.layers.Layer):
    def call(self, inputs):
        CALLS.append((keras.backend.standardize_dtype(inputs.dtype), inputs.shape[0]))
        return inputs


def classifier():
    """With dropout: a prediction must not depend on chance."""
    keras.utils.set_random_seed(0)
    layers = keras.layers
    model = keras.Sequential(
        [keras.Input((2, 3)), Watched(), layers.Flatten(), layers.Dropout(0.5), layers.Dense(4, name="logits")]
    )
    CALLS.clear()
    return model


@pytest.mark.parametrize("dtype", ["uint8", "float16", "float32"])
@pytest.mark.parametrize("size", [1, 7, 30, 250])
def test_predictions_are_the_largest_logits(dtype, size):
    model = classifier()
    inputs = np.random.default_rng(0).integers(256, size=(30, 2, 3)).astype(dtype)
    kernel, bias = (np.asarray(weight) for weight in model.get_layer("logits").weights)
    expected = (inputs.reshape(30, 6).astype("float64") @ kernel + bias).argmax(axis=1)
    got = training.predict(model, inputs, size)
    assert got.dtype == np.int64 and got.shape == (30,)
    assert len(set(expected)) > 1
    np.testing.assert_array_equal(got, expected)


def test_only_one_batch_at_a_time_is_float32():
    training.predict(classifier(), np.zeros((10, 2, 3), "uint8"), 4)
    assert CALLS == [("float32", 4), ("float32", 4), ("float32", 2)]


def test_probabilities_predict_what_logits_predict():
    model = classifier()
    inputs = np.random.default_rng(0).normal(size=(30, 2, 3))
    probabilities = keras.Sequential([model, keras.layers.Softmax()])
    np.testing.assert_array_equal(training.predict(probabilities, inputs), training.predict(model, inputs))


def test_accuracy_is_the_share_that_is_right():
    assert evaluation.accuracy(LABELS, PREDICTIONS) == pytest.approx(4 / 6)
    assert evaluation.accuracy(np.array(LABELS), np.array(LABELS)) == 1.0
    assert evaluation.accuracy([0], [1]) == 0.0
    assert type(evaluation.accuracy(LABELS, PREDICTIONS)) is float


@pytest.mark.parametrize(
    ("labels", "predictions", "message"),
    [
        ([0, 1], [0], r"got shape \(1,\), expected that of labels, \(2,\)"),
        ([], [], r"got shape \(0,\), .* n > 0"),
        ([0, 1], [[0.2, 0.8], [0.9, 0.1]], r"got shape \(2, 2\)"),
        ([[0], [1]], [[0], [1]], r"got shape \(2, 1\)"),
        ([0, 1], [[0], [1]], r"got shape \(2, 1\), expected that of labels, \(2,\)"),
        (1, 1, r"got shape \(\)"),
    ],
)
def test_accuracy_refuses_what_does_not_match(labels, predictions, message):
    with pytest.raises(ValueError, match=rf"predictions: {message}"):
        evaluation.accuracy(labels, predictions)


def counted(labels, predictions, classes):
    counts = np.zeros((classes, classes), int)
    for label, prediction in zip(labels, predictions, strict=True):
        counts[label, prediction] += 1
    return counts


def test_confusion_has_a_row_for_each_true_class():
    got = evaluation.confusion(LABELS, PREDICTIONS, 4)
    assert got.tolist() == [[2, 1, 0, 0], [0, 2, 0, 0], [1, 0, 0, 0], [0, 0, 0, 0]]
    assert got.dtype == np.int64


def test_confusion_against_counting():
    rng = np.random.default_rng(0)
    labels, predictions = rng.integers(10, size=(2, 500))
    np.testing.assert_array_equal(evaluation.confusion(labels, predictions, 10), counted(labels, predictions, 10))


def test_recall_is_the_share_of_each_class_that_was_found():
    got = evaluation.recall(LABELS, PREDICTIONS, 4)
    np.testing.assert_allclose(got, [2 / 3, 1, 0, np.nan])
    assert got.dtype == np.float64


def test_recall_against_counting():
    rng = np.random.default_rng(0)
    labels, predictions = rng.integers(10, size=(2, 500))
    counts = counted(labels, predictions, 10)
    np.testing.assert_allclose(evaluation.recall(labels, predictions, 10), counts.diagonal() / counts.sum(axis=1))


@pytest.mark.filterwarnings("error")
def test_missing_class_is_no_warning_on_the_page():
    assert np.isnan(evaluation.recall(LABELS, PREDICTIONS, 4)[3])


@pytest.mark.parametrize("n", [2, 3, 10])
@pytest.mark.parametrize("confidence", [0.8, 0.95, 0.99])
def test_interval_is_students(n, confidence):
    values = np.random.default_rng(n).normal(0.7, 0.02, n)
    mean, half = evaluation.interval(values, confidence)
    low, high = stats.t.interval(confidence, n - 1, loc=values.mean(), scale=stats.sem(values))
    assert (mean - half, mean + half) == pytest.approx((low, high))
    assert type(mean) is float and type(half) is float


def test_interval_of_three_seeds_by_hand():
    """Student's table: 4.303 for two degrees of freedom and 95 %."""
    mean, half = evaluation.interval([0.70, 0.72, 0.77])
    standard_error = np.sqrt(((0.03**2 + 0.01**2 + 0.04**2) / 2) / 3)
    assert mean == pytest.approx(0.73) and half == pytest.approx(4.303 * standard_error, rel=1e-4)


def test_interval_holds_the_mean_as_often_as_it_promises():
    rng = np.random.default_rng(0)
    held = [abs(mean) <= half for mean, half in (evaluation.interval(rng.normal(size=3)) for _ in range(500))]
    assert 0.92 < np.mean(held) < 0.98


def test_interval_of_equal_values_has_no_width():
    assert evaluation.interval([0.5, 0.5, 0.5]) == (0.5, 0.0)


@pytest.mark.parametrize("values", [[], [0.7], 0.7, [0.7, np.nan], [0.7, np.inf], [[0.7, 0.8], [0.7, 0.9]]])
def test_interval_refuses_what_has_none(values):
    with pytest.raises(ValueError, match="(?s)values: got .*expected two or more finite numbers"):
        evaluation.interval(values)
