"""A search that workers share: it resumes, a killed worker loses nothing, and who runs a trial does not matter."""

import importlib.util
import os
import pathlib
import shutil
import sqlite3
import subprocess
import sys
import time

import numpy as np
import psutil
import pytest
import toy_search
from conftest import lives
from optuna.trial import TrialState

from experiments import measuring, more_workers, postgresql, search_task, shared_search, work_queue
from tlbook.files import sources

HERE = pathlib.Path(__file__).parent
ROOT = HERE.parents[1]
TRIALS = 6
VALUES = {place: toy_search.value_of(toy_search.settings_at(place, 0), place) for place in range(TRIALS)}
posix = pytest.mark.skipif(os.name == "nt", reason="Windows knows no signals")
needs_server = pytest.mark.skipif(
    os.name == "nt" or postgresql.programs() is None or not importlib.util.find_spec("psycopg"),
    reason="needs PostgreSQL and psycopg",
)


@pytest.fixture
def address(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(toy_search, "SECONDS", 0)
    return f"sqlite:///{tmp_path / 'search.db'}"


@pytest.fixture(scope="module")
def server():
    with postgresql.server() as address:
        yield address


def search(address, **options):
    return shared_search.work(address, toy_search, TRIALS, heartbeat=3, **options)


def values(study):
    return {place: trial.value for place, trial in shared_search.finished(study).items()}


def ran():
    return [int(line) for line in pathlib.Path("ran").read_text().split()]


def worker(address, hangs=None, trials=TRIALS):
    environment = os.environ | {"PYTHONPATH": f"{ROOT}{os.pathsep}{HERE}"} | ({"HANGS": str(hangs)} if hangs else {})
    command = [sys.executable, HERE / "toy_search.py", address, "--trials", str(trials)]
    return subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE)


def wait_until_it_hangs(process):
    until = time.monotonic() + 60
    while not (pathlib.Path("pid").exists() and pathlib.Path("pid").read_text()):
        assert process.poll() is None and time.monotonic() < until, process.communicate()[1].decode()
        time.sleep(0.05)


def end(*processes):
    for process in processes:
        process.kill()
        process.communicate()


def test_a_search_that_is_finished_runs_nothing_again(address):
    assert values(search(address)) == VALUES and ran() == list(range(TRIALS))
    assert values(search(address)) == VALUES and ran() == list(range(TRIALS))


def test_an_interrupted_search_goes_on_where_it_stopped(address, monkeypatch):
    judge = toy_search.judge

    def interrupted(settings, seed):
        if seed == 3:
            raise KeyboardInterrupt
        return judge(settings, seed)

    monkeypatch.setattr(toy_search, "judge", interrupted)
    with pytest.raises(KeyboardInterrupt):
        search(address)
    monkeypatch.setattr(toy_search, "judge", judge)
    study = search(address)
    assert values(study) == VALUES and sorted(ran()) == list(range(TRIALS))
    assert len(study.get_trials(states=[TrialState.FAIL])) == 1


def test_an_error_of_a_trial_ends_the_worker_and_is_not_hidden(address, monkeypatch):
    def broken(settings, seed):
        raise ValueError("no such layer")

    monkeypatch.setattr(toy_search, "judge", broken)
    with pytest.raises(ValueError, match="no such layer"):
        search(address)


def killed_and_repeated(address):
    """Kill one of two workers in place 2; return the study, once the other has finished it."""
    dying = worker(address, hangs=2)
    other = None
    try:
        wait_until_it_hangs(dying)
        other = worker(address)
        dying.kill()
        _, errors = other.communicate(timeout=60)
        assert other.returncode == 0, errors.decode()
    finally:
        end(*filter(None, (dying, other)))
    return more_workers._study(address)


def is_whole(study):
    told = more_workers.told(study)
    assert values(study) == VALUES, "nothing is lost, and the values are those of one worker"
    assert sorted(ran()) == sorted([*range(TRIALS), 2]), "only the trial that was killed ran twice"
    assert {key: told[key] for key in ("places", "finished", "lost", "repeated", "twice")} == {
        "places": TRIALS,
        "finished": TRIALS,
        "lost": 1,
        "repeated": 1,
        "twice": 0,
    }
    (lost,) = study.get_trials(states=[TrialState.FAIL])
    (again,) = [trial for trial in study.get_trials() if trial.system_attrs.get("retry_history")]
    assert again.system_attrs["retry_history"] == [lost.number] and again.params == lost.params


