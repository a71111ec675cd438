"""Opinions: the files behind the corpora of labelled sentences, read in memory as rows (text, label, group, line).

The group is the product or review that the text is about, "" where it is unknown; the line is the text as it stands in
its file.
"""

import html
import io
import re
import tarfile
import zipfile

from tlbook.files.archives import DamagedFile, read_member, reading
from tlbook.inputs.text import tokenize

# "battery[-2], zoom[+1][u]##the zoom is fine , the battery is not ." A few marks have a typing error: "[+1}", "[-".
_MARK = re.compile(r"[\[{]([+-])(\d?)")
VADER_FILES = {
    "product_reviews": "amazonReviewSnippets_GroundTruth.txt",
    "pros_cons": "tweets_GroundTruth.txt",
    "film_reviews": "movieReviewSnippets_GroundTruth.txt",
    "subjectivity": "nytEditorialSnippets_GroundTruth.txt",
}
_VADER_INSIDE = "additional_resources/hutto_ICWSM_2014.tar.gz"
# A mean score nearer to zero is called no opinion: its sign would be chance.
_NO_OPINION = 0.5


def product_reviews(*paths):
    """Read the annotated reviews of the zip archives `paths`: label 1 where the opinions marked in a line sum above 0.

    Left out are lines without a mark, with a sum of 0, and with two sentences run together. The text is what follows
    the marks, the group is the product. Raises `ValueError` for a damaged file.
    Source: Hu and Liu (2004), whose README explains the marks.
    """
    rows = []
    for path in paths:
        for member, content in _zip_members(path).items():
            for line in _lines(content):
                marks, separator, text = line.partition("##")
                total = sum(int(sign + (strength or "1")) for sign, strength in _MARK.findall(marks))
                if separator and total and "##" not in text and not _MARK.search(text):
                    rows.append((text.strip(), int(total > 0), member.removesuffix(".txt"), line))
    return _checked(rows, paths)


def pros_cons(path):
    """Read what buyers listed for (label 1) and against (0) a product. Raises `ValueError` for a damaged file.

    Source: Ganapathibhotla and Liu (2008).
    """
    # Entities are escaped twice ("&amp;quot;").
    lines = _by_file(path, {"IntegratedCons.txt": 0, "IntegratedPros.txt": 1})
    return _rows(path, lines, lambda line: html.unescape(html.unescape(re.sub(r"</?\w+>", "", line))))


def film_reviews(path):
    """Read snippets of film reviews, positive (1) or negative. Raises `ValueError` for a damaged file.

    Source: Pang and Lee (2005).
    """
    lines = _by_file(path, {"rt-polarity.neg": 0, "rt-polarity.pos": 1})
    return _rows(path, lines)


def subjectivity(path):
    """Read sentences of plot summaries (0) and of reviews (1). Raises `ValueError` for a damaged file.

    Source: Pang and Lee (2004).
    """
    lines = _by_file(path, {"plot.tok.gt9.5000": 0, "quote.tok.gt9.5000": 1})
    return _rows(path, lines)


def vader(path, name):
    """Read one of the rated corpora in the source archive of vaderSentiment, `name` as in `VADER_FILES`.

    A line has an id, the mean score of the raters (-4..4) and the text. Label 1 is a score above 0, and scores nearer
    to 0 than 0.5 are left out; for "subjectivity" label 1 is a score that far from 0, and none is left out. The group
    is the review. Raises `ValueError` for a damaged file. Source: Hutto and Gilbert (2014).
    """
    with reading(path, "vaderSentiment's corpora"):
        with tarfile.open(path, "r:gz") as outer:
            inside = io.BytesIO(_tar_member(outer, _VADER_INSIDE))
        with tarfile.open(fileobj=inside, mode="r:gz") as inner:
            lines = _lines(_decoded(_tar_member(inner, VADER_FILES[name])))
        parts = [(line, *line.split("\t", 2)) for line in lines if line.strip()]
        scored = [(line, identity, float(score), text) for line, identity, score, text in parts]
    rows = []
    for line, identity, score, text in scored:
        label = int(abs(score) >= _NO_OPINION) if name == "subjectivity" else int(score > 0)
        if name == "subjectivity" or abs(score) >= _NO_OPINION:
            group = identity.partition("_")[0] if "_" in identity else ""
            rows.append((html.unescape(text).strip(), label, group, line))
    return _checked(rows, [path])


def ratings(path):
    """Read the lexicon in the source archive of vaderSentiment: a dict of str to float, word to mean rating (-4..4).

    Signs such as ":-)" are left out: a tokenizer that drops them never asks for them. Raises `ValueError` for a damaged
    file. Source: Hutto and Gilbert (2014).
    """
    with reading(path, "vaderSentiment's lexicon"):
        with tarfile.open(path, "r:gz") as archive:
            lines = _lines(_decoded(_tar_member(archive, "/vader_lexicon.txt")))
        rated = [line.split("\t")[:2] for line in lines if line.strip()]
        found = {word: float(rating) for word, rating in rated if word.isalpha()}
    if not found:
        raise DamagedFile(f"{path}: got no rated words, expected vaderSentiment's lexicon")
    return found


def key(text):
    """Return what two texts must share to count as the same: their words, whatever the signs between them."""
    return " ".join(word for word in tokenize(text) if word not in "!?")


def without_repeats(rows, unwanted=()):
    """Keep the first of each text (`key`), and none that is in `unwanted`, has no word, or occurs with both labels."""
    labels = {}
    for text, label, *_ in rows:
        labels.setdefault(key(text), set()).add(label)
    seen = {"", *unwanted}
    kept = []
    for row in rows:
        if (same := key(row[0])) not in seen and len(labels[same]) == 1:
            kept.append(row)
        seen.add(same)
    return kept


def _tar_member(archive, ending):
    """Return the content of the first member whose name ends so, as bytes."""
    member = next((member for member in archive if member.name.endswith(ending)), None)
    if member is None:
        raise KeyError(f"no file whose name ends with {ending}")
    return read_member(archive, member)


def _zip_members(path):
    """Return the texts in a zip archive by name, README left out. Nothing is unpacked onto the disk."""
    with reading(path, "a zip archive of texts"), zipfile.ZipFile(path) as archive:
        names = [name for name in archive.namelist() if not name.endswith(("/", "README.txt"))]
        return {name.rpartition("/")[2]: _decoded(read_member(archive, name)) for name in names}


def _by_file(path, labels):
    """Return (line, label) of the members that `labels` names, less empty lines."""
    members = _zip_members(path)
    if missing := labels.keys() - members.keys():
        raise DamagedFile(f"{path}: got the files {sorted(members)}, expected {', '.join(sorted(missing))} as well")
    return [(line, label) for name, label in labels.items() for line in _lines(members[name]) if line.strip()]


def _decoded(content):
    """Decode UTF-8, or Latin-1, which some copies of these corpora are in."""
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError:
        return content.decode("latin-1")


def _lines(content):
    """Split at line ends only: `splitlines` also splits at signs that stand inside sentences here."""
    return content.replace("\r\n", "\n").split("\n")


def _rows(path, lines, cleaned=str):
    """Return (line, label) as rows without a group, the text `cleaned`."""
    return _checked([(cleaned(line).strip(), label, "", line) for line, label in lines], [path])


def _checked(rows, paths):
    if len({label for _, label, *_ in rows}) < 2:
        names = " and ".join(str(path) for path in paths)
        raise DamagedFile(f"{names}: got {len(rows)} labelled sentences, expected some of either class")
    return rows
