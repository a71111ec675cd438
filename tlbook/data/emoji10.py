"""emoji-10: the small stand-in for CIFAR-10, composed from emoji drawings that come with the package.

The drawings (`drawings/emoji10.npz`, 64 x 64 RGBA) are placed on random backgrounds, and the pictures are kept in the
cache. Training and test pictures share no drawing style. Taught in the page *emoji-10, the bundled data set*.
"""

import functools
import hashlib
import pathlib

import numpy as np
from PIL import Image

from tlbook.files.cache import cached_arrays

CLASS_NAMES = ("airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck")
TRAIN_STYLES = ("noto", "noto-v1", "fluent-emoji-flat")
TEST_STYLES = ("twemoji", "emojione")
SPRITE_FILE = pathlib.Path(__file__).parent / "drawings" / "emoji10.npz"

# Part of the cached files' names: count it up when the same drawings give other pictures.
_FORMAT = 1
_SPLITS = {"train": (0, 2000, TRAIN_STYLES), "test": (1, 1000, TEST_STYLES)}  # seed, pictures, styles
_SOURCE_SEED, _PICTURES_PER_SOURCE_DRAWING = 2, 16
_DRAWN, _PICTURE = 64, 32  # pixels: composed large, then averaged, so that edges are smooth
_SIZE = (_DRAWN, _DRAWN)
_LUMA = np.array([0.299, 0.587, 0.114])  # brightness of red, green and blue (ITU-R BT.601)
_Y, _X = np.mgrid[-1 : 1 : _DRAWN * 1j, -1 : 1 : _DRAWN * 1j]


@functools.cache
def sprites():
    """Return the bundled drawings, one row a drawing.

    Returns
    -------
    dict of str to numpy.ndarray
        `sprites` uint8 (n, 64, 64, 4), red, green, blue and straight alpha; `tasks` str (n,), "target" or "source";
        `labels` int64 (n,), an index into `CLASS_NAMES` or into `source_class_names`; `styles` and `names` str (n,);
        `source_class_names` str (classes,). They are shared and read-only.
    """
    with np.load(SPRITE_FILE, allow_pickle=False) as file:
        arrays = {key: file[key] for key in file.files}
    for array in arrays.values():
        array.flags.writeable = False
    return arrays


