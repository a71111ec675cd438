"""What a reader's device keeps: which chapters were read, and whether code is shown."""

import json
import pathlib
import shutil

import headless
import pytest
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.support.ui import WebDriverWait

STATIC = pathlib.Path(__file__).parents[1] / "book" / "_static"
HEAD = """<!DOCTYPE html><html><head><meta charset="utf-8"><link rel="icon" href="data:,">
<style>.visually-hidden { position: absolute; }</style>
<link rel="stylesheet" href="../_static/reading.css"><script src="../_static/reading.js"></script>
<script src="../_static/quiz.js"></script><script src="../_static/progress.js"></script></head><body>
<nav class="bd-links"><a href="../notebooks/one.html">1 One</a><a href="../notebooks/two.html">2 Two</a>
<a href="../book/how.html">How</a></nav><div class="article-header-buttons"></div>"""
CHAPTER = (
    HEAD
    + """<article><section><h1>1 One</h1><p id="first">Words.</p>
<div class="cell"><div class="cell_input" id="code"><pre style="height: 700px">x = 1</pre></div>
<div class="cell_output" id="shown">A result.</div></div>
<div class="cell tag_setup"><details class="hide" id="setup"><summary>Set-up</summary>
<div class="cell_input">import</div></details></div>
<div class="cell tag_check"><details class="hide" id="check"><summary>Check: it holds</summary>
<div class="cell_input">assert</div></details></div><p id="middle">More words.</p>
<section id="quiz"><p><strong>1. What?</strong></p>
<details class="quiz right"><summary>This</summary><p>Right.</p></details>
<details class="quiz wrong"><summary>That</summary><p>No.</p></details></section>
<div style="height: 3000px"></div><section id="end"><h2>Further reading</h2><p>A book.</p></section></section></article>
<footer class="prev-next-footer"></footer></body></html>"""
)
FRONT = (
    HEAD
    + """<p id="chapters-read"></p><ul><li class="chapter-card"><a href="../notebooks/one.html">1 One</a></li>
<li class="chapter-card"><a href="../notebooks/two.html">2 Two</a></li></ul></body></html>"""
)
HOW = HEAD + '<p id="reading-memory"></p></body></html>'
WITHOUT = "return document.documentElement.classList.contains('without-code')"


@pytest.fixture(scope="module")
def book(tmp_path_factory):
    folder = tmp_path_factory.mktemp("html")
    for name, text in {
        "notebooks/one": CHAPTER,
        "notebooks/two": CHAPTER,
        "book/index": FRONT,
        "book/how": HOW,
    }.items():
        (folder / f"{name}.html").parent.mkdir(exist_ok=True)
        (folder / f"{name}.html").write_text(text, encoding="utf-8")
    (folder / "_static").mkdir()
    for name in ("reading.css", "reading.js", "quiz.js", "progress.js"):
        shutil.copy(STATIC / name, folder / "_static")
    with headless.served(folder) as address, headless.browser("--window-size=1000,700") as driver:
        yield driver, address


@pytest.fixture
def opened(book):
    driver, address = book
    driver.get(f"{address}/book/how.html")
    driver.execute_script("localStorage.clear()")

    def go(name):
        driver.get(f"{address}/{name}.html")
        return driver

    yield go
    assert not headless.errors(driver)


def ticked(driver):
    return [link.text.split(" ✓")[0] for link in driver.find_elements(By.CSS_SELECTOR, "nav a") if "✓" in link.text]


def seen(driver, selector):
    return driver.find_element(By.CSS_SELECTOR, selector).is_displayed()


def test_a_chapter_is_read_when_its_end_was_seen(opened):
    driver = opened("notebooks/one")
    assert ticked(driver) == [] and driver.find_element(By.CSS_SELECTOR, ".read-line").text == "Mark it as read"
    driver.execute_script("document.getElementById('end').scrollIntoView()")
    WebDriverWait(driver, 10).until(lambda d: ticked(d) == ["1 One"])
    line = driver.find_element(By.CSS_SELECTOR, ".read-line")
    assert line.text == "✓ You have read this chapter. Mark it as unread"
    assert line.find_element(By.TAG_NAME, "span").get_attribute("role") == "status"
    assert driver.find_element(By.CSS_SELECTOR, "nav .read-tick .visually-hidden").text == "(read)"


def test_an_end_that_flew_past_was_not_seen(opened):
    driver = opened("notebooks/one")
    driver.execute_script("document.getElementById('end').scrollIntoView(); setTimeout(() => scrollTo(0, 0), 200)")
    driver.execute_async_script("setTimeout(arguments[0], 1600)")
    assert ticked(driver) == []


