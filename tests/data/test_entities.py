"""Corpora of named entities: what is found, what stands in, which files are read, and how they are split."""

import collections

import pytest
from conftest import write_mirror

from tlbook.data import entities
from tlbook.files import assets
from tlbook.inputs import tags
from tlbook.inputs.tags import Sentence

WIKIGOLD = b"-DOCSTART- O\n\nAda I-PER\nLee I-PER\nsleeps O\n"
WNUT = b"Oslo\tB-location\n"


def mirror(monkeypatch, tmp_path, **changes):
    names = {"WIKIGOLD": WIKIGOLD, "WNUT17_TRAIN": WNUT, "WNUT17_TEST": WNUT} | changes
    files = {getattr(assets, name).mirror_name: content for name, content in names.items() if content is not None}
    monkeypatch.setenv("TLBOOK_MIRROR", str(write_mirror(tmp_path / "mirror", files)))


def test_files_of_a_mirror_are_read_and_wikigold_gets_its_b(monkeypatch, tmp_path):
    mirror(monkeypatch, tmp_path)
    corpora = entities.load()
    assert corpora.target == [Sentence(("Ada", "Lee", "sleeps"), ("B-PER", "I-PER", "O"))]
    assert corpora.pretrain == corpora.watch == [Sentence(("Oslo",), ("B-location",))]
    assert (corpora.source.name, corpora.source.kind, corpora.source.note) == ("wikigold, WNUT-17", "mirror", "A note.")


@pytest.mark.parametrize("missing", ["WIKIGOLD", "WNUT17_TRAIN", "WNUT17_TEST"])
def test_where_one_file_is_missing_the_stand_in_takes_the_place_of_all(monkeypatch, tmp_path, capsys, missing):
    mirror(monkeypatch, tmp_path, **{missing: None})
    corpora = entities.load()
    assert corpora.source.kind == "bundled" and len(corpora.target) == 900
    printed = capsys.readouterr().out
    assert "a stand-in takes their place" in printed and "say nothing about WNUT-17 or wikigold" in printed


def test_a_file_that_holds_something_else_is_refused(monkeypatch, tmp_path):
    mirror(monkeypatch, tmp_path, WIKIGOLD=b"Ada PERSON\n")
    with pytest.raises(ValueError, match="line 1: got 'Ada PERSON'"):
        entities.load()


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


def sentences(documents=20, each=5):
    return [Sentence((f"{d}-{i}",), ("O",), d) for d in range(documents) for i in range(each)]


@pytest.mark.parametrize("seed", range(5))
def test_no_document_is_in_two_parts(seed):
    parts = entities.split(sentences(), 20, seed, validation=12)
    assert [len(part) for part in parts] == [20, 12, 40]
    documents = [{s.document for s in part} for part in parts]
    assert not documents[0] & documents[1] and not (documents[0] | documents[1]) & documents[2]
    assert max(collections.Counter(s for part in parts for s in part).values()) == 1


def test_seed_draws_all_but_the_test_sentences():
    first, second = (entities.split(sentences(), 20, seed, validation=12) for seed in (0, 1))
    assert first[2] == second[2] and first[0] != second[0] and first[1] != second[1]
    assert entities.split(sentences(), 20, 0, validation=12) == first


def test_a_smaller_training_set_is_part_of_a_larger_one():
    small, large = (entities.split(sentences(), n, 0, validation=12) for n in (10, 30))
    assert large[0][:10] == small[0] and large[1:] == small[1:]


def test_folds_test_on_every_document_once():
    parts = [entities.split(sentences(), 10, 0, validation=12, fold=fold) for fold in range(entities.FOLDS)]
    tested = collections.Counter(sentence for *_, test in parts for sentence in test)
    assert set(tested) == set(sentences()) and max(tested.values()) == 1
    for train, validation, test in parts:
        documents = [{s.document for s in part} for part in (train, validation, test)]
        assert not documents[0] & documents[1] and not (documents[0] | documents[1]) & documents[2]
    with pytest.raises(ValueError, match="fold: got 5, expected 0..4, or None"):
        entities.split(sentences(), 10, 0, validation=12, fold=5)
    few = [sentence for sentence in sentences() if sentence.document < 4]
    with pytest.raises(ValueError, match="fold: got 4, which has no document"):
        entities.split(few, 1, 0, validation=1, fold=4)


@pytest.mark.parametrize("n_train", [0, -1, 46])
def test_more_labels_than_there_are_are_refused(n_train):
    with pytest.raises(ValueError, match=rf"n_train: got {n_train}, expected 1..45 sentences"):
        entities.split(sentences(), n_train, 0, validation=12)


def test_too_few_sentences_are_refused():
    with pytest.raises(ValueError, match="sentences: got 60 in 12 documents, expected more than 100"):
        entities.split(sentences(), 5, 0, validation=100)
    with pytest.raises(ValueError, match="n_train: got 1"):
        entities.split(sentences(2), 1, 0, validation=5)


@pytest.mark.real
def test_the_real_files_hold_what_their_papers_say():
    corpora = entities.load()
    assert tags.types(corpora.target) == ("LOC", "MISC", "ORG", "PER")
    assert tags.types(corpora.pretrain) == tags.types(corpora.watch)
    assert [len(part) for part in (corpora.pretrain, corpora.watch, corpora.target)] == [3_394, 1_287, 1_696]
    assert sum(map(len, corpora.target)) == 39_007 and len({s.document for s in corpora.target}) == 145
    assert sum(map(len, corpora.pretrain)) == 62_730
