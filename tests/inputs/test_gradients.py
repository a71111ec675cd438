"""Oriented gradients: what they see, and what they do not."""

import numpy as np
import pytest

from tlbook.inputs import gradients


def stripes(direction):
    """A picture with one soft edge every eight pixels, in the given direction (degrees), uint8 (1, 32, 32, 3)."""
    y, x = np.mgrid[:32, :32]
    angle = np.deg2rad(direction)
    wave = 127 + 100 * np.sin((np.cos(angle) * x + np.sin(angle) * y) * 2 * np.pi / 8)
    return np.repeat(wave[None, :, :, None], 3, axis=3).astype("uint8")


def test_shape_and_dtype():
    found = gradients.hog(np.zeros((2, 32, 16, 3), "uint8"))
    assert found.shape == (2, 7 * 3 * 4 * 9) and found.dtype == np.float32 and not found.any()


@pytest.mark.parametrize("direction, bins", [(10, {0}), (90, {4}), (130, {6}), (180, {0, 8})])
def test_the_direction_of_an_edge_is_the_bin_that_fills(direction, bins):
    by_bin = gradients.hog(stripes(direction)).reshape(-1, 9).sum(axis=0)
    assert set(np.argsort(by_bin)[-len(bins) :]) == bins


def test_light_and_sign_do_not_matter():
    picture = np.random.default_rng(0).integers(60, 200, (1, 32, 32, 3)).astype("float32")
    plain = gradients.hog(picture)
    np.testing.assert_allclose(gradients.hog(picture / 2 + 20), plain, atol=0.01)
    np.testing.assert_allclose(gradients.hog(255 - picture), plain, atol=1e-4)


def test_one_block_by_hand():
    """A ramp to the right: every pixel votes in the middle between the last and the first bin, half in each."""
    ramp = np.broadcast_to(np.arange(8.0)[None, None, :, None], (1, 8, 8, 3)) * 10
    found = gradients.hog(ramp).reshape(4, 9)
    expected = np.zeros((4, 9))
    expected[:, [0, 8]] = 1 / np.sqrt(8)
    np.testing.assert_allclose(found, expected, atol=0.01)


@pytest.mark.parametrize("shape", [(32, 32, 3), (1, 30, 32, 3), (1, 32, 32, 1), (1, 4, 4, 3)])
def test_other_shapes_are_an_error(shape):
    with pytest.raises(ValueError, match="images: got shape"):
        gradients.hog(np.zeros(shape))
