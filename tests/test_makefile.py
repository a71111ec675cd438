"""The set-up of the Makefile: once, again only after a change, and never where all is there already."""

import os
import pathlib
import re
import shutil
import subprocess

import pytest

ROOT = pathlib.Path(__file__).parents[1]
PINS = ("requirements.txt", "requirements-dev.txt", "constraints.txt", "pyproject.toml")
# Plays Python: it makes an environment whose pip and python write down that they were called.
PYTHON = """#!/bin/sh
if [ "$1" = -m ]; then
    rm -rf .venv && mkdir -p .venv/bin
    for name in pip python; do
        printf '#!/bin/sh\\necho "%s $*" >> log\\nexit ${FAIL:-0}\\n' $name > .venv/bin/$name
        chmod +x .venv/bin/$name
    done
fi
"""

pytestmark = pytest.mark.skipif(os.name != "posix" or not shutil.which("make"), reason="needs make")


@pytest.fixture
def setup(tmp_path):
    """Return a function that runs `make setup` in a folder of its own, and gives back what was called."""
    for name in ("Makefile", *PINS):
        shutil.copy(ROOT / name, tmp_path / name)
    (tmp_path / "tools").mkdir()
    shutil.copy(ROOT / "tools" / "ipython_kernel_config.py", tmp_path / "tools")
    python = tmp_path / "python"
    python.write_text(PYTHON)
    python.chmod(0o755)

    def run(target="setup", **environment):
        (tmp_path / "log").write_text("")
        command = ["make", *target.split(), f"PYTHON={python}"]
        made = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, env=os.environ | environment)
        log = re.sub(r"(processes\.py) \d+", r"\1 PID", (tmp_path / "log").read_text()).splitlines()
        return made.returncode, [line for line in log if line != "python -c "]  # is there an interpreter?

    return run


INSTALL = "pip install --quiet --no-compile -r requirements-dev.txt"
GUARD = "python tools/processes.py PID .venv/bin/python"
FETCH = f"{GUARD} -m tlbook fetch"


def test_a_second_set_up_installs_nothing(setup):
    assert setup() == (0, [INSTALL, FETCH])
    assert setup() == (0, [FETCH])


def test_files_with_new_times_need_no_network(setup, tmp_path):
    """As in a copy of the folder, or on a branch and back."""
    setup()
    for name in PINS:
        os.utime(tmp_path / name, (2e9, 2e9))
    assert setup() == (0, [FETCH])


def test_a_changed_pin_is_installed(setup, tmp_path):
    setup()
    (tmp_path / "constraints.txt").write_text("keras==4.0\n")
    os.utime(tmp_path / "constraints.txt", (2e9, 2e9))
    assert setup() == (0, [INSTALL, FETCH])


def test_an_installation_that_failed_is_begun_again(setup):
    code, called = setup(FAIL="1")  # no network, or a full disk
    assert code != 0 and called == [INSTALL]
    assert setup() == (0, [INSTALL, FETCH])


def test_an_environment_without_its_interpreter_is_made_again(setup, tmp_path):
    setup()
    (tmp_path / ".venv/bin/python").unlink()
    assert setup() == (0, [INSTALL, FETCH])
    assert setup() == (0, [FETCH])


@pytest.mark.parametrize(
    "target, command",
    [("book", "tools/build_book.py"), ("record", "-m experiments"), ("places", "tools/places.py")],
)
def test_what_runs_for_long_ends_with_make(setup, target, command):
    """The guard does that, `processes.py`: `test_build.py` and `test_recording.py` kill a make that uses it."""
    assert setup(target) == (0, [INSTALL, FETCH, f"{GUARD} {command}"])


def test_the_original_is_recorded_where_the_command_line_asks_for_it(setup):
    assert setup("record DATA=original")[1][-1] == f"{GUARD} -m experiments --data original"
    assert setup("record", DATA="a variable of somebody's")[1][-1] == f"{GUARD} -m experiments"
