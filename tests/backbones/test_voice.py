"""The voice encoder: its weights, its input, its layers, and what it refuses."""

import zipfile

import numpy as np
import pytest
from checkpoints import in_one_storage, legacy, name, one_file_wheel, plain, zipped
from made_inputs import chirp

from tlbook import evaluation
from tlbook.backbones import voice
from tlbook.data import digits
from tlbook.files import assets, cache, checkpoints, sources
from tlbook.inputs import sound

RNG = np.random.default_rng(0)
SHAPES = {
    **{f"lstm.weight_ih_l{n}": (1024, 256 if n else 40) for n in range(3)},
    **{f"lstm.weight_hh_l{n}": (1024, 256) for n in range(3)},
    **{f"lstm.bias_{side}_l{n}": (1024,) for n in range(3) for side in ("ih", "hh")},
    "linear.weight": (256, 256),
    "linear.bias": (256,),
}
TENSORS = {key: (RNG.normal(size=shape) / 10).astype("float32") for key, shape in SHAPES.items()}


def write_wheel(path, content, member="resemblyzer/pretrained.pt"):
    return one_file_wheel(path, content, member)


def checkpoint(tensors, write=legacy):
    opcodes, numbers = in_one_storage(tensors)
    return write(b"}" + plain("model_state") + opcodes + b"s", numbers)


@pytest.fixture
def wheel(user_cache):
    """Return the real wheel, from the user's cache."""
    path = user_cache / assets.RESEMBLYZER.file_name
    if not path.is_file():
        pytest.skip("needs the voice encoder: run python -m tlbook fetch")
    return path


@pytest.fixture(scope="module")
def small():
    """Return an encoder with random weights in PyTorch's layout, its tensors, and an input."""
    return voice.build(voice.convert(TENSORS)), RNG.random((2, 12, 40), "float32")


def sigmoid(a):
    return 1 / (1 + np.exp(-a))


def torch_states(x, tensors):
    """The states of the three layers by PyTorch's equations, one sequence, 64 bits."""
    found = []
    for n in range(3):
        W, U, b, d = (
            tensors[f"lstm.{part}_l{n}"].astype("float64") for part in ("weight_ih", "weight_hh", "bias_ih", "bias_hh")
        )
        h, c, states = np.zeros(256), np.zeros(256), []
        for x_t in x:
            i, f, g, o = np.split(W @ x_t + b + U @ h + d, 4)
            c = sigmoid(f) * c + sigmoid(i) * np.tanh(g)
            h = sigmoid(o) * np.tanh(c)
            states.append(h)
        x = np.array(states)
        found.append(x)
    return found


def test_layers_follow_the_equations(small):
    model, inputs = small
    outputs = {key: np.asarray(value) for key, value in model(inputs, training=False).items()}
    assert {key: value.shape for key, value in outputs.items()} == {
        **{f"lstm{n}": (2, 12, 256) for n in (1, 2, 3)},
        "embedding": (2, 256),
    }
    for sequence in range(2):
        states = torch_states(inputs[sequence], TENSORS)
        for n in range(3):
            assert np.allclose(outputs[f"lstm{n + 1}"][sequence], states[n], atol=1e-5)
        raw = np.maximum(TENSORS["linear.weight"] @ states[2][-1] + TENSORS["linear.bias"], 0)
        assert np.allclose(outputs["embedding"][sequence], raw / np.linalg.norm(raw), atol=1e-5)


