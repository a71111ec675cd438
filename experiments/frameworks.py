"""What one recipe costs on three frameworks, and how far their answers lie apart.

Each run is a process of its own with one framework. It computes VGG16's features of 32 pictures and compares them with
TensorFlow's, which another process computes; it times the forward pass and the training step of blocks 1 to 4, in CPU
seconds, since other work on the machine lengthens the seconds of a clock; and it fine-tunes by the recipe of
`tlbook.methods.backends`. The arms: Keras on three backends as they come, Keras on TensorFlow without a graph (speed
only), and PyTorch without Keras. The accuracy is that on validation pictures, which choose nothing. The runs of a seed
follow each other, so that what is compared was measured side by side.

Run it with `python -m experiments.frameworks` where the extras `torch` and `jax` are installed beside TensorFlow.
Chapter 6.1 shows it.
"""

import os
import time

import numpy as np

from experiments.protocol import Measurement
from tlbook.methods import backends

ARMS = {
    "tensorflow": "tensorflow",
    "torch": "torch",
    "jax": "jax",
    "tensorflow_eager": "tensorflow",
    "native_torch": "torch",
}
N = 160  # pictures to learn from, and as many to judge by: whole batches, since JAX compiles for each size
BATCH, REPEATS = 32, 6
BODY = "block4_pool"
RATE = 1e-5


def measure(seed, arm):
    """Return what one arm costs and answers; see the module."""
    backend = ARMS[arm]
    if missing := {backend, "tensorflow"} - set(backends.installed_backends()):
        raise ModuleNotFoundError(f"{', '.join(missing)}: not installed; try pip install -e '.[torch,jax]'")
    os.environ["KERAS_BACKEND"] = backend
    import keras

    if keras.backend.backend() != backend:
        raise RuntimeError(f"Keras was loaded before, with {keras.backend.backend()}: a run needs a fresh process")
    from tlbook.backbones import cost, cut, vgg16

    if arm == "tensorflow_eager":
        import tensorflow as tf

        tf.config.run_functions_eagerly(True)
    train, test, source = backends.pictures(seed, N)
    arrays = vgg16.find_arrays()[0]
    body, _ = cut.split(vgg16.build(arrays=arrays), BODY)
    lower, upper = map(cost.multiply_adds, cut.split(body, "block3_pool"))
    multiply_adds = 4 * (1 + REPEATS) * BATCH * (lower + upper)  # a training step costs three forward passes
    make = torch_passes if arm == "native_torch" else keras_passes
    forward, step = make(body, arrays, train)
    figures = {f"forward_{key}": value for key, value in timed(forward).items()}
    figures |= {f"step_{key}": value for key, value in timed(step).items()}
    figures |= {"forward_difference": difference(seed, arm, arrays, test), "accuracy": None, "predicted": None}
    if arm != "tensorflow_eager":
        fine_tune = backends.fine_tune
        if arm == "native_torch":
            from tlbook.methods.in_torch import fine_tune
        start = time.process_time()
        predictions = fine_tune(arrays, train, test)
        figures["recipe_cpu"] = round(time.process_time() - start, 2)
        figures["accuracy"] = round(float(np.mean(predictions == test.labels)), 4)
        figures["predicted"] = "".join(map(str, ["classes_", *predictions]))  # a letter first: no number
        multiply_adds += 2 * N * (lower + upper) + 2 * N * (lower + 3 * upper)  # features, answers, two epochs
    figures["first_drawn"] = round(float(backends.TASKS["draw"](seed, N)["drawn"][0]), 4)
    figures["tmac"] = round(multiply_adds / 1e12, 4)
    versions = backends.installed_backends()
    return figures | {"torch": versions.get("torch"), "jax": versions.get("jax"), "source": source}


def keras_passes(body, arrays, train):
    """Return two functions, a forward pass of one batch and a training step, of Keras on its backend."""
    import keras

    from tlbook import heads

    images, labels = train.images[:BATCH].astype("float32"), train.labels[:BATCH]
    model = heads.classifier(body, 10)
    model.compile(keras.optimizers.Adam(RATE), loss=keras.losses.SparseCategoricalCrossentropy(from_logits=True))
    return (lambda: model.predict_on_batch(images)), (lambda: model.train_on_batch(images, labels))


def torch_passes(body, arrays, train):
    """Return the same of PyTorch alone."""
    import torch

    from tlbook.methods import in_torch

    images, labels = in_torch.pixels(train.images[:BATCH]), torch.tensor(train.labels[:BATCH])
    classes = torch.nn.Linear(int(np.prod(body.output.shape[1:])), 10)
    model = torch.nn.Sequential(in_torch.body(arrays), torch.nn.Flatten(), classes)
    optimizer = torch.optim.Adam(model.parameters(), RATE)

    def forward():
        with torch.no_grad():
            return model(images).numpy()

    def step():
        optimizer.zero_grad()
        loss = torch.nn.functional.cross_entropy(model(images), labels)
        loss.backward()
        optimizer.step()
        return float(loss.detach())

    return forward, step


def timed(function):
    """Return the CPU seconds of the first call, which traces or compiles, and the least of the calls that follow.

    Other work on the machine empties the caches and lengthens CPU seconds as well; nothing shortens them.
    """
    spent = []
    for _ in range(1 + REPEATS):
        start = time.process_time()
        function()
        spent.append(time.process_time() - start)
    return {"first_cpu": round(spent[0], 4), "cpu": round(min(spent[1:]), 4)}


def difference(seed, arm, arrays, test):
    """Return how far the features of this arm lie from TensorFlow's, relative to its largest; None without a graph."""
    if arm == "tensorflow_eager":
        return None
    images = test.images[: backends.PICTURES]
    theirs = backends.run("tensorflow", "forward", seed, N)["features"]
    if arm != "native_torch":
        return backends.relative_difference(backends.forward(images), theirs)
    import keras

    from tlbook.backbones import cut, vgg16
    from tlbook.methods import in_torch

    # The last block is Keras's, on the same backend: the recipe in PyTorch ends before it.
    _, block5 = cut.split(vgg16.build(arrays=arrays), BODY)
    features = in_torch.body(arrays)(in_torch.pixels(images)).detach().numpy()
    ours = block5.predict(features.transpose(0, 2, 3, 1), verbose=0)
    return backends.relative_difference(keras.ops.convert_to_numpy(ours), theirs)


EXPERIMENT = Measurement(
    name="frameworks",
    question="What does one recipe cost on three frameworks, and do they give the same answers?",
    design={"seed": (0, 1, 2), "arm": tuple(ARMS)},
    measure=measure,
)

if __name__ == "__main__":
    table = EXPERIMENT.record()
    print(table.groupby("arm", sort=False)[["forward_cpu", "step_cpu", "recipe_cpu", "accuracy"]].mean())
