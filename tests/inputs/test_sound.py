"""Mel spectrograms: two presets of one function, against the recipes that they come from, and what is refused."""

import numpy as np
import pytest
from made_inputs import chirp
from scipy import signal
from threadpoolctl import threadpool_limits

from tlbook.inputs import sound


def tone(hertz, seconds=0.5, loudness=0.5):
    time = np.arange(int(seconds * sound.DIGITS.rate)) / sound.DIGITS.rate
    return (loudness * np.sin(2 * np.pi * hertz * time)).astype("float32")


def test_mel_scale_is_its_own_inverse_and_nearly_1000_at_1000_hertz():
    hertz = np.array([0.0, 100, 1000, 4000])
    np.testing.assert_allclose(sound.mel_to_hertz(sound.hertz_to_mel(hertz)), hertz, atol=1e-9)
    assert abs(sound.hertz_to_mel(1000) - 1000) < 1


def test_mel_filters_are_triangles_that_widen():
    filters = sound.mel_filters(bands=20)
    assert filters.shape == (20, 257) and filters.dtype == np.float64
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
        sound.mel_filters(bands=bands)


def test_log_mel_finds_a_tone_in_its_band_while_it_lasts():
    picture = sound.log_mel([tone(1000, 0.5)])[0]
    assert picture.shape == (sound.FRAMES, sound.DIGITS.bands) and picture.dtype == np.float32
    assert (picture.max(), picture.min()) == (0, sound.FLOOR)
    bin_of_1000 = round(1000 * sound.DIGITS.fft / sound.DIGITS.rate)
    assert picture[10].argmax() == sound.mel_filters()[:, bin_of_1000].argmax()
    ends = 0.5 * sound.DIGITS.rate / sound.DIGITS.hop
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


def test_mel_is_that_of_librosa():
    """The numbers are what librosa 0.11.0 gives for this sound: melspectrogram with n_fft 400, hop 160, 40 bands."""
    mel = sound.mel_power(chirp(), 16_000)
    assert mel.shape == (101, 40) and mel.dtype == np.float32
    assert np.allclose(mel.sum(1)[[0, 1, 50, 99, 100]], [0.995879, 2.038142, 1.163511, 0.623388, 0.312021], rtol=1e-5)
    assert mel.argmax(1)[[0, 10, 25, 50, 75, 99]].tolist() == [2, 6, 12, 20, 24, 28]
    assert np.allclose(mel[45:49, 20], [0.0004394612, 0.0048483055, 0.0448519842, 0.1666617962], rtol=1e-4)
    filters = sound.mel_filters(sound.VOICE)
    assert np.allclose(filters.sum(1)[[0, 10, 20, 39]], [0.02480904, 0.02480904, 0.02521975, 0.02497876], rtol=1e-6)
    corners = sound.mel_to_hertz(np.linspace(0, sound.hertz_to_mel(8_000, "slaney"), 42), "slaney")
    assert np.allclose(corners[[1, 10, 20, 40]], [73.570147, 735.701471, 1626.038766, 7415.484886])
    assert np.allclose(sound.hertz_to_mel(sound.mel_to_hertz(np.arange(45.0), "slaney"), "slaney"), np.arange(45))


def test_other_rates_give_nearly_the_same_picture():
    wide = sound.mel_power(chirp(), 16_000)
    for rate in (8_000, 11_025, 22_050, 48_000):
        mel = sound.mel_power(chirp(rate).astype("float32"), rate)
        assert abs(len(mel) - len(wide)) <= 1
        assert np.abs(mel[5:-5] - wide[5 : len(mel) - 5]).max() < 0.05 * wide.max()
    noise = sound.mel_power(np.random.default_rng(0).normal(size=8_000) / 10, 8_000)
    assert noise[:, 33:].sum() < 1e-3 * noise.sum(), "8,000 samples a second hold nothing above 4,000 Hz"


def test_quiet_sound_is_raised_and_loud_sound_stays():
    def level(loudness):
        return 20 * np.log10(np.sqrt(np.mean(sound.resampled(chirp(loudness=loudness), 16_000) ** 2)))

    assert np.isclose(level(1e-4), -30) and np.isclose(level(0.01), -30)
    assert np.isclose(level(0.5), 20 * np.log10(0.5 / np.sqrt(2)), atol=0.01)
    assert np.array_equal(sound.mel_power(np.zeros(800), 8_000), np.zeros((11, 40)))


