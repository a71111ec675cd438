"""Batch normalisation put into a network: it says what it said, and the norms are there."""

import keras
import numpy as np
import pytest

from tlbook import backbones
from tlbook.backbones import normalised, vgg16


def pictures(n=8, seed=0):
    return np.random.default_rng(seed).integers(256, size=(n, 32, 32, 3)).astype("uint8")


def norms(model):
    return [layer for layer in model.layers if isinstance(layer, keras.layers.BatchNormalization)]


def test_vgg16_says_what_it_said_and_keeps_its_own_layers(weights):
    body, _ = vgg16.pretrained()
    before = body.get_weights()
    ours = normalised.normalised(body, pictures())
    fresh = pictures(4, 1).astype("float32")
    expected = np.asarray(body(fresh, training=False))
    np.testing.assert_allclose(ours(fresh, training=False), expected, atol=2e-4 * expected.max())
    assert len(norms(ours)) == 13 and all(norm.momentum == 0.9 for norm in norms(ours))
    assert not {id(layer) for layer in ours.layers} & {id(layer) for layer in body.layers}
    assert all(map(np.array_equal, body.get_weights(), before))


def test_gamma_and_beta_are_the_deviation_and_mean_before_the_relu():
    body = vgg16.build()
    images = pictures(20)
    norm = normalised.normalised(body, images).get_layer("block1_conv1_norm")
    gamma, beta, mean, variance = norm.get_weights()
    linear = keras.layers.Conv2D(64, 3, padding="same")
    first = keras.Model(body.input, linear(body.get_layer("minus_mean").output))
    linear.set_weights(body.get_layer("block1_conv1").get_weights())
    seen = np.asarray(first(images.astype("float32"))).reshape(-1, 64)
    np.testing.assert_allclose(beta, seen.mean(axis=0), rtol=1e-3, atol=1e-2)
    np.testing.assert_allclose(gamma, seen.std(axis=0), rtol=1e-2)
    assert np.array_equal(beta, mean)
    np.testing.assert_allclose(gamma**2, variance + normalised.EPSILON, rtol=1e-5)


def test_in_training_it_differs_only_by_what_a_batch_differs():
    """On the very pictures that were measured, the statistics of the batch are those that were set."""
    lower, _ = backbones.split(vgg16.build(), "block2_pool")
    images = pictures(16)
    ours, expected = normalised.normalised(lower, images), np.asarray(lower(images.astype("float32")))
    np.testing.assert_allclose(ours(images.astype("float32"), training=True), expected, atol=2e-3 * expected.max())


def test_part_of_a_network_and_fresh_norms():
    _, upper = backbones.split(vgg16.build(), "block4_pool")
    maps = np.random.default_rng(0).normal(size=(5, 2, 2, 512))
    ours = normalised.normalised(upper, maps, unchanged=False, momentum=0.5)
    assert [norm.name for norm in norms(ours)] == [f"block5_conv{i}_norm" for i in (1, 2, 3)]
    for norm in norms(ours):
        gamma, beta, mean, variance = norm.get_weights()
        assert (
            norm.momentum == 0.5 and np.all(gamma == 1) and not beta.any() and not mean.any() and np.all(variance == 1)
        )


def test_a_network_without_a_relu_is_named():
    inputs = keras.Input((4, 4, 3))
    body = keras.Model(inputs, keras.layers.Conv2D(2, 3)(inputs), name="plain")
    with pytest.raises(ValueError, match="body: plain has no convolution that ends in a ReLU"):
        normalised.normalised(body, np.zeros((2, 4, 4, 3)))
