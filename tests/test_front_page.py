"""The front page: what it says is the record's, its slider shows it, and routes and cards are counted."""

import html
import io
import json
import pathlib
import re
import shutil
import types

import headless
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest
from docutils import nodes
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys

import front_curves
import front_drawing
import front_instrument
import front_page
import thumbnails
from tlbook import evaluation, results

ROOT = pathlib.Path(__file__).parents[1]
SIZES = (10, 100, 1_000)


def runs(arm, means, resolution=32, seeds=3):
    """Rows of a table as the experiments write it: seeds around a mean for each size."""
    return [
        {"arm": arm, "resolution": resolution, "n_train": n, "seed": s, "test_accuracy": mean + (s - 1) / 100}
        for n, mean in zip(SIZES, means, strict=True)
        for s in range(seeds)
    ]


@pytest.fixture
def small():
    rows = [*runs("transfer", (0.3, 0.5, 0.7)), *runs("scratch", (0.1, 0.3, 0.5)), *runs("classical", (0.2, 0.2, 0.2))]
    return front_curves.Record("a_table", pd.DataFrame(rows).assign(source="CIFAR-10", note="Lossy."), "A note.")


def test_the_regimes_are_the_record_until_there_is_a_map(tmp_path, monkeypatch):
    for name in ("cifar10_regimes", "cifar10_classical"):
        shutil.copy(results.FOLDER / f"{name}.csv", tmp_path)
    monkeypatch.setattr(results, "FOLDER", tmp_path)
    found = front_curves.record()
    assert found.table == "cifar10_regimes" and set(found.rows.arm) == set(front_curves.NAMES)
    names = {"last_block": (0.3, 0.5, 0.7), "linear_probe": (0.3, 0.4, 0.6), "scratch_airbench": (0.1, 0.3, 0.5)}
    names["classical"] = (0.2, 0.3, 0.4)
    rows = [row for arm, means in names.items() for row in runs(arm, means)]
    pd.DataFrame([*rows, *runs("last_block", (0.9, 0.9, 0.9), resolution=64)]).to_csv(tmp_path / "map.csv", index=False)
    found = front_curves.record()
    assert found.table == "map" and list(front_curves.curve(found, "transfer")) == list(SIZES)
    assert front_curves.curve(found, "transfer")[10][0] == pytest.approx(0.3), "32 pixels alone"
    pd.DataFrame(runs("last_block", (0.3, 0.5, 0.7))).to_csv(tmp_path / "map.csv", index=False)
    assert front_curves.record().table == "cifar10_regimes", "a map without scratch is none yet"


def test_the_curves_are_the_means_and_intervals_of_the_table():
    found = front_curves.record()
    table = results.read("cifar10_regimes").query("arm == 'scratch_small_cnn'")
    if found.table == "map":
        table = results.read("map").query("arm == 'scratch_airbench' and resolution == 32")
    for n, (mean, half) in front_curves.curve(found, "scratch").items():
        its = table[table.n_train == n]
        if found.table == "map":
            assert mean == pytest.approx(its.test_accuracy.mean(), abs=1e-3)
        else:
            assert (mean, half) == evaluation.interval(its.test_accuracy)


def test_test_pictures_widen_the_interval(small):
    right = ["1111", "1011", "1101"] * 3
    packed = [evaluation.packed_right(np.array([c == "1" for c in text])) for text in right]
    rows = small.rows[small.rows.arm == "transfer"].assign(test_right=packed)
    over_both = front_curves.curve(front_curves.Record("a", rows, ""), "transfer")[10]
    assert over_both == evaluation.crossed([[1, 1, 1, 1], [1, 0, 1, 1], [1, 1, 0, 1]])


def test_the_best_classical_method_is_chosen_at_each_size():
    table = pd.DataFrame([*runs("a", (0.1, 0.4, 0.4)), *runs("b", (0.2, 0.3, 0.5))])
    means = front_curves.best(table).groupby("n_train").test_accuracy.mean()
    assert means.round(6).tolist() == [0.2, 0.4, 0.5]


def test_between_sizes_it_is_a_line_over_the_logarithm():
    values = {10: 0.1, 1_000: 0.5}
    assert front_curves.at(values, 100) == pytest.approx(0.3)
    assert front_curves.at(values, 5) is None and front_curves.at({}, 5) is None
    assert front_curves.needed(values, 0.3) == pytest.approx(100)
    assert front_curves.needed(values, 0.05) == 10 and front_curves.needed(values, 0.6) == np.inf


def test_what_is_said_at_a_recorded_number(small):
    mean, half = evaluation.interval([0.49, 0.5, 0.51])
    words = front_curves.sentences(small, 100)
    assert words[0] == (
        f"With 100 labels, VGG16 from ImageNet, fine-tuned, gets {100 * mean:.1f} ± {100 * half:.1f} % of the test "
        "pictures right."
    )
    # Scratch reaches 0.5 at 1,000 labels on the mean; with the interval of 2.5 points each way, at 750 or never.
    assert "needs about 1,000 labels for as much (interpolated; 750 or more by its interval)" in words[1]
    same = evaluation.verdict(evaluation.paired([0.49, 0.5, 0.51], [0.29, 0.3, 0.31]))
    assert words[-1] == f"Transfer against a small network from scratch, run by run: {same}."


