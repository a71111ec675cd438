"""Workers: processes that run notebooks, one after the other, each in a kernel of its own.

Processes, not threads: several clients in one process make ZeroMQ abort now and then. A worker lives as long as its
standard input is open. When that closes, whoever started it is gone, and it ends and takes its kernel along.
"""

import json
import os
import subprocess
import sys
import time

import nbformat

import processes

MOST_OUTPUT = 20_000_000  # characters of a page; the largest of the book has 0.7 million


class NotebookError(Exception):
    """A notebook did not run to its end; the text names the notebook, the cell and the error."""


def start(threads):
    """Start a worker whose kernels compute in so many threads, and return it as a `subprocess.Popen`.

    Two kernels that each have a thread for every core take a tenth longer than two that share them. Whoever has set
    the variable is obeyed.
    """
    return subprocess.Popen(
        [sys.executable, __file__],
        env={"TF_NUM_INTRAOP_THREADS": str(threads)} | os.environ,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        encoding="utf-8",
        start_new_session=True,  # Ctrl-C at the terminal reaches the build, and the build ends its workers
    )


def ask(worker, name, notebook, folder, cell_seconds):
    """Let a worker run a notebook in `folder`; return it with its outputs, and the seconds that it took.

    Raises `NotebookError`, with `name` in it, where a cell fails, takes longer than `cell_seconds`, or ends the worker.
    """
    print(json.dumps([notebook, str(folder), cell_seconds]), file=worker.stdin, flush=True)
    line = worker.stdout.readline()
    if not line:
        raise NotebookError(f"{name}: the process that ran it ended with status {worker.wait()}")
    answer = json.loads(line)
    if "error" in answer:
        raise NotebookError(f"{name} failed in this cell:\n\n{answer['cell']}\n\n{answer['error']}")
    return nbformat.from_dict(answer["notebook"]), answer["seconds"]


def run(notebook, folder, cell_seconds):
    """Run a notebook in `folder`; return it with its outputs and the seconds that it took, or what went wrong."""
    from nbclient import NotebookClient  # here: a worker listens before it loads what takes a second
    from nbconvert.filters import strip_ansi

    class Client(NotebookClient):
        """Keeps no output beyond the cap: a cell that prints for ever would fill the memory."""

        left, flooding = MOST_OUTPUT, None

        def process_message(self, message, cell, cell_index):
            if message["msg_type"] in ("stream", "display_data", "execute_result"):
                self.left -= len(str(message["content"]))
                if self.left < 0:
                    self.flooding = self.flooding or cell.source
                    return None
            return super().process_message(message, cell, cell_index)

    running = {}
    client = Client(
        notebook,
        timeout=cell_seconds,
        record_timing=False,  # the times would go into the cells' metadata, and so into the key
        resources={"metadata": {"path": folder}},
        on_cell_start=lambda cell, cell_index: running.update(cell),
    )
    started = time.monotonic()
    try:
        client.execute()
    except Exception as error:
        return {"cell": running.get("source", "(before the first cell)"), "error": strip_ansi(str(error))}
    if client.flooding:
        return {"cell": client.flooding, "error": f"The notebook has more than {MOST_OUTPUT:,} characters of output."}
    return {"notebook": notebook, "seconds": time.monotonic() - started}


def main():
    """Be a worker: answer each line with the notebook and its outputs, or with what went wrong."""
    # What a kernel prints past its channels belongs in the terminal, not among the answers.
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)
    for line in processes.lines_of_input():
        notebook, *rest = json.loads(line)
        answer = run(nbformat.from_dict(notebook), *rest)
        print(json.dumps(answer), file=answers, flush=True)


if __name__ == "__main__":
    main()
