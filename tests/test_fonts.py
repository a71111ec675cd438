"""The book's fonts: small, licensed, under a name of their own, and with every letter that the pages use."""

import ast
import json
import pathlib
import re
import shutil

import subset_fonts

ROOT = pathlib.Path(__file__).parents[1]
STYLE = (ROOT / "book" / "_static" / "tlbook.css").read_text(encoding="utf-8")
# The sign that marks a word's begin in MiniLM's pieces, and emoji: the reader's own fonts have them.
ELSEWHERE = re.compile("[▁\U0001f300-\U0001faff]")


def test_all_fonts_together_are_small_and_each_is_used():
    files = {path.name: path.stat().st_size for path in subset_fonts.FONTS.glob("*.woff2")}
    formulas = (ROOT / "book" / "_static" / "formulas.css").read_text(encoding="utf-8")
    named = set(files)
    heads, more = files.pop("chinese.woff2"), files.pop("chinese-more.woff2")  # only where the reader has none
    assert sum(files.values()) < 150_000 and heads < 25_000 and more < 45_000
    assert named == set(re.findall(r"fonts/([\w-]+\.woff2)", STYLE + formulas))
    assert named == {name for name, *_ in subset_fonts.FILES} | {"tlbook-math.woff2"}  # `math_font` makes this one


def test_licence_and_name():
    for name in ("LICENSE-sans.txt", "LICENSE-code.txt"):
        text = (subset_fonts.FONTS / name).read_text(encoding="utf-8")
        assert "SIL Open Font License, Version 1.1" in text and "Reserved Font Name 'Source'" in text
    assert "SIL Open Font License" in (subset_fonts.FONTS / "LICENSE-chinese.txt").read_text(encoding="utf-8")
    assert not any("Source" in family for _, _, _, family, *_ in subset_fonts.FILES), "that name is reserved"


def test_chinese_characters_come_from_the_readers_own_font_and_else_from_the_books():
    stacks = re.findall(r"--pst-font-family-(?:base|monospace): ([^;]*)", STYLE)
    assert len(stacks) == 2 and all("var(--tlbook-chinese)" in stack for stack in stacks)
    *own, last = re.findall(r'"([^"]*)"', re.search(r"--tlbook-chinese: ([^;]*)", STYLE)[1])
    assert {"Source Han Sans SC", "PingFang SC", "Microsoft YaHei"} <= set(own) and last == subset_fonts.HAN


def test_most_pages_load_the_smaller_chinese_font_alone():
    for letters in (subset_fonts.HEADS, subset_fonts.MORE):
        assert f"unicode-range: {subset_fonts.unicode_range(letters)};" in STYLE
    assert not set(subset_fonts.HEADS) & set(subset_fonts.MORE)
    texts = [path.read_text(encoding="utf-8") for path in (ROOT / "book").glob("*.md") if path.stem != "glossary"]
    for path in (ROOT / "notebooks").glob("*.ipynb"):
        cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
        texts += ["".join(cell["source"]) for cell in cells if cell["cell_type"] == "markdown"]
    assert not set("".join(texts)) & set(subset_fonts.MORE)


def test_every_letter_of_the_text_is_in_the_fonts():
    folders = (ROOT / "book", ROOT / "course" / "slides")
    pages = [*(path for folder in folders for path in folder.glob("*.md")), *(ROOT / "notebooks").glob("*.ipynb")]
    letters = set("".join(path.read_text(encoding="utf-8") for path in pages if path.suffix == ".md"))
    for path in pages:
        if path.suffix == ".ipynb":
            letters |= set("".join(_strings(path)))
    lacking = {letter for letter in letters if letter.isprintable() and not ELSEWHERE.match(letter)}
    known = {*map(chr, subset_fonts.LETTERS), *subset_fonts.HEADS, *subset_fonts.MORE}
    assert not lacking - known, "add them to tools/subset_fonts.py, and run it"


def _strings(path):
    return re.findall(r'"((?:[^"\\]|\\.)*)"', path.read_text(encoding="utf-8"))


def test_the_tool_that_makes_them_stands_alone():
    tree = ast.parse(pathlib.Path(subset_fonts.__file__).read_text(encoding="utf-8"))
    modules = {name.name for node in ast.walk(tree) if isinstance(node, ast.Import) for name in node.names}
    assert modules == {"argparse", "pathlib", "shutil"}, "fonttools comes with matplotlib; no page is built with it"


def test_a_browser_reads_them(browser, tmp_path):
    shutil.copytree(ROOT / "book" / "_static", tmp_path / "_static")
    page = tmp_path / "page.html"
    page.write_text('<meta charset="utf-8"><link rel="stylesheet" href="_static/tlbook.css"><p>x', encoding="utf-8")
    browser.get(page.as_uri())
    loaded = browser.execute_async_script(
        "const done = arguments[0]; Promise.all([...document.fonts].map((font) => font.load()))"
        ".then((all) => done(all.map((font) => font.family.replaceAll('\"', ''))), (error) => done(String(error)))"
    )
    assert sorted(loaded) == sorted(family for _, _, _, family, *_ in subset_fonts.FILES)
