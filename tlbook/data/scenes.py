"""Scenes: drawings on a textured ground, whose outlines and masks are known exactly, and the classical edge detector.

`pixel_features` is what a classical classifier of pixels sees.
"""

import numpy as np
from PIL import Image
from scipy import ndimage

from tlbook.data import emoji10

MASK_CLASSES = ("ground", "animal", "vehicle")  # the labels 0, 1 and 2 of a mask
_ANIMALS = ("bird", "cat", "deer", "dog", "frog", "horse")


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
    usable = np.flatnonzero(_of_styles(styles))
    canvas = _ground(rng, size)
    owner = np.zeros((size, size), "int16")
    for number, row in enumerate(rng.choice(usable, drawings), start=1):
        side = int(rng.integers(size // 3, size // 2))
        sprite = Image.fromarray(emoji10.sprites()["sprites"][row]).resize((side, side), Image.Resampling.BICUBIC)
        x, y = (int(v) for v in rng.integers(0, size - side, size=2))
        canvas.paste(sprite, (x, y), sprite.getchannel("A"))
        owner[y : y + side, x : x + side][np.asarray(sprite.getchannel("A")) > 127] = number
    image = _noisy(canvas, rng, noise)
    outline = ndimage.grey_dilation(owner, 3) != ndimage.grey_erosion(owner, 3)
    away = ndimage.distance_transform_edt(~outline)
    truth = np.where(owner > 0, -1, 0)
    truth[away <= 2] = -1
    truth[outline] = 1
    return image, truth.astype("int8")


def masked_scene(rng, styles=emoji10.TEST_STYLES, size=96, noise=8.0):
    """Compose an animal and a vehicle on a textured ground: a picture in which the class of every pixel is known.

    The drawings are those of emoji-10's ten classes, mirrored half the time, each 0.34 to 0.5 of the picture wide. One
    of the two lies on top. Where it would leave less than 1 % of the picture to the other, both are placed anew.

    Parameters
    ----------
    rng, styles, noise
        As for `scene`.
    size : int
        Pixels a side, 32 or more.

    Returns
    -------
    image : numpy.ndarray
        uint8 (size, size, 3).
    mask : numpy.ndarray
        uint8 (size, size): an index into `MASK_CLASSES`. A pixel belongs to a drawing where this covers half of it.

    Raises `ValueError` for a size or noise too small, or a style without drawings. Taught in chapter 5.13.
    """
    if size < 32 or not noise >= 0:
        raise ValueError(f"size, noise: got {size}, {noise}, expected 32 or more, 0 or more")
    arrays = emoji10.sprites()
    animals = [emoji10.CLASS_NAMES.index(name) for name in _ANIMALS]
    usable = _of_styles(styles) & (arrays["tasks"] == "target")
    animal = np.isin(arrays["labels"], animals)
    canvas, mask = _ground(rng, size), np.zeros((size, size), "uint8")
    drawn = [rng.choice(np.flatnonzero(usable & is_one)) for is_one in (animal, ~animal)]
    while min(np.mean(mask == label) for label in (1, 2)) < 0.01:
        placed, mask = canvas.copy(), np.zeros((size, size), "uint8")
        for label in rng.permutation([1, 2]):
            side = int(rng.integers(round(0.34 * size), size // 2 + 1))
            sprite = Image.fromarray(arrays["sprites"][drawn[label - 1]][:, :: rng.choice([-1, 1])])
            sprite = sprite.resize((side, side), Image.Resampling.BICUBIC)
            x, y = (int(v) for v in rng.integers(0, size - side, size=2))
            placed.paste(sprite, (x, y), sprite.getchannel("A"))
            mask[y : y + side, x : x + side][np.asarray(sprite.getchannel("A")) > 127] = label
    return _noisy(placed, rng, noise), mask


def masked_scenes(count, seed, styles=emoji10.TRAIN_STYLES, size=96, noise=8.0):
    """Return `count` scenes as `masked_scene` draws them, each in one style, in turn.

    Returns
    -------
    images, masks : numpy.ndarray
        uint8 (count, size, size, 3) and uint8 (count, size, size).
    styles : numpy.ndarray
        str (count,): the style of each scene.

    `seed` is an int, or a sequence of them. The first scenes are the same for every `count`. Raises `ValueError` for no
    scenes, and as `masked_scene` does. Taught in chapter 5.13.
    """
    if count < 1:
        raise ValueError(f"count: got {count}, expected 1 or more")
    used = [styles[number % len(styles)] for number in range(count)]
    rngs = [np.random.default_rng([*np.atleast_1d(seed), number]) for number in range(count)]
    drawn = [masked_scene(rng, (style,), size, noise) for rng, style in zip(rngs, used, strict=True)]
    return np.stack([image for image, _ in drawn]), np.stack([mask for _, mask in drawn]), np.array(used)


def _of_styles(styles):
    """Return which drawings have one of these styles, bool (n,)."""
    usable = np.isin(emoji10.sprites()["styles"], styles)
    if not usable.any():
        raise ValueError(f"styles: got {styles}, expected some of {sorted(set(emoji10.sprites()['styles']))}")
    return usable


def _ground(rng, size):
    """Return a ground with edges of its own, blobs of three sizes: a Pillow RGB image."""
    picture = np.full((size, size, 3), rng.uniform(60, 200, size=3))
    for cells, strength in ((4, 40), (16, 25), (48, 15)):
        blobs = rng.normal(0, strength, size=(3, cells, cells)).astype("float32")
        picture += np.stack(
            [np.asarray(Image.fromarray(b).resize((size, size), Image.Resampling.BICUBIC)) for b in blobs], -1
        )
    return Image.fromarray(np.clip(picture, 0, 255).astype("uint8"))


def _noisy(canvas, rng, noise):
    """Return a Pillow image with noise on each pixel, uint8 (height, width, 3)."""
    pixels = np.asarray(canvas)
    return np.clip(np.rint(pixels + rng.normal(0, noise, size=pixels.shape)), 0, 255).astype("uint8")


def gradient(image, sigma):
    """Return the length of the gradient of a picture smoothed by a Gaussian of `sigma` pixels, the largest of the three
    colours: float32 (height, width). The classical edge detector.
    """
    planes = np.moveaxis(np.asarray(image, "float32"), -1, 0)
    return np.max([ndimage.gaussian_gradient_magnitude(plane, sigma) for plane in planes], axis=0)


def pixel_features(image, widths=(1, 2, 4, 8)):
    """Return what a classical pixel classifier sees at every pixel: float32 (height, width, 8 + 9 * len(widths)).

    The three colours, the colours less the picture's median (which is the ground's, where things are small), and the
    place, 0..1 in both directions; and for each width of a Gaussian, in pixels, the smoothed colours, the lengths of
    their gradients, and how much the three colours vary around the pixel.

    `image` is uint8 (height, width, 3). Taught in chapter 5.13.
    """
    planes = np.moveaxis(np.asarray(image, "float32"), -1, 0)
    height, width = planes.shape[1:]
    seen = [*planes, *(planes - np.median(planes, axis=(1, 2), keepdims=True))]
    seen += [np.broadcast_to(np.arange(n).reshape(s) / n, (height, width)) for n, s in ((height, (-1, 1)), (width, -1))]
    for sigma in widths:
        for plane in planes:
            smooth = ndimage.gaussian_filter(plane, sigma)
            varies = ndimage.gaussian_filter(plane**2, sigma) - smooth**2
            seen += [smooth, ndimage.gaussian_gradient_magnitude(plane, sigma), np.sqrt(np.maximum(varies, 0))]
    return np.stack(seen, axis=-1).astype("float32")
