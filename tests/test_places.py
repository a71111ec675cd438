"""Where the book runs: environments, limits, the table that resumes, and the page that shows it."""

import csv
import dataclasses
import json
import os
import pathlib
import re
import sys
import time

import nbformat
import psutil
import pytest
from bs4 import BeautifulSoup
from conftest import lives
from sphinx_external_toc.parsing import parse_toc_yaml

import imports
import page_parts
import place_environments
import place_measure
import place_memory
import places
from tlbook import results

ROOT = pathlib.Path(__file__).parents[1]
NOTEBOOKS = sorted((ROOT / "notebooks").glob("*.ipynb"))
PLACES = place_environments.places()
FAKE = place_environments.Place(name="fake", requirements=((),), cores=1)
# A gigabyte in all where nothing stops it: in blocks, since a watcher looks ten times a second.
GREEDY = "kept = [bytearray(b'1') * 10_000_000 for _ in range(100)]\nwhile True: sum(range(10**6))"


def write_notebook(path, *cells):
    cells = [nbformat.v4.new_markdown_cell("# A page"), *map(nbformat.v4.new_code_cell, cells)]
    nbformat.write(nbformat.v4.new_notebook(cells=cells), path)
    return path


@pytest.fixture
def book(tmp_path):
    """A repository with two notebooks, and a table that is not there yet."""
    for name in ("notebooks", "tlbook", "results"):
        (tmp_path / name).mkdir()
    (tmp_path / "tlbook" / "__init__.py").write_text("")
    (tmp_path / "tlbook" / "heads.py").write_text("")
    write_notebook(tmp_path / "notebooks" / "01_one.ipynb", "a = 1")
    write_notebook(tmp_path / "notebooks" / "02_two.ipynb", "from tlbook import heads")
    return tmp_path


@pytest.fixture
def record(book):
    """Record with a run that is pretended; return what it ran, and what failed."""

    def call(run=None, version="3.15", only=(), there=None):
        ran = []

        def pretend(place, python, notebook):
            ran.append((place.name, notebook.stem))
            return (run or figures)(notebook)

        both = there or {"fake": FAKE, "other": dataclasses.replace(FAKE, name="other", chapters=("two",))}
        notebooks = {path.stem: path for path in sorted((book / "notebooks").glob("*.ipynb"))}
        table = book / "results" / "places.csv"
        failed = places.record(both, notebooks, table, lambda _: ("python", {"keras": version}), pretend, only, book)
        return ran, failed

    return call


def figures(notebook, error=""):
    return {"passed": not error, "seconds": 7.0, "peak_memory_mb": 700, "gflops": 70.0, "error": error}


ALL = [("fake", "01_one"), ("fake", "02_two"), ("other", "02_two")]


def test_each_place_runs_its_notebooks_once(record, book):
    assert record() == (ALL, [])
    assert record() == ([], [])
    with open(book / "results" / "places.csv", newline="") as file:
        rows = list(csv.DictReader(file))
    assert list(rows[0]) == list(places.COLUMNS) and [(row["place"], row["notebook"]) for row in rows] == ALL


def test_a_run_that_is_killed_goes_on_from_there(record, book):
    def killed(notebook):
        if notebook.stem == "02_two":
            raise KeyboardInterrupt
        return figures(notebook)

    with pytest.raises(KeyboardInterrupt):
        record(killed)
    assert len((book / "results" / "places.csv").read_text().splitlines()) == 2
    assert record()[0] == ALL[1:]


def test_changed_code_and_changed_versions_make_rows_stale_and_words_do_not(record, book):
    record()
    path = book / "notebooks" / "01_one.ipynb"
    path.write_text(path.read_text().replace("# A page", "# Another"))
    assert record()[0] == []
    write_notebook(path, "a = 2")
    assert record()[0] == ALL[:1]
    (book / "tlbook" / "heads.py").write_text("C = 1")
    assert record()[0] == ALL[1:]
    assert record(version="3.16")[0] == ALL


def test_a_stale_row_stays_until_its_successor_is_there_and_a_gone_notebook_goes(record, book):
    record()
    write_notebook(book / "notebooks" / "02_two.ipynb", "a = 2")
    assert record(only=[("fake", "02_two")])[0] == [("fake", "02_two")]
    assert len((book / "results" / "places.csv").read_text().splitlines()) == 4
    (book / "notebooks" / "01_one.ipynb").unlink()
    assert record()[0] == [("other", "02_two")]
    assert "01_one" not in (book / "results" / "places.csv").read_text()


