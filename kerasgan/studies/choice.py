"""Chooses a GAN for given pictures, by rules from the literature and the costs of the families."""

import dataclasses
from dataclasses import dataclass, field
from typing import Any

FEWEST = 50  # pictures
SMALLEST = 16  # smallest shorter side in pixels
PER_CLASS = 50  # smallest number of pictures per class for a conditional model
FEW = 2_000  # number of pictures up to which FastGAN is suitable
AUGMENTED = 5_000  # number of pictures below which a DCGAN's discriminator memorises them without augmentation
ADAPTIVE = 30_000  # the same for StyleGAN2 with ADA, which turns itself off if it is not needed
ASYMMETRIC = 0.05  # `kerasgan.studies.look.asymmetry` above which pictures are not mirrored
SIZES = (16, 32, 64, 128, 256)
LONG = {"cpu": 30.0, "gpu": 120.0}  # minutes from which training uses the larger of two sizes
LARGEST = {"cpu": (32, 64), "gpu": (128, 256)}  # pixels for a short and a long training
WIDTHS_OF_FASTGAN = {"cpu": 8, "gpu": 64}
UNCONDITIONAL = ("fastgan",)


@dataclass(frozen=True)
class Facts:
    """Facts about the pictures and the machine.

    Args:
        count: Number of distinct pictures.
        side: Median of the shorter sides of the pictures, in pixels.
        classes: Number of pictures per class, by name; empty without classes.
        asymmetry: See `kerasgan.studies.look.Likeness`.
        device: "cpu" or "gpu".
        minutes: Training time in minutes.
        image_sizes: Image sizes that the data can have, or `None` for any.
    """

    count: int
    side: int
    classes: dict = field(default_factory=dict)
    asymmetry: float = 0.0
    device: str = "cpu"
    minutes: float = 60.0
    image_sizes: range | None = None


@dataclass(frozen=True)
class Choice:
    """One decision.

    Args:
        name: Subject of the decision, such as "family".
        value: The decision in words.
        why: Reason, and how to choose otherwise, in one sentence.
    """

    name: str
    value: str
    why: str


@dataclass(frozen=True)
class Plan:
    """A planned training.

    Args:
        family: Name of the family, as for `kerasgan train`.
        image_size: Size of the images in pixels.
        batch_size: Number of images per step.
        labels: Whether the model is conditional.
        flip: Whether to add mirrored copies of all pictures.
        recipe: Name of the recipe, or `None` for the family's first.
        settings: Constructor arguments and fields of the recipe, as for `kerasgan train --set`.
        choices: Decisions with their reasons.
    """

    family: str
    image_size: int
    batch_size: int
    labels: bool = False
    flip: bool = False
    recipe: str | None = None
    settings: dict = field(default_factory=dict)
    choices: tuple = field(default=(), compare=False)

    def command(self, data, *more):
        """The arguments of `kerasgan` for the same training, a list of strings.

        Args:
            data: Name of the data.
            *more: Additional arguments.
        """
        words = ["train", self.family, "--data", str(data), "--image-size", str(self.image_size)]
        words += ["--batch-size", str(self.batch_size)]
        words += [flag for flag, asked in (("--labels", self.labels), ("--flip", self.flip)) if asked]
        words += ["--recipe", self.recipe] if self.recipe else []
        words += ["--set", *(f"{name}={value}" for name, value in self.settings.items())] if self.settings else []
        return [*words, *map(str, more)]


def image_size_of(side, device="cpu", minutes=60.0, image_sizes=None):
    """The image size: at most that of the pictures, and at most what the device can learn in the given time.

    Args:
        side: Median of the pictures' shorter sides.
        device: "cpu" or "gpu".
        minutes: Training time in minutes.
        image_sizes: Image sizes that the data can have, or `None` for any.
    """
    most = LARGEST[device][minutes >= LONG[device]]
    allowed = [size for size in SIZES if image_sizes is None or size in image_sizes]
    return max((size for size in allowed if size <= min(side, most)), default=min(allowed, default=SIZES[0]))


