"""The front: what 1 to 60 minutes of one core buy where labels are many, with ImageNet's weights and without them.

45,000 labelled pictures of CIFAR-10 are to be had, and `budget` 1e12 multiply-adds to use them: what a core that does
40e9 a second does in 1, 3, 10, 30 and 60 minutes. Every way learns from as many pictures as it can show often enough
(`LEAST` passes each), and then shows all of them as often as the budget allows. The reading of the frozen part, in both
views, and the probe that becomes the head are paid from it too; the test is not, it stands in `test_tmac`.

- `last_block`, `last_two`, `everything` tune VGG16 at 32 pixels, as in `map_tuned`.
- `airbench_32`, `airbench_64` learn from fresh weights, the modern small network of `map_scratch` at half and at all of
  the record's width: the strongest control.
- The others leave one thing out of `last_two`, at one budget: mirror images, shifts, the head from a probe (it begins
  at fresh weights on standardised features), smoothed labels, dropout. `validation_accuracy` is what they are
  compared by.

Nothing is chosen in a run. The rates stand here, from pilots on pictures of the training set: for tuning that of
`map_tuned` with 1,000 labels and all layers, 3e-4; from scratch 1e-2. 2,500 of the labels are held back, a draw for
each seed: by them a reader chooses the way for a budget.

Planned for one GPU: 4,200e12 multiply-adds, 30 hours of one core. Without one, a way that was behind at every smaller
budget, by those held back, is not followed to the larger ones: `left_out` says which, settled before any such run.

Run it with `python -m experiments.map_front`. Chapter 4.6 reads it.
"""

import functools

import keras
import numpy as np

from experiments import map_task, map_training, map_tuned
from experiments.protocol import Arm, Experiment, Fitted, HeldOut, Task
from tlbook import backbones, data, features, heads
from tlbook.backbones import airbench
from tlbook.backbones.cost import multiply_adds
from tlbook.data import splits
from tlbook.data.images import Split
from tlbook.methods import prefix

LABELS, JUDGES, TEST = 42_500, 2_500, 2_500
UNIT, BUDGETS = 1e12, (144.0, 72.0, 24.0, 7.2, 2.4)
ABLATED = 24.0
LEAST = {"tuned": 4, "airbench_32": 12, "airbench_64": 8}
RATES = {"tuned": 3e-4, "scratch": 1e-2}
BATCH, PROBED, PROBE_C = 128, 1_000, 1e-3


