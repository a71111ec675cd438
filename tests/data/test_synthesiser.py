"""Synthetic speech: said the same way every time, refused where it makes no sense."""

import functools
import importlib.util
import subprocess
import sys

import numpy as np
import pytest

from tlbook.data import espeak, synthesiser
from tlbook.files import cache

spoken = pytest.mark.skipif(not importlib.util.find_spec("espeakng_loader"), reason="needs espeakng-loader")
speak = functools.cache(synthesiser.speak)  # each call starts a process


@spoken
def test_speech_has_a_waveform_and_a_rate():
    waveform, rate = speak("seven")
    assert rate == synthesiser.RATE == 22_050
    assert waveform.dtype == np.float32 and waveform.ndim == 1
    assert 0.2 * rate < len(waveform) < 2 * rate
    assert 0.1 < np.abs(waveform).max() <= 1


@spoken
def test_the_same_list_gives_the_same_sound():
    requests = [espeak.request("seven", voice) for voice in ("en-us", "en-us+f2", "en-us+klatt2", "en-us")]
    first, second = espeak.say(requests), espeak.say(requests)
    for a, b in zip(first, second, strict=True):
        np.testing.assert_array_equal(a, b)


@spoken
def test_a_synthesiser_that_does_not_end_is_ended(monkeypatch):
    monkeypatch.setattr(espeak, "PATIENCE_S", (0, 0.001))
    with pytest.raises(RuntimeError, match="did not end within 0.002 s, with 2 texts to say"):
        espeak.say([espeak.request("seven", "en-us")] * 2)


@spoken
def test_hidden_state_of_espeak_is_why_each_list_gets_its_own_process():
    first, again = espeak.say([espeak.request("seven", "en-us")] * 2)
    assert len(first) != len(again) or not np.array_equal(first, again)


@spoken
def test_numbers_change_what_is_heard():
    plain, _ = speak("seven")
    quick, _ = synthesiser.speak("seven", words_per_minute=300)
    high, _ = synthesiser.speak("seven", pitch=90)
    assert len(quick) < 0.9 * len(plain)
    assert strongest_pitch(high) > 1.2 * strongest_pitch(plain)


def strongest_pitch(waveform):
    """Pitch in Hz, by the highest peak of the autocorrelation between 60 and 400 Hz."""
    spectrum = np.abs(np.fft.rfft(waveform, 2 * len(waveform))) ** 2
    correlation = np.fft.irfft(spectrum)
    low, high = synthesiser.RATE // 400, synthesiser.RATE // 60
    return synthesiser.RATE / (low + correlation[low:high].argmax())


@spoken
def test_numerals_are_read_in_the_language_of_the_voice():
    np.testing.assert_array_equal(speak("7")[0], speak("seven")[0])
    np.testing.assert_array_equal(speak("7", "de")[0], speak("sieben", "de")[0])


@spoken
def test_british_english_has_its_usual_name():
    assert espeak.request("seven", "en-GB+m3") == espeak.request("seven", "en+m3")


@spoken
@pytest.mark.parametrize("text", ["", "  \n", "a\0b", None, 7])
def test_there_must_be_something_to_say(text):
    with pytest.raises(ValueError, match="text: got"):
        synthesiser.speak(text)


@spoken
@pytest.mark.parametrize("voice", ["xx", "", "en-us+nobody", "en-us+", "+f2", "en+../m3", "../../en", None])
def test_unknown_voices_are_refused_with_examples(voice):
    with pytest.raises(ValueError, match="voice: got .*'en-us'.*voices\\(\\)"):
        synthesiser.speak("seven", voice)


@spoken
@pytest.mark.parametrize(
    "setting",
    [{"words_per_minute": 79}, {"words_per_minute": 451}, {"pitch": -1}, {"pitch": 100}, {"pitch_range": 100}]
    + [{"pitch": 50.5}, {"pitch": "high"}, {"words_per_minute": float("nan")}],
    ids=str,
)
def test_numbers_outside_their_limits_are_refused(setting):
    with pytest.raises(ValueError, match=f"{next(iter(setting))}: got .*expected a whole number"):
        synthesiser.speak("seven", **setting)


@spoken
def test_the_lists_of_voices_can_be_spoken_and_share_no_variant():
    for voice in synthesiser.VOICES + synthesiser.SPEAKERS:
        espeak.request("seven", voice)
    variants = [{voice.partition("+")[2] for voice in names} for names in (synthesiser.VOICES, synthesiser.SPEAKERS)]
    assert not variants[0] & variants[1]
    languages, all_variants = espeak.voices()
    assert {"en", "en-us", "de"} <= set(languages) and {"f2", "m3", "whisper"} <= set(all_variants)


@spoken
def test_spoken_digits():
    voices = ("en-us+m3", "en+f4")
    waveforms, labels, speakers, names = synthesiser.spoken_digits(voices, takes=3)
    assert len(waveforms) == 60 and names == voices
    assert labels.dtype == speakers.dtype == np.int64
    assert labels[:6].tolist() == [0, 0, 0, 1, 1, 1] and speakers.tolist() == [0] * 30 + [1] * 30
    for waveform in waveforms:
        assert waveform.dtype == np.float32 and np.isfinite(waveform).all()
        assert 0.25 < np.abs(waveform).max() <= 1
        assert 0.1 < len(waveform) / 8_000 < 1.2
    assert len({waveform.tobytes() for waveform in waveforms}) == 60, "no take is like another"


