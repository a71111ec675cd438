"""Named entities: what files are read, and what tags mean."""

import numpy as np
import pytest

from tlbook.data import entities
from tlbook.inputs import tags
from tlbook.inputs.tags import Sentence


@pytest.fixture
def read(tmp_path):
    def read(content):
        path = tmp_path / "file.conll"
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return entities.read_conll(path)

    return read


def test_a_file_with_spaces_documents_and_inside_tags(read):
    text = "-DOCSTART- O\n\nAda I-PER\nsleeps O\n\nShe O\n\n\n-DOCSTART- O\nOslo I-LOC\n"
    assert read(text) == [
        Sentence(("Ada", "sleeps"), ("I-PER", "O"), 0),
        Sentence(("She",), ("O",), 0),
        Sentence(("Oslo",), ("I-LOC",), 1),
    ]


def test_a_file_with_tabs_and_without_documents(read):
    assert read("Oslo\tB-location\n.\tO\n\nhi\tO") == [
        Sentence(("Oslo", "."), ("B-location", "O")),
        Sentence(("hi",), ("O",)),
    ]


def test_text_before_the_first_mark_is_a_document_too(read):
    assert [s.document for s in read("a O\n-DOCSTART- O\nb O\n\n-DOCSTART- O\n-DOCSTART- O\n\nc O\n")] == [0, 1, 3]


def test_line_ends_byte_order_mark_and_rare_characters(read):
    assert read("\ufeffa\tO\r\n\r\nb\tO\r\n") == [Sentence(("a",), ("O",)), Sentence(("b",), ("O",))]
    assert read("x\x85y\tO\nZoë\tB-PER\n")[0].tokens == ("x\x85y", "Zoë"), "a line ends at the end of a line only"
    assert read("a b\tO\n")[0].tokens == ("a b",), "between tabs, a space is part of the word"


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("", "got no sentence"),
        ("\n\n \n", "got no sentence"),
        ("-DOCSTART- O\n\n", "got no sentence"),
        ("a O\nb\n", r"line 2: got 'b'"),
        ("a O\nb X Y O\n", r"line 2: got 'b X Y O'"),
        ("a\tX\tO\n", "line 1"),
        ("\tO\n", r"line 1: got '\\tO'"),
        ("a\t\n", r"line 1"),
        ("a PER\n", r"line 1: got 'a PER'"),
        ("a S-PER\n", r"line 1: got 'a S-PER', expected a word and O, B-TYPE or I-TYPE"),
        ("a B-\n", "line 1"),
        ("a o\n", "line 1"),
        (b"a O\n\xff\xfe O\n", "not UTF-8"),
        (b"\x80\x04N.", "not UTF-8"),
        ("PK\x03\x04", "line 1"),
    ],
)
def test_malformed_files_are_refused_with_the_line(read, content, message):
    with pytest.raises(ValueError, match=message):
        read(content)


def test_a_missing_file_says_so(tmp_path):
    with pytest.raises(FileNotFoundError):
        entities.read_conll(tmp_path / "none")


@pytest.mark.parametrize(
    ("tokens", "tags", "message"),
    [
        ((), (), "got 0 for 0 tokens"),
        (("a",), (), "got 0 for 1 tokens"),
        (("a",), ("O", "O"), "got 2 for 1 tokens"),
        (("a", ""), ("O", "O"), "expected words of one character"),
        (("a", np.nan), ("O", "O"), "expected words of one character"),
        (("a",), ("E-PER",), "tags: got 'E-PER'"),
        (("a",), (np.nan,), "tags: got nan"),
        (("a",), (None,), "tags: got None"),
        (("a",), (1,), "tags: got 1"),
    ],
)
def test_sentences_that_make_no_sense_are_refused(tokens, tags, message):
    with pytest.raises(ValueError, match=message):
        Sentence(tokens, tags)


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        ("", []),
        ("O O", []),
        ("B-X", [(0, 1, "X")]),
        ("B-X I-X O", [(0, 2, "X")]),
        ("B-X B-X", [(0, 1, "X"), (1, 2, "X")]),
        ("I-X I-X", [(0, 2, "X")]),
        ("O I-X", [(1, 2, "X")]),
        ("B-X I-Y", [(0, 1, "X"), (1, 2, "Y")]),
        ("I-X I-Y I-Y", [(0, 1, "X"), (1, 3, "Y")]),
        ("I-X B-X I-X", [(0, 1, "X"), (1, 3, "X")]),
        ("B-a-b I-a-b", [(0, 2, "a-b")]),
        ("B-X O I-X", [(0, 1, "X"), (2, 3, "X")]),
    ],
)
def test_spans_are_read_as_conlleval_reads_them(written, expected):
    assert tags.spans(written.split()) == expected


def test_bio_says_outright_what_the_tags_mean():
    assert tags.to_iob2(["I-X", "I-X", "O", "I-Y", "I-X"]) == ("B-X", "I-X", "O", "B-Y", "B-X")
    assert tags.to_iob2(["B-X", "B-X"]) == ("B-X", "B-X")
    assert tags.to_iob2([]) == ()


@pytest.mark.parametrize("call", [tags.spans, tags.to_iob2, tags.check_tags])
@pytest.mark.parametrize("tag", ["S-X", "X", "", "b-X", "B_X", "I-", "B-X Y", None, float("nan")])
def test_unknown_prefix_is_refused(call, tag):
    with pytest.raises(ValueError, match="tags: got"):
        call(["O", tag])


def random_tags(rng, n, kinds="XYZ"):
    """Tags in which every I- goes on."""
    tags = []
    for _ in range(n):
        choices = ["O", "O"] + [f"B-{kind}" for kind in kinds]
        if tags and tags[-1] != "O":
            choices += 3 * [f"I-{tags[-1][2:]}"]
        tags.append(choices[rng.integers(len(choices))])
    return tags


@pytest.mark.parametrize("seed", range(5))
def test_bio_and_spans_undo_each_other(seed):
    found = random_tags(np.random.default_rng(seed), 50)
    assert list(tags.to_iob2(found)) == found


def test_names_and_types_of_tags():
    assert tags.tag_names(("PER", "LOC")) == ("O", "B-PER", "I-PER", "B-LOC", "I-LOC")
    assert tags.types([Sentence("ab", ("I-Y", "O")), Sentence("c", ("B-X",))]) == ("X", "Y")
    assert tags.types([Sentence("a", ("O",))]) == ()
