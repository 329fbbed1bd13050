"""Description of loaded data for the record of a run: source, options and class names."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Description:
    """Description of data that `kerasgan.data.load` returned, with the options to load them again.

    Attributes:
        name: Name, path, or "arrays".
        split: Name of the split, or of two splits.
        count: Number of examples, including mirrored ones.
        class_names: Names of the classes in the order of the labels; empty if there are none.
        options: Non-default arguments of `load` that determine the examples, JSON-serialisable: `image_size`, `crop`,
            `class_names`, etc. `load(name, other_split, **options)` reads other data in the same way.
        flip: Whether there is a mirrored copy of each image.
        skipped: Number of files that could not be read.
        left_out: Number of images in other formats, or outside the class folders.
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
        """Returns a JSON-serialisable dictionary for `run.json` and presets."""
        split = self.split if isinstance(self.split, str) else list(self.split)
        found = {"name": self.name, "split": split, "images": self.count, "class_names": list(self.class_names)}
        rest = {"options": self.options, "flip": self.flip, "skipped": self.skipped, "left_out": self.left_out}
        return {**found, **{name: value for name, value in rest.items() if value}}


def check_class_names(names, earlier, what="the data"):
    """Raises an error if labels refer to other classes than those that a model was trained on.

    Args:
        names: Names of the classes, in the order of their labels; empty if unknown.
        earlier: Names of the classes of the training, as in `Description.entries()["class_names"]`.
        what: Name of the data in messages.

    Raises:
        ValueError: If the names or their order differ.
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
        f"{what} has the classes {', '.join(names)}; expected {', '.join(earlier)} as in the training, because the "
        "labels "
        f"would refer to other classes ({changed}). Restore the names of the class folders, or pass class_names in "
        "the order of the training."
    )


def class_numbers(labels, class_names: Sequence[str] = (), num_classes=None):
    """Returns the numbers of the classes given by a user.

    Args:
        labels: Names or numbers, as a list or a string such as "cat,dog" or "0,3".
        class_names: Names in the order of the labels, if known.
        num_classes: Number of classes, if the names are not known.

    Returns:
        A list of integers.

    Raises:
        ValueError: If a class is unknown.
    """
    parts = labels.split(",") if isinstance(labels, str) else list(labels)
    count = len(class_names) or num_classes
    numbers = []
    for part in (part.strip() if isinstance(part, str) else part for part in parts):
        if isinstance(part, str) and part in class_names:  # names take precedence: class "7" need not have the number 7
            numbers.append(list(class_names).index(part))
            continue
        try:
            number = int(part)
        except (TypeError, ValueError):
            number = -1
        if not 0 <= number < (count or number + 1):
            known = f"{', '.join(class_names)}, or " if class_names else ""
            last = "..." if count is None else f"to {count - 1}"
            raise ValueError(f"`labels` has {part!r}; expected {known}numbers from 0 {last}.")
        numbers.append(number)
    return numbers
