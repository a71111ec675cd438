"""The transformer: against the same equations in NumPy, its mask, and every array or size that can be wrong."""

import keras
import numpy as np
import pytest
from scipy.special import erf

from tlbook.backbones import transformer

CONFIG = {
    "model_type": "bert",
    "hidden_act": "gelu",
    "position_embedding_type": "absolute",
    "hidden_size": 8,
    "num_attention_heads": 2,
    "num_hidden_layers": 2,
    "intermediate_size": 12,
    "vocab_size": 20,
    "max_position_embeddings": 10,
    "type_vocab_size": 2,
    "layer_norm_eps": 1e-12,
    "initializer_range": 0.02,
}


def small_arrays(config=CONFIG, seed=0):
    """Random arrays with the names and shapes of PyTorch's file."""
    rng = np.random.default_rng(seed)
    width, wide = config["hidden_size"], config["intermediate_size"]
    rows = {"word": config["vocab_size"], "position": config["max_position_embeddings"], "type": 2}
    shapes = {}
    for layer, names in transformer.tensor_names(config).items():
        for name in names:
            if layer in rows:
                shapes[name] = (rows[layer], width)
            elif "LayerNorm" in name:
                shapes[name] = (width,)
            else:
                out = wide if layer.startswith("wide") else width
                shapes[name] = (out, wide if layer.startswith("narrow") else width)[: 2 - name.endswith("bias")]
    arrays = {name: rng.normal(size=shape).astype("float32") / 2 for name, shape in shapes.items()}
    unused = {"embeddings.position_ids": np.arange(10)[None], "pooler.dense.bias": np.zeros(width, "float32")}
    return arrays | unused | {"pooler.dense.weight": np.zeros((width, width), "float32")}


ARRAYS = small_arrays()
IDS = np.array([[2, 5, 7, 3, 0], [2, 9, 9, 11, 3]], "int32")
MASK = np.array([[1, 1, 1, 1, 0], [1, 1, 1, 1, 1]], "bool")


def in_numpy(ids, arrays=ARRAYS, config=CONFIG):
    """The equations for one sentence without fillers, in 64 bits."""

    def dense(x, name):
        return x @ arrays[f"{name}.weight"].T.astype("float64") + arrays[f"{name}.bias"]

    def norm(x, name):
        x = (x - x.mean(-1, keepdims=True)) / np.sqrt(x.var(-1, keepdims=True) + config["layer_norm_eps"])
        return x * arrays[f"{name}.weight"] + arrays[f"{name}.bias"]

    heads = config["num_attention_heads"]
    word, position, kind = (arrays[f"embeddings.{n}_embeddings.weight"] for n in ("word", "position", "token_type"))
    x = norm((word[ids] + position[: len(ids)] + kind[0]).astype("float64"), "embeddings.LayerNorm")
    for block in range(config["num_hidden_layers"]):
        at = f"encoder.layer.{block}"
        q, k, v = (
            dense(x, f"{at}.attention.self.{n}").reshape(len(x), heads, -1).transpose(1, 0, 2)
            for n in ("query", "key", "value")
        )
        scores = np.exp(q @ k.transpose(0, 2, 1) / np.sqrt(q.shape[-1]))
        mixed = (scores / scores.sum(-1, keepdims=True) @ v).transpose(1, 0, 2).reshape(len(x), -1)
        x = norm(x + dense(mixed, f"{at}.attention.output.dense"), f"{at}.attention.output.LayerNorm")
        a = dense(x, f"{at}.intermediate.dense")
        x = norm(x + dense(a * (1 + erf(a / np.sqrt(2))) / 2, f"{at}.output.dense"), f"{at}.output.LayerNorm")
    return x


@pytest.fixture(scope="module")
def network():
    return transformer.build(CONFIG, ARRAYS)


def states(network, ids=IDS, mask=MASK):
    return keras.ops.convert_to_numpy(network([ids, mask], training=False))


