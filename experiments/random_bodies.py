"""VGG16 as a control: with fresh weights, or with the published ones shuffled within each array.

Fresh weights say what the architecture gives for nothing. Shuffled ones keep the mean and the spread that training gave
each layer (Raghu et al., 2019), and lose what it learned.
"""

import keras

from tlbook.backbones import vgg16, voice

KINDS = ("published", "shuffled", "fresh")


def body(kind, shape=(32, 32, 3), seed=0):
    """Return VGG16's convolutions for pictures of a shape: "published", "shuffled" or "fresh"."""
    if kind not in KINDS:
        raise ValueError(f"kind: got {kind!r}, expected one of {', '.join(KINDS)}")
    keras.utils.set_random_seed(seed)
    if kind == "fresh":
        return vgg16.build(shape)
    arrays, _ = vgg16.find_arrays()
    return vgg16.build(shape, voice.shuffled(arrays, seed) if kind == "shuffled" else arrays)