def test_what_is_said_between_and_beyond(small):
    words = front_curves.sentences(small, 300)
    assert words[0].startswith("With 300 labels") and "about 60 %" in words[0]
    assert "more than the 1,000 labels of the record" in words[1]
    assert words[-1].startswith("Nothing was recorded between 100 and 1,000 labels")
    with pytest.raises(ValueError, match="got 5 labels"):
        front_curves.sentences(small, 5)


def test_the_slider_holds_the_recorded_numbers():
    found = front_curves.record()
    steps = front_curves.stops(found)
    recorded = set(front_curves.curve(found, "transfer")) & set(front_curves.curve(found, "scratch"))
    assert recorded <= set(steps) and min(steps) in recorded and max(steps) in recorded
    assert len(steps) == len(set(steps)) > 30
    assert all(front_curves.sentences(found, n) for n in steps)


def test_the_drawing_holds_every_interval(small):
    curves = {"transfer": front_curves.curve(small, "transfer")}
    drawing = front_drawing.Drawing(curves, 400, 300)
    assert drawing.x(10) < drawing.x(100) < drawing.x(1_000) <= 400
    assert drawing.x(100) - drawing.x(10) == pytest.approx(drawing.x(1_000) - drawing.x(100), abs=0.2)
    assert drawing.y(0.7 + 0.03) > 0 and drawing.y(0.3 - 0.03) < 300
    assert drawing.svg("What it shows", "wide").count('class="interval"') == 3


def test_without_a_script_all_is_said(small):
    text = front_instrument.drawn(small)
    assert html.escape(front_curves.sentences(small, 1_000)[0]) in text
    assert '<p class="front-slider" hidden>' in text and '<th scope="row">a small network from scratch</th>' in text
    assert 'href="explorer.html#table=a_table"' in text and "Lossy." in text and "A note." in text


@pytest.fixture(scope="module")
def page(tmp_path_factory):
    folder = tmp_path_factory.mktemp("front")
    script = (ROOT / "book" / "_static" / "front.js").read_text(encoding="utf-8")
    style = (ROOT / "book" / "_static" / "front.css").read_text(encoding="utf-8")
    text = f'<meta charset="utf-8"><style>{style}</style>{front_instrument.drawn(front_curves.record())}'
    (folder / "index.html").write_text(f"{text}<script>{script}</script>", encoding="utf-8")
    with headless.browser("--window-size=1280,900") as driver:
        driver.get((folder / "index.html").as_uri())
        yield driver


def test_the_slider_says_and_shows_what_the_record_says(page):
    found = front_curves.record()
    steps = front_curves.stops(found)
    slider = page.find_element(By.CSS_SELECTOR, ".front-instrument input")
    assert steps[int(slider.get_attribute("value"))] == front_curves.START
    slider.send_keys(Keys.HOME)
    for n in steps[:4]:
        said = page.find_element(By.CSS_SELECTOR, ".front-sentence")
        assert " ".join(said.text.split()) == " ".join(front_curves.sentences(found, n))
        assert said.get_attribute("aria-live") == "polite"
        recorded = n in front_curves.curve(found, "transfer")
        assert slider.get_attribute("aria-valuetext") == f"{n:,} labels" + ("" if recorded else ", interpolated")
        assert (
            "interpolated" in page.find_element(By.CSS_SELECTOR, ".front-instrument").get_attribute("class")
        ) != recorded
        dot = page.find_element(By.CSS_SELECTOR, '.front-plot.wide .at[data-arm="scratch"]')
        curves = {arm: points for arm in front_curves.NAMES if (points := front_curves.curve(found, arm))}
        drawing = front_drawing.Drawing(curves, *front_instrument.WIDE)
        value = front_curves.at({size: mean for size, (mean, _) in curves["scratch"].items()}, n)
        assert [float(dot.get_attribute(name)) for name in ("cx", "cy")] == [drawing.x(n), drawing.y(value)]
        assert page.find_element(By.CSS_SELECTOR, '.front-legend b[data-arm="scratch"]').text == f"{100 * value:.0f} %"
        slider.send_keys(Keys.ARROW_RIGHT)
    assert not headless.errors(page)


