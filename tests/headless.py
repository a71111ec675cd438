"""A browser without a window and a server, for tests of what the pages do."""

import contextlib
import functools
import http.server
import json
import shutil
import threading

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


@contextlib.contextmanager
def served(folder):
    """Yield the address of a server of the folder `folder`, on this machine.

    Chromium gives each page from disk a process of its own, and such a page may miss what the one before has just
    stored. Pages of one server share their storage at once.
    """

    class Quiet(http.server.SimpleHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def log_message(self, *words):
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(Quiet, directory=folder))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()


def asked_for(driver):
    """Return the addresses that a browser with `watch` has asked for since the last call."""
    log = [json.loads(line["message"])["message"] for line in driver.get_log("performance")]
    return [one["params"]["request"]["url"] for one in log if one["method"] == "Network.requestWillBeSent"]


def errors(driver):
    """Return what the page complained of in its console."""
    return [line["message"] for line in driver.get_log("browser") if line["level"] == "SEVERE"]
