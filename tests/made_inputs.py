"""Inputs that several tests make: tags of sentences, a sound."""

import numpy as np


def random_tags(rng, n, kinds="XYZ"):
    """Tags in which every I- goes on."""
    tags = []
    for _ in range(n):
        choices = ["O", "O"] + [f"B-{kind}" for kind in kinds]
        if tags and tags[-1] != "O":
            choices += 3 * [f"I-{tags[-1][2:]}"]
        tags.append(choices[rng.integers(len(choices))])
    return tags


def chirp(rate=16_000, loudness=0.1):
    """A second of sound that climbs from 200 to 3,200 Hz."""
    t = np.arange(rate) / rate
    return loudness * np.sin(2 * np.pi * (200 * t + 1500 * t * t))
