"""What the front page says of the record: accuracy against labels, with transfer and without it, in numbers and words.

Nothing is typed here: means, intervals and verdicts come from `results/` through `tlbook.evaluation`. Between recorded
sizes the curves are straight lines over the logarithm of the labels, and every sentence that uses one says so.
"""

import dataclasses
import math

import numpy as np
import pandas as pd

from tlbook import evaluation, results

TRANSFER, FROZEN, SCRATCH, CLASSICAL = "transfer", "frozen", "scratch", "classical"
NAMES = {
    TRANSFER: "VGG16 from ImageNet, fine-tuned",
    FROZEN: "VGG16 from ImageNet, frozen",
    SCRATCH: "a small network from scratch",
    CLASSICAL: "a method without a network",
}
STOPS_A_DECADE = 20
START = 1_000  # labels that the page shows first


@dataclasses.dataclass
class Record:
    """Recorded runs, under the four names of this page: `rows` has `arm`, `n_train`, `seed`, `test_accuracy`.

    `table` names where they come from, `note` says what a reader has to know of them. Runs of all arms saw the same
    test pictures, seed by seed.
    """

    table: str
    rows: pd.DataFrame
    note: str


def record():
    """Return the record: the map where it has all arms at three sizes or more, else the regimes of chapter 4.3."""
    if (results.FOLDER / "map.csv").is_file():
        found = of_map(results.read("map"))
        if len(set.intersection(*(set(curve(found, arm)) for arm in NAMES))) > 2:
            return found
    return of_regimes(results.read("cifar10_regimes"), results.read("cifar10_classical"))


def of_map(whole):
    """Return the record that `results/map.csv` gives: 32 pixels, labels that choose inside the budget."""
    arms = {"last_block": TRANSFER, "linear_probe": FROZEN, "scratch_airbench": SCRATCH, "classical": CLASSICAL}
    rows = whole[(whole.resolution == 32) & whole.arm.isin(list(arms))]
    return Record("map", rows.assign(arm=rows.arm.map(arms)), "Labels that choose settings are inside the budget.")


def of_regimes(regimes, classical):
    """Return the record that `results/cifar10_regimes.csv` gives, beside `cifar10_classical`, on the same pictures."""
    arms = {"head_then_block4": TRANSFER, "linear_probe": FROZEN, "scratch_small_cnn": SCRATCH}
    rows = regimes[regimes.arm.isin(list(arms))]
    rows = pd.concat([rows.assign(arm=rows.arm.map(arms)), best(classical)], ignore_index=True)
    note = (
        "Every one of the four chose its settings by 1,000 further labels, which are not counted here. The recipe of "
        "this record was changed after its test had been seen: chapter 4.3 says what that leaves open. Neither way "
        "without transfer is the strongest that the book has: chapter 4.7 has those, and chapter 4.8 says when they "
        "catch up."
    )
    return Record("cifar10_regimes", rows, note)


def best(classical):
    """Return at each size the rows of the classical method with the best mean on the test: a choice in its favour."""
    means = classical.groupby(["n_train", "arm"]).test_accuracy.mean()
    first = {n: means[n].idxmax() for n in means.index.get_level_values("n_train").unique()}
    return classical[classical.arm == classical.n_train.map(first)].assign(arm=CLASSICAL)


def curve(found, arm):
    """Return a dict from each size with two runs or more to `(mean, half width)` of the interval, sizes ascending.

    The interval is over seeds, and over test pictures as well where the rows say which of them were right.
    """
    points = {}
    for n, runs in found.rows[found.rows.arm == arm].groupby("n_train"):
        if len(runs) > 1:
            right = runs.test_right if "test_right" in runs and runs.test_right.notna().all() else None
            points[int(n)] = (
                evaluation.interval(runs.test_accuracy)
                if right is None
                else evaluation.crossed(evaluation.unpacked_right(right))
            )
    return points


