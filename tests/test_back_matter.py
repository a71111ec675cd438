"""What the back matter generates: facts of the records, tables and sentences, the index of figures."""

import time
import types

import nbformat
import pandas as pd
import pytest
from docutils import nodes, utils

import back_matter
import chapter_facts
import figure_index
import record_facts

EXPERIMENT = """
QUESTION = "Does it help?"
EXPERIMENT = protocol.Experiment(
    name="small", question=QUESTION, unit="test " "picture", left_out={"the large one, as nobody asks": bool}, arms={}
)
"""


@pytest.fixture
def root(tmp_path):
    for folder in ("experiments", "results", "notebooks", "book"):
        (tmp_path / folder).mkdir()
    (tmp_path / "experiments" / "small.py").write_text(EXPERIMENT)
    (tmp_path / "experiments" / "shared.py").write_text("def helper():\n    return 1\n")
    (tmp_path / "results" / "small.csv").write_text("arm,cpu_seconds\na,1\n")
    (tmp_path / "book" / "page.md").write_text('rows = results.read("small")\n')
    (tmp_path / "requirements.txt").write_text("# pins\n-e .\nkeras==3.15.1\nnumpy==2.4.6 ; python_version > '3'\n")
    return tmp_path


def test_an_experiment_is_read_and_not_run(root):
    (entry,) = record_facts.experiments(root)
    words = {"question": "Does it help?", "unit": "test picture", "left_out": ["the large one, as nobody asks"]}
    assert entry == {"name": "small", "kind": "Experiment", **words}


def test_a_question_that_cannot_be_read_is_told(root):
    (root / "experiments" / "odd.py").write_text("EXPERIMENT = Experiment(question=make_question())\n")
    with pytest.raises(ValueError, match=r"odd\.py"):
        record_facts.experiments(root)


def test_every_experiment_of_the_book_has_its_question_and_its_table():
    entries = record_facts.experiments()
    assert len(entries) >= 15
    for entry in entries:
        assert entry["question"].endswith("?"), entry["name"]
        assert (entry["kind"] != "Measurement") == (entry["unit"] is not None), entry["name"]


def test_every_table_is_read_somewhere_or_settles_another_experiment():
    read, entries = record_facts.readers(), {entry["name"] for entry in record_facts.experiments()}
    assert set(read) - {"places", "map"} <= entries, "read (left), but no experiment makes it"


def test_readers_are_found_in_pages_and_notebooks(root):
    assert record_facts.readers(root) == {"small": ["book/page"]}
    readers = record_facts.readers()
    assert "notebooks/04_3_fine_tuning" in readers["cifar10_regimes"]
    assert "notebooks/04_6_fast_tuning" in readers["race"] and "notebooks/04_6_fast_tuning" in readers["race_controls"]
    assert "notebooks/08_1_what_and_when" in readers["own_folder"], "by way of tlbook.methods.comparisons"
    assert record_facts.table("small", root).cpu_seconds.sum() == 1 and record_facts.table("none", root) is None


def test_who_reads_the_map_reads_the_tables_that_it_is_made_of(root):
    (root / "book" / "sheet.md").write_text('whole = results.so_far("map")\n')
    (root / "book" / "part.md").write_text('rows = results.read("map_tuned")\n')
    found = record_facts.readers(root)
    assert found["map_frozen"] == ["book/sheet"] and found["map_tuned"] == ["book/part", "book/sheet"]


def test_every_table_that_is_there_is_listed_but_for_the_map_and_the_lessons(root):
    (root / "experiments" / "later.py").write_text(EXPERIMENT)
    assert list(record_facts.recorded(root)) == ["small"]
    there = {path.stem for path in (record_facts.ROOT / "results").glob("*.csv")} - {"map"}
    assert set(record_facts.recorded()) == there


