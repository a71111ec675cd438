"""Checks for readers: hand over what you made, and read in plain words what is wrong and which chapter tells it.

Each function takes arrays, or a function of yours that it tries on a small example. It prints one line where all is
well and raises `AssertionError` where it is not. The assignments of the course use them, and so can any chapter:

>>> import numpy as np
>>> frozen([np.zeros(3)], [np.zeros(3)])
✓ the frozen weights are what they were
"""

import numpy as np


def well(words):
    """Say what is well."""
    print(f"✓ {words}")


def tell(holds, words, where):
    """Raise `AssertionError` with `words` unless something holds; `where` is a chapter, by its number, or a page."""
    if not holds:
        raise AssertionError(f"{words} Read again: {'chapter ' if where[0].isdigit() else ''}{where}.")


def apart(train, validation):
    """Check that no picture is in both of two sets, uint8 (n, height, width, 3), copies included. Chapter 2."""
    first, second = ({picture.tobytes() for picture in np.asarray(pictures)} for pictures in (train, validation))
    both = len(first & second)
    tell(
        first and second, f"A set is empty: {len(first)} pictures to learn from and {len(second)} to choose by.", "3.2"
    )
    tell(
        not both,
        f"{both} pictures are in both sets. What chooses must not have been learned from: remove copies first.",
        "2, 'The mistake: looking at the training accuracy'",
    )
    well(f"{len(first)} and {len(second)} different pictures, and none is in both sets")


def balanced(labels, classes):
    """Check that integer labels (n,) hold as many of each of `classes` classes. Chapter 2."""
    counts = np.bincount(np.asarray(labels), minlength=classes)
    tell(counts.min() == counts.max(), f"The classes have {counts.tolist()} pictures, not equally many.", "2")
    well(f"{counts[0]} pictures of each class")


def prepares(prepare):
    """Check a function `prepare(images, mean, deviation)` that standardises pictures. Chapter 3.2.

    It has to use the statistics that it is given, whatever pictures come with a picture.
    """
    images = np.random.default_rng(0).integers(0, 256, (4, 8, 8, 3), dtype=np.uint8)
    mean, deviation = np.array([100.0, 120, 140]), np.array([40.0, 50, 60])
    batch = np.asarray(prepare(images, mean, deviation))
    chapter = "3.2, 'Normalise, standardise'"
    tell(batch.shape == images.shape, f"prepare returned shape {batch.shape} for pictures {images.shape}.", chapter)
    alone = np.asarray(prepare(images[:1], mean, deviation))
    tell(
        np.allclose(alone[0], batch[0], atol=1e-4),
        "A picture comes out differently when it comes alone: prepare looks at the pictures that it is given. Use the "
        "mean and the deviation of the training pictures, which are handed over.",
        chapter,
    )
    tell(
        np.allclose(batch * deviation + mean, images, atol=0.05),
        "Multiplied by the deviation, plus the mean, a prepared picture should be the picture again, and is not.",
        chapter,
    )
    well("pictures are prepared with the statistics that are handed over")


def counts_pictures(share_right):
    """Check a function `share_right(labels, scores)`: the share of pictures whose largest score is at the label.

    Chapter 4.4 tells of the element-wise metric that counts single zeros and ones instead.
    """
    labels, scores = np.array([0, 1, 2, 3]), np.full((4, 5), -1.0)
    scores[np.arange(4), [0, 1, 3, 4]] = 1.0  # two of four
    got = share_right(labels, scores)
    tell(
        not np.isclose(got, 0.8),
        "Two of four pictures are right, and share_right says 80 %: it counts single entries of a table of zeros and "
        "ones, most of which are zeros that nobody can miss.",
        "4.4",
    )
    tell(np.isclose(got, 0.5), f"Two of four pictures are right, and share_right says {got}.", "2, 'The control'")
    well("whole pictures are counted")


def frozen(before, after):
    """Check that no array of weights moved, running means of batch normalisation included. Chapter 2."""
    changed = _changed(before, after)
    tell(
        not any(changed),
        f"{sum(changed)} of {len(changed)} arrays of the body moved while it was to be frozen. Set trainable before "
        "you compile, for the body as a whole, and compile again after each change.",
        "2, 'Stage 2: fine-tuning'",
    )
    well("the frozen weights are what they were")


def moved(before, after):
    """Check that every array of weights moved. Chapter 2."""
    changed = _changed(before, after)
    tell(
        all(changed),
        f"{len(changed) - sum(changed)} of {len(changed)} arrays of the body did not move, and should have learned. "
        "After a change of trainable, compile again.",
        "2, 'Stage 2: fine-tuning'",
    )
    well("every layer of the body has learned")


def chooses_by_validation(choose):
    """Check a function `choose(shares)`, which gets {name: {"validation": share, "test": share}} and returns a name.

    The page "How we measure" says why the test may not choose.
    """
    shares = {"one": {"validation": 0.6, "test": 0.3}, "two": {"validation": 0.4, "test": 0.7}}
    got = choose(shares)
    tell(got in shares, f"choose returned {got!r}, which is no name among {sorted(shares)}.", "2")
    tell(
        got == "one",
        "choose looked at the test. What was chosen by the test cannot be judged by it any more.",
        "2, and the page 'How we measure'",
    )
    well("the validation set chooses")


def agrees(what, ours, theirs, words, chapter, tolerance=1e-5, mistakes=None):
    """Check that two arrays of one shape differ by less than `tolerance`. `words` say what to look at if not.

    `mistakes` maps words for a typical mistake to the array that it would give: where `ours` is that, they are said.

    >>> mistakes = {"You have left out the bias.": [1.0, 2.0]}
    >>> agrees("Wx + b", [1.0, 2.0], [1.5, 2.5], "Look at b.", "3.3", mistakes=mistakes)
    Traceback (most recent call last):
    AssertionError: Wx + b: You have left out the bias. Read again: chapter 3.3.
    """
    ours, theirs = np.asarray(ours), np.asarray(theirs)
    tell(ours.shape == theirs.shape, f"{what}: the shape is {ours.shape}, not {theirs.shape}. {words}", chapter)
    difference = np.abs(ours - theirs).max()
    if difference < tolerance:
        well(f"{what}: largest difference {difference:.0e}")
        return
    for said, wrong in (mistakes or {}).items():
        if np.shape(wrong) == ours.shape and np.allclose(ours, wrong, atol=tolerance):
            words = said
    tell(False, f"{what}: {words}", chapter)


def _changed(before, after):
    tell(len(before) == len(after) > 0, f"{len(before)} arrays before and {len(after)} after: not one body.", "2")
    return [not np.array_equal(first, second) for first, second in zip(before, after, strict=True)]
