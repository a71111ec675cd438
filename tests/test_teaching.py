"""The page for teachers: it reads chapters, its plans hold what there is, and every number in them is counted."""

import io
import pathlib
import re
import types

import pandas as pd
import pytest
from docutils import nodes

import course_runs
import place_course
import slides
import teaching
from course import assignment
from tlbook import results

ROOT = pathlib.Path(__file__).parents[1]
PAGE = (ROOT / "book" / "teaching.md").read_text(encoding="utf-8")
PLANS = re.findall(r"\{course-plan\} (.+)", PAGE)
ALL = [name for _, names in teaching.chapters(ROOT) for name in names]


def test_every_chapter_has_objectives_in_its_own_words():
    assert len(ALL) > 40 and ALL[0] == "01_background"
    for name in ALL:
        found = teaching.objectives(teaching.words(ROOT, name))
        assert 3 <= len(found) <= 6 and all(len(line.split()) > 3 for line in found), name
        assert not [line for line in found if line.endswith((";", ".", "?"))], name


def test_objectives_end_with_their_list():
    text = "# Title\n\n**You will be able to**\n\n- see `x`\n  and y;\n- do z.\n\nThen text.\n\n- no objective"
    assert teaching.objectives(text) == ["see `x` and y", "do z"]
    with pytest.raises(ValueError, match="You will be able to"):
        teaching.objectives("# Title")


def test_references_hold_anywhere_in_the_book():
    named = re.findall(r"\{doc\}`([^`<]+)`", "".join(teaching.words(ROOT, name) for name in ALL))
    assert len(named) > 100
    assert not [one for one in named if not any((ROOT / f"{one[1:]}{end}").exists() for end in (".md", ".ipynb"))]


def test_almost_every_chapter_makes_a_mistake():
    makes = [name for name in ALL if teaching.MISTAKE.findall(teaching.words(ROOT, name))]
    assert len(makes) > 0.9 * len(ALL)


@pytest.mark.parametrize("name", PLANS)
def test_a_plan_names_chapters_that_are_there_and_sums_of_minutes(name):
    rows = teaching.plan(name)
    assert all(one in ALL for row in rows for one in row["chapters"])
    assert all(60 <= int(row["teach"]) <= 90 and 60 <= int(row["exercise"]) <= 90 for row in rows)


def test_the_plans_are_those_of_six_weeks_and_two_days():
    assert PLANS == ["six weeks", "two days"]
    assert [len(teaching.plan(name)) for name in PLANS] == [6, 4]
    with pytest.raises(ValueError, match="got 'a year', expected one of"):
        teaching.plan("a year")


def test_every_assignment_has_its_week():
    planned = [row["assignment"] for row in teaching.plan("six weeks")]
    there = [task.name for task in assignment.everything()]
    assert len(set(planned)) == 6 and set(there) <= set(planned)
    assert set(planned) == set(there) or len(there) < 6, "named in the plan, and not there"
    assert teaching.assignment("06_choosing") == ("Choose a model for a new task", (60, 120))
    assert {row["assignment"] for row in teaching.plan("two days")} <= set(planned)


def test_an_assignment_follows_its_chapters():
    """None is handed out before the chapters that it asks for were taught, or stand in the same week."""
    there, taught = {task.name: task for task in assignment.everything()}, {"how-we-measure"}
    for row in teaching.plan("six weeks"):
        taught |= set(row["chapters"])
        if row["assignment"] in there:
            wanted = there[row["assignment"]].notebook.metadata["course"]["chapters"]
            assert set(wanted) <= taught, row["assignment"]


def test_what_the_limits_do_not_stop_stands_once():
    words = "A fault in the kernel of Linux"
    assert words in PAGE and words not in (ROOT / "course" / "README.md").read_text(encoding="utf-8")


def test_the_page_names_the_keys_that_the_slides_have():
    rows = re.findall(r"^\| (.+?) \| .+ \|$", PAGE.partition("| key | does |")[2].partition("\n\n")[0], re.MULTILINE)
    named = [row.replace("`", "") for row in rows]
    assert named == re.findall(r"<tr><td>(.+?)</td>", slides.CONTENTS) and len(named) == 6


PLACES = f"""\
place,notebook,passed,seconds,peak_memory_mb,gflops,error,date
colab,course/untouched/01_three_stages,True,9,700,35,,2026-11-29
colab,course/solved/01_three_stages,True,60,1100,{results.REFERENCE_GFLOPS},,2026-11-29
binder,course/untouched/01_three_stages,False,9,700,35,ModuleNotFoundError: <no>,2026-11-29
binder,course/solved/01_three_stages,True,60,1100,35,,2026-11-29
"""


def test_how_the_students_zip_ran_is_that_of_the_places():
    assert course_runs.PLACES == place_course.PLACES
    titles = {"01_three_stages": "One & all", "capstone/template": "The frame"}
    assert course_runs.lines(pd.read_csv(io.StringIO(PLACES)), titles) == [
        ["One &amp; all", "60 s, 1,100 MB", "✗ untouched: ModuleNotFoundError: &lt;no&gt; (2026-11-29)"],
        ["The frame", "not measured", "not measured"],
    ]


def test_a_table_names_its_rows_and_columns():
    found = teaching.table(["a", "b"], [["x", "1"]], "What it is.")
    assert '<th scope="col">b</th>' in found and '<th scope="row">x</th>' in found and "<caption>What" in found


def page_with(**mark):
    """The page with one mark, filled from three chapters that were read, of ten minutes and thirty."""
    names = ("notebooks/01_background", "notebooks/02_three_stages", "notebooks/08_2_choosing_a_model")
    env = types.SimpleNamespace(
        tlbook_front={name: {"read": 10, "do": 30} for name in names},
        titles={name: nodes.title("", f"{name[10:13]} A title") for name in names},
    )
    builder = types.SimpleNamespace(get_relative_uri=lambda here, there: f"../{there}.html")
    page = nodes.section("", teaching.teaching_part(**mark))
    teaching.fill(types.SimpleNamespace(env=env, builder=builder, srcdir=str(ROOT)), page, "book/teaching")
    return page.astext()


def test_costs_are_those_of_the_strips():
    text = page_with(part="costs")
    assert text.count('<th scope="row">') == 3, "what was not read is left out"
    assert "<td>10</td><td>30</td>" in text and re.search(r"<td>\d+ s, \d\.\d GB</td>", text)


def test_a_plan_adds_up_its_minutes_and_those_of_its_chapters():
    text = page_with(part="plan", plan="two days")
    assert "6 hours of teaching and 6 hours of exercises in class" in text
    assert "<td>90</td><td>90</td><td>20</td><td>60</td>" in text, "two chapters of the first morning"
    assert "<td>Choose a model for a new task, 60 to 120 min</td>" in text
