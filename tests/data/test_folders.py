"""A reader's folder: each file is read or refused with a reason, and a folder that cannot serve is an error."""

import io
import struct
import zlib

import numpy as np
import pytest
from PIL import Image

from tlbook import data
from tlbook.data import folders
from tlbook.files import sources

RNG = np.random.default_rng(0)
PICTURE = RNG.integers(0, 256, (8, 8, 3), dtype=np.uint8).repeat(8, axis=0).repeat(8, axis=1)  # 64 pixels a side
SOURCE = sources.Source("a test", "bundled", "")


def png(side, body=b""):
    """A PNG that claims `side` pixels a side, whatever it holds."""
    chunks = [(b"IHDR", struct.pack(">IIBBBBB", side, side, 1, 0, 0, 0, 0)), (b"IDAT", body), (b"IEND", b"")]
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body)) for kind, body in chunks
    )


@pytest.fixture
def root(tmp_path):
    """A folder with two classes of two pictures each."""
    for name, pixels in (("cat", PICTURE), ("dog", PICTURE[::-1])):
        (tmp_path / name).mkdir()
        for number in (1, 2):
            Image.fromarray(pixels).save(tmp_path / name / f"{number}.png")
    return tmp_path


def test_pictures_labels_and_names(root):
    folder = folders.load_folder(str(root))
    assert folder.class_names == ("cat", "dog") and folder.refused == {}
    assert folder.names == ("cat/1.png", "cat/2.png", "dog/1.png", "dog/2.png")
    assert folder.pictures.labels.tolist() == [0, 0, 1, 1]
    assert folder.pictures.images.dtype == np.uint8
    assert np.array_equal(folder.pictures.images[0], PICTURE), "nothing should be lost at the size of the file"


def test_every_mode_becomes_rgb(root):
    image, grey = Image.fromarray(PICTURE), Image.fromarray(PICTURE).convert("L")
    image.convert("RGBA").save(root / "cat" / "alpha.png")
    image.quantize(64).save(root / "cat" / "palette.gif")
    grey.save(root / "cat" / "grey.png")
    Image.fromarray(np.asarray(grey).astype("uint16") * 257).save(root / "cat" / "grey16.png")
    image.convert("CMYK").save(root / "cat" / "cmyk.jpg")
    folder = folders.load_folder(root)
    by_name = dict(zip(folder.names, folder.pictures.images, strict=True))
    assert folder.refused == {} and len(by_name) == 9
    assert np.array_equal(by_name["cat/alpha.png"], PICTURE)
    assert np.array_equal(by_name["cat/grey.png"], by_name["cat/grey16.png"])


def test_transparent_is_white_and_a_sideways_picture_is_turned(root):
    Image.new("RGBA", (64, 64), (0, 0, 0, 0)).save(root / "cat" / "clear.png")
    exif = Image.Exif()
    exif[274] = 6
    Image.fromarray(PICTURE).rotate(90).save(root / "cat" / "phone.png", exif=exif)
    assert (folders.prepare(root / "cat" / "clear.png", 64) == 255).all()
    assert np.array_equal(folders.prepare(root / "cat" / "phone.png", 64), PICTURE)


def test_the_middle_square_is_kept(root):
    wide = Image.new("RGB", (192, 64), "red")
    wide.paste(Image.fromarray(PICTURE), (64, 0))
    wide.save(root / "cat" / "wide.png")
    assert np.array_equal(folders.prepare(root / "cat" / "wide.png", 64), PICTURE)


