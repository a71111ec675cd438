"""What CIFAR-10's labels allow without any network: two classical methods, on the pictures of `cifar10_regimes`.

A control for every claim of transfer on these pictures. Both arms read histograms of oriented gradients and a small
picture of 8 x 8 colours; neither looks at any other picture than those it has labels for. As in the linear probe of
`cifar10_regimes`, no mirrored pictures are added. C is chosen on the validation pictures, for each run.

Run it with `python -m experiments.cifar10_classical`. Chapter 8.1 plots it.
"""

import functools

import numpy as np
from sklearn.decomposition import PCA
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC

from experiments import cifar10_regimes
from experiments.protocol import Arm, Experiment, Fitted
from tlbook import evaluation, heads
from tlbook.inputs import gradients

LINEAR_C = (1e-4, 1e-3, 1e-2, 1e-1)
KERNEL_C = (0.3, 1.0, 3.0, 10.0, 30.0)
COMPONENTS = 200  # that the kernel method reads


def describe(images):
    """Return what both arms see: oriented gradients and the picture at a quarter of its size, float32 (n, features)."""
    n, height, width, channels = images.shape
    small = images.reshape(n, height // 4, 4, width // 4, 4, channels).mean(axis=(2, 4), dtype="float32") / 255
    return np.concatenate([gradients.hog(images), small.reshape(n, -1)], axis=1)


def kernel(C, components):
    """Return an unfitted support vector machine with a Gaussian kernel on the main components."""
    return make_pipeline(StandardScaler(), PCA(components, random_state=0), SVC(C=C))


def classical(task, arm, seed, method):
    """Fit one method for each C, and keep the one that serves the validation pictures best."""
    parts = [(describe(part.images), part.labels) for part in (task.train, task.validation)]
    components = min(COMPONENTS, len(task.train) - 1)
    make = heads.regression if method == "linear" else functools.partial(kernel, components=components)
    probe = heads.best_probe(*parts, C=arm.grid, make=make)
    return Fitted(
        predict=lambda images: probe.predict(describe(images)), validation=probe.validation_score, chosen=probe.C
    )


EXPERIMENT = Experiment(
    name="cifar10_classical",
    question="What do CIFAR-10's labels allow without any network?",
    unit="test picture and seed",
    arms={
        "gradients_regression": Arm(
            fit=functools.partial(classical, method="linear"), grid=LINEAR_C, pretraining="none"
        ),
        "gradients_kernel": Arm(fit=functools.partial(classical, method="kernel"), grid=KERNEL_C, pretraining="none"),
    },
    design={"n_train": (100, 1_000, 10_000), "seed": (0, 1, 2)},
    load=cifar10_regimes.load,
    metrics={"accuracy": evaluation.accuracy},
)

if __name__ == "__main__":
    table = EXPERIMENT.record()
    print(table.groupby(["arm", "n_train"], sort=False).test_accuracy.agg(["mean", "min", "max"]))
