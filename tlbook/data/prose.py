"""Prose without labels: articles of the English Wikipedia, freed of their markup, and news where there are none."""

import bz2
import html
import io
import re
import tarfile
from dataclasses import dataclass

from tlbook.data import sentiment_files
from tlbook.files import assets, sources
from tlbook.files.archives import DamagedFile, reading

SHORTEST = 20  # words of a paragraph: a shorter one is a caption or a remark more often than prose
_MEMBER = "gensim/test/test_data/enwiki-latest-pages-articles1.xml-p000000010p000030302-shortened.bz2"
_LARGEST = 20_000_000  # bytes of the dump: the real one has 6 MB
_PAGE = re.compile(r"<title>([^<]*)</title>.*?<ns>(\d+)</ns>.*?<text[^>]*>([^<]*)</text>", re.DOTALL)
_LINK_NAMESPACE = re.compile(r"\s*(?:File|Image|Category|Media|[a-z-]{2,12}):", re.IGNORECASE)
_SENTENCE_END = re.compile(r"(?<=[a-z0-9)\"'][.!?])\s+(?=[A-Z\"'(])")


@dataclass(frozen=True, eq=False)
class Prose:
    """Documents of sentences: `titles` and `documents`, a tuple of tuples of str, of one length, and `source`.

    The sentences of a document stand in their order. Raises `ValueError` for lengths that disagree, no documents, or
    one without sentences. Taught in chapter 5.16.
    """

    titles: tuple[str, ...]
    documents: tuple[tuple[str, ...], ...]
    source: sources.Source

    def __post_init__(self):
        """Check that there is something to read."""
        if not self.documents or len(self.titles) != len(self.documents) or not all(self.documents):
            raise ValueError(
                f"documents: got {len(self.documents)} for {len(self.titles)} titles, expected as many, n > 0, "
                "each with one sentence or more"
            )

    def __len__(self):
        """Return the number of documents."""
        return len(self.documents)

    @property
    def sentences(self):
        """All sentences, a list of str, document after document."""
        return [sentence for document in self.documents for sentence in document]


def load():
    """Load about a hundred articles of the English Wikipedia of 2016 as `Prose`.

    The package gensim carries a piece of a dump for its tests: articles, most of whose titles begin with an A. The
    source archive is read as data. Where it is not to be had, `load_news` stands in, which a printed line and
    `source` say. Raises `ValueError` where a file is damaged, and `tlbook.files.sources.NotFound` where neither is
    there. Taught in chapter 5.16.
    """
    try:
        path, source = sources.find(assets.GENSIM)
    except sources.NotFound:
        path, found = sources.find(assets.VADER, quiet=True)
        note = "Not Wikipedia: sentences of editorials, from the package vaderSentiment 3.3.2."
        source = sources.Source("VADER stand-in (New York Times)", found.kind, note)
        print(source)
        return _of_pages(read_news(path), source)
    return _of_pages(read_wikipedia(path), source)


def load_news():
    """Load the sentences of editorials of the New York Times that vaderSentiment carries, as `Prose`.

    Raises as `load` does. Source: Hutto and Gilbert (2014). Taught in chapter 5.16.
    """
    path, source = sources.find(assets.VADER)
    return _of_pages(read_news(path), sources.Source("New York Times, editorials", source.kind, source.note))


def _of_pages(pages, source):
    titles, documents = zip(*pages, strict=True)
    return Prose(titles, documents, source)


