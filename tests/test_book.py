"""The book as files: its contents, its links and its records. Nothing is executed or built here."""

import json
import pathlib
import re
import tomllib

import nbformat
import pytest
import yaml
from sphinx_external_toc.parsing import parse_toc_yaml

import address
import colab_cell
import store_notebooks

ROOT = pathlib.Path(__file__).parents[1]
NOTEBOOKS = sorted((ROOT / "notebooks").glob("*.ipynb"))
PAGES = sorted((ROOT / "book").rglob("*.md"))
RESULTS = sorted((ROOT / "results").glob("*.csv"))

each_notebook = pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
each_document = pytest.mark.parametrize("path", PAGES + NOTEBOOKS, ids=lambda path: path.stem)


def cells(path, kind=None):
    notebook = nbformat.read(path, as_version=4)
    return [cell for cell in notebook.cells if kind in (None, cell.cell_type)]


def prose(path):
    """The text of a page or notebook, less its code."""
    if path.suffix == ".ipynb":
        text = "\n\n".join(cell.source for cell in cells(path, "markdown"))
    else:
        text = path.read_text(encoding="utf-8")
    return re.sub(
        r"^(`{3,})(?!\{(?:note|tip|warning|admonition|dropdown|figure|image)).*?^\1$", "", text, flags=re.M | re.S
    )


def labels():
    everything = "\n".join(prose(path) for path in PAGES + NOTEBOOKS)
    return set(re.findall(r"^\(([\w:-]+)\)=$|\$\$ \(([\w:-]+)\)$|^:(?:name|label): (\S+)$", everything, flags=re.M))


def test_contents_and_files_agree():
    listed = {str(name) for name in parse_toc_yaml(ROOT / "_toc.yml")}
    there = {str(path.relative_to(ROOT).with_suffix("")) for path in PAGES + NOTEBOOKS}
    assert listed == there, "_toc.yml (left) and the files (right) differ"


def test_every_chapter_is_in_the_map():
    mapped = set(re.findall(r"\{doc\}`/notebooks/(\w+)`", (ROOT / "book/map.md").read_text(encoding="utf-8")))
    assert mapped == {path.stem for path in NOTEBOOKS}


@each_notebook
def test_notebook_is_stored_clean(path):
    notebook = nbformat.read(path, as_version=nbformat.NO_CONVERT)
    nbformat.validate(notebook)
    assert (notebook.nbformat, notebook.nbformat_minor) >= (4, 5), "cells need ids: save it as nbformat 4.5"
    assert notebook.metadata.kernelspec.name == "python3"
    for cell in cells(path, "code"):
        assert not cell.outputs and cell.execution_count is None, f"stored with outputs: {cell.source[:60]}"
        assert "execution" not in cell.metadata, "stored with times, which change at every run"


@each_notebook
def test_notebook_is_stored_in_the_one_form(path):
    text = path.read_bytes().decode("utf-8")
    written = nbformat.writes(nbformat.reads(text, as_version=nbformat.NO_CONVERT))
    assert text == written.rstrip("\n") + "\n", "not as nbformat writes it: run `make notebooks`"
    assert text == store_notebooks.stored_form(text, address.repository()), (
        "not in the form that is stored: run `make notebooks`"
    )


def test_a_notebook_that_ran_is_stored_without_a_trace_of_it():
    path = NOTEBOOKS[0]
    notebook = nbformat.read(path, as_version=4)
    for count, cell in enumerate(notebook.cells):
        if cell.cell_type == "code":
            cell.outputs, cell.execution_count = [nbformat.v4.new_output("stream", text="ran")], count
            cell.metadata["execution"] = {"iopub.execute_input": "now"}
    notebook.metadata.language_info["version"] = "3.12"
    notebook.metadata.kernelspec["display_name"] = "mine"
    ran = json.dumps(notebook)  # another order, and all on one line
    assert ran != path.read_text(encoding="utf-8")
    assert store_notebooks.stored_form(ran, address.repository()) == path.read_text(encoding="utf-8")


@each_notebook
def test_the_first_cell_is_the_one_for_colab(path):
    first = cells(path)[0]
    assert first.source == colab_cell.source(**address.repository()), "run `make notebooks`"
    assert first.metadata.tags == ["remove-cell"]


@each_document
def test_links_lead_somewhere(path):
    text = prose(path)
    works = set(re.findall(r"^@\w+\{(\w+),", (ROOT / "book/references.bib").read_text(encoding="utf-8"), flags=re.M))
    cited = {key.strip() for keys in re.findall(r"\{cite(?::\w+)?\}`([^`]+)`", text) for key in keys.split(",")}
    assert cited <= works, "not in book/references.bib"
    for target in re.findall(r"\{doc\}`(?:[^`<]*<)?([^`>]+)>?`", text):
        name = ROOT / target.lstrip("/") if target.startswith("/") else path.parent / target
        assert any(name.with_name(name.name + ending).exists() for ending in (".md", ".ipynb")), target
    known = {label for found in labels() for label in found if label}
    for target in re.findall(r"\{(?:ref|numref|eq)\}`(?:[^`<]*<)?([^`>]+)>?`", text):
        assert target in known, f"no label {target}"
    text = re.sub(r"\$\$.*?\$\$", "", text, flags=re.S)  # in a formula, brackets side by side are no link
    for target in re.findall(r"\]\(([^)\s]+)\)", text) + re.findall(r"\{(?:image|figure)\} (\S+)", text):
        if not re.match(r"(https?:|mailto:|#)", target):
            assert (path.parent / target.split("#")[0]).exists(), target


