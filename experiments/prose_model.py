"""What a recurrent language model of real prose passes on: perplexity on reviews, for a few texts of the target.

The source is prose that has nothing to do with reviews: a hundred articles of Wikipedia, and editorials. Chapter 5.4
asked a small language model for sentiment. Here it is asked for what it was trained to do, on another kind of text.

All arms cut text into the same pieces, learned from the source, so that no word is unknown, and perplexities are per
word. What an arm chooses it chooses on texts of other products than those of the test.

- `counted`: interpolated Kneser-Ney on the texts of the target.
- `counted_both`: the same on the target, and on the source, mixed: the strongest control, as it has read all that the
  network has.
- `scratch`: an LSTM with tied vectors that learns from the target alone.
- `pretrained`: the same, having learned from the source first.
- `pretrained_counted`: the pretrained one mixed with the two of `counted_both`.

The seed says which fifth of the products is the test, and draws the texts and the fresh weights. The pretraining is one
for all, as with a published model: an interval over seeds holds the luck of products and draws, and not that of the
pretraining.

The rate of the pretraining is the one that served prose kept back best in a short trial.

Pilots came before. One, of the two arms that count, with orders 3 and 4, looked at the test of the first fold; it is
why orders go up to 5, and no network was in it. The others were passes of a network over the prose, judged on prose
kept back and once on validation texts of another cut. After one pass it knew hardly more than frequencies, so vectors
start wider now, fresh networks begin with the frequencies, and the rate is searched. After three of six passes it was
still far behind counting, and gained with each, so it makes sixteen.

Run it with `python -m experiments.prose_model`. Chapter 5.16 plots it.
"""

import functools

import keras
import numpy as np

from experiments.code_digest import digest
from experiments.pretraining import trained_once
from experiments.protocol import Arm, Experiment, Fitted, HeldOut, Task
from tlbook.data import prose, sentiment
from tlbook.files import cache
from tlbook.files.sources import Source
from tlbook.inputs import pieces
from tlbook.methods import counted_language as counted
from tlbook.methods import tied_language as tied

FOLDS = 5
CHOOSING = 100  # texts that choose
HELD_OUT = 500  # sentences of the source, to see how well it was learned
SENTENCES = 100_000  # of the source at most: all of it
PIECES, UNITS = 4_000, 128
PRETRAINING = {"batch_size": 32, "epochs": 16, "rates": (1e-3, 3e-3, 1e-2, 3e-2)}
EPOCHS = {50: 12, 200: 8, 1_000: 4}  # for each number of texts
BATCH_SIZE = 8  # small, so that few texts make many steps
RATES = {"scratch": (3e-3, 1e-2, 3e-2), "pretrained": (1e-3, 3e-3, 1e-2)}
FRESH = 1_000  # no fresh network is the one from which the pretraining started
FOUND = ("rate", "epoch", "validation", "untuned", "tmac")  # of a search
ORDERS = (2, 3, 4, 5)  # pieces that hang together in a model that counts


def load(n_train, seed):
    """Return texts of the target to learn from and to choose by; and the test, whose products are others."""
    rest, chosen, test = sentiment.fold(sentiment.load(sentiment.TARGET), seed, FOLDS)
    validation = sentiment.subset(chosen, min(CHOOSING, len(chosen)), seed)
    train = sentiment.subset(rest, n_train, seed)
    note = f"{test.source.note} Prose: {source()[1].name}. {source()[1].note}"
    task = Task(
        train=train.texts,
        validation=validation.texts,
        n_choose=len(validation),
        source=Source(test.source.name, test.source.kind, note),
    )
    return task, HeldOut(test.texts, words(test.texts))


@functools.cache
def source():
    """Return the sentences of the source, in their order, each once, and where the first of them are from."""
    articles, news = prose.load(), prose.load_news()  # where news stand in for Wikipedia, they are there once
    return list(dict.fromkeys(articles.sentences + news.sentences))[:SENTENCES], articles.source


