"""Grades as tables: one for people, one for Moodle, one for Canvas, and a report that only the teacher reads.

`students.csv` in the folder of the submissions may say who is who: `student` (the name of the file or folder), and any
of `name`, `id`, `login`, `email`, `section`. Without it, what Moodle and Canvas put into the names of downloaded files
is used: `First Last_12345_assignsubmission_file`, and `lastfirst_12345_67890_file` or `lastfirst_LATE_12345_...`.
"""

import csv
import io
import pathlib
import re

MOODLE = re.compile(r"(?P<name>.+)_(?P<id>\d+)_assignsubmission_file_?$")
CANVAS = re.compile(r"(?P<name>[^_]+)_(?:LATE_)?(?P<id>\d+)_\d+_")
FIELDS = ("name", "id", "login", "email", "section")


def people(folder, students):
    """Return a dict from student to a dict of `FIELDS`. Raises `ValueError` where `students.csv` has no such column."""
    path, listed = pathlib.Path(folder) / "students.csv", {}
    if path.exists():
        with path.open(encoding="utf-8-sig", newline="") as file:
            rows = csv.DictReader(file)
            if "student" not in (rows.fieldnames or ()):
                raise ValueError(f"{path}: got columns {rows.fieldnames}, expected student and any of {FIELDS}")
            listed = {row["student"]: row for row in rows}
    found = {}
    for student in students:
        match = MOODLE.match(student) or CANVAS.match(student)
        known = match.groupdict() if match else {"name": student}
        row = listed.get(student, {})
        found[student] = {field: row.get(field) or known.get(field, "") for field in FIELDS}
    return found


def text(header, rows):
    """Return a CSV. A word that a spreadsheet would take for a formula gets a quotation mark in front."""
    file = io.StringIO()
    writer = csv.writer(file, lineterminator="\n")
    writer.writerow(header)
    for row in rows:
        writer.writerow(
            [f"'{c}" if isinstance(c, str) and c.startswith(("=", "+", "-", "@", "\t")) else c for c in row]
        )
    return file.getvalue()


def grades(task, states):
    """Return the table for people: marks in all and for each check, and how the run ended."""
    names = [check.name for check in task.checks]
    rows = [
        [state["student"], total(state), task.marks, state["ending"], *(one["marks"] for one in state["results"])]
        for state in states
    ]
    return text(["student", "marks", "of", "run", *names], rows)


def moodle(task, states, known):
    """Return a table for "Grades > Import > CSV file" in Moodle, where each column is mapped by hand once."""
    rows = []
    for state in states:
        who = known[state["student"]]
        login = who["login"] or state["student"]
        rows.append([who["name"], login, who["id"], who["email"], total(state), summary(state)])
    return text(["Full name", "Username", "ID number", "Email address", task.title, f"{task.title} (feedback)"], rows)


def canvas(task, states, known):
    """Return a table for "Grades > Import" in Canvas: its five columns, then the assignment."""
    rows = [["    Points Possible", "", "", "", "", task.marks]]
    for state in states:
        who = known[state["student"]]
        rows.append([who["name"], who["id"], "", who["login"], who["section"], total(state)])
    return text(["Student", "ID", "SIS User ID", "SIS Login ID", "Section", task.title], rows)


def report(states):
    """Return what the teacher should look at: how each run ended, errors of cells, and notes."""
    rows = [
        [state["student"], state["words"], "; ".join(state["notes"]), "; ".join(": ".join(e) for e in state["errors"])]
        for state in states
    ]
    return text(["student", "run", "notes", "errors"], rows)


def total(state):
    """Return the marks of a submission."""
    return sum(one["marks"] for one in state["results"])


def summary(state):
    """Return the feedback in one line: the checks that failed."""
    failed = [one["check"] for one in state["results"] if one["words"]]
    return f"Not yet: {'; '.join(failed)}." if failed else "All checks hold."
