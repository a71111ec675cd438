"""The build: it runs what has changed and nothing else, and leaves nothing behind, however it is ended."""

import json
import os
import pathlib
import shutil
import signal
import subprocess
import sys
import time
import types

import jupyter_book.sphinx
import nbformat
import psutil
import pytest
from conftest import write_mirror
from jupyter_cache import get_cache

import build_book
import page_parts
import processes
import workers

ROOT = pathlib.Path(__file__).parents[1]
BUILD = ROOT / "tools" / "build_book.py"
CONFIG = """
title: A tiny book
only_build_toc_files: true
execute:
  execute_notebooks: cache
sphinx:
  config:
    nb_execution_raise_on_error: true
"""
# Waits in C, as a kernel that trains does, until the file `go` is there; a process of its own waits beside it.
WAITS = """
import pathlib, subprocess, sys, time
pathlib.Path("started").write_text("")
if not pathlib.Path("go").exists():
    subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"], start_new_session=True)
    pathlib.Path("waits").write_text("")
    time.sleep(600)
"""


def write_notebook(path, *cells):
    cells = [nbformat.v4.new_markdown_cell("# A page"), *map(nbformat.v4.new_code_cell, cells)]
    metadata = {"kernelspec": {"name": "python3", "display_name": "Python 3"}}
    nbformat.write(nbformat.v4.new_notebook(cells=cells, metadata=metadata), path)


def write_book(folder, **notebooks):
    """Write a book with a page of prose and the given notebooks (name to list of cells)."""
    folder.mkdir(exist_ok=True)
    (folder / "_config.yml").write_text(CONFIG)
    (folder / "index.md").write_text("# A tiny book\n\nHello.\n")
    toc = {"format": "jb-book", "root": "index", "chapters": [{"file": name} for name in notebooks]}
    (folder / "_toc.yml").write_text(json.dumps(toc))
    for name, cells in notebooks.items():
        write_notebook(folder / f"{name}.ipynb", *cells)
    return folder


def write_package(folder, modules):
    """Write a package `tlbook` with the given modules (path to source)."""
    for name, source in modules.items():
        path = folder / "tlbook" / f"{name}.py"
        path.parent.mkdir(parents=True, exist_ok=True)
        for parent in {folder / "tlbook", path.parent}:
            (parent / "__init__.py").touch()
        path.write_text(source)


def build(folder, *options):
    return subprocess.run([sys.executable, BUILD, folder, *options], capture_output=True, text=True)


def parts(folder, code):
    return page_parts.Repository(folder).parts(code)


@pytest.fixture
def package(tmp_path):
    modules = {
        "sound": "",
        "speech": "def load():\n    from tlbook import sound",
        "data/pictures": "",
        "interactive/__init__": "",
        "figures": "from tlbook import results\n\ndef show():\n    results.read('rates')",
        "results": "",
    }
    write_package(tmp_path, modules)
    (tmp_path / "tlbook" / "interactive" / "wheel.html").write_text("")
    (tmp_path / "tlbook" / "data" / "drawings").mkdir()
    (tmp_path / "tlbook" / "data" / "drawings" / "cats.npz").write_text("")
    (tmp_path / "results").mkdir()
    for name in ("rates", "depth"):
        (tmp_path / "results" / f"{name}.csv").write_text("a,b\n1,2\n")
    (tmp_path / "results" / "places.csv").write_text(f"{PLACES}reference,first,1\nreference,second,2\n")
    (tmp_path / "constraints.txt").write_text("keras==3\n")
    return tmp_path


PLACES = "place,notebook,seconds\n"
COMMON = {"Python", "constraints.txt", "tlbook/__init__.py"}


def test_a_page_depends_on_the_modules_it_reaches_and_on_no_other(package):
    assert set(parts(package, "import json")) == COMMON - {"tlbook/__init__.py"}
    assert set(parts(package, "from tlbook import speech")) == COMMON | {"tlbook/speech.py", "tlbook/sound.py"}


