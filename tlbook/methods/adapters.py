"""Parameter-efficient tuning: biases, adapters or low-rank updates learn, and the pretrained weights stay."""

import keras
import numpy as np


def train_only(model, chosen):
    """Let exactly the weights learn that `chosen(weight)` wants; return how many numbers that are, an int.

    Statistics that never learn, such as those of batch normalisation, stay as they are. Compile the model afterwards.
    Raises `ValueError` where nothing is left to learn. Taught in chapter 7.2.
    """
    model.trainable = True
    for weight in model.trainable_weights:
        weight.trainable = bool(chosen(weight))
    if not model.trainable_weights:
        raise ValueError(f"chosen: got no weight of {model.name}, expected one or more to learn")
    return trained(model)


def of_layers(model, names):
    """Return a function for `train_only`: whether a weight belongs to one of the layers with these names.

    Raises `ValueError` for a layer that the model does not have. Taught in chapter 7.2.
    """
    missing = sorted(set(names) - {layer.name for layer in model.layers})
    if missing:
        raise ValueError(f"names: got {missing}, expected layers of {model.name}")
    kept = {id(weight) for name in names for weight in model.get_layer(name).weights}
    return lambda weight: id(weight) in kept


def bitfit(model, head=("logits",)):
    """Let the biases learn, those of normalisations included, and the layers named in `head`; return their numbers.

    Source: Ben Zaken et al. (2022). Taught in chapter 7.2.
    """
    in_head = of_layers(model, head)
    return train_only(model, lambda weight: weight.name in ("bias", "beta") or in_head(weight))


def lora(model, layers, rank, head=("logits",)):
    """Give layers a low-rank update each, W + A B, and let it learn with the layers named in `head`.

    Parameters
    ----------
    model : keras.Model
        It is changed in place. B begins with zeros: at first the model says what it said before.
    layers : list of keras.layers.Layer
        Dense layers, convolutions, or EinsumDense layers whose kernel has the outputs in its last axis alone (in an
        attention, `output_dense`). Each has to be built.
    rank : int
        Columns of A and rows of B.
    head : sequence of str
        Names of layers that learn whole.

    Returns
    -------
    int
        How many numbers learn.

    Keras adds A B to the kernel before each use, so the gradient of the whole kernel is computed in every step: what is
    saved is memory for the optimizer, and bytes a task. Of an attention, Keras keeps the queries' kernel as (width,
    heads, size), and its `enable_lora` would give A a column for each head: such layers are refused. Raises
    `ValueError` for no layers, a layer that cannot take a low-rank update, or has one, and a rank that is too large to
    save anything. Source: Hu et al. (2022). Taught in chapter 7.2.
    """
    layers = list(layers)
    if not layers:
        raise ValueError("layers: got none, expected one or more")
    for layer in layers:
        if not hasattr(layer, "enable_lora") or not layer.built:
            raise ValueError(f"layers: {layer.name} is a {type(layer).__name__}, expected a built layer with a kernel")
        if layer.lora_enabled:
            raise ValueError(f"layers: {layer.name} has a low-rank update already")
        kernel = layer.kernel.shape
        if isinstance(layer, keras.layers.EinsumDense) and _axes_made(layer.equation) > 1:
            raise ValueError(f"layers: {layer.name} has a kernel {kernel} with outputs in several axes, expected one")
        inputs, outputs = int(np.prod(kernel[:-1])), kernel[-1]
        if not 1 <= rank < inputs * outputs / (inputs + outputs):
            raise ValueError(f"rank: got {rank}, which saves nothing in {layer.name} with {inputs} x {outputs}")
    in_head = of_layers(model, head)
    for layer in layers:
        layer.enable_lora(rank)
    return train_only(model, lambda weight: weight.name.startswith("lora_kernel_") or in_head(weight))


