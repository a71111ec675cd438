"""ImageNet's classes and CIFAR-10's: each name once, with its number, in the order of the numbers."""

import re

from tlbook.data import cifar10, imagenet_overlap


def test_every_target_class_is_there_and_no_source_class_twice():
    same, kin = imagenet_overlap.overlap(), imagenet_overlap.overlap(kin=True)
    assert list(same) == list(kin) == list(cifar10.CLASS_NAMES)
    found = [source for part in (same, kin) for classes in part.values() for source in classes]
    for field in ("wordnet", "name"):
        assert len({getattr(source, field) for source in found}) == len(found)
    assert all(re.fullmatch(r"n\d{8}", source.wordnet) and source.name for source in found)


def test_counts_are_those_of_the_list_of_1000():
    counts = {name: len(found) for name, found in imagenet_overlap.overlap().items()}
    assert (counts["dog"], counts["bird"], counts["cat"], counts["frog"], counts["deer"]) == (118, 59, 5, 3, 0)
