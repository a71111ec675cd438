"""The protocol of an experiment: what an arm may see, what chooses, when the test is looked at, what a row must say.

An arm gets training and validation data and never the test. It fits every setting of its grid and chooses one. Then
`Experiment.run`, which alone holds the test, asks once for predictions. The page "How we measure" says why.
"""

import itertools
import math
import types
from collections.abc import Callable
from dataclasses import dataclass, field

_PRETRAINING = ("none", "published", "measured")


class Task(types.SimpleNamespace):
    """What an arm may see: `train`, `validation` (what chooses), `n_choose` (labels that choose), `source`, and more.

    `source` is a `tlbook.files.sources.Source`. An experiment adds what its arms need. Raises `ValueError` where
    nothing could choose, and for anything named after the test.
    """

    def __init__(self, *, train, validation, n_choose, source, **more):
        """Check that there is something to choose by."""
        if validation is None or n_choose < 1:
            raise ValueError(
                f"validation: got {validation!r:.40} with n_choose {n_choose}, expected labels that choose"
            )
        if any("test" in name for name in more):
            raise ValueError(f"more: got {sorted(more)}, expected nothing of the test: no arm may see it")
        super().__init__(train=train, validation=validation, n_choose=n_choose, source=source, **more)


@dataclass(frozen=True)
class HeldOut:
    """What only `Experiment.run` sees: `inputs`, for one call of `Fitted.predict`, and `labels`."""

    inputs: object
    labels: object


@dataclass(frozen=True, kw_only=True)
class Fitted:
    """What an arm returns once it has chosen.

    `predict(inputs)` returns predictions; `validation` is the score of the chosen setting by the experiment's first
    metric; `chosen` is that setting, one of the grid. `n_source` counts the labelled source examples that were seen
    (None where a publisher saw them). `pretraining_seconds` are the CPU seconds of a pretraining that is measured;
    `kept_seconds` those of other work that this run shares with others and found done. `figures` are further columns.
    """

    predict: Callable
    validation: float
    chosen: object = None
    n_source: int | None = 0
    pretraining_seconds: float | None = None
    kept_seconds: float = 0.0
    figures: dict = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Arm:
    """One way to solve a task: `fit(task, arm, seed)` returns `Fitted`.

    `grid` holds the settings that it tries, `first` those of a step before (a head that is fitted, then trained).
    `pretraining` is "none", "published", or "measured" in CPU seconds. `design` replaces values of the experiment's.
    """

    fit: Callable
    grid: tuple = (None,)
    first: tuple = ()
    pretraining: str
    design: dict = field(default_factory=dict)

    def __post_init__(self):
        """Check grid and pretraining."""
        object.__setattr__(self, "grid", tuple(self.grid))
        if not self.grid:
            raise ValueError("grid: got no setting, expected one or more")
        if self.pretraining not in _PRETRAINING:
            raise ValueError(f"pretraining: got {self.pretraining!r}, expected one of {', '.join(_PRETRAINING)}")


