"""The doctor's report: what this computer has, and what it lacks."""

import dataclasses
import re
import subprocess
import sys

from conftest import status

from tlbook.commands import doctor
from tlbook.files import assets, cache, installed


def test_report_fits_on_a_screen_and_names_what_there_is(room, capsys):
    assert doctor.main() == 0
    report = capsys.readouterr().out
    assert len(report.splitlines()) <= 16
    assert "Every chapter can run." in report
    for part in ("Keras", "oneDNN", "CPUs", "memory", str(cache.cache_dir()), str(room), "off (TLBOOK_OFFLINE)"):
        assert part in report
    assert "mirror: cifar10.npz, 0 MB. Pretended." in report
    assert f"mirror: {assets.VGG16_KERAS.mirror_name}, 0 MB. Pretended." in report


def test_a_file_that_meets_two_needs_is_shown_once_and_the_second_column_is_straight(room, monkeypatch):
    monkeypatch.setattr(assets, "NEEDS", 2 * assets.NEEDS)
    lines, _ = doctor.report()
    assert len(set(lines)) == len(lines)
    rows = [re.split(" {2,}", line, maxsplit=1) for line in lines]
    assert len({line.index(text) for line, (_, text) in zip(lines, rows, strict=True)}) == 1


def test_missing_weights_stop_chapters_but_data_that_something_stands_in_for_do_not(capsys):
    assert doctor.main() == 1
    report = capsys.readouterr().out
    assert len(report.splitlines()) <= 40, "a screenful"
    for need in assets.NEEDS:
        assert (f"{need[0].name}: not reachable" in report) == (not need[0].stand_in), need[0].name
    assert "VGG16, ImageNet: not reachable" in report and "CIFAR-10: not reachable" not in report
    assert "Every chapter can run" not in report


def test_stand_ins_that_were_asked_for_are_named_and_nobody_is_asked(small_needs, upstream, monkeypatch):
    monkeypatch.setenv("TLBOOK_DATA", "emoji10")
    monkeypatch.setattr(assets, "NEEDS", ((dataclasses.replace(small_needs, stand_in="drawings"),),))
    lines, problems = doctor.report()
    assert any("not looked for: TLBOOK_DATA asks for drawings" in line for line in lines) and not problems
    assert upstream.requests == []


def test_the_limit_of_a_container_is_shown_where_there_is_one(monkeypatch):
    for limit, shown in (("1000000000", True), ("9223372036854771712", False), ("max", False)):
        monkeypatch.setattr(doctor.pathlib.Path, "read_text", lambda _, limit=limit: limit)
        assert ("the container's limit is 1.0 GB" in doctor.memory()) == shown


def test_damaged_mirror_stops_chapters(room, capsys):
    (room / assets.CIFAR10.mirror_name).write_bytes(b"damaged")
    assert doctor.main() == 1
    assert "cifar10.npz is damaged: its SHA-256 is" in capsys.readouterr().out


def test_missing_keras_and_missing_backend(room, monkeypatch):
    assert doctor.report()[1] == []
    version = installed.version
    monkeypatch.setattr(installed, "version", lambda *names: None if "keras" in names else version(*names))
    assert "Keras is not installed" in doctor.report()[1][0]
    monkeypatch.setattr(installed, "version", lambda *names: "3.0" if "keras" in names else None)
    assert "Keras would use tensorflow, which is not installed" in doctor.report()[1][0]


def test_addresses_are_asked_and_nothing_is_downloaded(small_needs, upstream):
    lines, problems = doctor.report()
    assert problems == []
    assert any(f"would be downloaded, 0 MB, from {upstream.url('/weights')}" in line for line in lines)
    assert {command for command, _, _ in upstream.requests} == {"HEAD"}
    assert not cache.cache_dir().exists()


def test_the_address_that_is_asked_first_is_shown(small_needs, upstream, monkeypatch):
    monkeypatch.setenv("TLBOOK_UPSTREAM", upstream.url("/near/"))
    upstream.answers[f"/near/{small_needs.file_name}"] = [status(200)]
    upstream.answers[f"/near/{assets.CIFAR10.file_name}"] = [status(404)]
    report = "\n".join(doctor.report()[0])
    assert f"allowed, first from {upstream.url('/near')} (TLBOOK_UPSTREAM)" in report
    assert f"from {upstream.url('/near')}/{small_needs.file_name}" in report
    assert f"from {upstream.url('/weights')}" in report, "where the first does not have it"
    monkeypatch.setenv("TLBOOK_UPSTREAM", "near.example")
    lines, problems = doctor.report()
    assert any("TLBOOK_UPSTREAM: got 'near.example'" in line for line in lines) and len(problems) == 1


def test_a_cache_that_cannot_be_written_is_shown(small_needs, monkeypatch):
    cache.cache_dir().write_text("not a folder")
    lines, problems = doctor.report()
    assert any("cannot be written: nothing is kept" in line for line in lines)
    assert any("is no folder. Make room there, or set TLBOOK_CACHE" in line for line in lines)
    assert "VGG16, ImageNet: not reachable" in problems[0]


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
    assert not doctor.in_package_index("pretend==1.0") and not doctor.in_package_index("pretend==10")
    assert asked[0][:5] == [sys.executable, "-m", "pip", "index", "versions"]


def test_it_runs_as_a_command_and_loads_no_framework():
    code = """if True:
        import runpy, sys
        sys.argv = ["tlbook", "doctor"]
        try:
            runpy.run_module("tlbook", run_name="__main__")
        except SystemExit as end:
            print(end.code, {"keras", "tensorflow", "sklearn"} & set(sys.modules))"""
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert result.stdout.splitlines()[-1] == "1 set()", result.stderr
