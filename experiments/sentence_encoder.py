"""What a frozen sentence encoder is worth on product reviews: four ways to see a sentence, three sizes, five seeds.

The classifier is always a logistic regression; the arms differ in what it reads. The corpus is cut as in the chapter
on sentiment: the test set holds products of its own, and a seed draws the training sentences (and, for the random
encoder, its weights). How strongly the regression is held back, `strength`, is chosen on the validation sentences, for
each run. The test set is touched once a run.

Run it with `python -m experiments.sentence_encoder`. Plotted in chapter 5.5.
"""

import itertools

import keras
import numpy as np
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression

from experiments.recording import record
from tlbook import evaluation, heads
from tlbook.backbones import minilm
from tlbook.data import sentiment
from tlbook.files import cache
from tlbook.inputs import text

ARMS = ("majority", "tfidf", "random_encoder", "minilm")
LABELS = (50, 200, 1_000)
SEEDS = (0, 1, 2, 3, 4)


def run(arm, labels, seed):
    """Fit one classifier on `labels` sentences and return its accuracies, its strength and the source."""
    corpus = sentiment.load(sentiment.TARGET)
    pool, validation, test = sentiment.split(corpus)
    train = sentiment.subset(pool, labels, seed)
    arms = {"majority": majority, "tfidf": tfidf}
    predict, strength = arms.get(arm, encoder_and_probe)(arm, train, validation, seed)
    return {
        "strength": strength,
        "validation_accuracy": round(evaluation.accuracy(validation.labels, predict(validation.texts)), 4),
        "test_accuracy": round(evaluation.accuracy(test.labels, predict(test.texts)), 4),
        "source": corpus.source,
    }


def majority(arm, train, validation, seed):
    """Always say the class that is most frequent among the training sentences."""
    most = np.bincount(train.labels).argmax()
    return lambda texts: np.full(len(texts), most), 0.0  # nothing to hold back


def tfidf(arm, train, validation, seed):
    """Count words and pairs of words, weighted by how rare they are in the training sentences."""
    vectorizer = TfidfVectorizer(tokenizer=text.tokenise, token_pattern=None, ngram_range=(1, 2), sublinear_tf=True)
    counts, held_out = vectorizer.fit_transform(train.texts), vectorizer.transform(validation.texts)
    fitted = [LogisticRegression(C=c, max_iter=1000).fit(counts, train.labels) for c in (0.1, 1.0, 10.0, 100.0)]
    best = max(fitted, key=lambda model: model.score(held_out, validation.labels))  # the smallest at a tie
    return lambda texts: best.predict(vectorizer.transform(texts)), best.C


def encoder_and_probe(arm, train, validation, seed):
    """Read the sentences with a frozen encoder, trained or as it was before training."""
    known = vectors(arm, seed if arm == "random_encoder" else 0)

    def read(texts):
        return np.array([known[sentence] for sentence in texts])

    probe = heads.linear_probe(
        (read(train.texts), train.labels), (read(validation.texts), validation.labels), (1e-4, 1e-3, 1e-2, 1e-1, 1.0)
    )
    return lambda texts: probe.predict(read(texts)), probe.strength


def vectors(arm, seed):
    """Return the vector of every sentence of the corpus; an encoder reads it once."""
    texts = sentiment.load(sentiment.TARGET).texts

    def compute():
        keras.utils.set_random_seed(seed)
        encoder = minilm.minilm(pretrained=arm == "minilm")
        return {"vectors": minilm.encode(encoder, texts)}

    key = cache.fingerprint(text=[arm, seed, minilm.MAX_LENGTH, texts])
    return dict(zip(texts, cache.cached_arrays(f"sentences-{key}", compute)["vectors"], strict=True))


def configurations():
    """Return all runs; what costs least comes first."""
    return [
        {"arm": arm, "labels": labels, "seed": seed} for arm, labels, seed in itertools.product(ARMS, LABELS, SEEDS)
    ]


if __name__ == "__main__":
    table = record("sentence_encoder", configurations(), run, fresh=False)
    print(table.groupby(["arm", "labels"], sort=False).test_accuracy.agg(["mean", "min", "max"]))
