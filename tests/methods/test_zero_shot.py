"""Label sentences: means, cosines and draws; a pull that is strong or weak; pairs; and everything that is refused."""

import keras
import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression

from tlbook.methods import zero_shot

RNG = np.random.default_rng(0)
PROMPTS = np.eye(2, 6)


def sentences(n=40, seed=0):
    """Vectors of length 1 that lean to one of the two prompts, and their labels."""
    rng = np.random.default_rng(seed)
    labels = np.arange(n) % 2
    vectors = PROMPTS[labels] + 0.6 * rng.normal(size=(n, 6))
    return vectors / np.linalg.norm(vectors, axis=1, keepdims=True), labels


def test_every_wording_has_two_sentences_of_its_own():
    every = [sentence for pair in zero_shot.WORDINGS.values() for sentence in pair]
    assert len(set(every)) == len(every) == 2 * len(zero_shot.WORDINGS) >= 10


def test_the_mean_of_wordings_has_length_one_and_does_not_depend_on_their_order():
    vectors = RNG.normal(size=(4, 2, 6))
    vectors /= np.linalg.norm(vectors, axis=-1, keepdims=True)
    mean = zero_shot.average(vectors)
    np.testing.assert_allclose(np.linalg.norm(mean, axis=1), 1, atol=1e-6)
    np.testing.assert_allclose(mean, zero_shot.average(vectors[::-1]), atol=1e-6)
    np.testing.assert_allclose(zero_shot.average(vectors[:1]), vectors[0], atol=1e-6)


@pytest.mark.parametrize("shape", [(2, 6), (0, 2, 6)])
def test_wordings_of_another_shape(shape):
    with pytest.raises(ValueError, match="vectors: got shape"):
        zero_shot.average(np.ones(shape))


def test_widths_that_differ():
    with pytest.raises(ValueError, match="prompts: got shape"):
        zero_shot.cosines(np.ones((3, 4)), np.ones((2, 5)))


def test_a_balanced_draw_has_as_many_of_each_class_and_each_once():
    labels = np.array([0] * 30 + [1] * 5)
    drawn = zero_shot.balanced(labels, 5, seed=1)
    assert len(set(drawn)) == 10 and labels[drawn].sum() == 5
    assert np.array_equal(drawn, zero_shot.balanced(labels, 5, seed=1))
    assert not np.array_equal(drawn, zero_shot.balanced(labels, 5, seed=2))


@pytest.mark.parametrize("each", [0, 6])
def test_a_draw_that_cannot_be(each):
    with pytest.raises(ValueError, match=f"each: got {each}, expected 1 to 5"):
        zero_shot.balanced([0] * 30 + [1] * 5, each, 0)


def test_a_strong_pull_leaves_the_label_sentences_and_a_weak_one_an_ordinary_probe():
    vectors, labels = sentences()
    strong = zero_shot.pulled_probe(vectors, labels, PROMPTS, scale=5.0, pull=1e6)
    np.testing.assert_allclose(strong.weights, 5 * PROMPTS.T, atol=1e-4)
    weak = zero_shot.pulled_probe(vectors, labels, PROMPTS, scale=1e-9, pull=1e-2)
    # Two classes with a weight each share the penalty: their difference pays half of it.
    usual = LogisticRegression(C=1 / (1e-2 / 2 * len(labels)), tol=1e-8).fit(vectors, labels)
    np.testing.assert_allclose(weak.weights[:, 1] - weak.weights[:, 0], usual.coef_[0], rtol=0.02, atol=0.02)


def test_the_threshold_is_fitted_even_under_a_strong_pull():
    vectors, labels = sentences(200)
    labels = np.where(np.arange(200) < 150, 1, labels)  # one class is far more frequent
    probe = zero_shot.pulled_probe(vectors, labels, PROMPTS, scale=5.0, pull=1e6)
    assert probe.bias[1] > probe.bias[0]


