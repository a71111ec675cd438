"""What the language model of `experiments.prose_model` is worth for the sentiment of reviews: eight arms, five folds.

The recipe is that of Howard and Ruder (2018): learn to read prose, go on reading the target's texts without their
labels, then classify. Unlabelled are the texts of the products that are neither test nor validation.

- `tfidf`: counts of words and pairs, without any other text.
- `tfidf_svd`: beside them the leading directions of the same counts over prose and unlabelled reviews: what one did
  with unlabelled text before networks. With them or instead of them, which is chosen as C is.
- `random_frozen`, `prose_frozen`, `adapted_frozen`: logistic regression on the states of the LSTM with fresh weights,
  after the prose, and after the prose and the unlabelled reviews.
- `scratch`, `adapted_tuned`: all of the network learns, from fresh weights and from the adapted ones.

A seed is a fold of products, as in `experiments.prose_model`, and the pretraining is the one of there.

Run it with `python -m experiments.prose_sentiment`. Chapter 5.16 reads it.
"""

import functools
import itertools

import keras
import numpy as np
from scipy import sparse
from sklearn.decomposition import TruncatedSVD
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression

from experiments import product_reviews, prose_model
from experiments.code_digest import digest
from experiments.pretraining import trained_once
from experiments.protocol import Arm, Experiment, Fitted, HeldOut, Task
from tlbook import evaluation, features, heads, training
from tlbook.data import sentiment
from tlbook.files import cache
from tlbook.inputs import pieces
from tlbook.methods import language_model as lm
from tlbook.methods import tied_language as tied

LENGTH = 40  # pieces of a review
DIRECTIONS = 200
READING = {"rates": (1e-3, 3e-3), "epochs": 3}  # of the unlabelled reviews
EPOCHS = {50: 10, 200: 6, 1_000: 4}  # for each number of labels
RATES = (1e-3, 3e-3, 1e-2)
BATCH_SIZE, CHOOSING = 16, 200
TFIDF_C = (0.1, 1.0, 10.0, 100.0, 1e3)
PROBE_C = (1e-4, 1e-3, 1e-2, 1e-1, 1.0, 10.0)


def load(n_train, seed):
    """Return labelled reviews to learn from and to choose by, the unlabelled ones, and the test of other products."""
    rest, chosen, test = sentiment.fold(sentiment.load(sentiment.TARGET), seed, prose_model.FOLDS)
    validation = sentiment.subset(chosen, min(CHOOSING, len(chosen)), seed)
    train = sentiment.subset(rest, n_train, seed)
    lent = prose_model.source()[1]
    source = prose_model.Source(
        test.source.name, test.source.kind, f"{test.source.note} Prose: {lent.name}. {lent.note}"
    )
    task = Task(train=train, validation=validation, n_choose=len(validation), source=source, unlabelled=rest.texts)
    return task, HeldOut(test.texts, test.labels)


def tfidf_svd(task, arm, seed):
    """Logistic regression on counts of words, and on their leading directions over all unlabelled text."""
    count, directions = directions_of(task.unlabelled)
    pairs = TfidfVectorizer(tokenizer=pieces.words, token_pattern=None, ngram_range=(1, 2), sublinear_tf=True)
    pairs.fit(task.train.texts)

    def see(texts, what):
        found = directions.transform(count.transform(texts))
        return sparse.hstack([pairs.transform(texts), found]).tocsr() if what == "both" else found

    tried = {}
    for what, C in arm.grid:
        model = LogisticRegression(C=C, max_iter=1000).fit(see(task.train.texts, what), task.train.labels)
        score = model.score(see(task.validation.texts, what), task.validation.labels)
        tried[what, C] = model, score
    chosen = max(tried, key=lambda setting: tried[setting][1])
    model, validation = tried[chosen]
    return Fitted(
        predict=lambda texts: model.predict(see(texts, chosen[0])),
        validation=validation,
        chosen=chosen,
    )


@functools.lru_cache(maxsize=prose_model.FOLDS)
def directions_of(unlabelled):
    """Return what counts words, and the leading directions of its counts over prose and unlabelled reviews."""
    count = TfidfVectorizer(tokenizer=pieces.words, token_pattern=None, min_df=2, sublinear_tf=True)
    counts = count.fit_transform([*prose_model.source()[0], *unlabelled])
    return count, TruncatedSVD(DIRECTIONS, random_state=0).fit(counts)