@pytest.mark.parametrize("write", [legacy, zipped])
def test_wheel_is_read_without_running_it(tmp_path, write):
    weights = voice.read(write_wheel(tmp_path / "a.whl", checkpoint(TENSORS, write)))
    expected = voice.convert(TENSORS)
    assert list(weights) == ["lstm1", "lstm2", "lstm3", "linear"]
    for key, arrays in weights.items():
        assert all(np.array_equal(a, b) for a, b in zip(arrays, expected[key], strict=True))
        assert all(array.dtype == np.float32 and array.flags.writeable for array in arrays)
    assert np.array_equal(weights["lstm2"][1], TENSORS["lstm.weight_hh_l1"].T)
    assert np.array_equal(weights["lstm3"][2], TENSORS["lstm.bias_ih_l2"] + TENSORS["lstm.bias_hh_l2"])


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"lstm.bias_hh_l1": None}, r"tensors: lstm\.bias_hh_l1 is missing; got \["),
        ({"linear.weight": None}, r"tensors: linear\.weight is missing"),
        ({"lstm.weight_ih_l0": np.zeros((40, 1024), "f4")}, r"got float32 \(40, 1024\), expected float32 \(1024, 40\)"),
        ({"linear.bias": np.zeros(255, "f4")}, r"linear\.bias: got float32 \(255,\)"),
        ({"lstm.weight_hh_l2": np.full((1024, 256), np.nan, "f4")}, r"lstm\.weight_hh_l2: got numbers that are not"),
        ({"lstm.bias_ih_l0": np.full(1024, np.inf, "f4")}, r"lstm\.bias_ih_l0: got numbers that are not finite"),
    ],
)
def test_wheel_of_other_weights(tmp_path, change, message):
    tensors = {key: array for key, array in (TENSORS | change).items() if array is not None}
    path = write_wheel(tmp_path / "other.whl", checkpoint(tensors))
    with pytest.raises(ValueError, match=rf"other\.whl cannot be read .*{message}"):
        voice.read(path)


def test_tensor_of_another_dtype():
    with pytest.raises(ValueError, match=r"linear\.bias: got float64 \(256,\), expected float32 \(256,\)"):
        voice.convert(TENSORS | {"linear.bias": np.zeros(256)})


def test_wheel_that_is_none(tmp_path):
    good = checkpoint(TENSORS)
    text = tmp_path / "text.whl"
    text.write_text("no zip file")
    cut = write_wheel(tmp_path / "cut.whl", good)
    cut.write_bytes(cut.read_bytes()[:100_000])
    other = write_wheel(tmp_path / "other.whl", good, member="something/else.pt")
    damaged = write_wheel(tmp_path / "damaged.whl", good[:-8])
    for path in (text, cut, other, damaged, tmp_path / "none.whl"):
        with pytest.raises(ValueError, match=rf"{path.name} cannot be read as the wheel resemblyzer 0\.1\.4: "):
            voice.read(path)


def test_malicious_wheel(tmp_path):
    owned = tmp_path / "owned"
    opcodes = name("os", "system") + b"(" + plain(f"touch {owned}") + b"tR"
    for write in (legacy, zipped):
        path = write_wheel(tmp_path / "a.whl", write(opcodes))
        with pytest.raises(ValueError, match=r"it wants os\.system, which is not allowed"):
            voice.read(path)
    assert not owned.exists()


def test_missing_wheel_is_an_error_and_never_random_weights():
    with pytest.raises(sources.NotFound, match="resemblyzer"):
        voice.pretrained()


def test_shuffled_keeps_the_numbers_and_not_their_places():
    weights = voice.convert(TENSORS)
    first, again, other = (voice.shuffled(weights, seed) for seed in (0, 0, 1))
    for key, arrays in weights.items():
        for position, array in enumerate(arrays):
            assert np.array_equal(np.sort(first[key][position], None), np.sort(array, None))
            assert not np.array_equal(first[key][position], array)
            assert np.array_equal(first[key][position], again[key][position])
            assert not np.array_equal(first[key][position], other[key][position])


def test_real_encoder_is_found_in_the_cache_and_is_that_of_pytorch(wheel, capsys):
    """The numbers are what PyTorch 2.14.1 computes with the same file and the same sound."""
    cache.cache_dir().mkdir(exist_ok=True)
    (cache.cache_dir() / wheel.name).symlink_to(wheel)
    model, source = voice.pretrained()
    assert source.kind == "cache" and "resemblyzer 0.1.4" in capsys.readouterr().out
    outputs = model(sound.mel_power(chirp(), 16_000)[None], training=False)
    outputs = {key: np.asarray(value)[0] for key, value in outputs.items()}
    for layer, expected in {
        "lstm1": [0.16160320, -0.00778684, 0.01420916, 0.06104915],
        "lstm2": [0.16313006, -0.07346106, 0.12103718, -0.30072838],
        "lstm3": [0.05156581, 0.19009292, 0.10202764, -0.21328850],
    }.items():
        assert np.allclose(outputs[layer][-1, :4], expected, atol=2e-4)
    embedding = outputs["embedding"]
    assert (-embedding).argsort()[:5].tolist() == [20, 118, 127, 238, 66]
    assert np.allclose(np.sort(embedding)[::-1][:3], [0.30852184, 0.21294171, 0.20994078], atol=2e-4)
    assert np.isclose(np.linalg.norm(embedding), 1, atol=1e-5)


