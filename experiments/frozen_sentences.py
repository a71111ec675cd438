"""What a frozen sentence encoder is worth on product reviews: four ways to see a sentence, three sizes, five seeds.

The classifier is always a logistic regression; the arms differ in what it reads. The corpus is cut as in the chapter
on sentiment: the test set holds products of its own, and a seed draws the training sentences (and, for the random
encoder, its weights). C is chosen on the validation sentences, for each run.

Closed: it tests on four products that are always the same, so `next_product` took its place. Its table stands in
`results/lessons/`; chapters 5.3 and 8.1 show it. `label_sentences` uses its untrained encoder.
"""

import functools

import keras
import numpy as np

from experiments import product_reviews
from experiments.protocol import Arm, Experiment, Fitted
from tlbook import evaluation, heads
from tlbook.backbones import minilm
from tlbook.data import sentiment
from tlbook.files import assets, cache, sources

TFIDF_C = (0.1, 1.0, 10.0, 100.0)
PROBE_C = (1e-4, 1e-3, 1e-2, 1e-1, 1.0)


def encoder_and_probe(task, arm, seed, pretrained):
    """Read the sentences with a frozen encoder, trained or as it was before training."""
    known = vectors(pretrained, 0 if pretrained else seed)

    def read(texts):
        return np.array([known[sentence] for sentence in texts])

    parts = [(read(part.texts), part.labels) for part in (task.train, task.validation)]
    probe = heads.best_probe(*parts, C=arm.grid)
    return Fitted(predict=lambda texts: probe.predict(read(texts)), validation=probe.validation_score, chosen=probe.C)


def vectors(pretrained, seed):
    """Return the vector of every sentence of the corpus, labels aside: an encoder reads them once."""
    texts = sentiment.load(sentiment.TARGET).texts

    def compute():
        keras.utils.set_random_seed(seed)
        encoder = minilm.pretrained()[0] if pretrained else untrained()
        return {"vectors": minilm.encode(encoder, texts)}

    key = cache.fingerprint(text=[pretrained, seed, minilm.MAX_LENGTH, texts])
    return dict(zip(texts, cache.cached_arrays(f"sentences-{key}", compute)["vectors"], strict=True))


def untrained():
    """Return the encoder with fresh weights, drawn as BERT's are before training."""
    path, _ = sources.find(assets.MINILM)
    _, config, tokenizer = minilm.read(path)
    return minilm.build(config, tokenizer)


def encoder_arm(pretrained):
    """Return the arm of an encoder, trained or not."""
    fit = functools.partial(encoder_and_probe, pretrained=pretrained)
    return Arm(fit=fit, grid=PROBE_C, pretraining="published" if pretrained else "none")


EXPERIMENT = Experiment(
    name="frozen_sentences",
    question="What is a frozen sentence encoder worth on product reviews?",
    unit="product",
    arms={
        "majority": Arm(fit=product_reviews.majority, pretraining="none"),
        "tfidf": Arm(fit=product_reviews.tfidf, grid=TFIDF_C, pretraining="none"),
        "random_encoder": encoder_arm(pretrained=False),
        "minilm": encoder_arm(pretrained=True),
    },
    design={"n_train": (50, 200, 1_000), "seed": (0, 1, 2, 3, 4)},
    load=product_reviews.load,
    metrics={"accuracy": evaluation.accuracy},
)
