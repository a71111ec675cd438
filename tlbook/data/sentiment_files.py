"""Opinions: the files behind the corpora of labelled sentences, read in memory as (text, label, group) rows."""

import html
import io
import re
import tarfile
import zipfile
import zlib

from tlbook.inputs.text import tokenise

_DAMAGED = (OSError, EOFError, KeyError, ValueError, RuntimeError, zipfile.BadZipFile, tarfile.TarError, zlib.error)
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


def product_reviews(*paths, raw=False):
    """Read the annotated reviews of the zip archives `paths`: label 1 where the opinions marked in a line sum above 0.

    Left out are lines without a mark, with a sum of 0, and with two sentences run together. The text is what follows
    the marks; `raw` keeps the whole line. The group is the product. Raises `ValueError` for a damaged file.
    Source: Hu and Liu (2004), whose README explains the marks.
    """
    rows = []
    for path in paths:
        for member, content in _zip_members(path).items():
            for line in _lines(content):
                marks, separator, text = line.partition("##")
                total = sum(int(sign + (strength or "1")) for sign, strength in _MARK.findall(marks))
                if separator and total and "##" not in text and not _MARK.search(text):
                    rows.append((line if raw else text.strip(), int(total > 0), member.removesuffix(".txt")))
    return _checked(rows, paths)


def pros_cons(path):
    """Read what buyers listed for (label 1) and against (0) a product. Raises `ValueError` for a damaged file.

    Source: Ganapathibhotla and Liu (2008).
    """
    # Entities are escaped twice ("&amp;quot;").
    lines = _by_file(path, {"IntegratedCons.txt": 0, "IntegratedPros.txt": 1})
    rows = [(html.unescape(html.unescape(re.sub(r"</?\w+>", "", line))).strip(), label) for line, label in lines]
    return _checked([(text, label, "") for text, label in rows], [path])


def film_reviews(path):
    """Read snippets of film reviews, positive (1) or negative. Raises `ValueError` for a damaged file.

    Source: Pang and Lee (2005).
    """
    lines = _by_file(path, {"rt-polarity.neg": 0, "rt-polarity.pos": 1})
    return _checked([(line.strip(), label, "") for line, label in lines], [path])


def subjectivity(path):
    """Read sentences of plot summaries (0) and of reviews (1). Raises `ValueError` for a damaged file.

    Source: Pang and Lee (2004).
    """
    lines = _by_file(path, {"plot.tok.gt9.5000": 0, "quote.tok.gt9.5000": 1})
    return _checked([(line.strip(), label, "") for line, label in lines], [path])


def vader(path, name, raw=False):
    """Read one of the rated corpora in the source archive of vaderSentiment, `name` as in `VADER_FILES`.

    A line has an id, the mean score of the raters (-4..4) and the text. Label 1 is a score above 0, and scores nearer
    to 0 than 0.5 are left out; for "subjectivity" label 1 is a score that far from 0, and none is left out. `raw` keeps
    the whole line. The group is the review. Raises `ValueError` for a damaged file. Source: Hutto and Gilbert (2014).
    """
    try:
        with tarfile.open(path, "r:gz") as outer:
            member = next(entry for entry in outer if entry.name.endswith(_VADER_INSIDE))
            with tarfile.open(fileobj=io.BytesIO(outer.extractfile(member).read()), mode="r:gz") as inner:
                member = next(entry for entry in inner if entry.name.endswith(VADER_FILES[name]))
                lines = _lines(_decoded(inner.extractfile(member).read()))
        parts = [(line, *line.split("\t", 2)) for line in lines if line.strip()]
        scored = [(line, identity, float(score), text) for line, identity, score, text in parts]
    except (*_DAMAGED, AttributeError, StopIteration) as error:
        raise ValueError(f"{path} cannot be read as vaderSentiment's corpora: {_reason(error)}") from error
    rows = []
    for line, identity, score, text in scored:
        label = int(abs(score) >= _NO_OPINION) if name == "subjectivity" else int(score > 0)
        if name == "subjectivity" or abs(score) >= _NO_OPINION:
            group = identity.partition("_")[0] if "_" in identity else ""
            rows.append((line if raw else html.unescape(text).strip(), label, group))
    return _checked(rows, [path])


def key(text):
    """Return what two texts must share to count as the same: their words, whatever the signs between them."""
    return " ".join(word for word in tokenise(text) if word not in "!?")


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


def _zip_members(path):
    """Return the texts in a zip archive by name, README left out. Nothing is unpacked onto the disk."""
    try:
        with zipfile.ZipFile(path) as archive:
            names = [name for name in archive.namelist() if not name.endswith(("/", "README.txt"))]
            return {name.rpartition("/")[2]: _decoded(archive.read(name)) for name in names}
    except (*_DAMAGED, NotImplementedError) as error:
        raise ValueError(f"{path} cannot be read as a zip archive of texts: {_reason(error)}") from error


def _by_file(path, labels):
    """Return (line, label) of the members that `labels` names, less empty lines."""
    members = _zip_members(path)
    if missing := labels.keys() - members.keys():
        raise ValueError(f"{path}: got the files {sorted(members)}, expected {', '.join(sorted(missing))} as well")
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


def _checked(rows, paths):
    if len({label for _, label, _ in rows}) < 2:
        names = " and ".join(str(path) for path in paths)
        raise ValueError(f"{names}: got {len(rows)} labelled sentences, expected some of either class")
    return rows


def _reason(error):
    return f"{type(error).__name__}: {error}"