def compose(sprite, rng):
    """Place one drawing on a random background and return the picture, uint8 (32, 32, 3).

    The drawing is mirrored (half the time), scaled by 0.6 to 1, turned by up to 15 degrees, moved by up to 10 of 64
    pixels and recoloured (saturation 0.6 to 1.15, channel gains 0.75 to 1.25). The background is flat, a gradient or
    blobs, and knows nothing of the drawing. Last comes pixel noise with standard deviation 8.

    Parameters
    ----------
    sprite : numpy.ndarray
        uint8 (64, 64, 4), straight alpha.
    rng : numpy.random.Generator
        Source of all randomness.

    Raises `ValueError` for a sprite of other shape or dtype.
    """
    sprite = np.asarray(sprite)
    if sprite.shape != (_DRAWN, _DRAWN, 4) or sprite.dtype != np.uint8:
        raise ValueError(f"sprite: got {sprite.dtype} {sprite.shape}, expected uint8 ({_DRAWN}, {_DRAWN}, 4)")
    drawing = _place(sprite, rng)
    picture = _background(rng)
    picture.paste(_recolour(drawing, rng), mask=drawing.getchannel("A"))
    pixels = np.asarray(picture.reduce(_DRAWN // _PICTURE))  # the box average
    noise = rng.normal(0, 8, size=pixels.shape)
    return np.clip(np.rint(pixels + noise), 0, 255).astype(np.uint8)


def _place(sprite, rng):
    """Mirror, scale, turn and move the drawing in one resampling; return a Pillow RGBA image, 64 x 64."""
    mirror, scale, angle = 2 * rng.integers(2) - 1, rng.uniform(0.6, 1), np.deg2rad(rng.uniform(-15, 15))
    # Pillow asks where each output pixel comes from, hence the inverse of what the picture shows.
    cos, sin = np.cos(angle), np.sin(angle)
    backwards = np.array([[mirror * cos, mirror * sin], [-sin, cos]]) / scale
    centre = np.full(2, _DRAWN / 2)
    offset = centre - backwards @ (centre + rng.uniform(-10, 10, size=2))
    # Pillow takes straight alpha, multiplies colour by it to interpolate, and divides after: no dark fringe.
    matrix = np.column_stack([backwards, offset]).ravel()
    return Image.fromarray(sprite).transform(_SIZE, Image.Transform.AFFINE, matrix, Image.Resampling.BILINEAR)


def _recolour(drawing, rng):
    """Change saturation and channel gains; return a Pillow RGB image."""
    saturation, gains = rng.uniform(0.6, 1.15), rng.uniform(0.75, 1.25, size=3)
    mix = saturation * np.eye(3) + (1 - saturation) * _LUMA
    return drawing.convert("RGB").convert("RGB", tuple(np.column_stack([gains[:, None] * mix, np.zeros(3)]).ravel()))


def _background(rng):
    """Return a flat, a two-colour gradient or a blob background, each a third of the time: Pillow RGB, 64 x 64."""
    kind, colours = rng.integers(3), rng.integers(256, size=(2, 3))
    if kind == 2:
        cells = rng.integers(4, 9)
        blobs = np.clip(colours[0] + rng.normal(0, 60, size=(cells, cells, 3)), 0, 255).astype(np.uint8)
        return Image.fromarray(blobs).resize(_SIZE, Image.Resampling.BICUBIC)
    first, second = (Image.new("RGB", _SIZE, tuple(colour.tolist())) for colour in colours)
    if kind == 0:
        return first
    angle = rng.uniform(0, 2 * np.pi)
    share = np.clip(127.5 * (1 + _X * np.cos(angle) + _Y * np.sin(angle)), 0, 255).astype(np.uint8)
    return Image.composite(first, second, Image.fromarray(share))


def target_pictures(split):
    """Return the pictures and labels of one split of the ten classes, in random order.

    Parameters
    ----------
    split : str
        "train" (2,000 pictures, styles `TRAIN_STYLES`) or "test" (1,000 pictures, styles `TEST_STYLES`).

    Returns
    -------
    images : numpy.ndarray
        uint8 (n, 32, 32, 3).
    labels : numpy.ndarray
        int64 (n,), an index into `CLASS_NAMES`. Every class has as many pictures as any other, and within a class every
        drawing has, give or take one.

    Raises `ValueError` for another `split`.
    """
    if split not in _SPLITS:
        raise ValueError(f"split: got {split!r}, expected one of {', '.join(map(repr, _SPLITS))}")
    seed, n_pictures, styles = _SPLITS[split]

    def rows():
        usable = (sprites()["tasks"] == "target") & np.isin(sprites()["styles"], styles)
        per_class = n_pictures // len(CLASS_NAMES)
        drawings = [np.flatnonzero(usable & (sprites()["labels"] == label)) for label in range(len(CLASS_NAMES))]
        return np.concatenate([np.resize(of_class, per_class) for of_class in drawings])

    return _pictures(split, seed, rows)


def source_pictures():
    """Return the pictures of the source task: 16 of each drawing, training styles only, in random order.

    Returns
    -------
    images : numpy.ndarray
        uint8 (n, 32, 32, 3).
    labels : numpy.ndarray
        int64 (n,), an index into `class_names`.
    class_names : tuple of str
        Disjoint from `CLASS_NAMES`.
    """

    def rows():
        return np.repeat(np.flatnonzero(sprites()["tasks"] == "source"), _PICTURES_PER_SOURCE_DRAWING)

    images, labels = _pictures("source", _SOURCE_SEED, rows)
    return images, labels, tuple(sprites()["source_class_names"].tolist())


def _pictures(name, seed, rows):
    """Return images and labels of the sprites `rows()`, shuffled, from the cache where it has them."""

    def compute():
        rng = np.random.default_rng(seed)
        chosen = rng.permutation(rows())
        images = np.stack([compose(sprite, rng) for sprite in sprites()["sprites"][chosen]])
        return {"images": images, "labels": sprites()["labels"][chosen]}

    digest = hashlib.sha256(SPRITE_FILE.read_bytes()).hexdigest()[:12]
    arrays = cached_arrays(f"emoji10-{name}-v{_FORMAT}-{digest}", compute)
    return arrays["images"], arrays["labels"]
