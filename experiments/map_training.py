"""How the arms of the map train a network: one cycle of AdamW, and a rate that is chosen inside the labels."""

from dataclasses import dataclass

import keras
import numpy as np

from experiments import map_task
from tlbook.data import splits

WARMUP = 0.15  # of the steps
SMOOTHING = 0.1  # of the labels
WEIGHT_DECAY = 0.01
FOLDS = 2  # with 100 labels: each half is judged by what learned from the other


class Cycle(keras.optimizers.schedules.LearningRateSchedule):
    """A rate that climbs to `peak` over the first part of `steps` and falls to 0 as a line; both can be set."""

    def __init__(self):
        """Set nothing yet."""
        self.peak = keras.Variable(0.0, trainable=False)
        self.steps = keras.Variable(1.0, trainable=False)

    def __call__(self, step):
        """Return the rate of a step."""
        done = (keras.ops.cast(step, "float32") + 0.5) / self.steps
        return self.peak * keras.ops.clip(keras.ops.minimum(done / WARMUP, (1 - done) / (1 - WARMUP)), 0, 1)


def compiled(model, smoothing=SMOOTHING):
    """Compile a model that returns logits, once for all of its trainings: tracing takes longer than some of them.

    Raises `RuntimeError` on JAX, which would build the first rate of a cycle into the step, as a constant.
    """
    if keras.backend.backend() == "jax":
        raise RuntimeError("KERAS_BACKEND: got jax, expected tensorflow or torch, which can change a cycle's rate")
    model.compile(
        keras.optimizers.AdamW(Cycle(), weight_decay=WEIGHT_DECAY),
        keras.losses.CategoricalCrossentropy(from_logits=True, label_smoothing=smoothing),
        jit_compile=False,
    )
    return model


@dataclass(frozen=True)
class Trained:
    """What `choose_and_train` did: the `rate`, its accuracy inside the labels, and how many examples it was shown."""

    rate: float
    validation: float
    seen: int


def choose_and_train(model, prepare, batches, predict, labels, grid, epochs, seed, fixed, share):
    """Choose the rate inside the labels, then train with it on all of them; leave the model so.

    Parameters
    ----------
    model : keras.Model
        Compiled by `compiled`.
    prepare : callable
        Takes positions; puts the model back to its start, with what is fitted on the examples there.
    batches : callable
        Takes positions; returns a `PyDataset` of their batches, with one-hot labels.
    predict : callable
        Takes positions, returns classes.
    labels, grid, epochs, seed
        Integers (n,); the rates to try; passes of the final training; what draws.
    fixed : float
        The rate where there is one label a class, and nothing can choose.
    share : float
        Each rate is judged after a cycle of its own over this part of what the final training is shown. A short cycle
        prefers low rates.
    """
    parts, classes, seen, scores = map_task.inside(labels, seed, FOLDS), len(np.unique(labels)), 0, {}
    for rate in sorted(grid) if parts and len(grid) > 1 else ():
        right = []
        for learn, judge in parts:
            wanted = max(1, round(share * epochs * len(labels)) // len(parts))
            passes, some = max(1, round(wanted / len(learn))), learn
            if wanted < len(learn):  # a part of one pass, with all classes in it
                few = min(max(wanted, classes), len(learn) - classes)
                some = learn[splits.stratified(labels[learn], few, seed)[1]]
            prepare(some)
            seen += train(model, batches(some), passes, rate)
            right.append(predict(judge) == labels[judge])
        scores[rate] = float(np.mean(np.concatenate(right)))
    rate = max(scores, key=scores.get) if scores else fixed
    everything = np.arange(len(labels))
    prepare(everything)
    seen += train(model, batches(everything), epochs, rate)
    return Trained(rate, scores.get(rate, float("nan")), seen)


def train(model, batches, epochs, rate):
    """Train for one cycle, from fresh moments; return how many examples were shown."""
    for variable in model.optimizer.variables:
        variable.assign(keras.ops.zeros_like(variable))
    cycle = model.optimizer._learning_rate
    cycle.peak.assign(rate)
    cycle.steps.assign(epochs * len(batches))
    model.fit(batches, epochs=epochs, shuffle=False, verbose=0)
    return epochs * len(batches.labels)


def one_hot(labels, classes=10):
    """Return labels as rows of zeros with a one, float32 (n, classes)."""
    return np.eye(classes, dtype="float32")[labels]
