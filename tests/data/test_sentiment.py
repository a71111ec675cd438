"""Corpora of opinions: marks become labels and leave the text, repeats and overlaps go, damage is named."""

import io
import tarfile
import zipfile

import numpy as np
import pytest
from conftest import write_mirror

from tlbook.data import sentiment, sentiment_files
from tlbook.files import assets, sources

HEADER = b"*****\n* Product name: a phone\n*****\n\n[t] a title[+3]\n"
PHONE = HEADER + (
    b"phone[+3], battery[-1]##I love it , though the battery is weak .\n"
    b"battery[-2][u]##It dies at noon !\n"
    b"##it came in a box .\n"
    b"screen[+2],size[-2]##Bright and heavy .\n"
    b"zoom[-]##It blurs .\n"
    b"keys[+1}, look[+1]##Nice keys .\n"
    b"sound[+2]##Loud. battery[-3]##Empty soon.\n"
    b"sound[+2]##Loud. ##Empty soon.\n"
    b"price[-1][u]I paid too much.\n"
    b"look[2]##It shines .\n"
    b"phone[+2]##i love it though the battery is weak\n"
)
CAMERA = "[t]\nlens[+3]##A joy\u2019s lens .\nmenu[-1]##Nobody finds the menu .\n".encode()
PROS = b"<Pros>Light, &amp;quot;smart&amp;quot;</Pros>\n<Pros>Price</Pros>\n<Pros>It dies at noon!</Pros>\n\n"
CONS = b"   <Cons>Heavy</Cons>\n   <Cons>price!</Cons>\n   <Cons>HEAVY.</Cons>\n"


def packed(files):
    """Return a zip archive of files (a dict from name to bytes) as bytes."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return buffer.getvalue()


def tarred(files):
    """Return a tar.gz archive of files (a dict from name to bytes) as bytes."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz") as archive:
        for name, content in files.items():
            entry = tarfile.TarInfo(name)
            entry.size = len(content)
            archive.addfile(entry, io.BytesIO(content))
    return buffer.getvalue()


def real_files():
    return {
        "product_reviews_1.zip": packed({"p1/": b"", "p1/phone.txt": PHONE, "p1/README.txt": b"x[+1]##read me\n"}),
        "product_reviews_2.zip": packed({"p2/camera.txt": CAMERA}),
        "pros_cons.zip": packed({"pc/IntegratedPros.txt": PROS, "pc/IntegratedCons.txt": CONS}),
        "sentence_polarity.zip": packed(
            {"sp/rt-polarity.neg": "a caf\u00e9 of boredom\n".encode("latin-1"), "sp/rt-polarity.pos": b"a joy . \n"}
        ),
        "subjectivity.zip": packed(
            {"s/plot.tok.gt9.5000": b"he leaves town .\n", "s/quote.tok.gt9.5000": b"a gem .\n"}
        ),
    }


def vader_archive(**changed):
    corpora_inside = {
        "amazonReviewSnippets_GroundTruth.txt": (
            "\ufeff1_1\t-0.9\tno picture .\r\n1_2\t0.1\ta box\r\n2_1\t2.5\tI love it\r\n"
        ),
        "tweets_GroundTruth.txt": "1\t2.7\tyay &amp; more\r\n2\t-1.2\toh no\r\n3\t1\tI LOVE it !\r\n",
        "movieReviewSnippets_GroundTruth.txt": "1\t2.2\ta gem\n2\t-3\tdull\n",
        "nytEditorialSnippets_GroundTruth.txt": "1_1\t-2\tA shame .\n1_2\t0.2\tThe mayor spoke .\n",
    } | changed
    inner = tarred({f"hutto_ICWSM_2014/{name}": content.encode() for name, content in corpora_inside.items()})
    return tarred({"vaderSentiment-3.3.2/additional_resources/hutto_ICWSM_2014.tar.gz": inner})


@pytest.fixture
def mirror_of(monkeypatch, tmp_path):
    """Return a function that makes files the mirror."""

    def make(files):
        monkeypatch.setenv("TLBOOK_MIRROR", str(write_mirror(tmp_path / "mirror", files)))

    return make


