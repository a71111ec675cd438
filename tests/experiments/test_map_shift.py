"""The map, outside: which pictures judge, what a row says of them, and what chooses."""

import numpy as np
import pytest

from experiments import map_shift, map_task, shift_answers, shifted_pictures
from tlbook import evaluation
from tlbook.data import corruptions
from tlbook.data.images import Split
from tlbook.files import sources


@pytest.fixture
def images():
    return np.random.default_rng(0).integers(40, 200, (12, 32, 32, 3), "uint8")


def test_all_severities_take_turns(images):
    found = shifted_pictures.over_severities(images, "contrast")
    for i, image in enumerate(images):
        assert np.array_equal(found[i], corruptions.corrupted(image[None], "contrast", i % 5 + 1)[0])


def test_each_picture_gets_a_corruption_of_its_own(images):
    found = shifted_pictures.one_of_each(images, 3)
    assert found.shape == images.shape and (found != images).any(axis=(1, 2, 3)).all()
    assert np.array_equal(found, shifted_pictures.one_of_each(images, 3))
    away = np.square(found.astype(float) - images).mean(axis=(1, 2, 3))
    assert len(set(away.round(3))) == len(images)


def test_a_row_says_what_was_right_and_how_sure_it_was():
    labels = {name: np.arange(10) % 2 for name in ("clean", *corruptions.KINDS, "drawings")}
    sure = np.array([[9.0, -9.0]] * 10)
    predictions = dict.fromkeys(labels, (sure, sure / 90))
    row = shifted_pictures.scored(labels, predictions)
    assert row["accuracy"] == row["corrupted_accuracy"] == row["contrast_accuracy"] == 0.5
    assert row["nll"] == pytest.approx(9, abs=0.01) and row["nll_scaled"] == pytest.approx(np.log(2), abs=0.01)
    assert row["ece"] == pytest.approx(0.5, abs=0.01) and row["ece_scaled"] == pytest.approx(0.05, abs=0.01)
    right = evaluation.unpacked_right([row["corrupted_right"]])[0]
    assert len(right) == 60 and np.array_equal(right[:10], labels["clean"] == 0)


def test_who_learns_does_not_choose(monkeypatch):
    rng = np.random.default_rng(0)
    labels = np.arange(200) % 10
    pool = Split(rng.integers(256, size=(200, 32, 32, 3), dtype="uint8"), labels)
    test = Split(pool.images[:20], labels[:20])
    monkeypatch.setattr(map_task, "pictures", lambda: (pool, test, sources.Source("a", "bundled", "")))
    monkeypatch.setattr(shifted_pictures, "conditions", lambda: {"clean": test})
    task, held = map_shift.load(100, 1)
    learn, judge = task.positions
    assert len(learn) == 80 and len(judge) == task.n_choose == 20 and not set(learn) & set(judge)
    assert np.array_equal(task.train.images, pool.images[learn]) and np.array_equal(
        task.validation.labels, labels[judge]
    )
    assert np.array_equal(held.labels["clean"], test.labels)


def test_the_best_rate_is_taken_and_the_model_starts_anew(monkeypatch):
    class Model:
        weights = 0

        def get_weights(self):
            return 0

        def set_weights(self, weights):
            self.weights = weights

    model, trainings = Model(), []

    def train(model, batches, epochs, rate):
        assert model.weights == 0, "every training begins at the start"
        model.weights = rate
        trainings.append((epochs, rate))
        return 10 * epochs

    monkeypatch.setattr(shift_answers.map_training, "train", train)
    right = np.array([0, 1, 1, 1])
    answers = {0.1: [0, 0, 0, 1], 0.2: [0, 1, 1, 1], 0.3: [0, 1, 1, 1]}
    shown, rate, accuracy = shift_answers.choose_and_train(
        model, lambda: None, lambda: np.eye(2)[answers[model.weights]], right, (0.3, 0.1, 0.2), 20, 0.15
    )
    assert trainings == [(3, 0.1), (3, 0.2), (3, 0.3), (20, 0.2)] and shown == 290
    assert (rate, accuracy, model.weights) == (0.2, 1.0, 0.2)
