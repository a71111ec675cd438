"""Two corpora with named entities: messages with the types of WNUT-17, and encyclopedia sentences with wikigold's."""

from dataclasses import dataclass

import numpy as np

from tlbook.data import made_up_entities, splits
from tlbook.files import assets, sources
from tlbook.inputs.tags import Sentence, is_tag, to_iob2

FOLDS = 5  # parts of the documents that can be the test


@dataclass(frozen=True)
class Corpora:
    """Sentences to pretrain on, to watch the pretraining by, and of the target task; and where they came from.

    Taught in chapter 5.6.
    """

    pretrain: list[Sentence]
    watch: list[Sentence]
    target: list[Sentence]
    source: sources.Source


def load():
    """Load WNUT-17 and wikigold, or, where one of them cannot be found, sentences that a program makes up.

    Which of them it is gets printed, and `source` of the result says it. Wikigold's tags get their B- (see
    `tlbook.inputs.tags.to_iob2`). Raises `ValueError` where a file holds something else.
    Source: Derczynski et al. (2017); Balasuriya et al. (2009). Taught in chapter 5.6.
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
    target, pretrain, watch = (read_conll(path) for path, _ in found)
    target = [Sentence(s.tokens, to_iob2(s.tags), s.document) for s in target]
    kind, note = found[0][1].kind, found[0][1].note
    return Corpora(pretrain, watch, target, sources.Source("wikigold, WNUT-17", kind, note))


def read_conll(path):
    """Read a file in the format of the CoNLL tasks: a word and its tag a line, a blank line between sentences.

    Parameters
    ----------
    path : pathlib.Path
        UTF-8 text; word and tag stand apart by a tab or a space. A line "-DOCSTART- O" begins a document.

    Returns
    -------
    list of Sentence

    Raises `ValueError`, with the number of the line, for anything else, and for a file without a sentence.
    Source: Tjong Kim Sang and De Meulder (2003). Taught in chapter 5.6.
    """
    try:
        text = path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        raise ValueError(f"{path}: not UTF-8 text: {error}") from error
    sentences, rows, document = [], [], 0
    # Not `splitlines`: it also breaks at characters that may stand in a word.
    for number, line in enumerate([*text.split("\n"), ""], start=1):
        fields = line.strip().split("\t") if "\t" in line else line.split()
        mark = fields[:1] == ["-DOCSTART-"]
        if fields and not mark:
            if len(fields) != 2 or not fields[0] or not is_tag(fields[1]):
                raise ValueError(f"{path}, line {number}: got {line!r}, expected a word and O, B-TYPE or I-TYPE")
            rows.append(fields)
        elif rows:
            sentences.append(Sentence(*zip(*rows, strict=True), document))
            rows = []
        if mark and sentences:
            document += 1
    if not sentences:
        raise ValueError(f"{path}: got no sentence, expected one or more")
    return sentences


def split(sentences, n_train, seed, validation=100, test_share=0.4, fold=None):
    """Split sentences by document, so that no two parts hold sentences of the same text.

    Parameters
    ----------
    sentences : list of tlbook.inputs.tags.Sentence
        All of them.
    n_train : int
        How many sentences to learn from; drawn from documents that are in no other part.
    seed : int
        Draws the training and validation sentences. Without `fold` the test documents are always the same.
    validation : int
        How many sentences to choose by.
    test_share : float
        Share of all sentences that the test documents hold, or a little more.
    fold : int, optional
        0..4: which fifth of the documents is the test, in place of `test_share`. No two fifths share a document, so
        that five runs test on all of them, each once.

    Returns
    -------
    train, validation, test : list of tlbook.inputs.tags.Sentence

    Raises `ValueError` where there are fewer sentences than that, and for another fold or one without a document.
    Taught in chapter 5.6.
    """
    if fold not in (None, *range(FOLDS)):
        raise ValueError(f"fold: got {fold!r}, expected 0..{FOLDS - 1}, or None")
    documents = np.array([sentence.document for sentence in sentences], int)
    if fold is None:
        test_size = round(test_share * len(sentences))
        rest, test = splits.whole_groups(documents, test_size, _last_first(np.random.default_rng(0)))
    else:
        names = np.random.default_rng(1).permutation(np.unique(documents))
        if fold >= len(names):
            raise ValueError(f"fold: got {fold}, which has no document: there are only {len(names)}")
        tested = np.isin(documents, names[fold::FOLDS])
        rest, test = np.flatnonzero(~tested), np.flatnonzero(tested)
    if len(rest) < validation:
        left = len(set(documents[rest]))
        raise ValueError(f"sentences: got {len(rest)} in {left} documents, expected more than {validation}")
    rng = np.random.default_rng(seed)
    pool, held_out = splits.whole_groups(documents[rest], validation, _last_first(rng))
    if not 0 < n_train <= len(pool):
        raise ValueError(f"n_train: got {n_train}, expected 1..{len(pool)} sentences")
    train = pool[rng.permutation(len(pool))[:n_train]]
    return tuple([sentences[i] for i in part] for part in (rest[train], rest[held_out[:validation]], test))


def _last_first(rng):
    """Return the draw of the recorded runs, which took documents from the end of their random order."""
    return lambda k: rng.permutation(k)[::-1]
