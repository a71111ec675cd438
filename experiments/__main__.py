"""Record what is missing or stale: `python -m experiments` for every experiment, with names after it for some.

An experiment is a module here with an `EXPERIMENT`. Each runs in a process of its own; the first that fails ends it.
One whose table stands in `results/lessons/` alone is closed. `--data original` records on the original CIFAR-10, into
`results/original/` (`experiments.original`).
"""

import argparse
import pathlib
import re
import subprocess
import sys

sys.path.append(str(pathlib.Path(__file__).parents[1] / "tools"))

import closed
import processes
import whole_map


def names():
    """Return the names of all experiments that are not closed, sorted; none is imported."""
    files = sorted(pathlib.Path(__file__).parent.glob("*.py"))
    found = [f.stem for f in files if re.search(r"^EXPERIMENT = ", f.read_text(encoding="utf-8"), re.MULTILINE)]
    return [name for name in found if not closed.is_closed(name)]


def main(arguments=None):
    """Run the experiments that the arguments name; return the exit status."""
    every = names()
    parser = argparse.ArgumentParser(prog="python -m experiments", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"of {', '.join(every)}")
    parser.add_argument("--data", choices=["original"], help="the original CIFAR-10; without names, the map")
    asked = parser.parse_args(arguments)
    if unknown := sorted(set(asked.names) - set(every)):
        parser.error(f"got {', '.join(unknown)}, expected some of {', '.join(every)}")
    wanted = asked.names or (whole_map.TABLES if asked.data else every)
    for name in wanted:
        module = ["experiments.original", name] if asked.data else [f"experiments.{name}"]
        if status := subprocess.run(processes.guarded(sys.executable, "-m", *module)).returncode:
            return status
    if set(whole_map.TABLES) & set(wanted):
        print(whole_map.write(whole_map.ROOT / "results" / (asked.data or "")))
    return 0


if __name__ == "__main__":
    processes.end_together("Ended. The rows that were recorded are kept.")
    sys.exit(main())