def reader(task, seed, read):
    """Return a sentence encoder whose reader has read nothing, "prose" or the reviews as well, and what that cost."""
    keras.utils.set_random_seed(prose_model.FRESH + seed)
    model = tied.language_model(prose_model.PIECES, prose_model.UNITS)
    cost = {}
    if read != "nothing":
        model, seconds, _ = prose_model.language_model()
        if read == "reviews":
            seconds += go_on_reading(model, task, seed)
        cost = {"pretraining_seconds": seconds}
    keras.utils.set_random_seed(seed)
    return lm.sentence_encoder(tied.reader(model)), cost


def go_on_reading(model, task, seed):
    """Train a language model on the unlabelled reviews; return the CPU seconds. No label is looked at."""
    cutter = prose_model.cut_source()[3]
    read, validation = (pieces.encode(texts, cutter) for texts in (task.unlabelled, task.validation.texts))
    start, counts = model.get_weights(), prose_model.words(task.validation.texts)

    def search():
        best = [np.inf, start]

        def keep(epoch, logs):
            now = prose_model.perplexity(counts, prose_model.of_text(tied.score_texts(model, validation)))
            if now < best[0]:
                best[:] = now, model.get_weights()

        for rate in READING["rates"]:
            keras.utils.set_random_seed(seed)
            model.set_weights(start)
            tied.train(model, read, READING["epochs"], rate, BATCH_SIZE, keep)
        return {str(number): array for number, array in enumerate(best[1])}

    key = cache.fingerprint(tied.stream(read), *start, text=[digest(go_on_reading), seed])
    arrays, seconds = trained_once(key, search)
    model.set_weights([arrays[str(number)] for number in range(len(start))])
    return seconds


def encoded(texts):
    """Return texts as numbers of pieces, int32 (n, LENGTH + 1), `END` first."""
    numbers = np.full((len(texts), LENGTH + 1), pieces.END, "int32")
    for row, text in zip(numbers, pieces.encode(texts, prose_model.cut_source()[3]), strict=True):
        row[1 : len(text[:LENGTH]) + 1] = text[:LENGTH]
    return numbers


def frozen(task, arm, seed, read):
    """Logistic regression on what a reader makes of the texts; the reader does not learn."""
    encoder, cost = reader(task, seed, read)

    def see(texts):
        return features.forward(encoder, encoded(texts), batch_size=512)

    probe = heads.best_probe(*((see(part.texts), part.labels) for part in (task.train, task.validation)), C=arm.grid)
    return Fitted(
        predict=lambda texts: probe.predict(see(texts)),
        validation=probe.validation_score,
        chosen=probe.C,
        **cost,
    )


def trained(task, arm, seed, read):
    """Train the whole network; where the reader has read, the head is fitted first."""
    encoder, cost = reader(task, seed, read)
    model = heads.classifier(encoder, 2)
    parts = [(encoded(part.texts), part.labels) for part in (task.train, task.validation)]
    if arm.first:
        seen = [(features.forward(encoder, numbers, batch_size=512), labels) for numbers, labels in parts]
        heads.start_from_probe(model, heads.best_probe(*seen, C=arm.first))
    epochs = EPOCHS[len(task.train)]
    search = training.choose_rate(model, *parts, epochs, arm.grid, BATCH_SIZE, seed)
    return Fitted(
        predict=lambda texts: training.predict(model, encoded(texts), 512),
        validation=search.validation_accuracy,
        chosen=search.rate,
        **cost,
    )


def _frozen(read):
    fit = functools.partial(frozen, read=read)
    return Arm(fit=fit, grid=PROBE_C, pretraining="none" if read == "nothing" else "measured")


EXPERIMENT = Experiment(
    name="prose_sentiment",
    question="What is a language model of real prose worth for the sentiment of reviews?",
    unit="product",
    arms={
        "majority": Arm(fit=product_reviews.majority, pretraining="none"),
        "tfidf": Arm(fit=product_reviews.tfidf, grid=TFIDF_C, pretraining="none"),
        "tfidf_svd": Arm(fit=tfidf_svd, grid=itertools.product(("directions", "both"), TFIDF_C), pretraining="none"),
        "random_frozen": _frozen("nothing"),
        "prose_frozen": _frozen("prose"),
        "adapted_frozen": _frozen("reviews"),
        "scratch": Arm(fit=functools.partial(trained, read="nothing"), grid=RATES, pretraining="none"),
        "adapted_tuned": Arm(
            fit=functools.partial(trained, read="reviews"), grid=RATES, first=PROBE_C, pretraining="measured"
        ),
    },
    design={"n_train": tuple(EPOCHS), "seed": tuple(range(prose_model.FOLDS))},
    load=load,
    metrics={"accuracy": evaluation.accuracy},
)

if __name__ == "__main__":
    print(EXPERIMENT.record().pivot_table("test_accuracy", "arm", "n_train", sort=False))
