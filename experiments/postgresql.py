"""A PostgreSQL server of our own, for as long as a block of code runs."""

import contextlib
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile
import time

NAME = "search"
_PLACES = ("/usr/lib/postgresql/*/bin", "/usr/pgsql-*/bin", "/opt/homebrew/opt/postgresql*/bin")
_GUARD = pathlib.Path(__file__).parents[1] / "tools" / "processes.py"
_PATIENCE = 30  # seconds until the server answers


def programs():
    """Return the folder of PostgreSQL's programs, the one in PATH or else the newest; None where there is none."""
    if found := shutil.which("initdb"):
        return pathlib.Path(found).resolve().parent
    folders = [folder for place in _PLACES for folder in pathlib.Path("/").glob(place[1:])]
    folders = [folder for folder in folders if (folder / "initdb").exists()]
    return max(folders, key=lambda folder: [int(part) if part.isdigit() else 0 for part in folder.parts], default=None)


@contextlib.contextmanager
def server():
    """Start a server with an empty database in a new folder; yield its address for SQLAlchemy; end it and remove both.

    It listens on a socket in that folder, which only its owner may enter, and on no port: nobody else gets at it, and
    so it asks for no password. It refuses to run as root, and then runs as the user "nobody". It ends with this process
    as well, however that ends.

    Raises `FileNotFoundError` where PostgreSQL is not installed, and `RuntimeError` with its words where it ends.
    """
    folder = programs()
    if folder is None:
        raise FileNotFoundError(
            f"PostgreSQL: got no initdb in PATH, nor in {', '.join(_PLACES)}, expected a server's programs; on Debian "
            "they come with apt install postgresql"
        )
    user = ["runuser", "-u", "nobody", "--"] if os.geteuid() == 0 else []
    with tempfile.TemporaryDirectory(prefix="pg-") as room, open(pathlib.Path(room, "log"), "w+") as log:
        if user:
            shutil.chown(room, "nobody")
        options = {"stdout": log, "stderr": subprocess.STDOUT, "cwd": room}
        data = os.path.join(room, "data")
        initdb = [*user, folder / "initdb", "-D", data, "-U", NAME, "-A", "trust", "-E", "UTF8", "--locale=C"]
        _checked(initdb, log, options)
        guard = [sys.executable, _GUARD, str(os.getpid()), *user]
        process = subprocess.Popen([*guard, folder / "postgres", "-D", data, "-k", room, "-h", ""], **options)
        try:
            _wait(process, folder, room, log)
            _checked([folder / "createdb", "-h", room, "-U", NAME, NAME], log, options)
            yield f"postgresql+psycopg://{NAME}@/{NAME}?host={room}"
        finally:
            # "fast": clients are cut off, what they wrote stays
            subprocess.run([*user, folder / "pg_ctl", "stop", "-s", "-m", "fast", "-D", data], **options)
            process.terminate()
            process.wait(_PATIENCE)


def _checked(command, log, options):
    if subprocess.run(command, **options).returncode:
        raise RuntimeError(f"{' '.join(map(str, command))} ended with an error: {_said(log)}")


def _wait(process, folder, room, log):
    """Return when the server answers."""
    until = time.monotonic() + _PATIENCE
    while subprocess.run([folder / "pg_isready", "-q", "-h", room]).returncode:
        if process.poll() is not None or time.monotonic() > until:
            raise RuntimeError(f"postgres does not answer: {_said(log)}")
        time.sleep(0.1)


def _said(log):
    log.seek(0)
    return " ".join(log.read().split())[-500:]
