"""Which learning rate each regime of `cifar10_regimes` needs: on the validation set, with a seed that is not reported.

One rate for all would decide the comparison before it starts. Run it with `python -m experiments.cifar10_rates`.
"""

import numpy as np

from experiments import cifar10_regimes
from experiments.recording import record
from tlbook.data import load_cifar10

RATES = {
    "scratch_small_cnn": [0.001, 0.003, 0.01, 0.03],
    "head_then_block4": [0.00003, 0.0001, 0.0003, 0.001],
    "everything": [0.00003, 0.0001, 0.0003],
    "scratch_vgg16": [0.0001, 0.0003, 0.001],
}


def run(regime, labels, seed, learning_rate):
    """Return the validation accuracy after training at one rate; none where the loss did not stay finite."""
    try:
        return cifar10_regimes.run(regime, labels, seed, learning_rate, test=False)
    except FloatingPointError:
        return {"validation_accuracy": np.nan, "source": load_cifar10().source}


if __name__ == "__main__":
    grid = [
        {"regime": regime, "labels": 1_000, "seed": 100, "learning_rate": rate}
        for regime, rates in RATES.items()
        for rate in rates
    ]
    table = record("cifar10_rates", grid, run)
    print(table[["regime", "learning_rate", "validation_accuracy", "seconds"]])
