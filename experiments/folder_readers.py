"""What networks make of a folder's pictures: each picture is read once in a process, and every run pays for it.

VGG16 is read place by place, in 3 x 3 places at most; EfficientNet as its own head reads it, by the mean of each
channel over the picture.
"""

import functools
import time

import keras
import numpy as np
from PIL import Image

from experiments.folder_controls import mirrored
from tlbook import backbones, features
from tlbook.backbones import cost, efficientnet, vgg16, voice

CUTS = {"vgg16": "block3_pool", "efficientnet": "block15_out"}  # what lies above is tuned
_KNOWN, _TESTED = {}, {}  # done in this process: features, tests


def network(body, size, seed):
    """Return a network from pictures of `size` pixels to one vector each: published, or fresh or shuffled by a seed."""
    shape, kind = (size, size, 3), body.partition("_")[0]
    keras.utils.set_random_seed(seed)
    if kind in ("vgg16", "fresh"):
        whole = vgg16.build(shape) if kind == "fresh" else vgg16.pretrained(shape)[0]
        end = backbones.split(whole, "block4_pool")[0]
        return keras.Model(end.input, keras.layers.AveragePooling2D(size // 32)(end.output))  # 2 x 2 places, or 3 x 3
    arrays = efficientnet.find_arrays()[0]
    if kind == "shuffled":
        arrays = voice.shuffled(arrays, seed)
    return efficientnet.build(shape, arrays)


@functools.cache
def reader(body, size, seed):
    """Return the network, or its part below the cut, that makes what `Seen` holds; and its multiply-adds."""
    model = network(body, size, seed)
    if body.endswith("_below"):
        model = backbones.split(model, CUTS[body.removesuffix("_below")])[0]
    return model, cost.multiply_adds(model)


class Seen:
    """What networks make of pictures, computed once in this process; and what it cost, as if it were not."""

    def __init__(self, body, seed=0):
        """Look through a network of one kind."""
        self.body, self.seed, self.kept, self.work = body, seed, 0.0, 0

    def __call__(self, images, size):
        """Return what the network makes of pictures at `size` pixels, float32 (n, ...)."""
        model, operations = reader(self.body, size, self.seed)
        keys = [(self.body, self.seed, size, image.tobytes()) for image in images]
        new = [k for k, key in enumerate(keys) if key not in _KNOWN]
        self.kept += sum(_KNOWN[key][1] for key in keys if key in _KNOWN)
        self.work += operations * len(images)
        if new:
            start = time.process_time()
            rows = features.forward(model, np.stack([enlarge(images[k], size) for k in new]), batch_size=16)
            each = (time.process_time() - start) / len(new)
            _KNOWN.update((keys[k], (row.astype("float16"), each)) for k, row in zip(new, rows, strict=True))
        return np.stack([_KNOWN[key][0] for key in keys]).astype("float32")

    def both(self, images, size):
        """Return what it makes of pictures, and of their mirror images."""
        return [self(images, size), self(mirrored(images), size)]

    def test(self, images, size):
        """Return what it makes of the test pictures, and note the seconds: the next run finds them done."""
        start = time.process_time()
        rows = self(images, size)
        _TESTED.setdefault((self.body, self.seed, size), time.process_time() - start)
        return rows

    def kept_seconds(self, size):
        """Return what this run found done, the test pictures at `size` pixels included."""
        return self.kept + _TESTED.get((self.body, self.seed, size), 0.0)


def enlarge(image, size):
    """Return a picture at another size, as `tlbook.data.folders.prepare` enlarges."""
    return np.asarray(Image.fromarray(image).resize((size, size), Image.Resampling.BICUBIC))
