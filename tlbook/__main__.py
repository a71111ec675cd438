"""The command line: `python -m tlbook doctor | fetch | mirror FOLDER | clear`."""

import argparse
import pathlib
import sys

from tlbook.commands import build_mirror, clear, doctor, fetch


def main(arguments=None):
    """Run one command and return its exit code: 0 where it did its work, otherwise 1."""
    parser = argparse.ArgumentParser(
        prog="python -m tlbook",
        description="Check this computer and fetch what the book needs.",
        epilog="TLBOOK_MIRROR: folder with a mirror. TLBOOK_OFFLINE=1: no downloads. "
        "TLBOOK_UPSTREAM: an address that downloads are asked for first. TLBOOK_CACHE: the cache folder. "
        "TLBOOK_COMPUTED: the folder of computed features, which is in the cache otherwise. "
        "TLBOOK_DATA=emoji10: what comes with the package in place of every recorded data set.",
    )
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    checking = commands.add_parser(
        "doctor", help="say what is here, what is missing, and where the rest would come from"
    )
    checking.set_defaults(run=lambda options: doctor.main())
    fetching = commands.add_parser("fetch", help="fetch models and small data sets into the cache")
    fetching.add_argument("--cifar10", action="store_true", help="fetch CIFAR-10 (170 MB) as well")
    fetching.set_defaults(run=lambda options: fetch.fetch_needs(options.cifar10, options.patience))
    build = commands.add_parser("mirror", help="build or repair a mirror for rooms without internet")
    build.add_argument("folder", type=pathlib.Path, metavar="FOLDER")
    build.set_defaults(run=lambda options: build_mirror.main(options.folder, options.patience))
    for command in (fetching, build):
        command.add_argument(
            "--patience",
            type=float,
            default=180,
            metavar="SECONDS",
            help="give up an address that would take longer than this (default: %(default)s)",
        )
    clearing = commands.add_parser("clear", help="remove computed features from the cache; downloads stay")
    clearing.set_defaults(run=lambda options: clear.main())
    options = parser.parse_args(arguments)
    try:
        return options.run(options) or 0
    except (OSError, ValueError) as error:
        print(f"python -m tlbook {options.command}: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("\ninterrupted; the same command takes it up again", file=sys.stderr)
        return 130


if __name__ == "__main__":
    sys.exit(main())
