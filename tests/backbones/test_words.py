"""Networks for words: one form for four, padding that changes nothing, and what each state can see."""

import keras
import numpy as np
import pytest

from tlbook.backbones import words

SENTENCES = np.array([[4, 7, 9, 3, 2, 0, 0, 0], [5, 5, 6, 0, 0, 0, 0, 0]], "int32")

each_kind = pytest.mark.parametrize("kind", words.KINDS)


@pytest.fixture(autouse=True)
def seed():
    keras.utils.set_random_seed(0)


@each_kind
def test_every_network_has_three_layers_of_one_width(kind):
    states = words.network(kind, 20)(SENTENCES)
    assert [tuple(state.shape) for state in states] == [(2, 8, words.WIDTH)] * len(words.LAYERS)
    assert words.network(kind, 20).weights[0].shape[0] == 20, "the embedding comes first"


@each_kind
def test_padding_changes_no_mean_and_order_does(kind):
    network = words.means(words.network(kind, 20))
    short = network(SENTENCES[:, :5])
    for a, b in zip(short, network(SENTENCES), strict=True):
        np.testing.assert_allclose(a, b, atol=1e-5)
    turned = network(SENTENCES[:, [1, 0, 2, 3, 4]])
    assert np.abs(turned[-1] - short[-1]).max() > 1e-4


def test_a_mean_is_over_words_and_a_sentence_of_none_has_zero():
    network = words.network("cnn", 20)
    table = network.get_layer("embedding").get_weights()[0]
    mean = words.means(network)(np.array([[5, 6, 0], [0, 0, 0]]))[0]
    np.testing.assert_allclose(mean[0], table[[5, 6]].mean(axis=0), atol=1e-6)
    assert not np.any(mean[1])


@each_kind
def test_both_pretrainings_move_all_layers(kind):
    network = words.network(kind, 20)
    before = network.get_weights()
    labels = words.opinion(network)
    labels.compile("sgd", keras.losses.SparseCategoricalCrossentropy(from_logits=True), jit_compile=False)
    labels.fit(SENTENCES, np.array([0, 1]), verbose=0)
    between = network.get_weights()
    places = np.array([[0, 2], [1, 2]])
    gaps = words.gap_filler(network, 20, 2)
    assert gaps([SENTENCES, places]).shape == (2, 2, 20)
    gaps.compile("sgd", keras.losses.SparseCategoricalCrossentropy(from_logits=True), jit_compile=False)
    gaps.fit([SENTENCES, places], np.take_along_axis(SENTENCES, places, 1), verbose=0)
    after = network.get_weights()
    for new, old in ((between, before), (after, between)):
        assert sum(not np.array_equal(a, b) for a, b in zip(new, old, strict=True)) > len(old) / 2


def test_another_kind_or_no_vocabulary_is_refused():
    with pytest.raises(ValueError, match="kind, vocabulary_size: got 'rnn', 20"):
        words.network("rnn", 20)
    with pytest.raises(ValueError, match="got 'cnn', 2"):
        words.network("cnn", 2)
