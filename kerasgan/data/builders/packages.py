"""Where the Debian packages are that some data sets read: the system, and what a user without root unpacked.

`tools/install_data_packages.sh` installs them; both places have the layout of `/`.
"""

import os
from pathlib import Path

INSTALL = "tools/install_data_packages.sh"


def packages_folder():
    """The folder of unpacked packages: `$KERASGAN_PACKAGES`, else `~/.cache/kerasgan/packages`."""
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    return Path(os.environ.get("KERASGAN_PACKAGES") or cache / "kerasgan" / "packages")


def installed(*paths):
    """The places where packages put something, as far as they exist.

    Args:
        *paths: Below the root of a package, as in `"usr/share/fonts"`.

    Returns:
        List of `pathlib.Path`, those of unpacked packages first.
    """
    places = [root / path for root in (packages_folder(), Path("/")) for path in paths]
    return [place for place in places if place.exists()]


def lacking(dataset, group, otherwise=""):
    """The sentence that says what to run where the packages of a data set are missing.

    Args:
        dataset: A `LocalDataset`.
        group: What `tools/install_data_packages.sh` calls its packages.
        otherwise: What else may be done, from "or" on.
    """
    return (
        f"{dataset.full_name} found {' or '.join(dataset.packages)} neither below {packages_folder()} nor on the "
        f"system: run {INSTALL} {group}{f', {otherwise}' if otherwise else ''}."
    )
