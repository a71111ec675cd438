"""A tagger's body with shuffled weights, beside the frozen one of `wikigold`: same documents, sentences and head.

Each array of the pretrained body is shuffled within itself. What `pretrained_frozen` gains over this, the order of the
numbers did; what this gains over `random_frozen`, their sizes did.

The arm stands in a file of its own because a new one in `wikigold` would make its rows stale. Arm and grid were written
down before any of it was run.

Run it with `python -m experiments.name_controls`. Chapter 5.6 reads it.
"""

import functools

import keras

from experiments import wikigold
from experiments.protocol import Arm, Experiment, Fitted
from experiments.shuffled_weights import shuffle
from tlbook.backbones import recurrent
from tlbook.inputs import tokens
from tlbook.methods import tagger


def shuffled(task, arm, seed):
    """Fit a head on the pretrained body with its weights shuffled; words that it did not know get fresh vectors."""
    body, vocabulary, cost = wikigold.pretrained(task)
    keras.utils.set_random_seed(seed)
    larger = tokens.vocabulary(task.train, known=vocabulary)
    body = recurrent.extend_vocabulary(shuffle(body, body.get_weights(), seed), vocabulary, larger)
    model = tagger.with_head(body, len(task.tags))
    probe = tagger.fit_head(model, body, task.train, task.validation, larger, task.tags, arm.grid)
    tag = functools.partial(tagger.tag, model, vocabulary=larger, tag_names=task.tags)
    return Fitted(predict=tag, validation=probe.validation_score, chosen=probe.C, **cost)


EXPERIMENT = Experiment(
    name="name_controls",
    question="What does a tagger's body reach that has the sizes of pretrained weights and not their order?",
    unit="document and seed",
    arms={"shuffled_frozen": Arm(fit=shuffled, grid=wikigold.BODY_C, pretraining="measured")},
    design=wikigold.EXPERIMENT.design,
    load=wikigold.load,
    metrics=wikigold.EXPERIMENT.metrics,
)

if __name__ == "__main__":
    table = EXPERIMENT.record()
    print(table.groupby(["arm", "n_train"], sort=False).test_f1.agg(["mean", "min", "max"]))
