"""How far each layer moves when all are trained: in weights, and in what it says of pictures; by where it began.

All ten convolutions of VGG16 up to `block4_pool`, at 32 pixels, with 1,000 labels, trained as `map_tuned` trains them:
`everything` from the published weights and the probe's head; `vgg16_mean_variance` and `vgg16_fresh` from weights with
each layer's mean and deviation, and from fresh ones, both with normalisation. Nothing is chosen: rates are those that
`map_tuned` takes where nothing can choose. For each layer there are

- `relative_...`: the length of the kernel's change over the length of the kernel (`tlbook.backbones.drift`);
- `cka_...`: linear CKA between what the layer says before and after (Kornblith et al., 2019), of 500 pictures of the
  pool that no label of the run belongs to, averaged over places as `map_frozen` does: 1, nothing changed;
- `floor_...`: the same between after and an untrained network with each layer's mean and deviation: what CKA says of
  two networks that have the pictures in common and nothing else.

What answers the question, laid down before any row: Kendall's tau, over the ten layers, between each of the two changes
and (a) depth, (b) the accuracy of a probe on the frozen layer (`map_frozen`, 32 pixels, 1,000 labels), with intervals
over seeds and layers. Claims of Raghu et al. (2019), reproduced or contradicted where the interval leaves zero out:

- pretrained weights are reused most in the lowest layers: with `everything`, `cka` falls with depth;
- they move less than those that know nothing: the mean `relative` of `everything` is below those of the other two,
  paired by layer. (Other rates are part of it: each learns at its own.)

- The strongest control is `vgg16_mean_variance`: the same scale of weights in every layer, and no feature.
- The positive control is `floor`: where the CKA of a trained layer is not above it, this CKA cannot say that anything
  was kept. And the accuracy of `everything` must be above that of the other two, as on the map.

Planned at 35e9 multiply-adds a core-second: `everything` 3 x 5.3e12, the other two 6 x 5.7e12 and a fifth for the
normalisation; with loading, 30 minutes of one core.

Run it with `python -m experiments.map_moved`. Chapter 4.8 reads it.
"""

import functools

import keras
import numpy as np

from experiments import map_frozen, map_task, map_training, map_tuned
from experiments.map_scores import cka
from experiments.protocol import Arm, Experiment, Fitted
from tlbook import features, heads
from tlbook.backbones import drift, normalised, vgg16
from tlbook.backbones.cost import multiply_adds
from tlbook.methods import prefix

LAYERS = tuple(name for name in vgg16.CONVOLUTIONS if not name.startswith("block5"))
WATCHED = 500  # pictures of the pool
EPOCHS = {"everything": 5, "control": 6}
PROBE_C = 1e-2


def body_of(weights, images, seed):
    """Return VGG16 with one kind of weights; with normalisation, measured on pictures, where they are not published."""
    keras.utils.set_random_seed(seed)
    body = map_tuned.whole(32, weights, seed)
    return body if weights == "published" else normalised.normalised(body, images, unchanged=weights != "fresh")


def readings(body, images):
    """Return what each layer says of pictures, averaged over places: a dict of name to (n, 2048)."""
    x = inputs = keras.Input((32, 32, 3))
    found = {}
    for operation in body.operations[1:]:
        x = operation(x)
        name = operation.name.removesuffix("_relu")  # with normalisation, a layer speaks behind its ReLU
        if name in LAYERS:
            found[name] = keras.layers.Flatten()(map_frozen.averaged(x))
    said = features.forward(keras.Model(inputs, keras.layers.Concatenate()([found[name] for name in LAYERS])), images)
    return dict(zip(LAYERS, np.split(said, len(LAYERS), axis=1), strict=True))


def kernels(body):
    """Return the weights of each layer, (kernel, bias)."""
    return {name: tuple(body.get_layer(name).get_weights()) for name in LAYERS}


def moved(task, arm, seed, weights):
    """Train all layers from one kind of weights, and measure how far each one went."""
    images, labels, n = task.train.images, task.train.labels, len(task.train)
    watched = np.delete(task.pool[0], task.positions, axis=0)[:WATCHED]
    few = images[: map_tuned.MEASURED]
    body = body_of(weights, few, seed)
    before, began = readings(body, watched), kernels(body)
    floor = readings(body_of("mean_variance", few, seed + 1_000), watched)
    views = prefix.Prefixed(map_task.both_views(images), prefix.VIEWS, 0.0)
    keras.utils.set_random_seed(seed)
    model = map_training.compiled(heads.classifier(body, 10, map_tuned.DROPOUT))
    made = map_tuned.made_by(body, views.arrays)
    if weights == "published":
        heads.start_from_probe(model, map_task.fitted_probe(made, labels, PROBE_C))
    else:
        heads.standardise(model, np.concatenate(list(made)))
    batches = prefix.PrefixBatches(views, map_training.one_hot(labels), map_tuned.BATCH[1_000], seed, shift=2)
    (rate,) = arm.grid
    epochs = EPOCHS["everything" if weights == "published" else "control"]
    shown = map_training.train(model, batches, epochs, rate)
    after = readings(body, watched)
    changes = drift.distances(began, kernels(body)).set_index("layer").relative
    figures = {f"relative_{name}": float(changes[name]) for name in LAYERS}
    figures |= {f"cka_{name}": cka(before[name], after[name]) for name in LAYERS}
    figures |= {f"floor_{name}": cka(floor[name], after[name]) for name in LAYERS}
    cost = multiply_adds(model)
    return Fitted(
        predict=lambda pictures: map_tuned.by_both(model, map_task.both_views(pictures)),
        validation=float("nan"),
        chosen=rate,
        figures=figures | {"tmac": (2 * n + 3 * shown) * cost / 1e12, "test_tmac": 2 * map_task.TEST * cost / 1e12},
    )


def arm_of(weights, rate, pretraining="published"):
    """Return the arm that begins with one kind of weights."""
    return Arm(fit=functools.partial(moved, weights=weights), grid=(rate,), pretraining=pretraining)


EXPERIMENT = Experiment(
    name="map_moved",
    question="How far does each layer of VGG16 move when all are trained, and does it follow what it was worth frozen?",
    unit="layer and seed",
    arms={
        "everything": arm_of("published", map_tuned.FIXED_TUNING),
        "vgg16_mean_variance": arm_of("mean_variance", map_tuned.FIXED_CONTROL),
        "vgg16_fresh": arm_of("fresh", map_tuned.FIXED_CONTROL, "none"),
    },
    design={"resolution": (32,), "n_train": (1_000,), "seed": (0, 1, 2)},
    load=map_task.load,
    metrics=map_task.METRICS,
    fresh=True,
)

if __name__ == "__main__":
    table = EXPERIMENT.record()
    wanted = [name for name in table if name.startswith(("relative_", "cka_"))]
    print(table.groupby("arm", sort=False)[["test_accuracy", *wanted]].mean().round(3).T.to_string())
