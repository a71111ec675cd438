"""The room as a whole: what its door loads, and the contract of the published networks."""

import inspect
import subprocess
import sys

import pytest

from tlbook.backbones import hed, minilm, textgenrnn, use_multilingual, vgg16, voice

# Keras takes seconds to load, and the door needs its name alone.
LOADED = """
import sys, unittest.mock
sys.modules["keras"] = unittest.mock.MagicMock()
import tlbook.backbones
print(*sys.modules)
"""


def test_the_door_loads_nothing_that_few_chapters_need():
    done = subprocess.run([sys.executable, "-c", LOADED], capture_output=True, text=True, check=True)
    loaded = set(done.stdout.split())
    assert {"tlbook.backbones.vgg16", "tlbook.backbones.small", "tlbook.backbones.cut"} < loaded
    unwanted = {"tokenizers", "safetensors", "onnx", "scipy", "sklearn", "tensorflow"}
    unwanted |= {
        f"tlbook.backbones.{name}"
        for name in ("transformer", "minilm", "use_multilingual", "voice", "textgenrnn", "hed")
    }
    assert not loaded & unwanted


@pytest.mark.parametrize(
    "network", [hed, minilm, textgenrnn, use_multilingual, vgg16, voice], ids=lambda module: module.__name__
)
def test_published_networks_keep_one_contract(network):
    assert list(inspect.signature(network.read).parameters) == ["path"]
    *_, (name, arrays) = inspect.signature(network.build).parameters.items()
    assert (name, arrays.default) == ("arrays", None), "fresh weights by default"
    assert set(inspect.signature(network.pretrained).parameters) <= {"input_shape"}
