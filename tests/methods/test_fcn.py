"""A class for every pixel: maps of a body, heads on them, and a network with fresh weights."""

import keras
import numpy as np
import pytest

from tlbook.backbones import vgg16
from tlbook.methods import fcn


@pytest.fixture(scope="module")
def body():
    keras.utils.set_random_seed(0)
    return vgg16.build((32, 32, 3))


@pytest.fixture(scope="module")
def pictures():
    return np.random.default_rng(0).integers(256, size=(4, 32, 32, 3)).astype("uint8")


def maps_of(*sides, n=3, channels=4):
    rng = np.random.default_rng(1)
    return [rng.normal(3, 2, size=(n, side, side, channels)).astype("float16") for side in sides]


def test_maps_are_those_of_the_body_the_deepest_first(body, pictures):
    maps = fcn.read(body, pictures)
    assert [each.shape for each in maps] == [(4, 1, 1, 512), (4, 2, 2, 512), (4, 4, 4, 256)]
    for block, found in zip(("block5_pool", "block4_pool", "block3_pool"), maps, strict=True):
        expected = np.asarray(keras.Model(body.input, body.get_layer(block).output)(pictures.astype("float32")))
        assert np.allclose(found, expected, rtol=0.02, atol=0.02 * expected.std())


def test_layer_that_the_body_lacks(body, pictures):
    with pytest.raises(ValueError, match="at: got 'block9_pool'"):
        fcn.read(body, pictures, ("block9_pool",))


def test_head_of_one_map_is_a_dense_layer_at_every_cell_enlarged():
    (deep,) = maps = maps_of(2)
    model = fcn.head(maps, 8, 3)
    kernel = np.random.default_rng(2).normal(size=(1, 1, 4, 3)).astype("float32")
    model.layers[2].set_weights([kernel, np.arange(3.0)])
    logits = np.asarray(model([deep.astype("float32")]))
    flat = deep.astype("float64")
    standard = (flat - flat.mean(axis=(0, 1, 2))) / flat.std(axis=(0, 1, 2))
    cells = standard @ kernel[0, 0] + np.arange(3)
    assert logits.shape == (3, 8, 8, 3)
    corners = logits[:, ::7, ::7]  # bilinear: beyond the last centre of a cell its value stays
    assert np.allclose(corners, cells, atol=1e-2)


def test_scores_of_maps_add_up_and_the_finest_one_gives_the_name():
    maps = maps_of(1, 2, 4)
    model = fcn.head(maps, 32, 3)
    assert model.name == "fcn_8" and model.output_shape == (None, 32, 32, 3)
    assert fcn.head(maps[:1], 32, 3).name == "fcn_32"
    assert np.allclose(np.asarray(model([each.astype("float32") for each in maps])), 0), "it starts from zero"


@pytest.mark.parametrize(("sides", "size"), [((2, 3), 12), ((2, 4), 10)])
def test_maps_that_do_not_fit(sides, size):
    with pytest.raises(ValueError, match=f"size: got {size} for maps of sides"):
        fcn.head(maps_of(*sides), size, 3)


def test_channel_that_never_varies_does_no_harm():
    maps = maps_of(2)
    maps[0][..., 0] = 7
    assert np.isfinite(np.asarray(fcn.head(maps, 4, 2)([maps[0].astype("float32")]))).all()


def test_head_learns_where_a_map_tells_the_class():
    rng = np.random.default_rng(0)
    cells = rng.integers(3, size=(12, 4, 4))
    maps = [np.eye(3, dtype="float16")[cells]]
    masks = cells.repeat(4, axis=1).repeat(4, axis=2).astype("uint8")
    model = fcn.head(maps, 16, 3)
    history = fcn.fit(model, maps, masks, epochs=30, rate=0.1)
    answer = fcn.answer(model, maps)
    assert history["loss"][-1] < history["loss"][0] and answer.dtype == np.uint8 and answer.shape == masks.shape
    assert np.mean(answer == masks) > 0.7


@pytest.mark.parametrize("inputs", [np.zeros((3, 4, 4, 1)), [np.zeros((2, 4, 4, 1)), np.zeros((3, 2, 2, 1))]])
def test_a_mask_for_each_picture(inputs):
    with pytest.raises(ValueError, match=r"inputs: got .*3\], expected one for each of 2 masks"):
        fcn.Batches(inputs, np.zeros((2, 4, 4), int))


def test_whole_network_learns_colours():
    rng = np.random.default_rng(0)
    masks = np.repeat(np.repeat(rng.integers(2, size=(8, 4, 4)), 8, 1), 8, 2).astype("uint8")
    images = np.where(masks[..., None] == 1, [220, 30, 30], [30, 30, 220]).astype("uint8")
    keras.utils.set_random_seed(0)
    model = fcn.whole(32, 2, width=4)
    fcn.fit(model, images, masks, epochs=40, rate=1e-2)
    assert np.mean(fcn.answer(model, images) == masks) > 0.85


def test_whole_network_of_another_size():
    with pytest.raises(ValueError, match="size: got 48"):
        fcn.whole(48, 2)


def test_redrawn_weights_keep_mean_and_variance_of_each_array():
    rng = np.random.default_rng(0)
    arrays = {"a": (rng.exponential(0.3, (3, 3, 16, 32)).astype("float32"), rng.normal(2, 1, 500).astype("float32"))}
    again = vgg16.redrawn(arrays, 1)
    for old, new in zip(arrays["a"], again["a"], strict=True):
        assert new.shape == old.shape and new.dtype == np.float32 and not np.array_equal(new, old)
        assert abs(new.mean() - old.mean()) < 0.15 * old.std() and abs(new.std() / old.std() - 1) < 0.15
    assert np.array_equal(again["a"][0], vgg16.redrawn(arrays, 1)["a"][0])
