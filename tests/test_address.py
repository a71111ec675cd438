"""The public address: set in one place, repeated nowhere by hand, and promised by nothing while it is a placeholder."""

import importlib.metadata
import pathlib
import shutil
import subprocess
import sys
import types

import nbformat
import pytest
import yaml
from jupyter_book.sphinx import build_sphinx
from test_build import write_book

import address
import colab_cell
import launch
import store_notebooks
from tlbook.files import cache

ROOT = pathlib.Path(__file__).parents[1]
URL = "https://github.com/some-owner/transfer-learning"
PUBLIC = {"url": URL, "branch": "main"}
NOBODY = {"url": address.PLACEHOLDER, "branch": "main"}


@pytest.fixture
def root(tmp_path):
    """A folder with the files that hold the address, before it was set."""
    for name in ("_config.yml", "CITATION.cff"):
        shutil.copy(ROOT / name, tmp_path / name)
    address.write("", tmp_path)
    return tmp_path


def texts(root):
    return {path.name: path.read_text(encoding="utf-8") for path in root.iterdir()}


def test_it_is_written_wherever_a_file_needs_it_and_taken_back(root, capsys):
    before = texts(root)
    address.write(URL, root)
    after = texts(root)
    assert address.repository(root) == PUBLIC
    assert yaml.safe_load(after["CITATION.cff"])["repository-code"] == URL
    for name, text in after.items():
        assert [line for line in text.splitlines() if URL not in line] == [
            line for line in before[name].splitlines() if address.PLACEHOLDER not in line
        ], "comments and all the rest stay"
    capsys.readouterr()
    address.write(URL, root)
    assert texts(root) == after and capsys.readouterr().out == "", "a second time changes nothing"
    address.write("", root)
    assert texts(root) == before


@pytest.mark.parametrize("given", [URL, f"{URL}/", f"{URL}.git", f"{URL}.git/"])
def test_one_form_of_it_is_written(given):
    assert address.check(given) == URL


@pytest.mark.parametrize(
    "given",
    [
        "http://github.com/owner/name",
        "https://github.com/owner",
        "https://github.com/owner/name/tree/main",
        "https://github.com/owner/..",
        "https://github.com.example.org/owner/name",
        "https://owner:secret@github.com/owner/name",
        "https://github.com/owner/na me",
        "https://github.com/owner/name\n",
        "git@github.com:owner/name.git",
    ],
)
def test_anything_else_is_refused_and_nothing_is_written(root, given):
    before = texts(root)
    with pytest.raises(ValueError) as caught:
        address.write(given, root)
    assert repr(given) in str(caught.value) and "expected https://github.com/OWNER/REPOSITORY" in str(caught.value)
    assert texts(root) == before


