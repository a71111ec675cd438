"""The explorable figures that compute: operated by keyboard, every number compared with NumPy or the record."""

import re

import keras
import numpy as np
import pandas as pd
import pytest
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.support.select import Select

from tlbook import backbones, results, tables
from tlbook.figures import interactive
from tlbook.methods.explorables import cifar10_map, label_bills, linear_theory, rate_and_depth, swapped

NAMES = ["transfer", "swap", "rates", "labels", "map"]
MEASURED = {"pretraining": "Reached: one.", "head alone": "Reached: two.", "everything": "Reached: three."}
MAP = pd.DataFrame(
    [
        {"arm": arm, "resolution": side, "n_train": n, "seed": seed, "chosen": np.nan if n == 10 else 0.001}
        | {"test_accuracy": start + side / 1_000 + n / 10_000 + seed / 100, "test_right": None, "tmac": n * side / 7}
        | {"validation_accuracy": 0.5, "cpu_seconds": 6.0 * side + seed}
        for arm, sides, start in (
            ("last_block", (32, 64), 0.3),
            ("linear_probe", (32,), 0.2),
            (cifar10_map.SCRATCH, (32,), 0.1),
            (cifar10_map.CLASSICAL, (32,), 0.05),
        )
        for side in sides
        for n in (10, 100, 1_000)
        for seed in range(1 if (arm, n) == ("linear_probe", 10) else 3)
        if (side, n) != (64, 10)
    ]
)
each_figure = pytest.mark.parametrize("name", NAMES)


@pytest.fixture(scope="module")
def networks():
    def with_head(classes):
        body = backbones.small_cnn(width=8)
        features = keras.layers.GlobalAveragePooling2D()(body.output)
        return keras.Model(body.input, keras.layers.Dense(classes)(features))

    return with_head(118), with_head(10)


@pytest.fixture(scope="module")
def shown(networks):
    """The figures as the chapters show them: a dict from a name to its HTML."""
    recorded = rate_and_depth.evidence()
    cells = cifar10_map.cells(MAP)
    bills = dict.fromkeys(["transfer", "scratch", "needed"], "{:.2f}")
    given = {
        "transfer": (
            linear_theory.evidence(),
            tables.show(linear_theory.table(), dict.fromkeys(linear_theory.WAYS, "{:.2f}")),
        ),
        "swap": (swapped.evidence(*networks, MEASURED), tables.show(swapped.table(*networks))),
        "rates": (recorded, tables.show(rate_and_depth.table(recorded["sets"][0]), {"accuracy": "{:.1%}"})),
        "labels": (label_bills.evidence(), tables.show(label_bills.table(), bills)),
        "map": (
            cifar10_map.evidence(MAP, cells),
            tables.show(cifar10_map.table(cells), dict.fromkeys(["mean", "half", "minutes", "tmac"], "{:.3f}")),
        ),
    }
    return {name: interactive.show(name, data, still).data for name, (data, still) in given.items()}


def opened(browser, tmp_path, *figures, style=""):
    """Open a page with some figures; return a function that reads what the first of them says."""
    page = tmp_path / "page.html"
    page.write_text(
        '<!doctype html><html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width">'
        f'<title>page</title><body style="{style}">{"".join(figures)}',
        encoding="utf-8",
    )
    browser.get(page.as_uri())
    return lambda: browser.find_element("css selector", "[aria-live]").text


def press(browser, element, key):
    browser.execute_script("arguments[0].focus()", element)
    browser.switch_to.active_element.send_keys(key)


def sliders(browser):
    return browser.find_elements("css selector", "input[type=range]")


# What all of them keep


