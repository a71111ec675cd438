"""Named entities: sentences with a tag a word, the spans that the tags mean, and how found spans are counted.

A tag is "O" (outside), "B-TYPE" (begins an entity) or "I-TYPE" (inside one). Taught in chapter 5.4.
"""

import collections
import re
from dataclasses import dataclass

import numpy as np

_TAG = re.compile(r"O|[BI]-\S+")


@dataclass(frozen=True)
class Sentence:
    """Words and their tags, equally many, one or more; `document` counts the documents of the file, from 0.

    Raises `ValueError` for lengths that differ, an empty word or a tag of another form.
    """

    tokens: tuple[str, ...]
    tags: tuple[str, ...]
    document: int = 0

    def __post_init__(self):
        """Check the words against the tags."""
        for name in ("tokens", "tags"):
            object.__setattr__(self, name, tuple(getattr(self, name)))
        if len(self.tokens) != len(self.tags) or not self.tokens:
            raise ValueError(f"tags: got {len(self.tags)} for {len(self.tokens)} tokens, expected as many, 1 or more")
        if not all(isinstance(token, str) and token for token in self.tokens):
            raise ValueError(f"tokens: got {self.tokens}, expected words of one character or more")
        check_tags(self.tags)

    def __len__(self):
        """Return the number of words."""
        return len(self.tokens)


def check_tags(tags):
    """Raise `ValueError` where a tag is not "O", "B-TYPE" or "I-TYPE"."""
    for tag in tags:
        if not isinstance(tag, str) or not _TAG.fullmatch(tag):
            raise ValueError(f"tags: got {tag!r}, expected 'O', 'B-TYPE' or 'I-TYPE'")


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
    Source: Tjong Kim Sang and De Meulder (2003). Taught in chapter 5.4.
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
            if len(fields) != 2 or not fields[0] or not _TAG.fullmatch(fields[1]):
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


def bio(tags):
    """Return tags in which every entity starts with B-: what "I-PER" after "O" means, said outright.

    Some files (wikigold) write every tag of an entity with I-. Two entities of one type that touch cannot be told apart
    there. Raises `ValueError` for a tag of another form. Taught in chapter 5.4.
    """
    found = ["O"] * len(tags)
    for start, end, kind in spans(tags):
        found[start:end] = [f"B-{kind}"] + [f"I-{kind}"] * (end - start - 1)
    return tuple(found)


def spans(tags):
    """Return the entities that tags mean, a list of (start, end, type) with `end` behind the last word.

    As the CoNLL script conlleval reads them: B- always begins an entity, and so does I- after O or after another type.
    Raises `ValueError` for a tag of another form. Taught in chapter 5.4.
    """
    check_tags(tags)
    found, start = [], 0
    for i, tag in enumerate([*tags, "O"]):
        before = tags[i - 1] if i else "O"
        goes_on = tag[0] == "I" and before[2:] == tag[2:]
        if before != "O" and not goes_on:
            found.append((start, i, before[2:]))
        if tag != "O" and not goes_on:
            start = i
    return found


def scores(true, predicted):
    """Count entities that were found with their exact span and type.

    Parameters
    ----------
    true, predicted : sequence of sequences of str
        The tags of each sentence.

    Returns
    -------
    dict of str to dict
        For each type in alphabetical order and for "all": precision, recall and f1, 0..1 (nan where there is nothing to
        divide by), and the counts true, predicted and correct.

    Raises `ValueError` for no sentences or lengths that differ.
    Source: Tjong Kim Sang and De Meulder (2003). Taught in chapter 5.4.
    """
    counts = {name: collections.Counter() for name in ("true", "predicted", "correct")}
    for wanted, given in _pairs(true, predicted):
        counts["true"].update(kind for *_, kind in wanted)
        counts["predicted"].update(kind for *_, kind in given)
        counts["correct"].update(kind for *_, kind in wanted & given)
    kinds = sorted(counts["true"] | counts["predicted"])
    table = {kind: {name: counts[name][kind] for name in counts} for kind in kinds}
    table["all"] = {name: counts[name].total() for name in counts}
    for row in table.values():
        row["precision"] = _share(row["correct"], row["predicted"])
        row["recall"] = _share(row["correct"], row["true"])
        row["f1"] = _share(2 * row["correct"], row["true"] + row["predicted"])
    return table


def f1(true, predicted):
    """Return the entity F1 over all types, 0..1, as `scores` does."""
    return scores(true, predicted)["all"]["f1"]


def token_accuracy(true, predicted):
    """Return the share of words with the right tag, 0..1: it looks good where most words are no part of a name.

    Raises `ValueError` as `scores` does.
    """
    _pairs(true, predicted)
    return float(np.mean([a == b for x, y in zip(true, predicted, strict=True) for a, b in zip(x, y, strict=True)]))


def tag_names(types):
    """Return the tags that tell `types` apart: "O", and B- and I- of each."""
    return ("O", *(f"{prefix}-{kind}" for kind in types for prefix in "BI"))


def types(sentences):
    """Return the entity types in sentences, in alphabetical order."""
    return tuple(sorted({tag[2:] for sentence in sentences for tag in sentence.tags if tag != "O"}))


def errors(true, predicted):
    """Sort what went wrong, entity by entity: a dict of str to int.

    "right": span and type. "type": the span is right, the type is not. "boundary": something overlaps, and the span is
    another. "missed": nothing overlaps a true entity. "invented": nothing true overlaps a predicted one. The first four
    add up to the true entities. Raises `ValueError` as `scores` does. Taught in chapter 5.4.
    """
    counts = dict.fromkeys(("right", "type", "boundary", "missed", "invented"), 0)
    for wanted, given in _pairs(true, predicted):
        for span in wanted:
            touching = [other for other in given if _overlap(span, other)]
            if span in given:
                counts["right"] += 1
            elif any(other[:2] == span[:2] for other in touching):
                counts["type"] += 1
            else:
                counts["boundary" if touching else "missed"] += 1
        counts["invented"] += sum(not any(_overlap(span, other) for other in wanted) for span in given)
    return counts


def _pairs(true, predicted):
    lengths = [[len(tags) for tags in sentences] for sentences in (true, predicted)]
    if lengths[0] != lengths[1] or not lengths[0]:
        raise ValueError(
            f"predicted: got tags of {len(predicted)} sentences, expected a tag a word of {len(true)} (> 0)"
        )
    return [(set(spans(a)), set(spans(b))) for a, b in zip(true, predicted, strict=True)]


def _share(part, whole):
    return part / whole if whole else np.nan


def _overlap(a, b):
    return a[0] < b[1] and b[0] < a[1]
