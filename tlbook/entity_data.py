"""Two corpora with named entities: messages with the types of WNUT-17, and encyclopedia sentences with wikigold's."""

from dataclasses import dataclass

import numpy as np

from tlbook import assets, entities, made_up_entities, sources


@dataclass(frozen=True)
class Corpora:
    """Sentences to pretrain on, to watch the pretraining by, and of the target task; and where they came from.

    Taught in chapter 5.4.
    """

    pretrain: list[entities.Sentence]
    watch: list[entities.Sentence]
    target: list[entities.Sentence]
    source: sources.Source


def load():
    """Load WNUT-17 and wikigold, or, where one of them cannot be found, sentences that a program makes up.

    Which of them it is gets printed, and `source` of the result says it. Wikigold's tags get their B- (see
    `tlbook.entities.bio`). Raises `ValueError` where a file holds something else.
    Source: Derczynski et al. (2017); Balasuriya et al. (2009). Taught in chapter 5.4.
    """
    try:
        found = [sources.find(asset) for asset in (assets.WIKIGOLD, assets.WNUT17_TRAIN, assets.WNUT17_TEST)]
    except sources.NotFound:
        print("WNUT-17 and wikigold were not found (python -m tlbook doctor says why): a stand-in takes their place.")
        source = sources.Source(
            "made-up sentences", "bundled", "Made by a program: its numbers say nothing about WNUT-17 or wikigold."
        )
        print(source)
        return Corpora(*made_up_entities.corpora(), source)
    target, pretrain, watch = (entities.read_conll(path) for path, _ in found)
    target = [entities.Sentence(s.tokens, entities.bio(s.tags), s.document) for s in target]
    kind, note = found[0][1].kind, found[0][1].note
    return Corpora(pretrain, watch, target, sources.Source("wikigold, WNUT-17", kind, note))


def split(sentences, labels, seed, validation=100, test_share=0.4):
    """Split sentences by document, so that no two parts hold sentences of the same text.

    Parameters
    ----------
    sentences : list of tlbook.entities.Sentence
        All of them.
    labels : int
        How many sentences to learn from; drawn from documents that are in no other part.
    seed : int
        Draws the training and validation sentences. The test documents are always the same.
    validation : int
        How many sentences to choose by.
    test_share : float
        Share of all sentences that the test documents hold, or a little more.

    Returns
    -------
    train, validation, test : list of tlbook.entities.Sentence

    Raises `ValueError` where there are fewer sentences than that. Taught in chapter 5.4.
    """
    documents = {}
    for sentence in sentences:
        documents.setdefault(sentence.document, []).append(sentence)
    test, rest = _take(list(documents.values()), round(test_share * len(sentences)), np.random.default_rng(0))
    rng = np.random.default_rng(seed)
    held_out, rest = _take(rest, validation, rng)
    pool = [sentence for document in rest for sentence in document]
    if not 0 < labels <= len(pool):
        raise ValueError(f"labels: got {labels}, expected 1..{len(pool)} sentences")
    return [pool[i] for i in rng.permutation(len(pool))[:labels]], held_out[:validation], test


def _take(documents, n, rng):
    """Draw whole documents until they hold `n` sentences: (these sentences, the documents that are left)."""
    order, taken = list(rng.permutation(len(documents))), []
    while len(taken) < n:
        if not order:
            raise ValueError(f"sentences: got {len(taken)} in {len(documents)} documents, expected more than {n}")
        taken += documents[order.pop()]
    return taken, [documents[i] for i in sorted(order)]