def test_a_failure_is_a_row_and_is_tried_again(record, book):
    failed = ["fake: 02_two failed: no", "other: 02_two failed: no"]
    run = lambda notebook: figures(notebook, error="no" * (notebook.stem == "02_two"))  # noqa: E731
    assert record(run) == (ALL, failed)
    assert (book / "results" / "places.csv").read_text().count(",no,") == 2
    assert record(run) == (ALL[1:], failed)
    assert record() == (ALL[1:], [])


def test_a_place_that_cannot_be_built_is_one_sentence_and_no_row(book):
    def prepare(place):
        raise place_environments.NotBuilt("fake: could not be built: no")

    table = book / "results" / "places.csv"
    notebooks = {path.stem: path for path in (book / "notebooks").glob("*.ipynb")}
    assert places.record({"fake": FAKE}, notebooks, table, prepare, root=book) == ["fake: could not be built: no"]
    assert not table.exists()


def test_pip_s_failure_is_one_sentence(tmp_path):
    with pytest.raises(place_environments.NotBuilt) as caught:
        place_environments._pip(FAKE, sys.executable, "--no-index", "no-such-package", cwd=tmp_path)
    assert re.fullmatch(r"fake: could not be built: ERROR: .*no-such-package.*", str(caught.value))


def test_an_environment_is_built_once_and_again_when_its_requirements_change(tmp_path, monkeypatch):
    (tmp_path / "constraints.txt").write_text("")
    (tmp_path / "needs.txt").write_text("# nothing\n")
    here = ".".join(map(str, sys.version_info[:2]))
    place = dataclasses.replace(FAKE, requirements=(("no-such-package",), ("-r", "needs.txt")), pythons=(here,))
    built = []

    def run(place, *command, cwd, env=None, may_fail=False):
        built.append(command)
        (tmp_path / "venvs" / "fake").mkdir(parents=True, exist_ok=True)
        return "no-such-package" not in command

    monkeypatch.setattr(place_environments, "_run", run)
    for expected in (3, 0):  # the folder, what cannot be had, what is taken in its place
        built.clear()
        python = place_environments.python_of(place, tmp_path, tmp_path / "venvs")
        assert python == tmp_path / "venvs" / "fake" / "bin" / "python" and len(built) == expected
    (tmp_path / "needs.txt").write_text("numpy==2.0\n")
    place_environments.python_of(place, tmp_path, tmp_path / "venvs")
    assert built


def test_a_python_that_is_not_there_is_named():
    with pytest.raises(place_environments.NotBuilt, match=r"fake: no Python 2\.5 was found"):
        place_environments.find_python(dataclasses.replace(FAKE, pythons=("2.5",)))


def test_oldest_pins_are_the_bounds_that_the_package_declares(tmp_path):
    (tmp_path / "pyproject.toml").write_text(
        '[project]\ndependencies = ["numpy>=1.26"]\n[project.optional-dependencies]\nkeras = ["keras>=3.10,<4"]\n'
    )
    assert place_environments.oldest(tmp_path / "pyproject.toml") == ["numpy==1.26", "keras==3.10"]
    oldest = place_environments.oldest()
    assert len(oldest) > 15
    assert not [pin for pin in oldest if pin.startswith(("torch", "jax"))], "these have places of their own"


def test_the_page_names_the_places_that_are_measured():
    assert list(results.PLACES) == list(PLACES)


def test_codespaces_asks_for_what_is_measured():
    asked = json.loads((ROOT / ".devcontainer" / "devcontainer.json").read_text())
    needs, place = asked["hostRequirements"], PLACES["codespaces"]
    assert (needs["cpus"], needs["memory"]) == (place.cores, f"{place.memory_mb // 1000}gb")
    assert place.pythons[0] in asked["image"] and asked["postCreateCommand"] == "make setup"


