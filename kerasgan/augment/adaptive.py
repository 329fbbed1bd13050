"""Adaptive discriminator augmentation (ADA): Karras et al. 2020, "Training Generative Adversarial Networks with Limited
Data".

A discriminator that has too few real samples learns them by heart, and what it teaches the generator is of no use any
more. `Augment` shows it changed images only, at random and with a fixed probability; the generator learns the unchanged
ones all the same as long as the change can be undone on distributions, which holds up to a probability of about 0.8
(section 2.2 and appendix C). `Adaptive` chooses the probability itself.
"""

import dataclasses
import difflib
import math
from dataclasses import dataclass
from typing import Any, ClassVar, NamedTuple

import keras
from keras import ops

from kerasgan.augment import geometry
from kerasgan.augment.color import recolor
from kerasgan.augment.corruption import add_noise, amplify, band_gains, cut_out
from kerasgan.augment.view import ImageView, precision
from kerasgan.game import schedules
from kerasgan.game.engines import mean_over_replicas, replica
from kerasgan.objectives.losses import at_least_float32

__all__ = ["TRANSFORMS", "Adaptive", "Augment", "augment", "next_probability"]


class Transform(NamedTuple):
    """What a transform takes from chance for each image: numbers, and whether it is carried out at all.

    Attributes:
        category: The paper's name of the group that it belongs to.
        values: How many numbers.
        normal: Whether the numbers are standard normal, else they are uniform from 0 to 1.
        gates: How many independent decisions.
    """

    category: str
    values: int
    normal: bool = False
    gates: int = 1


# In the order in which they are carried out: the paper's, appendix B.
TRANSFORMS = {
    "x_flip": Transform("blit", 1),
    "rotate_90": Transform("blit", 1),
    "integer_translation": Transform("blit", 2),
    "scale": Transform("geometry", 1, normal=True),
    "rotation": Transform("geometry", 2, gates=2),
    "anisotropic_scale": Transform("geometry", 1, normal=True),
    "fractional_translation": Transform("geometry", 2, normal=True),
    "brightness": Transform("color", 1, normal=True),
    "contrast": Transform("color", 1, normal=True),
    "luma_flip": Transform("color", 1),
    "hue": Transform("color", 1),
    "saturation": Transform("color", 1, normal=True),
    "filter": Transform("filter", 4, normal=True, gates=4),
    "noise": Transform("noise", 1, normal=True),
    "cutout": Transform("cutout", 2),
}
CATEGORIES = tuple(dict.fromkeys(transform.category for transform in TRANSFORMS.values()))


def augment(images, draws, probability):
    """Images through the paper's augmentations, in its order: a function of the random numbers given.

    Karras et al. 2020, appendix B; the strengths are the paper's. All blits and geometric transforms make one map, that
    is carried out once.

    | transform | change of an image of width w and height h; u uniform from 0 to 1, n standard normal |
    |---|---|
    | x_flip | mirrored where floor(2 u) = 1 |
    | rotate_90 | rotated by floor(4 u) quarter turns |
    | integer_translation | moved by ((2 u - 1) w / 8, (2 u' - 1) h / 8), rounded to whole pixels |
    | scale | enlarged by 2^(0.2 n) |
    | rotation | rotated by (2 u - 1) pi, before and after the next one; both together as often as another transform |
    | anisotropic_scale | enlarged by 2^(0.2 n) along x, and by its inverse along y |
    | fractional_translation | moved by (n w / 8, n' h / 8) |
    | brightness | 0.2 n is added |
    | contrast | multiplied by 2^(n / 2) |
    | luma_flip | brightness negated, colour kept, where floor(2 u) = 1 |
    | hue | colours rotated by (2 u - 1) pi about the grey axis |
    | saturation | colour multiplied by 2^n |
    | filter | each of four frequency bands amplified by 2^n, the expected power kept |
    | noise | white noise of deviation 0.1 abs(n) added |
    | cutout | a rectangle of half the sides about (u w, u' h) set to 0 |

    Args:
        images: Floats of shape (batch, height, width, channels) in about [-1, 1].
        draws: Dictionary of the transforms that are wanted: `{name: (values, gates)}`. The values are the random
            numbers of the table, the gates uniform ones; their shapes are (batch, values) and (batch, gates), the
            counts those of `TRANSFORMS`. A transform is carried out where its gate is below the probability. Under
            `"pixels"` stands the noise, standard normal numbers of the images' shape; without it none is added.
        probability: Scalar, p; each transform is carried out with it.

    Returns:
        Tensor of the shape and dtype of `images`; exactly `images` where no transform is carried out.
    """
    chosen = _Chosen(draws, probability, precision(images))
    inverse = _inverse_map(chosen, *images.shape[1:3])
    if inverse is not None:
        images = geometry.warp(images, inverse)
    images = recolor(
        images,
        brightness=chosen("brightness", lambda n: 0.2 * n, 0.0),
        contrast=chosen("contrast", lambda n: 2.0 ** (0.5 * n), 1.0),
        luma_flip=chosen("luma_flip", lambda u: ops.trunc(2 * u), 0.0),
        hue=chosen("hue", _angle, 0.0),
        saturation=chosen("saturation", lambda n: 2.0**n, 1.0),
    )
    if "filter" in draws:
        images = amplify(images, band_gains(chosen.open("filter"), chosen.values("filter")))
    if "noise" in draws and "pixels" in draws:
        images = add_noise(images, chosen("noise", lambda n: 0.1 * ops.abs(n), 0.0), draws["pixels"])
    if "cutout" in draws:
        images = cut_out(images, chosen.open("cutout")[:, 0], chosen.values("cutout"))
    return images