@posix
@pytest.mark.slow
def test_the_trial_of_a_killed_worker_is_repeated_and_nothing_is_lost(address):
    is_whole(killed_and_repeated(address))


@needs_server
@pytest.mark.slow
def test_a_killed_worker_loses_nothing_on_postgresql_either(address, server):
    is_whole(killed_and_repeated(server))


@needs_server
@pytest.mark.slow
def test_what_workers_are_worth_is_measured(address, monkeypatch, tmp_path):
    """All arms of the experiment, with a toy in place of the task: real workers, a real server, a real kill."""
    monkeypatch.setenv("PYTHONPATH", f"{ROOT}{os.pathsep}{HERE}")
    monkeypatch.setattr(more_workers, "TRIALS", TRIALS)
    monkeypatch.setattr(more_workers, "WORKER", [sys.executable, str(HERE / "toy_search.py")])
    monkeypatch.setattr(more_workers, "prepared", lambda: sources.Source("toy data", "bundled", ""))
    monkeypatch.setenv("TOY_SECONDS", "0.5")
    monkeypatch.setenv("TOY_FOLDER", str(tmp_path))  # the experiment starts its workers in the folder of the book
    rows = {}
    for arm in ("one", "two_one_killed"):
        rows[arm] = measuring.measured(more_workers.EXPERIMENT.run, {"repeat": 0, "arm": arm}, "code")
        assert set(measuring.PROVENANCE) <= set(rows[arm]) and rows[arm]["cpu_seconds"] > 0
        assert rows[arm]["wall_seconds"] > rows[arm]["search_seconds"] >= rows[arm]["trial_seconds"] > 0
        assert rows[arm]["finished"] == rows[arm]["places"] == TRIALS and rows[arm]["twice"] == 0
    assert [row["lost"] for row in rows.values()] == [row["repeated"] for row in rows.values()] == [0, 1]
    assert len(ran()) == 2 * TRIALS + 1
    assert rows["one"]["best_value"] == rows["two_one_killed"]["best_value"]


@posix
@pytest.mark.slow
def test_two_workers_that_start_together_share_the_trials(address):
    first, second = worker(address, trials=12), worker(address, trials=12)
    try:
        for process in (first, second):
            _, errors = process.communicate(timeout=60)
            assert process.returncode == 0, errors.decode()
    finally:
        end(first, second)
    assert sorted(ran()) == list(range(12)), "each place once"
    done = shared_search.finished(more_workers._study(address))
    assert values(more_workers._study(address)) == {
        place: toy_search.value_of(toy_search.settings_at(place, 0), place) for place in range(12)
    }
    assert {trial.user_attrs["worker"] for trial in done.values()} <= {first.pid, second.pid}


@pytest.mark.timeout(60)
def test_a_worker_with_nothing_else_to_do_waits_for_the_trial_of_a_dead_one(address):
    storage = work_queue.open_storage(address, 1)
    study = shared_search.optuna.create_study(study_name=shared_search.STUDY, storage=storage, direction="maximize")
    study.enqueue_trial(toy_search.settings_at(0, 0), user_attrs={"place": 0})
    with pytest.warns(UserWarning, match="Heartbeat"):
        study.ask()  # claims it, and then there is nobody who runs it
    found = shared_search.work(address, toy_search, trials=1, heartbeat=3)
    assert values(found) == {0: VALUES[0]} and ran() == [0] and more_workers.told(found)["lost"] == 1


def test_what_two_workers_queued_at_once_is_run_once(address):
    storage = work_queue.open_storage(address, 1)
    study = shared_search.optuna.create_study(study_name=shared_search.STUDY, storage=storage, direction="maximize")
    for place in (0, 0, 1):
        study.enqueue_trial(toy_search.settings_at(place, 0), user_attrs={"place": place})
    assert values(search(address)) == VALUES and sorted(ran()) == list(range(TRIALS))


def test_a_worker_that_was_taken_for_dead_goes_on(address, monkeypatch):
    """As after a sleep of the computer: its trial was given to another worker while it ran."""
    judge, slept = toy_search.judge, []

    def overslept(settings, seed):
        if not slept:
            study = more_workers._study(address)
            (trial,) = study.get_trials(states=[TrialState.RUNNING])
            study.tell(trial.number, state=TrialState.FAIL)
            slept.append(seed)
        return judge(settings, seed)

    monkeypatch.setattr(toy_search, "judge", overslept)
    assert values(search(address)) == VALUES and sorted(ran()) == sorted([*range(TRIALS), *slept])