@functools.cache
def cut_source():
    """Return `(texts, held-out texts, their words, tokenizer)`: the source in pieces, and what is kept back of it."""
    sentences = source()[0]
    kept_back = set(np.random.default_rng(0).permutation(len(sentences))[:HELD_OUT].tolist())
    held_out = [sentences[i] for i in sorted(kept_back)]
    read = [sentence for i, sentence in enumerate(sentences) if i not in kept_back]
    cutter = pieces.learn(read, PIECES)
    return pieces.encode(read, cutter), pieces.encode(held_out, cutter), words(held_out), cutter


def words(texts):
    """Return the words of each text, its end counted as one, int64 (n,)."""
    return np.array([pieces.count_words([text]) for text in texts])


def perplexity(words, scores):
    """Return the perplexity a word, of the words of each text and log p of each text."""
    return float(np.exp(-np.sum(scores) / np.sum(words)))


def of_text(scores):
    """Return log p of each text, of what a model said about each piece."""
    return np.array([np.sum(part) for part in scores])


@functools.cache
def counted_source(order):
    """Return the model that counted the source; three arms ask for it."""
    return counted.KneserNey(cut_source()[0], PIECES, order)


def counting(task, arm, seed, also=()):
    """Count the target; `also` names what else is mixed in: "source", "network"."""
    read, validation = (pieces.encode(texts, cut_source()[3]) for texts in (task.train, task.validation))
    cost, others = {}, []
    if "network" in also:
        network, _, seconds, spent = tuned(task, seed, pretrained=True)
        cost = {"pretraining_seconds": seconds, "kept_seconds": spent}
        others.append(lambda texts: tied.score_texts(network, texts))
    tried = {}
    for order in arm.grid:
        models = [counted.KneserNey(read, PIECES, order).log_probabilities]
        models += [counted_source(order).log_probabilities] if "source" in also else []
        models += others
        said = np.array([np.concatenate(model(validation)) for model in models])
        weights = counted.best_weights(said)
        tried[order] = perplexity(words(task.validation), counted.mixed(said, weights)), weights, models
    order = min(tried, key=lambda order: tried[order][0])
    best, weights, models = tried[order]

    def predict(texts):
        numbers = pieces.encode(texts, cut_source()[3])
        said = counted.mixed([np.concatenate(model(numbers)) for model in models], weights)
        return of_text(np.split(said, np.cumsum([len(text) + 1 for text in numbers])[:-1]))

    names = ("target", *also)
    shares = {f"weight_{name}": weight for name, weight in zip(names, weights, strict=True)}
    return Fitted(predict=predict, validation=best, chosen=order, figures=shares, **cost)


def network(task, arm, seed, pretrained=False):
    """Train the recurrent network on the target, from the prose or from fresh weights."""
    model, found, seconds, spent = tuned(task, seed, pretrained)
    cost = {"pretraining_seconds": seconds} if pretrained else {}
    figures = {"validation_untuned": found["untuned"], "epoch": found["epoch"], "tmac": found["tmac"]}
    if pretrained:
        _, held_out, held_words, _ = cut_source()
        prepared, _, figures["pretraining_rate"] = language_model()
        figures["tmac_pretraining"] = tmac(cut_source()[0], PRETRAINING["epochs"])
        figures["source_network"] = perplexity(held_words, of_text(tied.score_texts(prepared, held_out)))
        trigrams = counted_source(3).log_probabilities(held_out)
        figures["source_counted"] = perplexity(held_words, of_text(trigrams))
    return Fitted(
        predict=lambda texts: of_text(tied.score_texts(model, pieces.encode(texts, cut_source()[3]))),
        validation=float(found["validation"]),
        chosen=float(found["rate"]),
        kept_seconds=spent,
        figures=figures,
        **cost,
    )


