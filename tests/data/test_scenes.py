"""Scenes whose outlines are known, and the classical gradient."""

import numpy as np
import pytest

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
