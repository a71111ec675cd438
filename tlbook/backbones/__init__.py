"""Backbones: the networks that turn pictures, text and sound into features.

The published ones keep one contract. `read(path)` returns the arrays in a file; `build(...)` a Keras model, with given
arrays or with fresh ones; `pretrained(...)` the model with its published weights, and the source that they came from.
What belongs to the arrays, a vocabulary or a tokenizer, comes right behind them: `read` then returns `(arrays,
vocabulary)`. The model of `minilm` is an `Encoder`, which holds its tokenizer. `find_arrays()` is there where a chapter
looks at the numbers.
"""

from tlbook.backbones import cut, small, vgg16
from tlbook.backbones.cut import split
from tlbook.backbones.small import small_cnn, small_speech_cnn, small_speech_frames

__all__ = ["cut", "small", "small_cnn", "small_speech_cnn", "small_speech_frames", "split", "vgg16"]
