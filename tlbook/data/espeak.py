"""The speech synthesiser espeak-ng, which comes with the package `espeakng_loader`, driven as a program of its own.

espeak-ng is free software under the GPL, version 3 or later. Nothing of it is part of this package: its library runs in
a child process, which takes a list of texts and gives back sound. There is a second reason for that. The library keeps
hidden state from one word to the next (a slow drift of the pitch, random breath), so the same word said twice differs.
A fresh process starts from the same state: the same list gives the same sound, to the last bit.

Run as a script, this file is the child. Taught in chapter 5.10.
"""

import ctypes
import functools
import importlib.util
import json
import pathlib
import subprocess
import sys

import numpy as np

RATE = 22_050  # samples a second, as espeak-ng makes them
PATIENCE_S = 60, 2  # for the process, and for each text: far more than they take
LIMITS = {"words_per_minute": (80, 450), "pitch": (0, 99), "pitch_range": (0, 99)}
# Numbers of its header speak_lib.h.
_SYNCHRONOUS, _DO_NOT_EXIT, _UTF8 = 2, 0x8000, 1
_RATE, _PITCH, _RANGE = 1, 3, 4


@functools.cache
def voices():
    """Return the names of the languages and accents, and those of the variants: two sorted tuples of str.

    Raises `ModuleNotFoundError` where the package espeakng_loader is missing. Taught in chapter 5.10.
    """
    folder = _data_folder()
    languages = {path.name.lower() for path in (folder / "lang").glob("*/*")}
    return tuple(sorted(languages)), tuple(sorted(path.name for path in (folder / "voices" / "!v").iterdir()))


def request(text, voice, words_per_minute=175, pitch=50, pitch_range=50):
    """Return one text to be said and how, checked: a list for `say`.

    Raises `ValueError` for an empty text, an unknown voice, or a number outside `LIMITS`. See `synthesiser.speak`.
    """
    if not isinstance(text, str) or not text.strip() or "\0" in text:
        raise ValueError(f"text: got {text!r}, expected a str with something to say")
    numbers = {"words_per_minute": words_per_minute, "pitch": pitch, "pitch_range": pitch_range}
    for name, value in numbers.items():
        low, high = LIMITS[name]
        if not isinstance(value, (int, np.integer)) or not low <= value <= high:
            raise ValueError(f"{name}: got {value!r}, expected a whole number in {low}..{high}")
    languages, variants = voices()
    language, plus, variant = str(voice).partition("+")
    language = {"en-gb": "en"}.get(language.lower(), language.lower())  # espeak-ng's English is British
    if language not in languages or (plus and variant not in variants):
        raise ValueError(
            f"voice: got {voice!r}, expected a language such as 'en-us', 'en-gb-scotland', 'de', if you like with a "
            "variant: 'en-us+f2', 'en+m3'; voices() lists them all"
        )
    return [text, language + plus + variant, *map(int, numbers.values())]


def say(requests):
    """Say a list of `request`s in one fresh process; return a list of waveforms, float32 (n,) in -1..1, at `RATE`.

    Raises `RuntimeError` with the reason where espeak-ng cannot run on this machine, or does not end in the time that
    `PATIENCE_S` gives it. Taught in chapter 5.10.
    """
    start, each = PATIENCE_S
    # By its file and not as `-m tlbook.data.espeak`, which would first load all of `tlbook.data`.
    command = [sys.executable, "-P", __file__, str(_data_folder())]
    text, patience = json.dumps(requests).encode(), start + each * len(requests)
    try:
        done = subprocess.run(command, input=text, capture_output=True, timeout=patience)
    except subprocess.TimeoutExpired:
        raise RuntimeError(f"espeak-ng did not end within {patience} s, with {len(requests)} texts to say") from None
    if done.returncode:
        reason = done.stderr.decode(errors="replace").strip()[-500:]
        raise RuntimeError(f"espeak-ng did not run (code {done.returncode}): {reason}")
    sizes = np.frombuffer(done.stdout, "<i8", len(requests))
    sound = np.frombuffer(done.stdout, "<i2", offset=sizes.nbytes)
    return [piece.astype("float32") / 32_768 for piece in np.split(sound, np.cumsum(sizes)[:-1])]


def _data_folder():
    if importlib.util.find_spec("espeakng_loader") is None:
        raise ModuleNotFoundError("the synthesiser needs the package espeakng_loader: pip install espeakng-loader")
    import espeakng_loader

    return pathlib.Path(espeakng_loader.get_data_path())


def _child():
    """Read requests from standard input, say them, write the lengths (int64) and the samples (int16)."""
    import espeakng_loader

    library = ctypes.CDLL(espeakng_loader.get_library_path())
    pieces = []

    @ctypes.CFUNCTYPE(ctypes.c_int, ctypes.POINTER(ctypes.c_short), ctypes.c_int, ctypes.c_void_p)
    def keep(samples, count, events):
        if samples and count > 0:
            pieces.append(np.ctypeslib.as_array(samples, (count,)).astype("<i2"))
        return 0

    rate = library.espeak_Initialize(_SYNCHRONOUS, 0, sys.argv[1].encode(), _DO_NOT_EXIT)
    if rate != RATE:
        raise RuntimeError(f"espeak_Initialize gave {rate}, expected {RATE} samples a second")
    library.espeak_SetSynthCallback(keep)
    library.espeak_ng_SetRandSeed(ctypes.c_long(1))  # otherwise it asks the clock
    synth = library.espeak_Synth
    synth.argtypes = [ctypes.c_char_p, ctypes.c_size_t, *[ctypes.c_uint] * 4, ctypes.c_void_p, ctypes.c_void_p]
    lengths, sound, current = [], [], None
    for text, voice, *numbers in json.load(sys.stdin):
        codes = [library.espeak_SetVoiceByName(voice.encode())] if voice != current else []
        current = voice
        for parameter, value in zip((_RATE, _PITCH, _RANGE), numbers, strict=True):
            codes.append(library.espeak_SetParameter(parameter, value, 0))
        content = text.encode() + b"\0"
        codes.append(synth(content, len(content), 0, 1, 0, _UTF8, None, None))
        codes.append(library.espeak_Synchronize())
        if any(codes):
            raise RuntimeError(f"espeak-ng returned {codes} for {text!r} in voice {voice!r}")
        lengths.append(sum(map(len, pieces)))
        sound += pieces
        pieces.clear()
    sys.stdout.buffer.write(np.array(lengths, "<i8").tobytes() + b"".join(piece.tobytes() for piece in sound))


if __name__ == "__main__":
    _child()
