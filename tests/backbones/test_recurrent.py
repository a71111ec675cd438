"""Recurrent encoders: what they ignore, what stays frozen, and how a rate is chosen."""

import keras
import numpy as np
import pytest

from tlbook import features, heads, training
from tlbook.backbones import recurrent


def numbers(*rows, length=6):
    return np.array([[*row, *[0] * (length - len(row))] for row in rows], "int32")


def a_task(n=64):
    """Sentences of words 2 and 3, and the first word is the label."""
    rng = np.random.default_rng(0)
    words = rng.integers(2, 4, (n, 6)).astype("int32")
    return words, (words[:, 0] == 3).astype(np.int64)


def test_the_encoder_has_the_size_that_the_formula_says():
    encoder = recurrent.text_encoder(50, width=8, units=5)
    assert encoder.count_params() == 50 * 8 + 2 * 3 * 5 * (8 + 5 + 2)
    assert encoder(numbers([2, 3])).shape == (1, 10)


def test_padding_changes_nothing_and_order_does():
    keras.utils.set_random_seed(0)
    encoder = recurrent.text_encoder(50, width=8, units=5)
    short, long = numbers([4, 7, 9]), numbers([4, 7, 9], length=30)
    np.testing.assert_allclose(encoder(short), encoder(long), atol=1e-6)
    assert np.abs(encoder(short) - encoder(numbers([9, 7, 4]))).max() > 1e-4


def test_both_directions_are_read():
    """The last word reaches the second half of the vector, which ends at the first word, and the other way round."""
    keras.utils.set_random_seed(0)
    encoder = recurrent.text_encoder(50, width=8, units=5)
    before = encoder(numbers([4, 7, 9])).numpy()
    for changed in ([5, 7, 9], [4, 7, 8]):
        moved = np.abs(encoder(numbers(changed)).numpy() - before)[0]
        assert moved[:5].max() > 1e-5 and moved[5:].max() > 1e-5


@pytest.mark.parametrize("sizes", [{"vocabulary_size": 2}, {"width": 0}, {"units": 0}])
def test_sizes_that_make_no_network(sizes):
    with pytest.raises(ValueError, match="vocabulary_size, width, units: got"):
        recurrent.text_encoder(**{"vocabulary_size": 50, "width": 8, "units": 5} | sizes)


def test_vectors_come_in_order_and_whatever_the_batch():
    keras.utils.set_random_seed(0)
    encoder = recurrent.text_encoder(50, width=8, units=5)
    words = np.random.default_rng(0).integers(2, 50, (11, 6)).astype("int32")
    at_once = features.forward(encoder, words)
    assert (at_once.shape, at_once.dtype) == ((11, 10), np.float32)
    np.testing.assert_allclose(features.forward(encoder, words, batch_size=4), at_once, atol=1e-6)


def test_vectors_need_sentences():
    with pytest.raises(ValueError, match="numbers: got shape"):
        features.forward(recurrent.text_encoder(50, 4, 3), np.zeros((0, 6), "int32"))


def a_reader():
    """A network that reads by position: it learns the task, and compiles faster than a recurrent one."""
    keras.utils.set_random_seed(0)
    words = keras.Input((6,), dtype="int32")
    return heads.classifier(keras.Model(words, keras.layers.Embedding(4, 4)(words)), 2)


def test_the_best_rate_wins_and_its_weights_stay():
    model = a_reader()
    words, labels = a_task()
    curves = training.choose_rate(model, (words, labels), (words, labels), 6, (1e-1, 1e-9), batch_size=16)
    assert list(curves) == [1e-9, 1e-1] and all(len(curve) == 6 for curve in curves.values())
    assert model.rate == 1e-1
    assert model.validation_accuracy == max(max(curve) for curve in curves.values()) > 0.9
    measured = np.mean(model(words).numpy().argmax(axis=1) == labels)
    assert measured == pytest.approx(model.validation_accuracy), "the weights are not those that were chosen"


def test_every_rate_starts_from_the_same_weights_and_a_fresh_optimizer():
    model = a_reader()
    start = model.get_weights()
    words, labels = a_task(32)
    alone = training.choose_rate(model, (words, labels), (words, labels), 3, [2e-2], batch_size=8)
    model.set_weights(start)
    behind = training.choose_rate(model, (words, labels), (words, labels), 3, [1e-2, 2e-2], batch_size=8)
    assert behind[2e-2] == alone[2e-2] != behind[1e-2]


@pytest.mark.parametrize(("rates", "epochs"), [([], 3), ([1e-3], 0)])
def test_a_search_needs_rates_and_epochs(rates, epochs):
    words, labels = a_task(8)
    model = a_reader()
    with pytest.raises(ValueError, match="rates, epochs: got"):
        training.choose_rate(model, (words, labels), (words, labels), epochs, rates)


def test_a_search_in_which_nothing_is_a_number_says_so():
    words, labels = a_task(8)
    model = a_reader()
    model.get_layer("logits").kernel.assign(np.full((24, 2), np.nan))
    with pytest.raises(FloatingPointError, match="no rate of"):
        training.choose_rate(model, (words, labels), (words, labels), 1, [1e-3])
