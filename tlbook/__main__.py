"""The command line: `python -m tlbook doctor | fetch | mirror FOLDER`."""

import argparse
import os
import pathlib
import sys

from tlbook.commands import build_mirror, doctor, fetch
from tlbook.files import mirror


def main(arguments=None):
    """Run one command and return its exit code: 0 where it did its work, otherwise 1."""
    parser = argparse.ArgumentParser(
        prog="python -m tlbook",
        description="Check this computer and fetch what the book needs.",
        epilog="TLBOOK_MIRROR: folder with a mirror. TLBOOK_OFFLINE=1: no downloads. TLBOOK_CACHE: the cache folder. "
        "TLBOOK_DATA=emoji10: what comes with the package in place of every recorded data set.",
    )
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    commands.add_parser("doctor", help="say what is here, what is missing, and where data and weights would come from")
    fetching = commands.add_parser("fetch", help="fetch models and small data sets into the cache")
    fetching.add_argument("--cifar10", action="store_true", help="fetch CIFAR-10 (170 MB) as well")
    build = commands.add_parser("mirror", help="build or repair a mirror for rooms without internet")
    build.add_argument("folder", type=pathlib.Path, metavar="FOLDER")
    for command in (fetching, build):
        command.add_argument(
            "--patience",
            type=float,
            default=180,
            metavar="SECONDS",
            help="give up an address that would take longer than this (default: %(default)s)",
        )
    options = parser.parse_args(arguments)
    try:
        if options.command == "doctor":
            return doctor.main()
        if options.command == "fetch":
            fetch.fetch_needs(options.cifar10, options.patience)
        else:
            if mirror.mirror_dir() and mirror.mirror_dir().resolve() == options.folder.resolve():
                del os.environ["TLBOOK_MIRROR"]  # it cannot be its own source
            entries = build_mirror.build_mirror(options.folder, patience_s=options.patience)
            print(f"{options.folder}: {len(entries)} files. Use it with TLBOOK_MIRROR={options.folder.resolve()}")
    except (OSError, ValueError) as error:
        print(f"python -m tlbook {options.command}: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("\ninterrupted; the same command takes it up again", file=sys.stderr)
        return 130
    return 0


if __name__ == "__main__":
    sys.exit(main())
