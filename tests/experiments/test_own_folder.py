"""A folder of one's own: nothing leaks between folds, folders nest, and what is found done is paid for all the same."""

import keras
import numpy as np
import pytest

from experiments import folder_controls, folder_readers, own_folder
from tlbook import data, heads
from tlbook.data import cifar10
from tlbook.files import sources

RNG = np.random.default_rng(0)


@pytest.fixture
def pictures(monkeypatch):
    """Put noise in the place of CIFAR-10."""

    def split(n):
        return data.Split(RNG.integers(256, size=(n, 32, 32, 3), dtype=np.uint8), np.arange(n) % 10)

    dataset = data.Dataset(
        split(600), split(100), split(100), cifar10.CLASS_NAMES, sources.Source("noise", "bundled", "")
    )
    kept = split(100)
    monkeypatch.setattr(data, "load_cifar10", lambda: dataset)
    monkeypatch.setattr(data, "holdout", lambda: kept)
    monkeypatch.setattr(own_folder, "TEST", 20)
    return dataset, kept


@pytest.fixture
def see(monkeypatch):
    """Return a reader whose network takes the mean of each colour, and forget what it saw."""

    def network(body, size, seed):
        inputs = keras.Input((size, size, 3))
        return keras.Model(inputs, keras.layers.GlobalAveragePooling2D()(keras.layers.Conv2D(2, 1)(inputs)))

    monkeypatch.setattr(folder_readers, "network", network)
    for module, name in ((folder_readers, "_KNOWN"), (folder_readers, "_TESTED"), (own_folder, "_JUDGED")):
        monkeypatch.setattr(module, name, {})
    folder_readers.reader.cache_clear()
    yield lambda: folder_readers.Seen("vgg16")
    folder_readers.reader.cache_clear()


def test_smaller_folders_are_the_first_pictures_of_larger_ones(pictures):
    dataset, kept = pictures
    small, large = (own_folder.load(n, 3)[0].train for n in (20, 200))
    assert np.bincount(small.labels).tolist() == [4] * 5 and np.bincount(large.labels).tolist() == [40] * 5
    of_large = {image.tobytes(): label for image, label in zip(large.images, large.labels, strict=True)}
    assert all(of_large[i.tobytes()] == label for i, label in zip(small.images, small.labels, strict=True))
    names = [own_folder.CLASSES[label] for label in small.labels]
    train = dataset.train
    pool = {
        image.tobytes(): cifar10.CLASS_NAMES[label] for image, label in zip(train.images, train.labels, strict=True)
    }
    assert [pool[image.tobytes()] for image in small.images] == names
    _, test = own_folder.load(20, 3)
    assert len(test.labels) == 20 and {i.tobytes() for i in test.inputs} <= {i.tobytes() for i in kept.images}


def test_a_picture_and_its_mirror_image_are_on_one_side():
    """Labels by lot: where the mirror image of a picture is learned from, they are known all the same."""
    rows, labels = RNG.normal(size=(60, 500)), np.arange(60) % 5
    scores = folder_controls.by_folds([rows, rows], labels, (1e-1, 1.0), heads.regression)
    assert set(scores) == {1e-1, 1.0} and max(scores.values()) < 0.5


def test_what_is_found_done_is_paid_for(see):
    images = RNG.integers(256, size=(6, 32, 32, 3), dtype=np.uint8)
    first, second = see(), see()
    assert np.array_equal(first(images, 32), second(images, 32))
    assert first.kept == 0 < second.kept
    assert first.work == second.work == 6 * 32 * 32 * 3 * 2
    assert first(images[:3], 48).shape == (3, 2) and first.work == 6 * 6144 + 3 * 48 * 48 * 6


def test_pictures_of_the_test_are_paid_for_by_every_run(see):
    first, second = see(), see()
    assert first.kept_seconds(32) == 0
    first.test(RNG.integers(256, size=(6, 32, 32, 3), dtype=np.uint8), 32)
    assert second.kept_seconds(32) > 0 == second.kept_seconds(48)


def test_size_and_penalty_are_chosen_among_the_grid(pictures, see):
    task, _ = own_folder.load(40, 0)
    grid = [(size, C) for size in (32, 48) for C in (1e-3, 1e-1)]
    best, accuracy, variants = own_folder.chosen_probe(task, see(), grid)
    assert best in grid and 0 <= accuracy <= 1
    assert [variant.shape for variant in variants] == [(40, 2), (40, 2)]
    again = see()
    assert own_folder.chosen_probe(task, again, grid)[:2] == (best, accuracy) and again.kept > 0
