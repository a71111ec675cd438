"""Prose: what is read from the archive of gensim, what of the markup stays, and the stand-in."""

import bz2
import io
import tarfile

import pytest

from tlbook.data import prose
from tlbook.files import archives, assets, sources
from tlbook.inputs import text

MEMBER = f"gensim-4.4.0/{prose._MEMBER}"
LONG = ("one of " * prose.SHORTEST).strip()
PAGE = "<page><title>{}</title><ns>{}</ns><text xml:space='preserve'>{}</text></page>"


def archive(folder, content, name=MEMBER):
    path = folder / "gensim-4.4.0.tar.gz"
    with tarfile.open(path, "w:gz") as file:
        content = bz2.compress(content.encode())
        member = tarfile.TarInfo(name)
        member.size = len(content)
        file.addfile(member, io.BytesIO(content))
    return path


@pytest.fixture
def linked(user_cache, tmp_path):
    """Return a function that links what was fetched into the test's own cache."""

    def link(asset):
        if not (user_cache / asset.file_name).is_file():
            pytest.skip(f"needs {asset.name}: run python -m tlbook fetch")
        (tmp_path / "cache").mkdir(exist_ok=True)
        (tmp_path / "cache" / asset.file_name).symlink_to(user_cache / asset.file_name)

    return link


def test_articles_are_read_and_redirects_and_talk_are_not(tmp_path):
    pages = [("A &amp; B", 0, f"{LONG} ants. {LONG}&lt;ref&gt;note&lt;/ref&gt; bees."), ("A", 0, "#REDIRECT [[B]]")]
    content = "".join(PAGE.format(*page) for page in [*pages, ("Talk", 1, LONG)])
    found = prose.read_wikipedia(archive(tmp_path, content))
    assert [title for title, _ in found] == ["A & B"]
    assert found[0][1] == (f"{LONG} ants. {LONG} bees.",)  # no capital letter begins a sentence here


@pytest.mark.parametrize(
    "content, name, says",
    [
        ("", "gensim-4.4.0/other.bz2", "is missing"),
        ("no page", MEMBER, "holds no article"),
        (" " * (prose._LARGEST + 1), MEMBER, "unpacks to more than"),
    ],
)
def test_a_wrong_archive_is_refused(tmp_path, content, name, says):
    with pytest.raises(archives.DamagedFile, match=says):
        prose.read_wikipedia(archive(tmp_path, content, name))


@pytest.mark.parametrize(
    "markup, shown",
    [
        ("[[ant|Ants]] and [[bee]]s", "Ants and bees"),
        ("{{a|{{b|c}}|d}}left", "left"),
        ("[[File:A.jpg|thumb|An [[ant]] on a leaf]]left", "left"),
        ("[[Category:Ants]]left", "left"),
        ("'''very''' ''small''", "very small"),
        ("a<ref name=x/><ref>[http://a.b c]</ref> b", "a b"),
        ("a<!-- hidden\nhidden --> b", "a b"),
        ("see [http://a.b the page]", "see the page"),
        ("1&nbsp;km<br />long", "1 km long"),
        ("before {|\n| cell\n|} after", "before after"),
    ],
)
def test_what_a_reader_would_read_aloud_stays(markup, shown):
    assert prose.plain(f"{markup} {LONG}") == [f"{shown} {LONG}"]


def test_headings_lists_and_short_lines_go():
    assert prose.plain(f"== {LONG} ==\n* {LONG}\n: {LONG}\nToo short.\n{LONG}") == [LONG]


def test_open_brackets_end():
    assert prose.plain("{{a [[b " + LONG) == prose.plain("a {{a [[b " + LONG) == []


def test_prose_needs_sentences():
    here = sources.Source("made up", "bundled", "For a test.")
    assert prose.Prose(("a",), (("One.", "Two."),), here).sentences == ["One.", "Two."]
    for titles, documents in [((), ()), (("a", "b"), (("One.",),)), (("a",), ((),))]:
        with pytest.raises(ValueError, match="documents"):
            prose.Prose(titles, documents, here)


def test_news_stand_in_and_say_so(linked, monkeypatch, capsys):
    linked(assets.VADER)
    monkeypatch.setenv("TLBOOK_DATA", "emoji10")
    found = prose.load()
    assert "stand-in" in found.source.name and "New York Times" in capsys.readouterr().out
    assert found.documents == prose.load_news().documents and len(found) > 100


def test_articles_have_hardly_any_markup_left(linked):
    linked(assets.GENSIM)
    found = prose.load()
    assert len(found) == 100 and found.source.kind == "cache"
    assert sum(len(text.tokenize(sentence)) for sentence in found.sentences) > 350_000
    assert not any(sign in sentence for sentence in found.sentences for sign in ("{{", "[[", "<ref", "'''"))
