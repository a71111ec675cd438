"""What a task has to change in a sentence encoder: seven ways to tune MiniLM, three numbers of labels.

Corpus and cut are those of `product_reviews`: the test set holds products of its own. All labels that are used are
among `n_train`: rates and C are chosen in two halves of them (`adapting`), and then all of them train. Every arm that
tunes starts where the linear probe ended, with the rates around those that its authors give. The control has no
transfer; the student is that control, taught by the probe on sentences without labels.

Run it with `python -m experiments.tuning_sentences`. Chapter 7.2 plots it; chapter 5.3 links to it.
"""

import functools

import keras
import numpy as np
from sklearn.feature_extraction.text import TfidfVectorizer

from experiments import adapting, product_reviews
from experiments.protocol import Arm, Fitted, HeldOut
from tlbook import evaluation, features, heads
from tlbook.backbones import minilm
from tlbook.data import sentiment
from tlbook.inputs import text
from tlbook.methods import adapters, distillation

EPOCHS = {50: 4, 100: 3, 200: 2, 1_000: 1}
PIECES = 40  # of a sentence, at most: nine in ten have no more
TFIDF_C = (0.1, 1.0, 10.0, 100.0, 1_000.0)
PROBE_C = (1e-4, 1e-3, 1e-2, 1e-1, 1.0, 10.0)
RANK, WIDTH = 4, 16
LAST = 2  # blocks
DISTILLING = {"epochs": 20, "learning_rate": 3e-3, "temperature": 2.0, "weight": 1.0}


def load(n_train, seed):
    """Return the labelled sentences, with the pool of sentences that they come from; and the test."""
    pool, _, test = sentiment.split(sentiment.load(sentiment.TARGET))
    train = sentiment.subset(pool, n_train, seed)
    return adapting.inside(train, seed, test.source, pool=pool.texts), HeldOut(test.texts, test.labels)


def by_product(labels, predictions):
    """Return the accuracy on each product of the test, blank where these are many, as in a stand-in."""
    groups = np.array(sentiment.split(sentiment.load(sentiment.TARGET))[2].groups)
    names = np.unique(groups)
    right = np.asarray(labels) == np.asarray(predictions)
    return {f"product_{k}": right[groups == name].mean() for k, name in enumerate(names)} if len(names) < 9 else {}


def counts_of_words(task, arm, seed):
    """Logistic regression on weighted counts of words and pairs of words: the best without transfer."""
    train, (learn, choose) = task.train, adapting.halves(task.train.labels, seed)
    two = [([train.texts[i] for i in part], train.labels[part]) for part in (learn, choose)]
    found = heads.best_probe(*two, C=arm.grid, make=product_reviews.counts_of_words)
    model = product_reviews.counts_of_words(found.C).fit(train.texts, train.labels)
    cost = figures(model[-1].coef_.size + 1)
    return Fitted(predict=model.predict, validation=found.validation_score, chosen=found.C, figures=cost)


def probe(task, arm, seed):
    """Train nothing but a logistic regression on MiniLM's vectors."""
    known = reading()
    C, validation = adapting.best_C(known(task.train.texts), task.train.labels, arm.grid, seed)
    fitted = heads.linear_probe(known(task.train.texts), task.train.labels, C)
    work = forward(task.train.texts)
    return Fitted(
        predict=lambda texts: fitted.predict(known(texts)),
        validation=validation,
        chosen=C,
        figures=figures(2 * (known.width + 1), work),
    )


