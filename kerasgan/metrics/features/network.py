"""What the feature networks have in common: which images they take, and how."""

import numpy as np

from kerasgan.data.prepare import prepare
from kerasgan.game.engines import compiled_call
from kerasgan.metrics.features import pixels

BATCH = 64
ROUNDING = 1e-6


class FeatureNetwork:
    """A network with fixed weights, in float32, as features of images.

    Called with images it returns their features, so it may be passed as `features=` to any metric.

    Args:
        name: What is printed beside every score.
        network: Keras model from images in [-1, 1] to `{"features": (n, d), head: logits (n, classes), ...}`.
        image_shape: (height, width, channels) of what it takes; a size of None is any.

    Attributes:
        heads: Name to number of classes of what `classify` reads from an image.
    """

    heads: dict[str, int] = {}

    def __init__(self, name, network, image_shape):
        self.name, self.image_shape = name, tuple(image_shape)
        self._network = compiled_call(network)

    def __call__(self, images):
        """Features of images.

        Args:
            images: Array of shape `(n, height, width, channels)` in [-1, 1]. Another size than the network's is
                resized (antialiased Lanczos-3); grey becomes RGB where the network wants it.

        Returns:
            A float32 array of shape `(n, d)`.

        Raises:
            ValueError: No images, values outside [-1, 1], or channels that the network does not take.
        """
        return self.outputs(images)["features"]

    def classify(self, images, head="label"):
        """Class probabilities of images.

        Args:
            images: As for the features.
            head: What to read from the images, one of `heads`.

        Returns:
            A float64 array of shape `(n, classes)` whose rows sum to 1.

        Raises:
            ValueError: The network has no such head, or images that it does not take.
        """
        if head not in self.heads:
            raise ValueError(
                f"{self.name} does not read {head!r} from an image; expected one of: {', '.join(self.heads) or 'none'}."
            )
        return softmax(self.outputs(images)[head])

    def outputs(self, images):
        """Features and logits of images, `{"features": (n, d), head: (n, classes), ...}`."""
        images = self._checked(images)
        count = len(images)
        # Batches of one size, so that the network is compiled once.
        images = np.concatenate([images, np.zeros((-count % BATCH, *images.shape[1:]), "float32")])
        parts = [self._run(images[start : start + BATCH]) for start in range(0, count, BATCH)]
        return {name: np.concatenate([part[name] for part in parts])[:count] for name in parts[0]}

    def resizing(self, shape):
        """What the network does to images of a shape before it looks at them, in words, as in "8×8 not resized"."""
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
                f"images has shape {images.shape}; expected (n, height, width, {channels}) for the features "
                f"{self.name}. Others take other images: 'random-conv-seed0' grey and RGB ones, 'pixels' anything."
            )
        pixels(images)  # refuses what is not finite
        if np.abs(images).max() > 1 + ROUNDING:
            raise ValueError(
                f"images has values from {images.min():g} to {images.max():g}; expected values in [-1, 1] for the "
                f"features {self.name}: call kerasgan.data.prepare, or clip what a generator made."
            )
        images = np.clip(images.astype("float32"), -1, 1)
        return images if images.shape[-1] == channels else np.repeat(images, channels, axis=-1)

    def _run(self, images):
        if not self._fits(images.shape[1:]):
            images = prepare(images, self.image_shape[:2], (-1, 1))
        return {name: np.asarray(value, "float32") for name, value in self._network(images).items()}


def softmax(logits):
    """Probabilities of shape (n, classes), float64, from logits."""
    exponentials = np.exp(logits.astype("float64") - logits.max(axis=1, keepdims=True))
    return exponentials / exponentials.sum(axis=1, keepdims=True)
