"""Features: the numbers of a plain forward pass, computed once, and anew for anything that changes them."""

import keras
import numpy as np
import pytest

from tlbook import backbones, features
from tlbook.backbones import recurrent
from tlbook.files import cache

CALLS = []


class Watched(keras.layers.Layer):
    """Passes on what it gets and writes down its dtype and shape."""

    def call(self, inputs):
        CALLS.append((keras.backend.standardize_dtype(inputs.dtype), tuple(inputs.shape)))
        return inputs


def build(activation="relu", **rescaling):
    """A small backbone with everything that behaves differently in training."""
    inputs = keras.Input((4, 6, 3))
    x = keras.layers.Rescaling(**{"scale": 1 / 255, **rescaling})(Watched()(inputs))
    x = keras.layers.BatchNormalization()(keras.layers.Conv2D(5, 3, activation=activation)(x))
    model = keras.Model(inputs, keras.layers.MaxPooling2D(2)(keras.layers.Dropout(0.5)(x)))
    rng = np.random.default_rng(0)
    model.set_weights([rng.uniform(0.1, 0.9, weight.shape) for weight in model.get_weights()])
    CALLS.clear()
    return model


@pytest.fixture
def backbone():
    return build()


def pictures(n=10):
    return np.random.default_rng(0).integers(256, size=(n, 4, 6, 3), dtype=np.uint8)


def plain(backbone, images):
    """What Keras predicts, and nothing that the test calls counts as a computation."""
    expected = backbone.predict(images.astype("float32"), verbose=0)
    CALLS.clear()
    return expected


def computed(backbone, images, **options):
    """Return whether the backbone was asked."""
    CALLS.clear()
    features.extract(backbone, images, **options)
    return bool(CALLS)


@pytest.mark.parametrize("dtype", ["uint8", "float16", "float64"])
def test_one_batch_at_a_time_becomes_float32_whatever_comes(backbone, dtype):
    images = pictures().astype(dtype)
    expected = plain(backbone, images)
    got = features.forward(backbone, images, batch_size=4)
    assert CALLS == [("float32", (4, 4, 6, 3))] * 2 + [("float32", (2, 4, 6, 3))]
    assert got.dtype == np.float32 and got.shape == expected.shape
    np.testing.assert_allclose(got, expected, rtol=1e-4)
    assert images.dtype == dtype


@pytest.mark.parametrize("dtype", ["int32", "int64", "bool"])
def test_words_and_masks_stay_what_they_are(dtype):
    seen = []

    def watch(batch, training):
        seen.append((batch.dtype, len(batch), training))
        return keras.ops.convert_to_tensor(batch)

    numbers = np.arange(14).reshape(7, 2).astype(dtype)
    np.testing.assert_array_equal(features.forward(watch, numbers, 3), numbers)
    assert seen == [(np.dtype(dtype), n, False) for n in (3, 3, 1)]


def test_a_dict_of_arrays_is_cut_into_batches_together():
    words, scale = keras.Input((3,), dtype="int32", name="words"), keras.Input((1,), name="scale")
    vectors = keras.layers.Embedding(9, 4)(words)
    model = keras.Model({"words": words, "scale": scale}, keras.ops.max(vectors, axis=1) * scale)
    inputs = {"words": np.arange(24).reshape(8, 3) % 9, "scale": np.arange(8, dtype="float64")[:, None]}
    got = features.forward(model, inputs, batch_size=3)
    assert (got.shape, got.dtype) == ((8, 4), np.float32) and got.std() > 0
    np.testing.assert_allclose(got, model.predict(inputs, verbose=0), rtol=1e-5)


def test_vectors_of_sentences_come_in_order_and_whatever_the_batch():
    keras.utils.set_random_seed(0)
    encoder = recurrent.text_encoder(50, width=8, units=5)
    words = np.random.default_rng(0).integers(2, 50, (11, 6)).astype("int32")
    at_once = features.forward(encoder, words)
    assert (at_once.shape, at_once.dtype) == ((11, 10), np.float32)
    np.testing.assert_allclose(features.forward(encoder, words, batch_size=4), at_once, atol=1e-6)


@pytest.mark.parametrize(
    ("inputs", "came"),
    [
        (np.zeros((0, 6), "int32"), r"\[0\]"),
        (3.0, r"\[0\]"),
        ({"a": np.ones(3), "b": np.ones(4)}, r"\[3, 4\]"),
        ({}, r"\[\]"),
    ],
)
def test_a_pass_needs_examples_and_as_many_of_each(inputs, came):
    with pytest.raises(
        ValueError, match=rf"inputs: got {came} examples, expected the same number in every array, n > 0"
    ):
        features.forward(lambda batch, training: batch, inputs)


