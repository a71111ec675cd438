"""Build the book: run the pages that have changed, several at a time, then write the HTML pages.

jupyter-cache keeps the outputs of a page under a key of its code cells. Everything else that they depend on is written
down beside the cache, part by part (`page_parts.py`); a page whose parts have changed runs again, and no other.
Ended at any moment, the build leaves no process, no half-written page, and goes on from there the next time.
"""

import argparse
import concurrent.futures
import contextlib
import os
import pathlib
import queue
import shutil
import sys
from dataclasses import dataclass

import processes

if __name__ == "__main__":  # before the imports below: they take seconds in which the build may be ended as well
    processes.end_together("The build was ended. The pages that ran to their end are kept.")

import joblib
import nbformat
import psutil
from jupyter_cache import get_cache
from jupyter_cache.base import CacheBundleIn
from jupyter_cache.cache.db import NbCacheRecord
from myst_nb.core.config import NbParserConfig
from myst_nb.core.read import create_nb_reader
from myst_parser.config.main import MdParserConfig
from sphinx_external_toc.parsing import parse_toc_yaml

import page_parts
import workers

TOOLS = pathlib.Path(__file__).resolve().parent
NOTEBOOK_BYTES = 1.5e9  # the most memory that one notebook may need
CELL_SECONDS = 300


@dataclass(frozen=True, eq=False)
class Page:
    """A page with code: its name in the table of contents, its file, notebook and key, what it depends on (`parts`).

    `record` is the file that keeps the parts of its outputs, and `reasons` says why it must run: empty where not.
    """

    name: str
    path: pathlib.Path
    notebook: nbformat.NotebookNode
    key: str
    parts: dict
    record: pathlib.Path
    reasons: list


def find_pages(root, cache):
    """Return a list of `Page`, one for each page in the table of contents that has code."""
    repository, pages = page_parts.Repository(root), []
    for name in map(str, parse_toc_yaml(root / "_toc.yml")):
        path = next(path for ending in (".ipynb", ".md") if (path := root / f"{name}{ending}").exists())
        notebook = read_page(path)
        if notebook is not None:
            _, key = cache.create_hashed_notebook(notebook)
            parts = repository.parts(page_parts.code_of(notebook))
            record = root / "_build" / ".page_parts" / f"{name}.json"
            reasons = reasons_to_run(cache, key, parts, page_parts.read_record(record))
            pages.append(Page(name, path, notebook, key, parts, record, reasons))
    return pages


def read_page(path):
    """Return the notebook that Sphinx will see in a page (.ipynb, or .md with code cells), or None for plain prose."""
    text = path.read_text(encoding="utf-8")
    reader = create_nb_reader(str(path), MdParserConfig(), NbParserConfig(), text)
    return reader and reader.read(text)


def reasons_to_run(cache, key, parts, record):
    """Return in words why the outputs in the cache are none for this key and these parts: an empty list if they are."""
    if record is None:
        return ["it has not run yet"]
    if record["key"] != key:
        return ["its code changed"]
    try:
        cache.get_cache_bundle(NbCacheRecord.record_from_hashkey(key, cache.db).pk)
    except KeyError:
        return ["its outputs are gone"]
    return page_parts.changes(record["parts"], parts)


def forget_others(root, cache, pages):
    """Remove the outputs and records of pages, and of versions of pages, that are no longer there."""
    keys = {page.key for page in pages}
    for outputs in cache.list_cache_records():
        if outputs.hashkey not in keys:
            with contextlib.suppress(KeyError):  # an earlier removal was cut off
                cache.remove_cache(outputs.pk)
    records = {page.record for page in pages}
    for path in (root / "_build" / ".page_parts").rglob("*"):
        if path.is_file() and path not in records:
            path.unlink()


def run_page(page, idle):
    """Let one of the `idle` workers run a page; return its notebook with outputs, and the seconds that it took."""
    worker = idle.get()
    try:
        return workers.ask(worker, page.name, page.notebook, page.path.parent, CELL_SECONDS)
    finally:
        idle.put(worker)


