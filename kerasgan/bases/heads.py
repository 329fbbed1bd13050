"""Discriminators with auxiliary heads, such as a class or a code: base class of ACGAN and InfoGAN."""

import keras
import numpy as np
from keras import ops

from kerasgan.augment.packed import pack
from kerasgan.bases.latent import LatentModel
from kerasgan.game.phase import shared
from kerasgan.objectives.losses import at_least_float32, weighted_mean


@keras.saving.register_keras_serializable(package="kerasgan")
class HeadedModel(LatentModel):
    """A latent model whose discriminator receives samples without conditions, and has further heads on its trunk.

    `build_discriminator` returns a model with the input `images` of shape `pack_shape` and named outputs: `logits` of
    shape (packs, 1), and one of shape (packs, packing * width) for each of `heads`, with the samples of a pack side by
    side. Besides the adversarial loss, both players minimise `fake_head_loss`, weighted by `fake_head_weights`, and the
    discriminator minimises `real_head_loss`.

    Args:
        **kwargs: Arguments of `kerasgan.LatentModel`.

    Attributes:
        heads: Names of the heads.
    """

    heads: tuple[str, ...] = ()
    discriminator_sees_conditions = False

    @property
    def fake_head_weights(self):
        """Weights of `fake_head_loss` for the discriminator and for the generator."""
        return 1.0, 1.0

    def fake_head_loss(self, batch):
        """The heads' loss on generated samples, which both players minimise: a scalar and logs."""
        raise NotImplementedError(f"{type(self).__name__} must define fake_head_loss(batch).")

    def real_head_loss(self, batch):
        """The heads' loss on real samples, which the discriminator minimises: a scalar and logs."""
        return 0.0, {}

    def discriminator_loss(self, batch):
        loss, logs = super().discriminator_loss(batch)
        (real, of_real), (fake, of_fake) = self.real_head_loss(batch), self.fake_head_loss(batch)
        return loss + real + self.fake_head_weights[0] * fake, {**logs, **of_real, **of_fake}

    def generator_loss(self, batch):
        loss, logs = super().generator_loss(batch)
        return loss + self.fake_head_weights[1] * self.fake_head_loss(batch)[0], logs

    @shared
    def told_of_real(self, batch):
        """All outputs of the discriminator for the batch's real samples, by name."""
        return self._tell(self.viewed(self.real_samples(batch))[0])

    @shared
    def told_of_fake(self, batch):
        """All outputs of the discriminator for the generated samples, by name."""
        return self._tell(self.viewed(self.generated(batch))[0])

    def real_logits(self, batch):
        return self.told_of_real(batch)["logits"]

    def fake_logits(self, batch):
        return self.told_of_fake(batch)["logits"]

    def discriminate(self, samples, *conditions):
        return self._tell(samples)["logits"]

    def _tell(self, images):
        outputs = self.discriminator(images, training=True)
        return require_named(outputs, ["logits", *self.heads], f"The discriminator of {type(self).__name__}")

    def per_sample(self, output):
        """A head's output with one row per sample, in float32 (or float64): shape (batch, width)."""
        return ops.reshape(at_least_float32(output), (-1, output.shape[-1] // self.packing))

    def read_head(self, name, images, batch_size=256):
        """Computes the outputs of one head of the trained discriminator for images.

        Args:
            name: Name of the head.
            images: Array of shape (count, *image_shape), in [-1, 1]; a model with packing packs neighbours.
            batch_size: Number of images to process at once.

        Returns:
            A float32 array of shape (count, width).
        """
        images, size = np.asarray(images, "float32"), -(-batch_size // self.packing) * self.packing
        self.data_specs()[0].check(images, "images")
        told, tell = [], self.inference(self.discriminator)
        for start in range(0, len(images), size):
            chunk = images[start : start + size]
            whole = np.resize(chunk, (-(-len(chunk) // self.packing) * self.packing, *chunk.shape[1:]))
            output = tell(pack(ops.convert_to_tensor(whole), self.packing), batch_size=size)[name]
            told.append(ops.convert_to_numpy(self.per_sample(ops.convert_to_tensor(output)))[: len(chunk)])
        return np.concatenate(told)


def cross_entropy(targets, logits, weight=None):
    """Mean of -sum_k t_k log softmax(l)_k.

    Args:
        targets: Probabilities, such as one-hot vectors, of shape (batch, classes).
        logits: Logits of shape (batch, classes), float32 or float64.
        weight: Weights of the samples, of shape (batch,), or `None`.
    """
    return weighted_mean(-ops.sum(ops.cast(targets, logits.dtype) * ops.log_softmax(logits), axis=-1), weight)


def require_named(outputs, names, whose):
    """Checks that the outputs of a network are a dictionary with given names.

    Args:
        outputs: Outputs of the network, tensors or symbolic tensors.
        names: Names that must be among them.
        whose: Name of the network in the error message, such as "The discriminator of ACGAN".

    Returns:
        `outputs`.

    Raises:
        ValueError: If the outputs are not a dictionary, or if a name is missing.
    """
    found = sorted(outputs) if isinstance(outputs, dict) else f"one {type(outputs).__name__}"
    if not isinstance(outputs, dict) or not set(names) <= set(outputs):
        raise ValueError(
            f"{whose} returns {found}; expected outputs with the names {names}: keras.Model(images, {{{names[0]!r}: "
            "..., ...})."
        )
    return outputs
