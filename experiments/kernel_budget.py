"""The strongest classical rival of `label_budget`: a kernel on the same gradients, with C chosen inside the budget.

`label_budget` holds VGG16's frozen features against a linear classifier on histograms of oriented gradients. People who
had such histograms also used a support vector machine with a Gaussian kernel, whose border between classes may bend.
Pictures, draws, test and the strict count are those of `label_budget`: `n_train` labels and no others, cross-validation
among them, a clock that starts cold. It stands in a file of its own because a new arm there would make every row stale.
The grid was written down before any of it was run.

Run it with `python -m experiments.kernel_budget`. Chapters 1 and 2 name it.
"""

import functools
import time

from experiments import label_budget
from experiments.cifar10_classical import COMPONENTS, describe, kernel
from experiments.protocol import Arm, Experiment, Fitted
from tlbook import evaluation, heads

KERNEL_C = (0.1, 0.3, 1.0, 3.0, 10.0, 30.0, 100.0)
FOLDS = 5


def gradients_kernel(task, arm, seed):
    """Fit a support vector machine with a Gaussian kernel on the main components of the gradients."""
    start = time.process_time()
    seen = describe(task.train.images)
    components = min(COMPONENTS, len(seen) // 2)  # no fold may hold fewer pictures
    make = functools.partial(kernel, components=components)
    probe = heads.probe_by_folds(seen, task.train.labels, arm.grid, FOLDS, make)
    return Fitted(
        predict=lambda images: probe.predict(describe(images)),
        validation=probe.validation_score,
        chosen=probe.C,
        figures=label_budget.spent(start, 0),
    )


EXPERIMENT = Experiment(
    name="kernel_budget",
    question="What do the labels of `label_budget` allow without any network, if a kernel may bend the border?",
    unit="test picture and seed",
    arms={"gradients_kernel": Arm(fit=gradients_kernel, grid=KERNEL_C, pretraining="none")},
    design=label_budget.EXPERIMENT.design,
    load=label_budget.load,
    metrics={"accuracy": evaluation.accuracy},
)

if __name__ == "__main__":
    table = EXPERIMENT.record()
    print(table.groupby(["arm", "n_train"], sort=False)[["test_accuracy", "fit_seconds"]].mean())
