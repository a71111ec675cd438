"""What TensorFlow's oneDNN kernels are worth on this CPU: pictures a second with them and without.

Each run trains all of VGG16 on the same random pictures at 32 pixels; only the ratio between rows of one machine means
anything.

Run it with `python -m experiments.training_speed`. No chapter shows it; `tlbook/__init__.py` cites it, which turns them
on.
"""

import os
import time

import numpy as np

from experiments.protocol import Measurement
from tlbook.files import sources

PICTURES = 256


def measure(arm, repeat):
    """Return how many pictures a second one pass trains on, after a first pass that builds the graph."""
    os.environ["TF_ENABLE_ONEDNN_OPTS"] = {"onednn": "1", "plain": "0"}[arm]
    import keras  # only now, these three: TensorFlow reads the setting once, when it is loaded

    from tlbook import backbones, heads

    keras.utils.set_random_seed(repeat)
    rng = np.random.default_rng(repeat)
    images = rng.integers(0, 256, (PICTURES, 32, 32, 3)).astype("float32")
    labels = rng.integers(0, 10, PICTURES)
    model = heads.classifier(backbones.vgg16.build(), 10)
    model.compile(keras.optimizers.Adam(1e-5), loss=keras.losses.SparseCategoricalCrossentropy(from_logits=True))
    model.fit(images[:64], labels[:64], batch_size=64, verbose=0)
    start = time.perf_counter()
    model.fit(images, labels, batch_size=64, verbose=0)
    source = sources.Source("random pixels", "bundled", "Made on the spot: only the speed is measured.")
    return {"pictures_per_second": round(PICTURES / (time.perf_counter() - start), 1), "source": source}


EXPERIMENT = Measurement(
    name="training_speed",
    question="What are TensorFlow's oneDNN kernels worth on this CPU?",
    design={"repeat": (0, 1, 2), "arm": ("onednn", "plain")},
    measure=measure,
)

if __name__ == "__main__":
    print(EXPERIMENT.record().groupby("arm").pictures_per_second.agg(["median", "min", "max"]))