def _angle(u):
    return (2 * u - 1) * math.pi


class _Chosen:
    """Parameters of the transforms that chance has chosen for each image.

    Args:
        draws: As for `augment`.
        probability: Scalar.
        dtype: Of the parameters.
    """

    def __init__(self, draws, probability, dtype):
        self.draws, self.dtype = draws, dtype
        self.probability = ops.cast(probability, dtype)
        # Two rotations with this probability each make at least one with the wanted probability.
        self.probability_of_each = 1 - ops.sqrt(1 - ops.clip(self.probability, 0.0, 1.0))

    def values(self, name):
        """The transform's random numbers, shape (batch, values)."""
        return ops.cast(self.draws[name][0], self.dtype)

    def open(self, name):
        """Whether it is carried out, booleans of shape (batch, gates)."""
        gates = ops.cast(self.draws[name][1], self.dtype)
        return gates < (self.probability_of_each if name == "rotation" else self.probability)

    def __call__(self, name, make, neutral, part=0):
        """What `make` makes of one of the transform's numbers, shape (batch,), and `neutral` where its gate is shut.

        None if the transform is not wanted.
        """
        if name not in self.draws:
            return None
        made, gates = make(self.values(name)[:, part]), self.open(name)
        return ops.where(gates[:, part % gates.shape[1]], made, ops.cast(neutral, self.dtype))


def _inverse_map(chosen, height, width):
    """The product of the inverse maps, shape (batch, 3, 3), or None where no transform moves pixels."""
    maps = []

    def scale(name, make, x, y):
        factor = chosen(name, make, 1.0)
        if factor is not None:
            maps.append(geometry.inverse_scaling(factor**x, factor**y))

    def rotate(part):
        angle = chosen("rotation", _angle, 0.0, part)
        if angle is not None:
            maps.append(geometry.inverse_rotation(-angle))

    def move(name, share, whole):
        if name in chosen.draws:
            x, y = (pixels * chosen(name, share, 0.0, part) for part, pixels in enumerate((width, height)))
            maps.append(geometry.inverse_translation(*((ops.round(x), ops.round(y)) if whole else (x, y))))

    scale("x_flip", lambda u: 1 - 2 * ops.trunc(2 * u), 1, 0)
    turns = chosen("rotate_90", lambda u: ops.trunc(4 * u), 0.0)
    if turns is not None:
        maps.append(geometry.inverse_quarter_turns(ops.cast(turns, "int32"), chosen.dtype))
    move("integer_translation", lambda u: 0.125 * (2 * u - 1), True)
    scale("scale", lambda n: 2.0 ** (0.2 * n), 1, 1)
    rotate(0)
    scale("anisotropic_scale", lambda n: 2.0 ** (0.2 * n), 1, -1)
    rotate(1)
    move("fractional_translation", lambda n: 0.125 * n, False)
    return geometry.product(*maps) if maps else None


