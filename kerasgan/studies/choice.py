"""Which GAN to train on given pictures: rules from the literature and from what the families cost."""

import dataclasses
from dataclasses import dataclass, field

FEWEST = 50  # pictures
SMALLEST = 16  # pixels of the shorter side
PER_CLASS = 50  # pictures of a class that a conditional model can learn from
FEW = 2_000  # pictures up to which FastGAN is made for them
AUGMENTED = 5_000  # pictures below which a DCGAN's discriminator memorises them unless it sees them augmented
ADAPTIVE = 30_000  # the same for StyleGAN2 with ADA, which stops by itself where it is not needed
ASYMMETRIC = 0.05  # `kerasgan.studies.look.asymmetry` from which pictures are not mirrored
SIZES = (16, 32, 64, 128, 256)
LONG = {"cpu": 30.0, "gpu": 120.0}  # minutes from which a training has the larger of two sizes
LARGEST = {"cpu": (32, 64), "gpu": (128, 256)}  # pixels in a short training and in a long one
UNCONDITIONAL = ("fastgan",)


@dataclass(frozen=True)
class Facts:
    """What is known of pictures and of the machine.

    Args:
        count: Number of different pictures.
        side: Median of their shorter sides, in pixels.
        classes: Number of pictures of each class, by its name; empty without classes.
        asymmetry: See `kerasgan.studies.look.Likeness`.
        device: "cpu" or "gpu".
        minutes: Time of the training.
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
        name: What was decided, such as "family".
        value: The decision in words.
        why: Its reason and how to choose otherwise, in one sentence.
    """

    name: str
    value: str
    why: str


@dataclass(frozen=True)
class Plan:
    """A training.

    Args:
        family: Name of the family, as for `kerasgan train`.
        image_size: Size of the images in pixels.
        batch_size: Number of images in a step.
        labels: Whether the model is conditional.
        flip: Whether each picture is trained on a second time, mirrored.
        recipe: Name of the recipe, or `None` for the family's first.
        settings: Constructor arguments and fields of the recipe, as for `kerasgan train --set`.
        choices: The decisions with their reasons.
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
            *more: Further arguments.
        """
        words = ["train", self.family, "--data", str(data), "--image-size", str(self.image_size)]
        words += ["--batch-size", str(self.batch_size)]
        words += [flag for flag, asked in (("--labels", self.labels), ("--flip", self.flip)) if asked]
        words += ["--recipe", self.recipe] if self.recipe else []
        words += ["--set", *(f"{name}={value}" for name, value in self.settings.items())] if self.settings else []
        return [*words, *map(str, more)]


def image_size_of(side, device="cpu", minutes=60.0, image_sizes=None):
    """The size of images: at most that of the pictures, and what the device can learn in the time.

    Args:
        side: Median of the pictures' shorter sides.
        device: "cpu" or "gpu".
        minutes: Time of the training.
        image_sizes: Image sizes that the data can have, or `None` for any.
    """
    most = LARGEST[device][minutes >= LONG[device]]
    allowed = [size for size in SIZES if image_sizes is None or size in image_sizes]
    return max((size for size in allowed if size <= min(side, most)), default=min(allowed, default=SIZES[0]))


def refusal(facts, force=False):
    """A sentence that says why these pictures are no data for a GAN, or `None`."""
    if facts.side < SMALLEST:
        return (
            f"The pictures are {facts.side} pixels on their shorter side (half of them at most); expected {SMALLEST} or "
            "more, because smaller ones have too little to learn from. Give larger pictures; `kerasgan train dcgan` "
            "takes small ones as they are."
        )
    if facts.count < FEWEST and not force:
        return (
            f"There are {facts.count} different pictures; expected {FEWEST} or more. A GAN learns what pictures have in "
            "common, and from so few it can only copy them. Collect some hundred pictures of one kind, or insist with "
            "--force."
        )
    return None


def choose(facts, family=None, image_size=None):
    """Decides on a training.

    Args:
        facts: The `Facts`.
        family: Name of the family, if it was asked for.
        image_size: Size of images, likewise.

    Returns:
        The `Plan`.
    """
    size = image_size or image_size_of(facts.side, facts.device, facts.minutes, facts.image_sizes)
    choices = [_size(facts, size, image_size is not None)]
    labels, about = _labels(facts)
    name, why = (family, "You asked for it.") if family else _family(facts, size, labels)
    name = name.lower().replace("_", "").replace("-", "")
    if labels and name in UNCONDITIONAL:
        labels, about = False, f"{name} has no classes: choose --family dcgan for a model of classes."
    choices += [Choice("family", name, why), Choice("classes", "used" if labels else "not used", about)]
    plan = Plan(name, size, 32, labels, flip=facts.asymmetry < ASYMMETRIC)
    plan, more = RULES.get(name, _other)(facts, plan)
    plan = dataclasses.replace(plan, batch_size=max(1, min(plan.batch_size, _trained_on(facts.count, plan.flip))))
    mirror = (
        "Left and right are alike over all pictures, so that mirrored copies double them; without: `kerasgan train` "
        "without --flip."
        if plan.flip
        else f"The pictures differ from their mirror images ({facts.asymmetry:.0%} of the difference is the same in all, "
        "as in text), so that mirrored copies would be learned as well; with: `kerasgan train --flip`."
    )
    choices += [*more, Choice("mirroring", "yes" if plan.flip else "no", mirror)]
    choices.append(Choice("batch size", str(plan.batch_size), "As the recipe says, or less for few pictures or cores."))
    return dataclasses.replace(plan, choices=tuple(choices))


