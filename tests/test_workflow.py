"""The file for hosted services runs what the Makefile runs, on every Python that the package says it takes."""

import pathlib
import re
import tomllib

import yaml

ROOT = pathlib.Path(__file__).parents[1]
JOBS = yaml.safe_load((ROOT / ".github/workflows/book.yml").read_text(encoding="utf-8"))["jobs"]
MAKEFILE = (ROOT / "Makefile").read_text(encoding="utf-8")


def commands(job):
    """Return the commands of a job."""
    return [step["run"] for step in JOBS[job]["steps"] if "run" in step]


def test_the_pinned_job_runs_what_make_test_runs():
    rule = re.search(r"^test: setup\n((?:\t.*\n)+)", MAKEFILE, re.MULTILINE)[1]
    expected = [re.sub(r"^\t(\$\(BUNDLED\) )?\$\(BIN\)/", "", line) for line in rule.splitlines()]
    assert commands("pinned")[-len(expected) :] == expected


def test_tests_see_the_bundled_pictures_and_no_network():
    steps = [step for job in JOBS.values() for step in job["steps"] if step.get("run", "").startswith("pytest")]
    assert len(steps) == 3
    assert all(step["env"] == {"TLBOOK_DATA": "emoji10", "TLBOOK_OFFLINE": "1"} for step in steps)


def test_the_oldest_python_of_the_matrix_is_that_of_the_package():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert f">={JOBS['pinned']['strategy']['matrix']['python'][0]}" == project["requires-python"]


def test_each_make_is_one_of_the_makefile():
    targets = re.search(r"^\.PHONY: (.*)$", MAKEFILE, re.MULTILINE)[1].split()
    called = [command.split()[1] for job in JOBS for command in commands(job) if command.startswith("make ")]
    assert called and set(called) <= set(targets)