@each_figure
def test_all_figures_of_one_page_work_and_nothing_is_fetched(browser, tmp_path, shown, name):
    html = shown[name]
    assert not set(re.findall(r"https?://[^\s\"'<>]+", html)) - {"http://www.w3.org/2000/svg"}
    assert not re.search(r"\{(id|data|still|explorable\.(js|css))\}", html), "a place that was not filled"
    browser.get_log("browser")  # what the pages of other tests complained of
    opened(browser, tmp_path, html, *(shown[other] for other in NAMES if other != name))
    assert not [entry for entry in browser.get_log("browser") if entry["level"] == "SEVERE"]
    assert all(part.text for part in browser.find_elements("css selector", "[aria-live]"))
    drawings = browser.find_elements("css selector", "svg.drawing")
    assert len(drawings) == len(NAMES) and all(each.size["height"] > 100 for each in drawings)
    assert all(each.get_attribute("aria-label") for each in drawings)
    unnamed = "return [...document.querySelectorAll('input, select')].filter(one => !one.labels.length).length"
    assert browser.execute_script(unnamed) == 0, "each control has a label"
    taken = (
        "return document.querySelectorAll(':is(button, input, select):not([data-lm-suppress-shortcuts=true])').length"
    )
    assert browser.execute_script(taken) == 0, "JupyterLab would take the arrow keys"


@each_figure
def test_without_a_script_a_table_stands_open_and_no_dead_control(browser, tmp_path, shown, name):
    browser.execute_cdp_cmd("Emulation.setScriptExecutionDisabled", {"value": True})
    try:
        opened(browser, tmp_path, shown[name])
        rows = browser.find_elements("css selector", ".still tbody tr")
        assert len(rows) >= 3 and all(row.is_displayed() for row in rows)
        assert not any(
            part.is_displayed() for part in browser.find_elements("css selector", "button, input, select, svg")
        )
    finally:
        browser.execute_cdp_cmd("Emulation.setScriptExecutionDisabled", {"value": False})
    opened(browser, tmp_path, shown[name])
    assert not browser.find_element("css selector", ".still tbody tr").is_displayed(), "with a script it is folded"
    browser.find_element("css selector", ".still summary").click()
    assert browser.find_element("css selector", ".still tbody tr").is_displayed()


@each_figure
def test_on_a_phone_nothing_leaves_the_page_and_letters_keep_their_size(browser, tmp_path, shown, name):
    phone = {"width": 390, "height": 800, "deviceScaleFactor": 1, "mobile": True}
    browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", phone)
    try:
        opened(browser, tmp_path, shown[name])
        browser.find_element("css selector", ".still summary").click()
        assert browser.execute_script("return document.documentElement.scrollWidth <= 390")
        size = """return Math.min(...[...document.querySelectorAll("svg.drawing text")]
            .map((text) => text.getBoundingClientRect().height))"""
        assert browser.execute_script(size) >= 11
    finally:
        browser.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})


@each_figure
def test_figures_take_the_colours_of_the_page(browser, tmp_path, shown, name):
    opened(browser, tmp_path, shown[name], style="color: #abc; background: #123")
    for query in ("svg.drawing text", "label, button", ".live", "summary"):
        part = browser.find_element("css selector", query)
        assert part.value_of_css_property("color") == "rgba(170, 187, 204, 1)", query
    assert (
        browser.find_element("css selector", "svg.drawing text").value_of_css_property("fill") == "rgb(170, 187, 204)"
    )


# The linear theory


def expected_risks(n, tilt, noise, eigenvalues):
    """The risks by the formulas of chapter 3.1, from the eigenvalues of X'X themselves (draws, 20)."""
    tilt, variance, head, source = np.deg2rad(tilt), noise**2, np.array([1, -0.8, 0.6]), np.array([0.8, -1, 0.2])
    apart = np.concatenate([head - np.cos(tilt) * source, np.sin(tilt) * source])
    signal, lost = head @ head, (np.sin(tilt) ** 2) * (head @ head)

    def ridge(distance):
        return variance * (1 / (eigenvalues + 20 * variance / distance)).sum(axis=1).mean()

    squares = np.inf
    if n > 21:
        squares = variance * 20 / (n - 21)
    elif n < 19:
        squares = signal * (1 - n / 20) + variance * n / (19 - n)
    return [squares, ridge(signal), lost + (variance + lost) * 3 / (n - 4), ridge(apart @ apart)]


def draws_of(sizes):
    """The X'X that the theory draws, for each size: (400, 20, 20)."""
    rng, gram, seen = np.random.default_rng(0), 0, 0
    for size in sizes:
        rows = rng.normal(size=(400, size - seen, 20))
        gram, seen = gram + rows.swapaxes(1, 2) @ rows, size
        yield gram