def test_marks_become_labels_and_leave_the_text(mirror_of, capsys):
    mirror_of(real_files())
    corpus = sentiment.load("product_reviews")
    assert dict(zip(corpus.texts, corpus.labels.tolist(), strict=True)) == {
        "I love it , though the battery is weak .": 1,
        "It dies at noon !": 0,
        "It blurs .": 0,
        "Nice keys .": 1,
        "A joy\u2019s lens .": 1,
        "Nobody finds the menu .": 0,
    }
    assert corpus.groups == ("phone",) * 4 + ("camera",) * 2
    assert corpus.labels.dtype == np.int64
    assert corpus.class_names == ("negative", "positive")
    assert (corpus.source.name, corpus.source.kind) == ("product reviews", "mirror")
    assert "product reviews 1: from the mirror" in capsys.readouterr().out


def test_no_mark_is_left_in_any_text(mirror_of):
    mirror_of(real_files())
    for text in sentiment.load("product_reviews").texts:
        assert "##" not in text and "[" not in text


def test_the_raw_target_keeps_its_marks(mirror_of):
    mirror_of(real_files())
    raw = sentiment.raw_target()
    assert raw.texts[1] == "battery[-2][u]##It dies at noon !"
    assert raw.labels[1] == 0
    assert all("##" in text for text in raw.texts)
    clean = sentiment.load("product_reviews")
    assert all(line.endswith(text) for line, text in zip(map(str.strip, raw.texts), clean.texts, strict=True))
    assert raw.labels.tolist() == clean.labels.tolist() and raw.groups == clean.groups


def test_pros_and_cons_without_tags_repeats_contradictions_and_target_texts(mirror_of):
    mirror_of(real_files())
    corpus = sentiment.load("pros_cons")
    # "price" is on both lists, "Heavy" twice on one, and a review says "It dies at noon" as well.
    assert dict(zip(corpus.texts, corpus.labels.tolist(), strict=True)) == {'Light, "smart"': 1, "Heavy": 0}


def test_films_and_subjectivity(mirror_of):
    mirror_of(real_files())
    films = sentiment.load("film_reviews")
    assert (films.texts, films.labels.tolist()) == (("a caf\u00e9 of boredom", "a joy ."), [0, 1])
    other = sentiment.load("subjectivity")
    assert (other.texts, other.labels.tolist()) == (("he leaves town .", "a gem ."), [0, 1])
    assert other.class_names == ("objective", "subjective")


def test_the_stand_in_is_announced_and_says_what_it_is(mirror_of, capsys):
    mirror_of({"vaderSentiment-3.3.2.tar.gz": vader_archive()})
    target = sentiment.load("product_reviews")
    assert (target.texts, target.labels.tolist(), target.groups) == (("no picture .", "I love it"), [0, 1], ("1", "2"))
    assert target.source.name == "VADER stand-in (Amazon reviews)"
    out = capsys.readouterr().out
    assert len(out.splitlines()) == 1 and "VADER stand-in" in out and "Not product_reviews" in out
    tweets = sentiment.load("pros_cons")
    assert (tweets.texts, tweets.labels.tolist()) == (("yay & more", "oh no"), [1, 0])  # less what the target says too
    other = sentiment.load("subjectivity")
    assert (other.texts, other.labels.tolist()) == (("A shame .", "The mayor spoke ."), [1, 0])
    assert "New York Times" in other.source.name
    assert sentiment.load("film_reviews").texts == ("a gem", "dull")
    assert sentiment.raw_target().texts[0] == "1_1\t-0.9\tno picture ."


def test_nothing_to_be_had_says_so():
    with pytest.raises(sources.NotFound, match="vaderSentiment"):
        sentiment.load("film_reviews")


@pytest.mark.parametrize("name", ["reviews", "", None])
def test_unknown_corpora(name):
    with pytest.raises(ValueError, match="name: got .*product_reviews, pros_cons, film_reviews, subjectivity"):
        sentiment.load(name)


def damaged(content):
    """Turn over the bytes in the middle: the list of files at the end of a zip archive stays whole."""
    cut = len(content) // 4
    return content[:cut] + bytes(255 - byte for byte in content[cut : 2 * cut]) + content[2 * cut :]


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"no archive",
        real_files()["sentence_polarity.zip"][:100],
        damaged(real_files()["sentence_polarity.zip"]),
        packed({"sp/rt-polarity.pos": b"a joy\n"}),
        packed({"sp/rt-polarity.pos": b"\n", "sp/rt-polarity.neg": b"dull\n"}),
    ],
    ids=["empty", "no zip", "cut", "turned", "a file missing", "a class empty"],
)
def test_damaged_archives_are_named(mirror_of, content):
    mirror_of({**real_files(), "sentence_polarity.zip": content})
    with pytest.raises(ValueError, match="sentence_polarity.zip"):
        sentiment.load("film_reviews")


