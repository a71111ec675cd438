"""A messy folder: pictures saved as people save them, with the accidents that happen to folders, to practise on."""

import pathlib
import struct
import zlib

import numpy as np
from PIL import Image

ENDINGS = (".png", ".jpg", ".webp", ".bmp", ".jpg")  # of the pictures 0, 1, 2, ... of a class, over and over
COPIED = (2, 7)  # these pictures of each class lie there twice


def write(root, pictures, labels, per_class=40, seed=0, bomb_side=30_000):
    """Write a folder for each class, in several sizes, formats and modes; break, copy and misplace some files.

    A download that breaks off, a text file with the wrong name, an icon, and a small file that unpacks to gigabytes are
    among the first two classes; a note lies beside the folders.

    Parameters
    ----------
    root : str or pathlib.Path
        Made anew; must not exist.
    pictures : tlbook.data.images.Split
        Images uint8 (n, height, width, 3).
    labels : dict of str to int
        From the name of each folder to the label of its pictures; two or more.
    per_class : int
        Pictures of each class, 10 or more.
    seed : int
        Draws the sizes, 60 to 239 pixels a side.
    bomb_side : int
        Pixels a side that the file "bomb.png" claims, and holds.

    Returns
    -------
    set of str
        The pictures that lie in the folder of another class, such as "dog/IMG_9999.bmp": one of each class.

    Raises `ValueError` for fewer than two classes, or too few pictures of one, and `FileExistsError` where a class has
    a folder already. Taught in chapter 5.1.
    """
    few = {name: int(np.sum(pictures.labels == label)) for name, label in labels.items()}
    if len(labels) < 2 or per_class < 10 or min(few.values()) < per_class:
        raise ValueError(f"labels: got {few} pictures, expected {max(per_class, 10)} or more of two classes or more")
    root, rng = pathlib.Path(root), np.random.default_rng(seed)
    for name, label in labels.items():
        (root / name).mkdir(parents=True)
        for number, pixels in enumerate(pictures.images[pictures.labels == label][:per_class]):
            _save(root / name, number, Image.fromarray(pixels), int(rng.integers(60, 240)))
        for number in COPIED:  # once more, smaller, under another name
            with Image.open(root / name / _name(number)) as file:
                file.resize((72, 72)).save(root / name / f"copy of IMG_{number:04d}.jpg", quality=80)
    names, misplaced = list(labels), set()
    for name, following in zip(names, names[1:] + names[:1], strict=True):
        (root / name / "IMG_0003.bmp").rename(root / following / "IMG_9999.bmp")
        misplaced.add(f"{following}/IMG_9999.bmp")
    first, second = (root / name for name in names[:2])
    (first / "broken.jpg").write_bytes((first / "IMG_0001.jpg").read_bytes()[:900])
    (first / "letter.jpg").write_text("Dear reader, I am a text file with the wrong name.", encoding="utf-8")
    Image.new("RGB", (16, 16)).save(second / "icon.png")
    (second / "bomb.png").write_bytes(_black_png(bomb_side))
    (root / "notes.txt").write_text("remember to sort these", encoding="utf-8")
    return misplaced


def _name(number):
    return f"IMG_{number:04d}{ENDINGS[number % len(ENDINGS)]}"


def _save(folder, number, image, side):
    image = image.resize((side, side), Image.Resampling.BICUBIC)
    if number % 5 == 4:  # a phone that was held sideways: it notes how to turn the picture
        sideways = Image.Exif()
        sideways[274] = 6  # the tag "Orientation": a quarter turn clockwise
        image.rotate(90).save(folder / _name(number), quality=90, exif=sideways)
    elif number % 10 == 0:
        image.quantize(128).save(folder / _name(number))
    else:
        image.save(folder / _name(number), quality=90)


def _black_png(side):
    """Return a black PNG, a bit a pixel, made row by row: the whole picture is never in memory."""
    squeeze = zlib.compressobj()
    row = bytes(1 + (side + 7) // 8)  # which filter, then eight pixels a byte
    rows = b"".join(squeeze.compress(row) for _ in range(side)) + squeeze.flush()
    header = struct.pack(">IIBBBBB", side, side, 1, 0, 0, 0, 0)
    chunks = [(b"IHDR", header), (b"IDAT", rows), (b"IEND", b"")]
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body)) for kind, body in chunks
    )
