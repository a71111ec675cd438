"""How restless will next week be? A market with few labelled days, another with years of them: what is transfer worth?

The source is the S&P 500. The targets are the NASDAQ, its neighbour, and crude oil, another trade. The unit is the
year: ten cut-offs, 1 January of 2009 to 2018 (`seed` is the place in this list). Nothing that came after the cut-off
is seen, in the source neither: a window counts where its week was over. The test is the year that follows.

All arms forecast the same, the mean logarithm of the daily moves of the next five days, from the last 22 moves. What an
arm must choose it chooses inside the label budget: on the last fifth of the labelled days, having learned from those
before it (less the windows that reach into it). Then it learns from all of them with what was chosen.

Every learner starts from the same guess, last month's mean, and learns a correction. The classical one is the
regression of Corsi (2009) on day, week and month with a penalty on the correction; fine-tuned, it is a penalty on the
distance from the source's. So the classical methods meet the same source, the same choice and the same start as the
network. Skill is the share of the squared error of the plainest forecast, last week again, that is gone.

A pilot of the unpenalised classical fits looked at the tests of these years before the arms were fixed; no network was
in it, and no penalty was chosen by it.

Run it with `python -m experiments.series_transfer`. Chapter 7.3 plots it.
"""

import functools

import keras
import numpy as np

from experiments.code_digest import digest
from experiments.pretraining import weights_once
from experiments.protocol import Arm, Experiment, Fitted, HeldOut, Task
from tlbook.backbones import cost
from tlbook.data import series
from tlbook.files import cache

SOURCE = "sp500"
YEARS = tuple(range(2009, 2019))
LABELLED = (50, 200, 1_000)
ONCE = {"n_train": (50,)}  # what learns no label of the target is the same for all sizes, or nearly
PENALTIES = (0.1, 1.0, 10.0, 100.0, 1e3, 1e4)
MEMORIES = (0.5, 0.8, 0.9, 0.94, 0.97, 1.0)
RATES, STEPS, BATCH = (1e-3, 3e-3, 1e-2), (30, 100, 300), 32
NETWORK_GRID = ((0.0, 0), *((rate, steps) for rate in RATES for steps in STEPS))  # the first: leave it as it is
PRETRAINING = {"rate": 1e-3, "steps": 1_000}
UNITS = 32
FRESH = 1_000  # no fresh network is the one from which the pretraining started


@functools.cache
def markets():
    """Return the windows of all markets, and where they came from."""
    loaded = series.load()
    return {name: series.windows(market) for name, market in loaded.items()}, loaded[SOURCE].source