@pytest.mark.parametrize(
    "content",
    [
        b"no archive",
        vader_archive()[:200],
        tarred({"elsewhere.txt": b""}),
        tarred({"x/additional_resources/hutto_ICWSM_2014.tar.gz": b"no archive"}),
        vader_archive(**{"amazonReviewSnippets_GroundTruth.txt": "1_1 no tabs here\n"}),
        vader_archive(**{"amazonReviewSnippets_GroundTruth.txt": "1_1\tmuch\ttext\n"}),
        vader_archive(**{"amazonReviewSnippets_GroundTruth.txt": "1_1\t2\tonly one class\n"}),
        vader_archive(**{"amazonReviewSnippets_GroundTruth.txt": ""}),
    ],
    ids=["no tar", "cut", "nothing inside", "inner damaged", "no tabs", "no score", "one class", "empty"],
)
def test_damaged_stand_ins_are_named(mirror_of, content):
    mirror_of({"vaderSentiment-3.3.2.tar.gz": content})
    with pytest.raises(ValueError, match=r"vaderSentiment-3\.3\.2\.tar\.gz"):
        sentiment.load("product_reviews")


def test_reading_writes_nothing_wherever_a_name_leads(mirror_of, tmp_path):
    films = {"../../rt-polarity.neg": b"dull\n", "sp/rt-polarity.pos": b"a joy\n"}
    mirror_of({**real_files(), "sentence_polarity.zip": packed(films)})
    before = set(tmp_path.parent.rglob("*"))
    assert sentiment.load("film_reviews").texts == ("dull", "a joy")
    assert set(tmp_path.parent.rglob("*")) == before


def a_corpus(n=60, groups=6):
    source = sources.Source("made up", "bundled", "For a test.")
    texts = tuple(f"sentence number {i}" for i in range(n))
    named = tuple(f"product {i % groups}" for i in range(n)) if groups else ()
    return sentiment.Corpus(texts, np.arange(n) // 2 % 2, ("negative", "positive"), source, named)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"texts": ()}, "labels: got"),
        ({"labels": np.array([0, 1, 2])}, r"labels: got 0\.\.2, expected 0\.\.1"),
        ({"labels": np.array([0, -1, 1])}, r"labels: got -1\.\.1"),
        ({"labels": np.array([0, 1])}, "labels: got int64 of shape"),
        ({"labels": np.array([0.0, 1.0, np.nan])}, "labels: got float64"),
        ({"labels": np.array([[0], [1], [1]])}, "labels: got"),
        ({"groups": ("a",)}, "groups: got 1, expected 3"),
    ],
)
def test_a_corpus_checks_its_parts(change, message):
    good = {"texts": ("a", "b", "c"), "labels": np.array([0, 1, 1]), "class_names": ("no", "yes"), "source": None}
    assert len(sentiment.Corpus(**good)) == 3
    with pytest.raises(ValueError, match=message):
        sentiment.Corpus(**good | change)


def test_a_split_keeps_products_and_texts_apart_and_is_always_the_same():
    corpus = a_corpus()
    train, validation, test = sentiment.split(corpus, test=15, validation=10)
    assert len(test) >= 15 and len(validation) == 10
    assert sorted(train.texts + validation.texts + test.texts) == sorted(corpus.texts)
    assert not set(test.groups) & set(train.groups + validation.groups)
    by_text = dict(zip(corpus.texts, corpus.labels, strict=True))
    for part in (train, validation, test):
        assert all(by_text[text] == label for text, label in zip(part.texts, part.labels, strict=True))
    assert sentiment.split(corpus, test=15, validation=10)[2].texts == test.texts


def test_without_groups_the_split_is_by_text():
    parts = sentiment.split(a_corpus(groups=0), test=15, validation=10)
    assert [len(part) for part in parts] == [35, 10, 15]


@pytest.mark.parametrize("sizes", [{"test": 60}, {"validation": 60}, {"test": 0}, {"validation": 1}, {"test": 600}])
def test_a_split_leaves_something_to_learn_from(sizes):
    with pytest.raises(ValueError, match="test, validation: got"):
        sentiment.split(a_corpus(), **{"test": 15, "validation": 10} | sizes)