def test_a_page_depends_on_the_files_beside_a_module(package):
    html = {"tlbook/interactive/__init__.py", "tlbook/interactive/wheel.html"}
    assert set(parts(package, "from tlbook import interactive")) == COMMON | html
    drawn = {"tlbook/data/__init__.py", "tlbook/data/pictures.py", "tlbook/data/drawings/cats.npz"}
    assert set(parts(package, "from tlbook.data import pictures")) == COMMON | drawn


@pytest.mark.parametrize(
    "call, read",
    [
        ("results.read('depth')", {"depth"}),
        ("results.compare(name='depth', by='seed')", {"depth"}),
        ("[results.read(name) for name in names]", {"depth", "rates", "places"}),
        ("[results.so_far(name, ['arm']) for name in ('depth',)]", {"depth", "rates", "places"}),
        ("list(map(results.read, ('depth',)))", {"depth", "rates", "places"}),
        ("list(results.FOLDER.iterdir())", {"depth", "rates", "places"}),
        ("results.needs('first')", set()),
        ("other.read('depth')", set()),
    ],
)
def test_a_page_depends_on_the_tables_it_reads(package, call, read):
    found = set(parts(package, f"from tlbook import results\n{call}"))
    assert {name for name in found if name.endswith(".csv") and "row" not in name} == {
        f"results/{name}.csv" for name in read
    }


def test_a_page_depends_on_the_tables_that_its_modules_read(package):
    assert "results/rates.csv" in parts(package, "from tlbook import figures")


def test_a_page_depends_on_its_own_row_of_run_times(package):
    code = "from tlbook import results\nprint(results.needs('first'))"
    before = parts(package, code)
    table = package / "results" / "places.csv"
    table.write_text(f"{PLACES}binder,first,9\nreference,first,1\nreference,second,3\nreference,third,1\n")
    assert parts(package, code) == before
    table.write_text(f"{PLACES}reference,first,2\n")
    assert page_parts.changes(before, parts(package, code)) == ["the row of first in results/places.csv changed"]


def test_a_page_that_lists_the_notebooks_depends_on_their_titles(package):
    code = "from tlbook import results\nresults.titles()"
    before = parts(package, code)
    assert page_parts.TITLES in before and page_parts.TITLES not in parts(package, "from tlbook import results")
    (package / "notebooks").mkdir()
    write_notebook(package / "notebooks" / "01_one.ipynb", "a = 1")
    named = parts(package, code)
    assert page_parts.changes(before, named) == [f"{page_parts.TITLES} changed"]
    write_notebook(package / "notebooks" / "01_one.ipynb", "a = 2")
    assert parts(package, code) == named


def test_a_page_depends_on_the_data_that_it_names(monkeypatch, tmp_path):
    """The names are those of the real package; another file in the mirror changes the parts."""
    code = "path = sources.find(assets.FSDD)\nassets.NEEDS"
    assert parts(ROOT, code)["data: FSDD"].startswith("not found")
    assert "data: NEEDS" not in parts(ROOT, code)
    monkeypatch.setenv("TLBOOK_MIRROR", str(tmp_path))
    seen = set()
    for content, note in ((b"1", "A note."), (b"2", "A note."), (b"2", "Another.")):
        write_mirror(tmp_path, {"free-spoken-digit-dataset-1.0.10.zip": content}, note)
        seen.add(parts(ROOT, code)["data: FSDD"])
    assert len(seen) == 3


def test_only_the_chapters_that_hear_depend_on_the_mel_banks():
    words = ("digits", "voice", "speak", "speech", "recurrence")  # the last one moves a voice encoder
    repository, pages = page_parts.Repository(ROOT), {}
    for path in (ROOT / "notebooks").glob("*.ipynb"):
        code = page_parts.code_of(nbformat.read(path, as_version=4))
        pages[path.stem] = repository.parts(code)
    reaching = {name for name, found in pages.items() if "tlbook/inputs/sound.py" in found}
    assert reaching and all(any(word in name for word in words) for name in reaching)
    assert reaching < set(pages)


def test_changes_are_told_in_words():
    before, now = {"a": "1", "b": "1", "c": "1"}, {"a": "1", "b": "2", "d": "1"}
    assert page_parts.changes(before, now) == ["b changed", "c is no longer part of it", "d is new"]


