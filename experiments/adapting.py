"""How the tuning experiments train: one loop for every arm, and a rate that is chosen inside the labels of the task."""

import time
from dataclasses import dataclass

import keras
import numpy as np

from experiments.protocol import Task
from tlbook import heads

BATCH_SIZE = 8
WARMUP = 0.1  # of the steps
TO_CHOOSE = 100  # labels, at most: one half to learn from, the other to choose by


@dataclass(frozen=True)
class Tuned:
    """What `tune` found: the `rate`, its accuracy in the halves that chose, the examples seen, CPU seconds of each."""

    rate: float
    validation: float
    seen: int
    cpu_ms: float


def halves(labels, seed):
    """Return two halves of the first `TO_CHOOSE` labels, each class in both: arrays of positions, in random order."""
    rng, half = np.random.default_rng(seed), [[], []]
    for label in np.unique(labels[:TO_CHOOSE]):
        mine = rng.permutation(np.flatnonzero(labels[:TO_CHOOSE] == label))
        # An odd one goes to the smaller half.
        smaller = int(len(half[0]) > len(half[1]))
        half[smaller].extend(mine[::2])
        half[1 - smaller].extend(mine[1::2])
    return [rng.permutation(np.array(part, int)) for part in half]


def folds(labels, seed):
    """Return (learn, choose) positions: both ways where there are few labels, so that each of them chooses once."""
    one, two = halves(labels, seed)
    return [(one, two), (two, one)] if len(labels) < TO_CHOOSE else [(one, two)]


def inside(train, seed, source, **more):
    """Return a `Task` whose own labels choose: nothing is held out beside them."""
    labels = train.labels
    return Task(train=train, validation=train, n_choose=min(len(labels), TO_CHOOSE), source=source, seed=seed, **more)


def best_C(read, labels, C, seed):
    """Return the C of a probe on features (n, ...) that serves the folds best, and its accuracy there."""
    scores = {}
    for each in sorted(C):
        probes = [
            (heads.linear_probe(read[learn], labels[learn], each), choose) for learn, choose in folds(labels, seed)
        ]
        scores[each] = float(np.mean([probe.score(read[choose], labels[choose]) for probe, choose in probes]))
    best = max(scores, key=scores.get)
    return best, scores[best]


def tune(model, prepare, batches, predict, labels, rates, epochs, seed):
    """Choose the rate in the folds, then train with it on all labels; leave the model so.

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
    for rate in sorted(rates):
        right = []
        for learn, choose in folds(labels, seed):
            prepare(learn)
            seen += _train(model, batches, learn, rate, epochs[min(len(labels), TO_CHOOSE)], seed, cpu)
            right.extend(predict(choose) == labels[choose])
        choosing[rate] = float(np.mean(right))
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
