"""CIFAR-10 as arrays, read from a mirror's .npz file or from upstream's archive of pickles."""

import tarfile

import numpy as np

from tlbook.files import assets, cache, pickles, sources
from tlbook.files.archives import read_member, reading

CLASS_NAMES = ("airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck")
_SHAPES = {
    "x_train": (50_000, 32, 32, 3),
    "y_train": (50_000,),
    "x_test": (10_000, 32, 32, 3),
    "y_test": (10_000,),
}
_TRAIN_BATCHES = tuple(f"data_batch_{i}" for i in range(1, 6))
_TEST_BATCH = "test_batch"


def find_arrays(**patience):
    """Find CIFAR-10 and return `(arrays, source)`.

    The arrays are x_train (50000, 32, 32, 3), y_train (50000,), x_test and y_test (10000 of each), all uint8.
    `patience` goes to `tlbook.files.download.download`. Raises `tlbook.files.sources.NotFound` where it cannot be had,
    and `ValueError` where a file is damaged or holds something else.
    """
    path, source = sources.find(assets.CIFAR10, **patience)
    arrays = _read_npz(path) if path.suffix == ".npz" else cache.cached_arrays("cifar10", lambda: _read_archive(path))
    _check(arrays, path)
    return arrays, source


def _check(arrays, path):
    for name, shape in _SHAPES.items():
        if name not in arrays:
            raise ValueError(f"{path}: array {name} is missing; got {sorted(arrays)}")
        array = arrays[name]
        if array.shape != shape or array.dtype != np.uint8:
            raise ValueError(f"{path}: {name} is {array.dtype} of shape {array.shape}, expected uint8 of shape {shape}")
        if name.startswith("y") and array.max() > 9:
            raise ValueError(f"{path}: {name} holds the label {array.max()}, expected 0..9")


def _read_npz(path):
    with reading(path, "an .npz file of plain arrays"), np.load(path, allow_pickle=False) as file:
        return {name: file[name] for name in file.files}


def _read_archive(path):
    """Read upstream's archive in memory: nothing is unpacked onto the disk, so no name in it can lead anywhere."""
    parts = {}
    with reading(path, "CIFAR-10's archive"):
        with tarfile.open(path, "r:gz") as archive:
            for member in archive:
                name = member.name.removeprefix("cifar-10-batches-py/")
                if name in (*_TRAIN_BATCHES, _TEST_BATCH):
                    # Python 2 pickled them, and its strings come back as bytes.
                    batch = pickles.read_arrays(read_member(archive, member), encoding="bytes")
                    images = batch[b"data"].reshape(-1, 3, 32, 32)
                    parts[name] = images, np.array(batch[b"labels"], dtype=np.uint8)
        train = [np.concatenate(arrays) for arrays in zip(*(parts[name] for name in _TRAIN_BATCHES), strict=True)]
        test = parts[_TEST_BATCH]
    # Upstream keeps the three colour planes one after the other; Keras wants the colours of a pixel together.
    x_train, x_test = (np.ascontiguousarray(images.transpose(0, 2, 3, 1)) for images, _ in (train, test))
    return {"x_train": x_train, "y_train": train[1], "x_test": x_test, "y_test": test[1]}
