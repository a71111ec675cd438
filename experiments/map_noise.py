"""One find of `map_sources` asked again, alone: does a body that learned noise serve a target worse than a fresh one?

Of twenty comparisons, `map_sources` found one below zero: a frozen body that was pretrained on noise, read with 800
labels, less one that never learned anything. Over seeds it is told, over test pictures as well it is not. So here is
that comparison again with twenty seeds that no run has used (other labels, other pretraining), and with other test
pictures: the target's half of CIFAR-10's test set, 5,000, which no run of `map_sources` looked at.

What answers the question, laid down before any row: the difference `noise` less `nothing`, paired over seeds, its 95 %
interval over seeds and pictures (`tlbook.evaluation.crossed`): one comparison, asked once. *Negative transfer is
confirmed* where the interval lies below zero; otherwise it is not confirmed.

- The strongest control asks whether the noise or its normalisation does it: `noise_on_photographs` is the same body
  with the means and variances of the photographs that `nothing` has them from. Less `nothing` and less `noise`, each
  at 95 %.
- There is no positive control: `map_sources` has one for the same body and budget.

Planned by the CPU seconds of `map_sources`: pretraining 20 x 25 s, probes 60 x 3 s; 12 minutes of one core.

Run it with `python -m experiments.map_noise`. Chapter 4.8 reads it.
"""

import functools

from experiments import map_sources, map_task, source_bodies
from experiments.budgeted_pretraining import TARGET, measure, of_classes
from experiments.cheap_pretraining import PROBE_C, on_features, seen_by
from experiments.protocol import Arm, Experiment, HeldOut
from tlbook import data


def load(n_train, seed):
    """Return what `map_sources` learns from, and test pictures of the target that it did not look at."""
    task, _ = source_bodies.load(n_train, seed)
    test = of_classes(data.load_cifar10().test, TARGET)
    return task, HeldOut(test.images, test.labels)


def on_photographs(task, arm, seed):
    """Fit a head on the body that learned noise, normalised as a fresh body is."""
    body, _, said = source_bodies.pretrained("noise", task, seed)
    measure(body, task.other.images[:1_000])
    return on_features(task, arm, functools.partial(seen_by, body), said)


def frozen(way, kind):
    """Return the arm of a frozen body, as `map_sources` has it."""
    return Arm(fit=functools.partial(map_sources.frozen, way=way), grid=PROBE_C, pretraining=kind)


EXPERIMENT = Experiment(
    name="map_noise",
    question="Asked again, alone: does a body that learned noise serve a target worse than one that never learned?",
    unit="test picture and seed",
    arms={
        "nothing": frozen("nothing", "none"),
        "noise": frozen("noise", "measured"),
        "noise_on_photographs": Arm(fit=on_photographs, grid=PROBE_C, pretraining="measured"),
    },
    design={"n_train": (max(map_sources.PASSES),), "seed": tuple(range(10, 30))},
    load=load,
    metrics=map_task.METRICS,
)

if __name__ == "__main__":
    print(EXPERIMENT.record().groupby("arm", sort=False).test_accuracy.agg(["mean", "std", "count"]).round(4))