@pytest.mark.parametrize("chapter", place_environments.BACKEND_CHAPTERS)
def test_chapters_for_other_backends_are_plain_keras(chapter):
    found = [path for path in NOTEBOOKS if re.sub(r"^[\d_]+", "", path.stem) == chapter]
    assert len(found) == 1, "the chapter has another name now: mend BACKEND_CHAPTERS"
    known = imports.modules(ROOT, scripts=())
    code = page_parts.code_of(nbformat.read(found[0], as_version=4))
    reached = imports.reached(imports.imported(code, known), imports.graph(known))
    for text in [code, *(known[name].read_text(encoding="utf-8") for name in reached)]:
        assert not re.search(r"^\s*(?:import|from) tensorflow", text, re.MULTILINE)


@pytest.mark.slow
def test_a_notebook_is_measured(tmp_path, monkeypatch):
    monkeypatch.setenv("TLBOOK_DATA", "emoji10")
    path = write_notebook(
        tmp_path / "good.ipynb",
        "import os; kept = bytearray(b'1') * 200_000_000",
        "from tlbook.files.sources import Source; source = Source('CIFAR-10', 'mirror', '')\n"
        "assert len(os.sched_getaffinity(0)) == 1 and os.environ['OPENBLAS_NUM_THREADS'] == '1'",
    )
    row = place_measure.measure(FAKE, sys.executable, path)
    assert row["passed"] and row["error"] == ""
    assert 0 < row["seconds"] < 60 and 0 < row["cpu_seconds"] < 60 and row["gflops"] > 0
    assert 200 < row["peak_memory_mb"] < 400
    assert (row["source"], row["kind"], row["cores"]) == ("CIFAR-10", "mirror", 1)
    assert set(places.COLUMNS) - set(row) == {"place", "notebook", "digest"}


@pytest.mark.slow
def test_a_notebook_that_fails_is_a_row_with_the_first_line_of_its_error(tmp_path):
    path = write_notebook(tmp_path / "bad.ipynb", "a = 1", "raise ValueError('no\\nmore')")
    row = place_measure.measure(FAKE, sys.executable, path)
    assert not row["passed"] and row["error"] == "ValueError: no" and row["seconds"] > 0


@pytest.mark.slow
@pytest.mark.parametrize("cgroups", [True, False])
def test_a_notebook_that_needs_too_much_memory_is_killed(tmp_path, cgroups):
    path = write_notebook(tmp_path / "greedy.ipynb", "a = 1", GREEDY)
    row = place_measure.measure(dataclasses.replace(FAKE, memory_mb=500), sys.executable, path, cgroups)
    assert not row["passed"] and row["error"] == "needs more than 500 MB of memory"


MEASURES = """
import pathlib, sys
sys.path[:0] = {path}
import place_environments, place_measure
place = place_environments.Place(name="fake", requirements=((),), cores=1)
if {what!r} == "notebook":
    place_measure.measure(place, sys.executable, pathlib.Path({notebook!r}))
else:
    code = "import pathlib, time; pathlib.Path({started!r}).touch(); time.sleep(600)"
    place_environments._run(place, sys.executable, "-c", code, cwd=".")
"""


@pytest.mark.slow
@pytest.mark.skipif(os.name == "nt", reason="Windows knows no signals between processes")
@pytest.mark.parametrize("what", ["notebook", "installation"])
def test_a_killed_measurement_leaves_no_process(tmp_path, what):
    started = tmp_path / "started"
    cell = f"import pathlib, time; pathlib.Path({str(started)!r}).touch(); time.sleep(600)"
    notebook = str(write_notebook(tmp_path / "waits.ipynb", cell))
    path = [str(ROOT), str(ROOT / "tools")]
    code = MEASURES.format(path=path, what=what, notebook=notebook, started=str(started))
    process = psutil.Popen([sys.executable, "-c", code])
    deadline = time.monotonic() + 90
    while not started.exists():
        assert process.poll() is None and time.monotonic() < deadline
        time.sleep(0.05)
    below = process.children(recursive=True)
    assert len(below) >= 2  # the runner and its kernel, or the guard and what it guards
    process.kill()
    process.wait()
    deadline = time.monotonic() + 10
    while (left := [one for one in below if lives(one)]) and time.monotonic() < deadline:
        time.sleep(0.1)
    for one in left:
        one.kill()
    assert not left


def test_a_cgroup_that_cannot_be_made_says_so(tmp_path):
    with pytest.raises(OSError, match="no cgroup"):
        place_memory.Cgroup(10**9, os.getpid(), versions=((tmp_path, "memory.max", "memory.events"),))
    assert not list(tmp_path.iterdir())


