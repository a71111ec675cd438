"""The pages about the package: nothing is left out, chapters are there, docstrings become links."""

import ast
import importlib
import inspect
import json
import pathlib
import re
import subprocess
import sys

import nbformat
import pytest
import yaml

import package_pages
from tlbook.inputs import tags

ROOT = pathlib.Path(__file__).parents[1]
PAGES = sorted((ROOT / "book" / "api").glob("*.md"))
ENTRIES = package_pages.entries()


def test_every_module_has_a_place_on_one_page():
    listed = [name for page in PAGES for name in re.findall(r"automodule:: (\S+)", page.read_text(encoding="utf-8"))]
    assert sorted(listed) == sorted(package_pages.modules()), "book/api (left) and the package (right) differ"


def test_entries_are_the_public_functions_and_classes_and_nothing_else():
    assert {"tlbook.inputs.tags", "tlbook.inputs.tags.spans", "tlbook.inputs.tags.Sentence"} <= set(ENTRIES)
    assert "tlbook.data.load_target" not in ENTRIES, "it is described where it is defined"
    assert not [name for name in ENTRIES if re.search(r"\._|\.np$|dataclass", name)]


def test_every_entry_says_what_it_is():
    """Without a docstring it would be missing on its page; a dataclass makes one up: its name and its fields."""
    bare = [
        name
        for name, entry in ENTRIES.items()
        if not entry.__doc__ or entry.__doc__.startswith(name.rpartition(".")[2] + "(")
    ]
    assert not bare


def test_every_chapter_that_a_docstring_names_is_there():
    wrong = {
        name: unknown
        for name, entry in ENTRIES.items()
        if (unknown := set(package_pages.named_chapters(entry.__doc__ or "")) - set(package_pages.chapters()))
    }
    assert not wrong


def test_every_chapter_leads_to_the_package():
    for number, document in package_pages.chapters().items():
        notebook = ROOT / f"{document}.ipynb"
        assert package_pages.taught().get(number) or package_pages.used(notebook), document


def test_chapters_are_told_by_the_names_of_their_files():
    chapters = package_pages.chapters()
    assert len(chapters) == len(list((ROOT / "notebooks").glob("*.ipynb")))
    assert chapters["5.6"].startswith("notebooks/05_6_") and chapters["2"].startswith("notebooks/02_")


def test_pages_are_made_without_the_slow_libraries():
    """In a process of its own: there the package is imported with stand-ins for them, and looks the same."""
    settings = yaml.safe_load((ROOT / "_config.yml").read_text(encoding="utf-8"))["sphinx"]["config"]
    code = f"""
import inspect, json, sys, types
sys.path[:0] = {[str(ROOT), str(ROOT / "tools")]}
import package_pages
config = types.SimpleNamespace(autodoc_mock_imports={settings["autodoc_mock_imports"]})
package_pages.import_package(types.SimpleNamespace(config=config))
batches = package_pages.entries()["tlbook.training.Batches"]
print(json.dumps(["keras" in sys.modules, list(package_pages.entries()), str(inspect.signature(batches))]))
"""
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    signature = str(inspect.signature(ENTRIES["tlbook.training.Batches"]))
    assert json.loads(run.stdout) == [False, list(ENTRIES), signature]


def test_a_docstring_says_what_is_taught_and_what_is_only_named():
    text = "Not that of chapter 5.7. Source: A (1999). Taught in\nchapters 2, 3.4 and\n4.3."
    assert package_pages.named_chapters(text) == ["5.7", "2", "3.4", "4.3"]
    assert package_pages.teaching_chapters(text) == ["2", "3.4", "4.3"]
    assert package_pages.teaching_chapters("Source: A (1999) for the cosine. Chapter 4.3.") == ["4.3"]
    assert package_pages.teaching_chapters("It scores 90 % (chapter 4.4).") == []
    assert "tlbook.inputs.tags.spans" in package_pages.taught()["5.6"]


