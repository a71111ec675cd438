"""What a second task is worth: one body, two heads, on product reviews; six arms, two numbers of labels, ten seeds.

The body is one dense layer on the frozen vectors of MiniLM, so that a run takes seconds. The second head learns either
which product the same sentences are about (no new sentence, an unrelated question), or the opinion in a thousand pros
and cons (new sentences, the same question in other words). The control has the first head alone. In `one_head` the pros
and cons go through the same head as the reviews: that costs no second head. `probe` and `probe_both` have neither body
nor second head: a logistic regression on the vectors of the reviews, or of both, each kind with a share of the weight.
What is chosen (rate; C, share) is chosen inside the labels (`adapting`); of pros and cons all are seen.

The first record (`results/lessons/two_heads.csv`) had no probe, and a referee's probe on both was ahead of every arm of
it. So the seeds here are others: labels drawn anew. The test sentences are the same.

Run it with `python -m experiments.two_heads`. Chapter 7.2 plots it.
"""

import functools
import itertools

import keras
import numpy as np

from experiments import adapting, tuning_sentences
from experiments.protocol import Arm, Experiment, Fitted, HeldOut
from tlbook import evaluation, features, heads
from tlbook.backbones import minilm
from tlbook.data import sentiment

UNITS = 64
EPOCHS = {50: 30, 200: 30}
RATES = (3e-4, 1e-3, 3e-3, 1e-2)
PROBE_C = (1e-4, 1e-3, 1e-2, 1e-1, 1.0)
SHARES = (0.25, 0.5, 0.75, 0.9)  # of all weight, that the pros and cons have
SECOND = 1_000  # pros and cons
BATCH_SIZE = 16  # of the first task; of the second as many in each step


def load(n_train, seed):
    """Return the vectors of labelled sentences, with their products; and those of the test."""
    pool, _, test = sentiment.split(sentiment.load(sentiment.TARGET))
    train = sentiment.subset(pool, n_train, seed)
    known = tuning_sentences.reading()
    products = np.unique(train.groups, return_inverse=True)[1]
    task = adapting.inside(train, seed, test.source, vectors=known(train.texts), products=products)
    return task, HeldOut(known(test.texts), test.labels)


@functools.cache
def pros_and_cons(seed):
    """Return the vectors of a thousand pros and cons, and their labels."""
    source = sentiment.load("pros_cons")
    some = sentiment.subset(source, min(SECOND, len(source)), seed)
    return minilm.encode(minilm.pretrained()[0], list(some.texts), tuning_sentences.PIECES), some.labels