def refusal(facts, force=False):
    """A sentence that says why these pictures are not suitable for a GAN, or `None`."""
    if facts.side < SMALLEST:
        return (
            f"Half of the pictures have {facts.side} pixels or fewer on the shorter side; expected {SMALLEST} or more, "
            "because smaller ones have too little to learn from. Use larger pictures; `kerasgan train dcgan` "
            "accepts small ones as they are."
        )
    if facts.count < FEWEST and not force:
        return (
            f"There are {facts.count} different pictures; expected {FEWEST} or more, because a GAN learns what "
            "pictures have in common, and can only copy so few. Collect a few hundred of one kind, or "
            "insist with --force."
        )
    return None


def uses_labels(facts, family=None):
    """Whether to train a conditional model, if the family supports classes."""
    return _labels(facts)[0] and family not in UNCONDITIONAL


def choose(facts, family=None, image_size=None, conditional=True, mirror=True):
    """Decides on a training.

    Args:
        facts: The `Facts`.
        family: Name of the requested family, if any.
        image_size: Requested image size, if any.
        conditional: Whether a conditional model may be chosen.
        mirror: Whether mirrored copies may be added.

    Returns:
        The `Plan`.
    """
    size = image_size or image_size_of(facts.side, facts.device, facts.minutes, facts.image_sizes)
    choices = [_size(facts, size, image_size is not None)]
    labels, about = _labels(facts)
    asked = family and family.lower().replace("_", "").replace("-", "")
    asked = asked if asked in RULES else family  # the user's own families keep their names
    name, why = (asked, "You asked for it.") if asked else _family(facts, size, labels and conditional)
    if labels and (name in UNCONDITIONAL or not conditional):
        labels, about = False, "You asked for none, or for a family without. With classes: --family dcgan."
    choices += [Choice("family", name, why), Choice("classes", "used" if labels else "not used", about)]
    plan = Plan(name, size, 32, labels, flip=mirror and facts.asymmetry < ASYMMETRIC)
    plan, more = RULES.get(name, _other)(facts, plan)
    plan = dataclasses.replace(plan, batch_size=max(1, min(plan.batch_size, _trained_on(facts.count, plan.flip))))
    choices += [*more, _mirroring(facts, mirror)]
    choices.append(Choice("batch size", str(plan.batch_size), "As the recipe says, or less for few pictures or cores."))
    return dataclasses.replace(plan, choices=tuple(choices))


