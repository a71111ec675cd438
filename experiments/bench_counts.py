"""The stronger rivals of `bench_sequences`: counts of words with the source's labels, and a lexicon without a label.

The networks there have seen the labels of thousands of lists of pros and cons, and its TF-IDF has seen none of them.
Here counts of words and of pairs of words get them too: how much a source text weighs beside a labelled review is
chosen with C, in folds of the same labelled reviews. And VADER's lexicon (Hutto and Gilbert, 2014) needs no label at
all. Labelled texts, test and score are those of `bench_sequences`. The table stands apart, so that it made no row of
that one stale. It was written down after those rows were there; both arms are those of `next_product`, and the grid was
widened once, where its first record stood at the edge.

Run it with `python -m experiments.bench_counts`. Chapter 3.7 reads it.
"""

import itertools

import numpy as np
from scipy import sparse
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import StratifiedKFold

from experiments import bench_sequences
from experiments.next_product import SOURCE_C, WEIGHTS
from experiments.protocol import Arm, Experiment, Fitted
from tlbook.data import sentiment
from tlbook.inputs import text
from tlbook.methods import lexicon

FOLDS = 5
# Wider than those of next_product: in a first record eight draws of ten chose its largest C, and a source weighed 0 is
# none.
SHARES = (0.0, *WEIGHTS)
PENALTIES = (*SOURCE_C, 300.0, 3000.0)


def tfidf_source(task, arm, seed):
    """Logistic regression on weighted counts of words, of the labelled reviews and of the source's texts."""
    texts = np.array(task.texts, object)
    learn = [texts[position] for position in task.train]
    count = TfidfVectorizer(tokenizer=text.tokenize, token_pattern=None, ngram_range=(1, 2), sublinear_tf=True)
    count.fit([*learn, *task.lender.texts])
    mine, lent = count.transform(learn), count.transform(task.lender.texts)
    folds = list(StratifiedKFold(FOLDS, shuffle=True, random_state=0).split(task.labels, task.labels))

    def fitted(positions, weight, C):
        inputs = sparse.vstack([mine[positions], lent])
        labels = np.concatenate([task.labels[positions], task.lender.labels])
        weights = np.repeat([1.0, weight], [len(positions), len(task.lender)])
        return LogisticRegression(C=C, max_iter=300, tol=1e-3).fit(inputs, labels, weights)

    def score(setting):
        return float(np.mean([fitted(a, *setting).score(mine[b], task.labels[b]) for a, b in folds]))

    scores = {setting: score(setting) for setting in arm.grid}
    chosen = max(scores, key=scores.get)
    model = fitted(np.arange(len(task.labels)), *chosen)
    return Fitted(
        predict=lambda positions: model.predict(count.transform(texts[positions])),
        validation=scores[chosen],
        chosen=chosen,
        n_source=len(task.lender),
    )


def vader(task, arm, seed):
    """Ask the lexicon; where it has nothing to say, say positive."""
    ratings, texts = sentiment.ratings(), np.array(task.texts, object)

    def predict(positions):
        return (lexicon.lean(list(texts[positions]), ratings) >= 0).astype(int)

    return Fitted(predict=predict, validation=float("nan"))  # it learns nothing, and is asked as it is


EXPERIMENT = Experiment(
    name="bench_counts",
    question="What do the source's labels bring to counts of words, and a lexicon without any, on the bench for words?",
    unit="product",
    arms={
        "tfidf_source": Arm(fit=tfidf_source, grid=tuple(itertools.product(SHARES, PENALTIES)), pretraining="none"),
        "vader": Arm(fit=vader, pretraining="none"),
    },
    design=bench_sequences.EXPERIMENT.design,
    load=bench_sequences.load,
    metrics=bench_sequences.EXPERIMENT.metrics,
)

if __name__ == "__main__":
    print(EXPERIMENT.record().groupby("arm", sort=False).test_recall.agg(["mean", "std"]).round(3))
