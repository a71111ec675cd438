"""Cutting a backbone in two, so that the frozen part is computed once."""

import keras


def split(backbone, at):
    """Cut a backbone in two at the output of layer `at`: `(lower, upper)`.

    `upper(lower(images))` equals `backbone(images)`, and both halves share the backbone's layers: training `upper`
    trains the backbone. While `lower` is frozen its output can be computed once and kept (`tlbook.features`).
    Raises `ValueError` for a layer that the backbone does not have, its last one, or one that a shortcut leads around.
    Taught in chapter 4.3.
    """
    # Not `layers`: the flip to BGR is an operation and no layer.
    names = [operation.name for operation in backbone.operations]
    if at not in names[:-1]:
        raise ValueError(f"at: got {at!r}, expected one of {names[:-1]}")
    cut = names.index(at) + 1
    return _part(backbone, 0, cut, f"{backbone.name}_to_{at}"), _part(backbone, cut, None, f"{backbone.name}_from_{at}")


def _part(backbone, start, stop, name):
    """Return a model of the operations start..stop of a backbone, sharing its layers."""
    first, *operations = backbone.operations[max(start - 1, 0) : stop]  # operation 0 is the input
    # By the nodes of this backbone: an operation that belongs to several models remembers the first one as its input.
    nodes = {node.operation: node for level in backbone._nodes_by_depth.values() for node in level}
    read = [[tensor._keras_history.operation for tensor in nodes[each].input_tensors] for each in operations]
    below = {each.name for sources in read for each in sources if each not in operations}
    if len(below) > 1:
        raise ValueError(f"at: got {first.name!r}, but a shortcut leads around it: the rest reads {sorted(below)}")
    x = inputs = keras.Input(first.output.shape[1:])
    made = {}
    for operation, sources in zip(operations, read, strict=True):
        tensors = [made.get(source, inputs) for source in sources]
        x = made[operation] = operation(tensors if isinstance(operation.input, list) else tensors[0])
    return keras.Model(inputs, x, name=name)
