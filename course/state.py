"""What is known of each submission, a file each, written whole or not at all: a killed grading goes on from there."""

import json
import os
import pathlib
import urllib.parse


def file_name(student):
    """Return a name of a file for a student: letters, digits and a few signs; everything else is escaped."""
    name = urllib.parse.quote(student, safe=" ,()")
    return f"%2E{name[1:]}" if name.startswith(".") else name


def write(path, text):
    """Write a text whole: a reader sees the old file or the new one."""
    path = pathlib.Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(f"{path.name}.{os.getpid()}.partial")
    with partial.open("w", encoding="utf-8", newline="\n") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    os.replace(partial, path)


class States:
    """The states in a folder. A state is a dict that JSON can hold, with a `digest` of all that it depends on."""

    def __init__(self, folder):
        """Use this folder; it is made when something is kept."""
        self.folder = pathlib.Path(folder)

    def get(self, student, digest):
        """Return the state of a student where it is there, whole and of this digest, else None."""
        try:
            found = json.loads(self._path(student).read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return None
        return found if found.get("digest") == digest else None

    def keep(self, student, state):
        """Keep the state of a student."""
        write(self._path(student), json.dumps(state, indent=1, sort_keys=True, ensure_ascii=False) + "\n")

    def _path(self, student):
        return self.folder / f"{file_name(student)}.json"
