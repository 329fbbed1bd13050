"""Base classes of the views of a discriminator's input."""

from typing import ClassVar

import keras
from keras import ops

from kerasgan.objectives.losses import Configured

__all__ = ["ImageView", "View", "per_sample", "precision"]


class View(Configured):
    """Base class of the views: a random change of a discriminator's input, applied to real and generated samples alike.

    All samples pass through the views before they reach a discriminator: in its own loss, in the generator's loss, and
    in penalties. A penalty takes gradients with respect to the samples before the views, as the authors' code of ADA
    does, so a view must be twice differentiable with respect to the samples.

    A subclass is a frozen dataclass, registered with `keras.saving.register_keras_serializable`, that defines
    `__call__`. Two views are equal if they have the same class and equal fields.

    Attributes:
        group: Number of samples that the view joins into one.
    """

    group = 1

    @classmethod
    def from_text(cls, text):
        """Creates the view from the arguments after the colon of an identifier, such as the 2 of `"packed:2"`.

        Args:
            text: Text after the colon, without white space.

        Raises:
            ValueError: If the view takes no such arguments.
        """
        raise ValueError(f"`text` is {text!r}; expected none, because {cls.__name__} takes no arguments after a colon.")

    def __call__(self, samples, *conditions, seed, images_seen=None):
        """Returns the discriminator's input.

        Args:
            samples: Real or generated samples, floats of shape (batch, ...).
            *conditions: Conditions of the samples, such as labels of shape (batch,), or `None`.
            seed: `keras.random.SeedGenerator` of the random numbers.
            images_seen: Number of real images trained on so far, for views with a schedule.

        Returns:
            Tuple (samples, *conditions); the samples keep their dtype.
        """
        raise NotImplementedError(f"{type(self).__name__} must define __call__().")

    def build(self, add_state):
        """Returns the view to train with: this one, or a copy with states. Called once, by the model's `compile()`.

        Args:
            add_state: Function `add_state(name, shape=(), initializer="zeros")` that returns a non-trainable
                variable. The model owns the variable, saves it in checkpoints and keeps one value on all replicas.

        Returns:
            A view equal to this one.
        """
        return self

    def observe(self, real_logits, batch_size):
        """Updates the view's states; does nothing by default. Called in the discriminator's loss, only in training.

        Args:
            real_logits: Logits of this replica's real samples, any shape. A logit of 0 means undecided.
            batch_size: Number of this replica's real samples, an integer or a scalar tensor.
        """

    def check(self, image_shape):
        """Raises an error if the view cannot change samples of a shape.

        Args:
            image_shape: Shape of one sample without the batch axis, such as (height, width, channels).

        Raises:
            ValueError: If the view cannot change samples of this shape.
        """

    def weights(self, sample_weight):
        """Weights of the discriminator's inputs: the mean over the samples that the view joins, shape (batch / group,).

        Args:
            sample_weight: Weights of the samples, shape (batch,), or `None`.
        """
        return sample_weight

    def logs(self):
        """Entries for the logs of a training step, `{name: scalar tensor}`."""
        return {}


class ImageView(View):
    """Base class of views that change each image separately. A subclass defines `draw` and `transform`.

    Conditions that are images of the samples' height and width, as in image translation, are changed with the same
    random numbers as the samples, so that the two stay aligned. All other conditions remain unchanged.

    Attributes:
        smallest: Smallest height and width that the view accepts, in pixels.
        unshared: Names of the random numbers that have the samples' shape and apply to the samples only.
    """

    smallest: ClassVar[int] = 1
    unshared: ClassVar[tuple[str, ...]] = ()

    def draw(self, images, seed):
        """Draws random numbers for a batch: a dictionary of tensors whose first axis is the batch.

        Args:
            images: Floats of shape (batch, height, width, channels).
            seed: `keras.random.SeedGenerator`.
        """
        raise NotImplementedError(f"{type(self).__name__} must define draw().")

    def transform(self, images, draws, images_seen=None):
        """Returns the changed images, as a function of the images and the random numbers alone.

        Args:
            images: Floats of shape (batch, height, width, channels).
            draws: Random numbers as returned by `draw`.
            images_seen: As in `__call__`.
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
                f"`image_shape` is {tuple(image_shape)}; {type(self).__name__} expects images of shape (height, width, "
                "channels) with a known height and width. Leave the view out for other samples."
            )
        if min(image_shape[:2]) < self.smallest:
            raise ValueError(
                f"`image_shape` is {tuple(image_shape)}; {type(self).__name__} expects images of at least "
                f"{self.smallest} x {self.smallest} pixels. Leave the view out for smaller ones."
            )


def _dtype(x):
    return keras.backend.standardize_dtype(x.dtype)


def precision(images):
    """Dtype of the random numbers and of computations with them: float64 for float64 images, otherwise float32."""
    return "float64" if _dtype(images) == "float64" else "float32"


def per_sample(value, images):
    """One number per image, in the images' dtype and of shape (batch, 1, 1, 1)."""
    return ops.cast(ops.reshape(value, (-1, 1, 1, 1)), images.dtype)
