"""Models that also know the way back, from images to latents: the common part of BiGAN and VAEGAN."""

import keras
from keras import ops

from kerasgan.bases.latent import LatentModel


@keras.saving.register_keras_serializable(package="kerasgan")
class EncodingModel(LatentModel):
    """A latent model with an encoder of images [and labels] to latents.

    A family overrides `build_encoder` besides the other networks, and `latents_network` where that is another one.

    Args:
        encoder: a built Keras model to use instead of the family's.
        **kwargs: as for `kerasgan.LatentModel`.
    """

    parts = ("generator", "discriminator", "encoder")
    averaged = ("generator", "encoder")

    def build_encoder(self):
        """The family's encoder, a built Keras model of images, or [images, labels]."""
        raise NotImplementedError(f"{type(self).__name__} must define build_encoder() or be given an encoder.")

    def latents_network(self, ema):
        """The network of images [and labels] whose output are latents.

        Args:
            ema: the averaged one, else the one in training.
        """
        return self.ema_encoder if ema else self.encoder

    def encode(self, images, ema=True, batch_size=256, labels=None):
        """The encoder's latents of images: what to give `generate`.

        Args:
            images: shape (count, *image_shape), in [-1, 1].
            ema: use the averaged encoder, else the one in training.
            batch_size: how many are computed at once.
            labels: integers of shape (count,), for a conditional model.

        Returns:
            float32 array of shape (count, latent_dim).

        Raises:
            ValueError: for images of another shape, type or range, for labels that do not fit or are missing.
        """
        return self._read(self.latents_network(ema), images, batch_size, self._given_labels(images, labels))

    def reconstruct(self, images, ema=True, batch_size=256, labels=None):
        """Images made of the encodings of images, G(E(x)).

        Args:
            images: as for `encode`.
            ema: use the averaged networks, else those in training.
            batch_size: as for `encode`.
            labels: as for `encode`.

        Returns:
            float32 array of shape (count, *image_shape), images in [-1, 1].

        Raises:
            ValueError: as `encode`.
        """
        latents = ops.convert_to_tensor(self.encode(images, ema, batch_size, labels))
        return self.generate([latents, *self._given_labels(images, labels)], ema, batch_size)

    def _given_labels(self, images, labels):
        """The labels of given images in a list; an empty one for an unconditional model."""
        self._refuse_labels(labels)
        if self.num_classes is None:
            return []
        if labels is None:
            raise ValueError("labels are missing: the model is conditional. Pass labels=, one for each image.")
        return [self._sample_labels(len(images), labels)]

    def served(self):
        encoder = self.latents_network(ema=True)
        labels = encoder.inputs[1:]
        again = keras.Model(encoder.input, self.ema_generator([encoder.output, *labels] if labels else encoder.output))
        return {"encode": (encoder, "latents"), "reconstruct": (again, "images")}
