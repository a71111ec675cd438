"""Reading imports: which modules a source text reaches, with nothing run."""

import pytest

import imports

SOURCES = {
    "tlbook/__init__": "",
    "tlbook/data/__init__": "from tlbook.data.images import load",
    "tlbook/data/images": "from tlbook.files import sources",
    "tlbook/data/digits": "raise SystemExit('never run')",
    "tlbook/files/__init__": "",
    "tlbook/files/sources": "",
    "tlbook/__main__": "def main():\n    from tlbook.data import digits",
    "experiments/__init__": "",
    "experiments/one": "import tlbook.files.sources as sources",
    "tools/build": "import other",
    "tools/other": "",
}


@pytest.fixture
def known(tmp_path):
    for name, source in SOURCES.items():
        path = tmp_path / f"{name}.py"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(source)
    return imports.modules(tmp_path)


def test_modules_are_known_by_their_dotted_names(known):
    assert {"tlbook", "tlbook.data", "tlbook.data.images", "experiments.one", "build", "other"} <= set(known)
    assert known["tlbook.data"].name == "__init__.py"


@pytest.mark.parametrize(
    "text, found",
    [
        ("import tlbook.data.digits", {"tlbook.data.digits"}),
        ("from tlbook.data import digits", {"tlbook.data.digits"}),
        ("from tlbook.data import load", {"tlbook.data"}),
        ("from tlbook.data import digits, load", {"tlbook.data.digits", "tlbook.data"}),
        ("from tlbook import data as d", {"tlbook.data"}),
        ("from tlbook.data.images import load", {"tlbook.data.images"}),
        ("from tlbook.data import *", {"tlbook.data"}),
        ("import os, numpy.linalg\nfrom keras import layers", set()),
        ("def f():\n    if True:\n        from tlbook import data", {"tlbook.data"}),
        ("run([sys.executable, '-m', 'tlbook.data.digits', name])", {"tlbook.data.digits"}),
        ("run((sys.executable, '-m', 'tlbook', *rest))", {"tlbook.__main__"}),
        ("run([sys.executable, '-m', 'pip'])", set()),
        ("import other", {"other"}),
    ],
)
def test_imports_are_read(known, text, found):
    assert imports.imported(text, known) == found


@pytest.mark.parametrize(
    "text, found",
    [
        ("from . import digits", {"tlbook.data.digits"}),
        ("from .images import load", {"tlbook.data.images"}),
        ("from ..files import sources", {"tlbook.files.sources"}),
        ("from .. import files", {"tlbook.files"}),
        ("from . import load", {"tlbook.data"}),
    ],
)
def test_imports_with_dots_are_read(known, text, found):
    assert imports.imported(text, known, "tlbook.data") == found


def test_what_is_reached_includes_the_packages_on_the_way_and_what_they_import(known):
    links = imports.graph(known)
    assert imports.reached(["tlbook.files.sources"], links) == {"tlbook", "tlbook.files", "tlbook.files.sources"}
    files = {"tlbook", "tlbook.files", "tlbook.files.sources"}
    assert imports.reached(["tlbook.data.digits"], links) == files | {
        "tlbook.data",
        "tlbook.data.images",
        "tlbook.data.digits",
    }
    assert imports.reached(["build"], links) == {"build", "other"}
    assert imports.reached([], links) == set()
