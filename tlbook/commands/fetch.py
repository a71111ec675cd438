"""Fetch what the chapters need into the cache: `python -m tlbook fetch`."""

from tlbook.files import addresses, assets, cache, sources


def fetch_needs(cifar10, patience_s):
    """Bring what the chapters need into the cache; say what takes the place of data that cannot be had.

    Raises `tlbook.files.sources.NotFound` for what nothing stands in for, after all the rest was tried, and before
    anything is fetched as `check_cache` does.
    """
    needs = [need for need in assets.NEEDS if cifar10 or not need[0].option]
    check_cache(needs)
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


def check_cache(needs):
    """Say how much of the needs must be fetched, and whether that can be begun at all.

    Raises `tlbook.files.cache.NoRoom` where the cache cannot take it, and `ValueError` where `TLBOOK_UPSTREAM` is no
    address.
    """
    addresses.upstream()
    missing = []
    for need in needs:
        # What is fetched for one need may serve another.
        if not sources.find_local(*need)[0] and not set(need) & set(missing):
            missing.append(need[0])
    size = sum(asset.size_bytes for asset in missing)
    if missing and not sources.offline():
        print(f"{len(missing)} files to fetch, {size / 1e6:.0f} MB in all")
        cache.check_room(cache.cache_dir(), size)
