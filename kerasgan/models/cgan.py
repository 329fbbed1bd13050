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
    """The original conditional GAN: perceptrons with separate branches for latents, images and labels.

    In the generator, 200 ReLU units for the latents and 1000 for the labels are combined in 1200 units, followed by
    sigmoid pixels. In the discriminator, 240 maxout units with 5 pieces for the image and 50 with 5 pieces for the
    labels are combined in 240 units with 4 pieces. The dropout rate is 0.5 in the hidden layers of both. Generated
    samples have the labels of the real batch, so that the distribution of labels is the same; both networks receive the
    same label.

    Args:
        image_shape: Shape (height, width, channels) of images in [-1, 1], or (size,) of vectors in any range.
        num_classes: Number of classes.
        latent_dim: Length of the latent vectors.
        latent_range: (low, high) of uniform latents. `None` for standard normal latents.
        conditioning: How the discriminator receives labels: "branch", as in the paper, or "projection" (Miyato & Koyama
            2018).
        embedding: Length of learned label vectors. `None` for one-hot vectors, as in the paper.
        units: Widths of the generator's latent branch, label branch and joint layer.
        maxout_units: Widths of the discriminator's image branch, label branch and joint layer.
        dropout: Dropout rates of the hidden layers of the generator and of the discriminator. The generator's dropout
            is off in sampling, so that samples lose the diversity that it provided in training; (0, 0.5) avoids that.
        **kwargs: Arguments of `kerasgan.LatentModel`.

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
            raise ValueError(f"`conditioning` is {conditioning!r}; expected 'branch' or 'projection'.")
        self.conditioning, self.embedding = conditioning, embedding
        self.units, self.maxout_units, self.dropout = tuple(units), tuple(maxout_units), tuple(dropout)
        super().__init__(image_shape, latent_dim, latent_range, num_classes, **kwargs)

    def build_generator(self):
        dense = functools.partial(layers.Dense, kernel_initializer="he_uniform")
        drop = functools.partial(layers.Dropout, self.dropout[0])
        from_latents, from_labels, joint = self.units
        latents, (labels,) = keras.Input((self.latent_dim,), name="latents"), self.condition_inputs()
        known = label_vector(labels, self.num_classes, self.embedding)
        x = latents
        if self.latent_range:  # to [-2, 2], variance 4/3: a better start for the first layer
            low, high = self.latent_range
            x = layers.Rescaling(4.0 / (high - low), -2.0 * (high + low) / (high - low))(x)
        x = [drop()(dense(from_latents, "relu")(x)), drop()(dense(from_labels, "relu")(known))]
        x = drop()(dense(joint, "relu")(layers.Concatenate()(x)))
        x = layers.Dense(math.prod(self.image_shape))(x)
        if len(self.image_shape) == 3:  # from the paper's intensities in [0, 1] to [-1, 1]
            x = layers.Rescaling(2.0, -1.0)(layers.Activation("sigmoid")(x))
        return keras.Model([latents, labels], layers.Reshape(self.image_shape, name="images")(x), name="generator")

    def build_discriminator(self):
        maxout = functools.partial(Maxout, kernel_initializer="glorot_uniform")
        drop = functools.partial(layers.Dropout, self.dropout[1])
        from_images, from_labels, joint = self.maxout_units
        images, (labels,) = keras.Input(self.pack_shape, name="images"), self.condition_inputs(packed=True)
        x = images
        if len(self.image_shape) == 3:
            x = layers.Flatten()(layers.Rescaling(0.5, 0.5)(images))
        x = drop()(maxout(from_images, 5)(x))
        if self.conditioning == "branch":
            known = label_vector(labels, self.num_classes, self.embedding)
            x = layers.Concatenate()([x, drop()(maxout(from_labels, 5)(known))])
        x = drop()(maxout(joint, 4)(x))
        logits = layers.Dense(1, name="logits")(x)
        if self.conditioning == "projection":
            logits = label_projection(logits, x, labels, self.num_classes)
        return keras.Model([images, labels], logits, name="discriminator")
