"""Forgetting: what is left of the source while a target is learned, at four rates, with 0 to 3 layers frozen.

The body was pretrained on `other_half` (`source_bodies`): five classes of CIFAR-10, which can be tested, unlike
ImageNet's. It learns the other five from 800 labels, as `map_sources` tunes it, from a probe's head; the head of the
source stays beside the new one. Convolutions are frozen from below, each with its normalisation. Nothing is chosen:
every rate at every depth is a row, with its last weights; `validation_accuracy`, of 200 more labels of the target, is
what a reader would choose by.

Of the source's five classes `data.holdout` has 2,500 pictures. A row says how many are right before
(`test_source_before`) and after with the head that the source left (`test_source_accuracy`), and after with a linear
probe fitted anew on 1,000 labels of the source (`test_source_again`), C chosen by 200 of them: the first says what is
forgotten, the second what is lost, because a head can lose its features while they are all there.

What answers the question, laid down before any row (paired over seeds, with intervals):

- forgetting, before minus after, by rate and by frozen depth: does it grow with the rate at depth 0, and fall with the
  depth at each rate?
- the price: at each depth, the rate that the validation prefers on average over the seeds; there, the target's accuracy
  and the forgetting, as differences from depth 0 (comparisons at 95 % together);
- lost or mislaid: `test_source_again`, which is also known of a row where nothing moves (depth 3), against it.

- The strongest control is `rehearsal`: each step shows as many pictures of the source's own 5,000 as of the target, in
  the source's head, which learns on; nothing is frozen. What it keeps, and what the target pays, is what freezing has
  to beat; it needs the source's data, and twice the computing.
- The positive control is depth 0 at the highest rate, which must forget; at depth 3, where the body cannot move,
  forgetting must be zero, exactly.

Planned by the CPU seconds of `cheap_pretraining`'s rows, in minutes of one core: 160 trainings of 7 s, 40 of rehearsal
of 14 s, probes 3 s a run; in all 38. The bodies come from `map_sources`; where it has not run yet, 3 more.

Run it with `python -m experiments.map_forgetting`, after `map_sources`. Chapter 4.8 reads it.
"""

import functools

import keras
import numpy as np

from experiments import map_task, source_bodies
from experiments.budgeted_pretraining import SOURCE, Stream, of_classes
from experiments.cheap_pretraining import PROBE_C, fitted_probe, seen_by
from experiments.map_sources import BATCH, PASSES
from experiments.protocol import Arm, Experiment, Fitted, HeldOut, Task
from tlbook import data, evaluation, features, heads
from tlbook.backbones.cost import multiply_adds
from tlbook.methods import generative

HALF = len(SOURCE)  # classes of each task
AGAIN, AGAIN_JUDGES = 1_000, 200  # labels of the source that a probe is fitted on, and that choose its C
RATES = (1e-4, 1e-3, 3e-3, 1e-2)


def load(n_train, seed, frozen, rate):
    """Return what the target is learned from, how, and what the source was learned from; and the tests of both."""
    task, test = source_bodies.load(n_train, seed)
    task = Task(**vars(task), frozen=frozen, rate=rate)
    source = of_classes(data.holdout(), SOURCE)
    return task, HeldOut(
        {"target": test.inputs, "source": source.images}, {"target": test.labels, "source": source.labels}
    )


def two_heads(body, head, probe):
    """Return a model with the logits of the target, from a probe, and then those of the source, from its head."""
    target = heads.classifier(body, HALF)
    heads.start_from_probe(target, probe)
    return keras.Model(
        body.input, keras.layers.Concatenate()([target.output, head(keras.layers.Flatten()(body.output))])
    )


def own_classes(labels, logits):
    """Return the cross-entropy over the classes of the task that each label belongs to: 0..4 target, 5..9 source."""
    labels = keras.ops.cast(keras.ops.reshape(labels, (-1,)), "int32")
    other = keras.ops.arange(2 * HALF) // HALF != keras.ops.expand_dims(labels // HALF, 1)
    logits = logits - 1e9 * keras.ops.cast(other, "float32")
    return keras.ops.sparse_categorical_crossentropy(labels, logits, from_logits=True)


