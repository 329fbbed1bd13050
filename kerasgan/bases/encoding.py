"""Models with an encoder from images to latents: base class of BiGAN and VAEGAN."""

import keras
from keras import ops

from kerasgan.bases.latent import LatentModel


@keras.saving.register_keras_serializable(package="kerasgan")
class EncodingModel(LatentModel):
    """A latent model with an encoder from images [and labels] to latents.

    A family overrides `build_encoder` in addition to the build methods of its other networks, and `latents_network` if
    another network outputs the latents.

    Args:
        **kwargs: Arguments of `kerasgan.LatentModel`, and `encoder`, a built Keras model to use instead of the
            family's.
    """

    parts: tuple[str, ...] = ("generator", "discriminator", "encoder")
    averaged: tuple[str, ...] = ("generator", "encoder")

    def build_encoder(self):
        """The family's encoder, a built Keras model of images, or [images, labels]."""
        raise NotImplementedError(f"{type(self).__name__} must define build_encoder() or be given an encoder.")

    def latents_network(self, ema):
        """The network from images [and labels] to latents.

        Args:
            ema: Whether to use the averaged network rather than the one being trained.
        """
        return self.ema_encoder if ema else self.encoder

    def encode(self, images, ema=True, batch_size=256, labels=None, **conditions):
        """Encodes images as latents, which `generate` accepts.

        Args:
            images: Array of shape (count, *image_shape), in [-1, 1].
            ema: Whether to use the averaged encoder rather than the one being trained.
            batch_size: Number of images to process at once.
            labels: Integers of shape (count,), for a class-conditional model.
            **conditions: Values of other conditions by name.

        Returns:
            A float32 array of shape (count, latent_dim).

        Raises:
            ValueError: For images of another shape, type or range, or conditions that do not fit or are missing.
        """
        given = self._given(images, labels=labels, **conditions)
        return self.read(self.latents_network(ema), images, batch_size, given)

    def reconstruct(self, images, ema=True, batch_size=256, labels=None, **conditions):
        """Reconstructs images as G(E(x)).

        Args:
            images: See `encode`.
            ema: Whether to use the averaged networks rather than those being trained.
            batch_size: See `encode`.
            labels: See `encode`.
            **conditions: See `encode`.

        Returns:
            A float32 array of shape (count, *image_shape), images in [-1, 1].

        Raises:
            ValueError: See `encode`.
        """
        latents = ops.convert_to_tensor(self.encode(images, ema, batch_size, labels, **conditions))
        given = self._given(images, labels=labels, **conditions)
        return self.generate([latents, *given], ema, batch_size)

    def _given(self, images, **conditions):
        """The conditions of given images as a list, which is empty for an unconditional model."""
        missing = [name for name in self.conditions.kinds if conditions.get(name) is None]
        if missing:
            raise ValueError(f"`{missing[0]}` is missing: the model is conditional. Pass one for each image.")
        return self.conditions.given(len(images), **conditions)

    def served(self):
        encoder = self.latents_network(ema=True)
        labels = encoder.inputs[1:]
        again = keras.Model(encoder.input, self.ema_generator([encoder.output, *labels] if labels else encoder.output))
        return {"encode": (encoder, "latents"), "reconstruct": (again, "images")}