def test_versions_and_devices_are_those_that_the_rows_name():
    some = rows(python=["3.11.7", "3.13.0"], tensorflow=["2.21.0"] * 2, device=["CPU", None])
    assert record_facts.ran_with(some) == ("Python 3.11.7 and 3.13.0, Keras 3.15.1, TensorFlow 2.21.0", "CPU; X")
    assert record_facts.ran_with(rows(cpu=None)) == ("Keras 3.15.1", "")
    assert back_matter.recorded_with("Keras 3.15.1", "") == (
        "Recorded with Keras 3.15.1, on a device that the rows do not name:"
    )


def test_a_notebook_reads_what_its_modules_read_by_name(root):
    (root / "tlbook").mkdir()
    (root / "tlbook" / "__init__.py").write_text("")
    (root / "tlbook" / "bills.py").write_text('from tlbook import results\nrows = results.read("small")\n')
    (root / "tlbook" / "above.py").write_text("from tlbook import bills\n")
    for name, module in (("01_first", "bills"), ("02_second", "above")):
        cells = [nbformat.v4.new_code_cell(f"from tlbook import {module}")]
        nbformat.write(nbformat.v4.new_notebook(cells=cells), root / "notebooks" / f"{name}.ipynb")
    assert record_facts.readers(root) == {"small": ["book/page", "notebooks/01_first"]}
    assert "notebooks/04_7_the_map" in record_facts.readers()["map_frozen"]


def test_pins_are_read_with_their_versions(root):
    assert record_facts.pins(root) == {"keras": "3.15.1", "numpy": "2.4.6"}


def rows(**columns):
    always = {"date": ["2026-01-02", "2026-01-01"], "keras": ["3.15.1", "3.15.1"], "cpu": ["X", None]}
    return pd.DataFrame(always | columns)


def test_a_shared_pretraining_is_counted_once():
    cost = record_facts.cost(rows(cpu_seconds=[1800, 1800], pretraining=["3600", "3600"], peak_memory_mb=[900, 1200]))
    assert cost["cpu_hours"] == 2 and cost["memory_mb"] == 1200 and cost["measured"] == cost["runs"] == 2
    assert cost["cpus"] == ["X"] and cost["dates"] == ("2026-01-01", "2026-01-02")
    assert record_facts.cost(rows(cpu_seconds=[1800, 1800], pretraining=["none", "published"]))["cpu_hours"] == 1


def test_what_was_not_measured_is_a_dash_and_is_said():
    none = record_facts.cost(rows(cpu_seconds=[None, None], peak_memory_mb=[None, None]))
    some = record_facts.cost(rows(cpu_seconds=[60, None], peak_memory_mb=[1000, None]))
    every = record_facts.cost(rows(cpu_seconds=[3600, 3600], peak_memory_mb=[1000, 2000]))
    assert [back_matter.time_of(cost) for cost in (none, some, every)] == ["–", "1 min (1 runs)", "2.0 h"]
    assert back_matter.time_of(every | {"cpu_hours": 0.004}) == "14 s"
    assert back_matter.what_it_took(none) == ["2", "–", "–"] and back_matter.what_it_took(every)[2] == "2.0"
    text = back_matter.sums([none, some, every])
    assert "3 tables hold 6 runs. The 3 of them that say what they cost took 2.0 hours" in text
    assert "2.0 GB" in text and "from 2026-01-01 to 2026-01-02" in text and "nan" not in text
    assert "Together they took" in back_matter.sums([every])


def test_the_cost_of_the_pages_is_told_for_the_reference_laptop():
    places = pd.DataFrame(
        {
            "place": ["reference", "reference", "reference", "binder"],
            "passed": [True, True, False, True],
            "notebook": ["a", "b", "c", "a"],
            "seconds": [30.0, 60.0, 1.0, 99.0],
            "gflops": [140.0, 70.0, 70.0, 70.0],
            "peak_memory_mb": [800, 1200, 5000, 900],
        }
    )
    cost = record_facts.book_cost(places)
    assert cost == {"pages": 2, "minutes": 2.0, "longest_seconds": 60.0, "memory_mb": 1200}


