"""The cheat sheet: its code runs from the first line to the last."""

import pathlib
import re

import pytest

SHEET = (pathlib.Path(__file__).parents[1] / "book" / "cheat-sheet.md").read_text(encoding="utf-8")
CODE = re.findall(r"^```python\n(.*?)^```", SHEET, flags=re.MULTILINE | re.DOTALL)


def test_each_recipe_is_there():
    for name in ("Prepare", "Cache features", "Probe", "LP-FT", "Evaluate", "Store"):
        assert f"**{name}.**" in SHEET


def test_the_sheet_is_no_longer_than_what_was_seen_to_fit_on_one_page_of_a4():
    assert len(SHEET.splitlines()) <= 95


@pytest.mark.slow
def test_the_code_runs(weights, monkeypatch, tmp_path, capsys):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("TLBOOK_DATA", "emoji10")
    small = (
        "\n".join(CODE).replace("500", "60").replace("epochs=3", "epochs=1").replace("(3e-5, 1e-4, 3e-4)", "(1e-4,)")
    )
    assert small.count("60") == 3
    exec(compile(small, "cheat-sheet.md", "exec"), {})
    assert "fine-tuning, against the probe:" in capsys.readouterr().out
    assert (tmp_path / "classifier.keras").exists()
