"""The whole book as one PDF, from the built pages: `make book`, then `make pdf`. The result is `_build/book.pdf`.

A browser prints each page with the style sheet for paper; the sheets are joined behind a table of contents, with
bookmarks, and links from page to page lead within the file. All answers to the quizzes stand at the end. A page
that has not changed, and begins on the same sheet as before, is not printed again: what was stopped goes on from there.
"""

import argparse
import hashlib
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile
import urllib.parse

from pypdf import PdfReader, PdfWriter
from pypdf.constants import PageLabelStyle
from pypdf.generic import ArrayObject, DictionaryObject, NameObject, NumberObject

import pdf_pages

ROOT = pathlib.Path(__file__).resolve().parent.parent
NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome", "msedge", "microsoft-edge")
PLACES = (
    "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
    "/Applications/Chromium.app/Contents/MacOS/Chromium",
    "/Applications/Microsoft Edge.app/Contents/MacOS/Microsoft Edge",
    r"C:\Program Files\Google\Chrome\Application\chrome.exe",
    r"C:\Program Files (x86)\Google\Chrome\Application\chrome.exe",
    r"C:\Program Files (x86)\Microsoft\Edge\Application\msedge.exe",
)
SECONDS = 180  # for one page, on a busy machine


def find_browser():
    """Return the path of a Chromium, Chrome or Edge. Raises `FileNotFoundError` that says what was looked for."""
    if given := os.environ.get("CHROMIUM"):
        if shutil.which(given):
            return shutil.which(given)
        raise FileNotFoundError(f"CHROMIUM is {given!r}, and no program is there")
    found = next((path for name in NAMES if (path := shutil.which(name))), None)
    found = found or next((path for path in PLACES if pathlib.Path(path).exists()), None)
    if not found:
        raise FileNotFoundError(
            f"No browser that prints: looked for {', '.join(NAMES)} in PATH, and in the usual places of macOS and "
            "Windows. Install Chromium or Chrome (131 or newer; Debian: apt install chromium), or say where one is: "
            "CHROMIUM=/path/to/chrome make pdf"
        )
    return found


def print_page(browser, address, target):
    """Print a page to the PDF file `target`, which is whole or not there. Raises `RuntimeError` where that fails."""
    with tempfile.TemporaryDirectory() as profile:
        part = pathlib.Path(profile, "page.pdf")
        options = ["--headless", "--disable-gpu", "--no-first-run", "--no-pdf-header-footer", "--disable-pdf-tagging"]
        options += ["--generate-pdf-document-outline", "--disable-background-networking", "--virtual-time-budget=5000"]
        if hasattr(os, "geteuid") and os.geteuid() == 0:  # in a container; Chromium refuses its sandbox there
            options.append("--no-sandbox")
        options += [f"--user-data-dir={profile}", f"--print-to-pdf={part}", address]
        try:
            done = subprocess.run([browser, *options], capture_output=True, text=True, timeout=SECONDS)
        except subprocess.TimeoutExpired:
            raise RuntimeError(f"{address} was not printed within {SECONDS} seconds") from None
        if not part.exists():
            raise RuntimeError(f"{address} was not printed: {done.stderr[-500:]}")
        beside = target.with_suffix(".partial")
        shutil.copyfile(part, beside)
        beside.replace(target)


def sheets(browser, page, first, folder, styles):
    """Return the PDF of a page whose first sheet has the number `first`, printed unless it is there already."""
    name = f"{page.path.parent.name}-{page.path.stem}"  # two pages are called "index"
    key = hashlib.sha256(page.path.read_bytes() + styles + str(first).encode()).hexdigest()
    target = folder / f"{name}-{key[:16]}.pdf"
    if not target.exists():
        for old in folder.glob(f"{name}-{'?' * 16}.pdf"):
            old.unlink()
        print_page(browser, f"{page.path.as_uri()}?page={first}", target)
        print(f"printed {page.title}", flush=True)
    return target


