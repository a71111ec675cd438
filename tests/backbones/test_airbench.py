"""The small modern network: its whitened first layer, its size, and that it learns."""

import keras
import numpy as np
import pytest

from tlbook.backbones import airbench
from tlbook.backbones.cost import multiply_adds


def pictures(n=50, seed=0):
    """Smooth ones: neighbours agree, as in photographs."""
    rough = np.random.default_rng(seed).random((n, 8, 8, 3))
    return (np.kron(rough, np.ones((1, 4, 4, 1))) * 255).astype("uint8")


def test_answers_of_the_first_layer_are_uncorrelated_with_variance_one():
    images = pictures(200).astype("float32") / 64 - 2
    filters = airbench.whitening_filters(images)
    assert filters.shape == (2, 2, 3, 24) and np.array_equal(filters[..., :12], -filters[..., 12:])
    answers = np.asarray(keras.ops.conv(images, filters[..., :12])).reshape(-1, 12)
    covariance = np.cov(answers, rowvar=False)
    strong = np.diag(covariance) > 0.5  # what hardly varies is not blown up
    assert strong.sum() >= 10
    np.testing.assert_allclose(covariance[strong][:, strong], np.eye(strong.sum()), atol=0.05)


def test_first_layer_is_frozen_and_holds_the_filters():
    model = airbench.build(pictures(), width=4)
    layer = model.get_layer("whitening")
    assert not layer.trainable_weights and not layer.get_weights()[1].any()
    np.testing.assert_allclose(layer.get_weights()[0], airbench.whitening_filters(pictures() / 64.0 - 2.0), rtol=1e-5)


def test_first_filters_pass_on_what_is_before_them():
    kernel = np.random.default_rng(0).random((3, 3, 4, 6), "float32")
    maps = np.random.default_rng(1).random((2, 5, 5, 4), "float32")
    found = np.asarray(keras.ops.conv(maps, airbench.partly_identity(kernel), padding="same"))
    np.testing.assert_allclose(found[..., :4], maps, rtol=1e-5)
    np.testing.assert_allclose(found[..., 4:], keras.ops.conv(maps, kernel, padding="same")[..., 4:], rtol=1e-4)


def test_size_and_seed():
    full = airbench.build(pictures(), width=64)
    assert 1.1e8 < multiply_adds(full) < 1.3e8  # of the record: about 0.12e9
    assert multiply_adds(airbench.build(pictures(), width=32)) < multiply_adds(full) / 3
    first, again, other = (airbench.build(pictures(), width=4, seed=seed).get_weights() for seed in (1, 1, 2))
    assert all(map(np.array_equal, first, again)) and not all(map(np.array_equal, first, other))


def test_it_learns():
    images = pictures(60)
    labels = (images[:, :16].mean(axis=(1, 2, 3)) > images[:, 16:].mean(axis=(1, 2, 3))).astype(int)
    model = airbench.build(images, width=4, classes=2)
    model.compile(
        keras.optimizers.Adam(3e-3), keras.losses.SparseCategoricalCrossentropy(from_logits=True), metrics=["accuracy"]
    )
    history = model.fit(images.astype("float32"), labels, epochs=20, batch_size=20, verbose=0).history
    assert history["accuracy"][-1] > 0.8


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"images": pictures()[:0]}, r"images: got shape \(0, 32"),
        ({"images": pictures()[..., :1]}, "images: got shape"),
        ({"images": pictures()[:, :8]}, "images: got shape"),
        ({"width": 0}, "width: got 0"),
    ],
)
def test_bad_input_is_named(change, message):
    with pytest.raises(ValueError, match=message):
        airbench.build(**{"images": pictures()} | change)
