"""GAN-CLS and GAN-INT (Reed et al. 2016, "Generative Adversarial Text to Image Synthesis")."""

import dataclasses
import functools

import keras
from keras import layers, ops

from kerasgan.bases.captions import CaptionModel, CaptionRecipe, swap_neighbours
from kerasgan.game.phase import shared
from kerasgan.layers import Conv2DTranspose, LeakyReLU, kept_statistics, normal
from kerasgan.layers.captioned import bottleneck, caption_discriminator, normalized


@dataclasses.dataclass(frozen=True)
class TextToImageRecipe(CaptionRecipe):
    """Training settings in addition to those of `kerasgan.bases.captions.CaptionRecipe`.

    Args:
        interpolation_weight: Weight of the generator's loss for interpolated captions (GAN-INT, equation 5). 0 for
            plain GAN-CLS.
        interpolation: Share beta of the first of two captions in their interpolation: 1/2 in the paper.
    """

    interpolation_weight: float = 1.0
    interpolation: float = 0.5


@keras.saving.register_keras_serializable(package="kerasgan")
class TextToImageGAN(CaptionModel):
    """Text to image: a DCGAN with captions, whose discriminator also learns to reject wrong captions (GAN-CLS-INT).

    The discriminator accepts real images with their captions; it rejects generated images and, with equal weight, real
    images with captions of other images (GAN-CLS, algorithm 1). The generator is also trained on interpolations between
    two captions of the batch, for which there are no real images (GAN-INT, equation 5, in the non-saturating form).
    Both players project the caption's vector to `caption_size` numbers; in the discriminator these are repeated over
    the last 4x4 map. The networks have the residual blocks at 4x4 (and 8x8, in the generator) of the authors' code,
    which the paper does not mention, and batch normalization.

    The text encoder is trained before the game, as in the paper's experiments: see `kerasgan.bases.captions`. The
    authors' code halves both learning rates after every 100 epochs of 600.

    Args:
        image_shape: Shape (height, width, channels) of images in [-1, 1]. Height and width are multiples of 2; the
            networks halve them down to about 4.
        latent_dim: Length of the latent vectors, which are standard normal.
        condition: Kind of the captions: `Characters.of(captions)`, `Captions.of(captions)` (words) or
            `Sentences.of(captions)` (a frozen sentence encoder) of `kerasgan.data.kinds`.
        width: Channels of the discriminator's first layer, doubled in each smaller map.
        generator_width: Channels of the generator's last hidden layer, doubled in each smaller map. `None` for twice
            `width`, as in the authors' code.
        caption_size: Length of the players' projections of captions.
        text_size: Length of the vectors of the model's own text encoder; 1024 in the paper.
        text_width: Width of the layers of the model's own text encoder.
        **kwargs: Arguments of `kerasgan.LatentModel`, and `text_encoder`, `image_encoder`. The players' inputs are
            [latents, embeddings] and [images, embeddings].

    Examples:

    >>> from kerasgan.data.kinds import Characters
    >>> model = TextToImageGAN((64, 64, 3), condition=Characters.of(captions))
    >>> model.compile()
    >>> model.fit(images, captions, epochs=100)
    >>> picture = model.sample("a large red circle above a small blue square")
    """

    recipe = TextToImageRecipe()

    def __init__(
        self,
        image_shape,
        latent_dim=100,
        condition=None,
        width=64,
        caption_size=128,
        text_size=256,
        text_width=128,
        generator_width=None,
        **kwargs,
    ):
        self.width, self.caption_size, self.generator_width = width, caption_size, generator_width
        self.steps = self.halvings(image_shape, at_least=1)
        super().__init__(image_shape, latent_dim, condition, text_size, text_width, **kwargs)

    @classmethod
    def from_config(cls, config):
        # Models saved before `generator_width` existed have the discriminator's width in the generator.
        return super().from_config({"generator_width": config.get("width"), **config})

    def build_generator(self):
        height, width, channels = self.image_shape
        first, *hidden = [(self.generator_width or 2 * self.width) << step for step in reversed(range(self.steps))]
        small = (height >> self.steps, width >> self.steps)
        latents, captions = keras.Input((self.latent_dim,), name="latents"), self.embedding_input()
        known = LeakyReLU(0.2)(layers.Dense(self.caption_size, kernel_initializer=normal(0.02))(captions))
        x = layers.Concatenate()([latents, known])
        x = layers.Dense(small[0] * small[1] * first, use_bias=False, kernel_initializer=normal(0.02))(x)
        x = normalized(layers.Reshape((*small, first))(x))
        x = layers.ReLU()(bottleneck(x, layers.ReLU()))
        options = {"kernel_size": 4, "strides": 2, "padding": "same", "kernel_initializer": normal(0.02)}
        up = functools.partial(Conv2DTranspose, **options)
        for place, filters in enumerate(hidden):
            x = normalized(up(filters, use_bias=False)(x))
            x = layers.ReLU()(x if place else bottleneck(x, layers.ReLU()))
        x = layers.Activation("tanh", dtype=keras.config.floatx(), name="images")(up(channels)(x))
        return keras.Model([latents, captions], x, name="generator")

    def build_discriminator(self):
        sizes = self.image_shape, self.embedding_size, self.width, self.steps, self.caption_size
        return caption_discriminator(*sizes, normalize_captions=True)

    # The game -------------------------------------------------------------------------------------------------------

    def generator_loss(self, batch):
        loss, logs = super().generator_loss(batch)
        if not self.recipe.interpolation_weight:
            return loss, logs
        captions = self.interpolated(batch)
        # Interpolated captions are never sampled, so their statistics must not enter the moving statistics.
        with kept_statistics(self.generator):
            images = self.generator([self.latents_between(batch), captions], training=True)
        real = self.real_logits(batch) if self.adversarial_loss.compares else None
        weights = self.fake_weight(batch), self.pack_weight(batch)
        between = self.adversarial_loss.generator(self.judge(images, captions), real, *weights)
        return loss + self.recipe.interpolation_weight * between, {**logs, "interpolated": between}

    @shared
    def interpolated(self, batch):
        """Interpolations of the vectors of neighbouring captions: beta t_1 + (1 - beta) t_2 (equation 5)."""
        captions, share = self.embeddings(batch), self.recipe.interpolation
        return share * captions + (1.0 - share) * swap_neighbours(captions)

    @shared
    def latents_between(self, batch):
        """New latents for the interpolated captions."""
        return self.draw_latents(ops.shape(batch.x)[0], self.random)
