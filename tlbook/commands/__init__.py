"""Commands: what `python -m tlbook` does."""
