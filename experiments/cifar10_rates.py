"""Which learning rate each regime of `cifar10_regimes` needs: on the validation set, with a seed that is not reported.

One rate for all would decide the comparison before it starts.

Run it with `python -m experiments.cifar10_rates`. Chapter 4.3 shows it.
"""

import dataclasses
import functools
import math

from experiments import cifar10_regimes
from experiments.protocol import Experiment, Fitted


def load(n_train, seed, learning_rate):
    """Return the task of `cifar10_regimes`, at one rate; nothing here looks at the test set."""
    task, _ = cifar10_regimes.load(n_train, seed)
    task.rate = learning_rate
    return task, None


def at_rate(task, arm, seed, fit):
    """Train at one rate; the validation accuracy is blank where the loss did not stay finite."""
    try:
        return dataclasses.replace(fit(task, arm, seed, rate=task.rate), chosen=None)
    except FloatingPointError:
        return Fitted(predict=None, validation=math.nan)


def one_rate(regime):
    """Return the arm of a regime for which a row is a rate, and nothing is chosen within a row."""
    arm = cifar10_regimes.EXPERIMENT.arms[regime]
    design = {"learning_rate": arm.grid}
    return dataclasses.replace(arm, fit=functools.partial(at_rate, fit=arm.fit), grid=(None,), design=design)


EXPERIMENT = Experiment(
    name="cifar10_rates",
    question="Which learning rate does each regime need?",
    unit="validation picture",
    arms={regime: one_rate(regime) for regime in cifar10_regimes.RATES},
    design={"n_train": (1_000,), "seed": (100,), "learning_rate": ()},
    load=load,
    metrics=cifar10_regimes.EXPERIMENT.metrics,
    fresh=True,
)

if __name__ == "__main__":
    print(EXPERIMENT.record()[["arm", "learning_rate", "validation_accuracy", "seconds"]])
