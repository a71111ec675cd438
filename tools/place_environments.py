"""The places where readers run the book: what is installed in each, and how to have the same here.

Environments lie in `.venv-places/PLACE`. Each is stamped with what was asked for, and built again when that changes.
"""

import glob
import hashlib
import os
import pathlib
import platform
import re
import shutil
import subprocess
import sys
import tomllib
from dataclasses import dataclass, field

import processes

ROOT = pathlib.Path(__file__).resolve().parents[1]
FOLDER = ROOT / ".venv-places"
HERE = ("--no-deps", "--editable", ".")
TENSORFLOW = "tensorflow-cpu" if (sys.platform, platform.machine()) == ("linux", "x86_64") else "tensorflow"
RUNNER = ("ipykernel", "nbclient")  # what `place_runner.py` needs where Jupyter itself is not installed
# Plain Keras from end to end: the chapters that run on its other backends, by their names less their numbers.
BACKEND_CHAPTERS = ("background", "three_stages", "pretrained_model", "sentiment", "named_entities", "spoken_digits")


class NotBuilt(Exception):
    """An environment could not be built; the message says in one sentence why."""


@dataclass(frozen=True, kw_only=True)
class Place:
    """A place where the book runs.

    `requirements` holds alternatives, of which the first that pip can install is taken; each is a tuple of arguments
    for pip, and so is `package`, which installs the book's own package on top, at every start. `setup` is a script that
    does that in its stead. Of `pythons` the first that is found counts. `cores` and `memory_mb` are what the place
    gives to all processes together (None: no limit); `chapters` names what runs there, less the numbers (None: all).
    """

    name: str
    requirements: tuple
    package: tuple = HERE
    setup: str = ""
    pythons: tuple = ("3.11",)
    cores: int = 2
    memory_mb: int | None = None
    environment: dict = field(default_factory=lambda: {"KERAS_BACKEND": "tensorflow"})
    chapters: tuple | None = None
    shares: str = ""  # the folder of an environment that is there already

    def runs(self, stem):
        """Return whether a chapter is for this place."""
        return self.chapters is None or re.sub(r"^[\d_]+", "", stem) in self.chapters


def places():
    """Return all places, a dict by name, in the order of the page that shows them."""
    colab = ("keras==3.13.2", "numpy==2.1.3", *RUNNER)  # as of August 2026; NumPy must not be moved there
    tensorflow = {"KERAS_BACKEND": "tensorflow"}
    pinned = (("-r", "requirements.txt"),)
    found = [
        Place(name="reference", requirements=pinned, shares=".venv"),
        Place(
            name="colab",
            requirements=tuple((f"{name}==2.20.0", *colab) for name in (TENSORFLOW, "tensorflow")),
            package=("keras==3.13.2", "numpy==2.1.3", ".[speech,search]"),
            pythons=("3.13", "3.12", "3.11"),
            environment=tensorflow | {"PYTHONPATH": ""},  # the installed copy, and not this folder
        ),
        Place(name="codespaces", requirements=pinned, shares=".venv", memory_mb=8000),
        Place(
            name="binder",
            requirements=(("-r", "binder/requirements.txt"),),
            setup="binder/postBuild",
            pythons=((ROOT / "binder/runtime.txt").read_text(encoding="utf-8").strip().removeprefix("python-"),),
            cores=1,
            memory_mb=2000,
        ),
        Place(name="oldest", requirements=((*oldest(), *RUNNER),)),
        Place(
            name="torch",
            requirements=tuple((f"torch==2.13.0{build}", *without_tensorflow()) for build in ("+cpu", "")),
            environment={"KERAS_BACKEND": "torch", "MKL_ENABLE_INSTRUCTIONS": "AVX2", "ATEN_CPU_CAPABILITY": "avx2"},
            chapters=BACKEND_CHAPTERS,
        ),
        Place(
            name="jax",
            requirements=(("jax==0.10.2", *without_tensorflow()),),
            environment={"KERAS_BACKEND": "jax", "XLA_FLAGS": "--xla_cpu_max_isa=AVX2"},
            chapters=BACKEND_CHAPTERS,
        ),
    ]
    return {place.name: place for place in found}


APART = ("torch", "jax", "machines")  # no chapter needs them


def oldest(path=ROOT / "pyproject.toml"):
    """Return the lower bounds that the package declares, as exact pins: a list of str.

    Its options are included, but for those in `APART`.
    """
    project = tomllib.loads(path.read_text(encoding="utf-8"))["project"]
    options = {name: part for name, part in project["optional-dependencies"].items() if name not in APART}
    declared = [*project["dependencies"], *(line for part in options.values() for line in part)]
    pins = [re.match(r"([\w.-]+)>=([\w.]+)", line).groups() for line in declared]
    return [f"{TENSORFLOW if name == 'tensorflow' else name}=={version}" for name, version in pins]