def held_out_of(count):
    """Number of held-out pictures: a tenth of all, 20 to 1,000, or a quarter if there are very few."""
    return min(1_000, max(min(20, count // 4), count // 10))


def _trained_on(count, flip):
    return (count - held_out_of(count)) * (2 if flip else 1)


def _size(facts, size, asked):
    if asked:
        return Choice("image size", f"{size}x{size}", "You asked for it.")
    if 2 * size > facts.side:
        return Choice("image size", f"{size}x{size}", "The pictures are no larger. Another: --image-size.")
    cost = f"Twice the size costs about four times as much on this {facts.device}. Another: --image-size."
    return Choice("image size", f"{size}x{size}", cost)


def _labels(facts):
    """Whether the model should learn classes, and a sentence about it."""
    counts = facts.classes
    if len(counts) < 2:
        return False, "There are none. For a model of classes: pictures in two or more sub-folders, one for each class."
    small = [name for name, count in counts.items() if count < PER_CLASS]
    if small:
        named = ", ".join(small[:3]) + (", ..." if len(small) > 3 else "")
        return False, (
            f"{len(small)} of {len(counts)} classes have fewer than {PER_CLASS} pictures ({named}), too few to learn "
            "from. For a model of classes: add pictures to them, or take these classes away."
        )
    return True, f"All {len(counts)} classes have {PER_CLASS} pictures or more. Without: --no-classes."


def _family(facts, size, labels):
    """The family and the reason for it."""
    if facts.device == "gpu" and (labels or facts.count > FEW):
        return "stylegan2", "With ADA it makes the best pictures where a GPU bears its cost. Faster: --family dcgan."
    if labels:
        return "dcgan", "It learns classes at the least cost on processors. Better in many hours: --family stylegan2."
    if size < 32:
        return "dcgan", "It suits small pictures; FastGAN needs 32 pixels or more. Another: --family."
    if facts.count <= FEW:
        return "fastgan", f"It is made for some {FEW:,} pictures or fewer (Liu et al. 2021). Faster: --family dcgan."
    return "dcgan", "It learns many pictures at the least cost on processors. Better in many hours: --family stylegan2."


def _mirroring(facts, wanted):
    if not wanted:
        return Choice("mirroring", "no", "You asked for none.")
    if facts.asymmetry < ASYMMETRIC:
        return Choice(
            "mirroring",
            "yes",
            "Left and right are alike over all pictures, so mirrored copies double them. Without: --no-mirror.",
        )
    return Choice(
        "mirroring",
        "no",
        f"The pictures face one way, as text does ({facts.asymmetry:.0%} of the difference from the mirror images is "
        "the same in all): mirrored copies would be learned too. With: `kerasgan train --flip`.",
    )


# The families' settings -----------------------------------------------------------------------------------------------


def _fastgan(facts, plan):
    width = WIDTHS_OF_FASTGAN[facts.device]
    why = "The paper's width." if width == 64 else "Less than the paper's 64, so that an hour of processors is enough."
    return dataclasses.replace(plan, batch_size=8, settings={"width": width}), [
        Choice("networks", f"width {width}", f"{why} Another: --set width=... of `kerasgan train`."),
        Choice("augmentation", "diffaugment", "Part of FastGAN's recipe: it keeps the discriminator from memorising."),
    ]


def _dcgan(facts, plan):
    width = 64 if facts.device == "gpu" else 32
    settings: dict[str, Any] = {"width": width, "generator_width": width, "kernel_size": 4}
    if plan.labels:
        settings["conditioning"] = "projection"
    views = _diffaugment(facts)
    if views.value != "none":
        settings["views"] = views.value
    why = "Kernels of 4 pixels leave no chequerboard. Other widths: --set width=... of `kerasgan train`."
    batch = 64 if facts.count >= FEW else 32
    plan = dataclasses.replace(plan, batch_size=batch, settings=settings)
    return plan, [Choice("networks", f"width {width}", why), views]


def _stylegan2(facts, plan):
    settings: dict[str, Any] = {}
    recipe, batch, why = "auto", 32, "StyleGAN2-ADA's rule for one GPU."  # includes the sizes of the networks
    if facts.device == "cpu":
        recipe, batch, why = "small", 16, "Small networks without path length, for processors."
    views = Choice("augmentation", "none", f"From {ADAPTIVE:,} pictures on it is not needed. With: --set views=ada.")
    if facts.count * (1 + plan.flip) < ADAPTIVE:
        settings["views"] = "ada"
        about = "ADA augments as much as keeps the discriminator from memorising (Karras et al. 2020)."
        views = Choice("augmentation", "ada", f"{about} Without: --set 'views=()'.")
    plan = dataclasses.replace(plan, batch_size=batch, recipe=recipe, settings=settings)
    return plan, [Choice("networks", recipe, f"{why} Others: --recipe and --set of `kerasgan train`."), views]


def _other(facts, plan):
    views = _diffaugment(facts)
    settings = {} if views.value == "none" else {"views": views.value}
    return dataclasses.replace(plan, settings=settings), [views]


def _diffaugment(facts):
    if facts.count < AUGMENTED:
        about = f"Below {AUGMENTED:,} pictures it keeps the discriminator from memorising them (Zhao et al. 2020)."
        return Choice("augmentation", "diffaugment", f"{about} Without: --set 'views=()'.")
    about = f"From {AUGMENTED:,} pictures on it is not needed. With: --set views=diffaugment."
    return Choice("augmentation", "none", about)


RULES = {"fastgan": _fastgan, "dcgan": _dcgan, "stylegan2": _stylegan2}
