"""The hidden checks, run on the file of a submission, in a process of their own that runs nothing of the submission.

Run as a script, `python -m course.check ASSIGNMENT TRUTH MADE`, it prints the results as JSON. `TRUTH` is a folder with
`probe.npz` and `truth.npz`.
"""

import copy
import json
import pathlib
import subprocess
import sys

import numpy as np

from course import assignment, bands, made

PATIENCE_S = 120


def marks(task, probe, truth, arrays, missing, band):
    """Run all checks of an assignment on what was made. Return a list of dicts, one a check, and what was measured.

    Each check gets its marks or none, and sees copies: none can disturb the next. `missing` says why a part is absent.
    """
    results, measured = [], {}
    for one in task.checks:
        words, namespace = "", {"np": np, "band": band, "measured": {}}
        namespace |= copy.deepcopy({"probe": probe, "truth": truth, "made": arrays})
        try:
            exec(compile(one.source, f"<{one.name}>", "exec"), namespace)
        except AssertionError as error:
            words = str(error) or one.says
        except KeyError as error:
            reason = missing.get(one.question)
            words = f"Nothing to check: {reason}" if reason else f"Nothing was handed over for {error}."
        except Exception as error:
            words = f"What was returned has another form than the text asks for ({type(error).__name__}: {error})."
        measured |= namespace["measured"]
        results.append({"check": one.name, "marks": 0 if words else one.marks, "of": one.marks, "words": words[:400]})
    return results, measured


def load(path):
    """Return the arrays of a file that this program wrote, a dict."""
    with np.load(path, allow_pickle=False) as file:
        return {name: file[name] for name in file.files}


def apart(task, truth, content, scratch):
    """Run the checks in another process on the bytes of a submission; return what `main` prints, a dict.

    Raises `RuntimeError` where the process fails or does not end, which is a fault of the checks and not of the
    submission.
    """
    path = pathlib.Path(scratch) / "made.npz"
    path.write_bytes(content)
    command = [sys.executable, "-m", "course.check", str(task.folder), str(truth), str(path)]
    root = pathlib.Path(__file__).parents[1]
    try:
        run = subprocess.run(command, capture_output=True, text=True, timeout=PATIENCE_S, cwd=root)
    except subprocess.TimeoutExpired:
        raise RuntimeError(f"the checks of {task.name} took longer than {PATIENCE_S} s") from None
    finally:
        path.unlink()
    if run.returncode:
        raise RuntimeError(f"the checks of {task.name} failed: {run.stderr.strip().splitlines()[-1:]}")
    return json.loads(run.stdout)


def main():
    """Print the results: `results`, `measured`, and `report`, or `damaged` where the file cannot be read."""
    task, folder = assignment.Assignment(sys.argv[1]), pathlib.Path(sys.argv[2])
    try:
        arrays, report = made.read(sys.argv[3])
    except made.NotPlain as error:
        print(json.dumps({"damaged": str(error)[:200]}))
        return
    errors, missing, notes = (report.get(key) for key in ("errors", "missing", "notes"))
    missing = {str(key): str(value) for key, value in missing.items()} if isinstance(missing, dict) else {}
    probe, truth = load(folder / "probe.npz"), load(folder / "truth.npz")
    results, measured = marks(task, probe, truth, arrays, missing, bands.of(task.folder))
    said = {
        "errors": [[str(part)[:300] for part in pair][:2] for pair in errors][:50] if isinstance(errors, list) else [],
        "notes": [str(note)[:120] for note in notes][:20] if isinstance(notes, list) else [],
    }
    print(json.dumps({"results": results, "measured": measured, "report": said}))


if __name__ == "__main__":
    main()