def run_pages(cache, pages):
    """Run pages, several at a time, and keep their outputs; end at the first that fails. They share the cores."""
    room = int(psutil.virtual_memory().available / NOTEBOOK_BYTES)
    n = min(max(1, min(joblib.cpu_count(), room)), len(pages))
    print(f"{len(pages)} pages to run, {n} at a time", flush=True)
    idle, pool = queue.SimpleQueue(), concurrent.futures.ThreadPoolExecutor(n)
    try:
        for _ in range(n):
            idle.put(workers.start(threads=max(1, joblib.cpu_count() // n)))
        runs = {pool.submit(run_page, page, idle): page for page in pages}
        for run in concurrent.futures.as_completed(runs):
            keep(cache, runs[run], *run.result())
    finally:
        pool.shutdown(wait=False, cancel_futures=True)
        processes.end_descendants()


def keep(cache, page, notebook, seconds):
    """Put the outputs of a page into the cache, and then its parts beside it: cut off in between, it runs again."""
    page.record.unlink(missing_ok=True)
    bundle = CacheBundleIn(notebook, str(page.path), data={"execution_seconds": seconds})
    cache.cache_notebook_bundle(bundle, check_validity=False, overwrite=True)
    page_parts.write_record(page.record, page.key, page.parts)
    print(f"{seconds:6.0f} s  {page.name}", flush=True)


def write_html(root):
    """Write the pages with Sphinx, every warning an error; the older book stays until the new one is whole.

    Returns the exit status.
    """
    from jupyter_book.sphinx import build_sphinx  # here, because listing what would run does not need it

    build, html = root / "_build", root / "_build" / "html"
    new, old = build / "html.new", build / "html.old"
    if old.exists() and not html.exists():  # ended between the two renames below
        old.rename(html)
    for folder in (new, old, build / ".doctrees"):
        shutil.rmtree(folder, ignore_errors=True)
    settings = {
        "external_toc_path": (root / "_toc.yml").as_posix(),
        "latex_individualpages": False,
        "nitpicky": True,
        "nb_execution_cache_path": str(build / ".jupyter_cache"),
    }
    status = build_sphinx(
        root,
        new,
        noconfig=True,
        path_config=root / "_config.yml",
        confoverrides=settings,
        freshenv=True,
        warningiserror=True,
        keep_going=True,
        quiet=True,
    )
    if status != 0:
        shutil.rmtree(new, ignore_errors=True)
        return 1
    if html.exists():
        html.rename(old)
    new.rename(html)
    shutil.rmtree(old, ignore_errors=True)
    return 0


def main():
    """Read the command line and build the book; return the exit status."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("root", nargs="?", type=pathlib.Path, default=TOOLS.parent, help="the folder of the book")
    parser.add_argument("--dry-run", action="store_true", help="only list the pages that would run, and why")
    options = parser.parse_args()
    root = options.root.resolve()
    folder = root / "_build" / ".jupyter_cache"
    folder.mkdir(parents=True, exist_ok=True)
    cache = get_cache(str(folder))
    pages = find_pages(root, cache)
    due = [page for page in pages if page.reasons]
    if options.dry_run:
        for page in due:
            print(f"{page.name}: {', '.join(page.reasons)}")
        print(f"{len(due)} of {len(pages)} pages would run")
        return 0
    if any("data: CIFAR10" in page.parts for page in due):
        if page_parts.fetch("CIFAR10"):  # once for all pages, which would each start the same download
            pages = find_pages(root, cache)
            due = [page for page in pages if page.reasons]
        os.environ["TLBOOK_OFFLINE"] = "1"
    forget_others(root, cache, pages)
    try:
        if due:
            run_pages(cache, due)
    except workers.NotebookError as error:
        print(f"\n{error}\n\nThe book was not built.", file=sys.stderr)
        return 1
    status = write_html(root)
    if status == 0:
        print(f"The book is ready: open {root / '_build' / 'html' / 'index.html'} in a browser.")
    return status


if __name__ == "__main__":
    sys.exit(main())