def test_a_chapter_is_known_by_its_number():
    assert chapter_facts.chapter_number("notebooks/05_10_synthetic_speech") == (5, 10)
    assert chapter_facts.chapter_number("01_background") == (1,) and chapter_facts.chapter_number("places") == ()
    links = back_matter.links(["book/places", "notebooks/05_10_synthetic_speech", "notebooks/05_7_digits"], "book/a")
    assert links.astext() == "5.7, 5.10, " and back_matter.links(None, "book/a").astext() == "–"


def test_the_table_of_records_groups_them_by_what_they_ran_with():
    env = types.SimpleNamespace(docname="book/reproduce")
    directive = types.SimpleNamespace(env=env)
    start = time.process_time()
    first, *groups = back_matter.ReproduceTable.run(directive)
    assert time.process_time() - start < 5
    said, tables = groups[::2], groups[1::2]
    assert len({node.astext() for node in said}) == len(tables) and "tables hold" in first.astext()
    lines = [[cell.astext() for cell in row] for table in tables for row in list(table.findall(nodes.row))[1:]]
    by_name = {line[0]: line for line in lines}
    assert len(lines) == len(record_facts.recorded()) and set(by_name) == set(record_facts.recorded())
    assert "4.3" in by_name["cifar10_regimes"][4].split(", ")


def test_a_table_has_a_head_and_a_cell_for_each_value():
    table = back_matter.table(["a", "b"], [["1", nodes.literal("", "x")]])
    assert [entry.astext() for entry in table.findall(nodes.entry)] == ["a", "b", "1", "x"]


def caption(*words):
    return nodes.paragraph("", "", nodes.strong("", "Figure 4.3-1."), *words)


@pytest.mark.parametrize(
    ("words", "first"),
    [
        ([nodes.Text(" Accuracy. The dots are runs.")], "Accuracy."),
        ([nodes.Text(" With "), nodes.math("", "n"), nodes.Text(" labels. More.")], "With n labels."),
        ([nodes.Text(" No end")], "No end"),
    ],
)
def test_the_first_sentence_of_a_caption_is_kept(words, first):
    assert "".join(node.astext() for node in figure_index.first_sentence(caption(*words))) == first


class Environment:
    def __init__(self):
        self.docname = "notebooks/04_3"
        self.titles = {"notebooks/04_3": nodes.title("", "4.3 Fine-tuning"), "notebooks/10": nodes.title("", "10 Last")}


def test_the_index_lists_figures_by_chapter_and_number_and_forgets_what_is_gone():
    builder = types.SimpleNamespace(get_relative_uri=lambda here, there: f"{there}.html")
    app = types.SimpleNamespace(env=Environment(), builder=builder)
    for docname, number in (("notebooks/10", "10-1"), ("notebooks/04_3", "4.3-10"), ("notebooks/04_3", "4.3-2")):
        app.env.docname = docname
        document = utils.new_document("page")
        document += nodes.paragraph("", "", nodes.strong("", f"Figure {number}."), nodes.Text(" Words. More."))
        figure_index.collect(app, document)
    index = utils.new_document("index")
    index += figure_index.figure_index()
    figure_index.fill(app, index, "book/figures")
    assert [link.astext() for link in index.findall(nodes.reference)] == [
        *("4.3 Fine-tuning", "Figure 4.3-2", "Figure 4.3-10", "10 Last", "Figure 10-1")
    ]
    figure_index.forget(app, app.env, "notebooks/04_3")
    assert list(figure_index._captions(app.env)) == ["10-1"]


def test_a_page_that_reads_a_table_still_to_come_counts_as_its_reader(root):
    (root / "book" / "early.md").write_text('rows = results.so_far("small", COLUMNS)\n')
    assert record_facts.readers(root)["small"] == ["book/early", "book/page"]
