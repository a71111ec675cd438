"""Spoken digits: what comes out, and what happens to archives that are not right."""

import io
import wave
import zipfile

import numpy as np
import pytest

from tlbook.data import digits
from tlbook.files import assets, sources
from tlbook.inputs import sound

HERE = sources.Source("three tones", "bundled", "Made by a test.")


def tone(hertz, seconds=0.5, loudness=0.5):
    return (
        loudness * np.sin(2 * np.pi * hertz * np.arange(int(seconds * sound.DIGITS.rate)) / sound.DIGITS.rate)
    ).astype("float32")


def wav(samples=800, channels=1, width=2, rate=sound.DIGITS.rate, value=1000):
    content = io.BytesIO()
    with wave.open(content, "wb") as file:
        file.setnchannels(channels)
        file.setsampwidth(width)
        file.setframerate(rate)
        file.writeframes(np.full(samples * channels, value, f"<i{width}" if width > 1 else "u1").tobytes())
    return content.getvalue()


def archive(folder, members):
    path = folder / "digits.zip"
    with zipfile.ZipFile(path, "w") as file:
        for name, content in members:
            file.writestr(name, content)
    return path


def recordings(takes=7, speakers=2):
    keys = [(digit, speaker, take) for digit in range(10) for speaker in range(speakers) for take in range(takes)]
    labels, who, numbers = np.array(keys).T
    return digits.SpokenDigits([tone(440, 0.05)] * len(keys), labels, who, numbers, ["ann", "bob"][:speakers], HERE)


def test_archive_is_read_in_order_and_scaled(tmp_path):
    members = [
        ("set/README.md", b"not a recording"),
        ("set/recordings/3_bob_10.wav", wav(500, value=-32768)),
        ("set/recordings/3_bob_2.wav", wav(600)),
        ("set/recordings/0_zoe_0.wav", wav(700, value=16384)),
    ]
    waveforms, labels, speakers, takes, names = digits.read_archive(archive(tmp_path, members))
    assert names == ("bob", "zoe")
    assert (labels.tolist(), speakers.tolist(), takes.tolist()) == ([0, 3, 3], [1, 0, 0], [0, 2, 10])
    assert [len(waveform) for waveform in waveforms] == [700, 600, 500]
    assert all(waveform.dtype == np.float32 for waveform in waveforms)
    assert (waveforms[0][0], waveforms[2][0]) == (0.5, -1.0)


@pytest.mark.parametrize(
    ("name", "content", "complaint"),
    [
        ("0_ann_0.wav", b"RIFFnothing of the kind", "0_ann_0.wav"),
        ("0_ann_0.wav", b"", "0_ann_0.wav"),
        ("0_ann_0.wav", wav()[:-100], "0_ann_0.wav.*promised 800"),
        ("0_ann_0.wav", wav(0), "0_ann_0.wav: 0 samples"),
        ("0_ann_0.wav", wav(rate=16_000), r"0_ann_0.wav.*\(1, 16, 16000\), expected \(1, 16, 8000\)"),
        ("0_ann_0.wav", wav(channels=2), r"0_ann_0.wav.*\(2, 16, 8000\)"),
        ("0_ann_0.wav", wav(width=1, value=128), r"0_ann_0.wav.*\(1, 8, 8000\)"),
        ("0_ann_0.wav", wav(600_000), "0_ann_0.wav: 1200044 bytes, expected at most"),
        ("ten_ann_0.wav", wav(), "'ten_ann_0.wav' is not named DIGIT_SPEAKER_TAKE"),
        ("../../0_ann_x.wav", wav(), "is not named"),
        ("notes.txt", b"no recording at all", "holds no recordings"),
    ],
)
def test_archive_with_a_wrong_member_is_refused(tmp_path, name, content, complaint):
    with pytest.raises(ValueError, match=complaint):
        digits.read_archive(archive(tmp_path, [(name, content)]))


def test_archive_with_one_recording_twice_is_refused(tmp_path):
    with pytest.raises(ValueError, match="'b/0_ann_0.wav' is there twice"):
        digits.read_archive(archive(tmp_path, [("a/0_ann_0.wav", wav()), ("b/0_ann_0.wav", wav())]))


def test_damaged_archive_is_refused(tmp_path):
    path = archive(tmp_path, [("0_ann_0.wav", wav())])
    content = bytearray(path.read_bytes())
    content[200] ^= 255  # a sample of the recording: its checksum no longer fits
    path.write_bytes(content)
    with pytest.raises(ValueError, match=r"digits.zip.*0_ann_0.wav.*CRC"):
        digits.read_archive(path)
    path.write_bytes(content[:100])
    with pytest.raises(ValueError, match=r"digits.zip cannot be read"):
        digits.read_archive(path)
    with pytest.raises(ValueError, match="cannot be read"):
        digits.read_archive(tmp_path / "missing.zip")