def test_every_setting_of_the_theory_shows_the_numbers_of_numpy(browser, tmp_path, shown):
    opened(browser, tmp_path, shown["transfer"])
    found = browser.execute_script("""
        const [n, tilt, noise] = document.querySelectorAll("input[type=range]");
        const found = [];
        const put = (slider, value) => { slider.value = value; slider.dispatchEvent(new Event("input")); };
        for (let a = 0; a <= n.max; a++) for (let b = 0; b <= tilt.max; b++) for (let c = 0; c <= noise.max; c++) {
          n.value = a; tilt.value = b; put(noise, c);
          found.push([...document.querySelectorAll("[data-way]")].map((cell) => cell.dataset.value));
        }
        return found;
    """)
    eigenvalues = [np.linalg.eigvalsh(gram) for gram in draws_of(linear_theory.SIZES)]
    expected = [
        expected_risks(n, tilt, noise, of_n)
        for n, of_n in zip(linear_theory.SIZES, eigenvalues, strict=True)
        for tilt in linear_theory.TILTS
        for noise in linear_theory.NOISES
    ]
    assert len(found) == len(expected) == 21 * 19 * 6
    np.testing.assert_allclose(np.array(found, float), expected, rtol=1e-6, atol=1e-6)


def test_the_spectrum_says_what_the_inverse_matrices_say():
    sizes = (8, 20, 60)
    for gram, spectrum in zip(draws_of(sizes), linear_theory.spectra(sizes), strict=True):
        assert spectrum[1].sum() == pytest.approx(1) and (spectrum[1] >= 0).all()
        for noise, distance in [(0.5, 3.7), (1, 2), (2, 0.24)]:
            pulled = gram + 20 * noise**2 / distance * np.eye(20)
            direct = noise**2 * np.trace(np.linalg.inv(pulled), axis1=1, axis2=2).mean()
            assert linear_theory.ridge(spectrum, noise, distance) == pytest.approx(direct, abs=1e-6)


def test_the_theory_is_operated_by_keyboard_and_says_who_wins(browser, tmp_path, shown):
    says = opened(browser, tmp_path, shown["transfer"])
    labels, tilt, noise = sliders(browser)
    for slider in (labels, tilt, noise):
        press(browser, slider, Keys.HOME)
    places = {"n": 0, "tilt": 0, "noise": 0}
    sizes = linear_theory.SIZES
    spectra = linear_theory.spectra()
    for name, slider, presses in [
        ("n", labels, 12),
        ("tilt", tilt, 8),
        ("noise", noise, 5),
        ("n", labels, 8),
        ("tilt", tilt, 7),
    ]:
        for _ in range(presses):
            press(browser, slider, Keys.ARROW_RIGHT)
        places[name] += presses
        t, s = linear_theory.TILTS[places["tilt"]], linear_theory.NOISES[places["noise"]]
        every = [linear_theory.risks(n, t, s, spectrum) for n, spectrum in zip(sizes, spectra, strict=True)]
        now = every[places["n"]]
        best = min(now, key=now.get)
        assert says().startswith(f"{sizes[places['n']]} examples, tilt {t}°, noise {s:g}. The least risk: ")
        assert f"{linear_theory.WAYS[best]}, {now[best]:.{3 if now[best] < 0.1 else 2}f}." in says()
        assert ("Worse than always answering 0" in says()) == any(risk > linear_theory.SIGNAL for risk in now.values())
        for way, word in [("frozen", "Frozen features lose"), ("tuned", "Fine-tuning loses")]:
            behind = [risks[way] > risks["ridge"] for risks in every]
            start = next((k for k in range(len(sizes)) if all(behind[k:])), None)
            assert (word in says()) == (start is not None)
            if start:
                assert f"{word} to ridge from scratch from {sizes[start]} examples on" in says()
    assert labels.get_attribute("aria-valuetext") == str(sizes[places["n"]])


# Body and head swapped


