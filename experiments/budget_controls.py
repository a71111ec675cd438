"""Further rivals of `label_budget`, under the same strict count: a kernel on the gradients, and two random bodies.

- `gradients_kernel`: a support vector machine with a Gaussian kernel on the same gradients. Its border between classes
  may bend, so it is the strongest classical method here;
- `random_body`: VGG16 with fresh weights under the same regression as the published one;
- `shuffled_body`: the published weights, shuffled within each array: the sizes that training gave them, and no more.

Pictures, draws, test and clock are those of `label_budget`: `n_train` labels and no others, every C chosen by
cross-validation among them, nothing computed before. These arms stand in a file of their own because a new arm there
would make every row stale. Arms and grids were written down before any of it was run.

Run it with `python -m experiments.budget_controls`. Chapter 1 reads it.
"""

import functools
import time

from experiments import label_budget, random_bodies
from experiments.cifar10_classical import COMPONENTS, describe, kernel
from experiments.protocol import Arm, Experiment, Fitted
from tlbook import backbones, evaluation, features, heads
from tlbook.backbones import cost

KERNEL_C = (0.1, 0.3, 1.0, 3.0, 10.0, 30.0, 100.0)
PROBE_C = (1e-5, *label_budget.PROBE_C, 1.0)
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


def frozen(task, arm, seed, kind):
    """Read the features of a body that learned nothing, where `label_budget` reads the published one's."""
    start = time.process_time()
    body, _ = backbones.split(random_bodies.body(kind, seed=seed), label_budget.END)
    operations = cost.multiply_adds(body) * len(task.train)
    return label_budget.probed(task, arm, functools.partial(features.extract, body), start, operations)


EXPERIMENT = Experiment(
    name="budget_controls",
    question="What do the labels of `label_budget` allow with a kernel, and with bodies that learned nothing?",
    unit="test picture and seed",
    arms={
        "gradients_kernel": Arm(fit=gradients_kernel, grid=KERNEL_C, pretraining="none"),
        "random_body": Arm(fit=functools.partial(frozen, kind="fresh"), grid=PROBE_C, pretraining="none"),
        "shuffled_body": Arm(fit=functools.partial(frozen, kind="shuffled"), grid=PROBE_C, pretraining="published"),
    },
    design=label_budget.EXPERIMENT.design,
    load=label_budget.load,
    metrics={"accuracy": evaluation.accuracy},
)

if __name__ == "__main__":
    table = EXPERIMENT.record()
    print(table.groupby(["arm", "n_train"], sort=False)[["test_accuracy", "fit_seconds"]].mean())
