"""What students get: in step with the source, no solution, no hidden check; and the sources themselves."""

import importlib.util
import pathlib
import subprocess
import types
import zipfile

import nbformat
import numpy as np
import pytest
from small_course import small_notebook, write_small

from course import assignment, bands, build, student

TASKS = assignment.everything()
each_task = pytest.mark.parametrize("task", TASKS, ids=lambda task: task.name)


@each_task
def test_the_students_version_is_in_step(task):
    path = build.STUDENT / f"{task.name}.ipynb"
    assert path.read_text(encoding="utf-8") == student.text(student.version(task)), (
        "run python -m course.build --notebooks"
    )


def secret_lines(task):
    """Lines of code that no student may get: those of solutions and of cells that are kept back."""
    solved = {line.strip() for cell in student.solution(task).cells for line in cell.source.splitlines()}
    given = {line.strip() for cell in student.version(task).cells for line in cell.source.splitlines()}
    kept = {line.strip() for tag in assignment.KEPT_BACK for c in task.cells(tag) for line in c.source.splitlines()}
    return {line for line in (solved | kept) - given if len(line) > 25}


@each_task
def test_the_zip_of_students_holds_no_solution_and_no_hidden_check(task, tmp_path):
    secrets = secret_lines(task)
    assert len(secrets) > 30
    build.pack(tmp_path / "course.zip", build.for_students([task]))
    with zipfile.ZipFile(tmp_path / "course.zip") as archive:
        assert sorted(archive.namelist()) == ["course/" + name for name in (f"{task.name}.ipynb", "README.txt")]
        everything = [line.strip() for name in archive.namelist() for line in archive.read(name).decode().splitlines()]
    held = "\n".join(everything)
    assert not [line for line in secrets if line.replace('"', '\\"') in held]


@each_task
def test_the_zip_of_teachers_holds_solution_rubric_and_checks(task, tmp_path):
    files = build.for_teachers([task])
    assert {f"{task.name}/{name}" for name in ("assignment.ipynb", "solution.ipynb", "rubric.md")} <= set(files)
    assert all(check.says in files[f"{task.name}/rubric.md"] for check in task.checks)
    solved = files[f"{task.name}/solution.ipynb"]
    assert "BEGIN SOLUTION" not in solved and "NotImplementedError" not in solved.replace(
        "raise NotImplementedError()`", ""
    )


def test_the_same_files_make_the_same_zip(tmp_path):
    for name in ("one", "two"):
        build.pack(tmp_path / name / "course.zip", {"a.txt": "x", "b.txt": "y"})
    one, two = ((tmp_path / name / "course.zip").read_bytes() for name in ("one", "two"))
    assert one == two


@each_task
def test_the_source_is_stored_without_outputs_and_says_what_each_cell_is_for(task):
    text = task.path.read_text(encoding="utf-8")
    assert text == nbformat.writes(task.notebook).rstrip("\n") + "\n"
    assert not [cell for cell in task.notebook.cells if cell.get("outputs")]
    questions = {question for question, _ in task.records}
    assert {check.question for check in task.checks} == questions


@each_task
def test_every_chapter_that_a_check_names_is_there(task):
    names = {path.stem for path in (assignment.FOLDER.parents[1] / "notebooks").glob("*.ipynb")}
    for check in task.checks:
        first, _, second = check.chapter.partition(".")
        start = f"{int(first):02d}_{second}" if second else f"{int(first):02d}_"
        assert any(name.startswith(start) for name in names), check.chapter


@pytest.mark.parametrize("inside", ["", "capstone"])
def test_the_first_cell_installs_the_wheel_beside_or_above_and_moves_no_numpy(inside, tmp_path, monkeypatch):
    (tmp_path / inside).mkdir(exist_ok=True)
    (tmp_path / "tlbook-1.whl").touch()
    monkeypatch.chdir(tmp_path / inside)
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    asked, done = [], types.SimpleNamespace(returncode=0, stderr="")
    monkeypatch.setattr(subprocess, "run", lambda command, **_: asked.append(command) or done)
    exec(student.INSTALL, {})
    assert pathlib.Path(asked[0][-1]).resolve() == tmp_path / "tlbook-1.whl"
    assert "keep.txt" in asked[0] and f"numpy=={np.__version__}\n" in pathlib.Path("keep.txt").read_text()
    done.returncode, done.stderr = 1, "no network"
    with pytest.raises(AssertionError, match="no network"):
        exec(student.INSTALL, {})
    (tmp_path / "tlbook-1.whl").unlink()
    with pytest.raises(AssertionError, match="Put the file"):
        exec(student.INSTALL, {})


def test_a_solution_is_replaced_where_it_stands():
    source = "def f():\n    ### BEGIN SOLUTION\n    return 1\n    ### END SOLUTION\n\nx = f()"
    assert student.without_solution(source, "code") == (
        "def f():\n    # YOUR CODE HERE\n    raise NotImplementedError()\n\nx = f()"
    )
    twice = "### BEGIN SOLUTION\n### BEGIN SOLUTION\n### END SOLUTION"
    for broken in ("### BEGIN SOLUTION\nx", twice, "return 1\n### END SOLUTION"):
        with pytest.raises(ValueError, match="a solution"):
            student.without_solution(broken, "code")


def test_a_solution_outside_of_an_answer_is_found(tmp_path):
    task = write_small(tmp_path)
    task.notebook.cells[2].source = "### BEGIN SOLUTION\nx\n### END SOLUTION"
    with pytest.raises(ValueError, match="expected BEGIN SOLUTION in answers and nowhere else"):
        student.version(task)


def test_a_hidden_check_without_marks_is_found(tmp_path):
    notebook = small_notebook()
    del next(cell for cell in notebook.cells if "hidden" in cell.metadata.get("tags", [])).metadata["course"]["marks"]
    (tmp_path / "assignment.ipynb").write_text(nbformat.writes(notebook), encoding="utf-8")
    with pytest.raises(ValueError, match=r"lacks \['marks'\]"):
        assignment.Assignment(tmp_path)


@each_task
def test_our_students_version_is_nbgraders(task):
    preprocessors = pytest.importorskip("nbgrader.preprocessors", reason="pip install -r course/requirements.txt")
    theirs, _ = preprocessors.ClearSolutions().preprocess(student._kept(task), {})
    assert [cell.source for cell in theirs.cells] == [cell.source for cell in student.version(task).cells]


def test_a_band_holds_its_risk():
    """Of many honest runs, as many fall below the band as it says, give or take chance."""
    draw = np.random.default_rng(0)
    below = [draw.normal(0.4, 0.03) < bands.least(draw.normal(0.4, 0.03, 20), 0.05) for _ in range(2_000)]
    assert 0.035 < np.mean(below) < 0.065


def test_too_few_seeds_judge_nothing():
    with pytest.raises(ValueError, match="got 9 seeds, expected 10 or more"):
        bands.least([0.4] * 9, 0.001)


def test_the_risk_is_below_one_in_a_thousand():
    assert bands.RISK < 1e-3


def test_the_pattern_is_described():
    """The table of cells names the tags that the code knows."""
    assert all(f"`{tag}`" in assignment.__doc__ for tag in assignment.KEPT_BACK)
    assert (pathlib.Path(build.HERE) / "README.md").exists()
