"""Body and head swapped, counted: the parts of a network in its three stages, with their shapes and numbers of weights.

Nothing is trained here: what is counted are the layers of the networks of chapter 2.
"""

import re

import numpy as np
import pandas as pd

_OF_STAGE = re.compile(r"stage(\d+)_")


def learned(layer):
    """Return how many weights of a layer a gradient can move: all but running statistics."""
    return sum(int(np.prod(weight.shape)) for weight in layer.weights if not weight.name.startswith("moving_"))


def body_parts(model):
    """Return the stages of a network with layers such as "stage1_conv1", in their order: a list of dict.

    Each has its `name`, the `shape` of what comes out (height, width, channels) and the number of `weights` that learn.
    Raises `ValueError` for a network without such layers. Taught in chapter 2.
    """
    parts = {}
    for layer in model.layers:
        if found := _OF_STAGE.match(layer.name):
            part = parts.setdefault(found[1], {"name": f"stage {found[1]}", "weights": 0})
            part["weights"] += learned(layer)
            part["shape"] = [int(side) for side in layer.output.shape[1:]]
    if not parts:
        raise ValueError(f"model: got layers {[layer.name for layer in model.layers]}, expected some named stage1_...")
    return list(parts.values())


def head_of(model):
    """Return the head of a network, its last layer: how many `features` it reads, its `classes` and `weights`."""
    kernel = model.layers[-1].weights[0]
    return {
        "features": int(kernel.shape[0]),
        "classes": int(kernel.shape[1]),
        "weights": learned(model.layers[-1]),
    }


def evidence(old, new, measured):
    """Return what the explorable figure of chapter 2 shows, ready for JSON.

    `old` and `new` are the networks of the source and of the target; `measured` says in words what was reached in a
    step: "pretraining", "head alone", "everything". Raises `ValueError` for networks whose bodies differ. Taught in
    chapter 2.
    """
    body = body_parts(old)
    if body != body_parts(new):
        raise ValueError(f"new: got a body of {body_parts(new)}, expected that of the source, {body}")
    return {
        "input": [int(side) for side in old.input_shape[1:]],
        "body": body,
        "old": head_of(old),
        "new": head_of(new),
        "measured": measured,
    }


def table(old, new):
    """Return what each step trains: a `pandas.DataFrame` with `step`, `body`, `head` and `weights` that learn."""
    body, before, after = sum(part["weights"] for part in body_parts(old)), head_of(old), head_of(new)
    rows = [
        ("pretraining", "learns", f"{before['classes']} classes, learns", body + before["weights"]),
        ("the old head comes off", "kept", "none", 0),
        ("a new head goes on", "kept", f"{after['classes']} classes, drawn by chance", 0),
        ("head alone", "frozen", "learns", after["weights"]),
        ("everything, at a low rate", "learns", "learns", body + after["weights"]),
        ("application", "used", "used", 0),
    ]
    return pd.DataFrame(rows, columns=["step", "body", "head", "weights"])