def test_the_counts_of_the_swap_are_those_of_keras(networks):
    old, new = networks
    learning = [sum(int(np.prod(weight.shape)) for weight in model.trainable_weights) for model in networks]
    assert [swapped.table(old, new).weights[row] for row in (0, 4)] == learning
    assert swapped.head_of(old) == {"features": 32, "classes": 118, "weights": 33 * 118}
    assert [part["shape"] for part in swapped.body_parts(new)] == [[16, 16, 8], [8, 8, 16], [4, 4, 32]]
    with pytest.raises(ValueError, match="stage1_"):
        swapped.body_parts(keras.Sequential([keras.Input((4,)), keras.layers.Dense(2)]))
    other = backbones.small_cnn(width=4)
    with pytest.raises(ValueError, match="new: got a body"):
        swapped.evidence(old, keras.Model(other.input, keras.layers.Dense(2)(other.output)), MEASURED)


def test_the_swap_goes_by_buttons_and_arrow_keys(browser, tmp_path, shown, networks):
    says = opened(browser, tmp_path, shown["swap"])
    first, back, forward, _ = browser.find_elements("tag name", "button")
    counts = swapped.table(*networks).weights

    def heads():
        return [node.get_attribute("data-state") for node in browser.find_elements("css selector", ".head")]

    states = [
        ("learns", "away"),
        ("out", "away"),
        ("out", "still"),
        ("out", "learns"),
        ("out", "learns"),
        ("out", "still"),
    ]
    bodies = ["learns", "still", "still", "frozen", "learns", "still"]
    for number, (state, body) in enumerate(zip(states, bodies, strict=True)):
        assert says().startswith(f"Step {number + 1} of 6: ")
        assert tuple(heads()) == state
        assert len(browser.find_elements("css selector", f".part.{body}")) >= 3
        count = counts[number]
        assert (f"{count:,} weights learn." if count else "No weight learns.") in says()
        press(browser, *((forward, Keys.ENTER) if number % 2 else (first, Keys.ARROW_RIGHT)))
    assert says().startswith("Step 6 of 6"), "the last step is the end"
    assert forward.get_attribute("aria-disabled") == "true"
    press(browser, back, Keys.ARROW_LEFT)
    assert "Step 5 of 6" in says() and "Reached: three." in says()
    press(browser, back, Keys.HOME)
    assert "Step 1 of 6" in says() and "Reached: one." in says()


def test_the_swap_stands_still_for_who_wants_no_motion(browser, tmp_path, shown):
    opened(browser, tmp_path, shown["swap"])
    head = browser.find_element("css selector", ".head")
    assert "0.7s" in head.value_of_css_property("transition-duration")
    for value, duration in [("reduce", "0s"), ("no-preference", "0.7s")]:
        features = [{"name": "prefers-reduced-motion", "value": value}]
        browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": features})
        assert duration in head.value_of_css_property("transition-duration")


# Rate and frozen depth


def spoken(rate):
    return f"{rate:.6f}".rstrip("0")


def test_every_rate_and_depth_says_what_the_record_says(browser, tmp_path, shown):
    says = opened(browser, tmp_path, shown["rates"])
    select = browser.find_element("tag name", "select")
    [slider] = sliders(browser)
    for place, which in enumerate(rate_and_depth.sets()):
        Select(select).select_by_index(place)
        runs = pd.DataFrame(which["runs"]).assign(rate=lambda table: table.rate.astype(float))
        for depth in [depth for depth in rate_and_depth.DEPTHS if depth in set(runs.depth)]:
            press(browser, browser.find_element("css selector", f"[name$=depth][value={depth}]"), Keys.SPACE)
            mine = runs[runs.depth == depth]
            if depth == "all":
                assert f"{100 * mine.accuracy.mean():.1f} %" in says()
                assert not slider.is_enabled()
                continue
            means = mine.groupby("rate").accuracy.mean()
            best = means[means > means.max() - 1e-12].index
            rings = browser.find_elements("css selector", "[data-best]")
            assert sorted(float(ring.get_attribute("data-best")) for ring in rings) == sorted(best)
            assert f"The best mean of this depth is {100 * means.max():.1f} %" in says()
            assert f"at {' and '.join(map(spoken, best))}." in says()
            press(browser, slider, Keys.HOME)
            for rate, mean in means.items():
                here = mine[mine.rate == rate]
                assert f"peak rate {spoken(rate)}: {which['measure']} {100 * mean:.1f} %" in says()
                assert ", ".join(map(str, sorted(here.seed))) in says()
                assert f"({len(here)} run" in says()
                press(browser, slider, Keys.ARROW_RIGHT)
            dots = browser.find_elements("css selector", f".run[data-depth={depth}]")
            assert len(dots) == len(mine), "all seeds are drawn"


