"""The race's controls: the shortest ways to its levels that we know, with ImageNet's weights and without them.

`race` lets each way run to its end and reads off when it passes a level. A way that is made to get there can be
sooner, and the strongest control is the soonest:

- `airbench_short`: the race's network from fresh weights in a cycle of `EPOCHS`. The race's own cycle passes the level
  of the article on its way, at a rate that has not come down yet.
- `airbench_narrow`: the same with half as many channels, which makes an epoch about four times cheaper, and more of
  them.
- `probe`: nothing is tuned. VGG16 up to block 4 reads the first `READ` of the labelled pictures, once and unmirrored,
  and after each number a linear head is solved anew: a course by labels. The kept ways of the race read all of them,
  in two views, before their first point.

Pictures, judges, test, clock and columns are those of `race`. These arms stand in a file of their own because a new one
there would make every row stale. Cycles were set from pilots on seed 100 (of 5 to 24 epochs), before any of these runs.

Run it with `python -m experiments.race_controls`. Chapter 4.6 reads it.
"""

import functools

import keras
import numpy as np

from experiments import map_scratch, map_task, map_training, map_tuned, race
from experiments.protocol import Arm, Experiment
from tlbook import evaluation, features, heads
from tlbook.backbones import airbench
from tlbook.backbones.cost import multiply_adds
from tlbook.methods import prefix

WIDTHS = {"short": 32, "narrow": 16}
EPOCHS = {"short": 7, "narrow": 12}
READ = (625, 1_250, 2_500, 5_000, 10_000)


def from_scratch(task, arm, seed, how):
    """Train the small modern network from fresh weights, in a short cycle or with few channels."""
    course, images = race.Course(task.validation), task.train.images
    model = map_training.compiled(airbench.build(images, WIDTHS[how], seed=seed))
    views = prefix.Prefixed(map_task.both_views(images), prefix.VIEWS, 0.0)
    hot = map_training.one_hot(task.train.labels)
    batches = prefix.PrefixBatches(views, hot, race.BATCH["airbench"], seed, shift=map_scratch.SHIFT)
    race.cycle(model, batches, EPOCHS[how], race.RATES["airbench"], course, model, 3 * multiply_adds(model))
    return course.fitted(model)


def probed(task, arm, seed):
    """Solve a linear head on what VGG16 makes of more and more pictures."""
    keras.utils.set_random_seed(seed)
    course, body = race.Course(task.validation), map_tuned.whole(32)
    model, each, made, done = heads.classifier(body, 10), multiply_adds(body), [], 0
    for n in READ:
        made.append(features.forward(body, task.train.images[done:n]))
        seen = np.concatenate(made)
        probe = map_task.fitted_probe(seen.reshape(1, len(seen), -1), task.train.labels[:n], race.PROBE_C)
        heads.start_from_probe(model, probe)
        course.note(model, each * (len(seen) - done))
        done = len(seen)
    return course.fitted(model)


EXPERIMENT = Experiment(
    name="race_controls",
    question="What is the least computing that reaches the race's levels, with ImageNet's weights and without them?",
    unit="seed",
    arms={
        "probe": Arm(fit=probed, pretraining="published"),
        "airbench_short": Arm(fit=functools.partial(from_scratch, how="short"), pretraining="none"),
        "airbench_narrow": Arm(fit=functools.partial(from_scratch, how="narrow"), pretraining="none"),
    },
    design={"n_train": (race.LABELS,), "seed": (0, 1, 2, 3, 4)},
    load=race.load,
    metrics={"accuracy": evaluation.accuracy},
    fresh=True,
)

if __name__ == "__main__":
    print(EXPERIMENT.record()[["arm", "seed", "tmac", "cpu_seconds", "test_accuracy"]])