def read_wikipedia(path):
    """Read the articles in the source archive gensim 4.4.0: a list of `(title, sentences)`, sentences a tuple of str.

    Redirects, and pages that are no articles, are left out. Nothing is unpacked onto the disk, and nothing is run.
    Raises `ValueError` where the dump is missing, too large, or holds no article.
    """
    with reading(path, "the archive gensim 4.4.0"), tarfile.open(path, "r:gz") as archive:
        member = next((m for m in archive if m.isfile() and m.name.partition("/")[2] == _MEMBER), None)
        if member is None:
            raise DamagedFile(f"{path}: the piece of Wikipedia is missing")
        with bz2.open(io.BytesIO(archive.extractfile(member).read(_LARGEST + 1))) as file:
            content = file.read(_LARGEST + 1)
        if len(content) > _LARGEST:
            raise DamagedFile(f"{path}: the piece of Wikipedia unpacks to more than {_LARGEST:,} bytes")
        content = content.decode()
    # Not an XML parser: it would follow what the file declares, and three tags are all that is wanted.
    pages = [
        (html.unescape(title), tuple(s for paragraph in plain(html.unescape(markup)) for s in sentences(paragraph)))
        for title, namespace, markup in _PAGE.findall(content)
        if namespace == "0" and not markup.lstrip().lower().startswith("#redirect")
    ]
    pages = [page for page in pages if page[1]]
    if not pages:
        raise DamagedFile(f"{path}: the piece of Wikipedia holds no article")
    return pages


def read_news(path):
    """Read the sentences of the New York Times in vaderSentiment 3.3.2, one document each editorial, as `(title, ...)`.

    Raises `ValueError` where the archive is damaged.
    """
    documents = {}
    for text, _, group, _ in sentiment_files.vader(path, "subjectivity"):
        documents.setdefault(group, []).append(text)
    return [(title, tuple(texts)) for title, texts in documents.items()]


def plain(markup):
    """Return the paragraphs of a page of Wikipedia, a list of str: what a reader would read aloud.

    Comments, footnotes, tables, templates, pictures and headings go, with what stands in them; of a link stays what is
    shown. Lists and paragraphs of fewer than 20 words go as well, and those with brackets that are not closed. What a
    template would have written is lost. Taught in chapter 5.16.

    >>> plain("'''Ants''' are [[insect|insects]].<ref>{{cite}}</ref> They walk " + "and walk " * 10)[0][:30]
    'Ants are insects. They walk an'
    """
    text = re.sub(r"<!--.*?-->|<ref[^>]*/>", "", markup, flags=re.DOTALL)
    text = re.sub(r"<(ref|math|gallery|timeline|code|pre|table)\b[^>]*>.*?</\1>", "", text, flags=re.DOTALL)
    text = _innermost(r"\{\{[^{}]*\}\}", "", text)  # templates in templates: the innermost first
    text = re.sub(r"\{\|.*?\|\}", "", text, flags=re.DOTALL)
    text = _innermost(r"\[\[([^\[\]]*)\]\]", _shown, text)  # a picture's caption may hold links
    text = re.sub(r"\[(?:https?:)?//\S+ ?([^\]]*)\]", r"\1", text)
    text = re.sub(r"<br[^>]*>", " ", text)
    text = html.unescape(re.sub(r"<[^>]*>|'{2,}", "", text)).replace("\xa0", " ").replace("()", "")
    paragraphs = (" ".join(line.split()) for line in text.split("\n") if line[:1] not in set("=*#:;|!{} "))
    return [
        paragraph
        for paragraph in paragraphs
        # Brackets that nobody closed: what stands behind them is hardly prose.
        if paragraph.count(" ") >= SHORTEST - 1 and "[[" not in paragraph and "{{" not in paragraph
    ]


def _innermost(pattern, by, text):
    """Replace until nothing changes: brackets within brackets open up from the inside."""
    while True:
        text, changes = re.subn(pattern, by, text)
        if not changes:
            return text


def _shown(link):
    target = link[1]
    return "" if _LINK_NAMESPACE.match(target) else target.rpartition("|")[2]


def sentences(paragraph):
    """Cut a paragraph into sentences, a list of str: after a full stop behind a small letter, before a capital one.

    So initials ("J. Smith") do not end a sentence; "Dr. Smith" does. Taught in chapter 5.16.

    >>> sentences('J. Smith came. "Why?" He went.')
    ['J. Smith came.', '"Why?" He went.']
    """
    return _SENTENCE_END.split(paragraph)