def test_tried_rates_are_those_of_the_recorded_table():
    recorded = results.read("cifar10_rates")
    [tried] = [which for which in rate_and_depth.sets() if which["tried"]]
    for arm, depth in [("everything", "nothing"), ("head_then_block4", "three")]:
        expected = recorded[recorded.arm == arm].set_index("learning_rate").validation_accuracy.to_dict()
        assert {run["rate"]: run["accuracy"] for run in tried["runs"] if run["depth"] == depth} == expected
    table = rate_and_depth.table(tried)
    assert (table.best == "best").groupby(table.depth).any().sum() == 2 and table.rate.isna().sum() == 1


def test_the_map_takes_the_place_of_older_tables_as_soon_as_it_has_tuned_networks(monkeypatch):
    read = results.read
    arms = ["everything", "last_two", "last_block", "linear_probe", "small_cnn"]
    rows = [(arm, size, n, seed) for arm in arms for size in (32, 64) for n in (100, 1_000) for seed in (0, 1)]
    made_up = pd.DataFrame(rows, columns=["arm", "resolution", "n_train", "seed"])
    made_up = made_up.assign(chosen=1e-4, test_accuracy=0.5, validation_accuracy=0.4, source="CIFAR-10", note="a copy")

    def with_map(table):
        return lambda name: table if name == "map" else read(name)

    monkeypatch.setattr(results, "read", with_map(made_up))
    _, *chosen = rate_and_depth.sets()
    assert [which["n_train"] for which in chosen] == [100, 1_000]
    assert all({run["depth"] for run in which["runs"]} == set(rate_and_depth.DEPTHS) for which in chosen)
    assert all(len(which["runs"]) == 8 for which in chosen), "one resolution, and no network from scratch"
    monkeypatch.setattr(results, "read", with_map(made_up[made_up.arm == "linear_probe"]))
    assert [which["n_train"] for which in rate_and_depth.sets()[1:]] == [50, 200], "a map of probes has no rates"


# Labels, money, minutes


def minutes_at(curve, labels):
    """Minutes on straight lines between recorded points, both axes logarithmic; None outside of them."""
    if not curve["labels"][0] <= labels <= curve["labels"][-1]:
        return None
    return np.exp(np.interp(np.log(labels), np.log(curve["labels"]), np.log(curve["minutes"])))


def test_every_number_of_labels_says_what_the_record_says(browser, tmp_path, shown):
    says = opened(browser, tmp_path, shown["labels"])
    labels, price = sliders(browser)
    data, curves, minutes = label_bills.evidence(), label_bills.curves(), label_bills.minutes()
    for slider in (labels, price):
        press(browser, slider, Keys.HOME)
    recorded = set(curves[label_bills.TRANSFER]["labels"])
    seen = set()
    for place, n in enumerate(data["sizes"]):
        cents = data["prices"][min(place, len(data["prices"]) - 1)]
        reached = label_bills.accuracy_at(curves[label_bills.TRANSFER], n)
        scratch = label_bills.accuracy_at(curves[label_bills.SCRATCH], n)
        how = "recorded" if n in recorded else "interpolated"
        first = (
            f"With {n:,} labels VGG16 frozen reaches {100 * reached:.1f} %, from scratch {100 * scratch:.1f} % ({how})."
        )
        said = says().replace("\n", " ")
        assert first in said
        needed = label_bills.labels_for(curves[label_bills.SCRATCH], reached)
        if needed is None:
            assert "needs more than 10,000 labels: outside of what was recorded." in said
        else:
            about = float(f"{needed:.2g}")
            assert f"needs about {about:,.0f} labels (interpolated): {needed / n:.1f} times" in said
            paid = f"you pay ${n * cents / 100:,.2f} in place of about ${about * cents / 100:,.2f}."
            assert f"At ${cents / 100:,.2f} a label {paid}" in said
        spent = [minutes_at(minutes[way], n) for way in (label_bills.TRANSFER, label_bills.SCRATCH)]
        if None in spent:
            assert "were not recorded at this number of labels" in said
        else:
            assert f"{spent[0]:.2f} with VGG16 frozen, {spent[1]:.2f} from scratch" in said
        seen |= {needed is None, None in spent}
        press(browser, labels, Keys.ARROW_RIGHT)
        press(browser, price, Keys.ARROW_RIGHT)
    assert seen == {True, False}