def test_the_place_decides_the_settings_whoever_asks():
    known = [search_task.settings_at(place, 0) for place in range(30)]
    assert known == [search_task.settings_at(place, 0) for place in range(30)]
    assert known[3] == search_task.settings_at(3, 0) != search_task.settings_at(3, 1)
    assert {settings["depth"] for settings in known} == set(search_task.DEPTHS)
    for name, (least, most) in (("rate", search_task.RATES), ("decay", search_task.DECAYS)):
        found = [settings[name] for settings in known]
        assert least <= min(found) < (least * most) ** 0.5 < max(found) <= most


@pytest.mark.slow
def test_the_seed_decides_the_value_whatever_the_worker_did_before(monkeypatch, user_cache):
    """Two workers at one place: one that has just begun, and one that has run other trials."""
    from tlbook import backbones

    monkeypatch.setenv("TLBOOK_CACHE", str(user_cache))
    monkeypatch.setattr(search_task, "LABELS", 40)
    monkeypatch.setattr(search_task, "EPOCHS", 1)
    search_task.pictures.cache_clear()
    search_task.keras.utils.set_random_seed(0)
    weights = backbones.small_cnn().get_weights()

    def pretrained():
        body = backbones.small_cnn()
        body.set_weights(weights)
        return body

    monkeypatch.setattr(search_task, "pretrained", pretrained)
    settings = {"rate": 3e-3, "decay": 1e-3, "depth": "last stage"}
    fresh = search_task.judge(settings, 7)
    search_task.judge(settings | {"depth": "everything"}, 8)
    assert search_task.judge(settings, 7) == fresh and 0 < fresh < 1
    search_task.pictures.cache_clear()


def test_a_deeper_search_trains_more():
    body = search_task.backbones.small_cnn()
    counts = []
    for depth in search_task.DEPTHS:
        for layer in body.layers:
            layer.trainable = layer.name.startswith(search_task.LEARNS[depth])
        counts.append(sum(int(np.prod(weight.shape)) for weight in body.trainable_weights))
    assert (
        counts[0]
        == 0
        < counts[1]
        < counts[2]
        == sum(int(np.prod(w.shape)) for w in body.weights if "moving" not in w.name)
    )


def test_tpe_proposes_settings_of_its_own(address):
    study = search(address, sampler="tpe")
    assert sorted(values(study)) == list(range(TRIALS)) and values(study) != VALUES


def test_a_search_keeps_the_plan_that_it_began_with(address):
    search(address)
    with pytest.raises(ValueError, match=r"plan: got .*'seed': 1.*expected .*'seed': 0"):
        search(address, seed=1)


@pytest.mark.parametrize("options", [{"trials": 0}, {"sampler": "grid"}])
def test_a_plan_that_cannot_be_is_refused(address, options):
    with pytest.raises(ValueError, match=r"trials, sampler: got .*expected 1 or more and one of \('random', 'tpe'\)"):
        shared_search.work(address, toy_search, **options)


@pytest.mark.parametrize(
    ("bad", "error", "says"),
    [
        ("search.db", ValueError, "got 'search.db', expected sqlite:///FILE, or postgresql"),
        ("postgresql//me:secret@host/search", ValueError, r"got 'postgresql//me:\*\*\*@host/search', expected sqlite"),
        ("mongodb://here/search", ValueError, "a database of the kind 'mongodb', expected sqlite:///FILE"),
        ("oracle://here/search", ModuleNotFoundError, "whose driver .* is not installed, expected sqlite"),
        ("sqlite:////nowhere/at/all/search.db", ConnectionError, r"unable to open database file.*expected sqlite"),
    ],
)
def test_a_wrong_address_is_named_with_what_was_expected(monkeypatch, bad, error, says):
    monkeypatch.setattr(work_queue.time, "sleep", lambda _: None)
    with pytest.raises(error, match=says):
        shared_search.work(bad, toy_search)


def test_a_file_that_is_no_database_is_named(address, tmp_path):
    (tmp_path / "search.db").write_text("Not a database, but some notes that somebody keeps here. " * 50)
    with pytest.raises(ConnectionError, match=r"search\.db, where no search can be kept \(file is not a database"):
        search(address)


