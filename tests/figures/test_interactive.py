"""The interactive figures, operated with the keyboard in a browser; and what can be said of them without one."""

import re
import shutil

import numpy as np
import pytest
from scipy import signal
from selenium import webdriver
from selenium.webdriver.common.keys import Keys

from tlbook.figures import interactive

NAMES = ["convolution", "recurrence"]
CHROMIUM, DRIVER = shutil.which("chromium"), shutil.which("chromedriver")
each_figure = pytest.mark.parametrize("name", NAMES)


def test_each_figure_on_a_page_has_an_id_of_its_own():
    first, second = (re.search(r'id="(convolution-\d+)"', interactive.show("convolution").data)[1] for _ in range(2))
    assert first != second


def test_an_unknown_figure_is_an_error():
    with pytest.raises(FileNotFoundError):
        interactive.show("no_such_figure")


@each_figure
def test_figure_needs_no_network_and_speaks(name):
    html = interactive.show(name).data
    assert "{id}" not in html
    addresses = set(re.findall(r"https?://[^\s\"'<>]+", html)) - {"http://www.w3.org/2000/svg"}
    assert not addresses, "it must work with no network"
    assert 'aria-live="polite"' in html, "what it shows must also be said in words"
    assert re.search(r"<svg\b.*?<(?:rect|circle|path|line)\b", html, flags=re.S), (
        "it must show something without a script"
    )


@pytest.fixture(scope="module")
def browser():
    if not (CHROMIUM and DRIVER):
        pytest.skip("needs Chromium and its driver (Debian: chromium, chromium-driver)")
    options = webdriver.ChromeOptions()
    options.binary_location = CHROMIUM
    for argument in (
        "--headless",
        "--no-sandbox",
        "--disable-gpu",
        "--no-first-run",
        "--disable-background-networking",
    ):
        options.add_argument(argument)
    driver = webdriver.Chrome(options, webdriver.ChromeService(DRIVER))
    yield driver
    driver.quit()


def opened(browser, tmp_path, name):
    """Open a page with the figure and return a function that reads what it says."""
    page = tmp_path / "page.html"
    page.write_text(f"<!doctype html><title>{name}</title>{interactive.show(name).data}", encoding="utf-8")
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
