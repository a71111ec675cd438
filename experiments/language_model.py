"""What a small language model is worth for the sentiment of product reviews: six arms, three numbers of labels.

An LSTM learns to guess the next word of 0.4 million words without labels. Then it reads product reviews, frozen under a
logistic regression or as the start of a training, next to the same network with fresh weights. A seed draws the
labelled texts, the weights and the pretraining. Each arm that trains tries every rate of one grid; the validation set
chooses rate and epoch, and the best accuracy of every rate is kept in the row, so that one sees what a single rate
would have said. The test set consists of other products and is touched once a run.

Run it with `python -m experiments.language_model`. Plotted in chapter 5.3.
"""

import itertools

import keras
import numpy as np

from experiments import sentiment
from experiments.recording import record
from tlbook import evaluation, features, heads, training
from tlbook.data import sentiment
from tlbook.files import cache
from tlbook.inputs import text
from tlbook.methods import language_model as lm

SOURCES = ("film_reviews", "subjectivity", "pros_cons")
WORDS = 400_000  # of the stream that the language model learns from
VOCABULARY, UNITS, PIECE = 5_000, 128, 32
PRETRAINING = {"batch_size": 32, "epochs": 2, "rate": 1e-2}
HELD_OUT = 1_000  # sentences of the sources for the perplexity
LENGTH = 28  # words of a review
EPOCHS = {50: 10, 200: 6, 1_000: 4}  # for each number of labels
BATCH_SIZE = 16  # small, so that few labels make many steps
RATES = (3e-4, 1e-3, 3e-3, 1e-2, 3e-2)
ARMS = ("majority", "tfidf", "random_frozen", "lm_frozen", "scratch", "lm_fine_tuned")


def run(arm, labels, seed):
    """Fit one classifier on `labels` labelled reviews and return its accuracies and source."""
    keras.utils.set_random_seed(seed)
    pool, validation, test = sentiment.split(sentiment.load("product_reviews"))
    train = sentiment.subset(pool, labels, seed)
    arms = {"majority": majority, "tfidf": sentiment.tfidf, "random_frozen": frozen, "lm_frozen": frozen}
    predict, figures = arms.get(arm, trained)(arm, pool, train, validation, seed)
    return figures | {
        "test_accuracy": round(evaluation.accuracy(test.labels, predict(test.texts)), 4),
        "source": test.source,
    }


def majority(arm, pool, train, validation, seed):
    """Always the more frequent class."""
    always = np.bincount(train.labels).argmax()
    return lambda texts: np.full(len(texts), always), {
        "validation_accuracy": round(float(np.mean(validation.labels == always)), 4)
    }


def frozen(arm, pool, train, validation, seed):
    """Logistic regression on what a reader makes of the texts; the reader does not learn."""
    encoder, encode = encoder_and_encoding(arm, pool, seed)
    states = [(features.forward(encoder, encode(part.texts)), part.labels) for part in (train, validation)]
    probe = heads.linear_probe(*states)
    figures = {"validation_accuracy": round(probe.validation_accuracy, 4), "chosen": probe.strength}
    return lambda texts: probe.predict(features.forward(encoder, encode(texts))), figures


def trained(arm, pool, train, validation, seed):
    """Train the whole network: `scratch` and `lm_fine_tuned` differ in the weights that the reader starts with."""
    encoder, encode = encoder_and_encoding(arm, pool, seed)
    model = heads.classifier(encoder, 2)
    splits = [(encode(part.texts), part.labels) for part in (train, validation)]
    curves = training.choose_rate(model, *splits, EPOCHS[len(train)], RATES, BATCH_SIZE, seed)
    figures = {"validation_accuracy": round(model.validation_accuracy, 4), "chosen": model.rate}
    figures |= {f"validation_{rate:g}": round(max(curve), 4) for rate, curve in curves.items()}
    return lambda texts: training.predict(model, encode(texts), 512), figures


def encoder_and_encoding(arm, pool, seed):
    """Return the sentence encoder of an arm, with a reader pretrained where its name says so, and text to numbers."""
    vocabulary, body = pretrained(pool, seed)[:2]
    if not arm.startswith("lm_"):
        keras.utils.set_random_seed(seed)
        body = lm.reader(len(vocabulary) + 2, UNITS)
    return lm.sentence_encoder(body), lambda texts: lm.opened(text.encode(texts, vocabulary, LENGTH))


def pretrained(pool, seed):
    """Return `(vocabulary, reader, training stream, held-out stream)`; the reader's weights are kept in the cache."""
    rng = np.random.default_rng(seed)
    sentences = [sentence for name in SOURCES for sentence in sentiment.load(name).texts]
    sentences = [sentences[i] for i in rng.permutation(len(sentences))]
    sentences, held_out = sentences[HELD_OUT:], sentences[:HELD_OUT]
    # The target's own texts, less validation and test, need no label here. The rest fills up to the same length.
    lengths = np.cumsum([len(text.tokenise(sentence)) + 1 for sentence in (*pool.texts, *sentences)])
    chosen = (list(pool.texts) + sentences)[: np.searchsorted(lengths, WORDS)]
    chosen = [chosen[i] for i in rng.permutation(len(chosen))]
    vocabulary = text.vocabulary(chosen, VOCABULARY)
    numbers = lm.stream(chosen, vocabulary)
    body = lm.reader(len(vocabulary) + 2, UNITS)
    settings = [VOCABULARY, UNITS, PIECE, PRETRAINING, seed]
    key = cache.fingerprint(numbers, np.zeros(1), text=settings)
    weights = cache.cached_arrays(f"language-model-{key}", lambda: pretrain(body, numbers, seed))
    model = lm.language_model(body)
    model.set_weights([weights[f"{i}"] for i in range(len(model.weights))])
    return vocabulary, body, model, numbers, lm.stream(held_out, vocabulary)


def pretrain(body, numbers, seed):
    """Train a reader to guess the next word and return the weights of the language model by number."""
    keras.utils.set_random_seed(seed)
    model = lm.language_model(body)
    inputs, targets = lm.pieces(numbers, PIECE)
    steps = PRETRAINING["epochs"] * -(-len(inputs) // PRETRAINING["batch_size"])
    model.compile(
        keras.optimizers.Adam(training.warmup_cosine(PRETRAINING["rate"], steps)),
        loss=keras.losses.SparseCategoricalCrossentropy(from_logits=True),
        jit_compile=False,
    )
    model.fit(inputs, targets, PRETRAINING["batch_size"], PRETRAINING["epochs"], verbose=0)
    return {f"{i}": array for i, array in enumerate(model.get_weights())}


def configurations():
    """Return all runs."""
    return [
        {"arm": arm, "labels": labels, "seed": seed} for arm, labels, seed in itertools.product(ARMS, EPOCHS, [0, 1, 2])
    ]


if __name__ == "__main__":
    table = record("language_model", configurations(), run, fresh=False)
    print(table.pivot_table("test_accuracy", "arm", "labels", sort=False))
