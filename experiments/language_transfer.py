"""What a small language model is worth for the sentiment of product reviews: seven arms, three numbers of labels.

An LSTM learns to guess the next word of 0.4 million words without labels. Then it reads product reviews, frozen under a
logistic regression or as the start of a training, next to the same network with fresh weights. A seed draws the
labelled texts, the weights and the pretraining. Each arm that trains tries every rate of one grid; the validation set
chooses rate and epoch, and the best accuracy of every rate is kept in the row, so that one sees what a single rate
would have said. `shuffled_frozen` keeps the language model's weights and loses their order, array by array. The test
set consists of other products, always the same, so that the interval is over draws.

Run it with `python -m experiments.language_transfer`. Chapter 5.4 plots it.
"""

import functools

import keras
import numpy as np

from experiments import product_reviews
from experiments.code_digest import digest
from experiments.pretraining import weights_once
from experiments.protocol import Arm, Experiment, Fitted
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
TFIDF_C = (0.1, 1.0, 10.0, 100.0, 1e3, 1e4)
PROBE_C = (1e-5, 1e-4, 1e-3, 1e-2, 1e-1, 1.0, 10.0)


def frozen(task, arm, seed, shuffled=False):
    """Logistic regression on what a reader makes of the texts; the reader does not learn."""
    encoder, encode, cost = encoder_and_encoding(task.pool, arm, seed)
    if shuffled:
        rng = np.random.default_rng(seed)
        encoder.set_weights([rng.permutation(w.ravel()).reshape(w.shape) for w in encoder.get_weights()])

    def see(texts):
        return features.forward(encoder, encode(texts), batch_size=512)

    parts = [(see(part.texts), part.labels) for part in (task.train, task.validation)]
    probe = heads.best_probe(*parts, C=arm.grid)
    return Fitted(
        predict=lambda texts: probe.predict(see(texts)),
        validation=probe.validation_score,
        chosen=probe.C,
        **cost,
    )


def trained(task, arm, seed):
    """Train the whole network: `scratch` and `lm_fine_tuned` differ in the weights that the reader starts with."""
    encoder, encode, cost = encoder_and_encoding(task.pool, arm, seed)
    model = heads.classifier(encoder, 2)
    parts = [(encode(part.texts), part.labels) for part in (task.train, task.validation)]
    search = training.choose_rate(model, *parts, EPOCHS[len(task.train)], arm.grid, BATCH_SIZE, seed)
    return Fitted(
        predict=lambda texts: training.predict(model, encode(texts), 512),
        validation=search.validation_accuracy,
        chosen=search.rate,
        figures={f"validation_{rate:g}": max(curve) for rate, curve in search.curves.items()},
        **cost,
    )


def encoder_and_encoding(pool, arm, seed):
    """Return a sentence encoder, pretrained where the arm says so, text to numbers, and what the pretraining cost."""
    keras.utils.set_random_seed(seed)
    vocabulary, body, *_, seconds = pretrained(pool, seed)
    cost = {"pretraining_seconds": seconds}  # no label of the sources is seen
    if arm.pretraining == "none":
        keras.utils.set_random_seed(seed)
        body, cost = lm.reader(len(vocabulary) + 2, UNITS), {}
    return lm.sentence_encoder(body), lambda texts: lm.prepend_bos(text.encode(texts, vocabulary, LENGTH)), cost


def pretrained(pool, seed):
    """Return `(vocabulary, reader, language model, training stream, held-out stream, CPU seconds)`; trained once."""
    rng = np.random.default_rng(seed)
    sentences = [sentence for name in SOURCES for sentence in sentiment.load(name).texts]
    sentences = [sentences[i] for i in rng.permutation(len(sentences))]
    sentences, held_out = sentences[HELD_OUT:], sentences[:HELD_OUT]
    # The target's own texts, less validation and test, need no label here. The rest fills up to the same length.
    lengths = np.cumsum([len(text.tokenize(sentence)) + 1 for sentence in (*pool.texts, *sentences)])
    chosen = (list(pool.texts) + sentences)[: np.searchsorted(lengths, WORDS)]
    chosen = [chosen[i] for i in rng.permutation(len(chosen))]
    vocabulary = text.vocabulary(chosen, VOCABULARY)
    numbers = lm.stream(chosen, vocabulary)
    body = lm.reader(len(vocabulary) + 2, UNITS)
    model = lm.language_model(body)
    key = cache.fingerprint(numbers, text=[digest(pretrain), seed])
    seconds = weights_once(key, model, lambda: pretrain(body, model, numbers, seed))
    return vocabulary, body, model, numbers, lm.stream(held_out, vocabulary), seconds


def pretrain(body, model, numbers, seed):
    """Train a reader to guess the next word, and give the language model its weights."""
    keras.utils.set_random_seed(seed)
    learner = lm.language_model(body)
    inputs, targets = lm.pieces(numbers, PIECE)
    steps = PRETRAINING["epochs"] * -(-len(inputs) // PRETRAINING["batch_size"])
    learner.compile(
        keras.optimizers.Adam(training.warmup_cosine(PRETRAINING["rate"], steps)),
        loss=keras.losses.SparseCategoricalCrossentropy(from_logits=True),
        jit_compile=False,
    )
    learner.fit(inputs, targets, PRETRAINING["batch_size"], PRETRAINING["epochs"], verbose=0)
    model.set_weights(learner.get_weights())


EXPERIMENT = Experiment(
    name="language_transfer",
    question="What is a small language model worth for the sentiment of product reviews?",
    unit="draw of labels",
    arms={
        "majority": Arm(fit=product_reviews.majority, pretraining="none"),
        "tfidf": Arm(fit=product_reviews.tfidf, grid=TFIDF_C, pretraining="none"),
        "random_frozen": Arm(fit=frozen, grid=PROBE_C, pretraining="none"),
        "shuffled_frozen": Arm(fit=functools.partial(frozen, shuffled=True), grid=PROBE_C, pretraining="measured"),
        "lm_frozen": Arm(fit=frozen, grid=PROBE_C, pretraining="measured"),
        "scratch": Arm(fit=trained, grid=RATES, pretraining="none"),
        "lm_fine_tuned": Arm(fit=trained, grid=RATES, pretraining="measured"),
    },
    design={"n_train": tuple(EPOCHS), "seed": (0, 1, 2)},
    load=product_reviews.load,
    metrics={"accuracy": evaluation.accuracy},
)

if __name__ == "__main__":
    print(EXPERIMENT.record().pivot_table("test_accuracy", "arm", "n_train", sort=False))
