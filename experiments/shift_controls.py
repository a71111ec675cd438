"""The controls of `map_shift` that know no other picture: the small modern network from scratch, and no network."""

import functools

import numpy as np

from experiments import map_classical, map_scratch, map_task, map_training
from experiments.cifar10_classical import describe
from experiments.shift_answers import answered, choose_and_train, tested
from tlbook import evaluation, features
from tlbook.backbones import airbench
from tlbook.backbones.cost import multiply_adds
from tlbook.methods import patches, prefix

EPOCHS, CHOOSING, BATCH = 40, 0.5, 64


def scratch(task, arm, seed):
    """Train the small modern network from fresh weights."""
    images, labels = task.train.images, task.train.labels
    model = map_training.compiled(airbench.build(images, map_scratch.WIDTH, seed=seed))
    views, hot = prefix.Prefixed(map_task.both_views(images), prefix.VIEWS, 0.0), map_training.one_hot(labels)

    def batches():
        return prefix.PrefixBatches(views, hot, BATCH, seed, shift=map_scratch.SHIFT)

    def judged():
        return features.forward(model, task.validation.images)

    shown, rate, best = choose_and_train(model, batches, judged, task.validation.labels, arm.grid, EPOCHS, CHOOSING)
    cost = multiply_adds(model)
    return answered(
        task,
        functools.partial(features.forward, model),
        (judged(), task.validation.labels),
        validation=best,
        chosen=rate,
        figures={"tmac": 3 * shown * cost / 1e12} | tested(cost),
    )


def classical(task, arm, seed):
    """Fit the support vector machine of `map_classical`; its scores of the classes are taken for logits."""
    images, labels, right = task.train.images, task.train.labels, task.validation.labels
    found = patches.learn(images, map_classical.CENTRES, map_classical.PATCHES, seed)

    def see(pictures):
        return np.concatenate([found.describe(pictures), describe(pictures)], axis=1)

    seen, judge = np.stack([see(view) for view in map_task.both_views(images)]), see(task.validation.images)
    machines = {C: map_classical.fitted(seen, labels, C) for C in arm.grid}
    scores = {
        C: evaluation.accuracy(right, machine.decision_function(judge).argmax(axis=1))
        for C, machine in machines.items()
    }
    C = max(scores, key=scores.get)
    return answered(
        task,
        lambda pictures: machines[C].decision_function(see(pictures)),
        (machines[C].decision_function(judge), right),
        validation=scores[C],
        chosen=C,
        figures={"tmac": 0.0} | tested(0),
    )
