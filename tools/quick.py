"""Check a change in under a minute: style, and the unit tests that the change touches.

A change is all that differs from the branch that others have, and what git does not know yet. A test file is touched
where it changed itself or reaches a module that did, or a file beside one. What touches every test, as the fixtures
that run unasked and the settings do, is left to `make test`, and so are tests marked `slow` and `real`.
"""

import pathlib
import subprocess
import sys

import imports

ROOT = pathlib.Path(__file__).resolve().parent.parent
# What these tests read with no import.
ALSO = {
    "test_book.py": (
        *("notebooks/", "book/", "results/", "binder/", "_toc.yml", "_config.yml", "CITATION.cff"),
        *("README.md", "CONTRIBUTING.md", "requirements", "constraints.txt"),
    ),
    "test_house.py": ("tlbook/", "experiments/"),
    "test_api.py": ("tlbook/", "book/api/", "notebooks/"),
    "test_chapters.py": ("notebooks/",),
    "test_solutions.py": ("notebooks/",),
    "test_makefile.py": ("Makefile",),
    "test_workflow.py": (".github/", "Makefile"),
    **{f"test_{name}.py": ("book/_static/",) for name in ("explorer", "quiz", "reading", "search", "zoom")},
    **{f"test_{name}.py": ("book/_static/",) for name in ("fonts", "front_page", "page_head")},
}


def git(*arguments):
    """Return the lines that a git command prints: a list, empty where it fails."""
    run = subprocess.run(["git", *arguments], cwd=ROOT, capture_output=True, text=True)
    return run.stdout.splitlines() if run.returncode == 0 else []


def changed_files():
    """Return the paths, relative to the repository, that differ from what others have: a sorted list of str."""
    upstream = git("rev-parse", "--verify", "@{upstream}") or git("rev-parse", "--verify", "origin/main")
    base = git("merge-base", "HEAD", upstream[0]) if upstream else []
    return sorted({*git("diff", "--name-only", base[0] if base else "HEAD"), *untracked()})


def untracked():
    """Return the paths that git neither knows nor ignores."""
    return git("ls-files", "--others", "--exclude-standard")


def touched_tests(changed, root=ROOT):
    """Return a dict from each test file below `root/tests` that a change touches to the reason, in words.

    `changed` holds paths relative to `root`. A module also changes with the files beside it that are no modules.
    """
    known = imports.modules(root, packages=("tlbook", "experiments", "course"), scripts=("tools", "tests"))
    links, reasons = imports.graph(known), {}
    for test in sorted((root / "tests").rglob("test_*.py")):
        reached = imports.reached(imports.imported(test.read_text(encoding="utf-8"), known), links)
        modules = {known[name].relative_to(root).as_posix() for name in reached}
        own = test.relative_to(root).as_posix()
        causes = [path for path in changed if path == own or path in modules or beside(path, modules)]
        causes += [path for path in changed if path.startswith(ALSO.get(test.name, ())) and path not in causes]
        if causes:
            reasons[own] = causes[0] + (f" and {len(causes) - 1} more" if len(causes) > 1 else "")
    return reasons


def beside(path, modules):
    """Return whether a file that is no module lies in the folder of one of `modules`, or below it."""
    folders = {module.rpartition("/")[0] for module in modules} - {"tests", "tools", "tlbook"}
    return not path.endswith(".py") and any(path.startswith(f"{folder}/") for folder in folders)


def run(*command):
    """Show a command and run it; return whether it succeeded."""
    print("$", *command[1:], flush=True)
    return subprocess.run(command, cwd=ROOT).returncode == 0


def main():
    """Run the checks; return the exit status."""
    passed = run(sys.executable, "-m", "ruff", "check") & run(sys.executable, "-m", "ruff", "format", "--check")
    changed = changed_files()
    reasons = touched_tests(changed)
    for test, reason in reasons.items():
        print(f"{test}: {reason} changed")
    if reasons:
        passed &= run(sys.executable, "-m", "pytest", "-q", "-n", "2", "-m", "not slow and not real", *reasons)
    else:
        print(f"{len(changed)} files changed, and no test with them")
    return 0 if passed else 1


if __name__ == "__main__":
    sys.exit(main())
