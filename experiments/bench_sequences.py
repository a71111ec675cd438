"""What transfers, layer by layer, in networks for words: four networks, two pretrainings, two controls for every layer.

LSTM, GRU, transformer and a convolution over words, of one width and depth (`tlbook.backbones.words`). Each is
pretrained twice on the same lists of pros and cons, for the same number of passes: on their labels, and on hidden
words, without labels. Then it reads product reviews, frozen. The mean over the words of each layer goes to a logistic
regression, whose C is chosen in folds of the same labels; so every layer has the same size.

Controls for each layer: fresh weights (of the embedding: a random projection of the counts of words), and each weight
array redrawn at its pretrained mean and deviation. For all: logistic regression on weighted counts of words, TF-IDF,
with all of them.

The positive control, named before the first row: the last layer of the GRU with the labels of pros and cons, against
the same layer fresh. The seed says which of the ten largest of fourteen products is the test; the labelled texts come
from other products, and the networks are drawn and pretrained anew. So an interval over seeds is one over products. The
products that `sentiment.fold` offers to choose by are left alone.

Some products are praised in four reviews of five, and whoever always praises would be right there. So the labelled
texts are half and half, and the score is the mean recall of the two classes: a guess has one half for any product.

Run it with `python -m experiments.bench_sequences`. Chapter 3.7 plots it.
"""

import functools

import keras
import numpy as np
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline

from experiments import layer_bench
from experiments.code_digest import digest
from experiments.pretraining import trained_once
from experiments.protocol import Arm, Experiment, Fitted, HeldOut, Task
from tlbook import evaluation, heads, training
from tlbook.backbones import words
from tlbook.data import sentiment
from tlbook.files import cache
from tlbook.inputs import text
from tlbook.methods import layers

LABELS, PRODUCTS = 200, 14
AMOUNT, VOCABULARY = 9_000, 4_000  # texts of the source; numbers of words
SHORT, LONG = 14, 28  # words of a list entry, and of a review
PASSES, BATCH, RATE = 4, 128, 3e-3
PICKS = 2  # hidden words of a text
TFIDF_C = (0.1, 1.0, 10.0, 100.0, 1e3)
WAYS = ("labels", "words")


@functools.cache
def corpora():
    """Return the reviews, and the texts of the source that are used; all rows of a process share them."""
    source = sentiment.load("pros_cons")
    return sentiment.load(sentiment.TARGET), sentiment.subset(source, min(AMOUNT, len(source)), 0)


def load(n_train, seed):
    """Return where the labelled reviews stand among all that are read, with the source; and the test's, all others."""
    reviews, lender = corpora()
    rest, _, test = sentiment.fold(reviews, seed, PRODUCTS)
    train = half_and_half(rest, n_train, seed)
    task = Task(
        train=np.arange(n_train),
        labels=train.labels,
        validation="folds of the labelled texts",
        n_choose=n_train,
        source=test.source,
        lender=lender,
        texts=train.texts + test.texts,
    )
    return task, HeldOut(n_train + np.arange(len(test)), test.labels)


