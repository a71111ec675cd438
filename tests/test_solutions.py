"""Every exercise of a chapter is answered, and all code of the answers runs: as cells of the notebook, in `make test`.

nbval runs a notebook from top to bottom, so that a solution runs in the namespace of its chapter, after its cells.
What could escape it is looked for here: code in a text cell, cells that are skipped, bodies that nobody calls.
"""

import ast
import pathlib
import re

import nbformat
import pytest
from IPython.core.inputtransformer2 import TransformerManager

ROOT = pathlib.Path(__file__).parents[1]
NOTEBOOKS = sorted((ROOT / "notebooks").glob("*.ipynb"))
WORDS = re.compile(r'<details class="solution">.*?</details>', re.S)
SKIPPED = {"nbval-skip", "skip-execution", "raises-exception", "remove-cell"}
FEWEST_WORDS = 20

each_chapter = pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)


def tree(source):
    return ast.parse(TransformerManager().transform_cell(source))


def answers(cells):
    """Return a list of (number, asked, answers) of the exercises; an answer is a text or a code cell."""
    found = []
    for cell in cells:
        if cell.cell_type == "code":
            if "solution" in cell.metadata.get("tags", []):
                found[-1][2].append(cell)
            continue
        for part in re.split(r"(?=^### Exercise \d)", cell.source, flags=re.M):
            if head := re.match(r"### Exercise (\d+)\s+", part):
                asked = WORDS.sub("", part[head.end() :])
                found.append((int(head[1]), asked.strip(), []))
            if found:
                found[-1][2].extend(WORDS.findall(part))
    return found


def not_run(cell):
    """Return in words what of a solution's code nbval would not run, or ""."""
    if skipped := SKIPPED & set(cell.metadata.get("tags", [])):
        return f"the cell is tagged {sorted(skipped)}"
    if cell.source.lstrip().startswith("%%"):
        return "a cell magic may run it elsewhere, or not at all"
    code = tree(cell.source)
    if not code.body:
        return "there is no code, only comments"
    kinds = ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef
    defined = {node.name for node in ast.walk(code) if isinstance(node, kinds) and not node.name.startswith("_")}
    names = {node.id for node in ast.walk(code) if isinstance(node, ast.Name)}
    used = names | {node.attr for node in ast.walk(code) if isinstance(node, ast.Attribute)}
    if idle := defined - used:
        return f"nothing calls {sorted(idle)}"
    tests = [node.test for node in ast.walk(code) if isinstance(node, ast.If | ast.While)]
    if any(isinstance(test, ast.Constant) and not test.value for test in tests):
        return "a part stands behind a condition that is never true"
    return ""


@each_chapter
def test_exercises_are_numbered_asked_and_answered(path):
    found = answers(nbformat.read(path, 4).cells)
    assert [number for number, *_ in found] == list(range(1, len(found) + 1)) and found, "number them in their order"
    for number, asked, given in found:
        assert len(asked.split()) >= 8, f"exercise {number} asks nothing: {asked!r}"
        assert given, f"exercise {number} has no solution"
        words = sum(len(text.split()) for text in given if isinstance(text, str))
        code = [cell for cell in given if not isinstance(cell, str)]
        assert code or words >= FEWEST_WORDS, f"the solution of exercise {number} says next to nothing"


@each_chapter
def test_all_code_of_solutions_is_run_by_nbval(path):
    for number, _, given in answers(nbformat.read(path, 4).cells):
        for answer in given:
            if isinstance(answer, str):
                assert "```" not in answer, f"exercise {number}: code in a text cell is run by nobody"
            else:
                assert not (why := not_run(answer)), f"exercise {number}: {why}: {answer.source[:60]}"


def test_make_test_runs_the_notebooks_whole():
    rules = (ROOT / "Makefile").read_text(encoding="utf-8")
    assert re.search(r"^test:.*?pytest --nbval-lax [^\n]*notebooks/\n", rules, flags=re.M | re.S)


@pytest.mark.parametrize(
    ("source", "tags", "why"),
    [
        ("print(1)", ["nbval-skip"], "nbval-skip"),
        ("# x = 1", [], "only comments"),
        ("def f():\n    return 1", [], "nothing calls"),
        ("if False:\n    print(1)", [], "never true"),
        ("%%script false\nprint(1)", [], "magic"),
        ("def f():\n    return 1\n\n\nprint(f())", [], ""),
    ],
)
def test_code_that_does_not_run_is_found(source, tags, why):
    cell = nbformat.v4.new_code_cell(source, metadata={"tags": ["solution", *tags]})
    assert why in not_run(cell) and bool(why) == bool(not_run(cell))


def test_an_exercise_without_a_solution_is_found(tmp_path):
    text = nbformat.v4.new_markdown_cell("### Exercise 1\n\nWhat would you do about this, and why so?")
    nbformat.write(nbformat.v4.new_notebook(cells=[text]), tmp_path / "a.ipynb")
    with pytest.raises(AssertionError, match="no solution"):
        test_exercises_are_numbered_asked_and_answered(tmp_path / "a.ipynb")