def test_what_a_notebook_uses_is_read_from_its_code(tmp_path):
    cells = [
        "import sys\n\nif 'google.colab' in sys.modules:\n    %pip install -q pretend",
        "from tlbook import data, results as tables\nfrom tlbook.inputs.tags import spans",
        "few = data.subset(data.load_target().train, 20)\ntables.read('x').source\nspans([])",
    ]
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(cell) for cell in cells])
    nbformat.write(notebook, tmp_path / "chapter.ipynb")
    names = ["data.images.load_target", "data.images.subset", "inputs.tags.spans", "results.read"]
    assert package_pages.used(tmp_path / "chapter.ipynb") == [f"tlbook.{name}" for name in names]


def test_names_are_short_as_one_types_them():
    assert package_pages.short_name("tlbook.inputs.tags.spans") == "tags.spans"
    assert package_pages.short_name("tlbook.data.images.load_target") == "data.load_target"
    assert package_pages.short_name("tlbook.heads.classifier") == "heads.classifier"
    assert package_pages.short_name("tlbook.inputs.tags") == "inputs.tags"
    assert package_pages.short_name("tlbook.heads") == "heads"


def example(tags, other):
    """Nothing; its arguments are what counts."""


def to_rst(text, owner=None):
    return package_pages.to_rst(text, tags, owner)


def test_code_becomes_a_link_where_it_names_something_of_the_package():
    assert to_rst("As `spans` does.") == "As :py:obj:`spans <tlbook.inputs.tags.spans>` does."
    assert to_rst("See `tlbook.inputs.tags`.") == "See :py:obj:`tlbook.inputs.tags <tlbook.inputs.tags>`."
    assert to_rst("`data.load_target`") == ":py:obj:`data.load_target <tlbook.data.images.load_target>`"
    assert (
        to_rst("`ValueError`, `re`, `(n, 3)`, `python -m\nx`") == "``ValueError``, ``re``, ``(n, 3)``, ``python -m x``"
    )


def test_an_argument_or_the_thing_itself_is_no_link():
    assert to_rst("`tags` and `spans`", example) == "``tags`` and :py:obj:`spans <tlbook.inputs.tags.spans>`"
    assert to_rst("Beside `spans`", tags.spans) == "Beside ``spans``"


def test_a_wrong_name_of_the_package_stays_a_link_for_sphinx_to_refuse():
    assert to_rst("`tlbook.inputs.tags.nothing`") == ":py:obj:`tlbook.inputs.tags.nothing`"
    assert to_rst("`tlbook.__version__`") == "``tlbook.__version__``", "there, and on no page"


def test_chapters_become_links():
    document = package_pages.chapters()["5.6"]
    assert to_rst("Taught in\nchapter 5.6.") == f"Taught in\nchapter :doc:`5.6 </{document}>`."


def test_a_note_behind_a_section_stands_alone():
    section = "Returns\n-------\nint\n    A number.\n\n    More of it."
    assert to_rst(f"Do.\n\n{section}\n\nRaises nothing.") == f"Do.\n\n{section}\n\n\nRaises nothing."
    assert to_rst("Do.\n\nRaises nothing.") == "Do.\n\nRaises nothing."


def test_examples_stay_as_they_are():
    text = ">>> spans(['O'])  # `spans` in chapter 5.6\n[]"
    assert to_rst(text) == text


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_openings_name_only_what_is_there(page):
    code = "\n".join(re.findall(r"```python\n(.*?)```", page.read_text(encoding="utf-8"), flags=re.S))
    tree, imported = ast.parse(code), {}
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom):
            for alias in node.names:
                module = importlib.import_module(node.module)
                imported[alias.name] = getattr(module, alias.name, None) or importlib.import_module(
                    f"{node.module}.{alias.name}"
                )
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id in imported:
            assert hasattr(imported[node.value.id], node.attr), f"{node.value.id}.{node.attr}"
