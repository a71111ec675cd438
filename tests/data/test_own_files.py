"""A reader's own texts and sounds: what cannot be read is named, and the rest is there."""

import wave

import numpy as np
import pytest

from tlbook.data import own_files


def write_wav(path, samples, rate=16_000, channels=1, width=2):
    path.parent.mkdir(parents=True, exist_ok=True)
    with wave.open(str(path), "wb") as file:
        file.setnchannels(channels)
        file.setsampwidth(width)
        file.setframerate(rate)
        file.writeframes(samples)


def test_texts_are_read_and_bad_files_named(tmp_path):
    for name, content in {
        "bad/1.txt": b"rain",
        "good/1.txt": "Gr\u00fcezi".encode(),
        "good/2.txt": b"\xff\xfe\xff",
    }.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(content)
    (tmp_path / "good" / "3.txt").write_text(" \n")
    (tmp_path / "good" / "4.pdf").write_text("x")
    (tmp_path / "good" / ".hidden.txt").write_text("x")
    (tmp_path / "stray.txt").write_text("of no class")
    found = own_files.load_texts(tmp_path)
    assert found.items == ["rain", "Grüezi"] and found.labels.tolist() == [0, 1]
    assert found.class_names == ("bad", "good") and found.names == ("bad/1.txt", "good/1.txt")
    of_classes = {"good/2.txt": "not in UTF-8", "good/3.txt": "empty", "good/4.pdf": "not a .txt file"}
    assert found.refused == {"stray.txt": "it lies beside the folders of the classes"} | of_classes


def test_a_file_that_may_not_be_read_is_refused_and_the_rest_is_there(tmp_path, monkeypatch):
    for name in ("bad/1.txt", "good/1.txt", "good/2.txt"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text("rain")

    def read(file):
        if file.name == "2.txt":
            raise PermissionError(13, "Permission denied")
        return "rain"

    monkeypatch.setattr(own_files, "_text", read)
    found = own_files.load_texts(tmp_path)
    assert found.names == ("bad/1.txt", "good/1.txt") and "Permission denied" in found.refused["good/2.txt"]


def test_sounds_are_mixed_and_brought_to_one_rate(tmp_path):
    tone = (10_000 * np.sin(np.arange(8_000) * 0.2)).astype("<i2")
    write_wav(tmp_path / "a" / "1.wav", tone.tobytes(), rate=8_000)
    write_wav(tmp_path / "b" / "1.wav", np.repeat(tone, 2).tobytes(), rate=8_000, channels=2)
    write_wav(tmp_path / "b" / "2.wav", bytes(8_000), width=1)
    (tmp_path / "b" / "3.wav").write_bytes(b"RIFF")
    found = own_files.load_sounds(tmp_path)
    assert [len(item) for item in found.items] == [16_000, 16_000]
    np.testing.assert_allclose(found.items[0], found.items[1], atol=1e-6)
    assert found.refused["b/2.wav"] == "8 bits a sample, expected 16" and "no recording" in found.refused["b/3.wav"]


def test_what_is_no_folder_of_classes_is_refused(tmp_path):
    with pytest.raises(FileNotFoundError, match="there is no folder"):
        own_files.load_texts(tmp_path / "nowhere")
    (tmp_path / "one").mkdir()
    with pytest.raises(ValueError, match="expected two or more, one for each class"):
        own_files.load_texts(tmp_path)
    (tmp_path / "two").mkdir()
    with pytest.raises(ValueError, match="the class one has no .txt file that can be read"):
        own_files.load_texts(tmp_path)
