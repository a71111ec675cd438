"""The character LSTM of another package: how it is read, converted and rebuilt, and every way the file can be wrong."""

import io
import json
import tarfile

import h5py
import keras
import numpy as np
import pytest

from tlbook.backbones import textgenrnn
from tlbook.files import assets, sources

RNG = np.random.default_rng(0)
UNITS, WIDTH = 3, 2  # small, and different: a swap of axes shows
VOCABULARY = {"a": 1, " ": 2, "b": 3, "<s>": 4}
ARRAYS = {
    "embedding": {"embeddings": (5, 2)},
    "rnn_1": {"kernel": (2, 12), "recurrent_kernel": (3, 12), "bias": (24,)},
    "rnn_2": {"kernel": (3, 12), "recurrent_kernel": (3, 12), "bias": (24,)},
    "attention": {"attention_W": (8, 1)},
    "output": {"kernel": (8, 5), "bias": (5,)},
}
ARRAYS = {
    layer: {part: RNG.normal(size=shape).astype("float32") for part, shape in parts.items()}
    for layer, parts in ARRAYS.items()
}


@pytest.fixture(autouse=True)
def small(request, monkeypatch):
    """Make the network small, but for the tests that read the real file."""
    if not request.node.get_closest_marker("real"):
        monkeypatch.setattr(textgenrnn, "UNITS", UNITS)
        monkeypatch.setattr(textgenrnn, "WIDTH", WIDTH)


def hdf5(arrays=ARRAYS, also=lambda file: None):
    content = io.BytesIO()
    with h5py.File(content, "w") as file:
        for layer, parts in arrays.items():
            for part, array in parts.items():
                file[f"{layer}/{layer}/{part}:0"] = array
        file.create_group("rnn_concat")
        also(file)
    return content.getvalue()


def write(path, weights=None, vocabulary=VOCABULARY, link=None):
    """An archive as the package index serves it. Its setup.py ends the program of whoever runs it."""
    names = vocabulary if isinstance(vocabulary, bytes) else json.dumps(vocabulary).encode()
    files = {
        "setup.py": b"raise SystemExit('run, although it is only data')",
        "textgenrnn/textgenrnn_weights.hdf5": hdf5() if weights is None else weights,
        "textgenrnn/textgenrnn_vocab.json": names,
    }
    with tarfile.open(path, "w:gz") as archive:
        for name, content in files.items():
            member = tarfile.TarInfo(f"textgenrnn-2.0.0/{name}")
            if name == link:
                member.type, member.linkname = tarfile.SYMTYPE, "/etc/hostname"
                content = b""
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content))
    return path


def test_read(tmp_path):
    arrays, vocabulary = textgenrnn.read(write(tmp_path / "t.tar.gz"))
    assert vocabulary == VOCABULARY
    for layer, parts in ARRAYS.items():
        for got, expected in zip(arrays[layer], parts.values(), strict=True):
            np.testing.assert_array_equal(got, expected)
    assert [path.name for path in tmp_path.iterdir()] == ["t.tar.gz"], "something was unpacked"


@pytest.mark.parametrize(
    "damage",
    [
        lambda _: b"",
        lambda _: b"no archive",
        lambda good: good[:-200],
        lambda good: good[:300] + bytes(40) + good[340:],
    ],
    ids=["empty", "text", "cut", "changed"],
)
def test_damaged_archive(tmp_path, damage):
    path = write(tmp_path / "t.tar.gz")
    path.write_bytes(damage(path.read_bytes()))
    with pytest.raises(ValueError, match=r"t\.tar\.gz cannot be read as the archive textgenrnn 2\.0\.0"):
        textgenrnn.read(path)


def test_missing_archive(tmp_path):
    with pytest.raises(ValueError, match=r"t\.tar\.gz cannot be read as the archive textgenrnn 2\.0\.0.*No such file"):
        textgenrnn.read(tmp_path / "t.tar.gz")


def without(layer):
    return hdf5({name: parts for name, parts in ARRAYS.items() if name != layer})


@pytest.mark.parametrize("weights", [b"no weights", hdf5()[:900], without("rnn_2")], ids=["text", "cut", "no layer"])
def test_archive_whose_weights_are_no_weights(tmp_path, weights):
    with pytest.raises(ValueError, match=r"t\.tar\.gz cannot be read as the archive textgenrnn 2\.0\.0"):
        textgenrnn.read(write(tmp_path / "t.tar.gz", weights))


@pytest.mark.parametrize("link", ["textgenrnn/textgenrnn_weights.hdf5", "textgenrnn/textgenrnn_vocab.json"])
def test_link_to_another_file_is_refused(tmp_path, link):
    with pytest.raises(ValueError, match="no regular file"):
        textgenrnn.read(write(tmp_path / "t.tar.gz", link=link))


def test_member_that_is_too_large_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(textgenrnn, "_LARGEST", 100)
    with pytest.raises(ValueError, match="at most 100 bytes"):
        textgenrnn.read(write(tmp_path / "t.tar.gz"))