def test_subsets_are_stratified_and_drawn_by_seed():
    corpus = a_corpus()
    few = sentiment.subset(corpus, 20, seed=1)
    assert np.bincount(few.labels).tolist() == [10, 10]
    assert sentiment.subset(corpus, 20, seed=1).texts == few.texts != sentiment.subset(corpus, 20, seed=2).texts
    assert sorted(sentiment.subset(corpus, 60).texts) == sorted(corpus.texts)
    assert len(set(sentiment.subset(corpus, 59).texts)) == 59


@pytest.mark.parametrize("n", [0, 1, 61])
def test_subsets_have_a_size(n):
    with pytest.raises(ValueError, match=rf"n: got {n}, expected 2\.\.60"):
        sentiment.subset(a_corpus(), n)


def test_repeats_go_by_their_words():
    rows = [("Good zoom.", 1, "a"), ("good  ZOOM", 1, "b"), ("so-so", 1, ""), ("So so!", 0, ""), ("?", 1, "")]
    assert sentiment_files.without_repeats([*rows, ("bad", 0, "")]) == [("Good zoom.", 1, "a"), ("bad", 0, "")]
    assert sentiment_files.without_repeats([*rows, ("bad", 0, "")], {"bad"}) == [("Good zoom.", 1, "a")]


@pytest.mark.real
def test_the_real_corpora():
    target = sentiment.load("product_reviews")
    assert target.source.name == "product reviews"
    assert len(target) > 3_500 and len(set(target.groups)) == 14
    assert 0.6 < target.labels.mean() < 0.7
    texts = {sentiment_files.key(text) for text in target.texts}
    assert len(texts) == len(target)
    assert not any("[+" in text or "[-" in text or "##" in text for text in target.texts)
    for name, expected in [("pros_cons", 35_000), ("film_reviews", 10_000), ("subjectivity", 9_900)]:
        corpus = sentiment.load(name)
        assert len(corpus) > expected
        assert not texts & {sentiment_files.key(text) for text in corpus.texts}
        assert 0.45 < corpus.labels.mean() < 0.55


def test_every_corpus_has_its_files_and_its_stand_in():
    assert sentiment_files.VADER_FILES.keys() == {"product_reviews", "pros_cons", "film_reviews", "subjectivity"}
    assert assets.VADER.requirement == "vaderSentiment==3.3.2"


def test_folds_test_on_every_product_once():
    groups = tuple("aaaabbbccd")
    corpus = sentiment.Corpus(tuple(map(str, range(10))), np.arange(10) % 2, ("no", "yes"), a_corpus().source, groups)
    parts = [sentiment.fold(corpus, k, of=4) for k in range(4)]
    assert [set(test.groups) for *_, test in parts] == [{"a"}, {"b"}, {"c"}, {"d"}], "the largest first"
    for rest, chosen, test in parts:
        assert len(rest) + len(chosen) + len(test) == 10
        assert not set(test.groups) & set(rest.groups + chosen.groups) and not set(rest.groups) & set(chosen.groups)
    assert len(sentiment.fold(corpus, 0, of=3)[2]) == 5, "more products than folds: they are dealt out"
    for k, of in [(4, 4), (-1, 4), (0, 5), (0, 2)]:
        with pytest.raises(ValueError, match="k, of: got"):
            sentiment.fold(corpus, k, of)


def test_a_missing_member_is_named(mirror_of):
    mirror_of({"vaderSentiment-3.3.2.tar.gz": tarred({"elsewhere.txt": b""})})
    for load, missing in ((sentiment.ratings, "vader_lexicon.txt"), (sentiment.raw_target, "hutto_ICWSM_2014.tar.gz")):
        with pytest.raises(ValueError, match=f"3.3.2.tar.gz cannot be read.*ends with .*{missing}"):
            load()


def test_ratings_are_those_of_the_words(mirror_of):
    lines = b"good\t1.9\t0.9\t[2, 1]\n:-)\t1.3\t0.5\t[1]\nbad\t-2.5\t0.7\t[-2]\n"
    name = "vaderSentiment-3.3.2/vaderSentiment/vader_lexicon.txt"
    mirror_of({"vaderSentiment-3.3.2.tar.gz": tarred({name: lines})})
    assert sentiment.ratings() == {"good": 1.9, "bad": -2.5}
    mirror_of({"vaderSentiment-3.3.2.tar.gz": tarred({name: b""})})
    with pytest.raises(ValueError, match="no rated words"):
        sentiment.ratings()
