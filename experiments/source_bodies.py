"""Bodies pretrained near and far from a target, alike in all but what they learned from: pieces of two experiments.

The body, the target (CIFAR-10's classes with odd numbers) and the other half (even numbers) are those of
`budgeted_pretraining`: pictures of 16 pixels a side, three convolutions. Every source has as many labelled pictures,
and as many multiply-adds are spent on each, at the rate that was chosen there. From near to far:

- `same_classes`: the target's own classes, on pictures that no run learns the target from;
- `other_half`: photographs of other things;
- `drawings`: drawings of 118 other things (`tlbook.data.emoji10`);
- `shuffled_labels`: the photographs of `other_half`, with labels that belong to other pictures;
- `noise`: pixels drawn at random, with labels that nothing can tell.
"""

import keras
import numpy as np

from experiments.budgeted_pretraining import PEAK, SOURCE, TARGET, Stream, measure, of_classes
from experiments.cheap_pretraining import Falling
from experiments.code_digest import digest
from experiments.pretraining import weights_once
from experiments.protocol import HeldOut, Task
from tlbook import data, training
from tlbook.backbones.cost import multiply_adds
from tlbook.data import emoji10
from tlbook.data.images import Split
from tlbook.files import cache
from tlbook.methods import contrastive, generative

SOURCES = ("same_classes", "other_half", "drawings", "shuffled_labels", "noise")
N_SOURCE, BUDGET, BATCH = 5_000, 0.3e12, 64  # pictures, multiply-adds, pictures a step


def load(n_train, seed):
    """Return labelled target pictures to learn from and to choose by, and the pictures of two sources; and the test.

    `n_train` labels are learned from, a quarter as many more choose.
    """
    dataset = data.load_cifar10()
    target, same = data.split_off(of_classes(dataset.train, TARGET), N_SOURCE, 0)
    train, validation = data.split_off(data.subset(target, n_train * 5 // 4, seed), n_train // 4, seed)
    other = data.subset(of_classes(dataset.train, SOURCE), N_SOURCE, 0)
    more = {"same": same, "other": other, "pictures": dataset.train}
    task = Task(train=train, validation=validation, n_choose=len(validation), source=dataset.source, **more)
    test = of_classes(data.holdout(), TARGET)
    return task, HeldOut(test.images, test.labels)


def pictures_of(way, task, seed):
    """Return the labelled pictures of a source."""
    rng, other = np.random.default_rng(seed), task.other
    if way == "drawings":
        images, labels, _ = emoji10.source_pictures()
        return data.subset(Split(images, labels), min(N_SOURCE, len(labels)), 0)
    return {
        "same_classes": lambda: task.same,
        "other_half": lambda: other,
        "shuffled_labels": lambda: Split(other.images, rng.permutation(other.labels)),
        "noise": lambda: Split(rng.integers(256, size=other.images.shape, dtype="uint8"), other.labels),
    }[way]()


def pretrained(way, task, seed):
    """Return a body, the model that names the source's classes on it, and what a row says; trained once for a seed.

    `nothing` is a fresh body, with the means and variances of photographs in its normalisation, and no such model.
    """
    keras.utils.set_random_seed(seed)
    body = generative.body()
    if way == "nothing":
        measure(body, task.other.images[:1_000])
        return body, None, {}
    split = pictures_of(way, task, seed)
    model = generative.with_head(body, int(split.labels.max()) + 1)
    key = cache.fingerprint(split.images, split.labels, text=[digest(pretrained), way])
    seconds = weights_once(f"{key}-{seed}-{BUDGET:.3g}", model, lambda: learn(model, split, seed))
    said = {"pretraining_seconds": seconds, "n_source": len(split), "figures": {"tmac": BUDGET / 1e12}}
    return body, model, said


def learn(model, split, seed):
    """Train a model to name the classes of a source, on large parts of its pictures, within the budget."""
    steps = max(1, round(BUDGET / (3 * multiply_adds(model) * BATCH)))
    batches = parts_of(split, steps, BATCH, seed)
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile(keras.optimizers.Adam(training.warmup_cosine(PEAK["labels"], steps)), loss, jit_compile=False)
    training.run(model, batches, 1)


def parts_of(split, steps, batch, seed):
    """Return batches of large parts of pictures, half of them mirrored, drawn anew each time."""
    rng, pictures = np.random.default_rng(seed), generative.small(split.images)
    order = contrastive.passes(len(pictures), batch * steps, rng).reshape(steps, batch)
    return Stream([lambda i: contrastive.views(pictures[order[i]], rng, (0.6, 1), False)], split.labels, order)


def compiled(model, steps, loss):
    """Compile a model once for all of its trainings, each a fall of the rate over so many steps; `train_at` trains."""
    model.compile(keras.optimizers.Adam(Falling(steps)), loss, jit_compile=False)
    return model


def train_at(model, start, batches, rate):
    """Train a compiled model from weights `start` at a rate, with fresh moments."""
    model.set_weights(start)
    for variable in model.optimizer.variables:
        variable.assign(keras.ops.zeros_like(variable))
    model.optimizer._learning_rate.peak.assign(rate)
    model.fit(batches, shuffle=False, verbose=0)
