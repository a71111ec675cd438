"""A look at a deck of slides in a browser: stepped through by keyboard, is anything cut off, or without notes?"""

from selenium.webdriver.common.action_chains import ActionChains
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.support.ui import WebDriverWait

SIZE = {"width": 1280, "height": 720, "deviceScaleFactor": 1, "mobile": False}
SPARE = 6  # pixels that letters may reach over their line
COMPLAINTS = """
const [spare] = arguments, slide = Reveal.getCurrentSlide(), sheet = slide.querySelector(".sheet"), found = [];
const room = slide.querySelector(".columns").getBoundingClientRect();
for (const one of slide.querySelectorAll(".column > *, .column li, .column tr")) {
  const box = one.getBoundingClientRect(), name = `${one.tagName} ${one.textContent.trim().slice(0, 30)}`;
  if (box.bottom > room.bottom + spare || box.top < room.top - spare) found.push(`too high: ${name}`);
  if (box.right > room.right + spare || box.left < room.left - spare) found.push(`too wide: ${name}`);
}
for (const one of slide.querySelectorAll("pre, table, .math, .column"))
  if (one.scrollWidth > one.clientWidth + spare) found.push(`cut off: ${one.textContent.trim().slice(0, 30)}`);
for (const plot of slide.querySelectorAll("figure > *"))
  if (plot.getBoundingClientRect().height < 200) found.push("a figure of less than 200 pixels");
if (sheet.querySelector("h2").getBoundingClientRect().height > 120) found.push("a title of more than two lines");
if ((slide.querySelector("aside.notes")?.textContent ?? "").split(/\\s+/).length < 20) found.push("hardly any notes");
return found;
"""


def open_deck(driver, path, query=""):
    """Open a deck from the disk and wait until it stands."""
    driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", SIZE)
    driver.get(f"{path.as_uri()}{query}")
    # Asked again and again: on a busy machine a deck of megabytes may not have read its own script yet.
    stands = "return typeof Reveal !== 'undefined' && Reveal.isReady() && document.fonts.status === 'loaded'"
    WebDriverWait(driver, 60).until(lambda driver: driver.execute_script(stands))


def press(driver, key):
    """Press a key."""
    ActionChains(driver).send_keys(key).perform()


def complaints(driver, path, query=""):
    """Step through a deck by keyboard; return a dict from the number of a slide to what is wrong with it."""
    open_deck(driver, path, query)
    found, total = {}, driver.execute_script("return Reveal.getTotalSlides()")
    for number in range(1, total + 1):
        if wrong := driver.execute_script(COMPLAINTS, SPARE):
            found[number] = wrong
        at = driver.execute_script("return Reveal.getSlidePastCount() + 1")
        if at != number:
            return found | {number: [f"the arrow key led to slide {at}"]}
        press(driver, Keys.ARROW_RIGHT)
    return found
