"""BERT's network in Keras: three embeddings, and blocks of attention and dense layers, fresh or with given weights."""

import keras
import numpy as np

# What BERT's files hold and the network below does not need: the positions 0, 1, 2, ..., and a layer behind the first
# token that says whether one sentence follows another.
UNUSED = ("embeddings.position_ids", "pooler.dense.weight", "pooler.dense.bias")
KIND = {"model_type": "bert", "hidden_act": "gelu", "position_embedding_type": "absolute"}
_COUNTS = ("hidden_size", "num_attention_heads", "num_hidden_layers", "intermediate_size")
_COUNTS += ("vocab_size", "max_position_embeddings", "type_vocab_size")


def build(config, arrays=None):
    """Return the network: from the numbers of tokens, and a mask, to one vector a token.

    Parameters
    ----------
    config : dict
        Its sizes, named as in BERT's config.json.
    arrays : dict of str to numpy.ndarray, optional
        Its weights, named and shaped as PyTorch keeps them (`tensor_names`). Without them they are fresh: truncated
        normal with standard deviation `initializer_range`.

    Returns
    -------
    keras.Model
        Inputs `[ids, mask]`: int32 (n, tokens), and bool (n, tokens), False where a token only fills up its row.
        Output float32 (n, tokens, hidden_size).

    Raises
    ------
    ValueError
        For a configuration that lacks a size or describes another kind of network; for an array that is missing, left
        over, not finite, or of another shape or dtype.

    Source: Vaswani et al. (2017), section 3; Devlin et al. (2019) for the embeddings. Taught in chapter 5.3.
    """
    _check(config)
    width, heads = config["hidden_size"], config["num_attention_heads"]
    start = {"kernel_initializer": keras.initializers.TruncatedNormal(stddev=config["initializer_range"])}

    def embed(numbers, count, name):
        layer = keras.layers.Embedding(count, width, embeddings_initializer=start["kernel_initializer"], name=name)
        return layer(numbers)

    def norm(x, name):
        return keras.layers.LayerNormalization(epsilon=config["layer_norm_eps"], name=name)(x)

    ids = keras.Input((None,), dtype="int32", name="ids")
    mask = keras.Input((None,), dtype="bool", name="mask")
    positions = keras.ops.cumsum(keras.ops.ones_like(ids), axis=1) - 1
    x = embed(ids, config["vocab_size"], "word")
    x = x + embed(positions, config["max_position_embeddings"], "position")
    # Two types, for pairs of sentences: here there is one sentence, and its type is 0.
    x = norm(x + embed(keras.ops.zeros_like(ids), config["type_vocab_size"], "type"), "norm")
    for block in range(config["num_hidden_layers"]):
        attention = keras.layers.MultiHeadAttention(heads, width // heads, name=f"attention_{block}", **start)
        # (n, 1, tokens): whoever asks, nobody looks at a filler.
        x = norm(x + attention(x, x, attention_mask=mask[:, None]), f"norm_attention_{block}")
        wide = keras.layers.Dense(config["intermediate_size"], "gelu", name=f"wide_{block}", **start)
        narrow = keras.layers.Dense(width, name=f"narrow_{block}", **start)
        x = norm(x + narrow(wide(x)), f"norm_{block}")
    model = keras.Model([ids, mask], x, name="transformer")
    if arrays is not None:
        _load(model, arrays, config)
    return model


def tensor_names(config):
    """Return which arrays belong to which layer, in the layer's own order: dict of str to list of str."""
    names = {name: [f"embeddings.{name}_embeddings.weight"] for name in ("word", "position")}
    names["type"] = ["embeddings.token_type_embeddings.weight"]
    names["norm"] = ["embeddings.LayerNorm.weight", "embeddings.LayerNorm.bias"]
    for block in range(config["num_hidden_layers"]):
        for layer, parts in {
            "attention": [f"attention.{part}" for part in ("self.query", "self.key", "self.value", "output.dense")],
            "norm_attention": ["attention.output.LayerNorm"],
            "wide": ["intermediate.dense"],
            "narrow": ["output.dense"],
            "norm": ["output.LayerNorm"],
        }.items():
            names[f"{layer}_{block}"] = [
                f"encoder.layer.{block}.{part}.{kind}" for part in parts for kind in ("weight", "bias")
            ]
    return names


def _check(config):
    """Refuse what would load without an error and compute something else, such as another activation."""
    for key, expected in KIND.items():
        if config.get(key) != expected:
            raise ValueError(f"config: {key} is {config.get(key)!r}, expected {expected!r}")
    for key in _COUNTS:
        if type(config.get(key)) is not int or config[key] < 1:
            raise ValueError(f"config: {key} is {config.get(key)!r}, expected a whole number above 0")
    for key in ("layer_norm_eps", "initializer_range"):
        if type(config.get(key)) is not float or not 0 < config[key] < 1:
            raise ValueError(f"config: {key} is {config.get(key)!r}, expected a number between 0 and 1")
    width, heads = config["hidden_size"], config["num_attention_heads"]
    if width % heads:
        raise ValueError(f"config: hidden_size is {width}, expected a multiple of num_attention_heads, {heads}")


def _load(model, arrays, config):
    """Give every layer its arrays; every array that is not in UNUSED is used, once."""
    left = {name: array for name, array in arrays.items() if name not in UNUSED}
    for layer, names in tensor_names(config).items():
        targets, found = model.get_layer(layer).weights, []
        for name, target in zip(names, targets, strict=True):
            if name not in left:
                raise ValueError(f"arrays: {name} is missing")
            array = left.pop(name)
            # Dense layers: PyTorch keeps (out, in), Keras (in, out). Keras's attention also splits a side into heads.
            turned = array.T if name.startswith("encoder.") else array
            shape = (config["hidden_size"],) * array.ndim if layer.startswith("attention_") else tuple(target.shape)
            if array.dtype != np.float32 or turned.shape != shape or not np.isfinite(array).all():
                expected = shape[::-1] if name.startswith("encoder.") else shape
                raise ValueError(f"{name}: got {array.dtype} {array.shape}, expected finite float32 {expected}")
            found.append(turned.reshape(target.shape))
        model.get_layer(layer).set_weights(found)
    if left:
        raise ValueError(f"arrays: {sorted(left)} are in the file and not in the network")
