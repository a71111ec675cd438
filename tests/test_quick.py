"""`make quick`: the tests that a change touches, and no others."""

import subprocess

import pytest

import quick

FILES = {
    "tlbook/__init__.py": "",
    "tlbook/data/__init__.py": "",
    "tlbook/data/images.py": "from tlbook.files import cache",
    "tlbook/data/drawings/cats.npz": "",
    "tlbook/files/__init__.py": "",
    "tlbook/files/cache.py": "",
    "tlbook/figures.py": "",
    "tools/draw.py": "from tlbook.data import images",
    "tests/conftest.py": "from tlbook.files import cache",
    "tests/test_book.py": "import re",
    "tests/test_figures.py": "from tlbook import figures",
    "tests/test_draw.py": "import draw",
    "tests/files/test_cache.py": "def test():\n    from tlbook.files import cache",
}


@pytest.fixture
def tree(tmp_path):
    for name, source in FILES.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(source)
    return tmp_path


@pytest.mark.parametrize(
    "changed, tests",
    [
        ("tlbook/figures.py", {"tests/test_figures.py"}),
        ("tlbook/files/cache.py", {"tests/files/test_cache.py", "tests/test_draw.py"}),
        ("tlbook/data/images.py", {"tests/test_draw.py"}),
        ("tlbook/data/drawings/cats.npz", {"tests/test_draw.py"}),
        ("tools/draw.py", {"tests/test_draw.py"}),
        ("tests/test_figures.py", {"tests/test_figures.py"}),
        ("notebooks/01_background.ipynb", {"tests/test_book.py"}),
        ("results/sentiment.csv", {"tests/test_book.py"}),
        ("constraints.txt", {"tests/test_book.py"}),
        ("LICENSE", set()),
    ],
)
def test_a_change_touches_these_tests(tree, changed, tests):
    assert set(quick.touched_tests([changed], tree)) == tests


def test_the_reason_names_what_changed(tree):
    reasons = quick.touched_tests(["tests/test_figures.py", "tlbook/figures.py"], tree)
    assert reasons == {"tests/test_figures.py": "tests/test_figures.py and 1 more"}


def test_a_change_is_what_others_do_not_have(tmp_path, monkeypatch):
    def git(*arguments):
        identity = ["-c", "user.name=A", "-c", "user.email=a@b.c", "-c", "commit.gpgsign=false"]
        subprocess.run(["git", *identity, *arguments], cwd=tmp_path, check=True, capture_output=True)

    monkeypatch.setattr(quick, "ROOT", tmp_path)
    git("init", "-b", "main")
    for name in ("first", "second", "third"):
        (tmp_path / name).write_text("")
    git("add", "first")
    git("commit", "-m", "one")
    assert quick.changed_files() == ["second", "third"]
    git("update-ref", "refs/remotes/origin/main", "HEAD")
    git("add", "second")
    git("commit", "-m", "two")
    (tmp_path / "first").write_text("changed")
    assert quick.changed_files() == ["first", "second", "third"]