def test_link_inside_the_weights_is_not_followed(tmp_path):
    """HDF5 can name arrays of other files: a private file would pass for weights."""
    with h5py.File(tmp_path / "private.h5", "w") as file:
        file["secret"] = ARRAYS["attention"]["attention_W"]

    def link(file):
        file["attention/attention/attention_W:0"] = h5py.ExternalLink(str(tmp_path / "private.h5"), "secret")

    others = {name: parts for name, parts in ARRAYS.items() if name != "attention"}
    with pytest.raises(ValueError, match="attention_W"):
        textgenrnn.read(write(tmp_path / "t.tar.gz", hdf5(others, link)))


def test_numbers_stored_outside_the_weights_are_not_read(tmp_path):
    (tmp_path / "private").write_bytes(ARRAYS["attention"]["attention_W"].tobytes())

    def outside(file):
        place = [(str(tmp_path / "private"), 0, 32)]
        file.create_dataset("attention/attention/attention_W:0", (8, 1), "float32", external=place)

    others = {name: parts for name, parts in ARRAYS.items() if name != "attention"}
    with pytest.raises(ValueError, match="does not lie in this file"):
        textgenrnn.read(write(tmp_path / "t.tar.gz", hdf5(others, outside)))


@pytest.mark.parametrize(
    ("layer", "part", "array"),
    [
        ("rnn_1", "bias", np.zeros(12, "float32")),  # an LSTM's, not a CuDNNLSTM's
        ("rnn_2", "kernel", np.zeros((12, 3), "float32")),
        ("output", "bias", np.zeros(5, "float64")),
        ("embedding", "embeddings", np.full((5, 2), np.nan, "float32")),
        ("embedding", "embeddings", np.zeros((6, 2), "float32")),  # more characters than the vocabulary names
    ],
)
def test_array_of_another_kind_is_refused(tmp_path, layer, part, array):
    changed = ARRAYS | {layer: ARRAYS[layer] | {part: array}}
    with pytest.raises(ValueError, match=f"{layer} holds .*expected finite float32"):
        textgenrnn.read(write(tmp_path / "t.tar.gz", hdf5(changed)))


@pytest.mark.parametrize(
    ("vocabulary", "message"),
    [
        (b"{", "cannot be read as the archive"),
        (b"\xff", "cannot be read as the archive"),
        (["a"], "does not number"),
        ({"a": 0, "<s>": 1}, "does not number"),
        ({"a": 1, "<s>": 1}, "does not number"),
        ({"a": "1", "<s>": 2}, "does not number"),
        ({"a": 1}, "lacks <s>"),
    ],
)
def test_vocabulary_of_another_form_is_refused(tmp_path, vocabulary, message):
    with pytest.raises(ValueError, match=message):
        textgenrnn.read(write(tmp_path / "t.tar.gz", vocabulary=vocabulary))


def test_conversion_against_the_equations():
    """cuDNN computes W x + U h + b + d with matrices (units, inputs), gate after gate: i, f, c, o."""
    inputs, units, steps = 2, 3, 4
    W, U = RNG.normal(size=(4, units, inputs)), RNG.normal(size=(4, units, units))
    b, d = RNG.normal(size=(4, units)), RNG.normal(size=(4, units))
    x = RNG.normal(size=(steps, inputs))
    h = c = np.zeros(units)
    for x_t in x:
        i, f, new, o = (W[g] @ x_t + U[g] @ h + b[g] + d[g] for g in range(4))
        c = c / (1 + np.exp(-f)) + np.tanh(new) / (1 + np.exp(-i))
        h = np.tanh(c) / (1 + np.exp(-o))
    # As Keras 2 wrote it: the numbers of each matrix in their order, under the shape (inputs, units).
    kernel = np.hstack([gate.reshape(inputs, units) for gate in W])
    recurrent = np.hstack(list(U))
    converted = textgenrnn.from_cudnn(kernel, recurrent, np.concatenate([b.ravel(), d.ravel()]))
    layer = keras.layers.LSTM(units, dtype="float64")
    layer.build((None, None, inputs))
    layer.set_weights(converted)
    np.testing.assert_allclose(layer(x[None])[0], h, rtol=1e-10)
    assert not np.allclose(converted[0], kernel) and converted[0].shape == kernel.shape


@pytest.mark.parametrize(
    ("kernel", "recurrent", "bias"), [((2, 12), (3, 12), (12,)), ((2, 9), (3, 12), (24,)), ((2, 12), (4, 12), (24,))]
)
def test_conversion_of_arrays_that_do_not_belong_together(kernel, recurrent, bias):
    with pytest.raises(ValueError, match=r"kernel, recurrent, bias: got shapes"):
        textgenrnn.from_cudnn(np.zeros(kernel), np.zeros(recurrent), np.zeros(bias))


def loaded(tmp_path):
    arrays, vocabulary = textgenrnn.read(write(tmp_path / "t.tar.gz"))
    return textgenrnn.build(len(vocabulary) + 1, arrays), arrays


