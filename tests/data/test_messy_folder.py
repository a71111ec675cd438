"""The messy folder: what lies in it is what it promises, and a reader's folder is read through it."""

import numpy as np
import pytest
from PIL import Image

from tlbook import data
from tlbook.data import folders, messy_folder

RNG = np.random.default_rng(0)
# Smooth pictures of 32 pixels: a copy in another quality moves them little.
IMAGES = RNG.integers(0, 256, (30, 4, 4, 3), dtype=np.uint8).repeat(8, axis=1).repeat(8, axis=2)
PICTURES = data.Split(IMAGES, np.arange(30) % 3)
LABELS = {"cat": 2, "dog": 0}


def test_the_accidents_are_refused_and_all_else_is_read(tmp_path):
    misplaced = messy_folder.write(tmp_path / "mine", PICTURES, LABELS, per_class=10, bomb_side=9_000)
    folder = folders.load_folder(tmp_path / "mine")
    assert set(folder.refused) == {"notes.txt", "cat/broken.jpg", "cat/letter.jpg", "dog/icon.png", "dog/bomb.png"}
    assert "allowed" in folder.refused["dog/bomb.png"]
    assert np.bincount(folder.pictures.labels).tolist() == [12, 12]  # ten each, and two copies
    assert misplaced == {"dog/IMG_9999.bmp", "cat/IMG_9999.bmp"} <= set(folder.names)


def test_pictures_are_upright_and_copies_are_found(tmp_path):
    messy_folder.write(tmp_path / "mine", PICTURES, LABELS, per_class=10, bomb_side=9_000)
    folder = folders.load_folder(tmp_path / "mine", size=32)
    sideways = folder.names.index("cat/IMG_0004.jpg")
    fourth = IMAGES[PICTURES.labels == 2][4].astype("int16")
    assert np.abs(folder.pictures.images[sideways] - fourth).mean() < 20, "a picture that was held sideways stayed so"
    pairs = {
        frozenset((folder.names[i], folder.names[j])) for i, j, _ in folders.near_duplicates(folder.pictures.images)
    }
    assert frozenset(("dog/IMG_0002.webp", "dog/copy of IMG_0002.jpg")) in pairs


@pytest.mark.parametrize("side", [800, 801])
def test_the_bomb_is_a_picture(tmp_path, side):
    path = tmp_path / "bomb.png"
    path.write_bytes(messy_folder._black_png(side))
    with Image.open(path) as file:
        assert file.size == (side, side) and not np.asarray(file).any()


def test_too_few_pictures(tmp_path):
    with pytest.raises(ValueError, match="labels: got"):
        messy_folder.write(tmp_path / "mine", PICTURES, LABELS, per_class=11)
    with pytest.raises(ValueError, match="labels: got"):
        messy_folder.write(tmp_path / "mine", PICTURES, {"cat": 2}, per_class=10)