@pytest.mark.parametrize("path", PAGES, ids=lambda path: path.stem)
def test_code_on_a_page_fits_its_column(path):
    for block in re.findall(r"^```[^\n]*\n(.*?)^```", path.read_text(encoding="utf-8"), flags=re.M | re.S):
        assert not [line for line in block.splitlines() if len(line) > 84]


def test_nothing_names_the_machine_it_was_written_on():
    folders = ["book", "notebooks", "tlbook", "experiments", "results", "tests", "tools", "binder"]
    endings = {".md", ".ipynb", ".py", ".csv", ".txt", ".cjs", ".css", ".js", ".bib", ".cff", ".yml", ".toml", ""}
    files = [path for folder in folders for path in (ROOT / folder).rglob("*")] + list(ROOT.iterdir())
    home = re.compile(r"(?<![\w.{/])/(?:home|root|Users|work|farm)/\w")
    for path in files:
        if path.is_file() and path.suffix in endings and "__pycache__" not in path.parts:
            assert not (found := home.search(path.read_text(encoding="utf-8"))), f"{path}: {found[0]}"


def pins(name):
    lines = (ROOT / name).read_text(encoding="utf-8").splitlines()
    found = [re.match(r"([\w.-]+)==([^\s;]+)", line) for line in lines if not line.startswith(("#", "-c ", "-r "))]
    if "-e ." in lines:  # the package itself
        found.remove(None)
    assert all(found), f"{name}: every line must pin an exact version"
    return {match[1].lower().replace("_", "-"): match[2] for match in found}


def test_pins_agree():
    everything = pins("constraints.txt")
    direct = pins("requirements.txt") | pins("requirements-dev.txt")
    assert direct.pop("tensorflow") == direct["tensorflow-cpu"]  # the first only where there is no tensorflow-cpu
    assert direct.items() <= everything.items()


def test_pins_cover_the_package():
    declared = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["dependencies"]
    names = {re.match(r"[\w.-]+", line)[0].lower() for line in declared}
    assert names <= set(pins("constraints.txt"))
    assert names - {"ipython"} <= set(pins("requirements.txt"))  # ipykernel brings IPython along


def test_readers_install_what_they_need_and_nothing_of_the_authors():
    readers, authors = pins("requirements.txt"), pins("requirements-dev.txt")
    assert {"jupyter-book", "jupyterlab", "keras", "tensorflow", "matplotlib", "nbval"} <= set(readers)
    assert "-e ." in (ROOT / "requirements.txt").read_text(encoding="utf-8").splitlines()
    assert {"pytest", "ruff", "nbdime"} <= set(authors) and not set(readers) & set(authors)


def test_binder_installs_what_a_kernel_needs():
    needed = pins("requirements.txt")
    del needed["jupyter-book"], needed["latex2mathml"], needed["nbval"]
    assert pins("binder/requirements.txt") == needed


@pytest.mark.parametrize("line", ["keras", "keras>=3", "keras~=3.15", "-e ./other", "-e .\n-e ."])
def test_a_missing_or_loose_pin_is_found(tmp_path, monkeypatch, line):
    (tmp_path / "requirements.txt").write_text(f"# a comment\n-c constraints.txt\nnumpy==2.4.6\n{line}\n")
    monkeypatch.setitem(globals(), "ROOT", tmp_path)
    with pytest.raises(AssertionError, match="exact version"):
        pins("requirements.txt")


def test_citation_has_what_it_needs_and_the_title_of_the_book():
    citation = yaml.safe_load((ROOT / "CITATION.cff").read_text(encoding="utf-8"))
    assert {"cff-version", "message", "title", "authors"} <= set(citation)
    assert citation["title"] == yaml.safe_load((ROOT / "_config.yml").read_text(encoding="utf-8"))["title"]


def test_the_address_of_the_repository_stands_in_one_place():
    url = address.repository()["url"]
    assert address.check(url) == url
    cited = yaml.safe_load((ROOT / "CITATION.cff").read_text(encoding="utf-8")).get("repository-code")
    assert cited == (None if address.is_placeholder(url) else url), "run `make address`"
    for path in [*PAGES, ROOT / "README.md", ROOT / "CONTRIBUTING.md", ROOT / "pyproject.toml"]:
        assert url not in path.read_text(encoding="utf-8"), f"{path.name} repeats the address in _config.yml"
    for path in NOTEBOOKS:
        written = "\n".join(cell.source for cell in cells(path)[1:])
        assert url not in written, f"{path.name} repeats the address in _config.yml"


@each_notebook
def test_no_notebook_installs_the_package_by_its_bare_name(path):
    """The name belongs to nobody on a package index: whoever took it could run code in the accounts of readers."""
    assert not installs_bare_name("\n".join(cell.source for cell in cells(path)))


def installs_bare_name(text):
    return re.search(r"^.*\binstall\b(?:[^#\n]*[\s\"'])?tlbook(?!\w)(?!\S* @ )", text, flags=re.M) is not None


@pytest.mark.parametrize(
    "line", ["%pip install tlbook", "!pip install -q 'tlbook[speech]'", '"install", "-q", "tlbook"']
)
def test_a_bare_name_is_found(line):
    assert installs_bare_name(f"import sys\n{line}")
    assert not installs_bare_name('pip install "tlbook[speech] @ git+https://github.com/a/tlbook@main"\nimport tlbook')
