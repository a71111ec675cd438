"""Blueprints: the sizes that are published, counted without any weights in memory."""

import keras
import pytest

from tlbook.backbones import families
from tlbook.backbones.cost import multiply_adds


@pytest.mark.parametrize(
    ("build", "parameters", "billions"),
    [
        (families.alexnet, 60_965_224, 0.72),  # "60 million parameters"
        (families.googlenet, 6_998_552, 1.58),  # "1.5 billion multiply-adds"
        (families.fcn, 134_346_581, 21.2),  # "134M" in table 1 of the paper
        (families.dcgan, 17_231_105, 0.64),
    ],
)
def test_sizes_are_those_of_the_papers(build, parameters, billions):
    model = families.blueprint(build)
    assert model.count_params() == parameters
    assert multiply_adds(model) / 1e9 == pytest.approx(billions, abs=0.01)


def test_a_blueprint_counts_what_the_model_would():
    def build(units):
        inputs = keras.Input((8, 8, 3))
        x = keras.layers.Flatten()(keras.layers.Conv2D(4, 3)(inputs))
        return keras.Model(inputs, keras.layers.Dense(units)(x))

    drawn, built = families.blueprint(build, units=5), build(5)
    assert drawn.count_params() == built.count_params() and multiply_adds(drawn) == multiply_adds(built)
    assert drawn.output_shape == (None, 5)


def test_no_weights_are_filled_in_later(tmp_path):
    """Keras fills what waits for numbers when the next model is saved: not those of a blueprint."""
    drawn = families.blueprint(families.alexnet)
    small = keras.Sequential([keras.Input((2,)), keras.layers.Dense(1)])
    small.save(tmp_path / "small.keras")
    assert all(weight._value is None for weight in drawn.weights)


def test_fcn_answers_for_every_pixel():
    assert families.blueprint(families.fcn, classes=5, side=64).output_shape == (None, 64, 64, 5)
