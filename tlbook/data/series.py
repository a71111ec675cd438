"""Daily series of markets: how much a price moved each day, the windows to learn from, and a stand-in made up here."""

import gzip
import io
import tarfile
from dataclasses import dataclass

import numpy as np
import pandas as pd

from tlbook.files import assets, sources
from tlbook.files.archives import DamagedFile, reading

NAMES = {"sp500": "S&P 500", "nasdaq": "NASDAQ", "wti": "crude oil"}
DAYS, AHEAD = 22, 5  # a month of trading days to look back on, a week to look ahead
_LARGEST = 2_000_000  # bytes of a table: the real ones have 0.4 MB
_SMALLEST = 1e-3  # a day that moved less counts as one that moved 0.1 %: the logarithm of none is no number
_STAND_IN_YEARS = 1999, 2019


@dataclass(frozen=True, eq=False)
class Market:
    """A price, day by day: `dates` datetime64[D] (n,), rising, `moves` float64 (n,), natural logarithms, and `source`.

    A move is the size of the change of the logarithm of the price; one below 0.1 % counts as 0.1 %. Raises
    `ValueError` for lengths that disagree, dates that do not rise, and moves that are not finite. Taught in
    chapter 7.3.
    """

    name: str
    dates: np.ndarray
    moves: np.ndarray
    source: sources.Source

    def __post_init__(self):
        """Check dates and moves."""
        dates, moves = np.asarray(self.dates, "datetime64[D]"), np.asarray(self.moves, "float64")
        if dates.ndim != 1 or dates.shape != moves.shape:
            raise ValueError(f"moves: got shape {moves.shape}, expected that of dates, {dates.shape}, one dimension")
        if (np.diff(dates) <= np.timedelta64(0, "D")).any():
            raise ValueError("dates: got days out of order or twice, expected rising ones")
        if not np.isfinite(moves).all():
            raise ValueError(f"moves: got {(~np.isfinite(moves)).sum()} that are not finite, expected logarithms")
        object.__setattr__(self, "dates", dates)
        object.__setattr__(self, "moves", moves)

    def __len__(self):
        """Return the number of days."""
        return len(self.dates)


@dataclass(frozen=True, eq=False)
class Windows:
    """What is known on a day, and what came: `days` datetime64[D] (n,), `known` (n, 22) and `came` (n,), float64.

    `known` are the logarithms of the moves of the last 22 days, that day the last. `came` is the mean of those of the
    next five, which end on `ends` datetime64[D] (n,): before that day nobody can learn from this window. Taught in
    chapter 7.3.
    """

    days: np.ndarray
    ends: np.ndarray
    known: np.ndarray
    came: np.ndarray

    def __len__(self):
        """Return the number of windows."""
        return len(self.days)

    def __getitem__(self, rows):
        """Return some of the windows: `rows` is a slice, a mask or positions."""
        return Windows(self.days[rows], self.ends[rows], self.known[rows], self.came[rows])

    def before(self, date, last=None):
        """Return the windows whose outcome was known before `date`, the `last` of them or all.

        Raises `ValueError` where there are fewer than `last`.
        """
        found = self[self.ends < np.datetime64(date)]
        if last is not None and not 0 < last <= len(found):
            raise ValueError(f"last: got {last}, expected 1..{len(found)}, the windows known before {date}")
        return found if last is None else found[len(found) - last :]

    def between(self, start, end):
        """Return the windows of the days from `start` on and before `end`."""
        return self[(self.days >= np.datetime64(start)) & (self.days < np.datetime64(end))]


def load():
    """Load the daily moves of three markets: a dict from the keys of `NAMES` to `Market`.

    Where the prices cannot be had, made-up series take their place, announced by a printed line and by `source`.
    Raises `ValueError` where the archive is damaged or holds something else. The prices are those that Sheppard's
    package arch carries: Yahoo! Finance's for the indexes, FRED's for oil. Taught in chapter 7.3.
    """
    try:
        path, source = sources.find(assets.ARCH)
    except sources.NotFound:
        print("The prices were not found (python -m tlbook doctor says why): made-up series stand in for them.")
        return stand_in()
    return {name: Market(NAMES[name], *moves(prices), source) for name, prices in read_archive(path).items()}