def write_bad_files(root):
    image = Image.fromarray(PICTURE)
    image.save(root / "whole.jpg")
    (root / "cat" / "cut.jpg").write_bytes((root / "whole.jpg").read_bytes()[:400])
    (root / "whole.jpg").unlink()
    (root / "cat" / "letter.png").write_text("not a picture")
    (root / "cat" / "empty.jpg").write_bytes(b"")
    (root / "cat" / "bomb.png").write_bytes(png(30_000))
    (root / "cat" / "large.png").write_bytes(png(9_000))
    (root / "cat" / "no pixels.png").write_bytes(png(64))
    image.resize((64, 20)).save(root / "cat" / "thin.png")
    Image.fromarray(np.zeros((64, 64), "float32")).save(root / "cat" / "numbers.tiff")
    (root / "cat" / "program.jpg").write_bytes(b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 64 64\n%%EOF\n")
    image.save(root / "cat" / "icon.png", "ICO")
    (root / "cat" / "inside").mkdir()
    (root / "cat" / ".DS_Store").write_bytes(b"hidden")
    (root / "notes.txt").write_text("beside")


def test_bad_files_are_refused_with_a_reason_and_the_rest_is_read(root):
    write_bad_files(root)
    folder = folders.load_folder(root)
    assert len(folder.pictures) == 4
    reasons = {
        "cat/cut.jpg": "damaged",
        "cat/letter.png": "not a picture",
        "cat/empty.jpg": "not a picture",
        "cat/bomb.png": "more than the 64,000,000",
        "cat/large.png": "9000 x 9000 pixels, more than",
        "cat/no pixels.png": "damaged",
        "cat/thin.png": "64 x 20 pixels, fewer than 32",
        "cat/numbers.tiff": "mode F",
        "cat/program.jpg": "not a picture in a known format",
        "cat/icon.png": "not a picture in a known format",
        "cat/inside": "no file",
        "notes.txt": "beside the folders",
    }
    assert set(folder.refused) == set(reasons)
    for name, reason in reasons.items():
        assert reason in folder.refused[name], name


def test_the_largest_picture_is_one_of_so_many_pixels(root):
    assert folders.prepare(root / "cat" / "1.png", 64, max_pixels=64 * 64).shape == (64, 64, 3)
    with pytest.raises(ValueError, match="64 x 64 pixels, more than the 4,095"):
        folders.prepare(root / "cat" / "1.png", 64, max_pixels=64 * 64 - 1)


def test_a_folder_that_is_not_there(tmp_path):
    with pytest.raises(FileNotFoundError, match="path: there is no folder .*nowhere"):
        folders.load_folder(tmp_path / "nowhere")


def test_one_class(root):
    for path in (root / "dog").iterdir():
        path.unlink()
    (root / "dog").rmdir()
    with pytest.raises(ValueError, match=r"path: .* holds the folders \['cat'\], expected two or more"):
        folders.load_folder(root)


def test_an_empty_class_and_one_whose_pictures_are_all_broken(root):
    (root / "frog").mkdir()
    with pytest.raises(ValueError, match="the class frog has no picture that can be read .its folder is empty"):
        folders.load_folder(root)
    (root / "frog" / "1.png").write_text("no")
    with pytest.raises(ValueError, match="the class frog has no picture that can be read .frog/1.png: not a picture"):
        folders.load_folder(root)


@pytest.mark.parametrize("size", [31, 0, -1, 64.0, "64"])
def test_another_size(root, size):
    with pytest.raises(ValueError, match="size: got .*, expected a whole number of pixels, 32 or more"):
        folders.load_folder(root, size=size)


def noise(n):
    return RNG.integers(0, 256, (n, 4, 4, 3), dtype=np.uint8).repeat(16, axis=1).repeat(16, axis=2)


def test_near_duplicates_finds_a_copy_at_another_size_and_a_mirror_image():
    images = noise(6)
    images[3] = np.asarray(Image.fromarray(images[0]).resize((40, 40)).resize((64, 64)))
    images[5] = images[1, :, ::-1]
    pairs = folders.near_duplicates(images, tolerance=6)
    assert {pair[:2] for pair in pairs} == {(0, 3), (1, 5)}
    assert pairs[0][2] <= pairs[1][2] and pairs[0][:2] == (1, 5) and pairs[0][2] == 0
    assert folders.near_duplicates(noise(5)) == []
    assert folders.near_duplicates(noise(1)) == []


@pytest.mark.parametrize(
    "images",
    [noise(2).astype("float32"), noise(2)[0], noise(2)[..., :2], noise(2)[:, :4], np.full((2, 8, 8, 3), np.nan)],
)
def test_near_duplicates_of_other_images(images):
    with pytest.raises(ValueError, match="images: got"):
        folders.near_duplicates(images)


@pytest.mark.parametrize("tolerance", [-1, float("nan")])
def test_near_duplicates_with_another_tolerance(tolerance):
    with pytest.raises(ValueError, match="tolerance: got"):
        folders.near_duplicates(noise(2), tolerance)


def test_counts_that_are_too_small_or_too_different():
    labels = np.repeat([0, 1, 2], [100, 30, 5])
    said = folders.warn_about_counts(labels, ("cat", "dog", "frog"))
    assert len(said) == 2 and said[0].startswith("frog: 5 pictures") and said[1].startswith("cat has 100 pictures")
    assert folders.warn_about_counts(np.repeat([0, 1], 40), ("cat", "dog")) == []


@pytest.mark.parametrize("labels", [[0, 3], [-1, 0], [0.0, 1.0], [[0, 1]]])
def test_counts_of_other_labels(labels):
    with pytest.raises(ValueError, match="labels: got"):
        folders.warn_about_counts(np.array(labels), ("cat", "dog"))


def test_cut_gives_three_parts_that_do_not_overlap():
    pictures = data.Split(noise(40), np.repeat([0, 1], 20))
    parts = folders.cut(pictures, ("cat", "dog"), SOURCE)
    sizes = [len(split) for split in (parts.train, parts.validation, parts.test)]
    assert sizes == [24, 8, 8] and parts.source is SOURCE
    seen = {image.tobytes() for split in (parts.train, parts.validation, parts.test) for image in split.images}
    assert len(seen) == 40
    assert np.bincount(parts.test.labels).tolist() == [4, 4]


@pytest.mark.parametrize("shares", [{"validation": 0}, {"test": 1}, {"test": -0.1}, {"test": float("nan")}])
def test_cut_with_another_share(shares):
    with pytest.raises(ValueError, match="expected a share between 0 and 1"):
        folders.cut(data.Split(noise(40), np.repeat([0, 1], 20)), ("cat", "dog"), SOURCE, **shares)


def test_cut_of_too_few_pictures():
    with pytest.raises(ValueError, match="pictures: got 4 of 2 classes, too few"):
        folders.cut(data.Split(noise(4), np.array([0, 0, 1, 1])), ("cat", "dog"), SOURCE)


def test_no_format_that_starts_a_program_is_opened(root, monkeypatch):
    """Pillow hands an EPS file to Ghostscript, whatever its name."""
    monkeypatch.setattr("PIL.EpsImagePlugin.Ghostscript", pytest.fail)
    write_bad_files(root)
    assert "cat/program.jpg" in folders.load_folder(root).refused


def test_text_and_frames_that_unpack_to_very_much_are_refused(root):
    """A chunk of text in a PNG that unpacks to 50 MB, and a GIF whose first frame is larger than its screen."""
    file = io.BytesIO()
    Image.fromarray(PICTURE).save(file, "PNG")
    body = b"zTXtComment\0\0" + zlib.compress(bytes(50_000_000))
    chunk = struct.pack(">I", len(body) - 4) + body + struct.pack(">I", zlib.crc32(body))
    (root / "cat" / "text.png").write_bytes(file.getvalue()[:-12] + chunk + file.getvalue()[-12:])
    file = io.BytesIO()
    Image.new("L", (64, 64)).save(file, "GIF")
    small, large = b"," + struct.pack("<4H", 0, 0, 64, 64), b"," + struct.pack("<4H", 0, 0, 65_535, 65_535)
    (root / "cat" / "frame.gif").write_bytes(file.getvalue().replace(small, large))
    refused = folders.load_folder(root).refused
    assert "too large" in refused["cat/text.png"] and "more than the 64,000,000 pixels" in refused["cat/frame.gif"]


@pytest.mark.parametrize(("value", "expected"), [(0, 0), (256, 0), (257, 1), (65534, 254), (65535, 255)])
def test_sixteen_bits_become_eight(tmp_path, value, expected):
    path = tmp_path / "grey.png"
    Image.fromarray(np.full((64, 64), value, "uint16")).save(path)
    assert np.unique(folders.prepare(path, 32)).tolist() == [expected]
