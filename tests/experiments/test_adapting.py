"""How tuning experiments choose: two halves of the labels, each class in both, and few seeds where runs cost much."""

import keras
import numpy as np
import pytest

from experiments import adapting, tuning_pictures, tuning_sentences, two_heads


@pytest.mark.parametrize("n", [50, 51, 1_000])
def test_halves_share_no_label_and_each_class_is_in_both(n):
    labels = np.random.default_rng(0).integers(5, size=n)
    one, two = adapting.halves(labels, seed=1)
    assert sorted([*one, *two]) == list(range(n))
    assert abs(len(one) - len(two)) <= 1
    assert set(labels[one]) == set(labels[two]) == set(range(5))


def test_a_rate_is_chosen_by_a_hundred_labels_at_most():
    labels = np.random.default_rng(0).integers(2, size=1_000)
    one, two = adapting.halves(labels, 0, adapting.TO_CHOOSE)
    assert max([*one, *two]) < 100 and len(one) + len(two) == 100


def test_the_better_rate_wins_and_all_labels_train():
    rng = np.random.default_rng(0)
    x = rng.normal(size=(40, 3)).astype("float32")
    labels = (x[:, 0] > 0).astype(int)
    model = adapting.compiled(keras.Sequential([keras.Input((3,)), keras.layers.Dense(2)]))
    start, prepared = [np.array([[1, -1], [0, 0], [0, 0]], "float32"), np.zeros(2, "float32")], []  # all wrong

    def prepare(positions):
        prepared.append(len(positions))
        model.set_weights(start)

    def batches(positions, rng):
        order = rng.permutation(positions)
        return [(x[order[k : k + 8]], labels[order[k : k + 8]]) for k in range(0, len(order), 8)]

    def predict(positions):
        return model.predict_on_batch(x[positions]).argmax(axis=1)

    found = adapting.tune(model, prepare, batches, predict, labels, (1e-6, 0.1), {40: 20}, 0)
    assert found.rate == 0.1 and found.validation > 0.7
    assert prepared == [20, 20, 40] and found.seen == (20 + 20 + 40) * 20
    assert np.mean(predict(np.arange(40)) == labels) > 0.9


@pytest.mark.parametrize("module", [tuning_pictures, tuning_sentences])
def test_three_seeds_have_to_do_where_labels_are_many(module):
    runs = module.EXPERIMENT.configurations()
    assert [run["n_train"] for run in runs] == sorted(run["n_train"] for run in runs)
    assert {run["seed"] for run in runs if run["n_train"] == 1_000} == {0, 1, 2}
    assert {run["seed"] for run in runs if run["n_train"] == 50} == {0, 1, 2, 3, 4}


def test_each_task_counts_the_sentences_that_have_its_label():
    logits = np.array([[2.0, 0.0, 1.0, 0.0, 0.0], [0.0, 1.0, 0.0, 3.0, 0.0]], "float32")

    def cross_entropy(part, label):
        return float(np.log(np.exp(part).sum()) - part[label])

    labels = np.array([[0, -1], [1, 2]])
    found = keras.ops.convert_to_numpy(two_heads.loss(labels, logits)).mean()
    first = (cross_entropy(logits[0, :2], 0) + cross_entropy(logits[1, :2], 1)) / 2
    assert found == pytest.approx(first + cross_entropy(logits[1, 2:], 2), rel=1e-5)
