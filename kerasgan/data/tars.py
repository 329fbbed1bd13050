"""WebDataset tar files: the members of an example are consecutive and share their name up to the first dot.

The picture has a suffix such as `.jpg`, `.png` or `.webp`, the label (a number or a name) `.cls` and the caption
`.txt`. The numbers and texts in a `.json` file become columns, where "label" and "caption" have their usual roles.
"""

import json
import tarfile
from pathlib import Path
from typing import Any

from kerasgan.data.packed import Packed, recognise, renamed
from kerasgan.data.parts import Opened, Part
from kerasgan.data.picture import ENDINGS

VALUES = ("json", "txt", "cls")  # later ones override the values of earlier ones


class Tars(Packed):
    """WebDataset tar files. The arguments are those of `Packed`."""

    def samples(self):
        for path in self.paths:
            for key, members in _grouped(path).items():
                yield self._sample(path, key, members)

    def _sample(self, path, key, members):
        file = members.pop("")
        name = f"{path.name}/{key}"
        pictures = [ending for ending in members if f".{ending.rpartition('.')[2]}" in ENDINGS]
        wanted = self.chosen.get("image")
        if wanted is None and len(pictures) > 1:
            raise ValueError(
                f"{name} has the pictures {' and '.join(pictures)}; expected one: pass columns={{'image': "
                f"{pictures[0]!r}}}."
            )
        wanted = wanted or (pictures[0] if pictures else None)
        part = None
        if wanted in members:
            place, size = members[wanted]
            part = Part(file, place, size, name)
        fields: dict[str, Any] = {}
        for ending in VALUES:
            if ending in members:
                fields |= _values(ending, file.read(*members[ending]), name)
        chosen = {role: own for role, own in self.chosen.items() if role != "image"}
        roles = recognise([*fields, "(picture)"], ["(picture)"], chosen, name)
        return part, renamed(fields, roles)


def _values(ending, data, name):
    try:
        text = data.decode().strip()
        if ending == "json":
            found = json.loads(text)
            simple = found.items() if isinstance(found, dict) else ()
            return {key: value for key, value in simple if isinstance(value, (bool, int, float, str))}
    except ValueError as error:
        raise ValueError(f"{name}.{ending} cannot be read ({error}); expected UTF-8 text. Repair it.") from error
    if ending == "cls":
        return {"label": int(text) if text.removeprefix("-").isdecimal() else text}
    return {"caption": text}


def _grouped(path):
    """The dictionary `{key: {suffix: (position, size), "": file}}` of a tar file, in order."""
    groups: dict[str, dict] = {}
    file = Opened(path)
    try:
        with tarfile.open(path, "r:") as tar:
            for member in tar:
                tar.members = []  # type: ignore[attr-defined]  # would otherwise keep all members
                folder, _, base = member.name.removeprefix("./").rpartition("/")
                stem, dot, ending = base.partition(".")
                if not member.isreg() or not dot or not stem:
                    continue
                members = groups.setdefault(f"{folder}/{stem}" if folder else stem, {"": file})
                if ending.lower() in members:
                    raise ValueError(f"{path} has {member.name} twice; expected one of each name in a tar file.")
                members[ending.lower()] = member.offset_data, member.size
    except (tarfile.TarError, EOFError) as error:
        compressed = Path(path).read_bytes()[:2] == b"\x1f\x8b" if path.stat().st_size < 2**31 else False
        advice = "decompress it with gunzip" if compressed else "copy it again"
        raise ValueError(f"{path} cannot be read as a tar file ({error}); {advice}.") from error
    return groups