@pytest.mark.parametrize("batch_size", [1, 3, 5, 10, 64])
def test_features_are_those_of_a_plain_predict(backbone, batch_size):
    expected = plain(backbone, pictures())
    got = features.extract(backbone, pictures(), batch_size)
    assert got.dtype == np.float16 and got.shape == expected.shape == (10, 1, 2, 5)
    assert expected.std() > 0
    np.testing.assert_allclose(got, expected, rtol=2e-3)


def test_one_batch_at_a_time_becomes_float32(backbone):
    features.extract(backbone, pictures(), batch_size=4)
    assert CALLS == [("float32", (4, 4, 6, 3))] * 2 + [("float32", (2, 4, 6, 3))]


def test_second_time_computes_nothing(backbone):
    first = features.extract(backbone, pictures())
    CALLS.clear()
    second = features.extract(backbone, pictures().copy())
    assert CALLS == []
    assert second.dtype == np.float16 and np.array_equal(first, second)


def test_same_network_built_anew_finds_its_features(backbone):
    """In a later process too: Keras counts names up while a process runs."""
    features.extract(backbone, pictures())
    again = build()
    assert [layer.name for layer in again.layers] != [layer.name for layer in backbone.layers]
    assert not computed(again, pictures())
    again.trainable = False
    assert not computed(again, pictures())
    assert not computed(again, pictures(), batch_size=3), "the size of the batches changes no feature"


def test_other_weights_are_another_network(backbone):
    first = features.extract(backbone, pictures())
    changed = backbone.get_weights()
    changed[0][0, 0, 0, 0] += 1
    backbone.set_weights(changed)
    assert computed(backbone, pictures())
    assert not np.array_equal(first, features.extract(backbone, pictures()))


@pytest.mark.parametrize("name", ["keras", "tensorflow", "numpy", "tlbook"])
def test_another_version_computes_anew(backbone, monkeypatch, name):
    features.extract(backbone, pictures())
    monkeypatch.setattr(features, "versions", lambda: cache.versions() | {name: "0.0"})
    assert computed(backbone, pictures())
    assert not computed(backbone, pictures())


def test_running_statistics_are_weights(backbone):
    features.extract(backbone, pictures())
    (norm,) = [layer for layer in backbone.layers if isinstance(layer, keras.layers.BatchNormalization)]
    norm.moving_mean.assign(norm.moving_mean + 1)
    assert computed(backbone, pictures())


@pytest.mark.parametrize("change", [{"activation": "tanh"}, {"scale": 1 / 127.5}, {"offset": -1.0}])
def test_same_weights_in_another_network_are_another_network(backbone, change):
    features.extract(backbone, pictures())
    other = build(**change)
    assert all(np.array_equal(a, b) for a, b in zip(backbone.get_weights(), other.get_weights(), strict=True))
    assert computed(other, pictures())


def test_same_operations_otherwise_connected_are_another_network():
    def build(behind):
        """Add two activations: one behind the other, or side by side."""
        inputs = keras.Input((4, 6, 3))
        first = keras.layers.Activation("relu")(keras.layers.Rescaling(1 / 255, offset=-0.5)(inputs))
        second = keras.layers.Activation("tanh")(first if behind else inputs)
        return keras.Model(inputs, keras.layers.Add()([first, second]))

    one, other = build(behind=True), build(behind=False)
    assert features.identity(one) == features.identity(build(behind=True)) != features.identity(other)
    assert not np.array_equal(features.extract(one, pictures()), features.extract(other, pictures()))


def test_other_pictures_are_other_features(backbone):
    features.extract(backbone, pictures())
    changed = pictures()
    changed[9, 3, 5, 2] ^= 1
    assert computed(backbone, changed)
    assert computed(backbone, pictures()[:9])
    assert computed(backbone, pictures()[::-1])


def test_sequential_backbone_and_what_its_layers_do():
    def sequential(activation):
        model = keras.Sequential([keras.Input((4, 6, 3)), Watched(), keras.layers.Activation(activation)])
        return model

    features.extract(sequential("relu"), pictures())
    assert not computed(sequential("relu"), pictures())
    assert computed(sequential("sigmoid"), pictures())


def test_mirrored_is_left_to_right(backbone):
    images = pictures()
    expected = plain(backbone, np.stack([np.fliplr(image) for image in images]))
    as_they_are = features.extract(backbone, images)
    got = features.extract(backbone, images, mirrored=True)
    np.testing.assert_allclose(got, expected, rtol=2e-3)
    assert not np.allclose(got, as_they_are, rtol=2e-3)
    assert not computed(backbone, images, mirrored=True)
    assert np.array_equal(images, pictures()), "the pictures stay as they are"


def test_only_pictures_can_be_mirrored():
    flat = keras.Sequential([keras.Input((4,)), keras.layers.Dense(2)])
    with pytest.raises(ValueError, match=r"mirrored: got inputs of shape \(3, 4\), expected pictures"):
        features.extract(flat, np.ones((3, 4), "float16"), mirrored=True)