def test_code_for_ipython_is_read_and_code_that_is_none_is_left_out():
    cells = ["%pip install nothing\nimport json", "def broken(:", "x = json"]
    code = page_parts.code_of(nbformat.v4.new_notebook(cells=list(map(nbformat.v4.new_code_cell, cells))))
    assert "import json" in code and "x = json" in code and "broken" not in code


class Book:
    """A book whose pages are put into the cache as if they had run."""

    def __init__(self, folder):
        self.folder = folder
        (folder / "_build" / ".jupyter_cache").mkdir(parents=True, exist_ok=True)
        self.cache = get_cache(str(folder / "_build" / ".jupyter_cache"))

    def due(self):
        return {page.name: page.reasons for page in build_book.find_pages(self.folder, self.cache) if page.reasons}

    def run(self):
        pages = build_book.find_pages(self.folder, self.cache)
        build_book.forget_others(self.folder, self.cache, pages)
        for page in pages:
            if page.reasons:
                build_book.keep(self.cache, page, page.notebook, 0)


@pytest.fixture
def book(package):
    write_book(package, one=["from tlbook import speech"], two=["from tlbook import results", "results.read('depth')"])
    made = Book(package)
    assert made.due() == {"one": ["it has not run yet"], "two": ["it has not run yet"]}
    made.run()
    assert made.due() == {}
    return made


def test_prose_runs_nothing_again(book):
    path = book.folder / "one.ipynb"
    path.write_text(path.read_text().replace("A page", "Another title"))
    (book.folder / "index.md").write_text("# Another\n")
    assert book.due() == {}


def test_what_changed_runs_and_nothing_else(book):
    (book.folder / "tlbook" / "sound.py").write_text("rate = 8000")
    assert book.due() == {"one": ["tlbook/sound.py changed"]}
    (book.folder / "results" / "depth.csv").write_text("a,b\n1,3\n")
    assert book.due() == {"one": ["tlbook/sound.py changed"], "two": ["results/depth.csv changed"]}
    book.run()
    assert book.due() == {}
    write_notebook(book.folder / "one.ipynb", "from tlbook import speech, results")
    assert book.due() == {"one": ["its code changed"]}


def test_lost_outputs_run_again(book):
    shutil.rmtree(book.folder / "_build" / ".jupyter_cache" / "executed")
    assert set(book.due()) == {"one", "two"}


def test_a_page_cut_off_while_it_is_kept_runs_again(book, monkeypatch):
    (book.folder / "tlbook" / "sound.py").write_text("rate = 8000")
    monkeypatch.setattr(page_parts, "write_record", lambda *_: (_ for _ in ()).throw(KeyboardInterrupt))
    with pytest.raises(KeyboardInterrupt):
        book.run()
    (book.folder / "tlbook" / "sound.py").write_text("")  # as it was: the outputs in the cache are not of this one
    assert book.due() == {"one": ["it has not run yet"]}


def test_outputs_whose_removal_was_cut_off_are_forgotten(book):
    shutil.rmtree(book.folder / "_build" / ".jupyter_cache" / "executed")
    write_notebook(book.folder / "one.ipynb", "from tlbook import results")
    book.run()
    assert book.due() == {}


def test_removed_pages_leave_nothing(book):
    write_book(book.folder, one=["from tlbook import speech"])
    (book.folder / "two.ipynb").unlink()
    book.run()
    assert len(book.cache.list_cache_records()) == 1
    assert [path.name for path in (book.folder / "_build" / ".page_parts").rglob("*.*")] == ["one.json"]


def sphinx(status, folder, monkeypatch):
    def build_sphinx(root, output, **_):
        output.mkdir()
        (output / "index.html").write_text("new")
        return status

    monkeypatch.setattr(jupyter_book.sphinx, "build_sphinx", build_sphinx)
    return build_book.write_html(folder)


@pytest.mark.parametrize("status", [1, RuntimeError("no title")])
def test_pages_that_fail_leave_the_older_book(tmp_path, monkeypatch, status):
    html = tmp_path / "_build" / "html"
    html.mkdir(parents=True)
    (html / "index.html").write_text("old")
    assert sphinx(status, tmp_path, monkeypatch) == 1
    assert (html / "index.html").read_text() == "old"
    assert [path.name for path in (tmp_path / "_build").iterdir()] == ["html"]