def read_archive(path):
    """Read closing prices from the source archive arch 8.0.0: a dict of name to `pandas.Series` by date, all above 0.

    Nothing in it is unpacked, imported or run. Raises `ValueError` where a table is missing, too large or holds no
    prices.
    """
    found = {}
    with reading(path, "the archive arch 8.0.0"), tarfile.open(path, "r:gz") as archive:
        members = {member.name.partition("/")[2]: member for member in archive if member.isfile()}
        for name in NAMES:
            member = members.get(f"arch/data/{name}/{name}.csv.gz")
            if member is None:
                raise DamagedFile(f"{path}: {name}.csv.gz is missing")
            with gzip.open(archive.extractfile(member)) as file:
                content = file.read(_LARGEST + 1)
            if len(content) > _LARGEST:
                raise DamagedFile(f"{path}: {name}.csv.gz holds more than {_LARGEST:,} bytes")
            table = pd.read_csv(io.BytesIO(content), index_col="Date", parse_dates=True, date_format="%m/%d/%Y")
            column = table["Close"] if "Close" in table else table.iloc[:, 0]
            prices = pd.to_numeric(column, errors="coerce").dropna()  # FRED writes a dot for a holiday
            if prices.empty or prices.min() <= 0:
                raise DamagedFile(f"{path}: {name}.csv.gz holds no prices above 0")
            found[name] = prices
    return found


def moves(prices):
    """Return `(dates, moves)` of prices, a `pandas.Series` by date: how far each moved from the one before, as a log.

    >>> dates, found = moves(pd.Series([100.0, 110.0, 110.0], pd.date_range("2001-01-01", periods=3)))
    >>> np.exp(found).round(4).tolist()
    [0.0953, 0.001]
    """
    changes = np.abs(np.diff(np.log(prices.to_numpy())))
    return prices.index.to_numpy().astype("datetime64[D]")[1:], np.log(np.maximum(changes, _SMALLEST))


def windows(market):
    """Return all `Windows` of a market, one a day, from the 22nd on to the sixth from the end.

    Raises `ValueError` where it has fewer than 27 days. Taught in chapter 7.3.
    """
    n = len(market) - DAYS - AHEAD + 1
    if n < 1:
        raise ValueError(f"market: got {len(market)} days, expected {DAYS + AHEAD} or more")
    view = np.lib.stride_tricks.sliding_window_view
    known = view(market.moves, DAYS)[:n].copy()
    came = view(market.moves[DAYS:], AHEAD)[:n].mean(axis=1)
    return Windows(market.dates[DAYS - 1 :][:n], market.dates[DAYS + AHEAD - 1 :][:n], known, came)


def stand_in(seed=0):
    """Make up three markets: calm and stormy times that come and go, shared by two of them and half by the third.

    Returns what `load` does; the same `seed` gives the same series. The logarithm of a day's scale is the sum of a
    slow and a fast autoregression, and the change is normal with that scale. Taught in chapter 7.3.
    """
    rng = np.random.default_rng(seed)
    first, last = _STAND_IN_YEARS
    dates = np.arange(f"{first}-01-01", f"{last}-01-01", dtype="datetime64[D]")
    dates = dates[np.is_busday(dates)]
    source = sources.Source("made-up markets", "bundled", "A stand-in: its numbers say nothing about any market.")
    print(source)
    shared, markets = _storms(rng, len(dates)), {}
    for name, share in {"sp500": 1.0, "nasdaq": 0.9, "wti": 0.5}.items():
        scale = np.log(0.009) + share * shared + np.sqrt(1 - share**2) * _storms(rng, len(dates))
        changes = np.exp(scale) * np.abs(rng.standard_normal(len(dates)))
        markets[name] = Market(f"{NAMES[name]}, made up", dates, np.log(np.maximum(changes, _SMALLEST)), source)
    return markets


def _storms(rng, n):
    total = np.zeros(n)
    for memory, spread in ((0.99, 0.4), (0.9, 0.25)):
        noise = rng.standard_normal(n) * spread * np.sqrt(1 - memory**2)
        state = rng.standard_normal() * spread
        for day in range(n):
            state = memory * state + noise[day]
            total[day] += state
    return total
