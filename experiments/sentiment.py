"""What a source task is worth for the sentiment of product reviews: seven arms, three numbers of labels, three seeds.

The sources are lists of pros and cons, film reviews, and subjectivity, another task. Of each, the same number of texts
is used, so that amount does not pass for nearness. A seed draws the labelled texts, the source texts, the weights and
the order of the batches. The validation set chooses rate and epoch for each arm, size and seed, and the
strength of the penalty where the arm is a logistic regression. The test set consists of other products and is touched
once a run.

Run it with `python -m experiments.sentiment`. Plotted in chapter 5.2.
"""

import itertools

import keras
import numpy as np
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline

from experiments.recording import record
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
STRENGTHS = (0.1, 1.0, 10.0, 100.0)  # of scikit-learn's C
ARMS = ("tfidf", "random_frozen", "pros_cons_frozen", "scratch", "subjectivity", "film_reviews", "pros_cons")


def run(arm, labels, seed):
    """Fit one classifier on `labels` labelled reviews and return its accuracies and source."""
    keras.utils.set_random_seed(seed)
    pool, validation, test = sentiment.split(sentiment.load("product_reviews"))
    train = sentiment.subset(pool, labels, seed)
    majority = np.bincount(pool.labels).argmax()
    arms = {"tfidf": tfidf, "random_frozen": frozen, "pros_cons_frozen": frozen}
    predict, figures = arms.get(arm, fine_tuned)(arm, pool, train, validation, seed)
    return figures | {
        "test_accuracy": round(evaluation.accuracy(test.labels, predict(test.texts)), 4),
        "majority_accuracy": round(float(np.mean(test.labels == majority)), 4),
        "source": test.source,
    }


def tfidf(arm, pool, train, validation, seed):
    """Logistic regression on weighted counts of words and of pairs of words."""
    best = None
    for strength in STRENGTHS:
        weights = TfidfVectorizer(tokenizer=text.tokenise, token_pattern=None, ngram_range=(1, 2), sublinear_tf=True)
        model = make_pipeline(weights, LogisticRegression(C=strength, max_iter=1000)).fit(train.texts, train.labels)
        accuracy = model.score(validation.texts, validation.labels)
        if best is None or accuracy > best[0]:
            best = accuracy, strength, model
    return best[2].predict, {"validation_accuracy": round(best[0], 4), "chosen": best[1]}


def frozen(arm, pool, train, validation, seed):
    """Logistic regression on what a body makes of the texts, pretrained or fresh; the body does not learn."""
    body, encode = body_and_encoder(arm.removesuffix("_frozen"), pool, seed)
    states = [(features.forward(body, encode(part.texts)), part.labels) for part in (train, validation)]
    probe = heads.linear_probe(*states)
    figures = {"validation_accuracy": round(probe.validation_accuracy, 4), "chosen": probe.strength}
    return lambda texts: probe.predict(features.forward(body, encode(texts))), figures


def fine_tuned(arm, pool, train, validation, seed):
    """Train the whole network, from scratch with a fresh head, or pretrained with the head fitted first."""
    body, encode = body_and_encoder(arm, pool, seed)
    model = heads.classifier(body, 2)
    splits = [(encode(part.texts), part.labels) for part in (train, validation)]
    if arm != "scratch":
        states = [(features.forward(body, numbers), labels) for numbers, labels in splits]
        heads.start_from_probe(model, heads.linear_probe(*states))
    training.choose_rate(model, *splits, EPOCHS[len(train)], RATES, BATCH_SIZE, seed)
    figures = {"validation_accuracy": round(model.validation_accuracy, 4), "chosen": model.rate}
    return lambda texts: training.predict(model, encode(texts), 512), figures


def body_and_encoder(arm, pool, seed):
    """Return the body of an arm, pretrained where the arm names a source, and the function from texts to numbers.

    The vocabulary comes from the source and from the texts of the pool, whose labels it does not need.
    """
    source = None
    if arm not in ("scratch", "random"):
        source = sentiment.load(arm)
        source = sentiment.subset(source, min(SAME_AMOUNT, len(source)), seed)
    vocabulary = text.vocabulary(pool.texts + (source.texts if source else ()), VOCABULARY)
    body = recurrent.text_encoder(len(vocabulary) + 2)
    if source:
        numbers = text.encode(source.texts, vocabulary, LENGTH[arm])
        settings = [VOCABULARY, PRETRAINING, seed, body.count_params()]
        key = cache.fingerprint(numbers, source.labels, text=settings)
        weights = cache.cached_arrays(f"sentiment-{key}", lambda: pretrain(body, numbers, source.labels, seed))
        body.set_weights([weights[f"{i}"] for i in range(len(body.weights))])
    return body, lambda texts: text.encode(texts, vocabulary, LENGTH["product_reviews"])


def pretrain(body, numbers, labels, seed):
    """Train a body with a head on the source task and return its weights by number."""
    held_out = 500
    model = heads.classifier(body, 2)
    order = np.random.default_rng(seed).permutation(len(labels))
    rest, chosen = order[held_out:], order[:held_out]
    batches = training.Batches([numbers[rest]], labels[rest], PRETRAINING["batch_size"], seed)
    validation = training.Batches([numbers[chosen]], labels[chosen], held_out)
    history = training.fit(model, batches, validation, PRETRAINING["epochs"], PRETRAINING["rate"])
    print(f"pretrained on {len(rest)} texts, accuracy on {held_out} others: {history['val_accuracy'][-1]:.1%}")
    return {f"{i}": array for i, array in enumerate(body.get_weights())}


def configurations():
    """Return all runs."""
    return [
        {"arm": arm, "labels": labels, "seed": seed} for arm, labels, seed in itertools.product(ARMS, EPOCHS, [0, 1, 2])
    ]


if __name__ == "__main__":
    table = record("sentiment", configurations(), run, fresh=False)
    print(table.pivot_table("test_accuracy", "arm", "labels", sort=False))
