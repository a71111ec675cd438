"""Language models: probabilities sum to one, perplexities known by hand, a reader that padding cannot reach."""

import keras
import numpy as np
import pytest

from tlbook.inputs import text
from tlbook.methods import language_model as lm

SENTENCES = ["the cat sat", "the dog sat down!", "a cat ran"]
VOCABULARY = text.vocabulary(SENTENCES, 6)  # cat, sat, the, and one of the others
RNG = np.random.default_rng(0)


@pytest.fixture(autouse=True)
def seed():
    keras.utils.set_random_seed(0)


def test_stream_separates_sentences():
    numbers = lm.stream(SENTENCES, {"the": 2, "cat": 3, "sat": 4})
    assert numbers.dtype == np.int32
    assert numbers.tolist() == [0, 2, 3, 4, 0, 2, 1, 4, 1, 1, 0, 1, 3, 1, 0]
    assert lm.stream([""], {}).tolist() == [0, 0]


@pytest.mark.parametrize("sentences", ["one str", [], ()])
def test_stream_of_nothing(sentences):
    with pytest.raises(ValueError, match="sentences: got"):
        lm.stream(sentences, VOCABULARY)


def test_pieces():
    inputs, targets = lm.pieces(np.arange(10), 4)
    assert inputs.tolist() == [[0, 1, 2, 3], [4, 5, 6, 7]]
    assert targets.tolist() == [[1, 2, 3, 4], [5, 6, 7, 8]]
    assert len(lm.pieces(np.arange(9), 4)[0]) == 2, "the last target is the last word"
    assert len(lm.pieces(np.arange(8), 4)[0]) == 1


@pytest.mark.parametrize(
    ("numbers", "length"), [(np.arange(4), 4), (np.arange(4), 0), (np.arange(0), 1), (np.eye(3), 1)]
)
def test_pieces_of_too_little(numbers, length):
    with pytest.raises(ValueError, match="length: got"):
        lm.pieces(numbers, length)


def test_perplexity_by_hand():
    assert lm.perplexity(np.log([[1 / 2, 1 / 4], [1 / 8, 1]])) == pytest.approx(64**0.25)
    assert lm.perplexity(np.full((3, 5), np.log(1 / 7))) == pytest.approx(7)
    assert lm.perplexity([0.0]) == 1
    with np.errstate(divide="ignore"):
        assert lm.perplexity(np.log([0.5, 0.0])) == np.inf


@pytest.mark.parametrize("values", [[], [np.nan], [0.1], [-1, 0.5]])
def test_perplexity_of_no_log_probabilities(values):
    with pytest.raises(ValueError, match="log_probabilities: got"):
        lm.perplexity(values)


def test_unigram():
    np.testing.assert_allclose(lm.unigram(np.array([0, 2, 2, 1]), 4), np.array([2, 2, 3, 1]) / 8)


@pytest.mark.parametrize(
    ("numbers", "message"),
    [
        ([], r"numbers: got float64 \(0,\)"),
        ([0.5], "numbers: got float64"),
        ([[1]], r"numbers: got int64 \(1, 1\)"),
        ([0, 4], r"numbers: got 0\.\.4, expected 0\.\.3"),
        ([-1, 2], r"numbers: got -1\.\.2"),
    ],
)
def test_counting_what_is_no_stream(numbers, message):
    with pytest.raises(ValueError, match=message):
        lm.unigram(numbers, 4)
    with pytest.raises(ValueError, match=message):
        lm.bigram(np.array(numbers), 4, 0.5)


@pytest.mark.parametrize("weight", [0, 0.5, 0.9])
def test_bigram_is_a_probability_after_every_word(weight):
    numbers = np.append(RNG.integers(0, 4, 200), 5)  # 5 comes last, before no other word; 4 never comes
    log_probability = lm.bigram(numbers, 6, weight)
    for before in range(6):
        share = np.exp(log_probability(np.full(6, before), np.arange(6)))
        assert share.sum() == pytest.approx(1) and (share > 0).all()


def test_bigram_by_hand():
    numbers = np.array([0, 1, 0, 1, 0, 2])  # 0 is followed by 1, 1, 2
    share = np.exp(lm.bigram(numbers, 3, 0.6)(np.array([[0, 0]]), np.array([[1, 0]])))
    single = np.array([4, 3, 2]) / 9
    np.testing.assert_allclose(share, [[0.6 * 2 / 3 + 0.4 * single[1], 0.4 * single[0]]])
    np.testing.assert_allclose(np.exp(lm.bigram(numbers, 3, 0)(numbers[:-1], numbers[1:])), single[numbers[1:]])


