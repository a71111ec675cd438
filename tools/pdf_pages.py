"""What `book_pdf` prints beside the pages themselves: their order, the front matter, the answers to all quizzes."""

import dataclasses
import html
import pathlib

import yaml
from bs4 import BeautifulSoup


@dataclasses.dataclass(frozen=True)
class Page:
    """A built page of the book, and the part that it belongs to ("" before the first part)."""

    path: pathlib.Path
    title: str
    part: str
    depth: int = 0


def find(root):
    """Return the pages of the book in `root`, in the order of its table of contents.

    Raises `FileNotFoundError` where one has not been built.
    """
    contents = yaml.safe_load((root / "_toc.yml").read_text(encoding="utf-8"))
    listed = [(contents["root"], "", 0)]
    for part in contents.get("parts", [{"chapters": contents.get("chapters", [])}]):
        listed += _below(part.get("chapters", []), part.get("caption", ""), 0)
    pages = []
    for name, part, depth in listed:
        path = root / "_build" / "html" / f"{name}.html"
        if not path.exists():
            raise FileNotFoundError(f"{path} is not there: build the book first, with `make book`")
        pages.append(Page(path, title(path), part, depth))
    return pages


def _below(entries, part, depth):
    for entry in entries:
        yield entry["file"], part, depth
        yield from _below(entry.get("sections", []), part, depth + 1)


def title(path):
    """Return the title of a built page: its first heading."""
    heading = _soup(path).select_one("article h1")
    for link in heading.select(".headerlink"):
        link.decompose()
    return " ".join(heading.get_text().split())


def _soup(path):
    return BeautifulSoup(path.read_text(encoding="utf-8"), "html.parser")


def answers(pages, folder):
    """Write a page with the right answers to all quizzes below `folder`, and return it; None where there is no quiz."""
    chapters = []
    for page in pages:
        items = []
        for options in _questions(_soup(page.path)):
            place = next(i for i, option in enumerate(options) if "right" in option["class"])
            words = "".join(str(child) for child in options[place].find_all("p", recursive=False))
            items.append(f"<li><b>{'abcdefgh'[place]})</b> {words}</li>")
        if items:
            chapters.append(f"<section><h2>{html.escape(page.title)}</h2><ol>{''.join(items)}</ol></section>")
    if not chapters:
        return None
    path = folder / "pdf-answers.html"
    path.write_text(_document("Answers to the quizzes", "".join(chapters)), encoding="utf-8")
    return Page(path, "Answers to the quizzes", "")


def _questions(soup):
    """Return the quiz of a page: for each question its options."""
    found = []
    for option in soup.select("details.quiz"):
        before = option.find_previous_sibling()
        if before is not None and "quiz" in before.get("class", []):
            found[-1].append(option)
        else:
            found.append([option])
    return found


def _document(heading, body):
    """Return a page with the style sheets of the book, for files in the folder of the built pages."""
    links = "".join(f'<link rel="stylesheet" href="_static/{name}.css">' for name in ("tlbook", "formulas", "print"))
    return (
        f'<!DOCTYPE html><html lang="en" data-theme="light"><meta charset="utf-8"><title>{html.escape(heading)}</title>'
        f"{links}<style>body{{font-family:sans-serif}}ol p{{display:inline}}</style>"
        f'<script src="_static/print.js"></script>'
        f'<article class="bd-article print-answers"><h1>{html.escape(heading)}</h1>{body}</article></html>'
    )


_FRONT = """
body { font-family: sans-serif; }
a { color: inherit; text-decoration: none; }
@page { @bottom-center { content: counter(page, lower-roman); } }
@page :first { @bottom-center { content: ""; } }
.cover { break-after: page; padding-top: 70mm; }
.cover h1 { font-size: 30pt; }
.contents { list-style: none; padding: 0; }
.contents a { display: flex; gap: 4pt; }
.contents i { border-bottom: 1pt dotted #777; flex: 1; margin-bottom: 3pt; }
.contents .part { font-weight: 600; margin-top: 7pt; break-after: avoid; }
.contents .deeper { padding-left: 12pt; }
"""


def front(pages, last, starts, folder):
    """Write the cover and the table of contents, as HTML in `folder`, and return its path."""
    book = citation(pathlib.Path(__file__).resolve().parent.parent)
    lines, part = [], ""
    for page in [*pages, *([last] if last else [])]:
        if page.part and page.part != part:
            part = page.part
            lines.append(f'<li class="part">{html.escape(part)}</li>')
        kind = ' class="deeper"' if page.depth else ""
        words, number = html.escape(page.title), starts[page.path]
        lines.append(
            f'<li{kind}><a href="{page.path.as_uri()}"><span>{words}</span><i></i><span>{number}</span></a></li>'
        )
    cover = (
        f'<div class="cover"><h1>{html.escape(book["title"])}</h1><p>{html.escape(book["abstract"])}</p>'
        f"<p>{html.escape(book['authors'][0].get('name', ''))}, version {html.escape(str(book['version']))}</p></div>"
    )
    path = folder / "front.html"
    style = (folder.parent / "html" / "_static" / "print.css").read_text(encoding="utf-8")
    path.write_text(
        f'<!DOCTYPE html><html lang="en"><meta charset="utf-8"><title>{html.escape(book["title"])}</title>'
        f"<style>{style}{_FRONT}</style>"
        f'{cover}<h2>Contents</h2><ul class="contents">{"".join(lines)}</ul></html>',
        encoding="utf-8",
    )
    return path


def citation(root):
    """Return what `CITATION.cff` says of the book."""
    return yaml.safe_load((root / "CITATION.cff").read_text(encoding="utf-8"))
