"""Run every notebook in every place where readers run the book, and write `results/places.csv`: `make places`.

In some of them those of the students' zip run, too, among its files (`place_course`): their names begin with `course/`.

Each notebook runs alone, with an empty cache but for the downloaded files, as on a reader's first run. A row is written
when it is there, so a run that was ended goes on from there. A row is measured again when the code of its notebook has
changed, or a module that this reaches, or a version in the place, and where it failed.
"""

import argparse
import csv
import functools
import hashlib
import io
import json
import pathlib
import subprocess
import sys
import tempfile

import nbformat
import psutil

import page_parts
import place_course
import place_environments
import place_measure
import processes
from tlbook import results
from tlbook.files import cache

ROOT = place_environments.ROOT
FACTS = ("python", "keras", "backend", "backend_version", "numpy", "tlbook", "cores", "cpu", "isa")
COLUMNS = ("place", "notebook", "passed", "seconds", "cpu_seconds", "peak_memory_mb", "gflops", *FACTS)
COLUMNS += ("source", "kind", "digest", "error", "date")
ASK = """
import json, platform
from tlbook.files import cache
print(json.dumps([platform.python_version(), cache.versions()]))
"""


def digests(notebooks, root=ROOT):
    """Return a digest for each notebook, by name: of its code, and of the package's files that it reaches."""
    repository, found = page_parts.Repository(root), {}
    repository.found = lambda name: ""  # which data there are today decides no digest
    for name, path in notebooks.items():
        code = page_parts.code_of(nbformat.read(path, as_version=4))
        parts = sorted((part, seen) for part, seen in repository.parts(code).items() if part.startswith("tlbook/"))
        found[name] = hashlib.sha256(json.dumps([code, parts]).encode()).hexdigest()[:12]
    return found


def read(path):
    """Return the rows of the table as dicts of str by (place, notebook); none where there is no table."""
    if not path.exists():
        return {}
    with open(path, encoding="utf-8", newline="") as file:
        return {(row["place"], row["notebook"]): row for row in csv.DictReader(file)}


def write(path, rows, order):
    """Write the table in one step: the rows, a dict by (place, notebook), of which `order` says which, and in order."""
    text = io.StringIO()
    writer = csv.DictWriter(text, COLUMNS, restval="", lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows[key] for key in order if key in rows)
    cache.write_atomically(path, lambda file: file.write(text.getvalue().encode()))


def record(places, notebooks, path, prepare, run=place_measure.measure, only=(), root=ROOT):
    """Run what is missing or stale in some places, and write the table after each run. Return sentences on what failed.

    Parameters
    ----------
    places : dict of str to place_environments.Place
        All there are: rows of others are dropped.
    notebooks : dict of str to pathlib.Path
        All there are, by name: rows of others are dropped.
    path : pathlib.Path
        The table.
    prepare : callable
        Takes a place, returns `(python, versions)`: its interpreter, and the columns that make a row stale when
        they differ. It may raise `place_environments.NotBuilt`.
    run : callable
        As `place_measure.measure`.
    only : sequence of (place, notebook)
        Restricts what is run. Default: everything.
    root : pathlib.Path
        The repository, whose modules the digests count.
    """
    order = [(place.name, note) for place in places.values() for note in notebooks if runs(place, note)]
    failed, digest = [], digests(notebooks, root)
    for place in places.values():
        wanted = [key for key in order if key[0] == place.name and (not only or key in only)]
        if not wanted:
            continue
        try:
            python, versions = prepare(place)
        except place_environments.NotBuilt as reason:
            failed.append(str(reason))
            continue
        for key in wanted:
            now, rows = versions | {"digest": digest[key[1]]}, read(path)
            passed = key in rows and not rows[key]["error"]  # what failed may have been mended anywhere: it runs again
            if passed and all(str(rows[key][column]) == str(value) for column, value in now.items()):
                continue
            print(f"{key[0]}: {key[1]} ", end="", flush=True)
            row = {"place": key[0], "notebook": key[1]} | run(place, python, notebooks[key[1]]) | now
            write(path, rows | {key: row}, order)
            print(f"{row['seconds']} s, {row['peak_memory_mb']} MB {row['error']}", flush=True)
            if row["error"]:
                failed.append(f"{key[0]}: {key[1]} failed: {row['error']}")
    return failed


def runs(place, name):
    """Return whether a notebook is for a place."""
    return place.name in place_course.PLACES if name.startswith(f"{place_course.NAME}/") else place.runs(name)


def prepare(place):
    """Build a place's environment, install the package, and return `(python, versions)`. Raises `NotBuilt`."""
    python = place_environments.python_of(place)
    place_environments.install_package(place, python)
    command = [python, "-P", "-c", ASK]
    asked = subprocess.run(
        command, env=place_measure.environment_of(place), capture_output=True, text=True, cwd=python.parent
    )
    if asked.returncode:
        reason = next(iter(asked.stderr.splitlines()[-1:]), f"ended with status {asked.returncode}")
        raise place_environments.NotBuilt(f"{place.name}: tlbook cannot be imported: {reason}")
    version, found = json.loads(asked.stdout.splitlines()[-1])
    backend = place.environment["KERAS_BACKEND"]
    named = {"python": version, "keras": found["keras"], "numpy": found["numpy"], "backend_version": found[backend]}
    return python, named


def main(arguments=None):
    """Measure what the arguments name; return the exit status: 1 where something failed."""
    places = place_environments.places()
    chapters = {path.stem: path for path in sorted((ROOT / "notebooks").glob("*.ipynb"))}
    parser = argparse.ArgumentParser(prog="places.py", description=__doc__.partition("\n")[0])
    parser.add_argument("places", nargs="*", metavar="PLACE", help=f"of {', '.join(places)}; default: all")
    parser.add_argument(
        "--notebooks", nargs="*", default=[], metavar="NAME", help=f"{place_course.NAME}: the students'; default: all"
    )
    asked = parser.parse_args(arguments)
    for names, known in ((asked.places, list(places)), (asked.notebooks, [*chapters, place_course.NAME])):
        if unknown := sorted(set(names) - set(known)):
            parser.error(f"got {', '.join(unknown)}, expected some of {', '.join(known)}")
    if psutil.getloadavg()[0] > 1:
        print("Something else is computing on this machine: the seconds will be too many. Measure on an idle one.")
    with tempfile.TemporaryDirectory() as folder:
        notebooks = chapters | place_course.make(folder)
        wanted = [name for name in notebooks if not asked.notebooks or name.split("/")[0] in asked.notebooks]
        only = [(place, note) for place in asked.places or places for note in wanted]
        run = functools.partial(place_course.measure, pathlib.Path(folder))
        failed = record(places, notebooks, results.FOLDER / "places.csv", prepare, run, only)
    for sentence in failed:
        print(sentence)
    return 1 if failed else 0


if __name__ == "__main__":
    processes.end_together("Ended. The rows that were measured are kept.")
    sys.exit(main())