def student(task, arm, seed):
    """Teach a linear model on counts of words by the logits of the probe, on all sentences of the pool."""
    teacher = probe(task, arm, seed)
    known = reading()
    fitted = heads.linear_probe(known(task.train.texts), task.train.labels, teacher.chosen)
    scores = fitted.scores(known(task.pool))
    logits = np.stack([-scores / 2, scores / 2], axis=1)
    words = TfidfVectorizer(
        tokenizer=text.tokenize, token_pattern=None, ngram_range=(1, 2), sublinear_tf=True, min_df=2, dtype="float32"
    )
    counts = words.fit_transform(task.pool).toarray()
    keras.utils.set_random_seed(seed)
    model = keras.Sequential([keras.Input(counts.shape[1:]), keras.layers.Dense(2)], name="student")
    given = {sentence: int(label) for sentence, label in zip(task.train.texts, task.train.labels, strict=True)}
    labels = np.array([given.get(sentence, distillation.UNLABELLED) for sentence in task.pool])
    watched = words.transform(task.train.texts).toarray(), task.train.labels
    distillation.distil(model, counts, labels, logits, watched, seed=seed, **DISTILLING)
    return Fitted(
        predict=lambda texts: features.forward(model, words.transform(texts).toarray()).argmax(axis=1),
        validation=teacher.validation,
        chosen=teacher.chosen,
        figures=figures(adapters.trained(model), forward(task.pool)),
    )


