"""What is installed, and what Keras would compute with: read from files, nothing is imported."""

import importlib.metadata
import json
import os
import pathlib

# Distributions that carry each backend; the first one installed counts.
BACKENDS = {
    "tensorflow": ("tensorflow", "tensorflow-cpu", "tensorflow-macos"),
    "torch": ("torch",),
    "jax": ("jax",),
}


def version(*distributions):
    """Return the version of the first of these distributions that is installed, or None."""
    for name in distributions:
        try:
            return importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            continue
    return None


def keras_home():
    """Return Keras's own folder as a `pathlib.Path`: `KERAS_HOME` where set, else `~/.keras`."""
    return pathlib.Path(os.environ.get("KERAS_HOME") or "~/.keras").expanduser()


def keras_backend():
    """Return the backend that Keras would choose: `KERAS_BACKEND`, its settings file, or TensorFlow."""
    if os.environ.get("KERAS_BACKEND"):
        return os.environ["KERAS_BACKEND"]
    try:
        return json.loads((keras_home() / "keras.json").read_text())["backend"]
    except (OSError, ValueError, KeyError, TypeError):
        return "tensorflow"