HEADER = "place,notebook,passed,seconds,peak_memory_mb,gflops,python,keras,error,date\n"
ROWS = f"""{HEADER}\
reference,01_one,True,30,1101,140,3.11.7,3.15.1,,2026-11-25
reference,02_two,True,10,300,70,3.11.7,3.15.1,,2026-11-26
binder,01_one,False,9,1999,35,3.11.7,3.15.1,needs <more> than 2 GB,2026-11-25
reference,gone,True,1000,9000,70,3.11.7,3.15.1,,2026-11-26
"""


@pytest.fixture
def table(monkeypatch, tmp_path):
    monkeypatch.setattr(results, "FOLDER", tmp_path)
    (tmp_path / "places.csv").write_text(ROWS)
    return results.read("places")


@pytest.fixture
def page(table):
    titles = {"01_one": "1 One & all", "02_two": "2 Two", "03_new": "3 New"}
    return BeautifulSoup(results.status(table, titles), "html.parser")


def texts(page, selector):
    return [[part.get_text(" ", strip=True) for part in row.find_all(["th", "td"])] for row in page.select(selector)]


def test_page_shows_every_notebook_in_every_place(page):
    body = {row[0]: dict(zip(results.PLACES, row[1:], strict=True)) for row in texts(page, "tbody tr")}
    assert list(body) == ["1 One & all", "2 Two", "3 New"]
    assert body["1 One & all"]["reference"] == "60 s 1,150 MB"
    assert body["1 One & all"]["binder"] == "✗ failed reason 1"
    assert set(body["3 New"].values()) == {"not measured"} == {body["2 Two"]["jax"]}


def test_page_says_why_it_failed_and_what_all_of_it_takes(page):
    assert page.select_one("#reason-1").text == "1 One & all, Binder: needs <more> than 2 GB (2026-11-25)"
    foot = {row[0]: row[1:] for row in texts(page, "tfoot tr")}
    assert foot["All that passed"][0] == "2 of 2: 1.2 minutes, at most 1,150 MB"
    assert foot["All that passed"][3] == "0 of 1"
    assert foot["Measured"][:2] == ["2026-11-25 to 2026-11-26", "–"]
    assert foot["With"][0] == "Python 3.11.7, Keras 3.15.1"


def test_page_can_be_read_aloud(page):
    assert page.caption.text and page.select_one("[role=region]")["aria-labelledby"] == page.caption["id"]
    assert all(head.has_attr("scope") for head in page.find_all("th"))
    assert page.select_one("tbody a")["href"] == "../notebooks/01_one.html"


def test_page_holds_the_chapters_of_the_table_of_contents():
    listed = [str(name) for name in parse_toc_yaml(ROOT / "_toc.yml") if str(name).startswith("notebooks/")]
    titles = results.titles()
    assert [f"notebooks/{name}" for name in titles] == listed
    assert all(title[0].isdigit() for title in titles.values())


def test_titles_are_first_headings_in_the_order_of_chapters(tmp_path):
    for stem, text in {"02_1_b": "# 2.1 Two", "02_10_c": "intro\n# 2.10 Ten\n# no", "1_a": "# 1 One"}.items():
        cells = [nbformat.v4.new_code_cell("# no"), nbformat.v4.new_markdown_cell(text)]
        nbformat.write(nbformat.v4.new_notebook(cells=cells), tmp_path / f"{stem}.ipynb")
    assert list(results.titles(tmp_path).values()) == ["1 One", "2.1 Two", "2.10 Ten"]


def test_recorded_rows_are_whole_and_keep_the_promises():
    """On the reference laptop at most 90 s and 1.5 GB a notebook."""
    table = results.read("places")
    assert tuple(table.columns) == places.COLUMNS and set(table.place) <= set(results.PLACES)
    assert not table.duplicated(["place", "notebook"]).any()
    passed = table[table.passed]
    assert passed.drop(columns=["isa", "source", "kind", "error"]).notna().all(axis=None)
    assert table[~table.passed].error.notna().all()
    laptop = passed[passed.place == results.REFERENCE]
    assert (results.at_reference(laptop.seconds, laptop.gflops) <= 90).all()
    assert (laptop.peak_memory_mb <= 1500).all()
