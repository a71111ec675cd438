"""What is installed: read from metadata and Keras's own settings."""

import numpy as np
import pytest

from tlbook.files import installed


def test_first_distribution_that_is_installed_counts():
    assert installed.version("not-there-either", "numpy", "keras") == np.__version__
    assert installed.version("not-there-either") is None and installed.version() is None


def test_backend_is_chosen_as_keras_does(monkeypatch):
    monkeypatch.delenv("KERAS_BACKEND", raising=False)
    assert installed.keras_backend() == "tensorflow"
    installed.keras_home().mkdir()
    (installed.keras_home() / "keras.json").write_text('{"backend": "jax"}')
    assert installed.keras_backend() == "jax"
    monkeypatch.setenv("KERAS_BACKEND", "torch")
    assert installed.keras_backend() == "torch"


@pytest.mark.parametrize("settings", ["", "[]", "{}", "null", "{"])
def test_damaged_settings_of_keras_leave_its_default(monkeypatch, settings):
    monkeypatch.delenv("KERAS_BACKEND", raising=False)
    installed.keras_home().mkdir()
    (installed.keras_home() / "keras.json").write_text(settings)
    assert installed.keras_backend() == "tensorflow"
