"""Files of SentencePiece: a small one, written field by field and read back; damage; rules that make signs alike."""

import pytest
from piece_files import PIECES, field, write

from tlbook.files import sentencepiece


@pytest.fixture(scope="module")
def made():
    return sentencepiece.tokenizer(write(PIECES))


@pytest.mark.parametrize(
    ("sentence", "pieces"),
    [
        ("ab", ["▁ab"]),
        ("a  b", ["▁a", "▁", "b"]),
        (" 电池电 ", ["▁", "电池", "电"]),
    ],
)
def test_the_pieces_with_the_largest_sum_are_taken(made, sentence, pieces):
    assert made.encode(sentence).tokens == ["<s>", *pieces, "</s>"]


def test_what_no_piece_holds_is_unknown(made):
    assert made.encode("a!").ids == [1, 4, 0, 2]


def test_a_piece_without_a_score_counts_nothing():
    content = b"".join(field(1, field(1, piece.encode())) for piece in PIECES)
    assert sentencepiece.tokenizer(content).get_vocab_size() == len(PIECES)


@pytest.mark.parametrize("content", [b"", b"\xff", b"\x0a\x05ab", write({"<unk>": 0.0}), b"\x0b"])
def test_a_file_that_is_none(content):
    with pytest.raises(ValueError, match="model cannot be read as a file of SentencePiece"):
        sentencepiece.tokenizer(content)
