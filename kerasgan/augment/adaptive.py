"""Adaptive discriminator augmentation (ADA).

Karras et al. 2020, "Training Generative Adversarial Networks with Limited Data". A discriminator memorises a small data
set, and its gradients then no longer help the generator. ADA trains it on randomly transformed images, real and
generated alike. The generator still learns untransformed images, provided that each transform is skipped often enough:
up to a probability of about 0.8 (section 2.2 and appendix C).

`Augment` has a given probability, `Adaptive` controls it.
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
    """The random numbers that a transform needs for each image.

    Attributes:
        category: Name of the paper's group of transforms.
        values: Number of random parameters.
        normal: Whether the parameters are standard normal; otherwise they are uniform from 0 to 1.
        gates: Number of independent decisions on whether to apply the transform.
    """

    category: str
    values: int
    normal: bool = False
    gates: int = 1


# In the order of their application, which is that of appendix B.
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
    """Applies the paper's transforms, as a function of the images and the random numbers alone.

    Karras et al. 2020, appendix B, with the strengths and the order of the paper. All transforms of the categories blit
    and geometry are composed and applied as one warp.

    | category | transform | effect on an image of w x h pixels, for u ~ U(0, 1) and n ~ N(0, 1) |
    |---|---|---|
    | blit | x_flip | Mirrored if floor(2 u) = 1. |
    | blit | rotate_90 | Rotated by floor(4 u) quarter turns. |
    | blit | integer_translation | Shifted by ((2 u - 1) w / 8, (2 u' - 1) h / 8), rounded to whole pixels. |
    | geometry | scale | Scaled by 2^(0.2 n). |
    | geometry | rotation | Rotated by (2 u - 1) pi before and after the next transform, at least once with p. |
    | geometry | anisotropic_scale | Scaled by 2^(0.2 n) along x and by 2^(-0.2 n) along y. |
    | geometry | fractional_translation | Shifted by (n w / 8, n' h / 8). |
    | color | brightness | Increased by 0.2 n. |
    | color | contrast | Multiplied by 2^(0.5 n). |
    | color | luma_flip | Sign of the luma changed if floor(2 u) = 1. |
    | color | hue | Chroma rotated by (2 u - 1) pi about the grey axis. |
    | color | saturation | Chroma multiplied by 2^n. |
    | filter | filter | Each of four frequency bands multiplied by 2^n, with the expected power restored. |
    | noise | noise | White noise of standard deviation 0.1 abs(n) added. |
    | cutout | cutout | Rectangle of w/2 x h/2 pixels around (u w, u' h) set to 0. |

    Args:
        images: Floats of shape (batch, height, width, channels), approximately in [-1, 1].
        draws: Random numbers of the transforms to apply, `{name: (values, gates)}`. `values` has the shape (batch,
            number of values) and the distribution of the table. `gates` is uniform from 0 to 1 and has the shape
            (batch, number of gates). `TRANSFORMS` lists both numbers. A transform is applied where the gate is smaller
            than `probability`. The optional entry `"pixels"` is the noise: standard normal numbers of the images'
            shape.
        probability: Probability p of each transform, a scalar.

    Returns:
        Tensor of the shape and dtype of `images`; exactly `images` where no transform is applied.
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
    """Parameters of the transforms for each image.

    Args:
        draws: Random numbers, as in `augment`.
        probability: Probability of each transform, a scalar.
        dtype: Dtype of the parameters.
    """

    def __init__(self, draws, probability, dtype):
        self.draws, self.dtype = draws, dtype
        self.probability = ops.cast(probability, dtype)
        # Two independent rotations with this probability: at least one of them happens with probability p.
        self.probability_of_each = 1 - ops.sqrt(1 - ops.clip(self.probability, 0.0, 1.0))

    def values(self, name):
        """Random parameters of a transform, shape (batch, number of values)."""
        return ops.cast(self.draws[name][0], self.dtype)

    def open(self, name):
        """Whether a transform is applied, booleans of shape (batch, number of gates)."""
        gates = ops.cast(self.draws[name][1], self.dtype)
        return gates < (self.probability_of_each if name == "rotation" else self.probability)

    def __call__(self, name, make, neutral, part=0):
        """`make(value)` for one of a transform's values where it is applied, else `neutral`: shape (batch,).

        `None` if the transform has no random numbers.
        """
        if name not in self.draws:
            return None
        made, gates = make(self.values(name)[:, part]), self.open(name)
        return ops.where(gates[:, part % gates.shape[1]], made, ops.cast(neutral, self.dtype))


def _inverse_map(chosen, height, width):
    """Inverse of the composed geometric transforms, shape (batch, 3, 3), or `None` if there are none."""
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
    """Draws random numbers for `augment`.

    Args:
        images: Floats of shape (batch, height, width, channels).
        names: Names of the transforms.
        seed: `keras.random.SeedGenerator`.

    Returns:
        A dictionary `{name: (values, gates)}`, with the entry `"pixels"` if the noise is among the names.
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
    """Names of all transforms in a selection, in the order of `TRANSFORMS`.

    Args:
        categories: Names of categories or of single transforms.

    Raises:
        ValueError: If a name is unknown or the selection is empty.
    """
    known = (*CATEGORIES, *TRANSFORMS)
    for name in categories:
        if name not in known:
            near = difflib.get_close_matches(str(name), known, 1)
            raise ValueError(
                f"`categories` has {name!r}; expected some of {', '.join(map(repr, CATEGORIES))}, or of the single "
                f"transforms {', '.join(map(repr, TRANSFORMS))}." + (f" Did you mean {near[0]!r}?" if near else "")
            )
    if not categories:
        raise ValueError("`categories` is empty; expected at least one name. Leave the view out for no augmentation.")
    return tuple(name for name, t in TRANSFORMS.items() if name in categories or t.category in categories)


class Pipeline(ImageView):
    """Base class of `Augment` and `Adaptive`: applies the transforms of `augment` with some probability.

    A subclass is a frozen dataclass with a field `categories` and defines `probability_at`.
    """

    smallest: ClassVar[int] = 2  # a single pixel cannot be reflected
    unshared: ClassVar[tuple[str, ...]] = ("pixels",)
    categories: tuple[str, ...]

    def __post_init__(self):
        given = (self.categories,) if isinstance(self.categories, str) else tuple(self.categories)
        object.__setattr__(self, "categories", given)
        transforms_of(given)

    def probability_at(self, images_seen):
        """Probability of each transform, a number or scalar tensor."""
        raise NotImplementedError(f"{type(self).__name__} must define probability_at().")

    def draw(self, images, seed):
        return draw(images, transforms_of(self.categories), seed)

    def transform(self, images, draws, images_seen=None):
        return augment(images, draws, self.probability_at(images_seen))


@keras.saving.register_keras_serializable(package="kerasgan")
@dataclass(frozen=True)
class Augment(Pipeline):
    """ADA's transforms with a given probability: Karras et al. 2020, section 2.3 and appendix B.

    `kerasgan.augment.adaptive.augment` describes the transforms. With a probability of more than about 0.8 the
    generator may learn transformed images, rotated ones for example (section 2.2).

    Args:
        probability: Probability of each transform, a number from 0 to 1 or one of `kerasgan.game.schedules`. R3GAN
            (Huang et al. 2024) increases it during training.
        categories: Names of categories ("blit", "geometry", "color", "filter", "noise", "cutout") or of single
            transforms.
    """

    probability: float | schedules.Schedule = 0.2
    categories: tuple[str, ...] = ("blit", "geometry", "color")

    def __post_init__(self):
        super().__post_init__()
        object.__setattr__(self, "probability", schedules.get(self.probability))
        p = self.probability
        if not all(0 <= end <= 1 for end in ((p.start, p.end) if isinstance(p, schedules.Schedule) else (p,))):
            raise ValueError(
                f"`probability` is {self.probability!r}; expected a number from 0 to 1 or a schedule in this range."
            )

    @classmethod
    def from_text(cls, text):
        try:
            return cls(float(text))
        except ValueError as error:
            raise ValueError(
                f"`text` is {text!r}; expected a probability from 0 to 1, such as 0.2 in 'augment:0.2'."
            ) from error

    def probability_at(self, images_seen):
        if isinstance(self.probability, schedules.Schedule) and images_seen is None:
            raise ValueError(
                "`images_seen` is None; expected the number of real images trained on, which the schedule needs."
            )
        return schedules.value_at(self.probability, images_seen)


def next_probability(probability, mean_sign, images, target, kimg, limit=None):
    """One step of the controller of the probability: Karras et al. 2020, section 3.

    Args:
        probability: Current probability p, a scalar tensor.
        mean_sign: Mean sign of the discriminator's logits for the real images since the last step, a scalar tensor from
            -1 to 1; r_t in the paper.
        images: Number of these images, a scalar tensor.
        target: Target of the mean sign.
        kimg: Thousands of images over which p changes by 1.
        limit: Upper bound of p, or `None`.

    Returns:
        Scalar tensor max(p + sign(mean_sign - target) images / (1000 kimg), 0), bounded by `limit`.
    """
    moved = probability + ops.sign(mean_sign - target) * images / (1000.0 * kimg)
    moved = ops.maximum(moved, ops.zeros_like(moved))
    return moved if limit is None else ops.minimum(moved, limit)


@keras.saving.register_keras_serializable(package="kerasgan")
@dataclass(frozen=True)
class Adaptive(Pipeline):
    """ADA's transforms with a probability that follows the overfitting of the discriminator.

    Karras et al. 2020, section 3: r_t is the mean sign of the discriminator's logits for real images. It is near 0
    without overfitting and 1 if the discriminator is sure of all real images. After every `interval` steps the
    probability increases if r_t is above the target and decreases otherwise, but not below 0.

    r_t needs a loss for which a logit of 0 means undecided, such as "non_saturating" and "hinge". It has no meaning for
    Wasserstein and relativistic losses; use `Augment` with these.

    Args:
        target: Target of r_t, between -1 and 1; 0.6 in the paper.
        interval: Number of steps between two changes of the probability; 4 in the paper.
        kimg: Thousands of real images over which the probability changes by 1; 500 in the paper, and 100 in the
            authors' code for training from pretrained weights.
        initial: Probability at the start of training, from 0 to 1.
        limit: Upper bound of the probability, above 0 and up to 1, or `None` as in the paper. With a probability of
            more than about 0.8 the generator may learn transformed images (section 2.2).
        categories: Names of categories or of single transforms, as in `Augment`.

    Attributes:
        probability: Variable of the current probability. Only views that `build` returned have it.
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
            raise ValueError(f"`target` is {self.target!r}; expected a mean sign between -1 and 1, such as 0.6.")
        if self.interval < 1 or self.interval != int(self.interval):
            raise ValueError(f"`interval` is {self.interval!r}; expected 1, 2, 3, ... steps.")
        if not self.kimg > 0:
            raise ValueError(f"`kimg` is {self.kimg!r}; expected a positive number of thousands of images.")
        highest = 1 if self.limit is None else self.limit
        if not 0 < highest <= 1:
            raise ValueError(f"`limit` is {self.limit!r}; expected a number above 0 and up to 1, or None.")
        if not 0 <= self.initial <= highest:
            raise ValueError(f"`initial` is {self.initial!r}; expected a number from 0 to {highest}.")

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
        """Variables of a built view: the probability, and sums over the steps since its last change."""
        if self._states is None:
            raise ValueError(f"{self} has no states; expected a built view. Use what view.build(add_state) returns.")
        return self._states

    @property
    def probability(self):
        return self.states[0]

    def probability_at(self, images_seen):
        return ops.convert_to_tensor(self.probability)

    def observe(self, real_logits, batch_size):
        probability, observed = map(ops.convert_to_tensor, self.states)
        logits = ops.stop_gradient(at_least_float32(real_logits))
        # Sums over all replicas: signs of the logits, number of logits, number of images.
        mine = [ops.sum(ops.sign(logits)), ops.size(logits), batch_size]
        everyone = mean_over_replicas(ops.stack([ops.cast(part, observed.dtype) for part in mine])) * replica()[1]
        observed = observed + ops.concatenate([everyone, ops.ones((1,), observed.dtype)])
        signs, logits_seen, images, steps = (observed[i] for i in range(4))
        due = steps > self.interval - 0.5
        moved = next_probability(
            probability, ops.divide_no_nan(signs, logits_seen), images, self.target, self.kimg, self.limit
        )
        self.states[0].assign(ops.where(due, moved, probability))
        self.states[1].assign(ops.where(due, ops.zeros_like(observed), observed))

    def logs(self):
        return {"augment_probability": ops.convert_to_tensor(self.probability)}
