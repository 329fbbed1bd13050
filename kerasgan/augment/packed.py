"""Packing: Lin et al. 2018, "PacGAN: The power of two samples in generative adversarial networks"."""

from dataclasses import dataclass

import keras
from keras import ops

from kerasgan.augment.view import View

__all__ = ["Packed", "pack"]


def pack(samples, size):
    """Joins each `size` neighbours of a batch along the last axis.

    Args:
        samples: Tensor of shape (batch, ..., depth).
        size: Number of samples in a pack.

    Returns:
        Tensor of shape (batch / size, ..., size * depth).

    Raises:
        ValueError: If the batch size is known and not a multiple of `size`.
    """
    if size == 1:  # the same tensor, so that TensorFlow can share the computations of a loss and a penalty
        return samples
    count = samples.shape[0]
    if count is not None and count % size:
        raise ValueError(
            f"A batch of {count} samples (on each replica) cannot be cut into packs of {size}. Choose a batch size "
            f"that is a multiple of {size} on each replica."
        )
    *place, depth = samples.shape[1:]
    x = ops.reshape(samples, (-1, size, *place, depth))
    return ops.reshape(ops.moveaxis(x, 1, -2), (-1, *place, size * depth))


@keras.saving.register_keras_serializable(package="kerasgan")
@dataclass(frozen=True)
class Packed(View):
    """Joins several samples of a batch, so that the discriminator judges whether they differ as real samples do.

    Lin et al. 2018, section 3. The discriminator's input has `size` times the channels of a sample, its labels have the
    shape (packs, size), and it returns one logit for each pack. A penalty treats a pack as one sample. Views that
    change single images, such as `DiffAugment`, come before this one.

    Args:
        size: Number of samples in a pack; 2, 3 or 4 in the paper.
    """

    size: int = 2

    def __post_init__(self):
        if isinstance(self.size, bool) or not isinstance(self.size, int) or self.size < 1:
            raise ValueError(f"`size` is {self.size!r}; expected 1 (no packing), 2, 3, ... samples in a pack.")

    @classmethod
    def from_text(cls, text):
        if not text.isdecimal():
            raise ValueError(f"`text` is {text!r}; expected the number of samples in a pack, such as 2 in 'packed:2'.")
        return cls(int(text))

    @property
    def group(self):  # type: ignore[override]
        return self.size

    def __call__(self, samples, *conditions, seed=None, images_seen=None):
        """Returns the discriminator's input.

        Args:
            samples: Floats of shape (batch, ..., depth).
            *conditions: Labels of shape (batch,), tensors of shape (batch, ..., depth), or `None`.
            seed: Not used.
            images_seen: Not used.

        Returns:
            Tuple (samples, *conditions). Samples and conditions of shape (batch, ..., depth) become
            (packs, ..., size * depth), labels (packs, size).

        Raises:
            ValueError: If the batch size is known and not a multiple of `size`.
        """

        def packed(x):
            if x is None or self.size == 1:
                return x
            return pack(x[:, None] if len(x.shape) == 1 else x, self.size)

        return tuple(packed(x) for x in (samples, *conditions))

    def weights(self, sample_weight):
        if sample_weight is None or self.size == 1:
            return sample_weight
        return ops.sum(pack(ops.reshape(sample_weight, (-1, 1)), self.size), axis=-1) / self.size
