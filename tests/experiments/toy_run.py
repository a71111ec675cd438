"""A run for other processes: a module that takes no second to import."""

import os

from tlbook.files import sources

SOURCE = sources.Source("toy data", "bundled", 'A note, with a comma and "quotes".')


def run(stop):
    """Return the number of this process, and whether nothing ran in it before; or end it."""
    if stop:
        os._exit(9)  # as a process that is killed for the memory it takes
    first = not hasattr(sources, "MARK")
    sources.MARK = True
    return {"pid": os.getpid(), "first": int(first), "source": SOURCE}
