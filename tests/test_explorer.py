"""The explorer of the records: what it is given, and in a browser that it computes what `evaluation` does."""

import json
import re

import headless
import pandas as pd
import pytest
from selenium.webdriver.common.by import By
from selenium.webdriver.support.ui import Select

import explorer
import record_facts
from tlbook import evaluation

each_table = pytest.mark.parametrize("entry", explorer.tables(), ids=lambda entry: entry["name"])


@each_table
def test_every_table_has_a_measure_and_its_runs(entry):
    record = explorer.record(entry)
    assert record["measures"], "there must be something to see"
    assert not set(record["by"]) & {"arm", record["pair"]}
    lengths = {len(column) for column in record["rows"].values()}
    assert lengths == {len(record_facts.table(entry["name"]))}
    json.dumps(record, allow_nan=False)


def test_design_and_results_are_told_apart():
    rows = pd.DataFrame(columns=["arm", "n_train", "seed", "chosen", "validation_f1", "test_f1", "note", "tmac"])
    assert explorer.columns(rows) == (["arm", "n_train", "seed"], ["test_f1", "tmac"])
    assert explorer.columns(rows.drop(columns="test_f1"))[1] == ["validation_f1", "tmac"]
    measured = pd.DataFrame({"seed": [0], "arm": ["a"], "words": [3], "note": ["x"], "seconds": [1.0]})
    assert explorer.columns(measured) == (["seed", "arm"], ["words"])


def test_texts_are_no_measures_and_the_whole_map_is_there_for_its_data_sheet(tmp_path):
    (tmp_path / "results").mkdir()
    (tmp_path / "experiments").mkdir()
    (tmp_path / "experiments" / "map_frozen.py").write_text('EXPERIMENT = Mapped(name="map_frozen", question="Where?")')
    rows = pd.DataFrame(columns=["arm", "n_train", "seed", "chosen", "test_accuracy", "test_right"])
    rows.loc[0] = ["probe", 10, 0, 0.1, 0.5, "2:gA=="]
    for name in ("map_frozen", "map"):
        rows.to_csv(tmp_path / "results" / f"{name}.csv", index=False)
    (entry,) = explorer.tables(tmp_path)
    assert explorer.record(entry, tmp_path)["measures"] == {"test_accuracy": True}
    explorer.write(tmp_path / "out", tmp_path)
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == ["map.csv", "map_frozen.csv", "map_frozen.js"]


def test_shares_are_named():
    assert (
        explorer.is_share("test_accuracy") and explorer.is_share("validation_f1") and explorer.is_share("test_f1_LOC")
    )
    assert not explorer.is_share("test_rmse") and not explorer.is_share("tmac")


@pytest.fixture(scope="module")
def page(tmp_path_factory):
    """A browser on a page that holds the explorer and nothing else, with the recorded tables beside it."""
    folder = tmp_path_factory.mktemp("html")
    explorer.write(folder / "_static" / "records")
    script = (record_facts.ROOT / "book" / "_static" / "explorer.js").read_text(encoding="utf-8")
    (folder / "book").mkdir()
    address = folder / "book" / "explorer.html"
    address.write_text(f'<meta charset="utf-8">{explorer.mount()}<script>{script}</script>', encoding="utf-8")
    with headless.browser() as driver:
        yield driver, address.as_uri()


def opened(page, state):
    driver, address = page
    driver.get("about:blank")
    driver.get(f"{address}#{state}")
    driver.find_element(By.CSS_SELECTOR, "#explorer table")
    return driver


def cells(driver):
    """Return the table below the figure, a dict from arm to the texts of its row."""
    rows = driver.find_elements(By.CSS_SELECTOR, "#explorer tbody tr")
    return {
        row.find_element(By.TAG_NAME, "th").text: [c.text for c in row.find_elements(By.TAG_NAME, "td")] for row in rows
    }


def test_means_are_those_of_the_table(page):
    rows = record_facts.table("label_budget")
    shown = cells(opened(page, "table=label_budget"))
    for arm, of_arm in rows.groupby("arm"):
        for text, (_, runs) in zip(shown[arm.replace("_", " ")], of_arm.groupby("n_train"), strict=True):
            mean, half = evaluation.interval(runs.test_accuracy)
            assert text == f"{100 * mean:.1f} ± {100 * half:.1f} % ({len(runs)} runs)"


def test_differences_are_paired_and_get_the_verdict_of_the_book(page):
    driver = opened(page, "table=label_budget&against=linear_probe")
    rows = record_facts.table("label_budget").set_index(["arm", "n_train", "seed"]).test_accuracy.sort_index()
    shown = cells(driver)
    assert "linear probe" not in shown, "an arm is not compared with itself"
    for arm in ("scratch_small_cnn", "gradients_regression"):
        for text, size in zip(shown[arm.replace("_", " ")], (100, 1000), strict=True):
            said = evaluation.verdict(evaluation.paired(rows[arm, size], rows["linear_probe", size]))
            assert text == said.replace("helps", "more").replace("hurts", "less")
    assert driver.find_elements(By.CSS_SELECTOR, "#explorer svg .zero")


def test_the_address_holds_the_choice(page):
    driver = opened(page, "table=series_transfer")
    Select(driver.find_elements(By.CSS_SELECTOR, ".controls select")[0]).select_by_value("test_skill")
    driver.find_elements(By.CSS_SELECTOR, ".controls input")[0].click()
    state = driver.execute_script("return location.hash")
    assert "measure=test_skill" in state and "at-target=" in state
    arms = re.search(r"arms=([^&]*)", state)[1]
    before = cells(driver)
    assert cells(opened(page, state.lstrip("#"))) == before and len(before) == len(arms.split("%2C"))


def test_a_choice_keeps_the_focus_and_is_said_in_words(page):
    driver = opened(page, "table=label_budget")
    driver.find_elements(By.CSS_SELECTOR, ".controls input")[1].click()
    assert driver.switch_to.active_element.get_attribute("value") == "gradients_regression"
    assert driver.find_element(By.CSS_SELECTOR, "[aria-live]").text == "20 runs of 2 arms."


@each_table
def test_every_table_opens_without_an_error(page, entry):
    driver = opened(page, f"table={entry['name']}")
    assert driver.find_element(By.CSS_SELECTOR, "#explorer svg.plot, #explorer p.none")
    assert not [line for line in driver.get_log("browser") if line["level"] == "SEVERE"]