@pytest.mark.parametrize(
    ("waveform", "rate", "message"),
    [
        (chirp(), 0, "rate: got 0, expected a whole number in 4000..192000"),
        (chirp(), -8_000, "rate: got -8000"),
        (chirp(), 16_000.0, r"rate: got 16000\.0, expected a whole number"),
        (chirp(), "16000", "rate: got '16000'"),
        (chirp(), True, "rate: got True"),
        (
            np.zeros(0),
            8_000,
            r"waveform: got float64 \(0,\), expected float \(samples,\) of 25 ms or more, 200 samples",
        ),
        (np.zeros(199), 8_000, r"waveform: got float64 \(199,\)"),
        (np.zeros((2, 8_000)), 8_000, r"waveform: got float64 \(2, 8000\)"),
        (np.zeros(8_000, "int16"), 8_000, r"waveform: got int16 \(8000,\), expected float"),
        (np.zeros(8_000, "complex64"), 8_000, "waveform: got complex64"),
        (np.array(["a"] * 800), 8_000, "waveform: got <U1"),
        (np.full(8_000, np.nan), 8_000, "waveform: got numbers that are not finite"),
        (np.r_[np.zeros(800), np.inf], 8_000, "waveform: got numbers that are not finite"),
    ],
)
def test_sound_that_is_refused(waveform, rate, message):
    with pytest.raises(ValueError, match=message):
        sound.mel_power(waveform, rate)


@pytest.mark.parametrize("convert", [sound.hertz_to_mel, sound.mel_to_hertz])
def test_a_scale_that_is_none(convert):
    with pytest.raises(ValueError, match="scale: got 'bark', expected 'htk' or 'slaney'"):
        convert(440, "bark")


def triangles(corners, hertz):
    left, centre, right = corners[:-2, None], corners[1:-1, None], corners[2:, None]
    return np.minimum((hertz - left) / (centre - left), (right - hertz) / (right - centre)).clip(0), right - left


def test_log_mel_is_to_the_last_bit_what_the_recorded_runs_were_given():
    """The steps as chapter 5.7's experiments ran them, one network's recipe by itself."""
    corners = 700 * (10 ** (np.linspace(0, 2595 * np.log10(1 + 4000 / 700), 42) / 2595) - 1)
    filters, _ = triangles(corners, np.arange(257) * 8000 / 512)
    window = np.hanning(257)[:-1].astype("float32")
    samples = np.zeros(256 + 63 * 128, "float32")
    waveform = chirp(8_000)[:6_000].astype("float32")
    samples[:6_000] = waveform
    frames = np.lib.stride_tricks.sliding_window_view(samples, 256)[::128]
    with threadpool_limits(1, user_api="blas"):  # with more, the products are added up in another order
        power = np.abs(np.fft.rfft(frames * window, 512)).astype("float32") ** 2 @ filters.astype("float32").T
    decibels = 10 * np.log10((power / power.max()).clip(1e-10))
    assert np.array_equal(sound.mel_filters(), filters)
    assert np.array_equal(sound.log_mel([waveform])[0], np.maximum(decibels, -60))


@pytest.mark.parametrize("rate", [8_000, 11_025, 16_000])
def test_mel_power_is_to_the_last_bit_what_the_recorded_runs_were_given(rate):
    """The steps as chapter 5.8's experiments ran them, one network's recipe by itself."""
    mel = np.linspace(0, 15 + 27 * np.log(8000 / 1000) / np.log(6.4), 42)
    corners = np.where(mel < 15, 200 * mel / 3, 1000 * np.exp(np.log(6.4) * (np.maximum(mel, 15) - 15) / 27))
    filters, widths = triangles(corners, np.fft.rfftfreq(400, 1 / 16_000))
    filters = filters * 2 / widths
    waveform = chirp(rate)
    divisor = np.gcd(16_000, rate)
    samples = signal.resample_poly(waveform, 16_000 // divisor, rate // divisor)
    frames = np.lib.stride_tricks.sliding_window_view(np.pad(samples, 200), 400)[::160]
    power = np.abs(np.fft.rfft(frames * signal.get_window("hann", 400))) ** 2
    assert np.array_equal(sound.mel_filters(sound.VOICE), filters)
    assert np.array_equal(sound.mel_power(waveform, rate), (power @ filters.T).astype("float32"))
