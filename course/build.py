"""Make what students and teachers get of all assignments: `python -m course.build`.

`course/student/NAME.ipynb` is kept in the repository, so that it can be read and opened there; a test holds it to its
source. The zips go into `_build/course/`: one for students, which holds no solution and no hidden check, and one for
teachers, which holds everything.
"""

import argparse
import pathlib
import shutil
import subprocess
import sys
import tempfile
import zipfile

import nbformat

from course import assignment, state, student
from tlbook.files import cache

HERE = pathlib.Path(__file__).parent
ROOT = HERE.parent
STUDENT = HERE / "student"
CAPSTONE = HERE / "capstone"
SOMETIME = (2026, 1, 1, 0, 0, 0)  # the same content makes the same zip
FOR_STUDENTS = """Assignments of the book "Deep Transfer Learning, Executed"

On a laptop:   install the book as its README says, then open a notebook with JupyterLab.
               In another environment with Keras and TensorFlow: pip install tlbook-*.whl (the file in this zip).
In Colab:      upload a notebook and the file tlbook-*.whl beside it. The first cell installs it.
In a lab:      where your teacher has installed the book, nothing more is needed, and no internet.

Hand in the notebook, and nothing else.

capstone/brief.md says what the project on your own data asks for, capstone/rubric.md how it is marked, and
capstone/template.ipynb is its frame. It runs as it stands.
"""
FOR_TEACHERS = """For teachers: keep this folder from students.

NAME/assignment.ipynb   the source: solution, hidden checks, rubric. Edit only this one.
NAME/solution.ipynb     the solved notebook as students may see it afterwards
NAME/student.ipynb      what students get
NAME/rubric.md          what is marked, by checks and by you
NAME/seeds.csv          where an accuracy is judged: what the solution reached with further seeds
capstone/               the project on the students' own data: brief, rubric, and the notebook that is its frame
slides/index.html       six lectures with speaker notes, where `make slides` has made them

To grade: make grade ASSIGNMENT=NAME SUBMISSIONS=folder, in the book's repository. The page "To teach with this book"
tells the rest.
"""


def rubric(task):
    """Return the rubric of an assignment, Markdown: its checks with their marks, then what a teacher reads."""
    lines = [f"# {task.title}: how it is marked", "", f"{task.marks} marks by checks that students do not see:", ""]
    lines += ["| marks | what holds | chapter |", "|---|---|---|"]
    lines += [f"| {check.marks} | {check.says} | {check.chapter} |" for check in task.checks]
    for cell in task.cells("rubric"):
        lines += ["", cell.source.replace("### ", "## ")]
    return "\n".join(lines) + "\n"


def for_students(tasks):
    """Return the files of the students' zip, a dict from name to text."""
    files = {f"{task.name}.ipynb": student.text(student.version(task)) for task in tasks}
    return files | {"README.txt": FOR_STUDENTS}


def slides(folder):
    """Return the files of the built slides, a dict from name to bytes: empty where they were not built."""
    found = sorted(path for path in folder.rglob("*") if path.is_file())
    return {f"slides/{path.relative_to(folder).as_posix()}": path.read_bytes() for path in found}


def for_teachers(tasks):
    """Return the files of the teachers' zip, a dict from name to text."""
    files = {"README.txt": FOR_TEACHERS}
    for task in tasks:
        files |= {
            f"{task.name}/assignment.ipynb": task.path.read_text(encoding="utf-8"),
            f"{task.name}/solution.ipynb": student.text(student.solution(task)),
            f"{task.name}/student.ipynb": student.text(student.version(task)),
            f"{task.name}/rubric.md": rubric(task),
        }
        for path in sorted(task.folder.glob("*.csv")):
            files[f"{task.name}/{path.name}"] = path.read_text(encoding="utf-8")
    return files


def capstone():
    """Return the files of the project on own data, which students and teachers get, a dict from name to text."""
    names = ("brief.md", "rubric.md", "template.ipynb")
    texts = {name: (CAPSTONE / name).read_text(encoding="utf-8") for name in names}
    template = nbformat.reads(texts["template.ipynb"], as_version=4)
    texts["template.ipynb"] = student.text(student.with_install(template))
    return {f"capstone/{name}": text for name, text in texts.items()}


def pack(path, files):
    """Write a zip of files, a dict from name to text or bytes. The same files give the same zip."""

    def write(file):
        with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
            for name, content in sorted(files.items()):
                archive.writestr(zipfile.ZipInfo(f"{path.stem}/{name}", SOMETIME), content, zipfile.ZIP_DEFLATED)

    cache.write_atomically(path, write)


def wheel():
    """Build the book's package as a wheel, with no network; return its name and its bytes."""
    # What setuptools leaves there would come into the next wheel: modules that are no more.
    shutil.rmtree(ROOT / "build", ignore_errors=True)
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--no-build-isolation", "-w", folder]
        subprocess.run([*command, str(ROOT)], check=True)
        shutil.rmtree(ROOT / "build", ignore_errors=True)
        [path] = pathlib.Path(folder).glob("tlbook-*.whl")
        return path.name, path.read_bytes()


def main(arguments=None):
    """Write the students' notebooks and both zips."""
    parser = argparse.ArgumentParser(prog="python -m course.build", description=__doc__.splitlines()[0])
    parser.add_argument("--notebooks", action="store_true", help="write course/student/ and no zip")
    parser.add_argument("--into", type=pathlib.Path, default=ROOT / "_build" / "course", help="a folder for the zips")
    options = parser.parse_args(arguments)
    tasks, out = assignment.everything(), options.into
    for task in tasks:
        state.write(STUDENT / f"{task.name}.ipynb", student.text(student.version(task)))
    if not options.notebooks:
        pack(out / "course-students.zip", for_students(tasks) | capstone() | dict([wheel()]))
        lectures = slides(ROOT / "_build" / "slides")
        pack(out / "course-teachers.zip", for_teachers(tasks) | capstone() | lectures)
        if not lectures:
            print("The teachers' zip holds no slides: they were not built (make book, then make slides).")
        print(f"{len(tasks)} assignments: {out / 'course-students.zip'} and {out / 'course-teachers.zip'}")


if __name__ == "__main__":
    main()
