"""Pieces of words in any language: the tokenizer that a file of SentencePiece describes, read as data."""

import struct

import tokenizers

from tlbook.files.archives import reading


def tokenizer(model):
    """Return the tokenizer that a file of SentencePiece describes, a `tokenizers.Tokenizer`.

    `model` is the content of the file, bytes: pieces with their scores, and rules that make signs alike. A sentence is
    cut into the pieces whose scores sum to the most; the second and the third piece mark its begin and end. Raises
    `ValueError` for a file that is none. Source: Kudo and Richardson (2018). Taught in chapter 5.15.
    """
    with reading("model", "a file of SentencePiece"):
        return _tokenizer(model)


def _tokenizer(model):
    vocabulary, rules = [], b""
    for field, value in _fields(model):
        if field == 1:
            piece = dict(_fields(value))
            vocabulary.append((piece[1].decode(), struct.unpack("<f", piece[2])[0] if 2 in piece else 0.0))
        elif field == 3:
            rules = dict(_fields(value)).get(2, b"")
    begin, end = (vocabulary[number][0] for number in (1, 2))
    steps = [tokenizers.normalizers.Precompiled(rules)] if rules else []
    steps += [tokenizers.normalizers.Replace(tokenizers.Regex(" {2,}"), " "), tokenizers.normalizers.Strip()]
    made = tokenizers.Tokenizer(tokenizers.models.Unigram(vocabulary, unk_id=0))
    made.normalizer = tokenizers.normalizers.Sequence(steps)
    # A space becomes a sign of its own, so that a piece may hold one; the sentence begins with one.
    made.pre_tokenizer = tokenizers.pre_tokenizers.Metaspace(prepend_scheme="always", split=False)
    made.post_processor = tokenizers.processors.BertProcessing((end, 2), (begin, 1))
    return made


def _fields(message):
    """Yield `(number, value)` of the fields of a message in protobuf's format: bytes, or an int for a varint."""
    at = 0

    def varint():
        nonlocal at
        value = shift = 0
        while True:
            byte = message[at]
            value, shift, at = value | (byte & 127) << shift, shift + 7, at + 1
            if byte < 128:
                return value

    while at < len(message):
        key = varint()
        kind = key & 7
        if kind == 0:
            yield key >> 3, varint()
            continue
        length = varint() if kind == 2 else {1: 8, 5: 4}[kind]
        yield key >> 3, message[at : at + length]
        at += length