def at(values, n):
    """Return the value of a curve (a dict from size to number) at `n` labels, or None outside its sizes."""
    sizes = list(values)
    if not sizes or not sizes[0] <= n <= sizes[-1]:
        return None
    return float(np.interp(math.log(n), np.log(sizes), list(values.values())))


def needed(values, target):
    """Return the fewest labels at which a curve reaches a value; infinite where it does not within its sizes."""
    sizes, heights = list(values), list(values.values())
    if heights[0] >= target:
        return float(sizes[0])
    for i in range(1, len(sizes)):
        if heights[i] >= target:
            share = (target - heights[i - 1]) / (heights[i] - heights[i - 1])
            return float(math.exp(math.log(sizes[i - 1]) + share * math.log(sizes[i] / sizes[i - 1])))
    return math.inf


def stops(found):
    """Return the numbers of labels that the slider has: the recorded sizes, and round ones between them."""
    both = sorted(set(curve(found, TRANSFER)) & set(curve(found, SCRATCH)))
    low, high = math.log10(both[0]), math.log10(both[-1])
    between = np.logspace(low, high, round((high - low) * STOPS_A_DECADE) + 1)
    return sorted({*both, *(rounded(n) for n in between if both[0] <= rounded(n) <= both[-1])})


def rounded(n):
    """Return a number of labels to two digits, as an int."""
    return int(float(f"{n:.2g}"))


def sentences(found, n):
    """Return what the record says at `n` labels, a list of sentences; the first two are the heart of it."""
    curves = {arm: curve(found, arm) for arm in NAMES}
    if missing := [arm for arm in (TRANSFER, SCRATCH) if n < min(curves[arm]) or n > max(curves[arm])]:
        raise ValueError(f"n: got {n} labels, expected a number inside the record of {', '.join(missing)}")
    words = [f"With {n:,} labels, {NAMES[TRANSFER]}, gets {_percent(curves[TRANSFER], n)} of the test pictures right."]
    words.append(f"From scratch, a small network gets {_percent(curves[SCRATCH], n)}{_needs(curves, n)}.")
    if at({size: mean for size, (mean, _) in curves[CLASSICAL].items()}, n) is not None:
        words.append(f"A method without a network gets {_percent(curves[CLASSICAL], n)}.")
    if all(n in curves[arm] for arm in (TRANSFER, SCRATCH)):
        words.append(_against(found, n))
    else:
        low = max(size for size in curves[TRANSFER] if size < n)
        high = min(size for size in curves[TRANSFER] if size > n)
        words.append(f"Nothing was recorded between {low:,} and {high:,} labels: here the lines are interpolated.")
    return words


def _percent(points, n):
    if n in points:
        mean, half = points[n]
        return f"{100 * mean:.1f} ± {100 * half:.1f} %"
    return f"about {100 * at({size: mean for size, (mean, _) in points.items()}, n):.0f} %"


def _needs(curves, n):
    """Return in words how many labels the network from scratch needs for what transfer gets with `n`."""
    means = {arm: {size: mean for size, (mean, _) in curves[arm].items()} for arm in (TRANSFER, SCRATCH)}
    target, most = at(means[TRANSFER], n), max(curves[SCRATCH])
    ends = [{size: mean + side * half for size, (mean, half) in curves[SCRATCH].items()} for side in (1, 0, -1)]
    few, middle, many = (needed(one, target) for one in ends)
    if middle <= n:
        return ", which is as much"
    if math.isinf(middle):
        return f", and for as much it needs more than the {most:,} labels of the record"
    span = f"{rounded(few):,} to {rounded(many):,}" if math.isfinite(many) else f"{rounded(few):,} or more"
    return f", and needs about {rounded(middle):,} labels for as much (interpolated; {span} by its interval)"


def _against(found, n):
    """Return in words how transfer compares with the strongest control, run by run, at a recorded size."""
    here = found.rows[found.rows.n_train == n]
    table = evaluation.against_strongest(here, [TRANSFER], [SCRATCH, CLASSICAL], "test_accuracy")
    row = table.iloc[0]
    return f"Transfer against {NAMES[row.control]}, run by run: {row.verdict}."
