"""Cutting a backbone in two, so that the frozen part is computed once."""

import keras


def split(backbone, at):
    """Cut a backbone that is a chain of layers in two at the output of layer `at`: `(lower, upper)`.

    `upper(lower(images))` equals `backbone(images)`, and both halves share the backbone's layers: training `upper`
    trains the backbone. While `lower` is frozen its output can be computed once and kept (`tlbook.features`).
    Raises `ValueError` for a layer that the backbone does not have, or its last one. Taught in chapter 4.3.
    """
    # Not `layers`: the flip to BGR is an operation and no layer.
    names = [operation.name for operation in backbone.operations]
    if at not in names[:-1]:
        raise ValueError(f"at: got {at!r}, expected one of {names[:-1]}")
    cut = names.index(at) + 1
    return _chain(backbone, 0, cut, f"{backbone.name}_to_{at}"), _chain(
        backbone, cut, None, f"{backbone.name}_from_{at}"
    )


def _chain(backbone, start, stop, name):
    """Return a model of the operations start..stop of a backbone, sharing its layers."""
    first, *operations = backbone.operations[max(start - 1, 0) : stop]  # operation 0 is the input
    x = inputs = keras.Input(first.output.shape[1:])
    for operation in operations:
        x = operation(x)
    return keras.Model(inputs, x, name=name)
