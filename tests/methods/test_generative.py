"""Learning without labels: shapes and ranges, a divergence with known values, and what training moves and copies."""

import keras
import numpy as np
import pytest

from tlbook import features
from tlbook.methods import generative

IMAGES = np.random.default_rng(0).integers(256, size=(64, 32, 32, 3), dtype=np.uint8)


@pytest.fixture(autouse=True)
def seed():
    keras.utils.set_random_seed(0)


def test_small_averages_and_pixels_leads_back():
    small = generative.small(IMAGES)
    assert small.shape == (64, 16, 16, 3) and small.dtype == np.float32
    assert np.isclose(small[3, 2, 5, 1], IMAGES[3, 4:6, 10:12, 1].mean() / 127.5 - 1)
    flat = np.full((1, 32, 32, 3), 77, "uint8")
    assert np.all(generative.pixels(generative.small(flat)) == 77)
    assert generative.pixels([-2.0, 2.0]).tolist() == [0, 255]


def test_small_says_what_it_expects():
    with pytest.raises(ValueError, match=r"images: got shape \(2, 16, 16, 3\)"):
        generative.small(np.zeros((2, 16, 16, 3), "uint8"))


def test_the_squared_error_is_summed_over_a_picture():
    assert generative.squared_error(np.zeros((2, 3, 4)), np.full((2, 3, 4), 2.0)) == 3 * 4 * 2**2


def test_the_networks_fit_each_other():
    body = generative.body()
    assert body.output_shape == (None, 4, 4, 96)
    head = generative.with_head(body, 7)
    assert head.output_shape == (None, 7) and head.get_layer("head").units == 7
    picture = features.forward(generative.decoder(), np.zeros((2, generative.CODE)))
    assert picture.shape == (2, *body.input_shape[1:]) and np.abs(picture).max() <= 1


def test_the_divergence_from_the_prior():
    means, variances = np.array([[0.0, 0.0], [3.0, 0.0]]), np.array([[1.0, 1.0], [1.0, np.e]])
    found = keras.ops.convert_to_numpy(generative.kl_to_prior(means, np.log(variances)))
    assert np.allclose(found, [0, 4.5 + (np.e - 2) / 2])


def test_a_draw_scatters_as_it_is_told_and_adds_its_divergence():
    draw = generative.Draw()
    heads = np.repeat([[1.0, -2.0, np.log(4.0), np.log(0.01)]], 4000, axis=0).astype("float32")
    codes = keras.ops.convert_to_numpy(draw(heads))
    assert codes.shape == (4000, 2)
    assert np.allclose(codes.mean(axis=0), [1, -2], atol=0.2)
    assert np.allclose(codes.std(axis=0), [2, 0.1], rtol=0.1)
    expected = generative.kl_to_prior(heads[:1, :2], heads[:1, 2:])
    assert np.isclose(float(draw.losses[0]), float(expected[0]), rtol=1e-4)


@pytest.mark.parametrize("train, heads", [(generative.train_autoencoder, 1), (generative.train_vae, 2)])
def test_training_moves_the_given_body(train, heads):
    body, pictures = generative.body(), generative.small(IMAGES)
    before = body.get_weights()
    encoder, decoder = train(body, pictures, epochs=1)
    assert not any(np.array_equal(a, b) for a, b in zip(before, body.get_weights(), strict=True))
    codes = features.forward(encoder, pictures)
    assert codes.shape == (len(pictures), heads * generative.CODE)
    assert features.forward(decoder, codes[:, : generative.CODE]).shape == pictures.shape
    by_hand = features.forward(body, pictures).reshape(len(pictures), -1)
    kernel, bias = encoder.get_layer("head").get_weights()
    assert np.allclose(codes, by_hand @ kernel + bias, atol=1e-4)
