"""Build the book: execute what has changed, several notebooks at a time, then write the HTML pages.

jupyter-cache keeps the outputs under a key of the code cells only. Everything else that an output depends on goes into
`inputs_digest`; when that changes, the cache is emptied.
"""

import concurrent.futures
import hashlib
import multiprocessing
import os
import pathlib
import shutil
import subprocess
import sys
import time

import joblib
import psutil
from jupyter_cache import get_cache
from jupyter_cache.base import CacheBundleIn
from myst_nb.core.config import NbParserConfig
from myst_nb.core.read import create_nb_reader
from myst_parser.config.main import MdParserConfig
from nbclient import NotebookClient
from nbconvert.filters import strip_ansi
from sphinx_external_toc.parsing import parse_toc_yaml

from tlbook import data
from tlbook.files import assets, sources

ROOT = pathlib.Path(__file__).resolve().parent.parent
BUILD = ROOT / "_build"
CACHE = BUILD / ".jupyter_cache"
NOTEBOOK_BYTES = 1.5e9  # the most memory that one notebook may need
CELL_SECONDS = 300


class NotebookError(Exception):
    """A notebook did not run to its end; the text names the notebook, the cell and the error."""


def find_data():
    """Find the data once for all notebooks, and return in words what was found.

    The kernels then look no further: those that run side by side would each start the same download.
    """
    target = data.load_target().source
    os.environ["TLBOOK_OFFLINE"] = "1"
    local = [sources.find_local(*need)[0] for need in assets.NEEDS if not need[0].requirement]
    return "\n".join(f"{source.name}. {source.note}" for source in [target, *(found[1] for found in local if found)])


def inputs_digest():
    """Return a hexadecimal digest of what the outputs depend on beside the notebooks: code, results, pins, data."""
    digest = hashlib.sha256(sys.version.encode() + find_data().encode())
    patterns = [
        "tlbook/*.py",
        "experiments/*.py",
        "tlbook/drawings/*",
        "results/*.csv",
        "requirements*.txt",
        "constraints.txt",
    ]
    paths = sorted(path for pattern in patterns for path in ROOT.glob(pattern))
    if mirror := os.environ.get("TLBOOK_MIRROR"):
        paths.append(pathlib.Path(mirror) / "manifest.json")
    for path in paths:
        digest.update(path.name.encode() + b"\0" + hashlib.sha256(path.read_bytes()).digest())
    return digest.hexdigest()


def open_cache():
    """Return the jupyter-cache, emptied first where the inputs have changed since it was filled."""
    digest, mark = inputs_digest(), CACHE / "inputs.sha256"
    if not mark.exists() or mark.read_text() != digest:
        shutil.rmtree(CACHE, ignore_errors=True)
        CACHE.mkdir(parents=True)
        mark.write_text(digest)
    return get_cache(str(CACHE))


def read_page(path):
    """Return the notebook that Sphinx will see in a page (.ipynb, or .md with code cells), or None for plain prose."""
    text = path.read_text(encoding="utf-8")
    reader = create_nb_reader(str(path), MdParserConfig(), NbParserConfig(), text)
    return reader and reader.read(text)


def pages_to_execute(cache):
    """Return a list of (path, notebook) for the pages in the table of contents whose outputs are not in the cache."""
    pages = []
    for name in parse_toc_yaml(ROOT / "_toc.yml"):
        path = next(path for ending in (".ipynb", ".md") if (path := ROOT / f"{name}{ending}").exists())
        notebook = read_page(path)
        if notebook is None:
            continue
        try:
            cache.match_cache_notebook(notebook)
        except KeyError:
            pages.append((path, notebook))
    return pages


def execute(path, notebook):
    """Run a notebook in its own folder and its own kernel; return it with its outputs, and the seconds that it took."""
    started = time.monotonic()
    running = {}
    client = NotebookClient(
        notebook,
        timeout=CELL_SECONDS,
        record_timing=False,  # the times would go into the cells' metadata, and so into the key
        resources={"metadata": {"path": str(path.parent)}},
        on_cell_start=lambda cell, cell_index: running.update(cell),
    )
    try:
        client.execute()
    except Exception as error:
        name = path.relative_to(ROOT)
        source = running.get("source", "(before the first cell)")
        raise NotebookError(f"{name} failed in this cell:\n\n{source}\n\n{strip_ansi(str(error))}") from error
    return notebook, time.monotonic() - started


def execute_all(cache):
    """Run every page that is not in the cache, and keep its outputs there; stop at the first that fails."""
    pages = pages_to_execute(cache)
    if not pages:
        print("every notebook is in the cache")
        return
    room = int(psutil.virtual_memory().available / NOTEBOOK_BYTES)
    workers = max(1, min(joblib.cpu_count(), room, len(pages)))
    print(f"{len(pages)} notebooks to run, {workers} at a time")
    # Processes, not threads: several clients in one process make ZeroMQ abort now and then.
    with concurrent.futures.ProcessPoolExecutor(workers, multiprocessing.get_context("spawn")) as pool:
        runs = {pool.submit(execute, path, notebook): path for path, notebook in pages}
        try:
            for run in concurrent.futures.as_completed(runs):
                path = runs[run]
                notebook, seconds = run.result()
                bundle = CacheBundleIn(notebook, str(path), data={"execution_seconds": seconds})
                cache.cache_notebook_bundle(bundle, check_validity=False, overwrite=True)
                print(f"{seconds:6.0f} s  {path.relative_to(ROOT)}", flush=True)
        except BaseException:
            pool.shutdown(cancel_futures=True)
            raise


def write_html():
    """Write the pages with Sphinx, with every warning an error, and nothing left from an earlier build."""
    for old in (BUILD / "html", BUILD / ".doctrees"):
        shutil.rmtree(old, ignore_errors=True)
    program = pathlib.Path(sys.executable).with_name("jupyter-book")
    return subprocess.run([program, "build", ROOT, "--all", "-W", "-n", "--keep-going", "-q"], cwd=ROOT).returncode


def main():
    """Build the book; return the exit status."""
    try:
        execute_all(open_cache())
    except NotebookError as error:
        print(f"\n{error}\n\nThe book was not built.", file=sys.stderr)
        return 1
    status = write_html()
    if status == 0:
        print(f"The book is ready: open {(BUILD / 'html' / 'index.html').relative_to(ROOT)} in a browser.")
    return status


if __name__ == "__main__":
    sys.exit(main())
