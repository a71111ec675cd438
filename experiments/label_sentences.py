"""What a sentence for each label is worth on the next product: with no label, and with 8 and 16 of each class.

The seed says which of the fourteen products is the test, as in `next_product`; labels are drawn, as many of each class,
from twelve others. So an interval over seeds is one over products (and draws of labels). All that chooses is chosen
among the labels that train. Where nothing is learned and nothing chosen, the noted validation score is that on 32
labels, which decide nothing.

With no label (`n_train` 0):

- `positive`: always the class that is as a rule the more frequent one. `vader`: a lexicon.
- `verdict` to `buyer`: MiniLM, the nearer label sentence, one wording each. They were written down before any was
  tried (`tlbook.methods.zero_shot.WORDINGS`). `averaged`: the means of their vectors.
- `multilingual`: the same with the encoder for sixteen languages. `random_encoder`: the same with MiniLM before
  training. `overlap`: the same with counts of words, weighted over texts without labels.

With a few:

- `tfidf`: counts of words. `vader_fitted`: a logistic regression on the lexicon's sum. `probe`: MiniLM frozen.
- `chosen_wording`: the wording that serves the labels best. `pulled`: a probe that is pulled towards the averaged
  label sentences. `pairs`: MiniLM tuned on pairs of the labelled sentences as SetFit does it, with a head on top.

Run it with `python -m experiments.label_sentences`. Chapter 5.15 reads it.
"""

import functools
import itertools

import keras
import numpy as np
from sklearn.feature_extraction.text import TfidfVectorizer

from experiments import product_reviews
from experiments.frozen_sentences import untrained
from experiments.protocol import Arm, Experiment, Fitted, HeldOut, Task
from experiments.sentence_pairs import PIECES, pairs
from tlbook import evaluation, heads
from tlbook.backbones import minilm, use_multilingual
from tlbook.data import sentiment
from tlbook.inputs import text
from tlbook.methods import lexicon, zero_shot

PRODUCTS = 14
NOTED = 16  # labels of each class on which an arm that needs none is noted
TFIDF_C = (0.1, 1.0, 10.0, 100.0, 1e3)
LEAN_C = (1e-2, 1e-1, 1.0, 10.0, 100.0)
PROBE_C = (1e-5, 1e-4, 1e-3, 1e-2, 1e-1, 1.0)
PULLED = tuple(itertools.product((0.3, 1.0, 3.0, 10.0, 30.0, 100.0), (1e-4, 1e-3, 1e-2, 1e-1, 1.0, 10.0)))
RATES = (3e-5, 1e-4, 3e-4)
WORDINGS = zero_shot.WORDINGS


def load(n_train, seed):
    """Return labelled reviews, as many of each class, none of the test's product; and the test."""
    rest, _, test = sentiment.fold(sentiment.load(sentiment.TARGET), seed, PRODUCTS)
    each = n_train // 2 or NOTED
    train = sentiment.take(rest, zero_shot.balanced(rest.labels, each, seed))
    task = Task(train=train, validation=train, n_choose=len(train), source=test.source, unlabelled=rest.texts)
    return task, HeldOut(test.texts, test.labels)


def balanced_accuracy(labels, predictions):
    """Return the mean over the classes of the share that is found."""
    right = np.asarray(labels) == np.asarray(predictions)
    return float(np.mean([right[labels == label].mean() for label in np.unique(labels)]))


def noted(task, predict):
    """Return what has nothing to choose, with its score on the labels of the task."""
    return Fitted(
        predict=predict, validation=evaluation.accuracy(task.validation.labels, predict(task.validation.texts))
    )


def positive(task, arm, seed):
    """Always say positive."""
    return noted(task, lambda texts: np.ones(len(texts), int))


def vader(task, arm, seed):
    """Ask the lexicon; where it has nothing to say, say positive."""
    return noted(task, lambda texts: (lexicon.lean(texts, sentiment.ratings()) >= 0).astype(int))


def vader_fitted(task, arm, seed):
    """Fit threshold and slope of the lexicon's sum."""

    def read(texts):
        return lexicon.lean(texts, sentiment.ratings())[:, None]

    probe = heads.probe_by_folds(read(task.train.texts), task.train.labels, arm.grid)
    return Fitted(predict=lambda texts: probe.predict(read(texts)), validation=probe.validation_score, chosen=probe.C)


def tfidf(task, arm, seed):
    """Logistic regression on weighted counts of words and of pairs of words."""
    texts = np.array(task.train.texts, object)
    probe = heads.probe_by_folds(texts, task.train.labels, arm.grid, make=product_reviews.counts_of_words)
    return Fitted(predict=probe.predict, validation=probe.validation_score, chosen=probe.C)


