"""Relatedness: what a small body brings to a target from sources near and far, on one budget; negative transfer sought.

`source_bodies` says which sources, and that they are alike in all else. Each body is read by a linear probe (`frozen`),
or trained from the probe's head (`tuned`), with few labels of the target and with many. `nothing` never learned
anything: frozen it has the statistics of photographs, tuned it learns from fresh weights, for as many passes at as many
rates. Beside them stand, at three seeds, ImageNet's VGG16 at 32 pixels, read at `block4_pool`: another body, another
size of picture, and a million pictures; and `patches`, small parts of the photographs of the other half, clustered
without labels and with no network (Coates et al., 2011): the strongest control that `cheap_pretraining` knows.

A quarter as many labels as are learned from choose C, or the rate. A seed draws the labels, the first weights and the
order of the pretraining. The test is the target's half of `data.holdout`, 2,500 pictures.

What answers the question, laid down before any row: the difference of each source from `nothing`, at the same labels,
read the same way, paired over seeds: five sources, two sizes, two ways, twenty comparisons, each at 95 % for all of
them together (Bonferroni). *Negative transfer is found* where such an interval lies below zero; otherwise it is not
found, with the lowest end as what cannot be ruled out. *Relatedness counts* where the differences fall in the order of
the sources (`other_half` above `drawings`, both above `shuffled_labels` and `noise`), each step with its interval.

- The positive control is `same_classes`: if five thousand labels of the target itself bring nothing, this body and this
  budget can show no transfer at all.
- The strongest control is `patches`: where it is above a source, that source taught nothing that was not to be had
  without it.

Planned by the CPU seconds of `cheap_pretraining`'s rows, in minutes of one core: pretraining 5 x 10 x 17 s, 14; tuning
6 x 10 x 24 s, 24; probes 5; patches 1; VGG16 3; in all 47. `tuning_tmac` counts 1e12 multiply-adds.

Run it with `python -m experiments.map_sources`. Chapter 4.8 reads it.
"""

import functools

import keras

from experiments import map_task, source_bodies
from experiments.budgeted_pretraining import TARGET
from experiments.cheap_pretraining import PROBE_C, fitted_probe, judged, on_features, seen_by
from experiments.picture_features import patches, published
from experiments.protocol import Arm, Experiment, Fitted
from experiments.source_bodies import SOURCES
from tlbook import heads, training
from tlbook.backbones.cost import multiply_adds
from tlbook.methods import generative

PASSES = {40: 120, 800: 20}  # of fine-tuning
RATES = (1e-4, 1e-3, 1e-2)
BATCH = 32


def frozen(task, arm, seed, way):
    """Fit a head on a frozen body."""
    body, _, said = source_bodies.pretrained(way, task, seed)
    return on_features(task, arm, functools.partial(seen_by, body), said)


def tuned(task, arm, seed, way):
    """Begin at the probe's head and train everything at each rate; the weights of the best rate stay."""
    body, _, said = source_bodies.pretrained(way, task, seed)
    probe, _ = fitted_probe(functools.partial(seen_by, body), task, arm.first)
    model = heads.classifier(body, len(TARGET))
    heads.start_from_probe(model, probe)
    steps = -(-PASSES[len(task.train)] * len(task.train) // BATCH)
    source_bodies.compiled(model, steps, keras.losses.SparseCategoricalCrossentropy(from_logits=True))
    start, found = model.get_weights(), []
    for rate in sorted(arm.grid):
        source_bodies.train_at(model, start, source_bodies.parts_of(task.train, steps, BATCH, seed), rate)
        found.append((*judged(model, task.validation), rate, model.get_weights()))
    _, accuracy, rate, weights = max(found, key=lambda each: each[0])
    model.set_weights(weights)
    spent = 3 * multiply_adds(model) * BATCH * steps * len(arm.grid)
    return Fitted(
        predict=lambda images: training.predict(model, generative.small(images), 500),
        validation=accuracy,
        chosen=rate,
        **said | {"figures": said.get("figures", {}) | {"tuning_tmac": spent / 1e12}},
    )


def without_body(task, arm, seed, way):
    """Fit a head on features that none of the bodies made."""
    return on_features(task, arm, *way(task, seed))


def arms_of(way):
    """Return the two arms of a source."""
    kind = "none" if way == "nothing" else "measured"
    return {
        f"{way}_frozen": Arm(fit=functools.partial(frozen, way=way), grid=PROBE_C, pretraining=kind),
        f"{way}_tuned": Arm(fit=functools.partial(tuned, way=way), grid=RATES, first=PROBE_C, pretraining=kind),
    }


THREE = {"design": {"seed": (0, 1, 2)}}
EXPERIMENT = Experiment(
    name="map_sources",
    question="Which sources help a target, how much does it count how near they are, and does one of them do harm?",
    unit="seed: draw of the target's labels and pretraining, both anew",
    arms={
        **{name: arm for way in ("nothing", *SOURCES) for name, arm in arms_of(way).items()},
        "patches": Arm(fit=functools.partial(without_body, way=patches), grid=PROBE_C, pretraining="measured", **THREE),
        "imagenet_frozen": Arm(
            fit=functools.partial(without_body, way=published), grid=PROBE_C, pretraining="published", **THREE
        ),
    },
    design={"n_train": tuple(PASSES), "seed": tuple(range(10))},
    load=source_bodies.load,
    metrics=map_task.METRICS,
)

if __name__ == "__main__":
    table = EXPERIMENT.record()
    print(table.pivot_table("test_accuracy", "arm", "n_train", sort=False).round(3))