def tuned(task, arm, seed, how):
    """Tune MiniLM in one of five ways, under a head that was fitted first."""
    model, start, passes = machine(how)
    ids, mask = pieces(task.train.texts)
    known, labels = reading()(task.train.texts), task.train.labels
    C, _ = adapting.best_C(known, labels, PROBE_C, seed)

    def prepare(positions):
        model.set_weights(start)
        heads.start_from_probe(model, heads.linear_probe(known[positions], labels[positions], C))

    def batches(positions, rng):
        for batch in of_like_length(mask, rng.permutation(positions), rng):
            longest = -(-mask[batch].sum(axis=1).max() // 8) * 8
            yield [ids[batch, :longest], mask[batch, :longest]], labels[batch]

    found = adapting.tune(
        model,
        prepare,
        batches,
        lambda positions: predict(model, ids[positions], mask[positions]),
        labels,
        arm.grid,
        EPOCHS,
        seed,
    )
    work = passes * forward(task.train.texts) * found.seen / len(labels)
    return Fitted(
        predict=lambda texts: predict(model, *pieces(texts)),
        validation=found.validation,
        chosen=found.rate,
        figures=figures(adapters.trained(model), work, found.cpu_ms),
    )


@functools.cache
def machine(how):
    """Return MiniLM under a head, ready to be tuned in one way, its first weights, and the passes that a step costs.

    A step is a forward pass, the gradients of the activations, and those of the kernels that learn: 3. Biases and
    adapters need no gradient of a large kernel: 2. Keras's low-rank updates do. Below the lowest layer that learns
    nothing goes back: for the last two of six blocks 1 + 2 * 2 / 6. Only the word table stays in every arm.
    """
    keras.utils.set_random_seed(0)
    encoder, _ = minilm.pretrained()
    blocks = sum(layer.name.startswith("attention_") for layer in encoder.network.layers)
    model = heads.classifier(adapters.sentence_body(encoder), 2)
    passes = {"bitfit": 2.0, "adapters": 2.0, "lora": 3.0, "last": 1 + 2 * LAST / blocks, "everything": 3.0}[how]
    if how == "bitfit":
        adapters.bitfit(model)
    elif how == "adapters":
        model = adapters.with_adapters(model, [f"narrow_{block}" for block in range(blocks)], WIDTH)
    elif how == "lora":
        adapters.lora(model, adapters.dense_layers(encoder), RANK)
    else:
        first = blocks - LAST if how == "last" else 0
        kinds = ("attention", "norm_attention", "wide", "narrow", "norm")
        names = [f"{kind}_{block}" for block in range(first, blocks) for kind in kinds]
        names += ["position", "type", "norm"] if how == "everything" else []
        adapters.train_only(model, adapters.of_layers(model, [*names, "logits"]))
    return adapting.compiled(model), model.get_weights(), passes


@functools.cache
def reading():
    """Return a function from sentences of the corpus to their vectors; an encoder reads them once."""
    texts = sentiment.load(sentiment.TARGET).texts
    known = dict(zip(texts, minilm.encode(minilm.pretrained()[0], texts, PIECES), strict=True))

    def read(some):
        return np.array([known[sentence] for sentence in some])

    read.width = len(known[texts[0]])
    return read


@functools.cache
def tokenizer():
    """Return MiniLM's tokenizer."""
    return minilm.pretrained()[0].tokenizer


def pieces(texts):
    """Return the numbers and the mask of sentences."""
    return minilm.tokenize(tokenizer(), texts, PIECES)


def of_like_length(mask, order, rng):
    """Yield batches of positions: sorted by length within each 8 batches, so that few fillers are computed."""
    chunk, found = 8 * adapting.BATCH_SIZE, []
    for begin in range(0, len(order), chunk):
        part = order[begin : begin + chunk]
        part = part[np.argsort(mask[part].sum(axis=1), kind="stable")]
        found += [part[k : k + adapting.BATCH_SIZE] for k in range(0, len(part), adapting.BATCH_SIZE)]
    return [found[k] for k in rng.permutation(len(found))]


def predict(model, ids, mask, batch_size=32):
    """Return classes; sentences of like length share a batch."""
    lengths, classes = mask.sum(axis=1), np.empty(len(ids), int)
    order = np.argsort(lengths, kind="stable")
    for begin in range(0, len(order), batch_size):
        batch = order[begin : begin + batch_size]
        longest = -(-lengths[batch].max() // 8) * 8
        inputs = [ids[batch, :longest], mask[batch, :longest]]
        classes[batch] = np.asarray(model.predict_on_batch(inputs)).argmax(axis=1)
    return classes


def forward(texts):
    """Return the 1e12 multiply-adds of one pass of MiniLM over sentences: kernels, and attention's two products."""
    lengths = pieces(texts)[1].sum(axis=1).astype(float)
    network, _ = body()
    width = network.output_shape[-1]
    blocks = sum(layer.name.startswith("attention_") for layer in network.layers)
    return float((kernels(network) * lengths + blocks * 2 * width * lengths**2).sum() / 1e12)


@functools.cache
def body():
    """Return the network as it was published, for counting."""
    return minilm.pretrained()[0].network, None


def kernels(network):
    """Return how many numbers stand in the kernels of a network, its tables of embeddings aside."""
    return sum(int(np.prod(weight.shape)) for weight in network.weights if weight.name == "kernel")


def figures(trained, tmac=0.0, cpu_ms=None):
    """Return what a row says of the cost: numbers that learn, bytes a task, 1e12 multiply-adds, CPU ms an example."""
    row = {"trained": int(trained), "task_bytes": 4 * int(trained), "tmac": tmac}
    return row | {"cpu_ms": float("nan") if cpu_ms is None else cpu_ms}


def tuning(how, rates):
    """Return the arm that tunes in one way."""
    return Arm(fit=functools.partial(tuned, how=how), grid=rates, first=PROBE_C, pretraining="published")


EXPERIMENT = adapting.Tuning(
    name="tuning_sentences",
    question="What does a task have to change in a sentence encoder, and what does that cost?",
    unit="product and seed",
    arms={
        "tfidf": Arm(fit=counts_of_words, grid=TFIDF_C, pretraining="none"),
        "student": Arm(fit=student, grid=PROBE_C, pretraining="published"),
        "probe": Arm(fit=probe, grid=PROBE_C, pretraining="published"),
        "bitfit": tuning("bitfit", (3e-4, 1e-3, 3e-3)),
        "adapters": tuning("adapters", (3e-4, 1e-3, 3e-3)),
        "lora": tuning("lora", (3e-4, 1e-3, 3e-3)),
        "last": tuning("last", (3e-5, 1e-4, 3e-4)),
        "everything": tuning("everything", (1e-5, 3e-5, 1e-4)),
    },
    design={"n_train": (50, 200, 1_000), "seed": (0, 1, 2, 3, 4)},
    load=load,
    metrics={"accuracy": evaluation.accuracy, "product": by_product},
)

if __name__ == "__main__":
    table = EXPERIMENT.record()
    print(table.groupby(["arm", "n_train"], sort=False).test_accuracy.agg(["mean", "min", "max"]))
