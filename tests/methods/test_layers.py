"""Layers: pooled by hand, of one size, redrawn with nothing but their statistics, and bits that come back."""

import keras
import numpy as np
import pytest

from tlbook import heads
from tlbook.methods import generative, layers

PICTURES = np.random.default_rng(0).uniform(-1, 1, (7, 16, 16, 3)).astype("float32")


def relus(body):
    return [layer.name for layer in body.layers if isinstance(layer, keras.layers.ReLU)]


def test_layers_are_pooled_in_quarters():
    body = generative.body()
    found = layers.read(layers.pooled(body, relus(body)), PICTURES, batch_size=3)
    assert [layer.shape for layer in found] == [(7, 4 * channels) for channels in (32, 64, 96)]
    maps = keras.ops.convert_to_numpy(body(PICTURES))
    np.testing.assert_allclose(found[-1][:, :96], maps[:, :2, :2].mean(axis=(1, 2)), atol=1e-5)
    np.testing.assert_allclose(found[-1][:, -96:], maps[:, 2:, 2:].mean(axis=(1, 2)), atol=1e-5)


def test_a_map_of_one_place_stays():
    inputs = keras.Input((1, 1, 3))
    model = keras.Model(inputs, keras.layers.ReLU(name="out")(inputs))
    (found,) = layers.read(layers.pooled(model, ["out"]), np.ones((2, 1, 1, 3), "float32"))
    assert found.tolist() == [[1, 1, 1]] * 2


@pytest.mark.parametrize("side", [3, 5, 7])
def test_an_odd_map_has_no_more_parts_and_loses_no_place(side):
    inputs = keras.Input((side, side, 1))
    model = keras.Model(inputs, keras.layers.ReLU(name="out")(inputs))
    maps = np.random.default_rng(0).uniform(0, 1, (2, side, side, 1)).astype("float32")
    (found,) = layers.read(layers.pooled(model, ["out"]), maps)
    half = side // 2 + 1
    halves = slice(half), slice(half, None)
    parts = [maps[:, rows, columns].mean(axis=(1, 2, 3)) for rows in halves for columns in halves]
    np.testing.assert_allclose(found, np.stack(parts, axis=1), atol=1e-6)


def test_a_layer_without_a_map_is_refused():
    model = generative.with_head(generative.body(), 2)
    for name in ("head", "nowhere"):
        with pytest.raises(ValueError, match=f"names: got '{name}'"):
            layers.pooled(model, [name])


def test_the_axes_are_those_of_the_examples_that_are_fitted():
    rng = np.random.default_rng(0)
    wide, labels = rng.normal(size=(40, 300)), np.arange(40) % 2
    wide[:, 0] += 5 * labels
    wide[:, 1:30] = wide[:, :1]  # so that the first axis holds the label
    probe = heads.probe_by_folds(wide, labels, C=(0.1, 1.0), make=layers.matched(3))
    assert probe.pipeline[-1].coef_.shape == (1, 3) and probe.validation_score > 0.9
    few = heads.linear_probe(wide[:6], labels[:6], 1.0, layers.matched(64))
    assert few.pipeline[-1].coef_.shape == (1, 6), "no more axes than examples"
    with pytest.raises(ValueError, match="size: got 0"):
        layers.matched(0)


def test_redrawn_weights_keep_mean_and_deviation_alone():
    model = generative.with_head(generative.body(), 500)
    old = model.get_layer("head").get_weights()[0]
    model.get_layer("head").kernel.assign(old * 3 + 1)
    old, running = old * 3 + 1, [keras.ops.convert_to_numpy(v) for v in model.non_trainable_variables]
    layers.redrawn(model, seed=0)
    new = model.get_layer("head").get_weights()[0]
    assert np.isclose(new.mean(), old.mean(), atol=0.01) and np.isclose(new.std(), old.std(), rtol=0.02)
    assert abs(np.corrcoef(new.ravel(), old.ravel())[0, 1]) < 0.02
    assert all(
        np.array_equal(a, keras.ops.convert_to_numpy(b))
        for a, b in zip(running, model.non_trainable_variables, strict=True)
    )