def test_bills_are_read_between_recorded_points_and_never_outside():
    curve = {"labels": [100, 10_000], "accuracy": [0.2, 0.6]}
    assert label_bills.accuracy_at(curve, 1_000) == pytest.approx(0.4)
    assert label_bills.labels_for(curve, 0.4) == pytest.approx(1_000)
    assert label_bills.labels_for(curve, 0.7) is None


# The map


def test_every_cell_of_the_map_says_what_its_rows_say(browser, tmp_path, shown):
    says = opened(browser, tmp_path, shown["map"])
    select = browser.find_element("tag name", "select")
    cells = cifar10_map.cells(MAP).set_index(cifar10_map.CELL)
    for way in ("last_block", "linear_probe", *cifar10_map.CONTROLS):
        Select(select).select_by_visible_text(cifar10_map.NAMES[way])
        for side in sorted(MAP.resolution[MAP.arm == way].unique()):
            press(browser, browser.find_element("css selector", f"[name$=resolution][value='{side}']"), Keys.SPACE)
            for n in (10, 100, 1_000):
                press(browser, browser.find_element("css selector", f"[name$=labels][value='{n}']"), Keys.SPACE)
                assert f"{cifar10_map.NAMES[way]}, {side} pixels, {n:,} labels:" in says()
                if (way, side, n) not in cells.index:
                    assert "No run stands here." in says()
                    continue
                told, cell = says().replace("\u00a0", " "), cells.loc[(way, side, n)]
                runs = cifar10_map.runs_of(MAP, (way, side, n))
                assert f"{100 * cell['mean']:.1f} %" in told and f"{cell.minutes:.1f} minutes of one core" in told
                assert ("in one run" in told) == (len(runs) == 1)
                assert len(runs) == 1 or f"± {100 * cell.half:.1f} points" in told
                rival = cifar10_map.strongest(cifar10_map.cells(MAP), n)
                control = cifar10_map.verdict(MAP, (way, side, n), rival)
                assert (control.replace("-", "\u2212") in told) == (way not in cifar10_map.CONTROLS)
                assert (f"Against \u201c{cifar10_map.NAMES[rival[0]]}\u201d" in told) == (
                    way not in cifar10_map.CONTROLS
                )
                lines = browser.find_elements("css selector", ".behind tbody tr")
                assert [line.find_elements("tag name", "td")[0].text for line in lines] == list(map(str, runs.seed))
                spread = len(browser.find_elements("css selector", "svg.drawing .span"))
                assert spread == (len(runs) > 1) and browser.find_element("css selector", "svg.drawing .ring")


def test_the_map_goes_by_arrow_keys_and_offers_only_what_was_planned(browser, tmp_path, shown):
    says = opened(browser, tmp_path, shown["map"])
    chosen = browser.find_element("css selector", "[name$=resolution]:checked")
    press(browser, chosen, Keys.ARROW_RIGHT)
    assert ", 64 pixels, 1,000 labels:" not in says(), "this way was recorded at 32 pixels alone"
    Select(browser.find_element("tag name", "select")).select_by_visible_text("block 4 tuned")
    press(browser, browser.find_element("css selector", "[name$=resolution]:checked"), Keys.ARROW_RIGHT)
    assert ", 64 pixels, 1,000 labels:" in says()
    press(browser, browser.find_element("css selector", "[name$=labels]:checked"), Keys.ARROW_LEFT)
    assert ", 64 pixels, 100 labels:" in says()