@spoken
def test_spoken_digits_depend_on_the_seed_and_on_nothing_else():
    def draw(**arguments):
        return np.concatenate(synthesiser.spoken_digits(["en-us"], takes=1, **arguments)[0])

    from_cache, first = draw(), draw()
    np.testing.assert_array_equal(from_cache, first)
    for path in cache.cache_dir().glob("spoken-digits-*.npz"):
        path.unlink()
    np.testing.assert_array_equal(draw(), first)
    assert not np.array_equal(draw(seed=1)[:1000], first[:1000])
    assert 1.9 < len(draw(rate=16_000)) / len(first) < 2.1


@spoken
def test_without_variation_takes_differ_by_next_to_nothing():
    waveforms, *_ = synthesiser.spoken_digits(["en-us"], takes=3, vary=False)
    of_seven = waveforms[21:24]
    assert max(map(len, of_seven)) - min(map(len, of_seven)) < 0.1 * len(of_seven[0])
    assert all(abs(np.abs(waveform).max() - 0.6) < 0.01 for waveform in of_seven)


@pytest.mark.parametrize(
    ("arguments", "name"),
    [({"voices": []}, "voices"), ({"voices": "en-us"}, "voices"), ({"takes": 0}, "takes"), ({"takes": 1.5}, "takes")]
    + [({"rate": 44_100}, "rate"), ({"rate": 0}, "rate")],
    ids=str,
)
def test_bad_requests_for_digits_are_refused(arguments, name):
    with pytest.raises(ValueError, match=f"{name}: got"):
        synthesiser.spoken_digits(**arguments)


def test_trim_cuts_silence_at_both_ends_and_only_there():
    tone = np.sin(np.arange(800)).astype("float32")
    silence = np.zeros(400, "float32")
    padded = np.concatenate([silence, tone, silence, tone, silence])
    np.testing.assert_array_equal(synthesiser.trim(padded, 8_000), padded[400:-400])
    np.testing.assert_array_equal(synthesiser.trim(silence, 8_000), silence)


@pytest.mark.parametrize("waveform", [np.zeros(0), np.zeros((2, 100)), np.float32(1)], ids=["none", "stereo", "number"])
def test_trim_wants_one_row_of_samples(waveform):
    with pytest.raises(ValueError, match="waveform: got shape"):
        synthesiser.trim(waveform, 8_000)


def spectrograms():
    pictures = np.random.default_rng(0).uniform(-60, 0, size=(50, 20, 16)).astype("float32")
    pictures[:, 12:] = -60  # silence fills up the end
    return pictures


def test_randomised_spectrograms_are_of_the_same_kind_and_none_is_like_another():
    before = spectrograms()
    kept = before.copy()
    after = synthesiser.randomise(before, seed=1)
    np.testing.assert_array_equal(before, kept)
    assert after.shape == before.shape and after.dtype == np.float32
    assert after.min() == -60 and (after.max(axis=(1, 2)) == 0).all()
    np.testing.assert_array_equal(after[:, 12:], -60)
    np.testing.assert_array_equal(synthesiser.randomise(before, seed=1), after)
    same_twice = synthesiser.randomise(np.repeat(before[:1], 2, axis=0))
    assert np.abs(same_twice[0] - same_twice[1]).mean() > 1


def test_a_longer_throat_moves_resonances_and_does_not_shuffle_bands():
    tones = np.full((200, 4, 40), -60, "float32")
    tones[:, :, 20] = 0
    loudest = synthesiser.randomise(tones)[:, 0].argmax(axis=1)
    assert (np.abs(loudest - 20) <= 4).all() and len(set(loudest)) > 2


@pytest.mark.parametrize(
    "bad",
    [np.zeros((0, 4, 4)), np.zeros((4, 4)), np.ones((1, 4, 4)), np.full((1, 4, 4), np.nan), np.full((1, 4, 4), -61)],
    ids=["none", "one", "positive", "nan", "too low"],
)
def test_randomise_wants_spectrograms_in_decibels(bad):
    with pytest.raises(ValueError, match="spectrograms: "):
        synthesiser.randomise(bad)


def test_without_the_package_the_message_says_what_to_install(monkeypatch):
    monkeypatch.setattr(espeak.importlib.util, "find_spec", lambda name: None)
    espeak.voices.cache_clear()
    with pytest.raises(ModuleNotFoundError, match="pip install espeakng-loader"):
        synthesiser.speak("seven")
    with pytest.raises(ModuleNotFoundError, match="pip install espeakng-loader"):
        synthesiser.spoken_digits()


@spoken
def test_a_failure_of_espeak_is_reported_and_does_not_end_this_process(monkeypatch, tmp_path):
    request = espeak.request("seven", "en-us")
    monkeypatch.setattr(espeak, "_data_folder", lambda: tmp_path / "nothing here")
    with pytest.raises(RuntimeError, match="espeak-ng did not run"):
        espeak.say([request])


def test_importing_data_sets_loads_nothing_heavy():
    """`doctor` runs where scikit-learn is missing; the child process that speaks needs no scipy."""
    code = """
import sys, tlbook.data
from tlbook.data import digits, entities, sentiment
assert not {"sklearn", "scipy", "keras", "tlbook.data.synthesiser"} & set(sys.modules)
import tlbook.data.synthesiser
assert not {"sklearn", "scipy", "keras", "espeakng_loader"} & set(sys.modules)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