def language_model():
    """Return a network that has learned from the source, the CPU seconds that this took, and its rate; trained once."""
    texts, held_out, counts, _ = cut_source()
    keras.utils.set_random_seed(0)
    model = tied.language_model(PIECES, UNITS)
    tied.start_from_frequencies(model, texts)

    def train():
        start, few, tried = model.get_weights(), texts[: len(texts) // 4], {}
        for rate in PRETRAINING["rates"]:  # a short trial of each; the prose that is kept back chooses
            keras.utils.set_random_seed(0)
            model.set_weights(start)
            tied.train(model, few, 1, rate, PRETRAINING["batch_size"])
            tried[rate] = perplexity(counts, of_text(tied.score_texts(model, held_out)))
        rate = min(tried, key=tried.get)
        keras.utils.set_random_seed(0)
        model.set_weights(start)
        tied.train(model, texts, PRETRAINING["epochs"], rate, PRETRAINING["batch_size"])
        weights = {str(number): array for number, array in enumerate(model.get_weights())}
        return {"rate": np.array(rate), **weights}

    key = cache.fingerprint(tied.stream(texts), text=[digest(language_model)])
    arrays, seconds = trained_once(key, train)
    model.set_weights([arrays[str(number)] for number in range(len(model.get_weights()))])
    return model, seconds, float(arrays["rate"])


def tmac(texts, epochs):
    """Return the multiply-adds of a training, in 1e12: three forward passes a step, of the LSTM and of the head."""
    return 3 * epochs * tied.stream(texts).size * (8 * UNITS**2 + PIECES * UNITS) / 1e12


def tuned(task, seed, pretrained):
    """Return the best network of all rates and epochs, what was found, the seconds of pretraining, and of tuning.

    `found` holds what `FOUND` names; `validation` and `untuned` are perplexities. Two arms start from one tuned
    network: it is kept.
    """
    rates = RATES["pretrained" if pretrained else "scratch"]
    keras.utils.set_random_seed(FRESH + seed)
    model, seconds = tied.language_model(PIECES, UNITS), None
    read, validation = (pieces.encode(texts, cut_source()[3]) for texts in (task.train, task.validation))
    if pretrained:
        model, seconds, _ = language_model()
    else:
        tied.start_from_frequencies(model, read)
    start = model.get_weights()
    epochs = EPOCHS[len(task.train)]

    def validated():
        return perplexity(words(task.validation), of_text(tied.score_texts(model, validation)))

    def search():
        best = {"untuned": validated(), "validation": np.inf, "tmac": len(rates) * tmac(read, epochs)}

        def keep(epoch, logs):
            if (now := validated()) < best["validation"]:
                weights = {str(number): array for number, array in enumerate(model.get_weights())}
                best.update({"validation": now, "rate": rate, "epoch": epoch + 1, **weights})

        for rate in rates:
            keras.utils.set_random_seed(seed)
            model.set_weights(start)
            tied.train(model, read, epochs, rate, BATCH_SIZE, keep)
        return {name: np.asarray(value) for name, value in best.items()}

    key = cache.fingerprint(tied.stream(read), *start, text=[digest(tuned), seed])
    found, spent = trained_once(key, search)
    model.set_weights([found[str(number)] for number in range(len(start))])
    return model, {name: float(found[name]) for name in FOUND}, seconds, spent


EXPERIMENT = Experiment(
    name="prose_model",
    question="What does a language model of real prose pass on to reviews?",
    unit="product",
    arms={
        "counted": Arm(fit=counting, grid=ORDERS, pretraining="none"),
        "counted_both": Arm(fit=functools.partial(counting, also=("source",)), grid=ORDERS, pretraining="none"),
        "scratch": Arm(fit=network, grid=RATES["scratch"], pretraining="none"),
        "pretrained": Arm(
            fit=functools.partial(network, pretrained=True), grid=RATES["pretrained"], pretraining="measured"
        ),
        "pretrained_counted": Arm(
            fit=functools.partial(counting, also=("source", "network")), grid=ORDERS, pretraining="measured"
        ),
    },
    design={"n_train": tuple(EPOCHS), "seed": tuple(range(FOLDS))},
    load=load,
    metrics={"perplexity": perplexity},
)

if __name__ == "__main__":
    print(EXPERIMENT.record().pivot_table("test_perplexity", "arm", "n_train", sort=False))
