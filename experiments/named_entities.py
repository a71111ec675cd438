"""What a tagger pretrained on WNUT-17 is worth on wikigold: six ways to tag, two numbers of sentences, three seeds.

A seed draws the training and validation sentences and the fresh weights; the test documents are the same for all, and
so is the pretrained body. Every choice (learning rate, epoch, strength of the regression's penalty) is made inside a
run, on the validation sentences, and the test sentences are used once, at its end.

Run it with `python -m experiments.named_entities`. Shown in chapter 5.4.
"""

import functools
import itertools

import keras
from sklearn.feature_extraction import DictVectorizer
from sklearn.linear_model import LogisticRegression

from experiments.recording import record
from tlbook import evaluation, training
from tlbook.backbones import recurrent
from tlbook.data import entities
from tlbook.files import cache
from tlbook.files.cache import cached_arrays
from tlbook.inputs import tags, tokens
from tlbook.methods import tagger

SENTENCES = (50, 200)
PRETRAINING = {"epochs": 8, "learning_rate": 5e-3}
# A fresh network needs more steps, and larger ones.
EPOCHS = {"scratch": {50: 24, 200: 12}, "pretrained_tuned": {50: 12, 200: 6}}
RATES = {"scratch": (3e-3, 1e-2, 3e-2), "pretrained_tuned": (1e-4, 3e-4, 1e-3)}
STRENGTHS = {"word_features": (0.1, 1.0, 10.0), "body": (0.001, 0.01, 0.1, 1.0)}  # values of C
BATCH = 8  # sentences


def run(arm, labels, seed):
    """Train one tagger on `labels` sentences of wikigold and return its figures and source."""
    corpora = entities.load()
    train, validation, test = entities.split(corpora.target, labels, seed)
    names = tags.tag_names(tags.types(corpora.target))
    tag, choice, validation_f1 = ARMS[arm](corpora, train, validation, names, seed)
    true, predicted = [sentence.tags for sentence in test], tag(test)
    scores = evaluation.entity_scores(true, predicted)
    figures = {"choice": choice, "validation_f1": validation_f1, "test_f1": scores["all"]["f1"]}
    figures |= {name: scores["all"][name] for name in ("precision", "recall")}
    figures["token_accuracy"] = evaluation.token_accuracy(true, predicted)
    figures |= {f"f1_{kind}": row["f1"] for kind, row in scores.items() if kind != "all"}
    figures = {name: round(float(value), 4) for name, value in figures.items()}
    return figures | evaluation.entity_errors(true, predicted) | {"source": corpora.source}


def all_outside(corpora, train, validation, names, seed):
    """Call no word a name."""
    return lambda sentences: [["O"] * len(sentence) for sentence in sentences], 0.0, 0.0


def word_features(corpora, train, validation, names, seed):
    """Logistic regression on what one can see of a word and its neighbours, each word for itself."""
    true = [sentence.tags for sentence in validation]
    vectorizer = DictVectorizer()
    inputs = vectorizer.fit_transform([seen for sentence in train for seen in tokens.describe(sentence)])
    labels = [tag for sentence in train for tag in sentence.tags]
    best = None
    for strength in STRENGTHS["word_features"]:
        regression = LogisticRegression(C=strength, max_iter=300, tol=1e-3).fit(inputs, labels)

        def tag(sentences, regression=regression):
            return [
                regression.predict(vectorizer.transform(tokens.describe(sentence))).tolist() for sentence in sentences
            ]

        f1 = evaluation.entity_f1(true, tag(validation))
        if best is None or f1 > best[2]:
            best = tag, strength, f1
    return best


def pretrained(corpora):
    """Return a body pretrained on the messages with its vocabulary; the weights are kept in the cache."""
    keras.utils.set_random_seed(0)
    names = tags.tag_names(tags.types(corpora.pretrain))
    vocabulary = tokens.Vocabulary().with_words_of(corpora.pretrain, at_least=2)
    body = recurrent.tagger_body(len(vocabulary))

    def train():
        batches = training.SequenceBatches(corpora.pretrain, vocabulary, names)
        tagger.fit(tagger.with_head(body, len(names)), batches, corpora.watch[:400], **PRETRAINING)
        return {str(i): weight for i, weight in enumerate(body.get_weights())}

    key = cache.fingerprint(text=[corpora.pretrain, PRETRAINING, body.to_json()])
    kept = cached_arrays(f"named-entities-{key}", train)
    body.set_weights([kept[str(i)] for i in range(len(kept))])
    return body, vocabulary


def frozen(corpora, train, validation, names, seed, random=False):
    """Fit a head on a body that stays as it is: pretrained, or as the random start left it."""
    body, vocabulary = pretrained(corpora)
    keras.utils.set_random_seed(seed)
    larger = vocabulary.with_words_of(train)
    body = recurrent.tagger_body(len(larger)) if random else recurrent.extend_vocabulary(body, vocabulary, larger)
    model = tagger.with_head(body, len(names))
    f1, strength = tagger.fit_head(model, body, train, validation, larger, names, STRENGTHS["body"])
    return functools.partial(tagger.tag, model, vocabulary=larger, tag_names=names), strength, f1


def tuned(corpora, train, validation, names, seed, scratch=False):
    """Train everything: a fresh tagger, or the pretrained body under the head that was fitted to it."""
    if scratch:
        keras.utils.set_random_seed(seed)
        larger = tokens.Vocabulary().with_words_of(train)
        model = tagger.with_head(recurrent.tagger_body(len(larger)), len(names))
    else:
        body, vocabulary = pretrained(corpora)
        keras.utils.set_random_seed(seed)
        larger = vocabulary.with_words_of(train)
        body = recurrent.extend_vocabulary(body, vocabulary, larger)
        model = tagger.with_head(body, len(names), dropout=0.0)  # the head was fitted to whole vectors
        tagger.fit_head(model, body, train, validation, larger, names, STRENGTHS["body"])
    arm, start, best = "scratch" if scratch else "pretrained_tuned", model.get_weights(), None
    for rate in RATES[arm]:
        model.set_weights(start)
        batches = training.SequenceBatches(train, larger, names, BATCH, seed)
        history = tagger.fit(model, batches, validation, EPOCHS[arm][len(train)], rate)
        f1 = max(history["val_f1"])
        if best is None or f1 > best[0]:
            best = f1, rate, model.get_weights()
    model.set_weights(best[2])
    return functools.partial(tagger.tag, model, vocabulary=larger, tag_names=names), best[1], best[0]


ARMS = {
    "all_outside": all_outside,
    "word_features": word_features,
    "random_frozen": functools.partial(frozen, random=True),
    "scratch": functools.partial(tuned, scratch=True),
    "pretrained_frozen": frozen,
    "pretrained_tuned": tuned,
}


def configurations():
    """Return all runs; the first that needs the pretrained body makes it."""
    grid = itertools.product([0, 1, 2], SENTENCES, ARMS)
    return [{"arm": arm, "labels": labels, "seed": seed} for seed, labels, arm in grid]


if __name__ == "__main__":
    table = record("named_entities", configurations(), run, fresh=False)
    print(table.groupby(["arm", "labels"], sort=False).test_f1.agg(["mean", "min", "max"]))