def test_parts_one_after_the_other_are_the_whole():
    """Features of a lower part are inputs of the next: float16 goes in."""
    whole = backbones.small_cnn((8, 8, 3), width=4)
    lower, upper = backbones.split(whole, "stage2_pool")
    images = np.random.default_rng(0).integers(256, size=(7, 8, 8, 3), dtype=np.uint8)
    middle = features.extract(lower, images, batch_size=3)
    assert middle.dtype == np.float16
    expected = whole.predict(images.astype("float32"), verbose=0)
    np.testing.assert_allclose(features.extract(upper, middle), expected, rtol=1e-2, atol=1e-2 * abs(expected).max())


IMAGES = pictures()


@pytest.mark.parametrize(
    ("inputs", "came"),
    [
        (IMAGES[0], r"uint8 \(4, 6, 3\)"),
        (IMAGES[:, :3], r"uint8 \(10, 3, 6, 3\)"),
        (IMAGES.transpose(0, 2, 1, 3), r"uint8 \(10, 6, 4, 3\)"),
        (IMAGES[..., :1], r"uint8 \(10, 4, 6, 1\)"),
        (IMAGES[:0], r"uint8 \(0, 4, 6, 3\)"),
        ([], r"float64 \(0,\)"),
        (IMAGES / 255, r"float64 \(10, 4, 6, 3\)"),
        (IMAGES.astype("float32"), r"float32 \(10, 4, 6, 3\)"),
        (IMAGES.astype(int), r"int64 \(10, 4, 6, 3\)"),
        (IMAGES.astype(bool), r"bool \(10, 4, 6, 3\)"),
        (np.full(IMAGES.shape, "a"), r"<U1 \(10, 4, 6, 3\)"),
    ],
)
def test_inputs_of_another_kind_are_refused(backbone, inputs, came):
    with pytest.raises(ValueError, match=rf"inputs: got {came}, expected uint8 or float16 \(n, \*\(4, 6, 3\)\), n > 0"):
        features.extract(backbone, inputs)
    assert CALLS == []


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_inputs_that_are_no_numbers_are_refused(backbone, bad):
    inputs = IMAGES.astype("float16")
    inputs[9, 3, 5, 2] = bad
    with pytest.raises(ValueError, match=r"inputs: got numbers that are not finite \(NaN or infinity\)"):
        features.extract(backbone, inputs)
    assert CALLS == []


@pytest.mark.parametrize(
    ("scale", "came"), [(1e3, r"\d{5,}\.\d*"), (-1e3, r"\d{5,}\.\d*"), (np.inf, "(inf|nan)"), (np.nan, "nan")]
)
def test_features_that_float16_cannot_hold_are_refused_and_not_kept(scale, came):
    """The last batch must be looked at as well as the first."""
    model = keras.Sequential([keras.Input((4, 6, 3)), keras.layers.Dense(2)])
    model.set_weights([np.full((3, 2), scale), np.zeros(2)])
    images = np.zeros((5, 4, 6, 3), "uint8")
    images[4, 0, 0, 0] = 255
    with pytest.raises(ValueError, match=rf"features of {model.name}: got {came}, more than float16 can hold"):
        features.extract(model, images, batch_size=2)
    assert not cache.cache_dir().exists()


def test_largest_number_that_float16_holds_is_kept():
    model = keras.Sequential([keras.Input((1, 1, 1)), keras.layers.Rescaling(65504 / 255)])
    got = features.extract(model, np.full((1, 1, 1, 1), 255, "uint8"))
    assert got.item() == 65504 and np.isfinite(got).all()


def test_full_disk_costs_time_and_not_the_features(backbone, monkeypatch, capsys):
    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(cache.os, "replace", full)
    got = features.extract(backbone, pictures())
    assert "No space left on device. Make room there, or set TLBOOK_CACHE" in capsys.readouterr().out
    np.testing.assert_allclose(got, plain(backbone, pictures()), rtol=2e-3)


def test_fingerprint_is_short_and_depends_on_values_shapes_dtypes_and_text():
    array = np.arange(6, dtype="int32").reshape(2, 3)
    prints = [
        cache.fingerprint(*arrays, text=text)
        for arrays, text in (
            ([], ()),
            ([array], ()),
            ([array + 1], ()),
            ([array.reshape(3, 2)], ()),
            ([array.T], ()),
            ([array.view("float32")], ()),
            ([array, array], ()),
            ([array], ["a"]),
            ([array], ["a", "b"]),
            ([array], ["a", True]),
        )
    ]
    assert len(set(prints)) == len(prints)
    assert all(len(each) == 20 and int(each, 16) >= 0 for each in prints)


def test_fingerprint_does_not_depend_on_the_layout_in_memory():
    array = np.arange(24, dtype="uint8").reshape(4, 6)
    assert cache.fingerprint(array[::2, ::2]) == cache.fingerprint(array[::2, ::2].copy())
    assert cache.fingerprint(np.asfortranarray(array)) == cache.fingerprint(array)
