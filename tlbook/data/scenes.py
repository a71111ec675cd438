"""Scenes: drawings on a textured ground, whose outlines are known exactly, and the classical edge detector."""

import numpy as np
from PIL import Image
from scipy import ndimage

from tlbook.data import emoji10


def scene(rng, styles=emoji10.TEST_STYLES, size=192, drawings=3, noise=12.0):
    """Compose drawings on a textured ground: a picture whose outlines are known without a human hand.

    Parameters
    ----------
    rng : numpy.random.Generator
        Source of all randomness.
    styles : tuple of str
        Of the bundled drawings (`tlbook.data.emoji10`).
    size : int
        Pixels a side, 96 or more.
    drawings : int
        How many, 1 or more.
    noise : float
        Standard deviation of the noise on each pixel, in levels of 0..255, 0 or more.

    Returns
    -------
    image : numpy.ndarray
        uint8 (size, size, 3).
    truth : numpy.ndarray
        int8 (size, size): 1 on an outline, 0 on the ground, -1 where nothing is scored (inside drawings, and the two
        pixels beside an outline).

    Raises `ValueError` for a size or number too small, or a style without drawings. Taught in chapter 5.12.
    """
    if size < 96 or drawings < 1 or not noise >= 0:
        raise ValueError(
            f"size, drawings, noise: got {size}, {drawings}, {noise}, expected 96 or more, 1 or more, 0 or more"
        )
    usable = np.flatnonzero(np.isin(emoji10.sprites()["styles"], styles))
    if not len(usable):
        raise ValueError(f"styles: got {styles}, expected some of {sorted(set(emoji10.sprites()['styles']))}")
    picture = np.full((size, size, 3), rng.uniform(60, 200, size=3))
    for cells, strength in ((4, 40), (16, 25), (48, 15)):  # blobs of three sizes: a ground with edges of its own
        blobs = rng.normal(0, strength, size=(3, cells, cells)).astype("float32")
        picture += np.stack(
            [np.asarray(Image.fromarray(b).resize((size, size), Image.Resampling.BICUBIC)) for b in blobs], -1
        )
    canvas = Image.fromarray(np.clip(picture, 0, 255).astype("uint8"))
    owner = np.zeros((size, size), "int16")
    for number, row in enumerate(rng.choice(usable, drawings), start=1):
        side = int(rng.integers(size // 3, size // 2))
        sprite = Image.fromarray(emoji10.sprites()["sprites"][row]).resize((side, side), Image.Resampling.BICUBIC)
        x, y = (int(v) for v in rng.integers(0, size - side, size=2))
        canvas.paste(sprite, (x, y), sprite.getchannel("A"))
        owner[y : y + side, x : x + side][np.asarray(sprite.getchannel("A")) > 127] = number
    image = np.clip(np.rint(np.asarray(canvas) + rng.normal(0, noise, size=picture.shape)), 0, 255).astype("uint8")
    outline = ndimage.grey_dilation(owner, 3) != ndimage.grey_erosion(owner, 3)
    away = ndimage.distance_transform_edt(~outline)
    truth = np.where(owner > 0, -1, 0)
    truth[away <= 2] = -1
    truth[outline] = 1
    return image, truth.astype("int8")


def gradient(image, sigma):
    """Return the length of the gradient of a picture smoothed by a Gaussian of `sigma` pixels, the largest of the three
    colours: float32 (height, width). The classical edge detector.
    """
    planes = np.moveaxis(np.asarray(image, "float32"), -1, 0)
    return np.max([ndimage.gaussian_gradient_magnitude(plane, sigma) for plane in planes], axis=0)
