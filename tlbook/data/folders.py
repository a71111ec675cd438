"""Folders: a reader's own pictures, a folder a class, as arrays; and what to check before anything is trained."""

import pathlib
import warnings
from dataclasses import dataclass

import numpy as np
from PIL import Image, ImageOps
from scipy.spatial.distance import cdist
from tqdm import tqdm

from tlbook import data

SMALLEST = 32  # pixels a side: VGG16 halves a picture five times
# What cameras and programs write. For some other formats Pillow starts a program (EPS), and an icon can hide a picture
# that is larger than it says.
FORMATS = ("BMP", "GIF", "JPEG", "PNG", "PPM", "TIFF", "WEBP")
MAX_PIXELS = 64_000_000  # the largest phones; a picture that claims more is a scan of a wall, or an attack


@dataclass(frozen=True, eq=False)
class Folder:
    """What `load_folder` found.

    `pictures` is a `tlbook.data.Split`, `class_names` the names of the folders in alphabetical order, `names` the file
    of each picture ("cat/7.jpg"), and `refused` a dict from the name of each file that was left out to the reason.
    """

    pictures: data.Split
    class_names: tuple[str, ...]
    names: tuple[str, ...]
    refused: dict[str, str]


def load_folder(path, size=64, max_pixels=MAX_PIXELS):
    """Read a folder of pictures with one folder a class, and say which files are no pictures, instead of stopping.

    Parameters
    ----------
    path : str or pathlib.Path
        Holds two or more folders, each with the pictures of one class. Names that begin with a dot are skipped.
    size : int
        Pixels a side of what is returned, 32 or more.
    max_pixels : int
        Pictures that claim more are refused before they are unpacked: a file of some kB can unpack to many GB.

    Returns
    -------
    Folder
        Pictures uint8 (n, size, size, 3), RGB, made by `prepare`.

    Raises
    ------
    FileNotFoundError
        Where there is no such folder.
    ValueError
        For another `size`, fewer than two classes, or a class without a picture that can be read.

    Taught in chapter 5.1.
    """
    path = pathlib.Path(path).expanduser()
    if not isinstance(size, int) or size < SMALLEST:
        raise ValueError(f"size: got {size!r}, expected a whole number of pixels, {SMALLEST} or more")
    if not path.is_dir():
        raise FileNotFoundError(f"path: there is no folder {path}")
    inside = sorted(item for item in path.iterdir() if not item.name.startswith("."))
    classes = [item for item in inside if item.is_dir()]
    if len(classes) < 2:
        found = [item.name for item in classes]
        raise ValueError(f"path: {path} holds the folders {found}, expected two or more, one for each class")
    images, labels, names = [], [], []
    refused = {item.name: "it lies beside the folders of the classes" for item in inside if not item.is_dir()}
    files = [(k, item) for k, folder in enumerate(classes) for item in sorted(folder.iterdir())]
    for label, item in tqdm(files, desc=path.name, unit="file", leave=False, disable=None):
        if item.name.startswith("."):
            continue
        name = f"{item.parent.name}/{item.name}"
        try:
            images.append(prepare(item, size, max_pixels))
        except ValueError as error:
            refused[name] = str(error)
        else:
            labels.append(label)
            names.append(name)
    for label, folder in enumerate(classes):
        if label not in labels:
            reasons = [f"{name}: {reason}" for name, reason in refused.items() if name.startswith(f"{folder.name}/")]
            raise ValueError(
                f"path: the class {folder.name} has no picture that can be read "
                f"({'; '.join(reasons[:3]) or 'its folder is empty'})"
            )
    pictures = data.Split(np.stack(images), np.array(labels))
    return Folder(pictures, tuple(folder.name for folder in classes), tuple(names), refused)


