"""The quiz of a chapter in a browser: it commits to an answer, says what is right, and remembers."""

import json
import re

import headless
import pytest
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys

import record_facts

CHAPTER = record_facts.ROOT / "notebooks" / "04_3_fine_tuning.ipynb"


def questions():
    """Return the quiz of a chapter as HTML, and for each question which option is right."""
    cells = json.loads(CHAPTER.read_text(encoding="utf-8"))["cells"]
    text = "\n\n".join("".join(cell["source"]) for cell in cells if cell["cell_type"] == "markdown")
    source = text.partition("## Quiz\n")[2].partition("## Exercises")[0]
    source = re.sub(r"^\*\*(\d\..*?)\*\*$", r"<p><strong>\1</strong></p>", source, flags=re.M)
    source = re.sub(r"^\*\*(No|Right)\.\*\* (.*)$", r"<p><strong>\1.</strong> \2</p>", source, flags=re.M)
    right = [
        re.findall(r"quiz (right|wrong)", part).index("right") for part in re.split(r"<p><strong>\d\.", source)[1:]
    ]
    return source, right


@pytest.fixture
def quiz(browser, tmp_path):
    """The browser on a page with the quiz, and which option of each question is right."""
    body, right = questions()
    script = (record_facts.ROOT / "book" / "_static" / "quiz.js").read_text(encoding="utf-8")
    page = tmp_path / "page.html"
    page.write_text(f'<meta charset="utf-8"><script>{script}</script><body>{body}</body>', encoding="utf-8")
    with headless.served(tmp_path) as address:
        browser.get(f"{address}/page.html")
        yield browser, right


def question(browser, number):
    return browser.find_elements(By.CSS_SELECTOR, ".quiz-question")[number]


def answer(browser, number, option):
    form = question(browser, number)
    form.find_elements(By.TAG_NAME, "input")[option].click()
    form.find_element(By.TAG_NAME, "button").click()
    return form.find_element(By.CSS_SELECTOR, ".quiz-said").text


def score(browser):
    return browser.find_element(By.CSS_SELECTOR, ".quiz-score").text


def test_nothing_is_told_before_an_answer(quiz):
    browser, right = quiz
    assert len(browser.find_elements(By.CSS_SELECTOR, ".quiz-question")) == len(right) == 5
    assert not [a for a in browser.find_elements(By.CSS_SELECTOR, ".quiz-answer") if a.is_displayed()]
    assert not browser.find_elements(By.CSS_SELECTOR, ".right, .wrong, details")
    assert not question(browser, 0).find_element(By.TAG_NAME, "button").is_enabled()
    assert score(browser).startswith("5 questions")


def test_right_and_wrong_are_told_by_word_and_sign_and_only_the_chosen_answer_unfolds(quiz):
    browser, right = quiz
    assert answer(browser, 0, right[0]) == "✓ Right"
    assert answer(browser, 1, (right[1] + 1) % 3).startswith("✗ Not this one")
    shown = [a.text for a in browser.find_elements(By.CSS_SELECTOR, ".quiz-answer") if a.is_displayed()]
    assert [text.partition(".")[0] for text in shown] == ["Right", "No"]


def test_the_first_try_counts_and_is_remembered(quiz):
    browser, right = quiz
    answer(browser, 0, right[0])
    answer(browser, 1, (right[1] + 1) % 3)
    answer(browser, 1, right[1])
    assert score(browser).startswith("2 of 5 answered, 1 right at the first try")
    browser.refresh()
    assert score(browser).startswith("2 of 5 answered, 1 right at the first try")
    assert question(browser, 1).find_element(By.CSS_SELECTOR, ".quiz-said").text == "✓ Right"
    browser.find_element(By.CSS_SELECTOR, ".quiz-again").click()
    assert score(browser).startswith("5 questions") and not browser.find_elements(By.CSS_SELECTOR, ".right, .wrong")
    browser.refresh()
    assert score(browser).startswith("5 questions")


def test_it_is_operated_with_the_keyboard(quiz):
    browser, right = quiz
    first = question(browser, 0).find_element(By.TAG_NAME, "input")
    first.send_keys(Keys.SPACE)
    for _ in range(right[0]):
        browser.switch_to.active_element.send_keys(Keys.ARROW_DOWN)
    browser.switch_to.active_element.send_keys(Keys.ENTER)
    assert question(browser, 0).find_element(By.CSS_SELECTOR, ".quiz-said").text == "✓ Right"


def test_damaged_memory_is_no_obstacle(quiz):
    browser, right = quiz
    browser.execute_script("localStorage.setItem('tlbook-quiz', '{')")
    browser.refresh()
    assert answer(browser, 0, right[0]) == "✓ Right"


def test_what_another_window_kept_meanwhile_stays(quiz):
    browser, right = quiz
    browser.execute_script(
        "localStorage.setItem('tlbook-quiz', JSON.stringify({ 'other.html': { 0: { chosen: 1 } } }))"
    )
    answer(browser, 0, right[0])
    kept = json.loads(browser.execute_script("return localStorage.getItem('tlbook-quiz')"))
    assert kept.pop("other.html") == {"0": {"chosen": 1}}
    assert list(kept.values()) == [{"0": {"chosen": right[0], "first": True}}]