def test_nothing_is_written_where_a_name_leads_out_of_the_archive(tmp_path):
    waveforms, *_ = digits.read_archive(archive(tmp_path, [("../../0_ann_0.wav", wav())]))
    assert len(waveforms) == 1
    assert [path.name for path in tmp_path.iterdir()] == ["digits.zip"]


def test_archive_is_found_where_it_is(monkeypatch, tmp_path):
    path = archive(tmp_path, [("0_ann_0.wav", wav())])
    monkeypatch.setattr(sources, "find", lambda asset: (path, HERE) if asset is assets.FSDD else None)
    found = digits.load()
    assert (len(found), found.speaker_names, found.source) == (1, ("ann",), HERE)


def test_stand_in_is_announced(capsys):
    pytest.importorskip("espeakng_loader")
    found = digits.stand_in(takes=1)
    assert "espeak-ng stand-in" in capsys.readouterr().out
    assert found.source.name == "espeak-ng stand-in"
    voices = len(found.speaker_names)
    assert voices >= 6
    assert found.labels.tolist() == sorted(list(range(10)) * voices)
    assert np.abs(np.concatenate(found.waveforms)).max() <= 1


def test_stand_in_takes_the_place_of_recordings_that_are_not_found(monkeypatch, capsys):
    monkeypatch.setattr(digits, "stand_in", lambda: recordings())
    assert len(digits.load()) == 140  # offline, no mirror, empty cache: see conftest.py
    assert "a synthesiser stands in" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        ({"waveforms": []}, "waveforms: got none"),
        ({"waveforms": [np.zeros(9, "int16")] * 2}, "waveforms: number 0 is int16.*divided by 32,768"),
        ({"waveforms": [tone(440), np.zeros(0, "float32")]}, "number 1 is float32 of shape \\(0,\\)"),
        ({"waveforms": [tone(440), np.full(9, np.nan, "float32")]}, "number 1 holds numbers that are not finite"),
        ({"labels": [0, 10]}, "labels: got 0..10, expected 0 or more, below 10"),
        ({"labels": [0.0, 1.0]}, "labels: got float64"),
        ({"labels": [0, 1, 2]}, "labels: got int64 of shape \\(3,\\)"),
        ({"speakers": [0, 1]}, "speakers: got 0..1"),
        ({"takes": [-1, 0]}, "takes: got -1..0"),
    ],
)
def test_fields_that_do_not_fit_are_refused(change, complaint):
    right = {"waveforms": [tone(440), tone(880)], "labels": [0, 1], "speakers": [0, 0], "takes": [0, 0]}
    digits.SpokenDigits(**right, speaker_names=["ann"], source=HERE)
    with pytest.raises(ValueError, match=complaint):
        digits.SpokenDigits(**right | change, speaker_names=["ann"], source=HERE)


def test_few_shots_are_nested_balanced_and_never_in_the_test():
    everything = recordings()
    train = {shots: digits.few_shots(everything, 1, shots, seed=3) for shots in (1, 3, 5)}
    for shots, (chosen, test) in train.items():
        assert np.bincount(everything.labels[chosen]).tolist() == [shots] * 10
        assert np.bincount(everything.labels[test]).tolist() == [2] * 10
        assert set(everything.speakers[np.concatenate([chosen, test])]) == {1}
        assert not set(chosen) & set(test)
        np.testing.assert_array_equal(test, train[1][1])
    assert set(train[1][0]) < set(train[3][0]) < set(train[5][0])
    assert set(digits.few_shots(everything, 1, 1, seed=4)[0]) != set(train[1][0])


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        ((2, 1), "speaker: got 2, expected 0..1"),
        ((-1, 1), "speaker: got -1"),
        ((0, 0), "per_digit: got 0, expected 1..5"),
        ((0, 6), "per_digit: got 6"),
        ((0, 1, 0, 7), "reserved: got 7, but speaker 0 says 0 only 7 times"),
    ],
)
def test_few_shots_refuses_what_it_cannot_draw(arguments, complaint):
    with pytest.raises(ValueError, match=complaint):
        digits.few_shots(recordings(), *arguments)


@pytest.mark.real
def test_recordings_of_the_mirror_are_the_ones_that_were_published():
    found = digits.load()
    assert found.source.name == "Free Spoken Digit Dataset"
    assert found.speaker_names == ("george", "jackson", "lucas", "nicolas", "theo", "yweweler")
    assert len(found) == 3000
    counts = np.zeros((10, 6, 50), int)
    np.add.at(counts, (found.labels, found.speakers, found.takes), 1)
    assert np.all(counts == 1)
    assert max(np.abs(waveform).max() for waveform in found.waveforms) <= 1