def prepare(path, size, max_pixels=MAX_PIXELS):
    """Return the middle square of a picture file, upright, on white, as uint8 RGB (size, size, 3).

    The rules are those of chapter 4.5. Of an animation the first frame is read. Raises `ValueError` with the reason
    where the file is no picture, damaged, too large, or smaller than 32 pixels a side.
    """
    if not path.is_file():
        raise ValueError("a folder or another thing that is no file")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", Image.DecompressionBombWarning)  # `max_pixels` is stricter, and refuses
            with Image.open(path, formats=FORMATS) as file:
                width, height = file.size  # read from the first bytes; nothing is unpacked yet
                if width * height > max_pixels:
                    raise ValueError(f"{width} x {height} pixels, more than the {max_pixels:,} that are allowed")
                if min(width, height) < SMALLEST:
                    raise ValueError(f"{width} x {height} pixels, fewer than {SMALLEST} on a side")
                file.load()
                image = ImageOps.exif_transpose(file)
    except Image.UnidentifiedImageError:
        raise ValueError("not a picture in a known format") from None
    except Image.DecompressionBombError:
        raise ValueError(f"more than the {max_pixels:,} pixels that are allowed") from None
    except ValueError:
        raise
    except Exception as error:  # a damaged file makes the readers of the many formats raise nearly anything
        raise ValueError(f"damaged ({type(error).__name__}: {error})") from error
    if image.mode in ("F", "I"):
        raise ValueError(f"mode {image.mode}: numbers without a known range, expected pixels 0..255")
    if image.mode.startswith("I;16"):
        image = Image.fromarray((np.asarray(image) // 257).astype("uint8"))
    if image.has_transparency_data:
        image = image.convert("RGBA")
        image = Image.alpha_composite(Image.new("RGBA", image.size, "white"), image)
    smaller = min(image.size) >= size
    return np.asarray(
        ImageOps.fit(image.convert("RGB"), (size, size), Image.Resampling.BOX if smaller else Image.Resampling.BICUBIC)
    )


def near_duplicates(images, tolerance=4.0):
    """Return the pairs of pictures that look alike, most alike first: a list of (i, j, distance) with i < j.

    Parameters
    ----------
    images : numpy.ndarray
        uint8 (n, height, width, 3), sides of 8 or more.
    tolerance : float
        Largest distance: the mean difference, in levels of 0..255, between the two pictures shrunk to 8 x 8 pixels. A
        mirror image counts as the same picture. Saving at another size or quality moves a picture by about 1 level.

    Raises `ValueError` for other images or a negative tolerance. Two pictures of one plain sky look alike as well, so
    look at each pair. Taught in chapter 5.1.
    """
    images = np.asarray(images)
    if images.ndim != 4 or images.shape[-1] != 3 or images.dtype != np.uint8 or min(images.shape[1:3]) < 8:
        raise ValueError(f"images: got {images.dtype} {images.shape}, expected uint8 (n, height, width, 3), sides >= 8")
    if not tolerance >= 0:
        raise ValueError(f"tolerance: got {tolerance}, expected levels, 0 or more")
    small = np.stack([np.asarray(Image.fromarray(image).resize((8, 8), Image.Resampling.BOX)) for image in images])
    flat, mirrored = (thumbs.reshape(len(images), -1).astype("float32") for thumbs in (small, small[:, :, ::-1]))
    pairs = []
    for i in range(len(images) - 1):  # a row at a time: the whole table of distances could fill the memory
        rest = slice(i + 1, None)
        distance = np.minimum(*(cdist(flat[i : i + 1], other[rest], "cityblock")[0] for other in (flat, mirrored)))
        distance /= flat.shape[1]
        pairs += [(i, i + 1 + int(j), float(distance[j])) for j in np.flatnonzero(distance <= tolerance)]
    return sorted(pairs, key=lambda pair: pair[2])


def warn_about_counts(labels, class_names, fewest=20, ratio=3.0):
    """Return sentences about what the numbers of pictures do not allow; none where all is well.

    `fewest` is the number of pictures a class below which a test says next to nothing, `ratio` how many times as many
    pictures the largest class may have as the smallest. Raises `ValueError` for labels without a class name.

    >>> warn_about_counts([0] * 30 + [1] * 5, ["cat", "dog"], ratio=10)
    ['dog: 5 pictures, fewer than 20']
    """
    labels = np.asarray(labels)
    if labels.ndim != 1 or labels.dtype.kind not in "iu" or not np.isin(labels, np.arange(len(class_names))).all():
        raise ValueError(
            f"labels: got {labels.dtype} {labels.shape}, expected integers (n,) of 0..{len(class_names) - 1}"
        )
    counts = np.bincount(labels, minlength=len(class_names))
    found = [
        f"{name}: {count} pictures, fewer than {fewest}"
        for name, count in zip(class_names, counts, strict=True)
        if count < fewest
    ]
    largest, smallest = counts.argmax(), counts.argmin()
    if counts[largest] > ratio * counts[smallest]:
        found.append(
            f"{class_names[largest]} has {counts[largest]} pictures and {class_names[smallest]} {counts[smallest]}: "
            "accuracy alone would hide how badly the small class does"
        )
    return found


def cut(pictures, class_names, source, validation=0.2, test=0.2, seed=0):
    """Cut pictures into training, validation and test sets, stratified by class: a `tlbook.data.Dataset`.

    `validation` and `test` are shares, 0..1; each set gets at least one picture of each class, in the mean. Raises
    `ValueError` for shares that leave too little, or for too few pictures.
    """
    for name, share in (("validation", validation), ("test", test)):
        if not 0 < share < 1:
            raise ValueError(f"{name}: got {share}, expected a share between 0 and 1")
    classes = len(class_names)
    sizes = [max(classes, round(share * len(pictures))) for share in (test, validation)]
    if sum(sizes) > len(pictures) - classes:
        raise ValueError(
            f"pictures: got {len(pictures)} of {classes} classes, too few to cut off {sizes[0]} for the test and "
            f"{sizes[1]} to choose by"
        )
    rest, test_set = data.split_off(pictures, sizes[0], seed)
    train, validation_set = data.split_off(rest, sizes[1], seed)
    return data.Dataset(train, validation_set, test_set, class_names, source)
