"""CGAN (Mirza & Osindero 2014, "Conditional Generative Adversarial Nets")."""

import functools
import math

import keras
from keras import layers

from kerasgan.bases.latent import LatentModel
from kerasgan.layers import Maxout, label_projection, label_vector
from kerasgan.models.gan import GANRecipe


@keras.saving.register_keras_serializable(package="kerasgan")
class CGAN(LatentModel):
    """The original conditional GAN: perceptrons in which latents, images and labels each have a branch of their own.

    Generator: latents to 200, labels to 1000 ReLU units, joined in 1200, then sigmoid pixels. Discriminator: images to
    240 maxout units of 5 pieces, labels to 50 of 5, joined in 240 of 4. Dropout .5 in the hidden layers of both. The
    generated samples get the labels of the real batch, so that both have the data's label marginal; the same label goes
    to both networks.

    Args:
        image_shape: (height, width, channels) of images in [-1, 1], or (size,) for vectors of any range.
        num_classes: number of classes.
        latent_dim: length of the latent vectors, uniform in [0, 1].
        conditioning: how the discriminator sees labels: "branch" (the paper's) or "projection" (Miyato & Koyama 2018).
        embedding: length of learned label vectors; None for one-hot ones (the paper's).
        units: generator widths: latent branch, label branch, joint layer.
        maxout_units: discriminator widths: image branch, label branch, joint layer.
        dropout: shares of hidden units dropped: in the generator, in the discriminator. The generator's dropout is off
            when it samples, and what diversity the game gave it then goes: (0, .5) keeps it in the latents.
        **kwargs: as for `kerasgan.LatentModel`.

    Examples:

    >>> model = CGAN(image_shape=(8, 8, 1), num_classes=10)
    >>> model.compile()
    >>> model.fit(images, labels, epochs=100)
    >>> sevens = model.sample(16, labels=[7] * 16)
    """

    recipe = GANRecipe()

    def __init__(
        self,
        image_shape,
        num_classes,
        latent_dim=100,
        latent_range=(0.0, 1.0),
        conditioning="branch",
        embedding=None,
        units=(200, 1000, 1200),
        maxout_units=(240, 50, 240),
        dropout=(0.5, 0.5),
        **kwargs,
    ):
        if conditioning not in ("branch", "projection"):
            raise ValueError(f"conditioning is {conditioning!r}, expected 'branch' or 'projection'.")
        self.sizes = {
            "conditioning": conditioning,
            "embedding": embedding,
            "units": tuple(units),
            "maxout_units": tuple(maxout_units),
            "dropout": tuple(dropout),
        }
        super().__init__(image_shape, latent_dim, latent_range, num_classes, **kwargs)

    def build_generator(self):
        dense = functools.partial(layers.Dense, kernel_initializer="he_uniform")
        drop = functools.partial(layers.Dropout, self.sizes["dropout"][0])
        from_latents, from_labels, joint = self.sizes["units"]
        latents, (labels,) = keras.Input((self.latent_dim,), name="latents"), self.condition_inputs()
        known = label_vector(labels, self.num_classes, self.sizes["embedding"])
        x = latents
        if self.latent_range:  # to [-2, 2], variance 4/3: where the first layer starts, not what it can be
            low, high = self.latent_range
            x = layers.Rescaling(4.0 / (high - low), -2.0 * (high + low) / (high - low))(x)
        x = [drop()(dense(from_latents, "relu")(x)), drop()(dense(from_labels, "relu")(known))]
        x = drop()(dense(joint, "relu")(layers.Concatenate()(x)))
        x = layers.Dense(math.prod(self.image_shape))(x)
        if len(self.image_shape) == 3:  # the paper's intensities in [0, 1], as images in [-1, 1]
            x = layers.Rescaling(2.0, -1.0)(layers.Activation("sigmoid")(x))
        return keras.Model([latents, labels], layers.Reshape(self.image_shape, name="images")(x), name="generator")

    def build_discriminator(self):
        maxout = functools.partial(Maxout, kernel_initializer="glorot_uniform")
        drop = functools.partial(layers.Dropout, self.sizes["dropout"][1])
        from_images, from_labels, joint = self.sizes["maxout_units"]
        images, (labels,) = keras.Input(self.pack_shape, name="images"), self.condition_inputs(packed=True)
        x = images
        if len(self.image_shape) == 3:
            x = layers.Flatten()(layers.Rescaling(0.5, 0.5)(images))
        x = drop()(maxout(from_images, 5)(x))
        if self.sizes["conditioning"] == "branch":
            known = label_vector(labels, self.num_classes, self.sizes["embedding"])
            x = layers.Concatenate()([x, drop()(maxout(from_labels, 5)(known))])
        x = drop()(maxout(joint, 4)(x))
        logits = layers.Dense(1, name="logits")(x)
        if self.sizes["conditioning"] == "projection":
            logits = label_projection(logits, x, labels, self.num_classes)
        return keras.Model([images, labels], logits, name="discriminator")

    def get_config(self):
        return {**super().get_config(), **self.sizes}
