"""Pieces of words: a vocabulary that spells what it does not know, so that no word is unknown."""

import re

import tokenizers

from tlbook.inputs import text

END = 0  # before a text and behind it, as `tlbook.methods.language_model.BETWEEN` is in a stream of words
_ELSE = "_"  # one sign for every letter that is none of ASCII


def words(sentence):
    """Return the words of a sentence as `tlbook.inputs.text.tokenize` does, letters outside ASCII all one sign.

    >>> words("Caf\u00e9, 3 o'clock!")
    ['caf_', '3', 'o', 'clock', '!']
    """
    return [re.sub(r"[^\x00-\x7f]", _ELSE, word) for word in text.tokenize(sentence)]


def learn(sentences, size):
    """Learn pieces from sentences by byte pair encoding, and return the `tokenizers.Tokenizer` that cuts with them.

    Parameters
    ----------
    sentences : sequence of str
        What the target's texts are not among, where they shall be new.
    size : int
        How many pieces there are, with `END` and the single characters: 100 or more.

    Each character begins as a piece of its own. Then the two neighbours that are most frequent become one piece, again
    and again. So a frequent word ends as one piece, and a rare one is spelled. A piece that continues a word begins
    with "##". Raises `ValueError` for a smaller size, or no sentences. Source: Sennrich et al. (2016). Taught in
    chapter 5.16.
    """
    if size < 100:
        raise ValueError(f"size: got {size}, expected 100 or more: the single characters take most of them")
    if isinstance(sentences, str) or not len(sentences):
        raise ValueError(f"sentences: got {sentences!r:.40}, expected a sequence of one or more str")
    cutter = tokenizers.Tokenizer(tokenizers.models.BPE(continuing_subword_prefix="##"))
    cutter.pre_tokenizer = tokenizers.pre_tokenizers.WhitespaceSplit()
    signs = "abcdefghijklmnopqrstuvwxyz0123456789'!?_"
    trainer = tokenizers.trainers.BpeTrainer(
        vocab_size=size,
        special_tokens=["[END]"],
        # Also those that no sentence here has: inside a word and at its start they are two pieces.
        initial_alphabet=list(signs),
        continuing_subword_prefix="##",
        show_progress=False,
    )
    every = [f"{sign}{sign}" for sign in signs]
    cutter.train_from_iterator([*(" ".join(words(sentence)) for sentence in sentences), *every], trainer)
    return cutter


def encode(sentences, cutter):
    """Return the numbers of the pieces of each sentence, a list of lists of int; 0 (`END`) is not among them.

    Taught in chapter 5.16.
    """
    return [found.ids for found in cutter.encode_batch([" ".join(words(sentence)) for sentence in sentences])]


def spelled(numbers, cutter):
    """Return the text that pieces spell, a str; `END` becomes a dot. Taught in chapter 5.16."""
    shown = ["." if number == END else cutter.id_to_token(int(number)) for number in numbers]
    return " ".join(shown).replace(" ##", "")


def count_words(sentences):
    """Return how many words sentences have, each sentence's end counted as one: what a perplexity a word divides by.

    Taught in chapter 5.16.
    """
    return sum(len(words(sentence)) + 1 for sentence in sentences)
