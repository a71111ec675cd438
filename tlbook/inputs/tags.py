"""Tags: sentences with a tag a word, and the entities that the tags mean.

A tag is "O" (outside), "B-TYPE" (begins an entity) or "I-TYPE" (inside one). Taught in chapter 5.6.
"""

import re
from dataclasses import dataclass

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


def is_tag(tag):
    """Return whether a str is "O", "B-TYPE" or "I-TYPE"."""
    return bool(_TAG.fullmatch(tag))


def check_tags(tags):
    """Raise `ValueError` where a tag is not "O", "B-TYPE" or "I-TYPE"."""
    for tag in tags:
        if not isinstance(tag, str) or not is_tag(tag):
            raise ValueError(f"tags: got {tag!r}, expected 'O', 'B-TYPE' or 'I-TYPE'")


def to_iob2(tags):
    """Return tags in which every entity starts with B-: what "I-PER" after "O" means, said outright.

    Some files (wikigold) write every tag of an entity with I-. Two entities of one type that touch cannot be told apart
    there. Raises `ValueError` for a tag of another form. Taught in chapter 5.6.

    >>> to_iob2(["I-PER", "I-PER", "O", "I-LOC"])
    ('B-PER', 'I-PER', 'O', 'B-LOC')
    """
    found = ["O"] * len(tags)
    for start, end, kind in spans(tags):
        found[start:end] = [f"B-{kind}"] + [f"I-{kind}"] * (end - start - 1)
    return tuple(found)


def spans(tags):
    """Return the entities that tags mean, a list of (start, end, type) with `end` behind the last word.

    As the CoNLL script conlleval reads them: B- always begins an entity, and so does I- after O or after another type.
    Raises `ValueError` for a tag of another form. Taught in chapter 5.6.

    >>> spans(["B-PER", "I-PER", "O", "B-LOC"])
    [(0, 2, 'PER'), (3, 4, 'LOC')]
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


def tag_names(types):
    """Return the tags that tell `types` apart: "O", and B- and I- of each."""
    return ("O", *(f"{prefix}-{kind}" for kind in types for prefix in "BI"))


def types(sentences):
    """Return the entity types in sentences, in alphabetical order."""
    return tuple(sorted({tag[2:] for sentence in sentences for tag in sentence.tags if tag != "O"}))
