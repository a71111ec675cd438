"""Contrastive learning: its loss against a case by hand and plain NumPy, views that keep what they must, training."""

import keras
import numpy as np
import pytest

from tlbook import features
from tlbook.methods import contrastive, generative

PICTURES = np.random.default_rng(0).uniform(-1, 1, (12, 16, 16, 3)).astype("float32")


def loss(partners, projections, temperature):
    return keras.ops.convert_to_numpy(contrastive.nt_xent(partners, projections, temperature))


def plain_loss(partners, projections, temperature):
    """View by view, pair by pair, as the paper's equation reads."""
    losses = []
    for i, partner in enumerate(partners):
        near = {}
        for k, other in enumerate(projections):
            if k != i:
                cosine = projections[i] @ other / np.sqrt((projections[i] @ projections[i]) * (other @ other))
                near[k] = np.exp(cosine / temperature)
        losses.append(-np.log(near[partner] / sum(near.values())))
    return np.array(losses)


def test_the_loss_of_two_pictures_is_that_computed_by_hand():
    """Partners agree (cosine 1), strangers are at right angles (0): minus log of e / (e + 1 + 1). Lengths are moot."""
    two_pictures = np.array([[2.0, 0.0], [0.0, 0.5], [1.0, 0.0], [0.0, 9.0]], "float32")
    assert np.allclose(loss([2, 3, 0, 1], two_pictures, 1.0), np.log(1 + 2 / np.e), atol=1e-6)
    assert np.allclose(loss([2, 3, 0, 1], two_pictures, 0.5), np.log(1 + 2 / np.e**2), atol=1e-6)
    wrong = loss([1, 0, 3, 2], two_pictures, 1.0)
    assert np.allclose(wrong, np.log(np.e + 2), atol=1e-6)


@pytest.mark.parametrize("temperature", [0.1, 0.5, 2.0])
def test_the_loss_is_that_of_plain_loops(temperature):
    projections = np.random.default_rng(1).normal(size=(10, 7)).astype("float32")
    who = contrastive.partners(5)
    assert np.allclose(loss(who, projections, temperature), plain_loss(who, projections, temperature), atol=1e-4)


def test_views_that_all_look_alike_cost_the_logarithm_of_all_others():
    assert np.allclose(loss(contrastive.partners(4), np.ones((8, 3), "float32"), 0.2), np.log(7), atol=1e-5)


def test_partners_know_each_other():
    who = contrastive.partners(6)
    assert np.array_equal(who[who], np.arange(12)) and not np.any(who == np.arange(12))


def test_a_view_of_everything_is_the_picture_or_its_mirror_image():
    seen = contrastive.views(PICTURES, np.random.default_rng(0), area=(1, 1), colour=False)
    same = np.abs(seen - PICTURES).max(axis=(1, 2, 3)) < 1e-6
    mirrored = np.abs(seen - PICTURES[:, :, ::-1]).max(axis=(1, 2, 3)) < 1e-6
    assert np.all(same ^ mirrored) and same.any() and mirrored.any()


def test_a_part_is_stretched_evenly():
    """On a ramp, a view shows a ramp, flatter by the share of the side that it shows."""
    ramp = np.broadcast_to(np.linspace(-1, 1, 16, dtype="float32")[:, None, None], (16, 16, 3))
    seen = contrastive.views(np.stack([ramp] * 20), np.random.default_rng(0), area=(0.25, 0.25), colour=False)
    steps = np.diff(seen[..., 0, 0], axis=1)
    inner = steps[:, 1:-1]
    assert np.allclose(inner, 0.5 * 2 / 15, atol=1e-5)


def test_views_keep_their_range_and_depend_on_the_generator_alone():
    one, again = (contrastive.views(PICTURES, np.random.default_rng(3)) for _ in range(2))
    other = contrastive.views(PICTURES, np.random.default_rng(4))
    assert one.shape == PICTURES.shape and one.dtype == np.float32 and np.abs(one).max() <= 1
    assert np.array_equal(one, again) and not np.array_equal(one, other)


def test_without_colour_a_flat_picture_stays_as_it_is():
    flat = np.full((5, 16, 16, 3), 0.3, "float32")
    assert np.allclose(contrastive.views(flat, np.random.default_rng(0), colour=False), 0.3, atol=1e-6)
    assert np.ptp(contrastive.recoloured(flat, np.random.default_rng(0)).mean(axis=(1, 2))) > 0.1


@pytest.mark.parametrize(
    "options, name",
    [
        ({"pictures": PICTURES[0]}, "pictures"),
        ({"pictures": PICTURES[:, :8]}, "pictures"),
        ({"pictures": PICTURES[:0]}, "pictures"),
        ({"area": (0.0, 1.0)}, "area"),
        ({"area": (0.9, 0.2)}, "area"),
        ({"area": (0.5, 1.5)}, "area"),
    ],
)
def test_views_say_what_they_expect(options, name):
    with pytest.raises(ValueError, match=f"{name}: got"):
        contrastive.views(**({"pictures": PICTURES, "rng": np.random.default_rng(0)} | options))


def test_pairs_are_views_of_the_same_pictures_and_every_picture_comes_once_a_pass():
    numbered = np.broadcast_to(np.linspace(-0.9, 0.9, 12, dtype="float32")[:, None, None, None], PICTURES.shape)
    pairs = contrastive.Pairs(numbered, steps=3, batch_size=4, colour=False)
    seen = []
    for index in range(len(pairs)):
        views, who = pairs[index]
        assert views.shape == (8, 16, 16, 3) and np.array_equal(who, contrastive.partners(4))
        assert np.allclose(views[:4].mean(axis=(1, 2, 3)), views[4:].mean(axis=(1, 2, 3)), atol=1e-5)
        seen += np.round(views[:4, 0, 0, 0], 4).tolist()
    assert len(set(seen)) == 12


def test_pairs_say_what_they_expect():
    with pytest.raises(ValueError, match="batch_size, steps: got 1 and 3"):
        contrastive.Pairs(PICTURES, steps=3, batch_size=1)
    with pytest.raises(ValueError, match="batch_size, steps: got 4 and 0"):
        contrastive.Pairs(PICTURES, steps=0, batch_size=4)


def test_passes_go_through_all_before_any_comes_again():
    order = contrastive.passes(5, 13, np.random.default_rng(0))
    assert len(order) == 13 and sorted(order[:5]) == sorted(order[5:10]) == list(range(5))


def test_training_moves_the_body_and_finds_partners():
    keras.utils.set_random_seed(0)
    body, rng = generative.body(), np.random.default_rng(0)
    coarse = rng.uniform(-1, 1, (64, 4, 4, 3)).astype("float32")
    pictures = coarse.repeat(4, axis=1).repeat(4, axis=2)
    before = body.get_weights()
    model = contrastive.train_contrastive(body, pictures, steps=25, batch_size=32, area=(0.7, 1), seed=1)
    assert not any(np.array_equal(a, b) for a, b in zip(before, body.get_weights(), strict=True))
    views, who = contrastive.Pairs(pictures, 1, 32, seed=2, area=(0.7, 1))[0]
    projections = features.forward(model, views)
    assert projections.shape == (64, 64)
    assert loss(who, projections, contrastive.TEMPERATURE).mean() < 0.9 * np.log(63)
