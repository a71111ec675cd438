"""Parameter-efficient tuning: what learns, what stays, and that nothing changes at first."""

import keras
import numpy as np
import pytest

from tlbook import features, heads
from tlbook.backbones import minilm, transformer
from tlbook.methods import adapters

SIZES = {
    "hidden_size": 8,
    "num_attention_heads": 2,
    "num_hidden_layers": 2,
    "intermediate_size": 16,
    "vocab_size": 20,
    "max_position_embeddings": 10,
    "type_vocab_size": 2,
    "layer_norm_eps": 1e-12,
    "initializer_range": 0.5,
    "model_type": "bert",
    "hidden_act": "gelu",
    "position_embedding_type": "absolute",
}
IDS = np.array([[1, 5, 7, 2], [1, 6, 2, 0]], "int32")
MASK = IDS > 0


def encoder():
    keras.utils.set_random_seed(0)
    return minilm.Encoder(transformer.build(SIZES), None)


def pictures_model():
    keras.utils.set_random_seed(0)
    inputs = keras.Input((4, 4, 3))
    x = keras.layers.Conv2D(8, 3, padding="same", activation="relu", name="conv")(inputs)
    x = keras.layers.BatchNormalization(name="norm")(x)
    return heads.classifier(keras.Model(inputs, x), 2)


def say(model, inputs=(IDS, MASK)):
    return keras.ops.convert_to_numpy(model(list(inputs), training=False))


def learn(model, inputs=(IDS, MASK)):
    model.compile(keras.optimizers.Adam(0.01), keras.losses.SparseCategoricalCrossentropy(from_logits=True))
    model.fit(list(inputs), np.array([0, 1]), epochs=3, verbose=0)


def test_a_body_says_what_the_encoder_says():
    body = adapters.sentence_body(network := encoder())
    states = keras.ops.convert_to_numpy(network.network([IDS, MASK], training=False))
    np.testing.assert_allclose(say(body), minilm.mean_pool(states, MASK), atol=1e-6)


def test_bitfit_lets_biases_and_the_head_learn_and_nothing_else():
    model = heads.classifier(adapters.sentence_body(encoder()), 2)
    before = {weight.path: np.array(weight) for weight in model.weights}
    count = adapters.bitfit(model)
    # A block has four biases in its attention, two in its dense layers, two betas. The embeddings have one beta.
    assert count == 2 * (4 * 8 + 16 + 8 + 2 * 8) + 8 + (8 * 2 + 2)
    learn(model)
    moved = {weight.path for weight in model.weights if not np.array_equal(before[weight.path], weight)}
    # A bias of the keys shifts all scores of a row alike, and changes nothing: its gradient is zero.
    assert all(path.endswith(("bias", "beta", "logits/kernel")) for path in moved) and len(moved) > 10


def test_low_rank_updates_begin_with_nothing_and_leave_the_kernels():
    network = encoder()
    model = heads.classifier(adapters.sentence_body(network), 2)
    before, kernel = say(model), np.array(network.network.get_layer("wide_0")._kernel)
    count = adapters.lora(model, adapters.dense_layers(network), rank=2)
    # An attention's output layer has 2 heads of 4 numbers as its inputs.
    per_block = (8 * 2 + 2 * 8) + (8 * 2 + 2 * 16) + (16 * 2 + 2 * 8)
    assert count == 2 * per_block + (8 * 2 + 2)
    np.testing.assert_allclose(say(model), before, atol=1e-6)
    learn(model)
    assert np.array_equal(network.network.get_layer("wide_0")._kernel, kernel)
    assert not np.allclose(say(model), before, atol=1e-3)


def test_a_convolution_takes_a_low_rank_update():
    model = pictures_model()
    count = adapters.lora(model, [model.get_layer("conv")], rank=2)
    assert count == 3 * 3 * 3 * 2 + 2 * 8 + (4 * 4 * 8 * 2 + 2)


@pytest.mark.parametrize("kind", ["sentences", "pictures"])
def test_adapters_begin_with_nothing_and_share_the_body(kind):
    if kind == "sentences":
        model, layers, inputs = heads.classifier(adapters.sentence_body(encoder()), 2), ["narrow_0", "narrow_1"], None
    else:
        model, layers, inputs = pictures_model(), ["conv"], np.random.default_rng(0).random((2, 4, 4, 3), "float32")
    inputs = (IDS, MASK) if inputs is None else (inputs,)
    before = say(model, inputs) if kind == "sentences" else features.forward(model, inputs[0])
    adapted = adapters.with_adapters(model, layers, width=3)
    now = say(adapted, inputs) if kind == "sentences" else features.forward(adapted, inputs[0])
    np.testing.assert_allclose(now, before, atol=1e-6)
    head = sum(int(np.prod(weight.shape)) for weight in model.get_layer("logits").weights)
    assert adapters.trained(adapted) == len(layers) * (8 * 3 + 3 + 3 * 8 + 8) + head
    assert adapted.get_layer(layers[0]) is model.get_layer(layers[0])
    learn(adapted, inputs)
    assert not np.allclose(np.array(adapted.get_layer(f"adapter_{layers[0]}_up").kernel), 0)


def test_statistics_never_learn():
    model = pictures_model()
    adapters.train_only(model, lambda weight: True)
    names = {weight.name for weight in model.trainable_weights}
    assert not names & {"moving_mean", "moving_variance", "mean", "variance"}


def test_tasks_can_be_swapped():
    model = heads.classifier(adapters.sentence_body(encoder()), 2)
    adapters.bitfit(model)
    first, said = adapters.take_task(model), say(model)
    learn(model)
    assert not np.allclose(say(model), said, atol=1e-4)
    adapters.put_task(model, first)
    np.testing.assert_allclose(say(model), said, atol=1e-6)
    assert sum(array.nbytes for array in first) == 4 * adapters.trained(model)
    with pytest.raises(ValueError, match="arrays: got shapes"):
        adapters.put_task(model, first[1:])


def test_what_cannot_be_tuned_is_refused():
    network = encoder()
    model = heads.classifier(adapters.sentence_body(network), 2)
    attention, wide = (network.network.get_layer(name) for name in ("attention_0", "wide_0"))
    for layers, rank, words in [
        ([], 2, "layers: got none"),
        ([network.network.get_layer("norm_0")], 2, "norm_0 is a LayerNormalization"),
        ([attention.query_dense], 2, "outputs in several axes"),
        ([wide], 6, "saves nothing in wide_0 with 8 x 16"),
        ([wide], 0, "rank: got 0"),
    ]:
        with pytest.raises(ValueError, match=words):
            adapters.lora(model, layers, rank)
    adapters.lora(model, [wide], 2)
    with pytest.raises(ValueError, match="wide_0 has a low-rank update already"):
        adapters.lora(model, [wide], 2)
    with pytest.raises(ValueError, match="chosen: got no weight"):
        adapters.train_only(model, lambda weight: False)
    with pytest.raises(ValueError, match="names: got"):
        adapters.bitfit(model, head=["nobody"])
    with pytest.raises(ValueError, match="width: got 0"):
        adapters.with_adapters(model, ["wide_0"], 0)
