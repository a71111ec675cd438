"""What a source task is worth for the sentiment of product reviews: eight arms, three numbers of labels, three seeds.

The sources are lists of pros and cons, film reviews, and subjectivity, another task. Of each, the same number of texts
is used, so that amount does not pass for nearness. A seed draws the labelled texts, the source texts, the weights and
the order of the batches. The validation set chooses rate and epoch for each arm, size and seed, and C where the arm is
a logistic regression. The test set consists of other products.

Closed: it tests on four products that are always the same, so `next_product` took its place, which uses its pieces, as
other experiments do. Its table stands in `results/lessons/`; chapter 5.2 shows it for the one question that the later
one does not ask, which source.
"""

import functools

import keras
import numpy as np
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline

from experiments.code_digest import digest
from experiments.pretraining import weights_once
from experiments.protocol import Arm, Experiment, Fitted, HeldOut, Task
from tlbook import evaluation, features, heads, training
from tlbook.backbones import recurrent
from tlbook.data import sentiment
from tlbook.files import cache
from tlbook.inputs import text

VOCABULARY = 6_000  # numbers
LENGTH = {"product_reviews": 32, "film_reviews": 32, "subjectivity": 32, "pros_cons": 20}  # words
SAME_AMOUNT = 9_500  # texts of each source, 500 of them to see how well the source task was learned
EPOCHS = {50: 15, 200: 8, 1_000: 4}  # for each number of labels
BATCH_SIZE = 32
PRETRAINING = {"batch_size": 128, "epochs": 4, "rate": 2e-3}
RATES = (3e-4, 1e-3, 3e-3)
TFIDF_C = (0.1, 1.0, 10.0, 100.0)
PROBE_C = (1e-4, 1e-3, 1e-2, 1e-1)


def load(n_train, seed):
    """Return the labelled reviews to learn from and to choose by, with the pool that they come from; and the test."""
    pool, validation, test = sentiment.split(sentiment.load("product_reviews"))
    train = sentiment.subset(pool, n_train, seed)
    task = Task(train=train, validation=validation, n_choose=len(validation), source=test.source, pool=pool)
    return task, HeldOut(test.texts, test.labels)


def majority(task, arm, seed):
    """Always say the more frequent class of the training texts."""
    always = np.bincount(task.train.labels).argmax()
    validation = float(np.mean(task.validation.labels == always))
    return Fitted(predict=lambda texts: np.full(len(texts), always), validation=validation)


def tfidf(task, arm, seed):
    """Logistic regression on weighted counts of words and of pairs of words."""
    parts = [(part.texts, part.labels) for part in (task.train, task.validation)]
    probe = heads.best_probe(*parts, C=arm.grid, make=counts_of_words)
    return Fitted(predict=probe.predict, validation=probe.validation_score, chosen=probe.C)


def counts_of_words(C):
    """Return an unfitted regression that takes texts."""
    weights = TfidfVectorizer(tokenizer=text.tokenize, token_pattern=None, ngram_range=(1, 2), sublinear_tf=True)
    return make_pipeline(weights, LogisticRegression(C=C, max_iter=1000))


def frozen(task, arm, seed, source=None):
    """Logistic regression on what a body makes of the texts, pretrained or fresh; the body does not learn."""
    keras.utils.set_random_seed(seed)
    body, encode, cost = body_and_encoder(task.pool, seed, source)

    def see(texts):
        return features.forward(body, encode(texts), batch_size=512)

    parts = [(see(part.texts), part.labels) for part in (task.train, task.validation)]
    probe = heads.best_probe(*parts, C=arm.grid)
    return Fitted(
        predict=lambda texts: probe.predict(see(texts)),
        validation=probe.validation_score,
        chosen=probe.C,
        **cost,
    )


def tuned(task, arm, seed, source=None):
    """Train the whole network, from scratch with a fresh head, or pretrained with the head fitted first."""
    keras.utils.set_random_seed(seed)
    body, encode, cost = body_and_encoder(task.pool, seed, source)
    model = heads.classifier(body, 2)
    parts = [(encode(part.texts), part.labels) for part in (task.train, task.validation)]
    if source:
        states = [(features.forward(body, numbers, batch_size=512), labels) for numbers, labels in parts]
        heads.start_from_probe(model, heads.best_probe(*states, C=arm.first))
    search = training.choose_rate(model, *parts, EPOCHS[len(task.train)], arm.grid, BATCH_SIZE, seed)
    return Fitted(
        predict=lambda texts: training.predict(model, encode(texts), 512),
        validation=search.validation_accuracy,
        chosen=search.rate,
        **cost,
    )


def body_and_encoder(pool, seed, source):
    """Return a body, pretrained where a source is named, the function from texts to numbers, and what that cost.

    The vocabulary comes from the source and from the texts of the pool, whose labels it does not need.
    """
    cost = {}
    if source:
        name, source = source, sentiment.load(source)
        source = sentiment.subset(source, min(SAME_AMOUNT, len(source)), seed)
    vocabulary = text.vocabulary(pool.texts + (source.texts if source else ()), VOCABULARY)
    body = recurrent.text_encoder(len(vocabulary) + 2)
    if source:
        numbers = text.encode(source.texts, vocabulary, LENGTH[name])
        key = cache.fingerprint(numbers, source.labels, text=[digest(pretrain), seed])
        seconds = weights_once(key, body, lambda: pretrain(body, numbers, source.labels, seed))
        cost = {"n_source": len(source), "pretraining_seconds": seconds}
    return body, lambda texts: text.encode(texts, vocabulary, LENGTH["product_reviews"]), cost


def pretrain(body, numbers, labels, seed):
    """Train a body with a head on the source task."""
    held_out = 500
    model = heads.classifier(body, 2)
    order = np.random.default_rng(seed).permutation(len(labels))
    rest, chosen = order[held_out:], order[:held_out]
    batches = training.Batches([numbers[rest]], labels[rest], PRETRAINING["batch_size"], seed)
    validation = training.Batches([numbers[chosen]], labels[chosen], held_out)
    history = training.fit(model, batches, validation, PRETRAINING["epochs"], PRETRAINING["rate"])
    print(f"pretrained on {len(rest)} texts, accuracy on {held_out} others: {history['val_accuracy'][-1]:.1%}")


def from_source(source):
    """Return the arm that trains a body pretrained on a source, under a head that was fitted first."""
    fit = functools.partial(tuned, source=source)
    return Arm(fit=fit, grid=RATES, first=PROBE_C, pretraining="measured")


EXPERIMENT = Experiment(
    name="product_reviews",
    question="What is a source task worth for the sentiment of product reviews?",
    unit="product",
    arms={
        "majority": Arm(fit=majority, pretraining="none"),
        "tfidf": Arm(fit=tfidf, grid=TFIDF_C, pretraining="none"),
        "random_frozen": Arm(fit=frozen, grid=PROBE_C, pretraining="none"),
        "pros_cons_frozen": Arm(
            fit=functools.partial(frozen, source="pros_cons"), grid=PROBE_C, pretraining="measured"
        ),
        "scratch": Arm(fit=tuned, grid=RATES, pretraining="none"),
        "subjectivity": from_source("subjectivity"),
        "film_reviews": from_source("film_reviews"),
        "pros_cons": from_source("pros_cons"),
    },
    design={"n_train": tuple(EPOCHS), "seed": (0, 1, 2)},
    load=load,
    metrics={"accuracy": evaluation.accuracy},
)
