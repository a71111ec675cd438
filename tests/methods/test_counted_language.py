"""Models that count pieces: shares sum to one, values known by hand, weights that serve new text."""

import collections

import numpy as np
import pytest

from tlbook.methods import counted_language as counted

RNG = np.random.default_rng(0)
TEXTS = [RNG.integers(1, 6, size).tolist() for size in RNG.integers(0, 9, 60)]


def by_dictionaries(texts, size, order):
    """Return p(word, context), the textbook's way."""
    grams = [tuple(row) for text in texts for row in counted.windows(text, order)]
    levels = {order: collections.Counter(grams)}
    for n in range(order - 1, 0, -1):
        levels[n] = collections.Counter(gram[1:] for gram in levels[n + 1])  # each different one counts once

    def share(word, context):
        n = len(context) + 1
        lower = share(word, context[1:]) if context else 1 / size
        counts = levels[n]
        once, twice = (sum(count == k for count in counts.values()) for k in (1, 2))
        discount = once / (once + 2 * twice) if once else 0.5
        total = sum(count for gram, count in counts.items() if gram[:-1] == context)
        if not total:
            return lower
        left = sum(min(discount, count) for gram, count in counts.items() if gram[:-1] == context)
        return max(counts[(*context, word)] - discount, 0) / total + left / total * lower

    return share


@pytest.mark.parametrize("order", [2, 3, 4])
def test_shares_are_those_of_the_textbook_and_sum_to_one(order):
    model, share = counted.KneserNey(TEXTS, 7, order), by_dictionaries(TEXTS, 7, order)
    for context in [(0,) * (order - 1), (3,) * (order - 1), (6,) * (order - 1)]:
        found = model.probabilities(np.array([[*context, word] for word in range(7)]))
        assert np.allclose(found, [share(word, context) for word in range(7)])
        assert np.isclose(found.sum(), 1) and (found > 0).all()


def test_a_text_is_scored_piece_by_piece_and_with_its_end():
    model = counted.KneserNey(TEXTS, 7, 3)
    long, empty = model.log_probabilities([[1, 2, 6], []])
    assert long.shape == (4,) and empty.shape == (1,)
    grams = np.array([[0, 0, 1], [0, 1, 2], [1, 2, 6], [2, 6, 0]])
    assert np.allclose(long, np.log(model.probabilities(grams)))


def test_one_text_is_enough():
    assert np.isfinite(counted.KneserNey([[1]], 5, 3).log_probabilities([[4, 4]])[0]).all()


@pytest.mark.parametrize(
    "texts, size, order, says", [([], 5, 3, "none"), ([[5]], 5, 3, "0..4"), ([[1]], 5, 1, "order")]
)
def test_bad_texts(texts, size, order, says):
    with pytest.raises(ValueError, match=says):
        counted.KneserNey(texts, size, order)


def test_a_mixture_is_a_weighted_mean():
    scores = np.log([[0.5, 0.1], [0.1, 0.5]])
    assert np.allclose(np.exp(counted.mixed(scores, [0.75, 0.25])), [0.4, 0.2])
    assert np.allclose(counted.mixed(scores, [1, 0]), scores[0])
    for weights in ([1], [2, -1], [0.5, 0.6]):
        with pytest.raises(ValueError, match="weights"):
            counted.mixed(scores, weights)


def test_the_best_weights_are_not_beaten_by_others():
    scores = np.log(RNG.uniform(0.01, 0.9, (2, 200)))
    weights = counted.best_weights(scores)
    best = counted.mixed(scores, weights).sum()
    assert np.isclose(weights.sum(), 1)
    assert all(counted.mixed(scores, [w, 1 - w]).sum() <= best + 1e-6 for w in np.linspace(0, 1, 101))
    with pytest.raises(ValueError, match="scores"):
        counted.best_weights([1.0, 2.0])


def test_a_model_takes_all_the_weight_on_a_text_that_it_has_counted():
    half = len(TEXTS) // 2
    models = [counted.KneserNey(part, 7, 3) for part in (TEXTS[:half], TEXTS[half:])]
    own, new = (
        counted.best_weights([np.concatenate(model.log_probabilities(texts)) for model in models])
        for texts in (TEXTS[:half], [RNG.integers(1, 6, 5).tolist() for _ in range(200)])
    )
    assert own[0] > 0.9 > new[0]
