"""The bibliography: every work can be found, none stands there twice, each is cited, and nothing more is claimed."""

import csv
import datetime
import pathlib
import re

import nbformat
import pytest
from pybtex.database import parse_file

import back_matter

ROOT = pathlib.Path(__file__).parents[1]
BOOK = ROOT / "book"
PAGES = [*sorted(BOOK.rglob("*.md")), *sorted((ROOT / "notebooks").glob("*.ipynb"))]
WORKS = dict(parse_file(BOOK / "references.bib").entries)
each_work = pytest.mark.parametrize("key", WORKS)


def checked():
    with open(BOOK / "references-checked.csv", encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def identifier(fields):
    """A work's DOI, else its arXiv number, else its page, as `references-checked.csv` writes it."""
    if doi := fields.get("doi"):
        return "doi:" + doi
    if (number := fields.get("eprint")) and fields.get("archiveprefix") == "arXiv":
        return "arXiv:" + number
    return fields.get("url")


def one_name(name):
    """The same for two spellings of one identifier: DOIs know no capitals, and arXiv numbers have DOIs as well."""
    return name and name.lower().replace("doi:10.48550/arxiv.", "arxiv:").removesuffix("/")


def plain(title):
    return re.sub(r"[^a-z0-9]", "", title.lower())


@each_work
def test_a_work_has_an_identifier_that_is_well_formed(key):
    name = identifier(WORKS[key].fields)
    assert name, "neither DOI, arXiv number nor publisher's page"
    assert re.fullmatch(r"doi:10\.\d{4,9}/[^\s{}\\]+|arXiv:\d{4}\.\d{4,5}|https://[\w.-]+\.\w+/[^\s{}\\]+", name)


def test_no_work_stands_there_twice():
    seen = {}
    for key, work in WORKS.items():
        fields = work.fields
        names = {one_name(name) for name in (identifier(fields), fields.get("url"), "doi:" + fields.get("doi", key))}
        for name in names - {None} | {plain(fields["title"])}:
            assert seen.setdefault(name, key) == key, f"{key} and {seen[name]} are one work: {name}"


def test_two_spellings_of_one_identifier_are_one():
    assert one_name("doi:10.48550/arXiv.1603.07285") == one_name("arXiv:1603.07285")
    assert one_name("doi:10.1109/CVPR.2016.90") == one_name("doi:10.1109/cvpr.2016.90")


def test_every_work_is_cited():
    text = "\n".join(
        "\n".join(cell.source for cell in nbformat.read(path, 4).cells if cell.cell_type == "markdown")
        if path.suffix == ".ipynb"
        else path.read_text(encoding="utf-8")
        for path in PAGES
    )
    cited = {key.strip() for keys in re.findall(r"\{cite(?::\w+)?\}`([^`]+)`", text) for key in keys.split(",")}
    assert cited == set(WORKS), "cited (left) and in book/references.bib (right)"


def test_every_work_has_one_row_that_says_what_was_seen_where_and_when():
    rows = checked()
    assert [row["key"] for row in rows] == sorted(WORKS), "one row a key, in the order of the alphabet"
    for row in rows:
        assert row["identifier"] == identifier(WORKS[row["key"]].fields), row["key"]
        assert row["seen"] and (row["where"] or row["seen"] == "not seen"), row["key"]
        assert datetime.date.fromisoformat(row["date"]) <= datetime.date.today(), row["key"]


def test_the_page_claims_what_the_table_says_and_no_more():
    rows = checked()
    sentences = back_matter.what_was_seen(rows)
    seen = [row for row in rows if row["seen"] != "not seen"]
    own = [row for row in seen if "publisher's page" in row["where"]]
    assert f"{len(rows)} works" in sentences and f"{len(own)} of them on a page of the publisher" in sentences
    assert sum(back_matter.where_seen(rows).values()) == len(rows)
    page = (BOOK / "bibliography.md").read_text(encoding="utf-8")
    assert "{references-checked}" in page and ":all:" not in page
    assert not re.search(r"publisher'?s own|(?<!not )checked against", page)


def test_what_was_seen_counts_each_kind_of_page():
    rows = [
        {"seen": "title", "where": "stored copy of the publisher's page"},
        {"seen": "title", "where": "reference lists"},
        {"seen": "title", "where": "reference lists"},
        {"seen": "not seen", "where": ""},
    ]
    text = back_matter.what_was_seen(rows)
    assert "4 works" in text and "Of 3 we saw" in text and "1 of them" in text and "1 was not looked up" in text
    assert back_matter.where_seen(rows)["reference lists"] == 2 and back_matter.where_seen(rows)["not looked up"] == 1
    assert "Of each we saw" in back_matter.what_was_seen(rows[:3])


def test_the_sums_of_the_article_s_references_are_those_of_its_verdicts():
    page = (BOOK / "article-references.md").read_text(encoding="utf-8")
    verdicts = dict(re.findall(r"^### \[(\d+)\].*?^Verdict\n: ([^.]+)\.", page, flags=re.MULTILINE | re.DOTALL))
    kinds = {kind: [int(n) for n, verdict in verdicts.items() if verdict == kind] for kind in set(verdicts.values())}
    assert list(verdicts) == [str(number) for number in range(1, 14)]
    assert kinds.pop("The same work as [2]") == [4] and kinds["Right"] == [1, 3]
    in_place = sorted(kinds["Right"] + kinds["Pages wrong"] + kinds["Authors wrong"])
    for word, numbers in (("six", in_place), ("four", kinds["Venue wrong"]), ("two", kinds["Not found"])):
        line = re.search(rf"^- \*\*{word}\*\*[^:]+: (.+?)[.;]", page, flags=re.MULTILINE | re.DOTALL)[1]
        assert [int(number) for number in re.findall(r"\d+", line)] == numbers, word
        assert len(numbers) == {"six": 6, "four": 4, "two": 2}[word]
    at_cvpr = re.findall(r"^: [^:\n]*(?:\n  .*)?CVPR 201\d, pp\.", page, flags=re.MULTILINE)
    assert len(at_cvpr) == 12 and len([number for number in in_place if number != 1]) == 5
