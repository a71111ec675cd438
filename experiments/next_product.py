"""Does it work on the next product? Each product of the reviews is left out once: seven arms, three numbers of labels.

The seed says which of the fourteen products is the test. Another one chooses: no text of it is learned from. What is
learned from is drawn, by the seed, from the rest. So an interval over seeds is one over products. Where a stand-in has
more groups, they are dealt out to fourteen folds.

- `vader`: a lexicon; no label at all.
- `tfidf_source`: counts of words as in `tfidf`, fitted to the target's labels and to those of the source, the lists of
  pros and cons, which the pretrained networks saw as well. How much a source text weighs is chosen with C.
- `pros_cons_frozen`, `pros_cons_tuned`: a GRU pretrained on the same source texts, its vocabulary counted on them
  alone, so that it never met the product.
- `minilm`: a published sentence encoder, frozen.

Why it exists: `product_reviews` and `frozen_sentences` test on four products that are always the same, so that their
intervals are over draws of labels, and leave out the two controls. A review said so, and the arms, grids and folds
below were written down before any of them was run.

Run it with `python -m experiments.next_product`. Chapters 5.2 and 5.3 read it.
"""

import functools
import itertools

import keras
import numpy as np
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression

from experiments import product_reviews
from experiments.code_digest import digest
from experiments.pretraining import trained_once, weights_once
from experiments.protocol import Arm, Experiment, Fitted, HeldOut, Task
from tlbook import evaluation, features, heads, training
from tlbook.backbones import minilm, recurrent
from tlbook.data import sentiment
from tlbook.files import cache
from tlbook.inputs import text
from tlbook.methods import lexicon

PRODUCTS = 14
CHOOSING = 200  # texts of the next product that choose
SOURCE = "pros_cons"
WEIGHTS = (0.03, 0.1, 0.3, 1.0)  # of a source text, beside 1 for a text of the target
SOURCE_C = (0.3, 3.0, 30.0)
TFIDF_C = (0.1, 1.0, 10.0, 100.0, 1e3)
PROBE_C = (1e-5, 1e-4, 1e-3, 1e-2, 1e-1, 1.0)


def load(n_train, seed):
    """Return labelled reviews to learn from and to choose by, none of the test's product; and the test."""
    rest, chosen, test = sentiment.fold(sentiment.load(sentiment.TARGET), seed, PRODUCTS)
    validation = sentiment.subset(chosen, min(CHOOSING, len(chosen)), seed)
    train = sentiment.subset(rest, n_train or 2, seed)
    source = sentiment.subset(*source_texts())
    task = Task(
        train=train,
        validation=validation,
        n_choose=len(validation),
        source=test.source,
        lender=source,
    )
    return task, HeldOut(test.texts, test.labels)


def source_texts():
    """Return the source and how many of its texts are used, the same for all seeds."""
    corpus = sentiment.load(SOURCE)
    return corpus, min(product_reviews.SAME_AMOUNT, len(corpus)), 0


def vader(task, arm, seed):
    """Ask the lexicon; where it has nothing to say, say positive."""
    ratings = sentiment.ratings()

    def predict(texts):
        return (lexicon.lean(texts, ratings) >= 0).astype(int)

    return Fitted(
        predict=predict, validation=evaluation.accuracy(task.validation.labels, predict(task.validation.texts))
    )


def tfidf_source(task, arm, seed):
    """Logistic regression on weighted counts of words, of the target's texts and of the source's."""
    count = TfidfVectorizer(tokenizer=text.tokenize, token_pattern=None, ngram_range=(1, 2), sublinear_tf=True)
    count.fit(task.train.texts + task.lender.texts)
    inputs = count.transform(task.train.texts + task.lender.texts)
    labels = np.concatenate([task.train.labels, task.lender.labels])
    tried = {}
    for weight, C in arm.grid:
        weights = np.repeat([1.0, weight], [len(task.train), len(task.lender)])
        model = LogisticRegression(C=C, max_iter=300, tol=1e-3).fit(inputs, labels, weights)
        tried[weight, C] = model, model.score(count.transform(task.validation.texts), task.validation.labels)
    chosen = max(tried, key=lambda setting: tried[setting][1])
    model, validation = tried[chosen]
    return Fitted(
        predict=lambda texts: model.predict(count.transform(texts)),
        validation=validation,
        chosen=chosen,
        n_source=len(task.lender),
    )


