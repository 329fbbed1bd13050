"""What was loaded, for the record of a run: the source, how it was read, and the names of the classes."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Description:
    """What `kerasgan.data.load` gave, and how to have it again.

    Attributes:
        name: Name, path, or "arrays".
        split: Name of the split, or two of them.
        count: Number of examples, mirrored ones included.
        class_names: Names of the classes in the order of the labels; empty where there are none.
        options: Arguments of `load` that decide what an example is, those that are not the default, JSON-ready:
            `image_size`, `crop`, `class_names`, ... `load(name, other_split, **options)` reads other data alike.
        flip: Whether each image also comes mirrored.
        skipped: Number of files that could not be read.
        left_out: Number of pictures of other formats, or beside the class folders.
    """

    name: str
    split: Any
    count: int
    class_names: tuple = ()
    options: dict = field(default_factory=dict)
    flip: bool = False
    skipped: int = 0
    left_out: int = 0

    def entries(self):
        """JSON-ready, for `run.json` and presets."""
        split = self.split if isinstance(self.split, str) else list(self.split)
        found = {"name": self.name, "split": split, "images": self.count, "class_names": list(self.class_names)}
        rest = {"options": self.options, "flip": self.flip, "skipped": self.skipped, "left_out": self.left_out}
        return {**found, **{name: value for name, value in rest.items() if value}}


def check_class_names(names, earlier, what="the data"):
    """Refuses data whose labels mean other classes than those that a model was trained on.

    Args:
        names: Names of the classes now, in the order of their labels; empty for unknown ones.
        earlier: Those of the training, as in `Description.entries()["class_names"]`.
        what: What the messages call the data.

    Raises:
        ValueError: The names differ, or their order does.
    """
    names, earlier = tuple(names or ()), tuple(earlier or ())
    if not names or not earlier or names == earlier:
        return
    moved = [
        f"{number} was {before!r} and is {now!r}"
        for number, (before, now) in enumerate(zip(earlier, names, strict=False))
        if before != now
    ]
    changed = "; ".join(moved[:3]) or f"there were {len(earlier)} classes and are {len(names)}"
    raise ValueError(
        f"{what} has the classes {', '.join(names)}; expected {', '.join(earlier)}, as in the training, or the labels "
        f"would mean other classes ({changed}). Rename the class folders as they were, or pass class_names in "
        "the order of the training."
    )


def class_numbers(labels, class_names: Sequence[str] = (), num_classes=None):
    """Numbers of classes that a person named.

    Args:
        labels: Names or numbers, a list or a text such as "cat,dog" or "0,3".
        class_names: Names in the order of the labels, where they are known.
        num_classes: Number of classes, where the names are not known.

    Returns:
        A list of integers.

    Raises:
        ValueError: There is no such class.
    """
    parts = labels.split(",") if isinstance(labels, str) else list(labels)
    count = len(class_names) or num_classes
    numbers = []
    for part in (part.strip() if isinstance(part, str) else part for part in parts):
        if isinstance(part, str) and part in class_names:  # a name first: class "7" need not have the number 7
            numbers.append(list(class_names).index(part))
            continue
        try:
            number = int(part)
        except (TypeError, ValueError):
            number = -1
        if not 0 <= number < (count or number + 1):
            known = f"{', '.join(class_names)}, or " if class_names else ""
            last = "..." if count is None else f"to {count - 1}"
            raise ValueError(f"labels has {part!r}; expected {known}numbers from 0 {last}.")
        numbers.append(number)
    return numbers
