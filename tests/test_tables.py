"""Tables: what the reader sees, and what is refused before he sees it."""

import html.parser

import numpy as np
import pandas as pd
import pytest

from tlbook import tables
from tlbook.files import sources

TABLE = pd.DataFrame(
    {"arm": ["head_then_block4", "a < b"], "n_train": [1000, 20], "accuracy": [0.75, np.nan], "note": [None, "x"]}
)


class Cells(html.parser.HTMLParser):
    """The cells of a table with their attributes, in order."""

    def __init__(self, text):
        super().__init__()
        self.found, self.open = [], False
        self.feed(text)

    def handle_starttag(self, tag, attributes):
        self.open = tag in ("td", "th", "caption")
        if self.open:
            self.found.append([tag, dict(attributes), ""])

    def handle_data(self, text):
        if self.open:
            self.found[-1][2] += text

    def handle_endtag(self, tag):
        self.open = False


def cells(*arguments, **more):
    return Cells(tables.show(*arguments, **more).data).found


def test_names_formats_and_missing_values():
    shown = cells(
        TABLE,
        {"n_train": "{:,}", "accuracy": "{:.0%}"},
        {"head_then_block4": "head, then block 4", "n_train": "labels"},
    )
    assert [text for *_, text in shown] == [
        *("arm", "labels", "accuracy", "note"),
        *("head, then block 4", "1,000", "75%", "–"),
        *("a < b", "20", "–", "x"),
    ]


def test_numbers_stand_at_the_right_and_heads_say_what_they_head():
    shown = cells(TABLE, {"accuracy": "{:.0%}"})
    for row in range(3):
        numbers = [attributes.get("class") == "number" for _, attributes, _ in shown[4 * row : 4 * row + 4]]
        assert numbers == [False, True, True, False]
    assert all(attributes["scope"] == "col" for _, attributes, _ in shown[:4])


def test_caption_is_optional():
    assert cells(TABLE[["arm"]], caption="Two & more")[0] == ["caption", {}, "Two & more"]
    assert "caption" not in tables.show(TABLE[["arm"]]).data


def test_a_column_of_fractions_needs_a_format():
    with pytest.raises(ValueError, match=r"formats: none for \['accuracy'\]"):
        tables.show(TABLE)


def test_a_format_for_no_column_is_refused():
    with pytest.raises(ValueError, match=r"formats: got \['acuracy'\], expected some of the columns \['arm'"):
        tables.show(TABLE, {"acuracy": "{:.0%}"})


@pytest.mark.parametrize(
    ("source", "look"),
    [
        (sources.Source("CIFAR-10", "mirror", "A <lossy> copy."), "recorded"),
        (sources.Source("emoji-10 stand-in", "bundled", "Drawings."), "stand-in"),
        (sources.Source("VADER stand-in (amazon)", "package index", "Rated."), "stand-in"),
    ],
)
def test_badge_tells_a_stand_in_from_recorded_data(source, look):
    said = tables.badge(source).data
    assert f"tlbook-badge {look}" in said and source.name in said and "<lossy>" not in said
    assert ("Stand-in:" in said) == (look == "stand-in")


def test_badge_shows_no_address():
    source = sources.Source("reviews", "mirror", "byte-identical to https://example.org/a/b.zip (CC BY 4.0)")
    assert "byte-identical to b.zip (CC BY 4.0)" in tables.badge(source).data


def test_a_format_that_leaves_the_value_out_is_refused():
    """As when names are given in the place of formats: each cell would show the column's name."""
    with pytest.raises(ValueError, match=r"formats: those of \['way'\] would show every cell alike"):
        tables.show(pd.DataFrame({"way": ["probe"]}), {"way": "how it was done"})


def runs(**more):
    always = {"n_train": [40, 40, 800], "n_choose": [10, 10, 200], "trials": [4, 4, 4], "n_source": [0, 0, 0]}
    always |= {"cpu_seconds": [1.0, 2.0, 30.2], "cache": ["cold"] * 3, "pretraining": ["none"] * 3, "arm": ["a"] * 3}
    always |= {"at_edge": [True, False, True]}
    return pd.DataFrame(always | more)


def ledger_cells(rows):
    return [
        text
        for tag, _, text in Cells(tables.ledger(rows, {"a": "from scratch", "b": "not run"}).data).found
        if tag == "td"
    ]


def test_the_ledger_says_what_an_arm_was_given_and_what_it_cost():
    assert ledger_cells(runs()) == ["from scratch", "40 to 800", "10 to 200", "0", "4", "2 of 3", "1.5 to 30", "none"]


def test_a_pretraining_is_in_seconds_or_the_publisher_s():
    assert ledger_cells(runs(pretraining=["20", "20", "30"], n_source=[5_000] * 3))[3:] == [
        "5,000",
        "4",
        "2 of 3",
        "1.5 to 30",
        "20 to 30 s",
    ]
    published = ledger_cells(runs(pretraining=["published"] * 3, n_source=[np.nan] * 3))
    assert published[3] == "the publisher's" and published[-1] == "published"


def test_seconds_from_a_full_cache_are_no_cost():
    assert ledger_cells(runs(cache=["warm"] * 3))[6] == "–"
    assert ledger_cells(runs(cpu_seconds=[np.nan] * 3))[6] == "–"


def test_an_arm_without_a_grid_of_numbers_has_no_edge():
    assert ledger_cells(runs(at_edge=[None] * 3))[5] == "–"


def test_a_table_below_a_figure_is_folded_and_whole():
    formats = {"accuracy": "{:.0%}"}
    plain, folded = (tables.show(TABLE, formats, folded=fold).data for fold in (False, True))
    assert "<details" not in plain
    assert folded == f'<details class="ledger numbers"><summary>The same in numbers</summary>{plain}</details>'