def draw(images, names, seed):
    """Random numbers for `augment`.

    Args:
        images: Floats of shape (batch, height, width, channels).
        names: Those of the wanted transforms.
        seed: `keras.random.SeedGenerator`.

    Returns:
        Dictionary `{name: (values, gates)}`, and `"pixels"` if noise is wanted.
    """
    batch, dtype = ops.shape(images)[0], precision(images)
    wanted = {name: TRANSFORMS[name] for name in names}
    uniforms = sum(t.gates + (0 if t.normal else t.values) for t in wanted.values())
    normals = sum(t.values for t in wanted.values() if t.normal)
    numbers = {False: keras.random.uniform((batch, uniforms), dtype=dtype, seed=seed)}
    if normals:
        numbers[True] = keras.random.normal((batch, normals), dtype=dtype, seed=seed)
    places = {False: 0, True: 0}

    def take(normal, count):
        start = places[normal]
        places[normal] += count
        return numbers[normal][:, start : start + count]

    draws: dict[str, Any] = {name: (take(t.normal, t.values), take(False, t.gates)) for name, t in wanted.items()}
    if "noise" in wanted:
        draws["pixels"] = keras.random.normal(ops.shape(images), dtype=dtype, seed=seed)
    return draws


def transforms_of(categories):
    """The names of transforms that names of categories or of single transforms stand for, in the order of `TRANSFORMS`.

    Raises:
        ValueError: For an unknown name, and for none at all.
    """
    known = (*CATEGORIES, *TRANSFORMS)
    for name in categories:
        if name not in known:
            near = difflib.get_close_matches(str(name), known, 1)
            raise ValueError(
                f"categories has {name!r}; expected some of {', '.join(map(repr, CATEGORIES))}, or of the single "
                f"transforms {', '.join(map(repr, TRANSFORMS))}." + (f" Did you mean {near[0]!r}?" if near else "")
            )
    if not categories:
        raise ValueError("categories is empty; expected at least one. Leave the view out for no augmentation.")
    return tuple(name for name, t in TRANSFORMS.items() if name in categories or t.category in categories)


class Pipeline(ImageView):
    """What `Augment` and `Adaptive` share: the transforms of `augment` that `categories` names, with a probability.

    A frozen dataclass with a field `categories` that defines `probability_at`.
    """

    smallest: ClassVar[int] = 2  # pixels: there is no reflection of a single one
    unshared: ClassVar[tuple[str, ...]] = ("pixels",)
    categories: tuple[str, ...]

    def __post_init__(self):
        given = (self.categories,) if isinstance(self.categories, str) else tuple(self.categories)
        object.__setattr__(self, "categories", given)
        transforms_of(given)

    def probability_at(self, images_seen):
        """The probability of each transform, a number or scalar tensor."""
        raise NotImplementedError(f"{type(self).__name__} must define probability_at().")

    def draw(self, images, seed):
        return draw(images, transforms_of(self.categories), seed)

    def transform(self, images, draws, images_seen=None):
        return augment(images, draws, self.probability_at(images_seen))


@keras.saving.register_keras_serializable(package="kerasgan")
@dataclass(frozen=True)
class Augment(Pipeline):
    """ADA's augmentations with a given probability: Karras et al. 2020, section 2.3 and appendix B.

    `augment` has the list of the transforms. Up to a probability of about 0.8 the generator learns the images without
    them; at 1 it learns rotated ones, for example, and nobody can tell (section 2.2).

    Args:
        probability: Probability of each transform, from 0 to 1: a number, or one of `kerasgan.game.schedules` (Huang et
            al. 2024, R3GAN, raise it over the training).
        categories: Names of categories ("blit", "geometry", "color", "filter", "noise", "cutout") or of single
            transforms, in any order.
    """

    probability: float | schedules.Schedule = 0.2
    categories: tuple[str, ...] = ("blit", "geometry", "color")

    def __post_init__(self):
        super().__post_init__()
        object.__setattr__(self, "probability", schedules.get(self.probability))
        p = self.probability
        if not all(0 <= end <= 1 for end in ((p.start, p.end) if isinstance(p, schedules.Schedule) else (p,))):
            raise ValueError(
                f"probability is {self.probability!r}, expected a number from 0 to 1, or a schedule of such."
            )

    @classmethod
    def from_text(cls, text):
        try:
            return cls(float(text))
        except ValueError as error:
            raise ValueError(f"'augment:{text}' is no augmentation; expected 'augment:PROBABILITY', as 0.2.") from error

    def probability_at(self, images_seen):
        if isinstance(self.probability, schedules.Schedule) and images_seen is None:
            raise ValueError(
                "images_seen is None; expected the number of real images, because the probability changes."
            )
        return schedules.value_at(self.probability, images_seen)


