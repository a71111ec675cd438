"""The book as a PDF: two small pages become one file with contents, bookmarks, links, figures and answers."""

import pytest
from pypdf import PdfReader

import book_pdf
import pdf_pages

STATIC = book_pdf.ROOT / "book" / "_static"
OPTION = '<details class="quiz {}"><summary>{}</summary><p><strong>{}.</strong> {}</p></details>'
QUIZ = (
    "<p><strong>1. Which?</strong></p>"
    + OPTION.format("wrong", "this", "No", "because")
    + OPTION.format("right", "that", "Right", "for a reason")
)
FIGURE = (
    '<div class="cell tag_figure"><div class="cell_output"><div class="plot-box"><svg class="plot" width="300" '
    'height="200"><rect width="300" height="200"/></svg></div></div><p class="figure-caption">'
    "Figure 1-1. A box.</p></div>"
)


def write_book(root):
    """Write a book of two built pages into a folder."""
    html = root / "_build" / "html"
    (html / "_static").mkdir(parents=True)
    for name in ("print.css", "print.js", "tlbook.css", "formulas.css", "quiz.js"):
        (html / "_static" / name).write_bytes((STATIC / name).read_bytes())
    (root / "_toc.yml").write_text("root: one\nparts:\n  - caption: A part\n    chapters:\n      - file: two\n")
    head = (
        '<!DOCTYPE html><html data-theme="dark"><meta charset="utf-8"><link rel="stylesheet" href="_static/print.css">'
    )
    head += (
        '<script src="_static/quiz.js"></script><script src="_static/print.js"></script><article class="bd-article">'
    )
    code = f"<pre>{'x = 1  # ' + 'c' * 75}\n" + "line\n" * 160 + "</pre>"
    folded = '<details class="solution"><summary>Show solution</summary><p>It is forty-two.</p></details>'
    (html / "one.html").write_text(f'{head}<h1>The opening</h1><a href="two.html#x">on</a>{code}{folded}</article>')
    (html / "two.html").write_text(f"{head}<h1>The second</h1><h2>Inside</h2>{FIGURE}{QUIZ}</article>")
    return html


def test_answers_are_taken_from_the_quizzes(tmp_path):
    html = write_book(tmp_path)
    page = pdf_pages.answers(pdf_pages.find(tmp_path), html)
    text = page.path.read_text(encoding="utf-8")
    assert "<b>b)</b>" in text and "for a reason" in text and "because" not in text


def test_a_page_that_was_not_built_is_named(tmp_path):
    write_book(tmp_path)
    (tmp_path / "_build" / "html" / "two.html").unlink()
    with pytest.raises(FileNotFoundError, match="two.html is not there: build the book first"):
        pdf_pages.find(tmp_path)


def test_without_a_browser_it_says_what_is_expected(monkeypatch):
    monkeypatch.delenv("CHROMIUM", raising=False)
    monkeypatch.setattr(book_pdf.shutil, "which", lambda name: None)
    monkeypatch.setattr(book_pdf, "PLACES", ())
    with pytest.raises(FileNotFoundError, match="Install Chromium or Chrome"):
        book_pdf.find_browser()
    monkeypatch.setenv("CHROMIUM", "/nowhere/chrome")
    with pytest.raises(FileNotFoundError, match="/nowhere/chrome"):
        book_pdf.find_browser()


def test_pages_of_the_same_name_do_not_replace_each_other(tmp_path, monkeypatch):
    monkeypatch.setattr(book_pdf, "print_page", lambda browser, address, target: target.write_text(address))
    files = []
    for place in ("book", "api"):
        path = tmp_path / place / "index.html"
        path.parent.mkdir()
        path.write_text("the same")
        files.append(book_pdf.sheets("", pdf_pages.Page(path, place, ""), 1, tmp_path, b""))
    assert all(file.exists() for file in files)
    later = book_pdf.sheets("", pdf_pages.Page(path, "api", ""), 2, tmp_path, b"")
    assert later.exists() and files[0].exists() and not files[1].exists()  # printed anew, and the older one is gone


@pytest.mark.slow
def test_two_pages_become_one_book(tmp_path, monkeypatch):
    try:
        browser = book_pdf.find_browser()
    except FileNotFoundError as error:
        pytest.skip(str(error))
    write_book(tmp_path)
    target, n = book_pdf.make(tmp_path, browser)
    reader = PdfReader(target)
    texts = [sheet.extract_text() for sheet in reader.pages]
    assert len(texts) == n and not list(tmp_path.rglob("*.partial"))
    assert "Contents" in texts[1] and "The second" in texts[1] and reader.page_labels[:3] == ["i", "ii", "1"]
    starts = {
        name: next(i for i, text in enumerate(texts[2:], 2) if name in text) for name in ("The opening", "The second")
    }
    number = reader.page_labels[starts["The second"]]
    assert texts[1].split("The second")[1].split()[0] == number  # what the contents say is where it is
    assert texts[starts["The second"]].split()[0] == number  # and what stands on the sheet

    marks = [mark for mark in reader.outline if not isinstance(mark, list)]
    assert [mark.title for mark in marks] == ["Contents", "The opening", "A part", "Answers to the quizzes"]
    assert reader.get_destination_page_number(marks[2]) == starts["The second"]

    everything = "\n".join(texts)
    assert "It is forty-two." in everything, "what folds is open"
    assert "A box." in texts[starts["The second"]] and "c" * 75 in everything, "no line of code is cut"
    assert "for a reason" in texts[-1] and "for a reason" not in "".join(texts[:-1]), "answers stand at the end"
    first = "".join(texts[starts["The opening"] : starts["The second"]])
    assert first.count("line") == 160 and "line" in texts[starts["The opening"]], "a tall cell breaks"

    links = [mark.get_object() for sheet in reader.pages for mark in sheet.get("/Annots", ())]
    assert links and all("/Dest" in link for link in links), "links lead within the file"

    monkeypatch.setattr(book_pdf, "print_page", lambda browser, address, place: place.exists() or pytest.fail(address))
    assert book_pdf.make(tmp_path, browser)[1] == n  # nothing is printed twice
