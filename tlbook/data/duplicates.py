"""Near-duplicates: pictures compared by what is left of them when the details are gone."""

import numpy as np

GRID = 8  # a thumbnail is 8 x 8


def thumbnails(images):
    """Shrink pictures to 8 x 8, take off the mean, scale to length one: float32 (n, 192).

    `images` are uint8 (n, h, w, 3) whose sides are multiples of 8; another shape raises `ValueError`. The product of
    two thumbnails is their correlation: 1 for pictures that differ in brightness and contrast alone. Taught in
    chapter 4.1.
    """
    images = np.asarray(images)
    if images.ndim != 4 or images.shape[1] % GRID or images.shape[2] % GRID or images.shape[3] != 3:
        raise ValueError(f"images: got shape {images.shape}, expected (n, h, w, 3), both sides multiples of {GRID}")
    n, height, width, _ = images.shape
    blocks = images.reshape(n, GRID, height // GRID, GRID, width // GRID, 3)
    small = blocks.mean(axis=(2, 4), dtype="float32").reshape(n, -1)
    small -= small.mean(axis=1, keepdims=True)
    return small / np.maximum(np.linalg.norm(small, axis=1, keepdims=True), 1e-6)


def nearest(images, pool, part=500):
    """Find for each picture the one of `pool` most like it: `(correlations, positions)`, float32 and int64 (n,).

    `part` pictures are compared at once, to spare memory. Raises `ValueError` as `thumbnails` does, and for an empty
    pool. Taught in chapter 6.2.
    """
    if not len(pool):
        raise ValueError("pool: got no picture, expected one or more")
    known, alike, which = thumbnails(pool).T, [], []
    looked_at = thumbnails(images)
    for start in range(0, len(looked_at), part):
        products = looked_at[start : start + part] @ known
        which.append(products.argmax(axis=1))
        alike.append(products.max(axis=1))
    return np.concatenate(alike), np.concatenate(which)
