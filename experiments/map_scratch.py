"""The map, from scratch: a small modern network that never saw another picture, with 10 to 10,000 labels.

The strong control of the map: `tlbook.backbones.airbench` at half the record's width, with a whitened first layer,
label smoothing, mirror images that alternate, shifts by up to two pixels, one cycle of AdamW, logits averaged over both
views in the test. The passes grow as the labels become few: 320 over 10 labels, 200 over 100, 40 over 1,000, 12 over
10,000. The rate is chosen inside the labels, after a cycle as long as the final one (with 100 and 10,000 labels,
half as long). A pilot (seed 1000, other pictures of the pool) asked for that: with 1,000 labels 15 % of the passes, as
for tuned networks, prefer 3e-3 where all passes prefer 1e-2, by 3 points.

`map_task` and `map_training` say what all arms share.

Run it with `python -m experiments.map_scratch`. Chapters 4.7 and 4.8 read it.
"""

import numpy as np

from experiments import map_task, map_training
from experiments.map_task import Mapped
from experiments.protocol import Arm, Fitted
from tlbook import features
from tlbook.backbones import airbench
from tlbook.backbones.cost import multiply_adds
from tlbook.methods import prefix

EPOCHS = {10: 320, 100: 200, 1_000: 40, 10_000: 12}
CHOOSING = {10: 1.0, 100: 0.5, 1_000: 1.0, 10_000: 0.5}  # of the passes
RATES = (3e-3, 1e-2, 3e-2)
FIXED_RATE = 1e-2  # for ten labels
WIDTH, SHIFT = 32, 2
BATCH = {10: 10, 100: 25, 1_000: 64, 10_000: 128}


def scratch(task, arm, seed):
    """Train the network from fresh weights."""
    images, labels, n = task.train.images, task.train.labels, len(task.train)
    model = map_training.compiled(airbench.build(images, WIDTH, seed=seed))
    start, views, hot = model.get_weights(), map_task.both_views(images), map_training.one_hot(labels)

    def batches(positions):
        seen = prefix.Prefixed(views, prefix.VIEWS, 0.0)
        return prefix.PrefixBatches(seen, hot[positions], BATCH[n], seed, shift=SHIFT, positions=positions)

    def predict(pictures):
        return np.mean([features.forward(model, view) for view in map_task.both_views(pictures)], axis=0).argmax(axis=1)

    trained = map_training.choose_and_train(
        model,
        lambda positions: model.set_weights(start),
        batches,
        lambda positions: predict(images[positions]),
        labels,
        arm.grid,
        EPOCHS[n],
        seed,
        FIXED_RATE,
        CHOOSING[n],
    )
    cost = multiply_adds(model) / 1e12
    return Fitted(
        predict=predict,
        validation=trained.validation,
        chosen=trained.rate,
        figures={"tmac": 3 * trained.seen * cost, "test_tmac": 2 * map_task.TEST * cost},
    )


EXPERIMENT = Mapped(
    name="map_scratch",
    question="What do the same labels allow on CIFAR-10 without any transfer, with a small modern network?",
    unit="test picture and seed",
    arms={"scratch_airbench": Arm(fit=scratch, grid=RATES, pretraining="none")},
    design={"resolution": (32,), "n_train": tuple(map_task.SEEDS), "seed": tuple(range(5))},
    load=map_task.load,
    metrics=map_task.METRICS,
)

if __name__ == "__main__":
    table = EXPERIMENT.record()
    print(table.groupby(["n_train", "arm"], sort=False).test_accuracy.agg(["mean", "min", "max"]))
