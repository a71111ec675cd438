"""A browser without a window, for tests of what the pages do."""

import contextlib
import json
import shutil

import pytest
from selenium import webdriver

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
DRIVER = shutil.which("chromedriver")


@contextlib.contextmanager
def browser(*arguments, watch=False):
    """Yield a driver of Chromium; skip the test where there is none. `watch` keeps a list of what pages ask for."""
    if not (CHROMIUM and DRIVER):
        pytest.skip("needs Chromium and its driver (Debian: chromium, chromium-driver)")
    options = webdriver.ChromeOptions()
    options.binary_location = CHROMIUM
    for argument in ("--headless", "--no-sandbox", "--disable-gpu", "--no-first-run", *arguments):
        options.add_argument(argument)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"} | ({"performance": "ALL"} if watch else {}))
    driver = webdriver.Chrome(options, webdriver.ChromeService(DRIVER))
    driver.implicitly_wait(10)
    try:
        yield driver
    finally:
        driver.quit()


def asked_for(driver):
    """Return the addresses that a browser with `watch` has asked for since the last call."""
    log = [json.loads(line["message"])["message"] for line in driver.get_log("performance")]
    return [one["params"]["request"]["url"] for one in log if one["method"] == "Network.requestWillBeSent"]


def errors(driver):
    """Return what the page complained of in its console."""
    return [line["message"] for line in driver.get_log("browser") if line["level"] == "SEVERE"]
