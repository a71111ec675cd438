"""What students get, as something that a place runs: the zip is unpacked, and a notebook of it runs among its files.

An assignment runs twice. Untouched, it has to get to its end, and to fail only where an answer is missing. Solved, it
has to run without an error, with the checks that students see. The frame of the project runs as it stands.
"""

import pathlib
import subprocess
import sys
import tempfile
import zipfile

import place_environments
import place_measure

NAME = "course"  # what all these rows begin with
PLACES = ("colab", "binder")  # where students open it who have installed nothing
STUDENTS, TEACHERS = "course-students", "course-teachers"


def make(folder):
    """Make the zips of the course in a folder, and return the students' notebooks as `unpacked` does."""
    command = [sys.executable, "-m", "course.build", "--into", folder]
    subprocess.run(command, check=True, cwd=place_environments.ROOT)
    return unpacked(folder)


def unpacked(folder):
    """Write the notebooks of the students' zip as they will run, and return them, a dict from name to path.

    The zips lie in `folder`. A name is also the place below it: `course/untouched/NAME`, as students get it, and
    `course/solved/NAME` with the solution of the teachers' zip. What has no solution, such as the frame of the project,
    has to run as it stands: it counts as solved.
    """
    folder, paths = pathlib.Path(folder), {}
    given = _notebooks(folder / f"{STUDENTS}.zip")
    teachers = _notebooks(folder / f"{TEACHERS}.zip")
    solutions = {name: teachers[key] for name in given if (key := f"{name}/solution") in teachers}
    for kind, found in {"untouched": {name: given[name] for name in solutions}, "solved": given | solutions}.items():
        for name, content in found.items():
            path = folder / NAME / kind / f"{name}.ipynb"
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)
            paths[f"{NAME}/{kind}/{name}"] = path
    return paths


def measure(folder, place, python, notebook):
    """Run a notebook that `unpacked` put into `folder` among the files of the students' zip; measure any other as ever.

    The zip is unpacked anew, so a run finds nothing of the one before. Where the place holds a copy of the package, it
    is taken away: the first cell has to install the one of the zip. The next `make places` puts the book's back.
    """
    if not notebook.is_relative_to(folder):
        return place_measure.measure(place, python, notebook)
    kind, *inside = notebook.relative_to(folder).parts[1:]
    place_environments.remove_package(place, python)
    with tempfile.TemporaryDirectory() as scratch, zipfile.ZipFile(folder / f"{STUDENTS}.zip") as archive:
        archive.extractall(scratch)
        path = pathlib.Path(scratch, STUDENTS, *inside)
        path.write_bytes(notebook.read_bytes())
        return place_measure.measure(place, python, path, work=path.parent, unfinished=kind == "untouched")


def _notebooks(path):
    """Return the notebooks of a zip, bytes by their place in it, less `.ipynb`."""
    with zipfile.ZipFile(path) as archive:
        names = [name for name in archive.namelist() if name.endswith(".ipynb")]
        return {name.removeprefix(f"{path.stem}/").removesuffix(".ipynb"): archive.read(name) for name in names}