def next_probability(probability, mean_sign, images, target, kimg, limit=None):
    """The controller's step: Karras et al. 2020, section 3.1.

    Args:
        probability: Scalar tensor p.
        mean_sign: Scalar tensor from -1 to 1, the paper's r_t: the mean sign of the discriminator's logits for the real
            images since the last step.
        images: Scalar tensor, how many images these were.
        target: Where the mean sign should be.
        kimg: Thousands of images in which p moves by 1.
        limit: The highest p, or None.

    Returns:
        max(p + sign(mean_sign - target) images / (1000 kimg), 0), and at most `limit`.
    """
    moved = probability + ops.sign(mean_sign - target) * images / (1000.0 * kimg)
    moved = ops.maximum(moved, ops.zeros_like(moved))
    return moved if limit is None else ops.minimum(moved, limit)


@keras.saving.register_keras_serializable(package="kerasgan")
@dataclass(frozen=True)
class Adaptive(Pipeline):
    """ADA: the augmentations of `Augment` with a probability that keeps the discriminator from overfitting.

    Every `interval` steps p moves up or down by the share of `kimg` thousand images that these steps had, up if the
    mean sign of the discriminator's logits for real images is above the target, never below 0: Karras et al. 2020,
    section 3.1, heuristic r_t. The sign means something for losses in which a logit of 0 is undecided, not for
    Wasserstein and relativistic ones.

    Args:
        target: The wanted mean sign, between -1 and 1: 0.6 in the paper.
        interval: Steps from one change of the probability to the next, 4 in the paper.
        kimg: Thousands of real images over which the probability can move from 0 to 1: 500 in the paper, 100 for
            training on from other weights.
        initial: Probability at the start, from 0 to 1.
        limit: The highest probability, up to 1. None: no limit, as in the authors' code, where one above 1 works as 1
            does. Above 0.8 or so, what the discriminator is shown leaks into what is generated (section 2.2).
        categories: As for `Augment`.

    Attributes:
        probability: The current probability, a variable; once the view is built.
    """

    target: float = 0.6
    interval: int = 4
    kimg: float = 500.0
    initial: float = 0.0
    limit: float | None = None
    categories: tuple[str, ...] = ("blit", "geometry", "color")
    _states: ClassVar[tuple | None] = None

    def __post_init__(self):
        super().__post_init__()
        if not -1 < self.target < 1:
            raise ValueError(f"target is {self.target!r}, a mean of signs; expected a number between -1 and 1, as 0.6.")
        if self.interval < 1 or self.interval != int(self.interval):
            raise ValueError(f"interval is {self.interval!r}, expected 1, 2, 3, ... steps.")
        if not self.kimg > 0:
            raise ValueError(f"kimg is {self.kimg!r}, expected a positive number of thousands of images.")
        highest = 1 if self.limit is None else self.limit
        if not 0 < highest <= 1:
            raise ValueError(f"limit is {self.limit!r}, expected a number above 0 and up to 1, or None.")
        if not 0 <= self.initial <= highest:
            raise ValueError(f"initial is {self.initial!r}, expected a number from 0 to {highest}.")

    @classmethod
    def from_text(cls, text):
        return cls(categories=tuple(text.split(",")))

    def build(self, add_state):
        built = dataclasses.replace(self)
        start = keras.initializers.Constant(self.initial)
        states = add_state("augment_probability", initializer=start), add_state("augment_observed", shape=(4,))
        object.__setattr__(built, "_states", states)
        return built

    @property
    def states(self):
        """The variables of a view that is built: the probability, and what was observed since it changed."""
        if self._states is None:
            raise ValueError(f"{self} has no states yet. Play with the view that its build(add_state) returns.")
        return self._states

    @property
    def probability(self):
        return self.states[0]

    def probability_at(self, images_seen):
        return ops.convert_to_tensor(self.probability)

    def observe(self, real_logits, batch_size):
        probability, observed = map(ops.convert_to_tensor, self.states)
        logits = ops.stop_gradient(at_least_float32(real_logits))
        # Sums over this step: signs, logits and images of all replicas, and the step itself.
        mine = [ops.sum(ops.sign(logits)), ops.size(logits), batch_size]
        everyone = mean_over_replicas(ops.stack([ops.cast(part, "float32") for part in mine])) * replica()[1]
        observed = observed + ops.concatenate([everyone, ops.ones((1,), "float32")])
        signs, logits_seen, images, steps = (observed[i] for i in range(4))
        due = steps > self.interval - 0.5
        moved = next_probability(
            probability, ops.divide_no_nan(signs, logits_seen), images, self.target, self.kimg, self.limit
        )
        self.states[0].assign(ops.where(due, moved, probability))
        self.states[1].assign(ops.where(due, ops.zeros_like(observed), observed))

    def logs(self):
        return {"augment_probability": ops.convert_to_tensor(self.probability)}