def test_a_chapter_is_read_when_its_quiz_was_answered(opened):
    driver = opened("notebooks/two")
    driver.find_element(By.CSS_SELECTOR, ".quiz-question input").click()
    driver.find_element(By.CSS_SELECTOR, ".quiz-question button").click()
    assert ticked(driver) == ["2 Two"]


def test_the_cards_show_it_and_a_reader_can_take_it_back(opened):
    opened("notebooks/one").find_element(By.CSS_SELECTOR, ".read-line button").click()
    driver = opened("book/index")
    assert [card.get_attribute("class") for card in driver.find_elements(By.TAG_NAME, "li")] == [
        "chapter-card is-read",
        "chapter-card",
    ]
    assert driver.find_element(By.ID, "chapters-read").text == "You have read 1 of 2. This is kept on your device."
    opened("notebooks/one").find_element(By.CSS_SELECTOR, ".read-line button").click()
    assert ticked(driver) == [] and opened("book/index").find_element(By.ID, "chapters-read").text == ""


def test_all_of_it_can_be_forgotten(opened):
    driver = opened("notebooks/one")
    driver.find_element(By.CSS_SELECTOR, ".read-line button").click()
    driver.find_element(By.CSS_SELECTOR, ".without-code-switch").click()
    driver = opened("book/how")
    assert ticked(driver) == ["1 One"]
    driver.find_element(By.CSS_SELECTOR, "#reading-memory button").click()
    assert ticked(driver) == [] and "Forgotten" in driver.find_element(By.CSS_SELECTOR, "#reading-memory").text
    assert driver.execute_script("return localStorage.length") == 0
    assert not opened("notebooks/one").execute_script(WITHOUT)


def test_what_others_stored_is_no_error(opened):
    opened("notebooks/one").execute_script("localStorage.setItem('tlbook-read', 'no json')")
    assert ticked(opened("notebooks/one")) == []


def test_without_code_hides_cells_and_keeps_what_they_show(opened):
    driver = opened("notebooks/one")
    switch = driver.find_element(By.CSS_SELECTOR, ".without-code-switch")
    assert (switch.get_attribute("role"), switch.get_attribute("aria-checked")) == ("switch", "false")
    assert seen(driver, "#code") and seen(driver, "#setup")
    switch.send_keys(Keys.SPACE)
    assert switch.get_attribute("aria-checked") == "true" and switch.text == "Without code"
    assert not seen(driver, "#code") and not seen(driver, "#setup")
    assert seen(driver, "#shown") and seen(driver, "#check") and seen(driver, "#first")
    said = driver.find_element(By.CSS_SELECTOR, ".article-header-buttons [role=status]")
    assert said.text == "The code is hidden. Text, figures and results stay."
    switch.send_keys(Keys.SPACE)
    assert seen(driver, "#code") and said.text == "The code is shown."


def test_the_choice_is_kept_and_no_code_flashes_up(opened):
    opened("notebooks/one").find_element(By.CSS_SELECTOR, ".without-code-switch").click()
    driver = opened("notebooks/two")
    assert driver.execute_script(WITHOUT) and not seen(driver, "#code")
    # The script acts from the head, before a body is there that could be drawn.
    script = json.dumps((STATIC / "reading.js").read_text(encoding="utf-8"))
    found = driver.execute_script(
        f"""const frame = document.createElement("iframe"); document.body.append(frame);
        const page = frame.contentDocument; page.open();
        page.write("<html><head><script>" + {script} + "<\\/script><script>window.early = "
          + "[document.documentElement.className, document.body === null]<\\/script></head><body></body></html>");
        page.close(); return frame.contentWindow.early;"""
    )
    assert found == ["without-code", True]


def test_what_the_reader_looks_at_stays_where_it_is(opened):
    driver = opened("notebooks/one")
    driver.execute_script("scrollTo(0, document.getElementById('middle').offsetTop - 200)")
    top = "return document.getElementById('middle').getBoundingClientRect().top"
    before = driver.execute_script(top)
    driver.execute_script("document.querySelector('.without-code-switch').click()")
    assert driver.execute_script(top) == pytest.approx(before, abs=2)


def test_a_page_without_code_has_no_switch(opened):
    driver = opened("book/how")
    driver.implicitly_wait(0)
    assert not driver.find_elements(By.CSS_SELECTOR, ".without-code-switch")
    driver.implicitly_wait(10)
