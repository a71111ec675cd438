"""A figure fills the window: by its button, by a tap, closed with Escape, and the focus goes back."""

import headless
import pytest
from selenium.webdriver.common.action_chains import ActionChains
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.support.ui import WebDriverWait

import record_facts

STATIC = record_facts.ROOT / "book" / "_static"
FIGURE = """<div class="cell"><div class="cell_output"><div class="plot-box">
<svg class="plot" role="img" aria-label="Rises" style="--width: 400px" viewBox="0 0 400 200" id="whole">
<defs><path id="dot{n}" d="M0 0h9v9z"/></defs><use href="#dot{n}" id="used{n}"/></svg></div></div>
<p class="figure-caption"><strong>Figure 4.3-{n}.</strong> It rises. And falls.</p></div>"""


@pytest.fixture(scope="module")
def browser(tmp_path_factory):
    """A browser on a page with two figures and the book's style, as wide as a desk's window."""
    script, style = ((STATIC / name).read_text(encoding="utf-8") for name in ("zoom.js", "tlbook.css"))
    page = tmp_path_factory.mktemp("page") / "page.html"
    figures = FIGURE.format(n=1) + FIGURE.format(n=2) + '<svg class="plot" id="explorer"></svg>'
    head = f'<meta charset="utf-8"><style>{style}</style><script>{script}</script>'
    page.write_text(f'{head}<article class="bd-article">{figures}</article>', encoding="utf-8")
    with headless.browser("--window-size=1200,800") as driver:
        driver.implicitly_wait(0)
        driver.get(page.as_uri())
        yield driver


@pytest.fixture
def buttons(browser):
    browser.refresh()
    return WebDriverWait(browser, 10).until(lambda page: page.find_elements(By.CSS_SELECTOR, ".zoom-open"))


def is_open(browser):
    return browser.execute_script("return document.querySelector('dialog.zoom').open")


def test_each_figure_of_a_cell_has_a_button_that_names_it(buttons):
    assert [button.get_attribute("aria-label") for button in buttons] == [
        "Enlarge Figure 4.3-1",
        "Enlarge Figure 4.3-2",
    ]


def test_the_keyboard_opens_and_closes_it_and_the_focus_returns(browser, buttons):
    buttons[1].send_keys(Keys.ENTER)
    assert is_open(browser)
    dialog = browser.find_element(By.CSS_SELECTOR, "dialog.zoom")
    assert dialog.get_attribute("aria-label") == "Figure 4.3-2"
    assert "It rises. And falls." in dialog.text
    assert browser.switch_to.active_element.text == "Close"
    browser.switch_to.active_element.send_keys(Keys.ESCAPE)
    assert not is_open(browser) and browser.switch_to.active_element == buttons[1]
    assert not browser.find_elements(By.CSS_SELECTOR, ".zoom-sheet > *"), "the copy is gone"


def test_a_tap_on_the_drawing_opens_it_larger_and_no_name_stands_twice(browser, buttons):
    drawing = browser.find_element(By.CSS_SELECTOR, ".plot-box > svg")
    before = drawing.size["width"]
    ActionChains(browser).click(drawing).perform()
    assert is_open(browser)
    copy = browser.find_element(By.CSS_SELECTOR, ".zoom-sheet > svg")
    assert copy.size["width"] > 2 * before and copy.get_attribute("aria-label") == "Rises"
    names = browser.execute_script("return [...document.querySelectorAll('[id]')].map((part) => part.id)")
    assert names.count("dot1") == 1 and names.count("used1") == 1
    browser.find_element(By.CSS_SELECTOR, ".zoom-close").click()
    assert not is_open(browser) and browser.switch_to.active_element == buttons[0]


def test_a_press_beside_the_figure_closes_it(browser, buttons):
    buttons[0].send_keys(Keys.ENTER)
    sheet = browser.find_element(By.CSS_SELECTOR, ".zoom-sheet")
    corner = 5 - sheet.size["width"] // 2, 5 - sheet.size["height"] // 2  # the drawing is twice as wide as high
    ActionChains(browser).move_to_element_with_offset(sheet, *corner).click().perform()
    assert not is_open(browser)