def load(target, n_train, seed):
    """Return the last `n_train` labelled windows before a cut-off and the source's until then; and the year after."""
    found, source = markets()
    cut_off, end = f"{YEARS[seed]}-01-01", f"{YEARS[seed] + 1}-01-01"
    labelled = found[target].before(cut_off, n_train)
    later = labelled[-(n_train // 5) :]
    task = Task(
        train=labelled,
        validation=later,
        n_choose=len(later),
        source=source,
        earlier=labelled.before(later.days[0]),
        source_windows=found[SOURCE].before(cut_off),
    )
    year = found[target].between(cut_off, end)
    return task, HeldOut(year.known, np.stack([year.came, week(year.known)], axis=1))


# Forecasts without learning: each takes known moves (n, 22) and returns (n,).


def week(known):
    """Say last week again."""
    return known[:, -series.AHEAD :].mean(axis=1)


def month(known):
    """Say last month again."""
    return known.mean(axis=1)


def fading(known, memory):
    """Weigh the days of the month, each `memory` times the one after it; 1 is the month's mean."""
    weights = memory ** np.arange(series.DAYS - 1, -1, -1)
    return known @ weights / weights.sum()


# Forecasts that learn a correction of the month's mean.


def day_week_month(known, level):
    """Return the inputs of the classical regression, (n, 4): day and week less the month, the month, and one."""
    middle = month(known)
    return np.stack([known[:, -1] - middle, week(known) - middle, middle - level, np.ones(len(known))], axis=1)


def regression(windows, level, penalty, start=None):
    """Return the coefficients (4,) that correct the month's mean, near those of `start` (or none) as `penalty` says."""
    start = np.zeros(4) if start is None else start
    inputs = day_week_month(windows.known, level)
    missing = windows.came - month(windows.known) - inputs @ start
    return start + np.linalg.solve(inputs.T @ inputs + penalty * np.eye(4), inputs.T @ missing)


def corrected(known, level, coefficients):
    """Return the forecast of the classical regression."""
    return month(known) + day_week_month(known, level) @ coefficients


def level_of(windows):
    """Return what is usual in a market: the mean of its months."""
    return month(windows.known).mean()


@functools.cache
def network():
    """Return the one network of this process, compiled: it corrects the month's mean, and begins with no correction.

    All runs use it, each with weights of its own: to compile it takes longer than to train it.
    """
    inputs = keras.Input((series.DAYS + 1,))
    x = keras.layers.Dense(UNITS, activation="relu")(inputs)
    x = keras.layers.Dense(UNITS, activation="relu")(x)
    model = keras.Model(inputs, keras.layers.Dense(1, kernel_initializer="zeros", name="correction")(x))
    # Ten steps a call: calls take longer than so small a step.
    model.compile(keras.optimizers.Adam(), loss="mse", steps_per_execution=10)
    return model


def fresh_network(seed):
    """Return the network with fresh weights."""
    keras.utils.set_random_seed(seed)
    model = network()
    model.set_weights(keras.models.clone_model(model).get_weights())
    return model


def network_inputs(known, level):
    """Return the days less the month, and the month less what is usual: float32 (n, 23)."""
    middle = month(known)[:, None]
    return np.concatenate([known - middle, middle - level], axis=1).astype("float32")


def train(model, windows, level, rate, steps, seed):
    """Take `steps` steps of Adam from a fresh optimizer."""
    if not steps:
        return
    rng = np.random.default_rng(seed)
    order = np.concatenate([rng.permutation(len(windows)) for _ in range(1 + steps * BATCH // len(windows))])
    order = order[: steps * BATCH]
    for variable in model.optimizer.variables:
        variable.assign(keras.ops.zeros_like(variable))
    model.optimizer.learning_rate = rate
    inputs = network_inputs(windows.known, level)[order]
    targets = (windows.came - month(windows.known)).astype("float32")[order]
    model.fit(inputs, targets, batch_size=BATCH, shuffle=False, verbose=0)


def network_forecast(model, known, level):
    """Return the forecast of the network."""
    return month(known) + np.asarray(keras.ops.convert_to_numpy(model(network_inputs(known, level))))[:, 0]


# Arms.


def as_it_is(task, arm, seed, forecast):
    """Use a forecast that learns nothing."""
    return Fitted(predict=forecast, validation=rmse(task.validation.came, forecast(task.validation.known)))


def best_of(task, arm, fit, **more):
    """Fit each setting on the earlier labelled windows; fit the best once more, on all of them."""
    errors = {s: rmse(task.validation.came, fit(task.earlier, s)(task.validation.known)) for s in arm.grid}
    chosen = min(errors, key=errors.get)
    return Fitted(predict=fit(task.train, chosen), validation=errors[chosen], chosen=chosen, **more)


def memory(task, arm, seed):
    """Choose how fast the days fade."""
    return best_of(task, arm, lambda windows, setting: lambda known: fading(known, setting))


def classical(task, arm, seed, source=False):
    """Fit the classical regression, near no correction or near the source's."""
    start, used = None, 0
    if source:
        start, used = from_source(task), len(task.source_windows)

    def fit(windows, penalty):
        level = level_of(windows)
        coefficients = regression(windows, level, penalty, start)
        return lambda known: corrected(known, level, coefficients)

    return best_of(task, arm, fit, n_source=used)


def classical_as_it_is(task, arm, seed):
    """Use the source's classical regression; of the target only the level is taken, which needs no labels."""
    level, coefficients = level_of(task.train), from_source(task)
    fitted = as_it_is(task, arm, seed, lambda known: corrected(known, level, coefficients))
    return Fitted(predict=fitted.predict, validation=fitted.validation, n_source=len(task.source_windows))


def from_source(task):
    """Return the coefficients of the source."""
    return regression(task.source_windows, level_of(task.source_windows), 1.0)


def pretrain(task, seed):
    """Train a network on the source, once for each cut-off: `(model, CPU seconds)`."""
    model, windows = fresh_network(seed), task.source_windows

    def learn():
        train(model, windows, level_of(windows), PRETRAINING["rate"], PRETRAINING["steps"], seed)

    key = cache.fingerprint(windows.known, windows.came, text=[digest(pretrain), seed])
    return model, weights_once(key, model, learn)


def network_as_it_is(task, arm, seed):
    """Use the pretrained network; of the target only the level is taken."""
    model, seconds = pretrain(task, seed)
    level = level_of(task.train)
    fitted = as_it_is(task, arm, seed, lambda known: network_forecast(model, known, level))
    return Fitted(
        predict=fitted.predict,
        validation=fitted.validation,
        n_source=len(task.source_windows),
        pretraining_seconds=seconds,
        figures=network_cost(model, 0),
    )


def trained_network(task, arm, seed, pretrained=False):
    """Choose rate and steps, then train on all labelled windows, from a fresh network or the pretrained one."""
    more = {}
    if pretrained:
        model, seconds = pretrain(task, seed)
        more = {"n_source": len(task.source_windows), "pretraining_seconds": seconds}
    else:
        model = fresh_network(FRESH + seed)
    begin = model.get_weights()

    def fit(windows, setting):
        rate, steps = setting
        model.set_weights(begin)
        train(model, windows, level_of(windows), rate, steps, seed)
        level, weights = level_of(windows), model.get_weights()

        def forecast(known):
            model.set_weights(weights)
            return network_forecast(model, known, level)

        return forecast

    fitted = best_of(task, arm, fit, **more)
    taken = sum(steps for _, steps in arm.grid) + fitted.chosen[1]
    return Fitted(**(vars(fitted) | {"figures": network_cost(model, taken)}))


def network_cost(model, steps):
    """Return the multiply-adds of `steps` training steps, three times those of a forward pass, in 1e12."""
    return {"tmac": round(3 * BATCH * steps * cost.multiply_adds(model) / 1e12, 6)}


def rmse(came, forecast):
    """Return the root of the mean squared error of a forecast of logarithms: 0.1 is about ten per cent of a move."""
    return float(np.sqrt(np.mean((came - forecast) ** 2)))


def skill(labels, forecast):
    """Return the share of the squared error of "last week again" that is gone: 0 is no better, 1 is perfect."""
    came, again = labels.T
    return 1 - np.mean((came - forecast) ** 2) / np.mean((came - again) ** 2)


def of_truth(labels, forecast):
    """Return the error; the first column of labels is what came, the second is last week."""
    return rmse(labels[:, 0], forecast)


EXPERIMENT = Experiment(
    name="series_transfer",
    question="What is a neighbour's history worth to a market with few labelled days, and does it take a network?",
    unit="year",
    arms={
        "week": Arm(fit=functools.partial(as_it_is, forecast=week), pretraining="none", design=ONCE),
        "month": Arm(fit=functools.partial(as_it_is, forecast=month), pretraining="none", design=ONCE),
        "fading": Arm(fit=memory, grid=MEMORIES, pretraining="none"),
        "classical": Arm(fit=classical, grid=PENALTIES, pretraining="none"),
        "scratch": Arm(fit=trained_network, grid=NETWORK_GRID, pretraining="none"),
        "classical_source": Arm(fit=classical_as_it_is, pretraining="none", design=ONCE),
        "classical_fine_tuned": Arm(fit=functools.partial(classical, source=True), grid=PENALTIES, pretraining="none"),
        "pretrained": Arm(fit=network_as_it_is, pretraining="measured", design=ONCE),
        "fine_tuned": Arm(
            fit=functools.partial(trained_network, pretrained=True), grid=NETWORK_GRID, pretraining="measured"
        ),
    },
    design={"target": ("nasdaq", "wti"), "n_train": LABELLED, "seed": tuple(range(len(YEARS)))},
    load=load,
    metrics={"rmse": of_truth, "skill": skill},
)

if __name__ == "__main__":
    print(EXPERIMENT.record().pivot_table("test_skill", ["target", "arm"], "n_train", sort=False))
