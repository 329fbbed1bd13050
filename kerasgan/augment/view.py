"""What stands in front of a discriminator: the base class of the views of its input."""

from typing import ClassVar

import keras
from keras import ops

from kerasgan.objectives.losses import Configured

__all__ = ["ImageView", "View", "per_sample", "precision"]


class View(Configured):
    """Base class of the views: a random change of what a discriminator is shown, real and generated samples alike.

    A game has one door to its discriminators, and every sample goes through the views in front of it, in the loss of
    the discriminator, in that of the generator, and in penalties: those are gradients with respect to the samples
    before the views, as in Karras et al. 2020 ("Training Generative Adversarial Networks with Limited Data",
    section 2.2). A view must therefore be differentiable twice with respect to the samples.

    A subclass is a frozen dataclass, registered with `keras.saving.register_keras_serializable`, that defines
    `__call__`; two views are equal if they are of the same class and their fields are equal.

    Attributes:
        group: Number of samples that the view joins into one.
    """

    group = 1

    @classmethod
    def from_text(cls, text):
        """The view that a text behind the colon of its name stands for, as 2 does in `"packed:2"`.

        Args:
            text: Arguments of the view, without white space.

        Raises:
            ValueError: If the view takes no such arguments.
        """
        raise ValueError(f"{text!r} stands behind the name of {cls.__name__}, which takes no arguments there.")

    def __call__(self, samples, *conditions, seed, images_seen=None):
        """What the discriminator is shown.

        Args:
            samples: Floats of shape (batch, ...), real or generated.
            *conditions: What the discriminator is told about them, such as labels of shape (batch,); None for nothing.
            seed: `keras.random.SeedGenerator` of the random numbers.
            images_seen: Real images trained on so far, for a view with a schedule; a number, tensor or variable.

        Returns:
            Tuple (samples, *conditions), the samples of the dtype they came in.
        """
        raise NotImplementedError(f"{type(self).__name__} must define __call__().")

    def build(self, add_state):
        """The view that a game plays with, made once at `compile()`: this one, or a copy with states.

        Args:
            add_state: Function `add_state(name, shape=(), initializer="zeros")` that returns a float32 variable which
                is not trainable, is saved in checkpoints and has one value on all replicas.

        Returns:
            A view equal to this one.
        """
        return self

    def observe(self, real_logits, batch_size):
        """Takes notice of how the discriminator judges real samples: to be called in its loss, in training only.

        Args:
            real_logits: D(x) of this replica's real samples, any shape; 0 where the discriminator is undecided.
            batch_size: Number of this replica's real samples, integer or scalar tensor.
        """

    def check(self, image_shape):
        """Refuses samples that the view cannot change.

        Args:
            image_shape: Shape of one sample without the batch axis, such as (height, width, channels).

        Raises:
            ValueError: If the view cannot change samples of this shape.
        """

    def weights(self, sample_weight):
        """The weights of what the discriminator is shown, shape (batch / group,): the mean of those that are joined.

        Args:
            sample_weight: Weights of the samples, shape (batch,), or None.
        """
        return sample_weight

    def logs(self):
        """What the view adds to the logs of a step, `{name: scalar tensor}`."""
        return {}


class ImageView(View):
    """A view that changes images one by one: a subclass defines `draw` and `transform`.

    Images among the conditions (floats of the samples' height and width, as in image translation) are changed by the
    same random numbers as the samples, so that both still fit on each other. All other conditions stay as they are.

    Attributes:
        smallest: The least height and width that it can change, in pixels.
        unshared: Names of random numbers that have the samples' shape and therefore change the samples only.
    """

    smallest: ClassVar[int] = 1
    unshared: ClassVar[tuple[str, ...]] = ()

    def draw(self, images, seed):
        """The random numbers of a batch, a dictionary of tensors whose first axis is the batch.

        Args:
            images: Floats of shape (batch, height, width, channels).
            seed: `keras.random.SeedGenerator`.
        """
        raise NotImplementedError(f"{type(self).__name__} must define draw().")

    def transform(self, images, draws, images_seen=None):
        """The changed images as a function of the images and the random numbers alone.

        Args:
            images: Floats of shape (batch, height, width, channels).
            draws: As `draw` returns them.
            images_seen: As for `__call__`.
        """
        raise NotImplementedError(f"{type(self).__name__} must define transform().")

    def __call__(self, samples, *conditions, seed, images_seen=None):
        samples = ops.convert_to_tensor(samples)
        self.check(samples.shape[1:])
        draws = self.draw(samples, seed)
        shared = {name: value for name, value in draws.items() if name not in self.unshared}

        def shown(condition):
            fits = condition is not None and len(condition.shape) == 4 and "float" in _dtype(condition)
            if not fits or tuple(condition.shape[1:3]) != tuple(samples.shape[1:3]):
                return condition
            return self.transform(condition, shared, images_seen)

        return self.transform(samples, draws, images_seen), *map(shown, conditions)

    def check(self, image_shape):
        if len(image_shape) != 3 or None in image_shape[:2]:
            raise ValueError(
                f"image_shape is {tuple(image_shape)}; {type(self).__name__} changes images of shape (height, width, "
                "channels), height and width known. Leave the view out for other samples."
            )
        if min(image_shape[:2]) < self.smallest:
            raise ValueError(
                f"image_shape is {tuple(image_shape)}; {type(self).__name__} expects images of at least "
                f"{self.smallest} x {self.smallest} pixels. Leave the view out for smaller ones."
            )


def _dtype(x):
    return keras.backend.standardize_dtype(x.dtype)


def precision(images):
    """The dtype in which what changes images is computed: float64 for float64 images, else float32."""
    return "float64" if _dtype(images) == "float64" else "float32"


def per_sample(value, images):
    """One number per image in the images' dtype, shaped so that it multiplies or is added to them."""
    return ops.cast(ops.reshape(value, (-1, 1, 1, 1)), images.dtype)