def test_an_address_that_cannot_be_written_leaves_the_files_whole(root, monkeypatch):
    before = (root / "_config.yml").read_bytes()
    monkeypatch.setattr(cache.os, "replace", lambda *_: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        address.write(URL, root)
    assert (root / "_config.yml").read_bytes() == before and not list(root.glob("*.partial"))


def test_the_command_says_what_is_wrong_and_which_address_holds(monkeypatch, capsys):
    monkeypatch.setattr(address, "write", address.check)
    assert address.main(["github.com/owner"]).startswith("URL: got 'github.com/owner'")
    assert address.main([]) is None
    assert capsys.readouterr().out.startswith(f"The address of the book: {address.repository()['url']}")


@pytest.mark.skipif(not shutil.which("make"), reason="needs make")
@pytest.mark.parametrize("given, argument", [([f"URL={URL}"], f" '{URL}'"), (["URL="], " ''"), ([], "")])
def test_make_passes_on_what_stands_on_its_command_line_alone(monkeypatch, tmp_path, given, argument):
    monkeypatch.setenv("URL", "https://elsewhere.example")
    (tmp_path / "ready").touch()
    command = ["make", "-n", "--no-print-directory", "-o", str(tmp_path / "ready"), f"READY={tmp_path / 'ready'}"]
    run = subprocess.run([*command, "address", *given], capture_output=True, text=True, cwd=ROOT)
    first, second = run.stdout.splitlines()
    assert first.rstrip() == f".venv/bin/python tools/address.py{argument}"
    assert second.endswith("tools/store_notebooks.py")


@pytest.mark.parametrize("url, placeholder", [(address.PLACEHOLDER, True), (URL, False), ("", False)])
def test_a_placeholder_is_known_by_its_host(url, placeholder):
    assert address.is_placeholder(url) is placeholder
    assert not address.is_placeholder("https://github.com/owner/example.invalid")


@pytest.fixture
def colab(monkeypatch, tmp_path):
    """Return a function that runs the cell as if on Colab, and gives back the commands that it started."""
    there = {"numpy": "2.1.3", "keras": "3.13.2", "protobuf": "5.29.5", "pandas": "2.2.2", None: "1"}
    monkeypatch.chdir(tmp_path)
    monkeypatch.setitem(sys.modules, "google.colab", types.ModuleType("google.colab"))
    distributions = [types.SimpleNamespace(name=name) for name in there]
    monkeypatch.setattr(importlib.metadata, "distributions", lambda: distributions)
    monkeypatch.setattr(importlib.metadata, "version", there.__getitem__)

    def run(repository, returncode=0):
        commands = []

        def pip(command, **_):
            commands.append(command)
            return subprocess.CompletedProcess(command, returncode, "", "ERROR: no network")

        monkeypatch.setattr(subprocess, "run", pip)
        exec(compile(colab_cell.source(**repository), "cell", "exec"), {"__name__": "__main__"})
        return commands

    return run


def test_colab_installs_from_the_address_and_moves_nothing_of_its_own(colab, tmp_path):
    (command,) = colab(PUBLIC)
    assert command[:4] == [sys.executable, "-m", "pip", "install"] and "--no-deps" not in command
    assert command[-1] == f"tlbook[speech,search] @ git+{URL}@main"
    constraints = tmp_path / command[command.index("-c") + 1]
    assert constraints.read_text().split() == ["keras==3.13.2", "numpy==2.1.3", "protobuf==5.29.5"]


def test_colab_says_why_an_installation_failed_and_stops(colab):
    with pytest.raises(RuntimeError, match="ERROR: no network"):
        colab(PUBLIC, returncode=1)


def test_colab_stops_with_one_sentence_while_there_is_no_address(colab, tmp_path):
    with pytest.raises(RuntimeError, match="^The book has no public address yet"):
        colab(NOBODY)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("repository", [PUBLIC, NOBODY])
def test_elsewhere_the_cell_does_nothing(monkeypatch, repository):
    monkeypatch.delitem(sys.modules, "google.colab", raising=False)
    names = {}
    exec(colab_cell.source(**repository), names)
    assert set(names) - {"__builtins__"} == {"sys"}


@pytest.mark.parametrize("repository", [PUBLIC, NOBODY])
def test_the_cell_fits_the_page(repository):
    assert max(map(len, colab_cell.source(**repository).splitlines())) <= 84


def test_notebooks_get_the_cell_whatever_stood_there():
    lesson = nbformat.v4.new_code_cell("print(1)", id="lesson")
    older = nbformat.v4.new_code_cell("'google.colab'\n%pip install tlbook", metadata={"tags": ["remove-cell"]})
    written = [
        store_notebooks.stored_form(nbformat.writes(nbformat.v4.new_notebook(cells=cells)), PUBLIC)
        for cells in ([lesson], [older, lesson])
    ]
    assert written[0] == written[1] == store_notebooks.stored_form(written[0], PUBLIC)
    first, second = nbformat.reads(written[0], 4).cells
    assert first.source == colab_cell.source(**PUBLIC) and first.metadata.tags == ["remove-cell"]
    assert second.source == "print(1)"


def config(url):
    options = {"launch_buttons": {"colab_url": "x"}, "repository_url": url, "repository_branch": "main"}
    return types.SimpleNamespace(html_theme_options=options | {"use_repository_button": True})


def test_buttons_are_hidden_while_there_is_no_address():
    hidden, shown = config(address.PLACEHOLDER), config(URL)
    for one in (hidden, shown):
        launch.hide_buttons(None, one)
    assert shown == config(URL)
    assert not any(hidden.html_theme_options[name] for name in ("launch_buttons", "use_repository_button"))
    assert address.PLACEHOLDER not in hidden.html_theme_options.values()


@pytest.mark.slow
def test_a_page_has_launch_buttons_only_where_they_lead_somewhere(tmp_path):
    config = yaml.safe_load((ROOT / "_config.yml").read_text(encoding="utf-8"))
    config = {name: config[name] for name in ("title", "repository", "launch_buttons", "only_build_toc_files")}
    config["sphinx"] = {"local_extensions": {"launch": str(ROOT / "tools")}}
    book, out = write_book(tmp_path / "book", page=["print(1 + 1)"]), tmp_path / "html"
    settings = {"external_toc_path": str(book / "_toc.yml"), "nb_execution_mode": "off", "latex_individualpages": False}
    for url in (address.PLACEHOLDER, URL):
        config["repository"]["url"] = url
        (book / "_config.yml").write_text(yaml.safe_dump(config))
        path = {"path_config": book / "_config.yml"}
        assert (
            build_sphinx(book, out, noconfig=True, **path, confoverrides=dict(settings), freshenv=True, quiet=True) == 0
        )
        html = (out / "page.html").read_text(encoding="utf-8")
        for host in ("mybinder.org/v2/gh", "colab.research.google.com/github"):
            assert (f"{host}/some-owner/transfer-learning" in html) == (url == URL)
        assert ("mybinder" in html) == (url == URL) and address.PLACEHOLDER not in html
        assert "_sources/page.ipynb" in html, "the button for the download stays"


def test_the_book_hides_its_buttons():
    """The extension is in use, and not only there."""
    sphinx = yaml.safe_load((ROOT / "_config.yml").read_text(encoding="utf-8"))["sphinx"]
    assert "launch" in sphinx["local_extensions"] and "launch" in sphinx["config"]["extensions"]
