"""How the tuning experiments train: one loop for every arm, and a rate that is chosen inside the labels of the task."""

import time
from dataclasses import dataclass

import keras
import numpy as np

from experiments.protocol import Experiment, Task
from tlbook import heads

BATCH_SIZE = 8
WARMUP = 0.1  # of the steps
TO_CHOOSE = 100  # labels, at most, for a rate: one half to learn from, the other to choose by
MANY = 1_000  # labels: a run costs minutes, and three seeds have to do


@dataclass(frozen=True, kw_only=True)
class Tuning(Experiment):
    """An experiment that runs by number of labels, the smallest first, and only three seeds where these are many."""

    def configurations(self):
        """Return all runs, as a list of dict."""
        found = [run for run in super().configurations() if run["n_train"] < MANY or run["seed"] < 3]
        return sorted(found, key=lambda run: run["n_train"])


@dataclass(frozen=True)
class Tuned:
    """What `tune` found: the `rate`, its accuracy in the halves that chose, the examples seen, CPU ms an example."""

    rate: float
    validation: float
    seen: int
    cpu_ms: float


def halves(labels, seed, most=None):
    """Return two halves of the labels, or of the first `most`, each class in both: to learn from, and to choose by.

    Of an odd class the first half has one more, the next odd class gives one more to the second.
    """
    rng, half = np.random.default_rng(seed), [[], []]
    for label in np.unique(labels[:most]):
        mine = rng.permutation(np.flatnonzero(labels[:most] == label))
        smaller = int(len(half[0]) > len(half[1]))
        half[smaller].extend(mine[::2])
        half[1 - smaller].extend(mine[1::2])
    return [rng.permutation(np.array(part, int)) for part in half]


def inside(train, seed, source, **more):
    """Return a `Task` whose own labels choose: the same that train in the end, and none beside them."""
    return Task(train=train, validation=train, n_choose=len(train.labels), source=source, seed=seed, **more)


def best_C(read, labels, C, seed):
    """Return the C of a probe on features (n, ...) that serves the second half best, and its accuracy there."""
    learn, choose = halves(labels, seed)
    probe = heads.best_probe((read[learn], labels[learn]), (read[choose], labels[choose]), C)
    return probe.C, probe.validation_score


def tune(model, prepare, batches, predict, labels, rates, epochs, seed):
    """Choose the rate in the halves, then train with it on all labels; leave the model so.

    Parameters
    ----------
    model : keras.Model
        Returns logits. Its `trainable` flags say what learns.
    prepare : callable
        Takes positions; puts the model back to its start, with a head fitted on the examples at these positions.
    batches : callable
        Takes positions and a random generator; yields the batches (inputs, labels) of one epoch.
    predict : callable
        Takes positions, returns classes.
    labels, rates, epochs, seed
        Integers (n,); what to try; a dict of epochs by number of labels; the order of the batches.
    """
    choosing, seen, cpu = {}, 0, []
    learn, choose = halves(labels, seed, TO_CHOOSE)
    for rate in sorted(rates):
        prepare(learn)
        seen += _train(model, batches, learn, rate, epochs[min(len(labels), TO_CHOOSE)], seed, cpu)
        choosing[rate] = float(np.mean(predict(choose) == labels[choose]))
    rate = max(choosing, key=choosing.get)  # at a tie the lower one
    everything = np.arange(len(labels))
    prepare(everything)
    seen += _train(model, batches, everything, rate, epochs[len(labels)], seed, cpu)
    return Tuned(rate, choosing[rate], seen, 1e3 * float(np.median(cpu)))


def compiled(model):
    """Compile a model once for all of its trainings: tracing takes longer than some of them."""
    model.compile(keras.optimizers.Adam(1e-3), keras.losses.SparseCategoricalCrossentropy(from_logits=True))
    return model


def _train(model, batches, positions, rate, epochs, seed, cpu):
    """Train from fresh moments; note the CPU seconds an example of each step; return how many examples were seen."""
    for variable in model.optimizer.variables:
        variable.assign(keras.ops.zeros_like(variable))
    rng, seen = np.random.default_rng(seed), 0
    keras.utils.set_random_seed(seed)
    plan = [batch for _ in range(epochs) for batch in batches(positions, rng)]
    for step, (inputs, labels) in enumerate(plan):
        done = step / len(plan)
        climbing = min(1.0, (step + 1) / max(1.0, WARMUP * len(plan)))
        model.optimizer.learning_rate = rate * climbing * (1 + np.cos(np.pi * done)) / 2
        start = time.process_time()
        model.train_on_batch(inputs, labels)
        cpu.append((time.process_time() - start) / len(labels))
        seen += len(labels)
    return seen