def test_new_pages_replace_the_older_book_whole(tmp_path, monkeypatch):
    old = tmp_path / "_build" / "html.old"  # ended between the two renames
    old.mkdir(parents=True)
    (old / "removed.html").write_text("old")
    assert sphinx(1, tmp_path, monkeypatch) == 1
    assert (tmp_path / "_build" / "html" / "removed.html").exists()
    assert sphinx(0, tmp_path, monkeypatch) == 0
    assert [path.name for path in (tmp_path / "_build").iterdir()] == ["html"]
    assert [path.name for path in (tmp_path / "_build" / "html").iterdir()] == ["index.html"]
    old.mkdir()  # ended after both
    assert sphinx(0, tmp_path, monkeypatch) == 0
    assert [path.name for path in (tmp_path / "_build").iterdir()] == ["html"]


def test_the_older_book_is_there_until_the_new_one_is_in_its_place(tmp_path, monkeypatch):
    def rename(path, target):
        if path.name == "html.new":
            raise KeyboardInterrupt
        os.rename(path, target)

    (tmp_path / "_build" / "html").mkdir(parents=True)
    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(pathlib.Path, "rename", rename)
        sphinx(0, tmp_path, patch)
    assert (tmp_path / "_build" / "html.old").exists()


def test_data_are_fetched_once_and_the_pages_ask_nobody(tmp_path, monkeypatch):
    asked = []
    page = types.SimpleNamespace(parts={"data: CIFAR10": "not found"}, reasons=["it has not run yet"])
    monkeypatch.setenv("TLBOOK_OFFLINE", "0")
    monkeypatch.setattr(sys, "argv", ["build_book.py", str(tmp_path)])
    monkeypatch.setattr(page_parts, "fetch", asked.append)
    monkeypatch.setattr(build_book, "find_pages", lambda *_: [page])
    monkeypatch.setattr(build_book, "forget_others", lambda *_: None)
    monkeypatch.setattr(build_book, "run_pages", lambda *_: asked.append(os.environ["TLBOOK_OFFLINE"]))
    monkeypatch.setattr(build_book, "write_html", lambda _: 3)
    assert build_book.main() == 3 and asked == ["CIFAR10", "1"]


@pytest.mark.slow
def test_a_failing_notebook_stops_the_build_with_its_name_its_cell_and_its_error(tmp_path):
    fails = ["answer = 41", "assert answer == 42, 'not the answer'"]
    book = write_book(tmp_path, fails=fails, waits=["import time\ntime.sleep(240)"])
    started = time.monotonic()
    built = build(book)
    assert built.returncode == 1 and time.monotonic() - started < 200, "the other page was waited for"
    for part in ("fails", "assert answer == 42", "AssertionError", "not the answer", "was not built"):
        assert part in built.stderr
    assert not (book / "_build" / "html").exists()


@pytest.mark.parametrize("pages, threads", [(1, 8), (3, 2), (20, 1)])
def test_pages_that_run_side_by_side_share_the_cores(tmp_path, monkeypatch, pages, threads):
    book = Book(write_book(tmp_path, **{f"page{i}": [f"print({i})"] for i in range(pages)}))
    shared = []
    monkeypatch.setattr(build_book, "NOTEBOOK_BYTES", 1)  # there is memory for all
    monkeypatch.setattr(build_book.joblib, "cpu_count", lambda: 8)
    monkeypatch.setattr(workers, "start", lambda threads: shared.append(threads))
    monkeypatch.setattr(workers, "ask", lambda worker, name, notebook, *_: (notebook, 0))
    build_book.run_pages(book.cache, build_book.find_pages(book.folder, book.cache))
    assert set(shared) == {threads} and len(shared) == min(pages, 8)


