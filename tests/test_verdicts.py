"""The list of all verdicts: what is printed, in text and in tables, and which records stand behind it."""

import nbformat
import pytest
from jupyter_cache import get_cache
from jupyter_cache.base import CacheBundleIn
from nbformat import v4

import verdicts

TABLE = """<table><thead><tr><th>labels</th><th>body</th><th>against fresh</th></tr></thead>
<tbody><tr><td>10</td><td>GAN</td><td>hurts by 1.0 ± 0.4 points</td></tr>
<tr><td>50</td><td>GAN</td><td>not recorded yet</td></tr></tbody></table>"""


def printed(source, text):
    return v4.new_code_cell(source, outputs=[v4.new_output("stream", name="stdout", text=text)])


@pytest.fixture
def notebook():
    shown = v4.new_output("display_data", data={"text/html": TABLE})
    return v4.new_notebook(
        cells=[
            v4.new_markdown_cell("It helps by 9.9 ± 0.1 points."),
            v4.new_code_cell('runs = results.read("small")\nother = results.so_far("large")'),
            v4.new_code_cell("def wide(rows):\n    return rows.pivot(other)"),
            v4.new_code_cell("def seen(other):\n    runs = other\n    return runs"),
            printed("print(verdict(seen(live)))", "helps by 2.0 ± 0.5 points"),
            printed(
                "seen = runs.query('n > 1')\nprint(verdict(seen))", "a, against b:\n  50 labels: helps by 1.2 ± 0.8 "
            ),
            v4.new_code_cell("tables.show(wide(runs))", outputs=[shown]),
            printed("print(verdict(live))", "not told apart: -0.1 ± 2.0 points\nthe cost hurts\n"),
            printed("!ls", "helps by 1.0 ± 0.1 points"),
        ]
    )


def test_every_verdict_is_found_with_its_tables(notebook):
    assert verdicts.verdicts(notebook) == [
        ([verdicts.LIVE], ["helps by 2.0 ± 0.5 points"]),
        (["small"], ["a, against b: 50 labels: helps by 1.2 ± 0.8"]),
        (["large", "small"], ["10, GAN; against fresh: hurts by 1.0 ± 0.4 points"]),
        ([verdicts.LIVE], ["not told apart: -0.1 ± 2.0 points"]),
    ]


def test_pages_that_were_built_are_listed_and_others_are_told(tmp_path, capsys, notebook):
    (tmp_path / "_toc.yml").write_text("format: jb-book\nroot: a\nchapters:\n- file: b\n")
    (tmp_path / "_build").mkdir()
    nbformat.write(notebook, tmp_path / "a.ipynb")
    nbformat.write(v4.new_notebook(cells=[v4.new_code_cell("1 + 1")]), tmp_path / "b.ipynb")
    cache = get_cache(tmp_path / "_build" / ".jupyter_cache")
    cache.cache_notebook_bundle(CacheBundleIn(notebook, str(tmp_path / "a.ipynb")), check_validity=False)
    assert verdicts.main(tmp_path) == 1
    out, err = capsys.readouterr()
    assert out.splitlines()[2:4] == ["a (small)", "  a, against b: 50 labels: helps by 1.2 ± 0.8"]
    assert "b: not built" in err
