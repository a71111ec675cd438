"""The public address of the book: `_config.yml` holds it, and what repeats it is written from there.

`make address URL=https://github.com/OWNER/REPOSITORY` sets it, `make address URL=` takes it back, `make address` shows
it. Until it is set, a placeholder stands there: pages have no launch buttons, and notebooks install nothing on Colab.
"""

import pathlib
import re
import sys
import urllib.parse

import yaml

from tlbook.files import cache

ROOT = pathlib.Path(__file__).resolve().parent.parent
PLACEHOLDER = "https://example.invalid/tlbook"


def repository(root=ROOT):
    """Return what `_config.yml` says of the repository: a dict with "url" and "branch"."""
    return yaml.safe_load((root / "_config.yml").read_text(encoding="utf-8"))["repository"]


def is_placeholder(url):
    """Return whether an address leads nowhere: its host ends in ".invalid", which nobody can ever own."""
    return (urllib.parse.urlsplit(url).hostname or "").endswith(".invalid")


def check(url):
    """Return an address as it is written down: without ".git" or a slash at its end, the placeholder where it is empty.

    Raises `ValueError` for anything but an https address of a repository on github.com.
    """
    if url in ("", PLACEHOLDER):
        return PLACEHOLDER
    name = url.removesuffix("/").removesuffix(".git")
    if not re.fullmatch(r"https://github\.com/[\w-]+/[\w.-]*[\w-]", name, re.ASCII):
        raise ValueError(f"URL: got {url!r}, expected https://github.com/OWNER/REPOSITORY, or nothing at all")
    return name


def write(url, root=ROOT):
    """Write an address into `_config.yml` and `CITATION.cff`; what stands there already is not touched.

    A citation does not name the placeholder. Raises `ValueError` as `check` does.
    """
    url = check(url)
    _rewrite(
        root / "_config.yml", lambda text: re.sub(r"(?m)(^repository:\n(?: .*\n)*?  url: ).*$", rf"\g<1>{url}", text)
    )
    line = "" if is_placeholder(url) else f"repository-code: {url}\n"
    _rewrite(root / "CITATION.cff", lambda text: re.sub(r"(?m)^repository-code:.*\n", "", text) + line)


def _rewrite(path, change):
    before = path.read_text(encoding="utf-8")
    if (after := change(before)) != before:
        cache.write_atomically(path, lambda file: file.write(after.encode()))
        print(path.name)


def main(arguments):
    """Set the address, if one is given, and show the one that holds; return what the process ends with."""
    try:
        for url in arguments:
            write(url)
    except ValueError as error:
        return str(error)
    url = repository()["url"]
    print(f"The address of the book: {url}{' (a placeholder)' * is_placeholder(url)}")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:2]))
