"""Cells by their tag: what folds, under which words."""

import nbformat
import pytest

import cell_forms


def cell(source, *tags):
    return nbformat.v4.new_code_cell(source, metadata={"tags": list(tags), "mystnb": {"image": {"alt": "a curve"}}})


@pytest.mark.parametrize(("tag", "hides"), [("setup", "input"), ("figure", "input"), ("solution", "cell")])
def test_a_tag_folds_its_cell_on_the_page_and_in_jupyterlab(tag, hides):
    given = cell("x = 1", tag)
    cell_forms.fold(given)
    assert given.metadata.tags == sorted([tag, f"hide-{hides}"])
    assert given.metadata.jupyter.source_hidden is True
    assert given.metadata.mystnb.image.alt == "a curve", "what the author wrote is kept"
    assert given.metadata.mystnb.code_prompt_show == cell_forms.FOLDED[tag][1]


def test_a_check_says_what_holds():
    given = cell("# The frozen weights did not move.\nassert True", "check")
    cell_forms.fold(given)
    assert given.metadata.mystnb.code_prompt_show == "Check: The frozen weights did not move"


def test_a_check_without_words_is_refused():
    with pytest.raises(ValueError, match="a check begins with a comment that says what holds, but got: assert x == 1"):
        cell_forms.fold(cell("assert x == 1", "check"))


def test_a_solution_opens_and_closes_by_its_name():
    given = cell("x", "solution")
    cell_forms.fold(given)
    assert (given.metadata.mystnb.code_prompt_show, given.metadata.mystnb.code_prompt_hide) == (
        "Show solution",
        "Hide solution",
    )


def test_other_cells_stay_open_and_folding_twice_changes_nothing():
    plain = nbformat.v4.new_code_cell("x = 1")
    cell_forms.fold(plain)
    assert plain.metadata == {}
    once = cell("x = 1", "figure")
    cell_forms.fold(once)
    twice = once.copy()
    cell_forms.fold(twice)
    assert twice == once


def test_a_badge_stands_without_its_code():
    given = cell("tables.badge(source)", "badge")
    cell_forms.fold(given)
    assert given.metadata.tags == ["badge", "remove-input"]
