"""Locations of the Debian packages that some datasets read: the system, or a folder of unpacked packages.

`tools/install_data_packages.sh` installs or, without root, unpacks them. Both locations have the layout of `/`.
"""

import os
from pathlib import Path

INSTALL = "tools/install_data_packages.sh"


def packages_folder():
    """Returns the folder of unpacked packages: `$KERASGAN_PACKAGES`, or `~/.cache/kerasgan/packages`."""
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    return Path(os.environ.get("KERASGAN_PACKAGES") or cache / "kerasgan" / "packages")


def installed(*paths):
    """Returns the existing locations of paths of packages.

    Args:
        *paths: Paths relative to the root of a package, such as `"usr/share/fonts"`.

    Returns:
        A list of `pathlib.Path`, with those of unpacked packages first.
    """
    places = [root / path for root in (packages_folder(), Path("/")) for path in paths]
    return [place for place in places if place.exists()]