def encoder_and_probe(task, arm, seed):
    """Read the sentences with the frozen MiniLM, which reads all of the corpus once; every run pays for it."""
    texts = sentiment.load(sentiment.TARGET).texts
    key = cache.fingerprint(text=[digest(encoder_and_probe), minilm.MAX_LENGTH, texts])
    found, seconds = trained_once(key, lambda: {"vectors": minilm.encode(minilm.pretrained()[0], texts)})
    known = dict(zip(texts, found["vectors"], strict=True))

    def read(texts):
        return np.array([known[sentence] for sentence in texts])

    probe = heads.best_probe(*((read(part.texts), part.labels) for part in (task.train, task.validation)), C=arm.grid)
    return Fitted(
        predict=lambda texts: probe.predict(read(texts)),
        validation=probe.validation_score,
        chosen=probe.C,
        kept_seconds=seconds,
    )


def pretrained(task):
    """Return a GRU pretrained on the source, the function from texts to numbers, and what that cost."""
    keras.utils.set_random_seed(0)
    vocabulary = text.vocabulary(task.lender.texts, product_reviews.VOCABULARY)
    body = recurrent.text_encoder(len(vocabulary) + 2)
    numbers = text.encode(task.lender.texts, vocabulary, product_reviews.LENGTH[SOURCE])
    key = cache.fingerprint(numbers, task.lender.labels, text=[digest(pretrained)])
    seconds = weights_once(key, body, lambda: product_reviews.pretrain(body, numbers, task.lender.labels, 0))
    cost = {"n_source": len(task.lender), "pretraining_seconds": seconds}
    return body, lambda texts: text.encode(texts, vocabulary, product_reviews.LENGTH[sentiment.TARGET]), cost


def gru(task, arm, seed, tune=False):
    """Fit a head on the pretrained GRU, and train all of it from there where told to."""
    body, encode, cost = pretrained(task)
    keras.utils.set_random_seed(seed)
    numbers = [(encode(part.texts), part.labels) for part in (task.train, task.validation)]
    seen = [(features.forward(body, texts, batch_size=512), labels) for texts, labels in numbers]
    probe = heads.best_probe(*seen, C=arm.first if tune else arm.grid)
    if not tune:
        return Fitted(
            predict=lambda texts: probe.predict(features.forward(body, encode(texts), batch_size=512)),
            validation=probe.validation_score,
            chosen=probe.C,
            **cost,
        )
    model = heads.classifier(body, 2)
    heads.start_from_probe(model, probe)
    epochs = product_reviews.EPOCHS[len(task.train)]
    search = training.choose_rate(model, *numbers, epochs, arm.grid, product_reviews.BATCH_SIZE, seed)
    return Fitted(
        predict=lambda texts: training.predict(model, encode(texts), 512),
        validation=search.validation_accuracy,
        chosen=search.rate,
        **cost,
    )


EXPERIMENT = Experiment(
    name="next_product",
    question="Does it work on the next product?",
    unit="product",
    arms={
        "majority": Arm(fit=product_reviews.majority, pretraining="none"),
        "vader": Arm(fit=vader, pretraining="none", design={"n_train": (0,)}),
        "tfidf": Arm(fit=product_reviews.tfidf, grid=TFIDF_C, pretraining="none"),
        "tfidf_source": Arm(fit=tfidf_source, grid=itertools.product(WEIGHTS, SOURCE_C), pretraining="none"),
        "minilm": Arm(fit=encoder_and_probe, grid=PROBE_C, pretraining="published"),
        "pros_cons_frozen": Arm(fit=gru, grid=PROBE_C, pretraining="measured"),
        "pros_cons_tuned": Arm(
            fit=functools.partial(gru, tune=True),
            grid=product_reviews.RATES,
            first=PROBE_C,
            pretraining="measured",
            design={"n_train": (50, 200)},
        ),
    },
    design={"n_train": (50, 200, 1_000), "seed": tuple(range(PRODUCTS))},
    load=load,
    metrics={"accuracy": evaluation.accuracy},
)

if __name__ == "__main__":
    print(EXPERIMENT.record().pivot_table("test_accuracy", "arm", "n_train", sort=False))