def fit(task, arm, seed, second=None):
    """Train the body under its heads: choose the rate in the halves, then learn from all labels."""
    labels, choosing = task.train.labels, {}
    more = pros_and_cons(seed) if second in ("pros_cons", "one_head") else None

    def train(positions, rate):
        classes = {"product": int(task.products.max()) + 1, "pros_cons": 2}.get(second)
        model, first = machine(task.vectors.shape[1], classes)
        keras.utils.set_random_seed(seed)
        model.set_weights(two_heads(task.vectors.shape[1], classes)[0].get_weights())
        for variable in model.optimizer.variables:
            variable.assign(keras.ops.zeros_like(variable))
        rng = np.random.default_rng(seed)
        steps = max(1, len(positions) // BATCH_SIZE) * EPOCHS[len(labels)]
        for step in range(steps):
            mine = rng.choice(positions, BATCH_SIZE)
            x, y = task.vectors[mine], np.stack([labels[mine], np.full(BATCH_SIZE, -1)], axis=1)
            if second == "product":
                y[:, 1] = task.products[mine]
            if more:
                others = rng.choice(len(more[1]), BATCH_SIZE)
                their = np.full((BATCH_SIZE, 2), -1)
                their[:, 0 if second == "one_head" else 1] = more[1][others]
                x, y = np.concatenate([x, more[0][others]]), np.concatenate([y, their])
            model.optimizer.learning_rate = rate * (1 + np.cos(np.pi * step / steps)) / 2
            model.train_on_batch(x, y)
        return first

    learn, choose = adapting.halves(labels, seed)
    for rate in sorted(arm.grid):
        judged = features.forward(train(learn, rate), task.vectors[choose]).argmax(axis=1)
        choosing[rate] = float(np.mean(judged == labels[choose]))
    rate = max(choosing, key=choosing.get)
    first = train(np.arange(len(labels)), rate)
    return Fitted(
        predict=lambda vectors: features.forward(first, vectors).argmax(axis=1),
        validation=choosing[rate],
        chosen=rate,
        n_source=len(more[1]) if more else 0,
    )


def fit_probe(task, arm, seed, both=False):
    """Fit one linear head: choose C, and the share of the weight, in the halves, then learn from all labels."""
    labels = task.train.labels
    learn, choose = adapting.halves(labels, seed)
    more, their = pros_and_cons(seed) if both else (task.vectors[:0], labels[:0])

    def fitted(positions, setting):
        C, share = setting if both else (setting, 0.0)
        mine = np.full(len(positions), 1 - share)
        weights = np.concatenate([mine, np.full(len(their), share * len(mine) / max(1, len(their)))])
        vectors = np.concatenate([task.vectors[positions], more])
        answers = np.concatenate([labels[positions], their])
        return heads.regression(C).fit(vectors, answers, logisticregression__sample_weight=weights)

    scores = {setting: fitted(learn, setting).score(task.vectors[choose], labels[choose]) for setting in arm.grid}
    setting = max(scores, key=scores.get)
    head = fitted(np.arange(len(labels)), setting)
    return Fitted(predict=head.predict, validation=scores[setting], chosen=setting, n_source=len(their))


@functools.cache
def machine(width, classes):
    """Return what `two_heads` does, compiled once for all runs: tracing takes longer than a run."""
    model, first = two_heads(width, classes)
    model.compile(keras.optimizers.Adam(1e-3), loss)
    return model, first


def two_heads(width, classes):
    """Return a body under one head or two, their logits side by side, and the same with the first head alone."""
    inputs = keras.Input((width,))
    x = keras.layers.Rescaling(width**0.5, name="scale")(inputs)  # vectors of length 1: numbers of about 1 then
    x = keras.layers.Dense(UNITS, "relu", name="shared")(x)
    first = keras.layers.Dense(2, name="sentiment")(x)
    both = [first] + ([keras.layers.Dense(classes, name="second")(x)] if classes else [])
    return keras.Model(inputs, keras.layers.Concatenate()(both) if classes else first), keras.Model(inputs, first)


def loss(labels, logits):
    """Return the sum of the two tasks' cross-entropies, each over the sentences that have its label, (n,)."""
    ops, total = keras.ops, 0.0
    for column, part in enumerate((logits[:, :2], logits[:, 2:])):
        if part.shape[1]:
            known = ops.cast(labels[:, column] >= 0, "float32")
            chosen = ops.one_hot(ops.cast(ops.maximum(labels[:, column], 0), "int32"), part.shape[1])
            each = -ops.sum(chosen * ops.log_softmax(part), axis=-1) * known
            total = total + each * ops.cast(ops.shape(known)[0], "float32") / ops.maximum(ops.sum(known), 1.0)
    return total


def arm(second=None):
    """Return the arm of one second task, or of none."""
    return Arm(fit=functools.partial(fit, second=second), grid=RATES, pretraining="published")


EXPERIMENT = Experiment(
    name="two_heads",
    question="What is a second task worth to the first, learned together?",
    unit="product and seed",
    arms={
        "alone": arm(),
        "product": arm("product"),
        "pros_cons": arm("pros_cons"),
        "one_head": arm("one_head"),
        "probe": Arm(fit=fit_probe, grid=PROBE_C, pretraining="published"),
        "probe_both": Arm(
            fit=functools.partial(fit_probe, both=True),
            grid=tuple(itertools.product(PROBE_C, SHARES)),
            pretraining="published",
        ),
    },
    design={"n_train": tuple(EPOCHS), "seed": tuple(range(10, 20))},
    load=load,
    metrics={"accuracy": evaluation.accuracy},
)

if __name__ == "__main__":
    table = EXPERIMENT.record()
    print(table.groupby(["arm", "n_train"], sort=False).test_accuracy.agg(["mean", "min", "max"]))
