"""Where a file is asked for: at its own addresses, and before them below the one that `TLBOOK_UPSTREAM` names."""

import os
import urllib.parse


def addresses(urls, file_name):
    """Return a list of where a file is asked for: below `TLBOOK_UPSTREAM`, where that is set, then at its own `urls`.

    Raises `ValueError` where `TLBOOK_UPSTREAM` is no address that begins with https:// or http://.
    """
    base = upstream()
    return [f"{base}/{file_name}", *urls] if base and urls else list(urls)


def upstream():
    """Return the address that `TLBOOK_UPSTREAM` names, without a slash at its end, or an empty string.

    Raises `ValueError` as `addresses` does.
    """
    base = os.environ.get("TLBOOK_UPSTREAM", "")
    parts = urllib.parse.urlsplit(base)
    if base and (parts.scheme not in ("https", "http") or not parts.netloc):
        raise ValueError(f"TLBOOK_UPSTREAM: got {base!r}, expected an address such as https://HOST/FOLDER")
    return base.rstrip("/")