def test_a_worker_is_given_its_threads_and_a_variable_of_the_user_is_obeyed(monkeypatch):
    monkeypatch.delenv("TF_NUM_INTRAOP_THREADS", raising=False)  # `make test` has set it
    for given, expected in ((None, "3"), ("5", "5")):
        if given:
            monkeypatch.setenv("TF_NUM_INTRAOP_THREADS", given)
        with workers.start(threads=3) as worker:
            assert psutil.Process(worker.pid).environ()["TF_NUM_INTRAOP_THREADS"] == expected
            worker.stdin.close()


def run_notebook(*cells, seconds=60):
    return workers.run(nbformat.v4.new_notebook(cells=list(map(nbformat.v4.new_code_cell, cells))), ".", seconds)


@pytest.mark.slow
def test_a_notebook_that_prints_too_much_is_named_and_not_kept(monkeypatch):
    monkeypatch.setattr(workers, "MOST_OUTPUT", 100_000)
    assert run_notebook("print('x' * 90_000)")["notebook"].cells[0].outputs[0].text.startswith("xxx")
    answer = run_notebook("a = 1", "for _ in range(1000): print('x' * 1000)", "a = 2")
    assert answer["cell"].startswith("for") and "more than 100,000 characters of output" in answer["error"]


@pytest.mark.slow
@pytest.mark.skipif(os.name == "nt", reason="Windows knows no signals between processes")
def test_a_kernel_that_hears_no_signal_is_ended_all_the_same(tmp_path):
    deaf = "import os, pathlib, signal\nfor n in (1, 2, 15): signal.signal(n, signal.SIG_IGN)\n"
    deaf += f"pathlib.Path({str(tmp_path / 'pid')!r}).write_text(str(os.getpid()))\nwhile True: pass"
    started = time.monotonic()
    assert "timed out" in run_notebook(deaf, seconds=3)["error"]
    assert time.monotonic() - started < 40
    assert not psutil.pid_exists(int((tmp_path / "pid").read_text()))


STARTS_OTHERS = """
import os, subprocess, sys, time
sys.path.insert(0, {tools!r})
import processes
processes.{ends}
child = "import subprocess, sys, time; subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(60)']); "
subprocess.Popen([sys.executable, "-c", child + "time.sleep(60)"], start_new_session=True)
time.sleep(60)
"""


def started(ends):
    """Start a process with a child and a grandchild; return it and both."""
    code = STARTS_OTHERS.format(tools=str(ROOT / "tools"), ends=ends)
    process = psutil.Popen([sys.executable, "-c", code], stdin=subprocess.PIPE, stderr=subprocess.DEVNULL)
    deadline = time.monotonic() + 30
    while len(below := process.children(recursive=True)) < 2:
        assert process.poll() is None and time.monotonic() < deadline
        time.sleep(0.02)
    return process, below


def assert_gone(gone):
    _, alive = psutil.wait_procs(gone, timeout=10)
    for one in alive:
        one.kill()
    assert not alive


@pytest.mark.skipif(os.name == "nt", reason="Windows knows no signals between processes")
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_the_whole_tree(number):
    process, below = started("end_on_signals('ended')")
    process.send_signal(number)
    assert_gone(below)
    assert process.wait(10) == 128 + number


def test_a_closed_input_ends_the_whole_tree():
    process, below = started("lines_of_input()")
    process.stdin.close()
    assert_gone([process, *below])


@pytest.mark.skipif(os.name == "nt", reason="Windows knows no signals between processes")
def test_a_killed_parent_ends_the_whole_tree():
    code = STARTS_OTHERS.format(tools=str(ROOT / "tools"), ends="end_with_parent(os.getppid())")
    parent = psutil.Popen(
        [sys.executable, "-c", f"import subprocess, sys; subprocess.run([sys.executable, '-c', {code!r}])"]
    )
    while len(below := parent.children(recursive=True)) < 3:
        time.sleep(0.02)
    parent.kill()
    parent.wait()
    assert_gone(below)


LEAVES_EARLY = """
import subprocess, sys, threading, time
sys.path.insert(0, {tools!r})
import processes
kill = processes.psutil.Process.kill
processes.psutil.Process.kill = lambda one: (kill(one), time.sleep(0.5))
children = [subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"]) for _ in range(3)]
sys.stdin.readline()
threading.Thread(target=processes.end, args=[1], daemon=True).start()
while all(child.poll() is None for child in children):
    time.sleep(0.01)
"""


