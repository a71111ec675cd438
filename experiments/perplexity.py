"""How well the language model of `experiments.language_transfer` guesses, beside models that count words and pairs.

All models of a seed share the training text, the vocabulary and the treatment of other words. The bigram model's weight
is chosen on the last tenth of the training text. Measured on sentences of the sources that were kept back, and on the
validation set of the target.

Run it with `python -m experiments.perplexity`. Chapter 5.4 plots it.
"""

import numpy as np

from experiments.language_transfer import PIECE, pretrained
from experiments.protocol import Measurement
from tlbook.data import sentiment
from tlbook.files.sources import Source
from tlbook.methods import language_model as lm

WEIGHTS = (0.2, 0.4, 0.6, 0.8)


def measure(arm, seed):
    """Return the perplexity of a model on two texts that it has not read, the number of words it has, and source."""
    reviews = sentiment.load("product_reviews")
    pool, validation, _ = sentiment.split(reviews)
    vocabulary, _, network, numbers, held_out, _ = pretrained(pool, seed)
    words = len(vocabulary) + 2
    figures = {"words": len(numbers), "vocabulary": words}
    for name, stream in {"held_out": held_out, "target": lm.stream(validation.texts, vocabulary)}.items():
        inputs, targets = lm.pieces(stream, PIECE)
        if arm == "lstm":
            scores = lm.log_probabilities(network, inputs, targets)
        elif arm == "bigram":
            scores = best_bigram(numbers, words)(inputs, targets)
        else:
            scores = np.log(lm.unigram(numbers, words))[targets]
        figures[name] = round(lm.perplexity(scores), 2)
    note = (
        f"{reviews.source.note} Pretrained on film reviews, subjectivity, pros and cons, and the target without labels."
    )
    return figures | {"source": Source(reviews.source.name, reviews.source.kind, note)}


def best_bigram(numbers, words):
    """Fit a bigram model whose weight serves the last tenth of the text best."""
    cut = len(numbers) * 9 // 10
    tried = [lm.bigram(numbers[:cut], words, weight)(numbers[cut:-1], numbers[cut + 1 :]) for weight in WEIGHTS]
    return lm.bigram(numbers, words, WEIGHTS[int(np.argmin([lm.perplexity(scores) for scores in tried]))])


EXPERIMENT = Measurement(
    name="perplexity",
    question="How well does the language model guess the next word?",
    design={"arm": ("unigram", "bigram", "lstm"), "seed": (0, 1, 2)},
    measure=measure,
)

if __name__ == "__main__":
    print(EXPERIMENT.record().groupby("arm")[["held_out", "target"]].agg(["mean", "min", "max"]))