def test_it_computes_the_equations(network):
    for found, ids, mask in zip(states(network), IDS, MASK, strict=True):
        np.testing.assert_allclose(found[mask], in_numpy(ids[mask]), rtol=1e-4, atol=1e-5)


def test_what_a_filler_holds_does_not_matter(network):
    other = IDS.copy()
    other[0, 4] = 17
    np.testing.assert_allclose(states(network, other)[0, :4], states(network)[0, :4], atol=1e-6)
    everything = np.ones_like(MASK)
    assert np.abs(states(network, other, everything) - states(network, IDS, everything))[0, :4].max() > 1e-3


def test_order_matters(network):
    swapped = IDS[1:, [0, 3, 2, 1, 4]]
    assert np.abs(states(network, swapped, MASK[1:])[0, 1] - states(network)[1, 3]).max() > 1e-3


def test_every_array_is_used_once(network):
    used = [name for names in transformer.tensor_names(CONFIG).values() for name in names]
    assert len(used) == len(set(used)) and set(used) | set(transformer.UNUSED) == set(ARRAYS)
    assert network.count_params() == sum(ARRAYS[name].size for name in used)


def test_fresh_weights_come_from_the_seed():
    def drawn(seed):
        keras.utils.set_random_seed(seed)
        return transformer.build(CONFIG).get_weights()

    first, again, other = drawn(1), drawn(1), drawn(2)
    assert all(map(np.array_equal, first, again)) and not all(map(np.allclose, first, other))


def test_fresh_weights_have_the_spread_that_the_configuration_asks_for():
    table = transformer.build(CONFIG | {"vocab_size": 2000}).get_layer("word").get_weights()[0]
    assert 0.015 < table.std() < 0.025


@pytest.mark.parametrize("name", ["encoder.layer.1.attention.self.key.weight", "embeddings.LayerNorm.bias"])
def test_missing_array(name):
    with pytest.raises(ValueError, match=f"arrays: {name} is missing"):
        transformer.build(CONFIG, {key: array for key, array in ARRAYS.items() if key != name})


def test_array_that_is_left_over():
    with pytest.raises(ValueError, match=r"encoder\.layer\.2\.extra.*not in the network"):
        transformer.build(CONFIG, ARRAYS | {"encoder.layer.2.extra": np.zeros(3, "float32")})


@pytest.mark.parametrize(
    ("name", "change"),
    [
        ("encoder.layer.0.intermediate.dense.weight", lambda a: a.T),
        ("encoder.layer.0.attention.self.query.weight", lambda a: a.reshape(4, 16)),
        ("encoder.layer.0.attention.self.query.bias", lambda a: a[:4]),
        ("embeddings.word_embeddings.weight", lambda a: a[:-1]),
        ("encoder.layer.1.output.LayerNorm.weight", lambda a: a.astype("float16")),
        ("encoder.layer.1.output.dense.bias", lambda a: a * np.nan),
    ],
)
def test_array_that_does_not_fit(name, change):
    with pytest.raises(ValueError, match=f"{name}: got .*expected finite float32"):
        transformer.build(CONFIG, ARRAYS | {name: change(ARRAYS[name])})


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("model_type", "roberta"),
        ("hidden_act", "gelu_new"),
        ("position_embedding_type", "relative_key"),
        ("hidden_size", 0),
        ("num_hidden_layers", "2"),
        ("vocab_size", 20.0),
        ("type_vocab_size", True),
        ("num_attention_heads", 3),
        ("layer_norm_eps", 0.0),
        ("initializer_range", float("nan")),
    ],
)
def test_configuration_that_is_wrong(key, value):
    with pytest.raises(ValueError, match=f"config: .*{'hidden_size' if value == 3 else key}"):
        transformer.build(CONFIG | {key: value})


@pytest.mark.parametrize("key", CONFIG)
def test_configuration_that_lacks_a_key(key):
    with pytest.raises(ValueError, match=f"config: {key} is None"):
        transformer.build({name: value for name, value in CONFIG.items() if name != key})
