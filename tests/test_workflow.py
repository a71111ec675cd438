"""The file for hosted services runs what readers run, every week, on all systems and versions that the book names."""

import pathlib
import re
import tomllib

import yaml

import place_environments

ROOT = pathlib.Path(__file__).parents[1]
FILE = yaml.safe_load((ROOT / ".github/workflows/book.yml").read_text(encoding="utf-8"))
JOBS = FILE["jobs"]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
README = (ROOT / "README.md").read_text(encoding="utf-8")
MAKEFILE = (ROOT / "Makefile").read_text(encoding="utf-8")


def commands(job):
    """Return the commands of a job."""
    return [step["run"] for step in JOBS[job]["steps"] if "run" in step]


def test_the_pinned_job_runs_what_make_test_runs():
    rule = re.search(r"^test: setup\n((?:\t.*\n)+)", MAKEFILE, re.MULTILINE)[1]
    rule = rule.replace("$(WORKERS)", re.search(r"^WORKERS \?= (\d)$", MAKEFILE, re.MULTILINE)[1])
    expected = [re.sub(r"^\t(\$\((BUNDLED|SHARED)\) )*\$\(BIN\)/", "", line) for line in rule.splitlines()]
    assert commands("pinned")[-len(expected) :] == expected


def test_tests_see_the_bundled_pictures_and_no_network():
    steps = [step for job in JOBS.values() for step in job["steps"] if step.get("run", "").startswith("pytest")]
    assert len(steps) == 4
    assert all(step["env"] == {"TLBOOK_DATA": "emoji10", "TLBOOK_OFFLINE": "1"} for step in steps)


def python_of(job):
    """Return the Python of a job with one."""
    return next(found for step in JOBS[job]["steps"] if (found := step.get("with", {}).get("python-version")))


def test_every_week_it_runs_by_itself():
    (schedule,) = FILE[True]["schedule"]  # YAML takes the word "on" for true
    assert re.fullmatch(r"\d+ \d+ \* \* [0-6]", schedule["cron"])


def test_pythons_and_systems_are_those_that_the_book_names():
    matrix = JOBS["pinned"]["strategy"]["matrix"]
    first, *between, last = matrix["python"]
    assert f"Python {', '.join([first, *between])} or {last}" in README
    assert PROJECT["requires-python"] == f">={first}"
    assert python_of("oldest") == first and python_of("newest") == python_of("plain") == last
    assert matrix["os"] == JOBS["plain"]["strategy"]["matrix"]["os"]
    assert {name.partition("-")[0] for name in matrix["os"]} == {"ubuntu", "macos", "windows"}


def test_the_plain_job_runs_the_commands_of_the_readme():
    words = " ".join(README.split())
    assert len(commands("plain")) == 3 and all(f"`{command}`" in words for command in commands("plain"))


def test_oldest_and_newest_versions_are_those_that_the_package_allows():
    assert commands("oldest")[-1] == "make places PLACES=oldest" and "oldest" in place_environments.places()
    install = commands("newest")[0]
    options = re.search(r"\.\[([\w,]+)\]", install)[1].split(",")
    assert set(options) == set(PROJECT["optional-dependencies"]) - set(place_environments.APART)
    assert "-r " not in install and "-c " not in install and "==" not in install


def test_the_book_job_makes_all_that_is_made_of_the_book():
    assert [command for command in commands("book") if command.startswith("make ")] == [
        f"make {target}" for target in ("book", "slides", "verdicts", "course", "pdf")
    ]


def test_each_make_is_one_of_the_makefile():
    targets = re.search(r"^\.PHONY: (.*)$", MAKEFILE, re.MULTILINE)[1].split()
    called = [command.split()[1] for job in JOBS for command in commands(job) if command.startswith("make ")]
    assert called and set(called) <= set(targets)