@dataclass(frozen=True, kw_only=True)
class Experiment:
    """Arms that solve one task, measured alike.

    Parameters
    ----------
    name : str
        Of its module in `experiments/` and of its table in `results/`.
    question : str
        What the table answers.
    unit : str
        What an interval is over: "product", "speaker", "test picture and seed".
    arms : dict of str to Arm
        By name, in the order of the table.
    design : dict of str to sequence
        For each column its values; `n_train` and `seed` are among them. Every arm meets every combination.
    load : callable
        Takes a combination, returns `(Task, HeldOut)`; None in place of `HeldOut` where nothing looks at the test.
    metrics : dict of str to callable
        Take true labels and predictions and return a number, or a dict of numbers by name. The first one chooses.
    settled : callable, optional
        Returns what another experiment chose for this one: where that changes, rows are stale.
    fresh : bool
        A new process for each run (`recording.record`).
    left_out : dict of str to callable
        Runs that the design names and that are not made: by the reason, what takes a run and returns whether it is one
        of them. Settled before any of them is made.

    Raises `ValueError` for no arms, no metrics, or a design without `n_train` and `seed`.
    """

    name: str
    question: str
    unit: str
    arms: dict
    design: dict
    load: Callable
    metrics: dict
    settled: Callable | None = None
    fresh: bool = False
    left_out: dict = field(default_factory=dict)

    def __post_init__(self):
        """Check that nothing is missing that a row needs."""
        for name in ("arms", "metrics"):
            if not getattr(self, name):
                raise ValueError(f"{name}: got none, expected one or more")
        if not {"n_train", "seed"} <= set(self.design):
            raise ValueError(f"design: got {list(self.design)}, expected n_train and seed among them")

    def __getstate__(self):
        """Return what travels to the process of a run: no plan, whose rules may be lambdas, which do not travel."""
        return vars(self) | {"left_out": {}}

    def configurations(self):
        """Return all runs, arm by arm, as a list of dict."""
        runs = [
            {"arm": name, **dict(zip(self.design, values, strict=True))}
            for name, arm in self.arms.items()
            for values in itertools.product(*(self.design | arm.design).values())
        ]
        return [run for run in runs if not any(without(run) for without in self.left_out.values())]

    def run(self, arm, n_train, seed, **more):
        """Let an arm fit and choose, then look at the test once: return its row, with its `source`.

        Raises `ValueError` where the arm chose outside its grid, or does not say what its pretraining cost.
        """
        task, test = self.load(n_train=n_train, seed=seed, **more)
        name, arm = arm, self.arms[arm]
        fitted = arm.fit(task, arm, seed)
        if fitted.chosen not in arm.grid:
            raise ValueError(f"chosen: got {fitted.chosen!r} from {name}, expected one of its grid, {arm.grid}")
        if (arm.pretraining == "measured") != (fitted.pretraining_seconds is not None):
            wanted = "CPU seconds" if arm.pretraining == "measured" else "None"
            raise ValueError(
                f"pretraining_seconds: got {fitted.pretraining_seconds} from {name}, expected {wanted}: "
                f"its pretraining is {arm.pretraining!r}"
            )
        figures = {
            "chosen": " ".join(map(str, fitted.chosen)) if isinstance(fitted.chosen, tuple) else fitted.chosen,
            "at_edge": at_edge(fitted.chosen, arm.grid),
            f"validation_{next(iter(self.metrics))}": _rounded(fitted.validation),
        }
        if test is not None:
            predictions = fitted.predict(test.inputs)
            for metric, score in self.metrics.items():
                scores = score(test.labels, predictions)
                scores = scores if isinstance(scores, dict) else {metric: scores}
                figures |= {f"test_{key}": _rounded(value) for key, value in scores.items()}
        measured = arm.pretraining == "measured"
        return {
            **figures,
            **{key: _rounded(value) for key, value in fitted.figures.items()},
            "n_choose": task.n_choose,
            "n_source": None if arm.pretraining == "published" else fitted.n_source,
            "trials": len(arm.grid) + len(arm.first),
            "pretraining": fitted.pretraining_seconds if measured else arm.pretraining,
            "kept_seconds": fitted.kept_seconds,
            "source": task.source,
        }

    def record(self):
        """Run what is missing or stale and return the whole table."""
        return _recorded(self, self.load, self.arms, self.settled and self.settled())


@dataclass(frozen=True, kw_only=True)
class Measurement:
    """What has no labels and makes no choice: `measure` takes a combination of `design` and returns figures.

    The figures hold the key `source`. `name`, `question` and `fresh` are those of an `Experiment`.
    """

    name: str
    question: str
    design: dict
    measure: Callable
    fresh: bool = True

    def configurations(self):
        """Return all runs, as a list of dict."""
        return [dict(zip(self.design, values, strict=True)) for values in itertools.product(*self.design.values())]

    def run(self, **configuration):
        """Return the figures of one run, with their source."""
        return self.measure(**configuration)

    def record(self):
        """Run what is missing or stale and return the whole table."""
        return _recorded(self, self.measure)


def _recorded(experiment, function, *settings):
    """Return the table of an experiment whose figures are decided by the code behind `function` and by settings."""
    from experiments import code_digest, recording  # here: a process that runs one configuration needs neither

    code = code_digest.digest(function, *settings)
    return recording.record(experiment.name, experiment.configurations(), experiment.run, code, fresh=experiment.fresh)


def at_edge(chosen, grid):
    """Return whether a number in the chosen setting is the least or the largest that was tried; None for no numbers.

    Then the best may lie outside: the grid must be widened. Settings may be tuples of which some parts are numbers.
    """
    settings = [setting if isinstance(setting, tuple) else (setting,) for setting in grid]
    chosen = chosen if isinstance(chosen, tuple) else (chosen,)
    tried = [{x for x in part if isinstance(x, int | float)} for part in itertools.zip_longest(*settings)]
    tried = [(part, x) for part, x in zip(tried, chosen, strict=True) if len(part) > 1]
    return any(x in (min(part), max(part)) for part, x in tried) if tried else None


def _rounded(value):
    """Return a number as a table has it: four decimals, blank for what is not a number."""
    if isinstance(value, int | str) or value is None:
        return value
    return None if math.isnan(value) else round(float(value), 4)
