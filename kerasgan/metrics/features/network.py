"""Base class of the feature networks: checks, resizes and batches images."""

import numpy as np

from kerasgan.data.prepare import prepare
from kerasgan.game.engines import compiled_call
from kerasgan.metrics.features import pixels

BATCH = 64
ROUNDING = 1e-6


class FeatureNetwork:
    """A network with fixed weights, in float32, that computes features of images.

    Called with images it returns their features, so it can be passed as `features=` to any metric.

    Args:
        name: Name to print with every score.
        network: Keras model from images in [-1, 1] to `{"features": (n, d), head: logits (n, classes), ...}`.
        image_shape: Shape (height, width, channels) of the network's input. None means any size.

    Attributes:
        heads: Dictionary from the names that `classify` takes to their numbers of classes.
    """

    heads: dict[str, int] = {}

    def __init__(self, name, network, image_shape):
        self.name, self.image_shape = name, tuple(image_shape)
        self._network = compiled_call(network)

    def __call__(self, images):
        """Computes features of images.

        Args:
            images: Array of shape `(n, height, width, channels)` in [-1, 1]. Images of other sizes are resized to the
                network's (antialiased Lanczos-3), and grey images become RGB if the network takes RGB.

        Returns:
            A float32 array of shape `(n, d)`.

        Raises:
            ValueError: If there are no images, if values are outside [-1, 1], or if the number of channels is wrong.
        """
        return self.outputs(images)["features"]

    def classify(self, images, head="label"):
        """Computes class probabilities of images.

        Args:
            images: Images, as for the features.
            head: Name of the output to return, one of `heads`.

        Returns:
            A float64 array of shape `(n, classes)` whose rows sum to 1.

        Raises:
            ValueError: If the network has no such head, or if the images are invalid.
        """
        if head not in self.heads:
            raise ValueError(f"{self.name} has no head {head!r}; expected one of: {', '.join(self.heads) or 'none'}.")
        return softmax(self.outputs(images)[head])

    def outputs(self, images):
        """Computes features and logits of images, `{"features": (n, d), head: (n, classes), ...}`."""
        images = self._checked(images)
        count = len(images)
        # All batches have the same size, so that the network is compiled once.
        images = np.concatenate([images, np.zeros((-count % BATCH, *images.shape[1:]), "float32")])
        parts = [self._run(images[start : start + BATCH]) for start in range(0, count, BATCH)]
        return {name: np.concatenate([part[name] for part in parts])[:count] for name in parts[0]}

    def resizing(self, shape):
        """Describes how the network resizes images of a given shape, for example "8×8 not resized"."""
        height, width = shape[:2]
        if self._fits(shape):
            return f"{height}×{width} not resized"
        return f"{height}×{width} resized to {self.image_shape[0]}×{self.image_shape[1]} by Lanczos-3"

    def _fits(self, shape):
        return all(wanted in (None, size) for wanted, size in zip(self.image_shape[:2], shape[:2], strict=True))

    def _checked(self, images):
        images, channels = np.asarray(images), self.image_shape[-1]
        if images.ndim != 4 or len(images) == 0 or images.shape[-1] not in (1, channels):
            raise ValueError(
                f"`images` has shape {images.shape}; expected (n, height, width, {channels}) for the features "
                f"{self.name}. 'random-conv-seed0' takes grey and RGB images, 'pixels' takes any shape."
            )
        pixels(images)  # raises an error if values are not finite
        if np.abs(images).max() > 1 + ROUNDING:
            raise ValueError(
                f"`images` has values from {images.min():g} to {images.max():g}; expected values in [-1, 1] for the "
                f"features {self.name}. Call kerasgan.data.prepare, or clip generated images."
            )
        images = np.clip(images.astype("float32"), -1, 1)
        return images if images.shape[-1] == channels else np.repeat(images, channels, axis=-1)

    def _run(self, images):
        if not self._fits(images.shape[1:]):
            images = prepare(images, self.image_shape[:2], (-1, 1))
        return {name: np.asarray(value, "float32") for name, value in self._network(images).items()}


def softmax(logits):
    """Returns probabilities of shape (n, classes), float64, from logits."""
    exponentials = np.exp(logits.astype("float64") - logits.max(axis=1, keepdims=True))
    return exponentials / exponentials.sum(axis=1, keepdims=True)
