"""Scenes whose outlines are known, and the classical gradient."""

import hashlib

import numpy as np
import pytest
from PIL import Image
from scipy import ndimage

from tlbook.data import emoji10, scenes


def test_scene_is_the_same_for_the_same_seed_and_differs_for_another():
    (image, truth), (again, _), (other, _) = (scenes.scene(np.random.default_rng(s), size=96) for s in (0, 0, 1))
    assert image.shape == (96, 96, 3) and image.dtype == np.uint8 and truth.shape == (96, 96)
    assert np.array_equal(image, again) and not np.array_equal(image, other)
    assert set(np.unique(truth)) == {-1, 0, 1}


def test_outlines_lie_where_the_picture_changes():
    image, truth = scenes.scene(np.random.default_rng(0), noise=0)
    strength = scenes.gradient(image, 1)
    assert strength[truth == 1].mean() > 3 * strength[truth == 0].mean()


@pytest.mark.parametrize("wrong", [{"size": 95}, {"drawings": 0}, {"noise": -1}, {"noise": float("nan")}])
def test_scene_of_another_size(wrong):
    with pytest.raises(ValueError, match="size, drawings, noise: got"):
        scenes.scene(np.random.default_rng(0), **wrong)


def test_scene_of_an_unknown_style():
    with pytest.raises(ValueError, match="styles: got"):
        scenes.scene(np.random.default_rng(0), styles=("none",))
    assert set(emoji10.TEST_STYLES) <= set(emoji10.sprites()["styles"])


def test_gradient_of_a_step_is_largest_at_the_step_and_zero_on_a_flat_picture():
    image = np.zeros((32, 32, 3), "uint8")
    assert (scenes.gradient(image, 1) == 0).all()
    image[:, 16:, 1] = 100
    assert set(scenes.gradient(image, 1).argmax(axis=1)) <= {15, 16}


SCENE_OF_SEED_7 = ("a5aef1a4442f", "344a9b4db2bb")  # the experiment `outlines` was recorded on such scenes


def test_scene_is_what_it_was_before_scenes_had_masks():
    image, truth = scenes.scene(np.random.default_rng(7), size=96)
    assert (hash_of(image), hash_of(truth)) == SCENE_OF_SEED_7


def hash_of(array):
    return hashlib.sha256(np.ascontiguousarray(array).tobytes()).hexdigest()[:12]


def test_masked_scene_holds_both_classes_and_the_pixels_of_the_drawings_are_theirs():
    images, masks, styles = scenes.masked_scenes(6, 3, size=64, noise=0)
    assert images.shape == (6, 64, 64, 3) and masks.shape == (6, 64, 64) and images.dtype == masks.dtype == np.uint8
    assert styles.tolist() == list(emoji10.TRAIN_STYLES) * 2
    assert all(np.mean(mask == label) >= 0.01 for mask in masks for label in (1, 2))
    assert np.isin(masks, np.arange(len(scenes.MASK_CLASSES))).all() and np.mean(masks == 0) > 0.5


def test_masked_scenes_are_the_same_for_the_same_seed_whatever_their_number():
    (few, *_), (many, *_), (other, *_) = (scenes.masked_scenes(n, s, size=32) for n, s in ((2, 0), (4, 0), (2, 1)))
    assert np.array_equal(few, many[:2]) and not np.array_equal(few, other)


def test_mask_is_where_the_drawings_are(monkeypatch):
    """On a ground of one colour, without noise, only pixels of a drawing or beside one have another colour."""
    monkeypatch.setattr(scenes, "_ground", lambda rng, size: Image.new("RGB", (size, size), (255, 0, 255)))
    image, mask = scenes.masked_scene(np.random.default_rng(0), size=96, noise=0)
    drawn = np.any(image != (255, 0, 255), axis=-1)
    assert (drawn[mask > 0]).mean() > 0.99
    assert not drawn[ndimage.distance_transform_edt(mask == 0) > 3].any()


@pytest.mark.parametrize("wrong", [{"size": 31}, {"noise": -1}])
def test_masked_scene_of_another_size(wrong):
    with pytest.raises(ValueError, match="size, noise: got"):
        scenes.masked_scene(np.random.default_rng(0), **wrong)


def test_no_masked_scenes_and_an_unknown_style():
    with pytest.raises(ValueError, match="count: got 0"):
        scenes.masked_scenes(0, 0)
    with pytest.raises(ValueError, match="styles: got"):
        scenes.masked_scenes(1, 0, styles=("none",))


def test_pixel_features_name_colours_place_and_what_is_around():
    image = np.zeros((24, 32, 3), "uint8")
    image[:, 16:, 1] = 100
    seen = scenes.pixel_features(image, widths=(1, 2))
    assert seen.shape == (24, 32, 8 + 9 * 2) and seen.dtype == np.float32 and np.isfinite(seen).all()
    assert np.array_equal(seen[..., :3], image.astype("float32"))
    assert seen[12, 0, 6] == 0.5 and seen[0, 16, 7] == 0.5
    gradient_of_green = seen[12, :, 8 + 3 + 1]
    assert gradient_of_green.argmax() in (15, 16) and gradient_of_green[0] < 1e-3