def held_out_of(count):
    """Number of pictures that are never trained on: a tenth, 20 to 1,000 of them; a quarter of very few."""
    return min(1_000, max(min(20, count // 4), count // 10))


def _trained_on(count, flip):
    return (count - held_out_of(count)) * (2 if flip else 1)


def _size(facts, size, asked):
    if asked:
        return Choice("image size", f"{size}x{size}", "You asked for it.")
    limit = "the pictures are no larger" if size * 2 > facts.side else f"more would take longer on this {facts.device}"
    return Choice("image size", f"{size}x{size}", f"Larger pictures show more and cost four times as much for each doubling; {limit}: otherwise --image-size.")


def _labels(facts):
    """Whether the model learns classes, and a sentence about it."""
    counts = facts.classes
    if len(counts) < 2:
        return False, "There are none; pictures in two or more sub-folders, one for each class, make a model of classes."
    small = [name for name, count in counts.items() if count < PER_CLASS]
    if small:
        named = ", ".join(small[:3]) + (", ..." if len(small) > 3 else "")
        return False, (
            f"{len(small)} of {len(counts)} classes have fewer than {PER_CLASS} pictures ({named}), too few to learn: "
            "add pictures to them or take them away for a model of classes."
        )
    return True, f"All {len(counts)} classes have {PER_CLASS} pictures or more: pictures of each can be asked for."


def _family(facts, size, labels):
    """The family and the reason for it."""
    if facts.device == "gpu" and (labels or facts.count > FEW):
        return "stylegan2", "On a GPU the best pictures come from StyleGAN2 with ADA; --family dcgan is faster."
    if labels:
        return "dcgan", "Of the models of classes the DCGAN costs least on processors; --family stylegan2 makes better pictures of many hours."
    if size < 32:
        return "dcgan", "It is made for small pictures; --family fastgan is better from 32 pixels on."
    if facts.count <= FEW:
        return "fastgan", f"Up to {FEW:,} pictures without classes FastGAN learns most (Liu et al. 2021); otherwise --family dcgan."
    return "dcgan", "Of many pictures without classes the DCGAN learns fastest on processors; --family stylegan2 makes better pictures of many hours."


# The families' settings -----------------------------------------------------------------------------------------------


def _fastgan(facts, plan):
    width = 64 if facts.device == "gpu" else 16
    views = Choice("augmentation", "diffaugment", "The discriminator sees shifted, cut and recoloured pictures, which keeps it from memorising them; it is part of FastGAN's recipe.")
    settings = {} if width == 64 else {"width": width}
    why = "A quarter of the paper's width learns several times as many pictures a minute" if settings else "As in the paper"
    return (
        dataclasses.replace(plan, batch_size=8, settings=settings),
        [Choice("networks", f"width {width}", f"{why}: otherwise --set width=64 for `kerasgan train`."), views],
    )


def _dcgan(facts, plan):
    settings = {"width": 32, "generator_width": 32, "kernel_size": 4}
    if facts.device == "gpu":
        settings = {"width": 64, "generator_width": 64, "kernel_size": 4}
    if plan.labels:
        settings["conditioning"] = "projection"
    views = _diffaugment(facts)
    if views.value != "none":
        settings["views"] = views.value
    why = "Kernels of 4 pixels leave no chequerboard, and half of the paper's width is enough for small pictures: otherwise --set width=64."
    networks = Choice("networks", f"width {settings['width']}", why)
    batch = 64 if facts.count >= FEW else 32
    return dataclasses.replace(plan, batch_size=batch, settings=settings), [networks, views]


def _stylegan2(facts, plan):
    small = facts.device == "cpu"
    recipe = "small" if small else "auto"
    settings = (
        {"channel_base": 1024, "channel_max": 64, "latent_dim": 64, "style_dim": 64, "depth": 2}
        if small
        else {"channel_base": 16384, "depth": 2}
    )
    adaptive = facts.count * (1 + plan.flip) < ADAPTIVE
    if adaptive:
        settings["views"] = "ada"
    views = (
        Choice("augmentation", "ada", f"Below {ADAPTIVE:,} pictures the discriminator memorises them; ADA augments as much as is needed (Karras et al. 2020).")
        if adaptive
        else Choice("augmentation", "none", f"From {ADAPTIVE:,} pictures on none is needed; with: --set views=ada.")
    )
    networks = Choice("networks", recipe, "Small networks for processors." if small else "StyleGAN2-ADA's rule for one GPU.")
    return (
        dataclasses.replace(plan, batch_size=16 if small else 32, recipe=recipe, settings=settings),
        [networks, views],
    )


def _other(facts, plan):
    views = _diffaugment(facts)
    settings = {} if views.value == "none" else {"views": views.value}
    return dataclasses.replace(plan, settings=settings), [views]


def _diffaugment(facts):
    if facts.count < AUGMENTED:
        return Choice("augmentation", "diffaugment", f"Below {AUGMENTED:,} pictures the discriminator memorises them unless it sees shifted, cut and recoloured ones (Zhao et al. 2020); without: --set views=().")
    return Choice("augmentation", "none", f"From {AUGMENTED:,} pictures on none is needed; with: --set views=diffaugment.")


RULES = {"fastgan": _fastgan, "dcgan": _dcgan, "stylegan2": _stylegan2}