def freeze(body, depth):
    """Freeze the lowest convolutions of a body, each with its normalisation."""
    seen = 0
    for layer in body.layers:
        seen += isinstance(layer, keras.layers.Conv2D)
        layer.trainable = seen > depth


def learned(task, arm, seed, rehearsal):
    """Train the body on the target, at the rate and the depth of the run."""
    body, model, said = source_bodies.pretrained("other_half", task, seed)
    probe, _ = fitted_probe(functools.partial(seen_by, body), task, arm.first)
    head = model.get_layer("head")
    both = two_heads(body, head, probe)
    before = keras.models.clone_model(both)
    before.set_weights(both.get_weights())
    freeze(body, task.frozen)
    head.trainable = rehearsal
    n = len(task.train)
    steps = -(-PASSES[n] * n // BATCH)
    batches = source_bodies.parts_of(task.train, steps, BATCH, seed)
    if rehearsal:
        batches = mixed(batches, source_bodies.parts_of(task.other, steps, BATCH, seed + 1))
    source_bodies.compiled(both, steps, own_classes)
    source_bodies.train_at(both, both.get_weights(), batches, task.rate)
    again = probe_again(body, task, seed)
    shown = steps * BATCH * (2 if rehearsal else 1)

    def predict(inputs):
        return {
            "target": logits_of(both, inputs["target"])[:, :HALF].argmax(axis=1),
            "source": logits_of(both, inputs["source"])[:, HALF:].argmax(axis=1),
            "source_before": logits_of(before, inputs["source"])[:, HALF:].argmax(axis=1),
            "source_again": again.predict(seen_by(body, inputs["source"])),
        }

    judged = logits_of(both, task.validation.images)[:, :HALF].argmax(axis=1)
    spent = {"tuning_tmac": 3 * multiply_adds(both) * shown / 1e12}
    return Fitted(
        predict=predict,
        validation=evaluation.accuracy(task.validation.labels, judged),
        **said | {"figures": said["figures"] | spent},
    )


def mixed(target, source):
    """Return batches of both tasks; the classes of the source count from 5."""
    labels = np.concatenate([target.labels, HALF + source.labels])
    order = np.concatenate([target.order, len(target.labels) + source.order], axis=1)
    return Stream([lambda i: np.concatenate([target.make[0](i), source.make[0](i)])], labels, order)


def probe_again(body, task, seed):
    """Return a probe of the source's classes on a body as it is now."""
    some = data.subset(task.other, min(AGAIN, len(task.other)), seed)
    judges = max(HALF, AGAIN_JUDGES * len(some) // AGAIN)
    train, validation = data.split_off(some, judges, seed)
    asked = Task(train=train, validation=validation, n_choose=judges, source=task.source)
    return fitted_probe(functools.partial(seen_by, body), asked, PROBE_C)[0]


def logits_of(model, images):
    """Return the ten logits of pictures."""
    return features.forward(model, generative.small(images), 500)


def scored(labels, predictions):
    """Return the accuracy on the target, and on the source before, after, and after with a new head."""
    target, source = labels["target"], labels["source"]
    found = map_task.scored(target, predictions["target"])
    found["source_accuracy"] = evaluation.accuracy(source, predictions["source"])
    return found | {name: evaluation.accuracy(source, predictions[name]) for name in ("source_before", "source_again")}


EXPERIMENT = Experiment(
    name="map_forgetting",
    question="What does a body forget of its source while it learns a target, by rate and by frozen depth?",
    unit="seed: draw of the target's labels and pretraining, both anew",
    arms={
        "fine_tuned": Arm(fit=functools.partial(learned, rehearsal=False), first=PROBE_C, pretraining="measured"),
        "rehearsal": Arm(
            fit=functools.partial(learned, rehearsal=True),
            first=PROBE_C,
            pretraining="measured",
            design={"frozen": (0,)},
        ),
    },
    design={"n_train": (max(PASSES),), "frozen": (0, 1, 2, 3), "rate": RATES, "seed": tuple(range(10))},
    load=load,
    metrics={"accuracy": scored},
)

if __name__ == "__main__":
    table = EXPERIMENT.record()
    columns = ["test_accuracy", "test_source_before", "test_source_accuracy", "test_source_again"]
    print(table.groupby(["arm", "frozen", "rate"], sort=False)[columns].mean().round(3).to_string())
