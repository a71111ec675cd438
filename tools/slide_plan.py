"""The plan of a lecture: Markdown with `---` between slides, and what goes with each slide.

A line `{02_three_stages#c20 says "words"}` stands for a part of an executed cell (`slide_cells.KINDS`). `|||` begins a
second column, `Book: 02_three_stages, Heading` names the section that a slide follows, and `Notes: 3 minutes` begins
what the lecturer says.
"""

import re
from dataclasses import dataclass, field

from docutils.nodes import make_id

PLACE = re.compile(r"\{(\w+)#([\w-]+) (\w+)((?: \"[^\"]+\")*)\}")
NOTES = re.compile(r"^Notes: (\d+) minutes?$", re.M)
BOOK = re.compile(r"^Book: (\w+)(?:, (.+))?$", re.M)


@dataclass(frozen=True)
class Place:
    """A part of an executed cell: which chapter, the cell's id, what of it, and words that choose lines or rows."""

    chapter: str
    cell: str
    kind: str
    words: tuple

    @property
    def where(self):
        """Name it, for messages."""
        return f"{self.chapter}#{self.cell} {self.kind}"


@dataclass(frozen=True)
class Slide:
    """A slide: `columns`, each a list of Markdown texts and places; where the book treats it; minutes and notes."""

    title: str
    columns: list
    chapter: str
    heading: str
    minutes: int
    notes: str


@dataclass
class Plan:
    """A lecture: its name, its title and its slides."""

    name: str
    title: str
    slides: list = field(default_factory=list)

    @property
    def places(self):
        """All places of all slides."""
        return [part for one in self.slides for column in one.columns for part in column if isinstance(part, Place)]

    @property
    def minutes(self):
        """How long the lecture takes."""
        return sum(slide.minutes for slide in self.slides)


def read(path):
    """Return the plan in a file. Raises `ValueError` that names the slide in which something lacks or is unknown."""
    texts = re.split(r"^---\s*$", path.read_text(encoding="utf-8"), flags=re.M)
    slides = [_slide(text.strip(), f"{path.name}, slide {number}") for number, text in enumerate(texts, 1)]
    return Plan(path.stem, slides[0].title, slides)


def _slide(text, where):
    head = re.match(r"#{1,2} (.+)", text)
    if not head:
        raise ValueError(f"{where}: expected a heading first, got {text[:40]!r}")
    shown, minutes, notes = _split(text[head.end() :], where)
    if not (book := BOOK.search(shown)):
        raise ValueError(f"{where}: expected a line `Book: CHAPTER` or `Book: CHAPTER, Heading`")
    shown = shown.replace(book[0], "")
    columns = [_parts(column, where) for column in re.split(r"^\|\|\|\s*$", shown, flags=re.M)]
    return Slide(head[1], columns, book[1], book[2] or "", minutes, notes)


def _split(text, where):
    parts = NOTES.split(text)
    if len(parts) != 3 or not parts[2].strip():
        raise ValueError(f"{where}: expected one line `Notes: N minutes` with what the lecturer says below it")
    return parts[0], int(parts[1]), parts[2].strip()


def _parts(text, where):
    parts, words = [], []
    for line in text.splitlines():
        if line.startswith("{") and line.rstrip().endswith("}"):
            if not (found := PLACE.fullmatch(line.rstrip())):
                raise ValueError(f'{where}: expected {{CHAPTER#CELL KIND "words"}}, got {line}')
            parts += [text for text in ["\n".join(words).strip()] if text]
            words = []
            parts.append(Place(found[1], found[2], found[3], tuple(re.findall(r'"([^"]+)"', found[4]))))
        else:
            words.append(line)
    return parts + [text for text in ["\n".join(words).strip()] if text]


def anchor(heading):
    """Return the id of a section in the book's pages."""
    return make_id(heading.replace("`", ""))