@pytest.mark.parametrize("weight", [-0.1, 1, 2, np.nan])
def test_bigram_of_a_weight_that_is_none(weight):
    with pytest.raises(ValueError, match="weight: got"):
        lm.bigram(np.array([0, 1]), 2, weight)


def test_reader_looks_back_and_never_ahead():
    reader = lm.reader(7, 4)
    one, other = np.array([[1, 2, 3, 4]]), np.array([[1, 2, 6, 4]])
    states = [np.asarray(reader(numbers)) for numbers in (one, other)]
    assert states[0].shape == (1, 4, 4)
    np.testing.assert_allclose(states[0][:, :2], states[1][:, :2], atol=1e-6)
    assert not np.allclose(states[0][:, 3], states[1][:, 3], atol=1e-4)


@pytest.mark.parametrize(("size", "units"), [(2, 4), (7, 0)])
def test_reader_of_no_size(size, units):
    with pytest.raises(ValueError, match="vocabulary_size, units: got"):
        lm.reader(size, units)


def test_log_probabilities_are_those_of_the_words_that_came():
    model = lm.language_model(lm.reader(7, 4))
    inputs, targets = RNG.integers(0, 7, (2, 5, 3))
    found = lm.log_probabilities(model, inputs, targets, batch_size=2)
    logits = np.asarray(model(inputs), "float64")
    share = np.exp(logits) / np.exp(logits).sum(axis=-1, keepdims=True)
    expected = [[np.log(share[i, t, targets[i, t]]) for t in range(3)] for i in range(5)]
    np.testing.assert_allclose(found, expected, rtol=1e-4)


def test_language_model_learns_what_follows_what():
    """Words come in a circle, 0 1 2 3 0 ...: single words say nothing, the word before says all."""
    numbers = np.arange(2001) % 4
    inputs, targets = lm.pieces(numbers, 8)
    body = lm.reader(4, 8)
    model = lm.language_model(body)
    before = [np.array(weight) for weight in body.get_weights()]
    model.compile(
        keras.optimizers.Adam(0.03), keras.losses.SparseCategoricalCrossentropy(from_logits=True), jit_compile=False
    )
    model.fit(inputs, targets, batch_size=16, epochs=4, verbose=0)
    assert lm.perplexity(np.log(lm.unigram(numbers, 4))[targets]) == pytest.approx(4, rel=0.01)
    assert lm.perplexity(lm.log_probabilities(model, inputs, targets)) < 1.5
    assert not any(map(np.array_equal, before, body.get_weights())), "the reader is part of the model and learns"


def test_sentence_encoder_is_mean_and_maximum_over_words():
    body = lm.reader(9, 4)
    numbers = lm.prepend_bos(np.array([[3, 4, 5, 0, 0], [6, 0, 0, 0, 0]]))
    states = np.asarray(body(numbers))
    expected = [np.concatenate([s.mean(axis=0), s.max(axis=0)]) for s in (states[0, 1:4], states[1, 1:2])]
    encoder = lm.sentence_encoder(body)
    np.testing.assert_allclose(encoder(numbers), expected, rtol=1e-4, atol=1e-6)
    np.testing.assert_allclose(encoder(np.pad(numbers, ((0, 0), (0, 9)))), expected, rtol=1e-4, atol=1e-6)


def test_sentence_without_a_word_has_a_vector():
    vector = np.asarray(lm.sentence_encoder(lm.reader(9, 4))(np.zeros((1, 6), "int32")))
    assert np.isfinite(vector).all() and not vector[0, :4].any()


def test_sentence_encoder_shares_the_weights_of_the_reader():
    body = lm.reader(9, 4)
    encoder = lm.sentence_encoder(body)
    assert len(encoder.weights) == len(body.weights)
    assert all(any(weight is other for other in body.weights) for weight in encoder.weights)


def test_the_mark_between_sentences_comes_first():
    assert lm.prepend_bos(np.array([[2, 3], [4, 0]])).tolist() == [[0, 2, 3], [0, 4, 0]]
