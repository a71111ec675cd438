"""Corruptions: each is what its definition says, a larger severity is farther away, and bad input is named."""

import colorsys
import io

import numpy as np
import pytest
from PIL import Image

from tlbook.data import corruptions, emoji10
from tlbook.data.corruptions import corrupted


@pytest.fixture(scope="module")
def images():
    return emoji10.target_pictures("test")[0][:20]


@pytest.mark.parametrize("kind", corruptions.KINDS)
def test_a_larger_severity_is_farther_away(images, kind):
    found = [corrupted(images, kind, severity) for severity in corruptions.SEVERITIES]
    assert all(each.shape == images.shape and each.dtype == np.uint8 for each in found)
    away = [np.square(each.astype("float64") - images).mean() for each in found]
    assert away[0] > 0 and away == sorted(away)


def test_noise_has_the_deviation_that_was_published():
    grey = np.full((20, 32, 32, 3), 128, "uint8")
    for severity, deviation in zip(corruptions.SEVERITIES, (0.04, 0.06, 0.08, 0.09, 0.1), strict=True):
        noise = corrupted(grey, "gaussian_noise", severity, seed=1) / 255
        assert noise.std() == pytest.approx(deviation, rel=0.02)
    assert (corrupted(grey, "gaussian_noise", 1, 1) == corrupted(grey, "gaussian_noise", 1, 1)).all()
    assert (corrupted(grey, "gaussian_noise", 1, 1) != corrupted(grey, "gaussian_noise", 1, 2)).any()


def test_blur_spreads_a_point_as_a_gaussian_does():
    point = np.zeros((1, 33, 33, 3), "uint8")
    point[0, 16, 16] = 255
    found = corrupted(point, "gaussian_blur", 5)[0, 16, :, 0].astype("float64")
    assert found[15] / found[16] == pytest.approx(np.exp(-1 / 2), abs=0.03)  # the deviation is one pixel
    edge = np.zeros((1, 32, 32, 3), "uint8")
    edge[:, :, :16] = 200
    assert corrupted(edge, "gaussian_blur", 5)[0, 0, 0, 0] >= 199  # nothing dark comes in at the sides


def test_brightness_adds_to_the_value_alone(images):
    found = corrupted(images, "brightness", 3)
    for old, new in zip(images[0, 8:12, 8:12].reshape(-1, 3), found[0, 8:12, 8:12].reshape(-1, 3), strict=True):
        hue, saturation, value = colorsys.rgb_to_hsv(*old / 255)
        expected = np.array(colorsys.hsv_to_rgb(hue, saturation, min(value + 0.15, 1))) * 255
        assert np.abs(new - expected).max() <= 1
    assert (corrupted(np.zeros((1, 4, 4, 3), "uint8"), "brightness", 5) == 76).all()


def test_contrast_keeps_the_mean_and_shrinks_the_rest():
    halves = np.full((1, 32, 32, 3), 200, "uint8")
    halves[:, :16] = 100
    found = corrupted(halves, "contrast", 2)
    assert abs(int(found[0, 0, 0, 0]) - 125) <= 1 and abs(int(found[0, -1, 0, 0]) - 175) <= 1


def test_what_pillow_does(images):
    file = io.BytesIO()
    Image.fromarray(images[3]).save(file, "JPEG", quality=50)
    assert np.array_equal(corrupted(images, "jpeg_compression", 4)[3], np.asarray(Image.open(file)))
    small = Image.fromarray(images[3]).resize((20, 20), Image.Resampling.BOX)
    large = np.asarray(small.resize((32, 32), Image.Resampling.BOX))
    assert np.array_equal(corrupted(images, "pixelate", 5)[3], large)


def test_what_cannot_be_corrupted_is_refused(images):
    with pytest.raises(ValueError, match=r"images: got float64 \(20, 32, 32, 3\)"):
        corrupted(images / 1, "contrast", 1)
    with pytest.raises(ValueError, match="kind: got 'fog', expected one of gaussian_noise"):
        corrupted(images, "fog", 1)
    with pytest.raises(ValueError, match="severity: got 0"):
        corrupted(images, "contrast", 0)
