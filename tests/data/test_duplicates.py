"""Near-duplicates: the most similar picture is found, and light and contrast do not matter."""

import numpy as np
import pytest

from tlbook.data import duplicates

RNG = np.random.default_rng(0)
POOL = RNG.integers(0, 200, (40, 16, 16, 3)).astype("uint8")


def test_a_brighter_copy_is_the_nearest_and_correlates_with_one():
    copies = (POOL[[7, 3]] + 30).astype("uint8")
    alike, which = duplicates.nearest(copies, POOL, part=1)
    assert which.tolist() == [7, 3] and np.allclose(alike, 1, atol=1e-3)
    assert np.isclose(duplicates.thumbnails(POOL)[0] @ duplicates.thumbnails(POOL)[0], 1, atol=1e-5)


def test_a_flat_picture_is_like_no_other():
    alike, _ = duplicates.nearest(np.full((1, 16, 16, 3), 9, "uint8"), POOL)
    assert alike[0] == 0


def test_wrong_pictures_are_refused():
    with pytest.raises(ValueError, match="images: got shape"):
        duplicates.thumbnails(np.zeros((2, 15, 16, 3), "uint8"))
    with pytest.raises(ValueError, match="pool: got no picture"):
        duplicates.nearest(POOL, POOL[:0])