def test_a_server_that_does_not_answer_is_named_without_the_password(monkeypatch):
    pytest.importorskip("psycopg")
    monkeypatch.setattr(work_queue.time, "sleep", lambda _: None)
    with pytest.raises(ConnectionError, match=r"got postgresql\+psycopg://me:\*\*\*@127\.0\.0\.1:9/search") as caught:
        shared_search.work("postgresql+psycopg://me:secret@127.0.0.1:9/search", toy_search)
    assert "secret" not in str(caught.value)


def test_the_command_says_what_is_wrong_in_one_line_and_loads_no_keras(tmp_path):
    ran = subprocess.run(
        [sys.executable, HERE / "toy_search.py", "search.db"],
        env=os.environ | {"PYTHONPATH": f"{ROOT}{os.pathsep}{HERE}"},
        capture_output=True,
        text=True,
    )
    assert ran.returncode == 2 and ran.stderr.splitlines()[-1].endswith(f"expected {shared_search.EXPECTED}")
    assert "Traceback" not in ran.stderr


def test_the_command_takes_its_address_from_the_environment_and_says_where_there_is_none(address, monkeypatch, capsys):
    monkeypatch.delenv("TLBOOK_STORAGE", raising=False)
    with pytest.raises(SystemExit):
        shared_search.main([])
    assert "address: got none, expected sqlite:///FILE" in capsys.readouterr().err
    seen = []
    monkeypatch.setenv("TLBOOK_STORAGE", address)
    monkeypatch.setattr(shared_search, "_use", seen.append)
    work = shared_search.work
    monkeypatch.setattr(shared_search, "work", lambda address, _, *plan: work(address, toy_search, *plan, heartbeat=3))
    assert shared_search.main(["--trials", "2", "--cores", "3"]) == 0 and seen == [3]
    assert f"best: {max(VALUES[0], VALUES[1]):.3f}" in capsys.readouterr().out


def test_nothing_in_the_storage_is_a_pickle(address, tmp_path):
    """Whoever may write into the database could run code in a worker that unpickles what it finds there."""
    search(address)
    with sqlite3.connect(tmp_path / "search.db") as database:
        tables = [row[0] for row in database.execute("select name from sqlite_master where type = 'table'")]
        columns = {kind for table in tables for *_, kind, _, _, _ in database.execute(f"pragma table_info({table})")}
    database.close()
    assert "trial_user_attributes" in tables
    assert not [kind for kind in columns if "BLOB" in kind.upper() or "BINARY" in kind.upper()]


@needs_server
def test_a_server_of_our_own_listens_on_no_port_and_leaves_nothing_behind(server):
    folder = pathlib.Path(server.split("host=")[1])
    assert [path.name for path in folder.glob(".s.PGSQL.*[0-9]")] and folder.stat().st_mode & 0o077 == 0
    pid = int((folder / "data" / "postmaster.pid").read_text().splitlines()[0])
    assert not [c for c in psutil.Process(pid).net_connections("inet") if c.status == psutil.CONN_LISTEN]
    assert psutil.Process(pid).username() != "root"


@needs_server
def test_a_server_ends_with_its_block():
    with postgresql.server() as address:
        folder = pathlib.Path(address.split("host=")[1])
        process = psutil.Process(int((folder / "data" / "postmaster.pid").read_text().splitlines()[0]))
    assert not folder.exists() and not lives(process)


@needs_server
@pytest.mark.slow
def test_a_server_ends_with_a_process_that_is_killed():
    """As a recording that is killed: nothing may go on."""
    code = (
        "from experiments import postgresql\nwith postgresql.server() as address: print(address, flush=True), input()"
    )
    holder = subprocess.Popen(
        [sys.executable, "-c", code], cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    folder = pathlib.Path(holder.stdout.readline().strip().split("host=")[1])
    try:
        process = psutil.Process(int((folder / "data" / "postmaster.pid").read_text().splitlines()[0]))
        holder.kill()
        until = time.monotonic() + 30
        while lives(process) and time.monotonic() < until:
            time.sleep(0.1)
        assert not lives(process)
    finally:
        holder.kill()
        holder.wait()
        shutil.rmtree(folder, ignore_errors=True)


def test_without_postgresql_the_error_says_what_is_missing(monkeypatch):
    monkeypatch.setattr(postgresql, "programs", lambda: None)
    with (
        pytest.raises(FileNotFoundError, match="got no initdb in PATH.*expected a server's programs"),
        postgresql.server(),
    ):
        pass
