"""What a network costs on every machine: the multiply-adds of one forward pass, and its parameters."""

import math

import keras

_ONE_KERNEL = (
    keras.layers.Conv1D,
    keras.layers.Conv2D,
    keras.layers.DepthwiseConv1D,
    keras.layers.DepthwiseConv2D,
    keras.layers.Dense,
)


def multiply_adds(model):
    """Return the multiply-adds of one forward pass of one example, an int.

    Parameters
    ----------
    model : keras.Model
        A functional or sequential model whose inputs have known sizes, less the first one (the batch).

    Convolutions and dense layers are counted, each kernel once for each place that it is applied at; so are nested
    models. Additions of biases, normalisation, activations and pooling are left out, as the literature does: they are
    below one percent of VGG16. A training step costs about three forward passes: one forward, one for the gradients of
    activations, one for those of the weights. Raises `ValueError` for a layer with a kernel that this function does not
    know, or a model with unknown sizes. Taught in chapter 6.3.

    >>> inputs = keras.Input((32, 32, 3))
    >>> multiply_adds(keras.Model(inputs, keras.layers.Conv2D(8, 3, padding="same")(inputs)))
    221184
    """
    functional = model._functional if isinstance(model, keras.Sequential) else model
    nodes = [node for depth in functional._nodes_by_depth.values() for node in depth]
    return sum(_of_call(node.operation, node.input_tensors, node.outputs) for node in nodes)


def _of_call(layer, inputs, outputs):
    """Return the multiply-adds of one call of a layer; one that is called twice costs twice."""
    layers = keras.layers
    if isinstance(layer, keras.Model):
        return multiply_adds(layer)
    if isinstance(layer, layers.SeparableConv1D | layers.SeparableConv2D):
        kernels = (layer.depthwise_kernel, layer.pointwise_kernel)
        return sum(math.prod(kernel.shape) for kernel in kernels) * _places(outputs[0])
    if isinstance(layer, layers.Conv1DTranspose | layers.Conv2DTranspose):
        return math.prod(layer.kernel.shape) * _places(inputs[0])
    if isinstance(layer, _ONE_KERNEL):
        return math.prod(layer.kernel.shape) * _places(outputs[0])
    weights = layer.weights if isinstance(layer, layers.Layer) else []  # frozen ones multiply as well
    if any(len(weight.shape) > 1 for weight in weights) and not isinstance(layer, layers.Embedding):
        raise ValueError(f"model: {layer.name} is a {type(layer).__name__}, whose multiply-adds are not known here")
    return 0


def _places(tensor):
    """Return at how many places of one example a kernel is applied: the product of all axes but batch and channels."""
    sizes = tensor.shape[1:-1]
    if None in sizes:
        raise ValueError(f"model: a layer works on {tensor.shape}, expected known sizes after the first one")
    return math.prod(sizes)
