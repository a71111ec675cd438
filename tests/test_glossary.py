"""The glossary: each term is used in a chapter, has its Chinese name, and is linked where a chapter first uses it."""

import pathlib
import re
import types

import nbformat
import pytest
from docutils import nodes, utils
from sphinx import addnodes

import glossary_links

ROOT = pathlib.Path(__file__).parents[1]
TEXT = (ROOT / "book" / "glossary.md").read_text(encoding="utf-8")
FORMS = glossary_links.terms(TEXT)
SMALL = "# Glossary\n\n```{glossary}\n:sorted:\n\nLSTM\n  Words.\n\nprobe\nlinear probe\n  Words, probe.\n```\n\n"
SMALL += "% probe: probing, probed\n"


def prose():
    """The running text of all chapters, without code, formulas, roles, headings and HTML."""
    for path in sorted((ROOT / "notebooks").glob("*.ipynb")):
        for cell in nbformat.read(path, 4).cells:
            if cell.cell_type == "markdown":
                text = re.sub(r"```.*?```|\$\$.*?\$\$|^#.*?$|^\|.*?$", " ", cell.source, flags=re.DOTALL | re.MULTILINE)
                text = re.sub(r"<summary>.*?</summary>|<[^>]+>|\{[\w:]+\}`[^`]*`|`[^`]*`|\$[^$]*\$", " ", text)
                yield re.sub(r"\[([^\]]*)\]\([^)]*\)", " ", text)


def test_every_term_is_used_in_a_chapter():
    expression, used = glossary_links.pattern(FORMS), set()
    for text in prose():
        used |= {term for _, _, term in glossary_links.find(text, FORMS, expression)}
    items = re.search(r"^```\{glossary\}\n(.*?)^```", TEXT, flags=re.M | re.S)[1].split("\n\n")
    names = [[line for line in item.splitlines() if line and not line.startswith(" ")] for item in items[1:]]
    assert not [group for group in names if not used & set(group)], "no chapter uses these"


def test_every_term_has_its_chinese_name_and_a_definition():
    items = re.findall(r"^(\S.*)\n((?:  .*\n)+)", TEXT, flags=re.MULTILINE)
    assert len(items) >= 80
    for name, definition in items:
        assert re.match(r'  <span lang="zh-Hans">[^<]+</span>\. [A-Z0-9]', definition), name
        assert definition.endswith(".\n"), name
    assert "迁移学习" in TEXT and "转移学习" in TEXT
    assert len({name for name, _ in items}) == len(items)


def test_terms_and_their_other_forms_are_read():
    assert glossary_links.terms(SMALL) == {
        **{"LSTM": "LSTM", "probe": "probe", "linear probe": "linear probe"},
        **{"probing": "probe", "probed": "probe"},
    }
    with pytest.raises(ValueError, match="gate"):
        glossary_links.terms(SMALL + "% gate: gates\n")


def test_a_word_that_means_something_else_in_a_chapter_is_no_term_there():
    assert set(glossary_links.terms(SMALL + "%- probe: 01_a, 02_b\n", "02_b")) == {"LSTM", "linear probe"}
    assert glossary_links.terms(SMALL + "%- probe: 01_a, 02_b\n", "03_c") == glossary_links.terms(SMALL)
    chapters = {path.stem for path in (ROOT / "notebooks").glob("*.ipynb")}
    named = glossary_links._OTHERWISE.findall(TEXT)
    assert {name for name, _ in named} <= set(FORMS.values())
    assert {chapter for _, these in named for chapter in these.split(", ")} <= chapters


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("Probes, an LSTM and lstm.", ["probe", "LSTM"]),
        ("A linear probe is probed.", ["linear probe", "probe"]),
        ("probe-like, reprobe, un-probe", []),
        ("LSTMs", ["LSTM"]),
    ],
)
def test_words_are_found_whole_in_any_form_and_capitals_as_written(text, found):
    assert [term for _, _, term in glossary_links.find(text, glossary_links.terms(SMALL))] == found


def test_a_sign_in_a_term_stands_for_itself():
    found = glossary_links.find("An A.B and an AxB.", {"A.B": "A.B"})
    assert [text for _, _, text in found] == ["A.B"]


def page(*paragraphs):
    document = utils.new_document("page")
    document.extend(paragraphs)
    return document


def links(document):
    return [(link.astext(), link["reftarget"]) for link in document.findall(addnodes.pending_xref)]


def test_the_first_use_on_a_page_is_linked_and_the_text_stays():
    document = page(nodes.paragraph("", "A linear probe, then an LSTM."), nodes.paragraph("", "LSTM, probing."))
    found = glossary_links.link(document, "notebooks/01", glossary_links.terms(SMALL))
    assert found == {"linear probe", "LSTM", "probe"}
    assert links(document) == [("linear probe", "linear probe"), ("LSTM", "LSTM"), ("probing", "probe")]
    assert [part.astext() for part in document.children] == ["A linear probe, then an LSTM.", "LSTM, probing."]


def test_titles_code_links_captions_and_outputs_are_left_alone():
    caption = nodes.paragraph("", "A probe.", classes=["figure-caption"])
    output = nodes.container("", nodes.paragraph("", "probe"), classes=["cell_output"])
    link = nodes.paragraph("", "", nodes.reference("", "probe", refuri="x"), nodes.literal("", "probe"))
    document = page(nodes.section("", nodes.title("", "The probe")), caption, output, link)
    assert glossary_links.link(document, "notebooks/01", glossary_links.terms(SMALL)) == set() and not links(document)


class Environment:
    def __init__(self):
        self.titles = {"notebooks/05_9_a": nodes.title("", "5.9 A"), "notebooks/05_10_b": nodes.title("", "5.10 B")}


def test_the_glossary_says_where_a_term_is_first_used():
    builder = types.SimpleNamespace(get_relative_uri=lambda here, there: f"../{there}.html")
    app = types.SimpleNamespace(env=Environment(), builder=builder)
    app.env.__dict__["tlbook_terms"] = {"probe": {"notebooks/05_10_b", "notebooks/05_9_a"}}
    definition = nodes.definition("", nodes.paragraph("", "Words."))
    document = page(nodes.definition_list("", nodes.definition_list_item("", nodes.term("", "probe"), definition)))
    glossary_links.write(app, document, "book/glossary")
    assert document.astext().endswith("Words. First in chapter 5.9.")
    glossary_links.forget(app, app.env, "notebooks/05_9_a")
    assert app.env.tlbook_terms == {"probe": {"notebooks/05_10_b"}}