def join(pages, front, starts, target):
    """Write one PDF: the front matter, then all pages, with bookmarks and links within the book.

    `pages` are `pdf_pages.Page` with their PDF files, `starts` their first sheets, counted from 1 after the front.
    """
    writer, book = PdfWriter(), pdf_pages.citation(ROOT)
    writer.append(front, import_outline=False)
    offset = len(writer.pages)
    writer.add_outline_item(title="Contents", page_number=min(1, offset - 1))
    parts = {}
    for page, file in pages:
        reader, at = PdfReader(file), len(writer.pages)
        writer.append(reader, import_outline=False)
        if page.part and page.part not in parts:
            parts[page.part] = writer.add_outline_item(title=page.part, page_number=at, bold=True)
        item = writer.add_outline_item(title=page.title, page_number=at, parent=parts.get(page.part))
        for heading, sheet in headings(reader):
            writer.add_outline_item(title=heading, page_number=at + sheet, parent=item)
    homes = {page.path.resolve(): offset + starts[page.path] - 1 for page, _ in pages}
    lead_within(writer, homes)
    writer.set_page_label(0, offset - 1, style=PageLabelStyle.LOWERCASE_ROMAN)
    writer.set_page_label(offset, len(writer.pages) - 1, style=PageLabelStyle.DECIMAL, start=1)
    writer.page_mode = "/UseOutlines"
    writer.add_metadata({"/Title": book["title"], "/Author": book["authors"][0].get("name", "")})
    writer.compress_identical_objects()  # each page brought its own copy of the fonts
    beside = target.with_suffix(".partial")
    writer.write(beside)
    beside.replace(target)
    return len(writer.pages)


def headings(reader):
    """Yield (title, sheet) of the sections right below the title of a printed page, from the browser's outline."""
    for top in reader.outline:
        for part in top if isinstance(top, list) else []:
            if not isinstance(part, list):  # a list holds what lies below the section before it
                yield part.title, reader.get_destination_page_number(part) or 0


def lead_within(writer, homes):
    """Let links to pages of the book lead to their sheets. `homes` says on which sheet a file begins."""
    for sheet in writer.pages:
        for mark in sheet.get("/Annots", ()):
            link = mark.get_object()
            action = link.get("/A")
            uri = action.get_object().get("/URI", "") if action is not None else ""
            if uri.startswith("file:"):
                path = pathlib.Path(urllib.parse.unquote(urllib.parse.urlsplit(uri).path)).resolve()
                del link["/A"]
                if path in homes:
                    there = writer.pages[homes[path]].indirect_reference
                    link[NameObject("/Dest")] = ArrayObject([there, NameObject("/Fit")])
                else:  # a table or a notebook beside the pages: on paper it leads nowhere
                    link[NameObject("/A")] = DictionaryObject({NameObject("/S"): NameObject("/Named")})
                    link[NameObject("/F")] = NumberObject(2)


def make(root, browser):
    """Print and join the built book in `root`; return the path of the PDF and its number of sheets."""
    build = root / "_build"
    pages = pdf_pages.find(root)
    folder = build / "pdf"
    folder.mkdir(exist_ok=True)
    answers = pdf_pages.answers(pages, build / "html")
    styles = b"".join(path.read_bytes() for path in sorted((build / "html" / "_static").glob("*.css")))
    styles += (build / "html" / "_static" / "print.js").read_bytes()
    done, starts, first = [], {}, 1
    for page in [*pages, *([answers] if answers else [])]:
        starts[page.path] = first
        done.append((page, sheets(browser, page, first, folder, styles)))
        first += len(PdfReader(done[-1][1]).pages)
    front = folder / "front.pdf"
    print_page(browser, pdf_pages.front(pages, answers, starts, folder).as_uri(), front)
    target = build / "book.pdf"
    return target, join(done, front, starts, target)


def main():
    """Read the command line; return the exit status."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("root", nargs="?", type=pathlib.Path, default=ROOT, help="the folder of the book")
    root = parser.parse_args().root.resolve()
    try:
        target, n = make(root, find_browser())
    except (FileNotFoundError, RuntimeError) as error:
        print(f"\n{error}\n\nThere is no new PDF.", file=sys.stderr)
        return 1
    print(f"{target}: {n} sheets, {target.stat().st_size / 1e6:.0f} MB")
    return 0


if __name__ == "__main__":
    sys.exit(main())
