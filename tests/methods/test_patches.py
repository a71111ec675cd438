"""Patches: what they describe, against the plain loops of the paper, and what they refuse."""

import numpy as np
import pytest

from tlbook.methods import patches

RNG = np.random.default_rng(0)
PICTURES = RNG.integers(256, size=(6, 12, 14, 3), dtype=np.uint8)


def by_loops(found, image):
    """Describe one picture patch by patch, as the paper words it."""
    scaled = image.astype("float32") / 127.5 - 1
    rows, columns = image.shape[0] - 4, image.shape[1] - 4
    near = np.zeros((rows, columns, len(found.centres)))
    for r in range(rows):
        for c in range(columns):
            patch = scaled[r : r + 5, c : c + 5].transpose(2, 0, 1).ravel()
            patch = (patch - patch.mean()) / np.sqrt(patch.var() + patches.FLAT)
            z = np.linalg.norm((patch - found.mean) @ found.whiten - found.centres, axis=1)
            near[r, c] = np.maximum(0, z.mean() - z)
    halves = [near[: rows // 2], near[rows // 2 :]]
    return np.concatenate(
        [q.sum((0, 1)) for half in halves for q in (half[:, : columns // 2], half[:, columns // 2 :])]
    )


def test_pictures_are_described_as_the_paper_says():
    found = patches.learn(PICTURES, centres=7, patches=300)
    rows = found.describe(PICTURES)
    assert rows.shape == (6, 28) and rows.dtype == np.float32
    np.testing.assert_allclose(rows, [by_loops(found, image) for image in PICTURES], rtol=1e-3, atol=1e-3)


def test_whitened_patches_have_no_direction():
    """With smooth pictures, whose neighbours agree; noise would be white without whitening."""
    smooth = np.repeat(np.repeat(RNG.integers(256, size=(40, 8, 8, 3)), 4, 1), 4, 2).astype(np.uint8)
    found = patches.learn(smooth, centres=5, patches=8_000)
    cut = patches._cut(smooth).reshape(-1, 75)
    before, after = (np.linalg.eigvalsh(np.cov(x, rowvar=False)) for x in (cut, (cut - found.mean) @ found.whiten))
    assert after[-1] <= 1.1 < before[-1]


def test_the_seed_decides():
    one, again, other = (patches.learn(PICTURES, 5, 300, seed).centres for seed in (0, 0, 1))
    assert np.array_equal(one, again) and not np.array_equal(one, other)


@pytest.mark.parametrize(
    ("images", "centres", "message"),
    [
        (PICTURES[0], 5, r"images: got shape \(12, 14, 3\)"),
        (PICTURES[:, :9], 5, "at least 10 pixels"),
        (PICTURES[..., :1], 5, r"expected \(n, height, width, 3\)"),
        (PICTURES, 5_000, "centres: got 5000, expected at most 480"),
    ],
)
def test_what_is_refused(images, centres, message):
    with pytest.raises(ValueError, match=message):
        patches.learn(images, centres)