def without_tensorflow(path=ROOT / "binder/requirements.txt"):
    """Return what a kernel needs but for TensorFlow, as arguments for pip: a list of str."""
    lines = path.read_text(encoding="utf-8").splitlines()
    pins = [line for line in lines if re.match(r"[\w.-]+==", line) and not line.startswith("tensorflow")]
    return ["-c", "constraints.txt", *pins]


def python_of(place, root=ROOT, folder=FOLDER):
    """Return the interpreter of a place's environment, a `pathlib.Path`, and build the environment where it is not.

    Raises `NotBuilt` where no interpreter is found, or pip fails.
    """
    if place.shares and (root / place.shares / "ready").exists():
        return root / place.shares / "bin" / "python"
    version, interpreter = find_python(place)
    venv, stamp = folder / place.name, _stamp(place, version, root)
    python, ready = venv / "bin" / "python", venv / "ready"
    if ready.exists() and ready.read_text(encoding="utf-8") == stamp:
        return python
    print(f"{place.name}: building an environment with Python {version}", flush=True)
    _run(place, interpreter, "-m", "venv", "--clear", venv, cwd=root)
    for requirements in place.requirements:
        last = requirements == place.requirements[-1]
        if _pip(place, python, *requirements, cwd=root, may_fail=not last):
            break
    ready.write_text(stamp, encoding="utf-8")
    return python


def install_package(place, python, root=ROOT):
    """Install the book's own package into a place's environment, as the place does. Raises `NotBuilt`."""
    if place.setup:
        _run(place, "bash", place.setup, cwd=root, env=os.environ | _path(python))
    elif python.parents[1] != root / place.shares:
        # What setuptools leaves behind, also when it is killed, would come into the next wheel.
        shutil.rmtree(root / "build", ignore_errors=True)
        try:
            _pip(place, python, *place.package, cwd=root)
        finally:
            shutil.rmtree(root / "build", ignore_errors=True)


def remove_package(place, python):
    """Take the book's own package out of an environment that holds a copy of it. Raises `NotBuilt`."""
    if place.package != HERE:
        _run(place, python, "-m", "pip", "uninstall", "--quiet", "--yes", "tlbook", cwd=python.parent)


def find_python(place):
    """Return `(version, path)` of the first of a place's Pythons that is found: in PATH, below pyenv, or this one."""
    for version in place.pythons:
        below = pathlib.Path(os.environ.get("PYENV_ROOT") or "~/.pyenv").expanduser() / "versions"
        found = [shutil.which(f"python{version}"), *sorted(glob.glob(f"{below}/{version}*/bin/python")), sys.executable]
        for path in filter(None, found):
            # pyenv's shim is there even where it leads nowhere
            code = "import sys; print('%d.%d' % sys.version_info[:2], sys._base_executable)"
            run = subprocess.run([path, "-c", code], capture_output=True, text=True)
            if run.returncode == 0 and run.stdout.startswith(f"{version} "):
                return version, run.stdout.strip().partition(" ")[2]
    raise NotBuilt(f"{place.name}: no Python {' or '.join(place.pythons)} was found")


def _stamp(place, version, root):
    """Return a digest of what a place's environment is built from: arguments, and the files that they name."""
    text = repr((version, place.requirements))
    for path in (root / "constraints.txt", *(root / word for words in place.requirements for word in words)):
        if path.suffix == ".txt" and path.is_file():
            text += path.read_text(encoding="utf-8")
    return hashlib.sha256(text.encode()).hexdigest()


def _pip(place, python, *arguments, cwd, may_fail=False):
    command = [python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", *arguments]
    return _run(place, *command, cwd=cwd, may_fail=may_fail)


def _run(place, *command, cwd, env=None, may_fail=False):
    """Return whether a command succeeded; raise `NotBuilt` with its last error where it had to."""
    run = subprocess.run(processes.guarded(*command), cwd=cwd, env=env, capture_output=True, text=True)
    if run.returncode and not may_fail:
        lines = [line.strip() for line in (run.stderr + run.stdout).splitlines() if line.strip()]
        errors = [line for line in lines if line.startswith("ERROR")] or lines[-1:] or ["no reason given"]
        raise NotBuilt(f"{place.name}: could not be built: {errors[0]}")
    return run.returncode == 0


def _path(python):
    return {"PATH": f"{python.parent}{os.pathsep}{os.environ['PATH']}"}
