"""The command line: `python -m tlbook doctor | fetch | mirror FOLDER`."""

import argparse
import os
import pathlib
import sys

from tlbook import assets, doctor, mirror, sources


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
    fetch = commands.add_parser("fetch", help="fetch models and small data sets into the cache, unless they are here")
    fetch.add_argument("--cifar10", action="store_true", help="fetch CIFAR-10 (170 MB) as well")
    build = commands.add_parser("mirror", help="build or repair a mirror for rooms without internet")
    build.add_argument("folder", type=pathlib.Path, metavar="FOLDER")
    for command in (fetch, build):
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
            fetch_needs(options.cifar10, options.patience)
        else:
            if mirror.mirror_dir() and mirror.mirror_dir().resolve() == options.folder.resolve():
                del os.environ["TLBOOK_MIRROR"]  # it cannot be its own source
            entries = mirror.build_mirror(options.folder, patience_s=options.patience)
            print(f"{options.folder}: {len(entries)} files. Use it with TLBOOK_MIRROR={options.folder.resolve()}")
    except (OSError, ValueError) as error:
        print(f"python -m tlbook {options.command}: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("\ninterrupted; the same command takes it up again", file=sys.stderr)
        return 130
    return 0


def fetch_needs(cifar10, patience_s):
    """Bring what the chapters need into the cache; say what takes the place of data that cannot be had.

    Raises `tlbook.sources.NotFound` for what nothing stands in for, after all the rest was tried.
    """
    needs = [need for need in assets.NEEDS if cifar10 or assets.CIFAR10 not in need]
    missing = [need[0].size_bytes for need in needs if not sources.find_local(*need)[0]]
    if missing and not sources.offline():
        print(f"{len(missing)} files to fetch, {sum(missing) / 1e6:.0f} MB in all")
    failure = None
    for need in needs:
        try:
            sources.find(*need, patience_s=patience_s)
        except sources.NotFound as error:
            if need[0].stand_in:
                print(f"{need[0].name}: not found. In its place: {need[0].stand_in}.")
            failure = failure or (None if need[0].stand_in else error)
    if failure:
        raise failure


if __name__ == "__main__":
    sys.exit(main())
