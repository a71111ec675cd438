"""Compression: files that agree with Keras, zeros where they belong, channels that are gone."""

import logging

import keras
import numpy as np
import pytest

from tlbook import backbones, features, heads
from tlbook.methods import compression

RNG = np.random.default_rng(0)
IMAGES = RNG.integers(0, 256, (12, 32, 32, 3), "uint8")


@pytest.fixture(scope="module")
def model():
    keras.utils.set_random_seed(0)
    model = heads.classifier(backbones.small_cnn(width=8), 10, dropout=0.5)
    for layer in model.layers:  # running statistics of a network that has seen pictures
        if isinstance(layer, keras.layers.BatchNormalization):
            layer.set_weights([w + 0.3 for w in layer.get_weights()])
    return model


def relative(found, expected):
    return np.abs(found - expected).max() / np.abs(expected).max()


@pytest.mark.slow
@pytest.mark.parametrize(("precision", "tolerance"), [("float32", 1e-5), ("float16", 1e-2), ("dynamic", 0.1)])
def test_a_litert_file_agrees_with_keras(model, precision, tolerance):
    content = compression.to_litert(model, precision)
    found, expected = compression.LiteRT(content)(IMAGES), features.forward(model, IMAGES)
    assert found.dtype == np.float32 and found.shape == expected.shape
    assert relative(found, expected) < tolerance


@pytest.mark.slow
def test_an_int8_file_is_smaller_and_near_and_takes_floats(model):
    content, whole = compression.to_litert(model, "int8", IMAGES), compression.to_litert(model)
    assert len(content) < 0.6 * len(whole)
    assert relative(compression.LiteRT(content)(IMAGES), features.forward(model, IMAGES)) < 0.2


def test_copies_standardise_as_the_original_does():
    keras.utils.set_random_seed(0)
    model = heads.classifier(backbones.small_cnn(width=4), 10)
    probe = heads.linear_probe(features.forward(backbone_of(model), IMAGES), np.arange(12) % 10, C=0.01)
    heads.start_from_probe(model, probe)
    for same in (compression.prune(model, 0), compression.thin(model, [])):
        assert relative(features.forward(same, IMAGES), features.forward(model, IMAGES)) < 1e-4


def backbone_of(model):
    return keras.Model(model.input, model.get_layer("flatten").output)


def test_the_converter_tells_readers_nothing(model, capsys, caplog):
    """It would name a folder of its own, which is gone by then."""
    logging.getLogger("tensorflow").setLevel("INFO")
    compression.to_litert(model)
    assert capsys.readouterr() == ("", "") and not caplog.records
    assert logging.getLogger("tensorflow").level == logging.INFO, "as it was"


def test_precisions_and_calibration_are_checked(model):
    with pytest.raises(ValueError, match="precision: got 'int4'"):
        compression.to_litert(model, "int4")
    for precision, calibration in (("int8", None), ("int8", IMAGES[:0]), ("float16", IMAGES)):
        with pytest.raises(ValueError, match="calibration: got"):
            compression.to_litert(model, precision, calibration)


def test_the_converter_asks_for_tensorflow(model, monkeypatch):
    monkeypatch.setattr(keras.backend, "backend", lambda: "jax")
    with pytest.raises(RuntimeError, match="Keras runs on jax"):
        compression.to_litert(model)


def test_bytes_that_are_no_file_are_refused():
    with pytest.raises(ValueError):
        compression.LiteRT(b"no file of LiteRT at all")


@pytest.mark.parametrize("share", [0, 0.5, 0.8])
def test_the_smallest_weights_become_zero_and_nothing_else(model, share):
    before = model.get_weights()
    pruned = compression.prune(model, share)
    for old, new in zip(before, pruned.get_weights(), strict=True):
        if old.ndim < 2:
            assert np.array_equal(old, new)
            continue
        gone = new == 0
        assert abs(gone.mean() - share) < 0.02
        assert np.array_equal(old[~gone], new[~gone])
        if share:
            assert np.abs(old[gone]).max() <= np.abs(old[~gone]).min()
    assert all(np.array_equal(a, b) for a, b in zip(before, model.get_weights(), strict=True))


@pytest.mark.parametrize("share", [-0.1, 1, 1.5, np.nan])
def test_shares_are_checked(model, share):
    with pytest.raises(ValueError, match="share: got"):
        compression.prune(model, share)


def chain():
    """A chain of convolutions without normalisation, as VGG16 is, whose second filter of `a` does nothing."""
    keras.utils.set_random_seed(1)
    inputs = keras.Input((8, 8, 3))
    x = keras.layers.Conv2D(4, 3, padding="same", activation="relu", name="a")(inputs)
    x = keras.layers.MaxPooling2D(2, name="pool")(x)
    x = keras.layers.Conv2D(6, 3, padding="same", activation="relu", name="b")(x)
    x = keras.layers.Flatten(name="flatten")(x)
    model = keras.Model(inputs, keras.layers.Dense(2, name="logits")(x))
    kernel, bias = model.get_layer("a").get_weights()
    kernel[..., 1], bias[1] = 0, 0
    model.get_layer("a").set_weights([kernel, bias])
    return model


def test_a_filter_that_does_nothing_is_not_missed():
    model = chain()
    smaller = compression.thin(model, ["a"], keep=0.75)
    assert smaller.get_layer("a").kernel.shape == (3, 3, 3, 3)
    assert smaller.get_layer("b").kernel.shape == (3, 3, 3, 6)
    x = RNG.random((5, 8, 8, 3), "float32")
    assert np.allclose(features.forward(smaller, x), features.forward(model, x), atol=1e-6)


def test_at_least_one_filter_stays():
    assert compression.thin(chain(), ["a"], keep=0.01).get_layer("a").filters == 1


@pytest.mark.parametrize(("names", "keep", "named"), [(["a"], 0, "keep"), (["a"], 1.1, "keep"), (["b"], 0.5, "names")])
def test_what_cannot_be_thinned_is_refused(names, keep, named):
    with pytest.raises(ValueError, match=f"{named}: got"):
        compression.thin(chain(), names, keep)


def test_zeros_pack_well_and_noise_does_not():
    noise = RNG.bytes(10_000)
    assert compression.zipped(bytes(10_000)) < 100 < 9_000 < compression.zipped(noise)


def test_functions_take_turns_and_the_fastest_call_counts():
    calls = []
    took = compression.side_by_side({"a": lambda: calls.append("a"), "b": lambda: calls.append("b")}, rounds=3)
    assert calls == ["a", "b"] * 4 and set(took) == {"a", "b"} and all(0 <= t < 1 for t in took.values())


@pytest.mark.parametrize(("functions", "rounds"), [({}, 3), ({"a": int}, 0)])
def test_nothing_to_time_is_refused(functions, rounds):
    with pytest.raises(ValueError, match="rounds: got"):
        compression.side_by_side(functions, rounds)
