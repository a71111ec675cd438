"""Daily series: what is read from the archive, that windows know nothing of the future, and the stand-in."""

import gzip
import io
import tarfile

import numpy as np
import pytest

from tlbook.data import series
from tlbook.files import archives, sources

HERE = sources.Source("made up", "bundled", "For a test.")


def market(days=60, moves=None):
    dates = np.datetime64("2001-01-01") + np.arange(days)
    return series.Market("test", dates, np.arange(days, dtype=float) if moves is None else moves, HERE)


def archive(folder, tables):
    path = folder / "arch-8.0.0.tar.gz"
    with tarfile.open(path, "w:gz") as file:
        for name, text in tables.items():
            content = gzip.compress(text.encode())
            member = tarfile.TarInfo(f"arch-8.0.0/arch/data/{name}/{name}.csv.gz")
            member.size = len(content)
            file.addfile(member, io.BytesIO(content))
    return path


INDEX = "Date,Open,Close\n1/4/1999,9,10\n1/5/1999,9,11\n1/6/1999,9,11\n"
OIL = "Date,DCOILWTICO\n1/2/1986,25\n1/3/1986,.\n1/6/1986,50\n"
TABLES = {"sp500": INDEX, "nasdaq": INDEX, "wti": OIL}


def test_archive_is_read_and_holidays_are_left_out(tmp_path):
    found = series.read_archive(archive(tmp_path, TABLES))
    assert list(found) == list(series.NAMES) and found["sp500"].tolist() == [10, 11, 11]
    dates, moves = series.moves(found["wti"])
    assert dates.tolist() == [np.datetime64("1986-01-06").astype(object)]
    assert np.allclose(moves, np.log(np.log(2)))


def test_a_day_that_hardly_moved_counts_as_a_tenth_of_a_percent(tmp_path):
    _, moves = series.moves(series.read_archive(archive(tmp_path, TABLES))["sp500"])
    assert np.allclose(np.exp(moves), [np.log(1.1), 0.001])


@pytest.mark.parametrize(
    "tables, says",
    [
        ({"sp500": INDEX, "wti": OIL}, "nasdaq.csv.gz is missing"),
        (TABLES | {"wti": "Date,DCOILWTICO\n1/2/1986,.\n"}, "wti.csv.gz holds no prices"),
        (TABLES | {"sp500": INDEX + "1/7/1999,9,-1\n"}, "sp500.csv.gz holds no prices above 0"),
        (TABLES | {"sp500": INDEX + " " * 2_000_000}, "sp500.csv.gz holds more than"),
        (TABLES | {"sp500": "no,dates\n1,2\n"}, "cannot be read as the archive arch 8.0.0"),
    ],
)
def test_a_wrong_archive_is_refused(tmp_path, tables, says):
    with pytest.raises(archives.DamagedFile, match=says):
        series.read_archive(archive(tmp_path, tables))


def test_a_window_knows_a_month_and_is_asked_for_the_week_after():
    found = series.windows(market())
    assert len(found) == 60 - 27 + 1 and found.known.shape == (34, 22)
    assert np.array_equal(found.known[3], np.arange(3, 25)) and found.came[3] == np.arange(25, 30).mean()
    assert found.days[3] == np.datetime64("2001-01-25") and found.ends[3] == np.datetime64("2001-01-30")


def test_before_a_date_only_what_was_over_is_there():
    found = series.windows(market())
    past = found.before("2001-02-10", 5)
    assert len(past) == 5 and past.ends.max() == np.datetime64("2001-02-09")
    assert (past.days < past.ends).all()
    assert len(found.before("2001-02-10")) + (found.ends >= np.datetime64("2001-02-10")).sum() == len(found)
    year = found.between("2001-02-10", "2001-02-12")
    assert [str(day) for day in year.days] == ["2001-02-10", "2001-02-11"]
    for last in (0, 99):
        with pytest.raises(ValueError, match=f"last: got {last}"):
            found.before("2001-02-10", last)


def test_a_wrong_market_is_refused():
    with pytest.raises(ValueError, match="moves: got shape"):
        market(5, np.zeros(4))
    with pytest.raises(ValueError, match="moves: got 1 that are not finite"):
        market(3, np.array([0, np.nan, 1]))
    with pytest.raises(ValueError, match="dates: got days out of order"):
        series.Market("test", np.array(["2001-01-02", "2001-01-01"], "datetime64[D]"), np.zeros(2), HERE)
    with pytest.raises(ValueError, match="market: got 26 days"):
        series.windows(market(26))


def test_stand_in_is_announced_the_same_each_time_and_has_shared_storms(capsys, monkeypatch):
    monkeypatch.setenv("TLBOOK_DATA", "emoji10")
    first, again = series.load(), series.stand_in()
    assert "made-up markets" in capsys.readouterr().out
    assert all(np.array_equal(first[name].moves, again[name].moves) for name in series.NAMES)
    months = {name: series.windows(found).known.mean(axis=1) for name, found in first.items()}
    near, far = (np.corrcoef(months["sp500"], months[name])[0, 1] for name in ("nasdaq", "wti"))
    assert near > 0.6 > far > 0
