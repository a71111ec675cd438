"""One transfer on several frameworks: a recipe in plain Keras, which runs on each of its backends.

Keras reads the name of its backend once, when it is loaded. So each backend gets a process of its own: `run` starts
one, and `python -m tlbook.methods.backends TASK FILE SEED N` is what it starts.
"""

import os
import pathlib
import subprocess
import sys
import tempfile
import time

import numpy as np

from tlbook.files import installed

PICTURES = 32  # of `forward`, in `run`


def installed_backends():
    """Return the backends of Keras that are installed, a dict of name to version, read from files: nothing is loaded.

    Taught in chapter 6.1.
    """
    found = {name: installed.version(*packages) for name, packages in installed.BACKENDS.items()}
    return {name: version for name, version in found.items() if version}


def fine_tune(arrays, train, test, epochs=(20, 2)):
    """Fit a linear head on frozen VGG16, then train block 4 with it; return the predictions for `test`, int (n,).

    Parameters
    ----------
    arrays : dict of str to (kernel, bias)
        VGG16's weights, as `tlbook.backbones.vgg16.read` returns them.
    train, test : tlbook.data.images.Split
        Pictures of 32 x 32 pixels or more, and their labels, of ten classes. The order of the training pictures counts.
    epochs : tuple of int
        Passes for the head, and for block 4 with the head.

    Plain Keras 3: no line names a framework. The head starts from zero and nothing is shuffled, so nothing is drawn at
    random: frameworks draw other numbers from one seed. Taught in chapter 6.1.
    """
    import keras

    from tlbook.backbones import vgg16

    def learn(model, inputs, rate, epochs):
        loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
        model.compile(keras.optimizers.Adam(rate), loss=loss)
        options = {"batch_size": 32, "shuffle": False, "verbose": 0}
        model.fit(inputs, train.labels, epochs=epochs, **options)

    network = vgg16.build(train.images.shape[1:], arrays)
    body = keras.Model(network.input, network.get_layer("block4_pool").output)
    for layer in body.layers:
        layer.trainable = layer.name.startswith("block4")

    features = body.predict(train.images, verbose=0)
    standardise = keras.layers.Normalization(axis=None)
    standardise.adapt(features)
    logits = keras.layers.Dense(10, kernel_initializer="zeros")
    head = keras.Sequential([standardise, keras.layers.Flatten(), logits])
    learn(head, features, rate=1e-3, epochs=epochs[0])
    model = keras.Sequential([body, head])
    learn(model, train.images, rate=1e-5, epochs=epochs[1])
    return model.predict(test.images, verbose=0).argmax(axis=1)


def pictures(seed=0, n=200):
    """Return `(train, test, source)` of the book's target for `fine_tune`, drawn and ordered with NumPy.

    `n` pictures of the training set and `n` of the validation set, whose labels choose nothing here: both are
    `tlbook.data.images.Split`. Taught in chapter 6.1.
    """
    from tlbook import data

    dataset = data.load_target()
    order = np.random.default_rng(seed).permutation(n)
    train = data.subset(dataset.train, n, seed)
    train = data.images.Split(train.images[order], train.labels[order])
    return train, data.subset(dataset.validation, n, seed), dataset.source


def forward(images):
    """Return VGG16's block5_pool for RGB pixels (n, h, w, 3), float32, on the backend that Keras has in this process.

    Needs VGG16's weights. Taught in chapter 6.1.
    """
    from tlbook.backbones import vgg16

    return vgg16.pretrained(images.shape[1:])[0].predict(images, verbose=0)


def relative_difference(ours, theirs):
    """Return the largest difference of two arrays of one shape, as a share of the largest number in `theirs`: a float.

    A difference for each number would be divided by zero where a ReLU is silent. Raises `ValueError` for two shapes.
    Taught in chapter 6.1.

    >>> relative_difference([1.0, 2.002], [1.0, 2.0])
    0.001
    """
    ours, theirs = np.asarray(ours, "float64"), np.asarray(theirs, "float64")
    if ours.shape != theirs.shape:
        raise ValueError(f"ours: got shape {ours.shape}, expected that of theirs, {theirs.shape}")
    return float(np.abs(ours - theirs).max() / np.abs(theirs).max())


def run(backend, task, seed=0, n=200):
    """Run one of `TASKS` in a fresh process on a backend of Keras; return what it found, and what it took.

    Parameters
    ----------
    backend : str
        "tensorflow", "torch" or "jax"; it must be installed (`installed_backends`).
    task : str
        "forward": the key `features`, `forward` of the first `PICTURES` pictures. "fine_tune": the key `predictions`,
        `fine_tune` with the `pictures` of a seed. "draw": the key `drawn`, three normal numbers from the seed.
    seed, n : int
        As in `pictures`.

    Returns
    -------
    dict of str to numpy.ndarray
        The key of the task, and backend (as Keras says there), seconds, cpu_seconds and memory_mb, all at its end.

    Raises `ValueError` for an unknown task or a backend that is not installed, `RuntimeError` where the process fails.
    Taught in chapter 6.1.
    """
    if task not in TASKS:
        raise ValueError(f"task: got {task!r}, expected one of {', '.join(TASKS)}")
    if backend not in installed_backends():
        raise ValueError(f"backend: got {backend!r}, expected one that is installed: {', '.join(installed_backends())}")
    with tempfile.TemporaryDirectory() as folder:
        path = pathlib.Path(folder) / "result.npz"
        command = [sys.executable, "-m", "tlbook.methods.backends", task, str(path), str(seed), str(n)]
        process = subprocess.run(command, env=os.environ | {"KERAS_BACKEND": backend}, capture_output=True, text=True)
        if process.returncode:
            raise RuntimeError(f"{task} on {backend} failed: {process.stderr[-1000:]}")
        with np.load(path) as file:
            return dict(file)


def _features(seed, n):
    return {"features": forward(pictures(seed, n)[1].images[:PICTURES])}


def _predictions(seed, n):
    from tlbook.backbones import vgg16

    train, test, _ = pictures(seed, n)
    return {"predictions": fine_tune(vgg16.find_arrays()[0], train, test)}


def _drawn(seed, n):
    import keras

    return {"drawn": keras.ops.convert_to_numpy(keras.random.normal((3,), seed=seed))}


TASKS = {"forward": _features, "fine_tune": _predictions, "draw": _drawn}


def _main(task, path, seed, n):
    """Do a task and write a file; seconds and memory are those of the whole process, with what it loads."""
    found = TASKS[task](int(seed), int(n))
    import keras
    import psutil

    process = psutil.Process()
    cpu = process.cpu_times()
    found["backend"] = keras.backend.backend()
    found["seconds"] = time.time() - process.create_time()
    found["cpu_seconds"] = cpu.user + cpu.system
    found["memory_mb"] = process.memory_info().rss / 1e6
    np.savez(path, **found)


if __name__ == "__main__":
    _main(*sys.argv[1:])
