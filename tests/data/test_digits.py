"""Spoken digits and their log-mel spectrograms: what comes out, and what happens to archives that are not right."""

import io
import wave
import zipfile

import keras
import numpy as np
import pytest

from tlbook import backbones
from tlbook.data import digits
from tlbook.files import assets, sources
from tlbook.inputs import sound

HERE = sources.Source("three tones", "bundled", "Made by a test.")


def tone(hertz, seconds=0.5, loudness=0.5):
    return (loudness * np.sin(2 * np.pi * hertz * np.arange(int(seconds * sound.RATE)) / sound.RATE)).astype("float32")


def wav(samples=800, channels=1, width=2, rate=sound.RATE, value=1000):
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


def test_mel_scale_is_its_own_inverse_and_nearly_1000_at_1000_hertz():
    hertz = np.array([0.0, 100, 1000, 4000])
    np.testing.assert_allclose(sound.mel_to_hertz(sound.hertz_to_mel(hertz)), hertz, atol=1e-9)
    assert abs(sound.hertz_to_mel(1000) - 1000) < 1


def test_mel_filters_are_triangles_that_widen():
    filters = sound.mel_filters(20)
    assert filters.shape == (20, sound.FFT // 2 + 1) and filters.dtype == np.float32
    assert filters.min() == 0 and filters.max() <= 1
    centres = filters.argmax(axis=1)
    assert np.all(np.diff(centres) > 0)
    widths = (filters > 0).sum(axis=1)
    assert widths[-1] > 3 * widths[0]
    inside = slice(centres[0] + 1, centres[-1])
    np.testing.assert_allclose(filters[:, inside].sum(axis=0), 1, atol=1e-5)  # each frequency is shared, none is lost


@pytest.mark.parametrize("bands", [0, 200])
def test_mel_filters_without_frequencies_are_refused(bands):
    with pytest.raises(ValueError, match=f"bands: got {bands}"):
        sound.mel_filters(bands)


def test_log_mel_finds_a_tone_in_its_band_while_it_lasts():
    picture = sound.log_mel([tone(1000, 0.5)])[0]
    assert picture.shape == (sound.FRAMES, sound.BANDS) and picture.dtype == np.float32
    assert (picture.max(), picture.min()) == (0, sound.FLOOR)
    bin_of_1000 = round(1000 * sound.FFT / sound.RATE)
    assert picture[10].argmax() == sound.mel_filters()[:, bin_of_1000].argmax()
    ends = 0.5 * sound.RATE / sound.HOP
    assert np.all(picture[: int(ends) - 3].max(axis=1) > -10)
    assert np.all(picture[int(ends) + 1 :] == sound.FLOOR)


def test_log_mel_does_not_depend_on_loudness_or_company():
    loud, quiet, other = tone(700), tone(700, loudness=0.05), tone(1500, 3)
    together = sound.log_mel([loud, quiet, other])
    np.testing.assert_allclose(together[0], together[1], atol=0.01)
    np.testing.assert_array_equal(together[2], sound.log_mel([other])[0])


def test_log_mel_of_silence_is_the_floor():
    assert np.all(sound.log_mel(np.zeros((2, 100), "float32")) == sound.FLOOR)


def test_log_mel_obeys_its_sizes():
    assert sound.log_mel([tone(440, 0.01), tone(440, 4)], frames=30, bands=24).shape == (2, 30, 24)


@pytest.mark.parametrize(
    ("waveforms", "options", "complaint"),
    [
        ([], {}, "waveforms: got none"),
        ([np.zeros(0, "float32")], {}, "number 0 is float32 of shape \\(0,\\)"),
        ([np.zeros(100, "int16")], {}, "number 0 is int16.*divided by 32,768"),
        ([np.zeros((100, 2), "float32")], {}, "shape \\(100, 2\\)"),
        ([tone(440), np.array([0.0, np.nan])], {}, "number 1 holds numbers that are not finite"),
        ([np.array([0.0, np.inf])], {}, "not finite"),
        ([tone(440)], {"rate": 16_000}, "rate: got 16000 Hz, expected 8000: resample first"),
        ([tone(440)], {"frames": 0}, "frames: got 0"),
        ([tone(440)], {"bands": 0}, "bands: got 0"),
    ],
)
def test_log_mel_refuses(waveforms, options, complaint):
    with pytest.raises(ValueError, match=complaint):
        sound.log_mel(waveforms, **options)


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


def test_small_speech_cnn_knows_what_but_not_when():
    """Sixteen frames are one step of the last pooling, and the mean over all steps does not care which one it was."""
    keras.utils.set_random_seed(0)
    body = backbones.small_speech_cnn((160, 40))  # so long that no border is near
    early = np.full((1, 160, 40), sound.FLOOR, "float32")
    early[0, 64:76, 5:30] = np.random.default_rng(0).uniform(sound.FLOOR, 0, (12, 25))
    late, higher = np.roll(early, 16, axis=1), np.roll(early, 5, axis=2)
    features = [np.asarray(body(picture, training=False)) for picture in (early, late, higher)]
    assert features[0].shape == (1, 64)
    np.testing.assert_allclose(features[0], features[1], atol=1e-5)
    assert np.abs(features[0] - features[2]).max() > 1e-3


def test_small_speech_cnn_has_momentum_09_and_sees_decibels_between_minus_one_and_one():
    body = backbones.small_speech_cnn((32, 24), width=4)
    assert body.output_shape == (None, 16)
    norms = [layer for layer in body.layers if isinstance(layer, keras.layers.BatchNormalization)]
    assert [layer.momentum for layer in norms] == [0.9] * 4
    scale = body.get_layer("to_minus_one_plus_one")
    np.testing.assert_allclose(np.asarray(scale(np.array([sound.FLOOR, 0.0]))), [-1, 1])


@pytest.mark.parametrize("shape", [(8, 40), (64, 15), (64, 40, 1), (64,)])
def test_small_speech_cnn_refuses_other_shapes(shape):
    with pytest.raises(ValueError, match="input_shape: got"):
        backbones.small_speech_cnn(shape)