def app(tmp_path):
    """What the extension asks of Sphinx, with two chapters that were read."""
    facts = {"read": 10, "do": 35, "data": "emoji-10", "thumb": None}
    env = types.SimpleNamespace(
        tlbook_front={"notebooks/01_a": facts, "notebooks/03_1_b": {**facts, "thumb": "<svg></svg>"}},
        titles={"notebooks/01_a": nodes.title("", "1 A & B"), "notebooks/03_1_b": nodes.title("", "3.1 B")},
    )
    (tmp_path / "book").mkdir()
    (tmp_path / "book" / "cards.csv").write_text("chapter,difficulty\n01_a,1\n03_1_b,3\n")
    parts = (
        "parts:\n- {caption: One, chapters: [{file: notebooks/01_a}]}\n- {caption: Two, chapters: [{file: book/x}]}\n"
    )
    (tmp_path / "_toc.yml").write_text(parts + "- {caption: Three, chapters: [{file: notebooks/03_1_b}]}\n")
    builder = types.SimpleNamespace(get_relative_uri=lambda here, there: f"../{there}.html")
    config = types.SimpleNamespace(external_toc_path=str(tmp_path / "_toc.yml"), root_doc="book/index")
    return types.SimpleNamespace(env=env, builder=builder, config=config, srcdir=str(tmp_path))


def filled(tmp_path, **mark):
    page = nodes.section("", front_page.front_part(**mark))
    front_page.fill(app(tmp_path), page, "book/index")
    return page.astext()


def test_a_route_adds_up_its_minutes(tmp_path):
    names = ["01_a", "03_1_b", "09_not_there"]
    text = filled(tmp_path, part="route", title="An hour", names=names, exercises=False)
    assert "20 min to read" in text and text.count("<li>") == 2 and "1 A &amp; B" in text
    (tmp_path / "again").mkdir()
    text = filled(tmp_path / "again", part="route", title="A week", names=names * 2, exercises=True)
    assert "3 hours with exercises" in text
    assert "guide" not in text
    (tmp_path / "led").mkdir()
    text = filled(tmp_path / "led", part="route", title="T", names=names, exercises=True, guide="notebooks/01_a")
    assert '<p class="guide"><a class="reference internal" href="' in text and text.count("1 A &amp; B") == 2


def test_cards_have_what_a_reader_chooses_by(tmp_path):
    text = filled(tmp_path, part="cards")
    assert re.findall(r'<h3 class="cards-part">(.*?)</h3>', text) == ["One · Three"]
    assert text.count('<li class="chapter-card">') == 2 and "with derivations" in text and "emoji-10" in text
    assert '<span class="thumb" aria-hidden="true">1</span>' in text and "<svg></svg>" in text


def test_a_difficulty_is_one_of_three(tmp_path):
    (tmp_path / "cards.csv").write_text("chapter,difficulty\n01_a,4\n")
    with pytest.raises(ValueError, match="got {'01_a': 4}"):
        front_page.difficulties(tmp_path / "cards.csv")


def test_every_chapter_has_its_difficulty():
    chapters = {path.stem for path in (ROOT / "notebooks").glob("*.ipynb")}
    assert set(front_page.difficulties(ROOT / "book" / "cards.csv")) == chapters


def test_a_route_names_chapters():
    text = (ROOT / "book" / "index.md").read_text(encoding="utf-8")
    blocks = re.findall(r"```\{front-route\} [^\n]*\n(.*?)```", text, re.DOTALL)
    names = [line for block in blocks for line in block.splitlines() if line and not line.startswith(":")]
    assert len(blocks) == 3 and all((ROOT / "notebooks" / f"{name}.ipynb").is_file() for name in names)


def test_the_route_of_teachers_leads_to_their_page():
    text = (ROOT / "book" / "index.md").read_text(encoding="utf-8")
    assert re.search(r"\{front-route\} To teach[^`]*\n:guide: book/teaching\n", text)


def test_a_thumbnail_keeps_the_shapes_and_drops_the_text():
    figure, axes = plt.subplots(figsize=(4, 3))
    axes.plot([0, 1, 2], [0, 2, 1], "o-", color="#0072B2")
    axes.plot([0, 1, 2], [1, 1, 3], "o-", color="#D55E00")
    axes.imshow(np.zeros((4, 4)), extent=(0, 1, 0, 1))
    axes.set(xlim=(-1, 4), ylim=(-1, 4), xlabel="labels")
    text = io.StringIO()
    with plt.rc_context({"svg.fonttype": "none"}):
        figure.savefig(text, format="svg")
    plt.close(figure)
    small = thumbnails.thumbnail(text.getvalue())
    assert small.count("<circle") == 6 and small.count("<image") == 1 and "labels" not in small
    assert "var(--plot-1" in small and "var(--plot-2" in small and len(small) < thumbnails.MOST_BYTES
    numbers = [int(n) for d in re.findall(r' d="M([^"]*)"', small) for n in re.findall(r"-?\d+", d)]
    assert min(numbers) >= 0 and max(numbers) <= thumbnails.WIDTH


def test_a_figure_with_nothing_but_axes_gives_none():
    line = '<path d="M 0 0 L 9 0" style="stroke: #000000"/>'
    empty = f'<svg viewBox="0 0 9 9" xmlns="http://www.w3.org/2000/svg">{line}</svg>'
    assert thumbnails.thumbnail(empty) is None


def test_the_numbers_of_the_page_are_json():
    text = front_instrument.drawn(front_curves.record())
    stops = json.loads(html.unescape(re.search(r'data-stops="([^"]*)"', text)[1]))
    assert [stop["n"] for stop in stops] == front_curves.stops(front_curves.record())
