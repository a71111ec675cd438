"""The interactive figures, operated with the keyboard in a browser; and what can be said of them without one."""

import re

import numpy as np
import pytest
from scipy import signal
from selenium.webdriver.common.keys import Keys

from tlbook.figures import interactive
from tlbook.methods import advice

NAMES = ["convolution", "recurrence", "decision"]
DATA = {"decision": advice.evidence()}
each_figure = pytest.mark.parametrize("name", NAMES)


def test_each_figure_on_a_page_has_an_id_of_its_own():
    first, second = (re.search(r'id="(convolution-\d+)"', interactive.show("convolution").data)[1] for _ in range(2))
    assert first != second


def test_an_unknown_figure_is_an_error():
    with pytest.raises(FileNotFoundError):
        interactive.show("no_such_figure")


@each_figure
def test_figure_needs_no_network_and_speaks(name):
    html = interactive.show(name, DATA.get(name)).data
    assert "{id}" not in html and "{data}" not in html
    addresses = set(re.findall(r"https?://[^\s\"'<>]+", html)) - {"http://www.w3.org/2000/svg"}
    assert not addresses, "it must work with no network"
    assert 'aria-live="polite"' in html, "what it shows must also be said in words"
    drawing = re.search(r"<svg\b.*?<(?:rect|circle|path|line)\b", html, flags=re.S)
    assert drawing or re.search(r"<noscript>\s*<p>\w", html), "it must show or say something without a script"


def test_data_are_asked_for_where_a_figure_takes_them_and_nowhere_else():
    with pytest.raises(ValueError, match="data: got none, expected some for decision"):
        interactive.show("decision")
    with pytest.raises(ValueError, match="data: got some, expected none for recurrence"):
        interactive.show("recurrence", {})
    with pytest.raises(ValueError, match="JSON"):
        interactive.show("decision", {"mean": float("nan")})


def test_data_cannot_end_their_script():
    assert interactive.show("decision", ["</script><b>"]).data.count("</script") == 2


def opened(browser, tmp_path, name):
    """Open a page with the figure and return a function that reads what it says."""
    page = tmp_path / "page.html"
    page.write_text(
        f"<!doctype html><title>{name}</title>{interactive.show(name, DATA.get(name)).data}", encoding="utf-8"
    )
    browser.get(page.as_uri())
    return lambda: browser.find_element("css selector", "[aria-live]").text


def press(browser, element, key):
    browser.execute_script("arguments[0].focus()", element)
    browser.switch_to.active_element.send_keys(key)


def test_convolution_steps_through_every_window(browser, tmp_path):
    says = opened(browser, tmp_path, "convolution")
    picture = np.array([[0, 0, 1, 2, 2], [0, 1, 2, 2, 1], [0, 1, 2, 1, 0], [1, 2, 2, 0, 0], [2, 2, 1, 0, 0]])
    kernel = np.array([[-1, 0, 1], [-2, 0, 2], [-1, 0, 1]])
    back, forward = browser.find_elements("tag name", "button")
    for padding, stride in [(0, 1), (1, 1), (1, 2), (0, 2)]:
        for name, value in [("stride", stride), ("padding", padding)]:
            press(browser, browser.find_element("css selector", f"[name$={name}][value='{value}']"), Keys.SPACE)
        expected = signal.correlate2d(np.pad(picture, padding), kernel, mode="valid")[::stride, ::stride]
        for number, value in enumerate(expected.ravel(), start=1):
            assert f"Window {number} of {expected.size}" in says()
            assert says().endswith(f"= {value}.".replace("-", "−"))
            press(browser, forward, Keys.ENTER)
        assert f"Window {expected.size} of" in says(), "the last window is the end"
        press(browser, back, Keys.ENTER)
        assert f"Window {expected.size - 1} of" in says()


def test_recurrence_shows_the_states_of_the_equation(browser, tmp_path):
    says = opened(browser, tmp_path, "recurrence")
    figure = browser.find_element("tag name", "figure")
    x, w, u, b = (np.array(figure.get_attribute(f"data-{name}").split(), float) for name in "xwub")
    first, back, step, _ = browser.find_elements("tag name", "button")
    slider = browser.find_element("css selector", "input[type=range]")
    for factor in (1.0, 1.1):
        press(browser, first, Keys.ENTER)
        state = np.zeros(2)
        for number, value in enumerate(x, start=1):
            press(browser, step, Keys.ENTER)
            state = np.tanh(w * value + factor * u.reshape(2, 2) @ state + b)
            assert f"Step {number} of {len(x)}" in says()
            for unit in state:
                assert f"= {unit:.2f}".replace("-", "−") in says()
        press(browser, back, Keys.ENTER)
        assert f"Step {len(x) - 1} of" in says()
        press(browser, slider, Keys.ARROW_RIGHT)


def test_decision_aid_says_what_the_record_says(browser, tmp_path):
    says = opened(browser, tmp_path, "decision")
    data = DATA["decision"]

    def chosen(name):
        return browser.find_element("css selector", f"[name$='-{name}']:checked")

    def shown():
        cells = browser.find_elements("css selector", "tbody tr td:nth-child(3) span:last-child")
        return [cell.text for cell in cells]

    names, seen = list(data["questions"]), set()
    for name in names:  # the arrow keys go through all answers to one question, and around
        press(browser, chosen(name), Keys.TAB)
        assert browser.switch_to.active_element.get_attribute("name") != chosen(name).get_attribute("name")
        for _ in data["questions"][name]:
            press(browser, chosen(name), Keys.ARROW_DOWN)
            words = "|".join(chosen(each).get_attribute("value") for each in names)
            answer = data["answers"][words]
            assert says().startswith(answer["say"])
            rows = [data["rows"][place] for place in answer["rows"]]
            assert shown() == [f"{row['verdict']}, {row['runs']} runs" for row in rows]
            assert (f"{len(rows)} recorded" in says()) == (len(rows) > 1)
            seen.add(words)
    assert len(seen) >= 10


def test_decision_aid_draws_on_the_scale_of_its_numbers(browser, tmp_path):
    opened(browser, tmp_path, "decision")
    middle, zero = (
        [float(node.get_attribute(name)) for node in browser.find_elements("css selector", f"tbody svg {query}")]
        for query, name in (("circle", "cx"), (".zero", "x1"))
    )
    words = [node.get_attribute("value") for node in browser.find_elements("css selector", "input[type=radio]:checked")]
    rows = [DATA["decision"]["rows"][place] for place in DATA["decision"]["answers"]["|".join(words)]["rows"]]
    assert len(rows) == len(middle) > 0
    assert all((x > z) == (row["mean"] > 0) for x, z, row in zip(middle, zero, rows, strict=True))


def test_decision_aid_takes_the_colours_of_the_page(browser, tmp_path):
    page = tmp_path / "dark.html"
    html = interactive.show("decision", DATA["decision"]).data
    page.write_text(f"<!doctype html><body style='color: #abc; background: #123'>{html}", encoding="utf-8")
    browser.get(page.as_uri())
    for query in (".live p", "legend", "label span", "td", "caption", "figcaption"):
        assert browser.find_element("css selector", query).value_of_css_property("color") == "rgba(170, 187, 204, 1)"


def test_decision_aid_says_something_without_a_script(tmp_path):
    html = interactive.show("decision", DATA["decision"]).data
    assert "table of all recorded comparisons" in re.sub(
        r"\s+", " ", re.search(r"<noscript>(.*?)</noscript>", html, re.S)[1]
    )
    assert re.search(r'<div class="controls scripted" hidden>', html), "no dead buttons"