def load(n_train, seed, budget):
    """Return the labels to learn from, those held back, and the test."""
    dataset, holdout = data.load_cifar10(), data.holdout()
    images = np.concatenate([dataset.train.images, dataset.validation.images])
    labels = np.concatenate([dataset.train.labels, dataset.validation.labels])
    learn, judge = splits.stratified(labels, JUDGES * len(labels) // (LABELS + JUDGES), seed)
    learn = learn[:n_train]
    task = Task(
        train=Split(images[learn], labels[learn]),
        validation=Split(images[judge], labels[judge]),
        n_choose=len(judge),
        source=dataset.source,
        budget=UNIT * budget,
    )
    test = data.subset(holdout, min(TEST, len(holdout)), 0)
    return task, HeldOut(test.images, test.labels)


def affordable(budget, pictures, below, above, least, probed=0):
    """Return `(n, epochs)`: how many pictures a budget is enough for, and how often each is shown.

    `below` is what reading one view costs once, `above` a forward pass of what is trained, `probed` the pictures that
    the head is fitted on first. Raises `ValueError` for a budget that is enough for none.
    """
    left = budget - 2 * probed * above
    n = min(pictures, int(left / (2 * below + 3 * above * least)))
    if n < 10:
        raise ValueError(f"budget: got {budget:.3g} multiply-adds, enough for {n} pictures, expected 10 or more")
    return n, int((left - 2 * n * below) / (3 * n * above))


def tuned(task, arm, seed, how, without=()):
    """Train the last layers of VGG16, or all, from the head of a probe."""
    keras.utils.set_random_seed(seed)
    lower, upper = None, map_tuned.whole(32)
    if how in map_tuned.CUTS:
        lower, upper = backbones.split(upper, map_tuned.CUTS[how])
    dropout = 0.0 if "dropout" in without else map_tuned.DROPOUT
    smoothing = 0.0 if "smoothing" in without else map_training.SMOOTHING
    model = map_training.compiled(heads.classifier(upper, 10, dropout), smoothing)
    below, above = (multiply_adds(lower) if lower else 0), multiply_adds(model)
    n, epochs = affordable(task.budget, len(task.train), below, above, LEAST["tuned"], PROBED)
    images, labels = task.train.images[:n], task.train.labels[:n]
    views = ("plain",) if "mirror" in without else prefix.VIEWS
    if lower:
        seen = prefix.cached(lower, images, views)
    else:
        seen = prefix.Prefixed(map_task.both_views(images)[: len(views)], views, 0.0)
    made = map_tuned.made_by(upper, seen.arrays[:, :PROBED])
    if "probe" in without:
        heads.standardise(model, made[0])
    else:
        heads.start_from_probe(model, map_task.fitted_probe(made, labels[:PROBED], PROBE_C))
    shift = 0 if "shift" in without else map_tuned.SHIFTS.get(how, 2)
    batches = prefix.PrefixBatches(seen, map_training.one_hot(labels), BATCH, seed, shift=shift)
    map_training.train(model, batches, epochs, RATES["tuned"])
    whole = prefix.join(lower, model) if lower else model
    work = len(views) * (n * below + min(n, PROBED) * above) + 3 * n * epochs * above
    return answered(task, whole, RATES["tuned"], n, epochs, work)


def from_scratch(task, arm, seed, width):
    """Train the small modern network from fresh weights."""
    model = map_training.compiled(airbench.build(task.train.images[:5_000], width, seed=seed))
    cost = multiply_adds(model)
    n, epochs = affordable(task.budget, len(task.train), 0, cost, LEAST[f"airbench_{width}"])
    images, labels = task.train.images[:n], task.train.labels[:n]
    views = prefix.Prefixed(map_task.both_views(images), prefix.VIEWS, 0.0)
    batches = prefix.PrefixBatches(views, map_training.one_hot(labels), BATCH, seed, shift=2)
    map_training.train(model, batches, epochs, RATES["scratch"])
    return answered(task, model, RATES["scratch"], n, epochs, 3 * n * epochs * cost)


def answered(task, model, rate, n, epochs, work):
    """Return what an arm returns: the classes by the mean logits over both views, and what they cost."""

    def predict(images):
        return np.mean([features.forward(model, view) for view in map_task.both_views(images)], axis=0).argmax(axis=1)

    return Fitted(
        predict=predict,
        validation=float(np.mean(predict(task.validation.images) == task.validation.labels)),
        chosen=rate,
        figures={
            "n_shown": n,
            "epochs": epochs,
            "tmac": work / 1e12,
            "test_tmac": 2 * TEST * multiply_adds(model) / 1e12,
        },
    )


def tuning(how, **design):
    """Return the arm that tunes in one way."""
    fit = functools.partial(tuned, how=how)
    return Arm(fit=fit, grid=(RATES["tuned"],), pretraining="published", design=design)


def scratch(width):
    """Return the arm of one width."""
    return Arm(fit=functools.partial(from_scratch, width=width), grid=(RATES["scratch"],), pretraining="none")


def ablation(part):
    """Return the arm that goes without one part."""
    fit = functools.partial(tuned, how="last_two", without=(part,))
    return Arm(fit=fit, grid=(RATES["tuned"],), pretraining="published", design={"budget": (ABLATED,)})


EXPERIMENT = Experiment(
    name="map_front",
    question="What do 1 to 60 minutes of one core buy on CIFAR-10 with 45,000 labels, with transfer and without?",
    unit="test picture and seed",
    arms={
        "last_two": tuning("last_two"),
        "everything": tuning("everything"),
        "airbench_64": scratch(64),
        "last_block": tuning("last_block"),
        "airbench_32": scratch(32),
        **{f"without_{part}": ablation(part) for part in ("mirror", "shift", "probe", "smoothing", "dropout")},
    },
    design={"n_train": (LABELS,), "budget": BUDGETS, "seed": (0, 1, 2)},
    load=load,
    metrics=map_task.METRICS,
    left_out={
        "airbench_64 beyond 24e12, as half of its width is ahead at every smaller budget": lambda run: (
            run["arm"] == "airbench_64" and run["budget"] > 24
        ),
    },
)

if __name__ == "__main__":
    table = EXPERIMENT.record()
    print(table.groupby(["arm", "budget"], sort=False)[["validation_accuracy", "test_accuracy"]].mean().round(3))