@functools.cache
def readers():
    """Return the encoders, each as a function from a tuple of texts to vectors; a text is read once."""
    small, other = minilm.pretrained()[0], use_multilingual.pretrained()[0]
    keras.utils.set_random_seed(0)
    fresh = untrained()
    known = {"minilm": {}, "multilingual": {}, "random_encoder": {}}
    encode = {
        "minilm": lambda texts: minilm.encode(small, texts, PIECES),
        "multilingual": lambda texts: use_multilingual.encode(other, texts),
        "random_encoder": lambda texts: minilm.encode(fresh, texts, PIECES),
    }

    def read(name, texts):
        new = [sentence for sentence in dict.fromkeys(texts) if sentence not in known[name]]
        if new:
            known[name] |= dict(zip(new, encode[name](new), strict=True))
        return np.array([known[name][sentence] for sentence in texts])

    return {name: functools.partial(read, name) for name in known}


def prompts(name):
    """Return the vectors of all label sentences, (wordings, classes, width)."""
    sentences = [sentence for pair in WORDINGS.values() for sentence in pair]
    return readers()[name](sentences).reshape(len(WORDINGS), 2, -1)


def nearest(task, arm, seed, encoder, wording=None):
    """Take the nearer of two label sentences, in one wording or in the mean of all."""
    read, every = readers()[encoder], prompts(encoder)
    two = zero_shot.average(every) if wording is None else every[list(WORDINGS).index(wording)]
    return noted(task, lambda texts: zero_shot.cosines(read(texts), two).argmax(axis=1))


def overlap(task, arm, seed):
    """Take the label whose sentences share more words; where none is shared, say positive."""
    count = TfidfVectorizer(tokenizer=text.tokenize, token_pattern=None, sublinear_tf=True).fit(task.unlabelled)
    two = count.transform([" ".join(sentences) for sentences in zip(*WORDINGS.values(), strict=True)])

    def predict(texts):
        near = (count.transform(texts) @ two.T).toarray()
        return (near[:, 1] >= near[:, 0]).astype(int)

    return noted(task, predict)


def chosen_wording(task, arm, seed):
    """Take the wording that is right most often on the labels; at a tie the first."""
    read, every = readers()["minilm"], prompts("minilm")
    vectors = read(task.train.texts)
    two = {name: pair for name, pair in zip(WORDINGS, every, strict=True) if name in arm.grid}
    right = {
        name: np.mean(zero_shot.cosines(vectors, pair).argmax(axis=1) == task.train.labels)
        for name, pair in two.items()
    }
    best = max(right, key=right.get)
    return Fitted(
        predict=lambda texts: zero_shot.cosines(read(texts), two[best]).argmax(axis=1),
        validation=right[best],
        chosen=best,
    )


def probe(task, arm, seed):
    """Fit a logistic regression on MiniLM's vectors."""
    read = readers()["minilm"]
    fitted = heads.probe_by_folds(read(task.train.texts), task.train.labels, arm.grid)
    return Fitted(
        predict=lambda texts: fitted.predict(read(texts)), validation=fitted.validation_score, chosen=fitted.C
    )


def pulled(task, arm, seed):
    """Fit a probe on MiniLM's vectors that is pulled towards the averaged label sentences."""
    read = readers()["minilm"]
    two = zero_shot.average(prompts("minilm"))
    fitted = zero_shot.pulled_by_folds(read(task.train.texts), task.train.labels, two, arm.grid)
    return Fitted(
        predict=lambda texts: fitted.predict(read(texts)), validation=fitted.validation_score, chosen=fitted.chosen
    )


NONE = {"n_train": (0,)}


def zero(fit, pretraining="published", **how):
    """Return an arm that needs no label."""
    return Arm(fit=functools.partial(fit, **how), pretraining=pretraining, design=NONE)


EXPERIMENT = Experiment(
    name="label_sentences",
    question="What is a sentence for each label worth, with no label and with a few?",
    unit="product",
    arms={
        "positive": zero(positive, "none"),
        "vader": zero(vader, "none"),
        **{wording: zero(nearest, encoder="minilm", wording=wording) for wording in WORDINGS},
        "averaged": zero(nearest, encoder="minilm"),
        "multilingual": zero(nearest, encoder="multilingual"),
        "random_encoder": zero(nearest, "none", encoder="random_encoder"),
        "overlap": zero(overlap, "none"),
        "tfidf": Arm(fit=tfidf, grid=TFIDF_C, pretraining="none"),
        "vader_fitted": Arm(fit=vader_fitted, grid=LEAN_C, pretraining="none"),
        "probe": Arm(fit=probe, grid=PROBE_C, pretraining="published"),
        "chosen_wording": Arm(fit=chosen_wording, grid=tuple(WORDINGS), pretraining="published"),
        "pulled": Arm(fit=pulled, grid=PULLED, pretraining="published"),
        "pairs": Arm(fit=pairs, grid=RATES, pretraining="published"),
    },
    design={"n_train": (16, 32), "seed": tuple(range(PRODUCTS))},
    load=load,
    metrics={"accuracy": evaluation.accuracy, "balanced": balanced_accuracy},
)

if __name__ == "__main__":
    print(EXPERIMENT.record().pivot_table("test_accuracy", "arm", "n_train", sort=False))