def test_network_is_an_attention_over_embedding_and_states(tmp_path):
    model, arrays = loaded(tmp_path)
    inputs, _ = textgenrnn.windows(["ab a"], VOCABULARY)
    embedded = arrays["embedding"][0][inputs]
    first = np.asarray(model.get_layer("rnn_1")(embedded))
    second = np.asarray(model.get_layer("rnn_2")(first))
    together = np.concatenate([embedded, first, second], axis=-1)
    score = np.exp(together @ arrays["attention"][0])
    mean = (together * score / score.sum(axis=1, keepdims=True)).sum(axis=1)
    expected = mean @ arrays["output"][0] + arrays["output"][1]
    np.testing.assert_allclose(model(inputs), expected, rtol=1e-4, atol=1e-5)


def test_weights_that_do_not_fit_are_refused(tmp_path):
    arrays, _ = textgenrnn.read(write(tmp_path / "t.tar.gz"))
    with pytest.raises(ValueError, match="shape"):
        textgenrnn.build(7, arrays)
    with pytest.raises(ValueError, match="shape"):  # the two biases
        textgenrnn.load_weights(textgenrnn.build(5), arrays, convert=lambda *found: list(found))


def test_network_of_no_characters_is_refused():
    with pytest.raises(ValueError, match="characters: got 1"):
        textgenrnn.build(1)


def test_windows_end_where_the_target_begins():
    inputs, targets = textgenrnn.windows(["ab?", "b"], VOCABULARY)
    assert inputs.shape == (4, 40) and targets.tolist() == [1, 3, 0, 3]
    assert inputs[:, -3:].tolist() == [[0, 0, 4], [0, 4, 1], [4, 1, 3], [0, 0, 4]]
    long, _ = textgenrnn.windows(["a" * 50], VOCABULARY)
    assert set(long[45]) == {1}


@pytest.mark.parametrize("texts", ["a text", [], [""]])
def test_windows_of_nothing(texts):
    with pytest.raises(ValueError, match="texts: got"):
        textgenrnn.windows(texts, VOCABULARY)


class Stub:
    """A model that always wants the same."""

    def __init__(self, *logits):
        self.logits = np.array(logits, "float32")

    def predict_on_batch(self, inputs):
        return np.tile(self.logits, (len(inputs), 1))


def test_generate_draws_from_the_model():
    model = Stub(50, 1, -50, 0, -50)  # the logits of "a" are 1 above those of "b", and nothing else comes
    text = textgenrnn.generate(model, VOCABULARY, 1.0, longest=2000)
    assert len(text) == 2000 and set(text) == {"a", "b"}, "padding is no character"
    assert abs(text.count("a") / 2000 - np.e / (1 + np.e)) < 0.05
    assert set(textgenrnn.generate(model, VOCABULARY, 0.01, longest=50)) == {"a"}
    assert textgenrnn.generate(model, VOCABULARY, 1.0, longest=50) == text[:50]
    assert textgenrnn.generate(model, VOCABULARY, 1.0, start="b ", longest=9).startswith("b ")


def test_generate_stops_at_the_end_of_a_text():
    assert textgenrnn.generate(Stub(0, 0, 0, 0, 50), VOCABULARY, 1.0) == ""


def test_generate_asks_a_real_network_about_the_text_so_far(tmp_path):
    model, _ = loaded(tmp_path)
    text = textgenrnn.generate(model, VOCABULARY, 1e-6, start="ab", longest=3)
    logits = np.asarray(model(textgenrnn.windows(["abx"], VOCABULARY)[0][-1:]))[0, 1:]
    likeliest = {number: character for character, number in VOCABULARY.items()}[1 + int(logits.argmax())]
    assert text == ("ab" if likeliest == "<s>" else "ab" + likeliest)


@pytest.mark.parametrize("temperature", [0, -1, np.nan])
def test_generate_at_no_temperature(temperature):
    with pytest.raises(ValueError, match="temperature: got"):
        textgenrnn.generate(None, VOCABULARY, temperature)


def test_pretrained_comes_with_its_vocabulary_and_its_source(tmp_path, monkeypatch):
    archive, source = write(tmp_path / "t.tar.gz"), sources.Source("textgenrnn", "mirror", "A test.")
    monkeypatch.setattr(sources, "find", lambda asset: (archive, source) if asset is assets.TEXTGENRNN else None)
    model, vocabulary, came = textgenrnn.pretrained()
    assert vocabulary == VOCABULARY and came is source
    for layer in ("rnn_1", "rnn_2"):
        expected = textgenrnn.from_cudnn(*ARRAYS[layer].values())
        assert all(map(np.array_equal, model.get_layer(layer).get_weights(), expected))


def test_without_the_archive_nothing_stands_in():
    with pytest.raises(sources.NotFound, match="textgenrnn"):
        textgenrnn.pretrained()


@pytest.mark.real
def test_real_network_knows_english():
    found, _ = sources.find_local(assets.TEXTGENRNN)
    if not found:
        pytest.skip("textgenrnn is not in the cache")
    model, vocabulary, _ = textgenrnn.pretrained()
    inputs, targets = textgenrnn.windows(["What is the best way to learn a new language?"], vocabulary)
    assert np.mean(np.asarray(model(inputs)).argmax(axis=1) == targets) > 0.5