def test_real_checkpoint(wheel):
    with zipfile.ZipFile(wheel) as archive:
        saved = checkpoints.read_checkpoint(archive.read("resemblyzer/pretrained.pt"))
    assert saved["step"] == 1_564_501
    assert {key: array.shape for key, array in saved["model_state"].items() if key in SHAPES} == SHAPES


def test_window_cuts_and_fills():
    long, short = np.ones((170, 40), "float32"), np.ones((10, 40), "float32")
    assert np.array_equal(voice.window(long), np.ones((160, 40)))
    filled = voice.window(short)
    assert filled.shape == (160, 40) and filled.sum() == 400 and filled[:10].all()


def test_pooled():
    states = np.arange(14, dtype="float32").reshape(7, 2)
    found = voice.pooled(states)
    assert found["mean"].tolist() == [6, 7] and found["last"].tolist() == [12, 13]
    assert found["thirds"].tolist() == [2, 3, 7, 8, 11, 12]  # 3, 2 and 2 frames
    with pytest.raises(ValueError, match="states: got 2 frames, expected 3 or more"):
        voice.pooled(states[:2])


def test_features_do_not_depend_on_the_company(small):
    """What a layer says of a recording over its own frames is the same alone, in a batch, and whatever fills it up."""
    model, _ = small
    waveforms = [chirp(8_000)[: 3_000 + 500 * n].astype("float32") for n in range(3)] + [chirp(8_000).repeat(3)]
    found = voice.features(model, waveforms, 8_000, batch_size=2)
    assert found["embedding"].shape == (4, 256) and found["log-mel-thirds"].shape == (4, 120)
    assert {f"lstm{n}-{how}" for n in (1, 2, 3) for how in ("mean", "thirds", "last")} < set(found)
    alone = sound.mel_power(waveforms[1], 8_000)
    states = np.asarray(model(alone[None], training=False)["lstm2"])[0]
    assert np.allclose(found["lstm2-last"][1], states[-1], atol=1e-5)
    assert np.allclose(found["lstm2-mean"][1], states.mean(0), atol=1e-5)
    assert np.allclose(found["log-mel-mean"][1], np.log(alone + voice.QUIET).mean(0), atol=1e-4)


def test_features_are_kept_and_follow_weights_and_sound(small, monkeypatch):
    model, _ = small
    waveforms = [chirp(8_000)[:2_000].astype("float32")]
    first = voice.features(model, waveforms, 8_000)
    weights = model.get_weights()
    model.set_weights([weight / 2 for weight in weights])
    other = voice.features(model, waveforms, 8_000)
    model.set_weights(weights)
    louder = voice.features(model, [3 * waveforms[0]], 8_000)
    assert not np.allclose(first["embedding"], other["embedding"])
    assert not np.allclose(first["log-mel-mean"], louder["log-mel-mean"])
    monkeypatch.setattr(voice, "_features", None)  # cannot be called: it must come from the cache
    again = voice.features(model, waveforms, 8_000)
    assert all(np.array_equal(first[key], again[key]) for key in first)
    monkeypatch.setattr(voice, "versions", lambda: {"keras": "another"})
    with pytest.raises(TypeError):  # computed anew
        voice.features(model, waveforms, 8_000)


def test_features_refuse(small):
    with pytest.raises(ValueError, match="waveforms: got none"):
        voice.features(small[0], [], 8_000)
    with pytest.raises(ValueError, match="waveform: got numbers that are not finite"):
        voice.features(small[0], [np.full(800, np.nan)], 8_000)


@pytest.mark.real
def test_real_digits_know_their_speakers():
    recordings = digits.load()
    chosen = np.flatnonzero(recordings.takes < 2)
    model, _ = voice.pretrained()
    waveforms = [recordings.waveforms[i] for i in chosen]
    vectors = voice.features(model, waveforms, sound.DIGITS.rate)["embedding"]
    assert evaluation.one_shot(vectors, recordings.speakers[chosen], 50, np.random.default_rng(0)).mean() > 0.6