def half_and_half(corpus, n, seed):
    """Draw n texts, as many of each class."""
    order = np.random.default_rng(seed).permutation(len(corpus))
    return sentiment.take(corpus, np.concatenate([order[corpus.labels[order] == label][: n // 2] for label in (0, 1)]))


def by_network(task, seed, kind):
    """Read the reviews with a network: pretrained in one way, redrawn after one, or fresh; `kind` names both."""
    way, _, name = kind.rpartition("_")
    weights, said = None, {}
    if way != "fresh":
        weights, seconds = pretrained(task, seed, name, way.removeprefix("redrawn_"))
        labels = way.endswith("labels")
        said = {
            "pretraining_seconds": seconds,
            "n_source": len(task.lender) if labels else 0,
            "figures": {"unlabelled": 0 if labels else len(task.lender)},
        }

    def read():
        network, vocabulary = fresh(task, seed, name)
        if weights:
            network.set_weights(weights)
        if way.startswith("redrawn_"):
            layers.redrawn(network, seed)
        states = layers.read(words.means(network), text.encode(task.texts, vocabulary, LONG))
        return dict(zip(words.LAYERS, states, strict=True))

    found, seconds = trained_once(key(by_network, task, kind, seed, *task.texts), read)
    return found, said | {"kept_seconds": seconds}


def pretrained(task, seed, name, way):
    """Return the weights of a pretrained network, and the CPU seconds that they took; trained once."""

    def train():
        network, vocabulary = fresh(task, seed, name)
        numbers = text.encode(task.lender.texts, vocabulary, SHORT)
        {"labels": by_labels, "words": by_hidden_words}[way](network, numbers, task.lender.labels, seed)
        return {str(number): array for number, array in enumerate(network.get_weights())}

    arrays, seconds = trained_once(key(pretrained, task, name, way, seed), train)
    return [arrays[str(number)] for number in range(len(arrays))], seconds


def fresh(task, seed, name):
    """Return a fresh network, and the vocabulary of the source, which it reads."""
    keras.utils.set_random_seed(seed)
    vocabulary = text.vocabulary(task.lender.texts, VOCABULARY)
    return words.network(name, len(vocabulary) + 3), vocabulary  # with padding, unknown and hidden


def key(function, task, *settings):
    """Return the key of what a function computes for a task."""
    return cache.fingerprint(text=[digest(function), PASSES, VOCABULARY, *settings, *task.lender.texts])


def by_labels(network, numbers, labels, seed):
    """Train a network to tell pros from cons."""
    keras.utils.set_random_seed(seed)
    order = passes(len(numbers), seed)
    learn(words.opinion(network), numbers[order], labels[order])


def by_hidden_words(network, numbers, labels, seed):
    """Train a network to say which words are hidden. It sees no label."""
    keras.utils.set_random_seed(seed)
    rng = np.random.default_rng(seed)
    shown = numbers[passes(len(numbers), seed)]
    lengths = np.maximum(1, (shown != text.PADDING).sum(axis=1))
    places = (rng.random((len(shown), PICKS)) * lengths[:, None]).astype("int32")
    hidden = np.take_along_axis(shown, places, 1)
    rows = rows_of(network)
    np.put_along_axis(shown, places, rows - 1, 1)
    learn(words.gap_filler(network, rows, PICKS), [shown, places], hidden)


def rows_of(network):
    """Return the rows of a network's embedding; the last one stands for a hidden word."""
    return network.weights[0].shape[0]


def passes(n, seed):
    """Return positions below n, pass after pass, each in a new order."""
    rng = np.random.default_rng(seed)
    return np.concatenate([rng.permutation(n) for _ in range(PASSES)])


def learn(model, inputs, answers):
    """Train a model once over inputs that stand in their order."""
    rate = training.warmup_cosine(RATE, -(-len(answers) // BATCH))
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile(keras.optimizers.Adam(rate), loss=loss, jit_compile=False)
    model.fit(inputs, answers, BATCH, epochs=1, shuffle=False, verbose=0)


def tfidf(task, arm, seed):
    """Logistic regression on weighted counts of words and of pairs of words, all of them."""
    texts = np.array(task.texts, object)
    probe = heads.probe_by_folds(texts[task.train], task.labels, arm.grid, make=counts_of_words)
    return Fitted(
        predict=lambda positions: probe.predict(texts[positions]),
        validation=probe.validation_score,
        chosen=probe.C,
    )


def counts_of_words(C):
    """Return an unfitted regression that takes texts."""
    weights = TfidfVectorizer(tokenizer=text.tokenize, token_pattern=None, ngram_range=(1, 2), sublinear_tf=True)
    return make_pipeline(weights, LogisticRegression(C=C, max_iter=1000))


def recall(labels, predictions):
    """Return the mean recall of the two classes."""
    return float(np.mean(evaluation.recall(labels, predictions, 2)))


def of_network(kind, pretraining="measured"):
    """Return the arms of the layers of a network."""
    return layer_bench.arms(kind, functools.partial(by_network, kind=kind), words.LAYERS, pretraining)


KINDS = [f"{way}_{name}" for way in WAYS for name in words.KINDS]

EXPERIMENT = Experiment(
    name="bench_sequences",
    question="Which layers of which pretrained networks for words carry something to the reviews of other products?",
    unit="product",
    arms={
        "tfidf": Arm(fit=tfidf, grid=TFIDF_C, pretraining="none"),
        **{name: arm for kind in words.KINDS for name, arm in of_network(f"fresh_{kind}", "none").items()},
        **{name: arm for kind in KINDS for name, arm in of_network(kind).items()},
        **{name: arm for kind in KINDS for name, arm in of_network(f"redrawn_{kind}").items()},
    },
    design={"n_train": (LABELS,), "seed": tuple(range(10))},
    load=load,
    metrics={"recall": recall},
)

if __name__ == "__main__":
    print(EXPERIMENT.record().groupby("arm", sort=False).test_recall.agg(["mean", "std"]).round(3))