def with_adapters(model, layers, width, head=("logits",)):
    """Return the model with a small network behind each of some layers, which learns with the layers named in `head`.

    Parameters
    ----------
    model : keras.Model
        A functional model. The returned one shares its layers and their weights.
    layers : sequence of str
        Names of layers whose outputs have their channels in the last axis.
    width : int
        Channels in the middle of an adapter: x + up(relu(down(x))).
    head : sequence of str
        Names of layers that learn whole.

    `up` begins with zeros: at first the model says what it said before. Behind convolutions the two are convolutions of
    size 1. Raises `ValueError` for a width below 1, or a layer that the model does not have.
    Source: Houlsby et al. (2019). Taught in chapter 7.2.
    """
    if width < 1:
        raise ValueError(f"width: got {width}, expected 1 or more")
    of_layers(model, layers)

    def call(layer, *inputs, **options):
        x = layer(*inputs, **options)
        if layer.name not in layers:
            return x
        middle = keras.layers.Dense(width, "relu", name=f"adapter_{layer.name}_down")(x)
        # Dense works on the last axis: on pictures it is a convolution of size 1.
        up = keras.layers.Dense(x.shape[-1], kernel_initializer="zeros", name=f"adapter_{layer.name}_up")
        return x + up(middle)

    adapted = keras.models.clone_model(model, clone_function=lambda layer: layer, call_function=call)
    names = [layer.name for layer in adapted.layers if layer.name.startswith("adapter_")]
    train_only(adapted, of_layers(adapted, [*names, *head]))
    return adapted


def trained(model):
    """Return how many numbers of a model learn, an int. Taught in chapter 7.2."""
    return sum(int(np.prod(weight.shape)) for weight in model.trainable_weights)


def take_task(model):
    """Return what a task has changed: copies of the weights that learn, in their order, a list of numpy.ndarray.

    Their bytes are what it costs to store one more task beside the shared body. Taught in chapter 7.2.
    """
    return [np.array(keras.ops.convert_to_numpy(weight)) for weight in model.trainable_weights]


def put_task(model, arrays):
    """Give a model another task: the arrays of `take_task`, from the same model or one built alike.

    Raises `ValueError` where their number or a shape differs. Taught in chapter 7.2.
    """
    shapes = [tuple(weight.shape) for weight in model.trainable_weights]
    if [np.shape(array) for array in arrays] != shapes:
        raise ValueError(f"arrays: got shapes {[np.shape(array) for array in arrays]}, expected {shapes}")
    for weight, array in zip(model.trainable_weights, arrays, strict=True):
        weight.assign(array)


def sentence_body(encoder):
    """Return a `tlbook.backbones.minilm.Encoder` as one Keras model that can be trained: pieces in, sentences out.

    Inputs `[ids, mask]` as `minilm.tokenize` returns them; output float32 (n, width), the mean over the pieces that
    count, of length 1, as `minilm.mean_pool` computes it. Taught in chapter 7.2.
    """
    _, mask = encoder.network.inputs
    counts = keras.ops.expand_dims(keras.ops.cast(mask, "float32"), -1)
    mean = keras.ops.sum(encoder.network.output * counts, axis=1) / keras.ops.sum(counts, axis=1)
    vectors = keras.ops.normalize(mean, axis=-1)
    return keras.Model(encoder.network.inputs, vectors, name="sentence_body")


def dense_layers(encoder):
    """Return the layers of an encoder that `lora` can take: of each block the attention's output and the dense ones.

    Taught in chapter 7.2.
    """
    return [layer for block in _blocks(encoder.network) for layer in block]


def _axes_made(equation):
    """Return how many axes a product such as "abc,cde->abde" makes that its input does not have: here 2, d and e."""
    inputs, kernel, outputs = equation.replace("->", ",").split(",")
    return len((set(kernel) & set(outputs)) - set(inputs))


def _blocks(network):
    names = {layer.name for layer in network.layers}
    block = 0
    while f"attention_{block}" in names:
        attention, *dense = (network.get_layer(f"{kind}_{block}") for kind in ("attention", "wide", "narrow"))
        yield [attention.output_dense, *dense]
        block += 1
