"""One recipe on several frameworks: they agree where installed, and the chapter shows the code of the package."""

import ast
import importlib.util
import pathlib
import re

import keras
import nbformat
import numpy as np
import pytest

from tlbook.backbones import vgg16
from tlbook.data.images import Split
from tlbook.methods import backends, in_torch

CHAPTER = pathlib.Path(__file__).parents[2] / "notebooks" / "06_1_frameworks.ipynb"
HERE = backends.installed_backends()
OTHERS = [name for name in ("torch", "jax") if name in HERE]
needs_torch = pytest.mark.skipif(not importlib.util.find_spec("torch"), reason="PyTorch is not installed")


@pytest.fixture
def made_up():
    """Return arrays of VGG16's shapes, and pictures of ten classes that their colour tells apart."""
    rng = np.random.default_rng(0)
    arrays = {
        name: (
            rng.normal(0, np.sqrt(2 / (9 * shape[0])), (3, 3, *shape)).astype("float32"),
            np.zeros(shape[1], "float32"),
        )
        for name, shape in vgg16.CONVOLUTIONS.items()
    }
    labels = np.arange(40) % 10
    images = np.clip(25 * labels[:, None, None, None] + rng.integers(0, 20, (40, 32, 32, 3)), 0, 255)
    pictures = Split(images.astype("uint8"), labels)
    return arrays, pictures, Split(pictures.images[:10], labels[:10])


def test_a_backend_that_is_installed_is_known():
    assert keras.backend.backend() in HERE


def test_the_recipe_trains_and_predicts_classes(made_up):
    arrays, train, test = made_up
    before = arrays["block4_conv1"][0].copy()
    predictions = backends.fine_tune(arrays, train, test, epochs=(2, 1))
    assert predictions.shape == (10,) and set(predictions) <= set(range(10))
    assert np.array_equal(before, arrays["block4_conv1"][0]), "the caller's arrays stay as they are"


def test_the_recipe_draws_nothing_at_random(made_up):
    runs = []
    for seed in (1, 2):
        keras.utils.set_random_seed(seed)
        runs.append(backends.fine_tune(*made_up, epochs=(1, 1)))
    assert np.array_equal(*runs)


def test_relative_difference_is_a_share_of_the_largest():
    assert backends.relative_difference([1.0, -4.0], [1.0, -5.0]) == pytest.approx(0.2)
    with pytest.raises(ValueError, match=r"ours: got shape \(2,\), expected that of theirs, \(3,\)"):
        backends.relative_difference([1, 2], [1, 2, 3])


def test_pictures_are_drawn_and_ordered_by_the_seed(monkeypatch):
    monkeypatch.setenv("TLBOOK_DATA", "emoji10")
    first, again, other = (backends.pictures(seed, n=30)[0] for seed in (0, 0, 1))
    assert np.array_equal(first.images, again.images) and not np.array_equal(first.images, other.images)
    assert (np.diff(first.labels) < 0).any(), "not sorted by class"


def test_what_cannot_run_is_refused():
    with pytest.raises(ValueError, match="task: got 'dance', expected one of forward, fine_tune, draw"):
        backends.run("tensorflow", "dance")
    with pytest.raises(ValueError, match="backend: got 'theano', expected one that is installed"):
        backends.run("theano", "draw")


@pytest.mark.slow
@pytest.mark.parametrize("name", HERE)
def test_a_process_computes_with_the_backend_that_it_was_asked_for(name):
    found = backends.run(name, "draw", seed=3)
    assert found["backend"] == name and found["drawn"].shape == (3,)
    assert found["cpu_seconds"] > 0 and found["memory_mb"] > 50


@pytest.mark.slow
def test_a_process_that_fails_says_why(monkeypatch):
    monkeypatch.setenv("TLBOOK_DATA", "nothing of this name")
    with pytest.raises(RuntimeError, match="forward on .* failed: (.|\n)*TLBOOK_DATA"):
        backends.run(next(iter(HERE)), "forward")


@pytest.mark.slow
@pytest.mark.skipif(not OTHERS, reason="only one backend is installed")
def test_the_forward_passes_agree(weights, monkeypatch):
    """VGG16 with its real weights: within 1e-4 of TensorFlow's, relative to the largest feature."""
    monkeypatch.setenv("TLBOOK_DATA", "emoji10")
    theirs = backends.run("tensorflow", "forward", n=40)["features"]
    for name in OTHERS:
        ours = backends.run(name, "forward", n=40)["features"]
        assert backends.relative_difference(ours, theirs) < 1e-4, name


@needs_torch
def test_pytorch_alone_has_the_features_of_keras(made_up):
    arrays, train, _ = made_up
    network = vgg16.build(arrays=arrays)
    theirs = keras.Model(network.input, network.get_layer("block4_pool").output).predict(train.images, verbose=0)
    ours = in_torch.body(arrays)(in_torch.pixels(train.images)).detach().numpy().transpose(0, 2, 3, 1)
    assert backends.relative_difference(ours, theirs) < 1e-4


@needs_torch
def test_pytorch_alone_gives_the_classes_of_keras(made_up):
    ours, theirs = (recipe(*made_up, epochs=(3, 1)) for recipe in (in_torch.fine_tune, backends.fine_tune))
    assert np.mean(ours == theirs) >= 0.9, "a near tie may tip"


def functions(tree):
    """The functions at the top of a module by name, as text without docstrings and imports."""
    found = {}
    for node in tree.body:
        if isinstance(node, ast.FunctionDef):
            node.body = node.body[1:] if ast.get_docstring(node) else node.body
            node.body = [line for line in node.body if not isinstance(line, ast.Import | ast.ImportFrom)]
            found[node.name] = ast.unparse(node)
    return found


def test_the_chapter_shows_the_code_that_was_recorded():
    cells = [cell.source for cell in nbformat.read(CHAPTER, 4).cells if cell.cell_type == "code"]
    shown = functions(ast.parse("\n".join(cell for cell in cells if re.search("^def (fine_tune|torch_)", cell))))
    recorded = {}
    for module in (backends, in_torch):
        recorded |= {
            (module.__name__, name): text
            for name, text in functions(ast.parse(pathlib.Path(module.__file__).read_text())).items()
        }
    assert shown["fine_tune"] == recorded["tlbook.methods.backends", "fine_tune"]
    for name in ("body", "pixels", "fine_tune"):
        text = re.sub(r"torch_(body|pixels|fine_tune)\(", r"\1(", shown[f"torch_{name}"])
        assert text == recorded["tlbook.methods.in_torch", name], name
