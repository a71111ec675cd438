"""Two bodies that learned nothing, beside the pretrained ones of `next_product`: same products, folds, labels and head.

- `random_frozen`: the same GRU with fresh weights. What a gain over it shows is that the source taught something;
- `shuffled_frozen`: the pretrained GRU, its weights shuffled within each array: the sizes that training gave them, and
  no more.

They stand in a file of their own because a new arm in `next_product` would make its rows stale. Arms and grid were
written down before any of it was run.

Run it with `python -m experiments.product_controls`. Chapter 5.2 reads it.
"""

import functools

import keras
import numpy as np

from experiments import next_product, product_reviews
from experiments.protocol import Arm, Experiment, Fitted
from tlbook import evaluation, features, heads
from tlbook.backbones import recurrent
from tlbook.data import sentiment
from tlbook.inputs import text

PROBE_C = (*next_product.PROBE_C, 10.0)


def frozen(task, arm, seed, shuffled=False):
    """Fit a head on what a body that learned nothing makes of the texts."""
    keras.utils.set_random_seed(seed)
    body, encode, cost = next_product.pretrained(task) if shuffled else fresh(task)
    if shuffled:
        rng = np.random.default_rng(seed)
        body.set_weights([rng.permutation(w.ravel()).reshape(w.shape) for w in body.get_weights()])

    def see(texts):
        return features.forward(body, encode(texts), batch_size=512)

    probe = heads.best_probe(*((see(part.texts), part.labels) for part in (task.train, task.validation)), C=arm.grid)
    return Fitted(
        predict=lambda texts: probe.predict(see(texts)),
        validation=probe.validation_score,
        chosen=probe.C,
        **cost,
    )


def fresh(task):
    """Return what `next_product.pretrained` does, without the pretraining."""
    vocabulary = text.vocabulary(task.lender.texts, product_reviews.VOCABULARY)
    length = product_reviews.LENGTH[sentiment.TARGET]
    return recurrent.text_encoder(len(vocabulary) + 2), lambda texts: text.encode(texts, vocabulary, length), {}


EXPERIMENT = Experiment(
    name="product_controls",
    question="What do bodies that learned nothing reach on the next product?",
    unit="product",
    arms={
        "random_frozen": Arm(fit=frozen, grid=PROBE_C, pretraining="none"),
        "shuffled_frozen": Arm(fit=functools.partial(frozen, shuffled=True), grid=PROBE_C, pretraining="measured"),
    },
    design=next_product.EXPERIMENT.design,
    load=next_product.load,
    metrics={"accuracy": evaluation.accuracy},
)

if __name__ == "__main__":
    print(EXPERIMENT.record().pivot_table("test_accuracy", "arm", "n_train", sort=False))
