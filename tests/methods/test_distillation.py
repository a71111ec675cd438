"""Distillation: the loss by hand, the control without a teacher, examples without labels, what is refused."""

import keras
import numpy as np
import pytest

from tlbook import features
from tlbook.methods import distillation


def make():
    keras.utils.set_random_seed(0)
    return keras.Sequential([keras.Input((4,)), keras.layers.Dense(3)], name="student")


@pytest.fixture
def examples():
    rng = np.random.default_rng(0)
    inputs = rng.normal(size=(60, 4)).astype("float32")
    logits = inputs @ rng.normal(size=(4, 3)) * 3
    return inputs, logits.argmax(axis=1), logits


def soft(logits, temperature):
    exp = np.exp(np.array(logits) / temperature)
    return exp / exp.sum()


def test_the_loss_is_the_one_computed_by_hand():
    student, teacher = [1.0, 2.0, 0.0], [3.0, 0.0, -1.0]
    t, w = 2.0, 0.7
    p, q = soft(teacher, t), soft(student, t)
    divergence = sum(a * np.log(a / b) for a, b in zip(p, q, strict=True))
    hard = -np.log(soft(student, 1)[1])
    found = distillation.loss([student, student], [1, -1], [teacher, teacher], t, w)
    expected = [w * t**2 * divergence + (1 - w) * hard, w * t**2 * divergence]
    np.testing.assert_allclose(keras.ops.convert_to_numpy(found), expected, rtol=1e-5)


def test_a_student_that_agrees_has_nothing_to_learn():
    logits = [[1.0, 2.0, 0.0]]
    assert float(distillation.loss(logits, [-1], logits)[0]) == pytest.approx(0, abs=1e-6)


def test_without_weight_it_is_plain_cross_entropy():
    logits, labels = np.array([[1.0, 2.0, 0.0], [0.0, 5.0, 1.0]], "float32"), np.array([0, 2])
    plain = keras.losses.sparse_categorical_crossentropy(labels, logits, from_logits=True)
    found = distillation.loss(logits, labels, np.full((2, 3), 9.0), weight=0.0)
    np.testing.assert_allclose(*map(keras.ops.convert_to_numpy, (found, plain)), rtol=1e-5)


def test_the_temperature_gives_back_what_it_takes_from_the_gradients():
    """At a high temperature the gradient tends to (student - teacher) / classes for centred logits."""
    student, teacher = np.array([0.3, -0.1, -0.2]), np.array([[-0.4, 0.1, 0.3]])

    def at(logits):
        return float(distillation.loss([logits], [-1], teacher, temperature=20.0, weight=1.0)[0])

    step = 0.05
    slopes = [(at(student + step * e) - at(student - step * e)) / (2 * step) for e in np.eye(3)]
    np.testing.assert_allclose(slopes, (student - teacher[0]) / 3, atol=0.01)


def test_a_student_learns_from_the_teacher_alone(examples):
    inputs, labels, logits = examples
    student = make()
    nobody_knows = np.full(60, distillation.UNLABELLED)
    history = distillation.distil(student, inputs, nobody_knows, logits, (inputs, labels), 30, 0.05, batch_size=20)
    assert history["loss"][-1] < history["loss"][0] / 5
    assert history["val_accuracy"][-1] > 0.9
    assert [len(history[key]) for key in ("loss", "val_loss", "val_accuracy")] == [30, 30, 30]


def test_the_seed_decides(examples):
    inputs, labels, logits = examples
    found = []
    for _ in range(2):
        student = make()
        distillation.distil(student, [inputs, -inputs], labels, logits, (inputs, labels), 2, 0.01, seed=3)
        found.append(features.forward(student, inputs))
    np.testing.assert_allclose(*found, atol=1e-5)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"temperature": 0.0}, "temperature: got 0.0"),
        ({"weight": 1.5}, "weight: got 1.5"),
        ({"labels": np.zeros(59, int)}, "expected 60 integers"),
        ({"labels": np.zeros(60)}, "labels: got float64"),
        ({"labels": np.full(60, 3)}, r"expected -1\.\.2"),
        ({"teacher_logits": np.zeros((60, 2))}, r"teacher_logits: got shape \(60, 2\)"),
        ({"teacher_logits": np.full((60, 3), np.inf)}, "teacher_logits: got numbers that are not finite"),
        ({"weight": 0.0, "labels": np.full(60, -1)}, "nobody would teach"),
    ],
)
def test_what_cannot_be_learned_from_is_refused(examples, change, words):
    inputs, labels, logits = examples
    arguments = {"labels": labels, "teacher_logits": logits, "temperature": 4.0, "weight": 0.9} | change
    with pytest.raises(ValueError, match=words):
        distillation.distil(make(), inputs, validation=(inputs, labels), epochs=1, learning_rate=0.01, **arguments)
