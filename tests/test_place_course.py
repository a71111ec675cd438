"""The students' zip in a place: untouched it gets to its end, solved it runs, with its own files around it."""

import dataclasses
import os
import pathlib
import subprocess
import sys
import sysconfig

import nbformat
import pytest
from small_course import small_notebook, write_small

import place_course
import place_environments
import place_runner
import places
from course import build

FAKE = place_environments.Place(name="colab", requirements=((),), cores=1)


@pytest.fixture
def zips(tmp_path):
    """Write the zips of a small assignment with other files in the students' one; return their folder."""

    def write(beside=None, task=None):
        task = task or write_small(tmp_path)
        build.pack(tmp_path / "course-students.zip", build.for_students([task]) | (beside or {}))
        build.pack(tmp_path / "course-teachers.zip", build.for_teachers([task]))
        return tmp_path

    return write


def changed(folder, cell):
    """Write the small assignment with a first cell of code, and return it."""
    notebook = small_notebook()
    notebook.cells.insert(1, nbformat.v4.new_code_cell(cell))
    task = write_small(folder)
    task.path.write_text(nbformat.writes(notebook), encoding="utf-8")
    return type(task)(task.folder)


def test_each_assignment_is_there_as_it_is_and_solved_and_the_rest_as_it_stands(zips):
    found = place_course.unpacked(zips(build.capstone()))
    names = ["course/untouched/small", "course/solved/small", "course/solved/capstone/template"]
    untouched, solved, template = (found.pop(name).read_text(encoding="utf-8") for name in names)
    assert "YOUR CODE HERE" in untouched and "YOUR CODE HERE" not in solved and "return a + b" in solved
    assert all("tlbook-*.whl" in text for text in (untouched, solved, template)), "the first cell installs the package"
    assert not found


def test_students_notebooks_run_where_students_are_and_chapters_where_they_were():
    known = place_environments.places()
    runs = {name for name in known if places.runs(known[name], "course/solved/06_choosing")}
    assert runs == set(place_course.PLACES) == {"colab", "binder"}
    assert places.runs(known["torch"], "02_three_stages")


def test_a_chapter_is_measured_as_ever(tmp_path, monkeypatch):
    monkeypatch.setattr(place_course.place_measure, "measure", lambda *one, **more: (one, more))
    path = tmp_path / "elsewhere" / "a.ipynb"
    assert place_course.measure(tmp_path / "zips", FAKE, "python", path) == ((FAKE, "python", path), {})


READS = "import pathlib\nassert pathlib.Path('README.txt').exists(), sorted(pathlib.Path().iterdir())"


@pytest.mark.slow
def test_untouched_and_solved_they_run_among_the_files_of_the_zip(zips, tmp_path):
    folder = zips(task=changed(tmp_path, READS))
    for path in place_course.unpacked(folder).values():
        row = place_course.measure(folder, FAKE, sys.executable, path)
        assert row["passed"] and row["error"] == "" and row["seconds"] > 0 and row["tlbook"]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("cell", "kind", "words"),
    [
        ("import nowhere", "untouched", "ModuleNotFoundError: No module named 'nowhere'"),
        ("open('assignment.ipynb')", "solved", "FileNotFoundError: [Errno 2] No such file"),
    ],
)
def test_what_no_missing_answer_explains_is_an_error(zips, tmp_path, cell, kind, words):
    folder = zips(task=changed(tmp_path, cell))
    row = place_course.measure(folder, FAKE, sys.executable, place_course.unpacked(folder)[f"course/{kind}/small"])
    assert row["error"].startswith(words) and not row["passed"]


@pytest.mark.parametrize(
    ("raised", "words"),
    [
        (["NotImplementedError", "NameError", "NotImplementedError"], ""),
        (["NotImplementedError", "NameError", "OSError"], "OSError: 2"),
        (["NameError", "NotImplementedError"], "NameError: 0"),  # before any answer is missing
        ([], "nothing is missing in it, and answers should be"),
    ],
)
def test_an_unfinished_notebook_fails_first_where_an_answer_is_missing(raised, words):
    cells = [nbformat.v4.new_markdown_cell("a"), nbformat.v4.new_code_cell("b")]
    for number, name in enumerate(raised):
        output = nbformat.v4.new_output("error", ename=name, evalue=str(number), traceback=[])
        cells.append(nbformat.v4.new_code_cell("c", outputs=[output]))
    assert place_runner._unexpected(cells) == words


@pytest.fixture
def without_tlbook(tmp_path, monkeypatch):
    """An environment with all that is installed here, but for the book's package: return its interpreter."""
    packages = tmp_path / "packages"
    packages.mkdir()
    for path in pathlib.Path(sysconfig.get_path("purelib")).iterdir():
        if not path.name.startswith(("tlbook", "__editable__")):
            (packages / path.name).symlink_to(path)
    monkeypatch.setenv("PYTHONPATH", str(packages))
    monkeypatch.setenv("JUPYTER_PREFER_ENV_PATH", "1")
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", tmp_path / "venv"], check=True)
    python = tmp_path / "venv" / "bin" / "python"
    subprocess.run([python, "-m", "ipykernel", "install", "--sys-prefix"], check=True, capture_output=True)
    return python


@pytest.mark.slow
@pytest.mark.skipif(os.name != "posix", reason="needs links")
def test_the_first_cell_installs_the_package_of_the_zip(zips, tmp_path, without_tlbook):
    cell = "import sys, tlbook\nassert tlbook.__file__.startswith(sys.prefix), tlbook.__file__"
    folder = zips(dict([build.wheel()]), changed(tmp_path, cell))
    place = dataclasses.replace(FAKE, package=(".",))
    path = place_course.unpacked(folder)["course/solved/small"]
    row = place_course.measure(folder, place, without_tlbook, path)
    assert row["error"] == "" and row["tlbook"], "the package is there now"


def test_a_copy_of_the_package_is_taken_away_and_the_folder_of_the_book_is_not(monkeypatch):
    asked = []
    monkeypatch.setattr(place_environments, "_run", lambda place, *command, **more: asked.append(command[-1]))
    for package in (place_environments.HERE, (".",)):
        place_environments.remove_package(dataclasses.replace(FAKE, package=package), pathlib.Path(sys.executable))
    assert asked == ["tlbook"]
