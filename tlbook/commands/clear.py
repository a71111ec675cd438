"""Empty the cache of what can be computed again: `python -m tlbook clear`."""

from tlbook.files import cache


def main():
    """Remove all computed features and say how much that freed; downloads and data sets stay."""
    freed = cache.clear_computed()
    print(f"{cache.computed_dir()}: {freed / 1e6:.1f} MB freed. Downloads and data sets stay.")
