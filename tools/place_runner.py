"""Run one notebook with the Python that runs this file, and print one line of JSON: what it took, and what was found.

The job comes as JSON on standard input: `notebook` (a path), `cores`, `cell_seconds`, `unfinished` (whether answers are
missing), and `parent`, the process with which this one ends. `places.py` starts it in each place, and watches its
memory from outside.
"""

import json
import os
import platform
import sys
import time

# The last cell: where the data and weights came from that the notebook still holds.
SOURCES = """
import gc as _gc, json as _json, sys as _sys
_module = _sys.modules.get("tlbook.files.sources")
_found = {(o.name, o.kind) for o in _gc.get_objects() if _module and type(o) is _module.Source}
print(_json.dumps([_sys.executable, sorted(_found)]))
"""
# What an untouched assignment raises: where an answer is missing, and where what it was to make is needed.
MISSING = ("NotImplementedError", "NameError")


def main():
    """Do the job on standard input."""
    job = json.load(sys.stdin)
    tools = os.path.dirname(__file__)
    # The kernel does not inherit them. The package of the book is last: a notebook may be the one that installs it.
    sys.path += [tools, os.path.dirname(tools)]
    import processes

    processes.end_with_parent(job["parent"])
    if hasattr(os, "sched_setaffinity"):  # before NumPy counts them
        os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[: job["cores"]])
    from tlbook.commands import speed
    from tlbook.files import installed

    backend = installed.keras_backend()
    figures = {
        "gflops": round(speed.gflops(0.5), 1),
        "python": platform.python_version(),
        "keras": installed.version("keras"),
        "backend": backend,
        "backend_version": installed.version(*installed.BACKENDS[backend]),
        "numpy": installed.version("numpy"),
        "cores": speed.cores(),
        "cpu": speed.cpu(),
    }
    figures |= run(job["notebook"], job["cell_seconds"], job["unfinished"])
    print(json.dumps(figures | {"tlbook": installed.version("tlbook")}))


def run(path, cell_seconds, unfinished):
    """Execute a notebook and return its wall seconds, CPU seconds, sources, and its error (empty where it passed)."""
    import nbformat
    from nbclient import NotebookClient
    from nbclient.exceptions import CellExecutionError

    notebook, error = nbformat.read(path, as_version=4), ""
    notebook.cells.append(nbformat.v4.new_code_cell(SOURCES))
    client = NotebookClient(notebook, timeout=cell_seconds, kernel_name="python3", allow_errors=unfinished)
    start, cpu = time.perf_counter(), _cpu_of_children()
    try:
        client.execute()
        error = _unexpected(notebook.cells) if unfinished else ""
    except CellExecutionError as raised:
        error = f"{raised.ename}: {raised.evalue}"
    except Exception as raised:  # whatever stops a notebook is a finding
        error = f"{type(raised).__name__}: {raised}"
    seconds = time.perf_counter() - start
    sources = [] if error else _sources(notebook.cells[-1])
    return {
        "seconds": round(seconds, 1),
        "cpu_seconds": round(_cpu_of_children() - cpu, 1),
        "source": "; ".join(name for name, _ in sources),
        "kind": "; ".join(kind for _, kind in sources),
        "error": next(iter(error.strip().splitlines()), ""),
    }


def _unexpected(cells):
    """Return the first error of an unfinished notebook that no missing answer explains, in words; empty without one."""
    raised = [one for cell in cells for one in cell.get("outputs", ()) if one.output_type == "error"]
    if not raised:
        return "nothing is missing in it, and answers should be"
    wrong = [one for one in raised if one.ename not in MISSING]
    if raised[0].ename != MISSING[0]:
        wrong.insert(0, raised[0])
    return f"{wrong[0].ename}: {wrong[0].evalue}" if wrong else ""


def _sources(cell):
    text = "".join(output.get("text", "") for output in cell.outputs if output.get("name") == "stdout")
    executable, sources = json.loads(text.splitlines()[-1])
    if os.path.dirname(executable) != os.path.dirname(sys.executable):
        raise RuntimeError(f"the kernel ran {executable} and not {sys.executable}")
    return sources


def _cpu_of_children():
    """Return the CPU seconds of the processes that this one started and that have ended."""
    times = os.times()
    return times.children_user + times.children_system


if __name__ == "__main__":
    main()
