"""The first cell of every notebook: on Colab it installs the book's package, and elsewhere it does nothing."""

import string

import address

INSTALL = """\
import sys

if "google.colab" in sys.modules:
    import subprocess
    from importlib import metadata

    print("Installing the package of the book. This takes a moment.")
    # Colab's own NumPy, Keras and TensorFlow stay as they are: they fit its GPU.
    there = {found.name for found in metadata.distributions()}
    keep = sorted(there & {"numpy", "keras", "tensorflow", "protobuf"})
    with open("keep.txt", "w") as file:
        file.writelines(f"{name}=={metadata.version(name)}\\n" for name in keep)
    url = "$url"
    package = f"tlbook[speech,search] @ git+{url}@$branch"
    pip = [sys.executable, "-m", "pip", "install", "-q", "-c", "keep.txt", package]
    done = subprocess.run(pip, capture_output=True, text=True)
    if done.returncode:
        raise RuntimeError(done.stderr)"""

STOP = """\
import sys

if "google.colab" in sys.modules:
    raise RuntimeError("The book has no public address yet to install from.")"""


def source(url, branch):
    """Return the code of the cell, for the address and the branch that `_config.yml` names.

    The package comes from that address and from no other: its bare name belongs to nobody on a package index, and
    whoever took it there could run code in the accounts of readers. While a placeholder stands in `_config.yml`, the
    cell says so and stops.
    """
    template = STOP if address.is_placeholder(url) else INSTALL
    return string.Template(template).substitute(url=url, branch=branch)
