"""Own files: a reader's own texts or sounds, a folder a class; for pictures there is `tlbook.data.folders`."""

import pathlib
import wave
from dataclasses import dataclass

import numpy as np

from tlbook.inputs import sound

MAX_BYTES = 20_000_000  # of one file: a text or a short recording is far smaller


@dataclass(frozen=True, eq=False)
class OwnFiles:
    """What `load_texts` and `load_sounds` found.

    `items` are the texts, or waveforms of 16,000 samples a second, `labels` integers (n,), `class_names` the names of
    the folders in alphabetical order, `names` the file of each item ("happy/7.txt"), and `refused` a dict from the name
    of each file that was left out to the reason.
    """

    items: list
    labels: np.ndarray
    class_names: tuple[str, ...]
    names: tuple[str, ...]
    refused: dict[str, str]


def load_texts(path):
    """Read a folder of texts, one folder a class and one text a file (.txt, UTF-8): an `OwnFiles`.

    Raises `FileNotFoundError` where there is no such folder, and `ValueError` for fewer than two classes, or a class
    without a text that can be read.
    """
    return _load(path, ".txt", _text)


def load_sounds(path):
    """Read a folder of recordings, one folder a class, as .wav files of 16 bits: an `OwnFiles`.

    Several channels become one, their mean. Raises as `load_texts` does.
    """
    return _load(path, ".wav", _waveform)


def _load(path, ending, read):
    path = pathlib.Path(path).expanduser()
    if not path.is_dir():
        raise FileNotFoundError(f"path: there is no folder {path}")
    inside = sorted(item for item in path.iterdir() if not item.name.startswith("."))
    classes = [item for item in inside if item.is_dir()]
    if len(classes) < 2:
        found = [item.name for item in classes]
        raise ValueError(f"path: {path} holds the folders {found}, expected two or more, one for each class")
    items, labels, names = [], [], []
    refused = {item.name: "it lies beside the folders of the classes" for item in inside if item not in classes}
    for label, folder in enumerate(classes):
        for file in sorted(folder.iterdir()):
            name = f"{folder.name}/{file.name}"
            if file.name.startswith("."):
                continue
            try:
                if file.suffix.lower() != ending or not file.is_file():
                    raise ValueError(f"not a {ending} file")
                if file.stat().st_size > MAX_BYTES:
                    raise ValueError(f"more than {MAX_BYTES:,} bytes")
                items.append(read(file))
            except (ValueError, OSError) as error:  # OSError: it may not be read, or is gone
                refused[name] = str(error)
            else:
                labels.append(label)
                names.append(name)
        if label not in labels:
            raise ValueError(f"path: the class {folder.name} has no {ending} file that can be read")
    return OwnFiles(items, np.array(labels), tuple(folder.name for folder in classes), tuple(names), refused)


def _text(file):
    try:
        text = file.read_text(encoding="utf-8").strip()
    except UnicodeDecodeError:
        raise ValueError("not in UTF-8") from None
    if not text:
        raise ValueError("empty")
    return text


def _waveform(file):
    try:
        with wave.open(str(file), "rb") as recording:
            if recording.getsampwidth() != 2:
                raise ValueError(f"{8 * recording.getsampwidth()} bits a sample, expected 16")
            rate, channels = recording.getframerate(), recording.getnchannels()
            samples = np.frombuffer(recording.readframes(recording.getnframes()), "<i2")
    except (wave.Error, EOFError) as error:
        raise ValueError(f"no recording that can be read ({error})") from None
    samples = samples[: len(samples) // channels * channels].reshape(-1, channels)
    return sound.resampled(samples.mean(axis=1) / 32768, rate)