def test_a_process_whose_main_thread_leaves_early_ends_the_whole_tree_all_the_same():
    code = LEAVES_EARLY.format(tools=str(ROOT / "tools"))
    process = psutil.Popen([sys.executable, "-c", code], stdin=subprocess.PIPE)
    while len(below := process.children()) < 3:
        assert process.poll() is None
        time.sleep(0.02)
    process.communicate(b"\n", timeout=30)
    assert_gone(below)
    assert process.returncode == 1


def test_a_parent_that_is_gone_already_is_noticed():
    code = f"import sys; sys.path.insert(0, {str(ROOT / 'tools')!r}); import processes; processes.end_with_parent(0)"
    assert subprocess.run([sys.executable, "-c", f"{code}; sys.exit(5)"]).returncode == 1


@pytest.mark.skipif(not pathlib.Path("/proc/self/status").exists(), reason="only Linux tells")
def test_interrupts_that_a_process_handles_are_seen():
    handler = signal.signal(signal.SIGINT, lambda *_: None)
    try:
        assert processes.catches_interrupts(os.getpid()) is True
        signal.signal(signal.SIGINT, signal.SIG_DFL)
        assert processes.catches_interrupts(os.getpid()) is False
    finally:
        signal.signal(signal.SIGINT, handler)
    assert processes.catches_interrupts(0) is None


@pytest.fixture
def make(tmp_path):
    """Return a function that starts the build of a book, under `make` or alone, and waits until its notebook waits."""
    if not shutil.which("make"):
        pytest.skip("needs make")
    started = []
    handlers = {number: signal.signal(number, signal.SIG_DFL) for number in (signal.SIGINT, signal.SIGTERM)}

    def start(folder, first):
        command = [sys.executable, str(BUILD), str(folder)]
        if first == "make":
            guarded = f"exec {sys.executable} {ROOT / 'tools' / 'processes.py'} $$PPID {' '.join(command)}"
            (tmp_path / "Makefile").write_text(f".PHONY: book\nbook:\n\t{guarded}\n")
            command = ["make", "-f", str(tmp_path / "Makefile"), "book"]
        with open(tmp_path / "log", "w") as log:
            process = psutil.Popen(command, stdout=log, stderr=log, start_new_session=True)
        started.append(process)
        deadline = time.monotonic() + 60
        while not (folder / "waits").exists():
            assert process.poll() is None and time.monotonic() < deadline, (tmp_path / "log").read_text()
            time.sleep(0.05)
        return process, process.children(recursive=True)

    yield start
    for number, handler in handlers.items():
        signal.signal(number, handler)
    for process in started:
        for one in [*process.children(recursive=True), process] if process.is_running() else []:
            one.kill()


@pytest.mark.slow
@pytest.mark.skipif(os.name == "nt", reason="Windows knows no signals between processes")
@pytest.mark.parametrize(
    "first, name", [("make", "SIGINT"), ("make", "SIGTERM"), ("make", "SIGKILL"), ("build", "SIGKILL")]
)
def test_a_killed_build_leaves_no_process_and_the_next_one_completes(make, tmp_path, first, name):
    book = write_book(tmp_path / "book", waits=[WAITS], other=["print(1 + 1)"])
    html = book / "_build" / "html"
    html.mkdir(parents=True)
    (html / "index.html").write_text("the older book")
    process, below = make(book, first)
    # the guard and the build under make, a worker or two, a kernel each, and what the kernel started
    assert len(below) >= (5 if first == "make" else 3)
    process.send_signal(getattr(signal, name))
    _, alive = psutil.wait_procs(below, timeout=10)
    assert not alive, [" ".join(one.cmdline()) for one in alive]
    assert process.wait(10) != 0
    assert (html / "index.html").read_text() == "the older book"
    if first == "build":
        (book / "go").touch()
        again = build(book)
        assert again.returncode == 0, again.stderr
        assert "A tiny book" in (html / "index.html").read_text() and (html / "waits.html").exists()
        assert not list((book / "_build").glob("html.*"))
