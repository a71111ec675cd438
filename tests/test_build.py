"""The build: it runs what has changed and nothing else, and leaves nothing behind, however it is ended."""

import json
import os
import pathlib
import shutil
import signal
import subprocess
import sys
import time

import nbformat
import page_parts
import psutil
import pytest

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
    cells = [nbformat.v4.new_code_cell(cell) for cell in cells]
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


def write_package(folder, **modules):
    """Write a package `tlbook` with the given modules (name with __ for a dot, to source)."""
    for name, source in modules.items():
        path = folder / "tlbook" / f"{name.replace('__', '/')}.py"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(source)
        for parent in path.parents:
            if parent == folder:
                break
            (parent / "__init__.py").touch()


def build(folder, *options):
    return subprocess.run([sys.executable, BUILD, folder, *options], capture_output=True, text=True)


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
            (tmp_path / "Makefile").write_text(f".PHONY: book\nbook:\n\t{' '.join(command)}\n")
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
@pytest.mark.parametrize("name", ["SIGINT", "SIGTERM", "SIGKILL"])
@pytest.mark.parametrize("first", ["make", "build"])
def test_a_killed_build_leaves_no_process_and_the_next_one_completes(make, tmp_path, first, name):
    book = write_book(tmp_path / "book", waits=[WAITS], other=["print(1 + 1)"])
    html = book / "_build" / "html"
    html.mkdir(parents=True)
    (html / "index.html").write_text("the older book")
    process, below = make(book, first)
    # the build under make, a worker or two, a kernel each, and what the kernel started
    assert len(below) >= (4 if first == "make" else 3)
    process.send_signal(getattr(signal, name))
    _, alive = psutil.wait_procs(below, timeout=10)
    assert not alive, [" ".join(one.cmdline()) for one in alive]
    assert process.wait(10) != 0
    assert (html / "index.html").read_text() == "the older book"
    if name == "SIGKILL":
        (book / "go").touch()
        again = build(book)
        assert again.returncode == 0, again.stderr
        assert "A tiny book" in (html / "index.html").read_text() and (html / "waits.html").exists()
        assert not list((book / "_build").glob("html.*"))