def test_settings_are_chosen_by_folds_and_kept():
    vectors, labels = sentences(60)
    grid = [(5.0, 1e6), (5.0, 1e-2)]
    probe = zero_shot.pulled_by_folds(vectors, labels, PROMPTS, grid)
    assert probe.chosen in grid and 0.5 < probe.validation_score <= 1
    assert np.mean(probe.predict(vectors) == labels) > 0.7


def test_at_a_tie_the_stronger_pull_wins():
    labels = np.arange(40) % 2
    probe = zero_shot.pulled_by_folds(PROMPTS[labels], labels, PROMPTS, [(5.0, 1e-2), (5.0, 10.0)])
    assert probe.chosen == (5.0, 10.0)


@pytest.mark.parametrize(
    ("labels", "how", "says"),
    [
        (np.zeros(3, int), (1.0, 1.0), "labels: got"),
        (np.full(40, 2), (1.0, 1.0), "labels: got"),
        (np.zeros(40), (1.0, 1.0), "labels: got"),
        (np.arange(40) % 2, (0.0, 1.0), "scale, pull: got 0.0"),
        (np.arange(40) % 2, (1.0, 0.0), "scale, pull: got 1.0 and 0.0"),
    ],
)
def test_what_the_pulled_probe_refuses(labels, how, says):
    with pytest.raises(ValueError, match=says):
        zero_shot.pulled_probe(sentences()[0], labels, PROMPTS, *how)


@pytest.mark.parametrize(("labels", "grid"), [([0] * 39 + [1], [(1.0, 1.0)]), (np.arange(40) % 2, [])])
def test_folds_that_cannot_be(labels, grid):
    with pytest.raises(ValueError, match="grid, labels: got"):
        zero_shot.pulled_by_folds(sentences()[0], labels, PROMPTS, grid)


def test_the_loss_of_pairs_by_hand():
    vectors = np.array([[1.0, 0.0], [0.0, 1.0], [0.6, 0.8]], "float32")
    hot = np.array([[1, 0], [1, 0], [0, 1]], "float32")
    # Pairs: one class with cosine 0 (wrong by 1), two classes with 0.6 and 0.8.
    expected = (1 + 0.36 + 0.64) / 3
    found = keras.ops.convert_to_numpy(zero_shot.pairs_loss(hot, keras.ops.convert_to_tensor(vectors)))
    assert found == pytest.approx(expected, abs=1e-6)


@pytest.fixture
def body():
    keras.utils.set_random_seed(0)
    inputs = keras.Input((6,))
    vectors = keras.ops.normalize(keras.layers.Dense(6)(inputs), axis=-1)
    model = keras.Model(inputs, vectors)
    model.compile(keras.optimizers.Adam(1e-2), zero_shot.pairs_loss)
    return model


def test_pairs_bring_a_class_together(body):
    vectors, labels = sentences(12)
    losses = zero_shot.tune_on_pairs(body, [vectors], labels, rate=0.03, steps=30, seed=0, batch_size=8)
    assert len(losses) == 30 and np.mean(losses[-5:]) < np.mean(losses[:5])
    tuned = keras.ops.convert_to_numpy(body(vectors))
    near, same = tuned @ tuned.T, labels[:, None] == labels
    assert near[same].mean() > near[~same].mean()
    probe = zero_shot.head(tuned, labels)
    assert probe.C == 1.0 and probe.score(tuned, labels) > 0.7


@pytest.mark.parametrize(("n", "steps", "batch"), [(1, 5, 16), (12, 0, 16), (12, 5, 1)])
def test_tuning_that_cannot_be(body, n, steps, batch):
    vectors, labels = sentences(12)
    with pytest.raises(ValueError, match=f"got {steps} steps, {n} sentences, {batch} a batch"):
        zero_shot.tune_on_pairs(body, [vectors[:n]], labels[:n], 0.1, steps, 0, batch)
