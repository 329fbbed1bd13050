"""VGAN (Vondrick, Pirsiavash & Torralba 2016, "Generating Videos with Scene Dynamics")."""

import dataclasses
import functools
import math
from typing import Any

import keras
import numpy as np
from keras import layers, ops

from kerasgan.bases.heads import require_named
from kerasgan.bases.latent import LatentModel, LatentRecipe
from kerasgan.data.kinds import Kind, Video
from kerasgan.game.inference import Inference
from kerasgan.game.phase import shared
from kerasgan.game.recipe import Adam
from kerasgan.game.signals import probed
from kerasgan.layers import (
    Conv2D,
    Conv2DTranspose,
    Conv3DTranspose,
    LeakyReLU,
    batch_normalization,
    label_projection,
    normal,
    with_labels,
)
from kerasgan.objectives.losses import at_least_float32, weighted_mean

START = 4  # minimum side, in pixels, of the generator's first and the discriminator's last feature maps
FRAMES = 2  # minimum number of frames of these feature maps
STREAMS = ["foreground", "mask", "background"]


@dataclasses.dataclass(frozen=True)
class VideoGANRecipe(LatentRecipe):
    """Settings of section 3.3 and of the authors' code.

    Args:
        mask_weight: Weight lambda of the mean of the mask, which keeps the foreground sparse (section 3.2).
    """

    batch_size: int = 64
    mask_weight: float = 0.1
    discriminator_optimizer: Any = Adam(2e-4, beta_1=0.5)
    generator_optimizer: Any = Adam(2e-4, beta_1=0.5)


@keras.saving.register_keras_serializable(package="kerasgan")
class VideoGAN(LatentModel):
    """VGAN: films with a moving foreground in front of a static background.

        G(z) = m(z) * f(z) + (1 - m(z)) * b(z)

    The foreground f and the mask m are films from one stream of volumetric transposed convolutions; the background b is
    an image from a second, two-dimensional stream and the same in all frames (equation 2). Both streams start from the
    same latents. The discriminator has volumetric convolutions. Films of 32 frames of 64 pixels have four layers of
    stride 2 in each network (section 3.2). For other films, height and width are halved as often as possible down to 4
    pixels, and the frames as often as possible down to 2, in the outer layers; inner layers then keep the number of
    frames. As in the authors' code, the L1 norm of the mask is a mean over its entries, and the generator's loss is
    non-saturating.

    The paper's model that continues a given frame is not included: see `kerasgan.FramePredictor`.

    Args:
        image_shape: Kind of the films, `kerasgan.data.kinds.Video((32, 64, 64, 3))`, or this shape. Height and width
            are even, at least 8. Films are floats in [-1, 1].
        latent_dim: Length of the latent vectors.
        latent_range: (low, high) of uniform latents. `None` for standard normal latents, as in the paper.
        num_classes: Number of classes of a conditional model, whose labels are appended to the latents as one-hot
            vectors and enter the discriminator by projection (Miyato & Koyama 2018). `None` for an unconditional model,
            as in the paper.
        width: Channels of the discriminator's first and of each stream's last hidden layer, doubled towards smaller
            maps.
        **kwargs: Arguments of `kerasgan.LatentModel`. A given generator has the outputs `videos` and `mask`.

    Examples:

    >>> model = VideoGAN((16, 64, 64, 1))
    >>> model.compile()
    >>> model.fit(films, epochs=100)
    >>> new = model.sample(16, seed=0)
    >>> background = model.streams(16, seed=0)["background"]
    """

    recipe = VideoGANRecipe()

    def __init__(self, image_shape, latent_dim=100, latent_range=None, num_classes=None, width=64, **kwargs):
        self.width = width
        kind = as_video(image_shape)
        frames, *place, _ = kind.shape
        self.steps = min(self.scale_steps(size, START, at_least=1) for size in place)
        moving = 0  # layers that change the number of frames
        while moving < self.steps and frames % 2 == 0 and frames > FRAMES:
            frames, moving = frames // 2, moving + 1
        self.start = (frames, *(size >> self.steps for size in place))
        # Strides of the discriminator's layers, from the film inwards.
        self.strides = tuple((2 if step < moving else 1, 2, 2) for step in range(self.steps))
        super().__init__(kind, latent_dim, latent_range, num_classes, **kwargs)

    # Networks -------------------------------------------------------------------------------------------------------

    def build_generator(self):
        latents, labels = keras.Input((self.latent_dim,), name="latents"), self.condition_inputs()
        code, channels = with_labels(latents, labels, self.num_classes), self.sample_kind.shape[-1]
        inwards, dtype = self.strides, keras.config.floatx()
        still = [strides[1:] for strides in inwards]
        x = self._enlarged(code, self.start, inwards, "film")
        image = self._enlarged(code, self.start[1:], still, "image")
        foreground = self._convolution(channels, inwards[0], "film_foreground", transposed=True)(x)
        mask = self._convolution(1, inwards[0], "film_mask", transposed=True)(x)
        background = self._convolution(channels, still[0], "image_background", transposed=True)(image)
        foreground = layers.Activation("tanh", dtype=dtype, name="foreground")(foreground)
        mask = layers.Activation("sigmoid", dtype=dtype, name="mask")(mask)
        background = layers.Activation("tanh", dtype=dtype, name="background")(background)
        videos = mask * foreground + (1.0 - mask) * ops.expand_dims(background, 1)
        outputs = {"videos": videos, "foreground": foreground, "mask": mask, "background": background}
        return keras.Model(self.inputs_of(latents, *labels), outputs, name="generator")

    def _enlarged(self, code, start, strides, name):
        """The last hidden layer of a stream: all layers except the last one, applied to a code."""
        first, *hidden = [self.width << step for step in reversed(range(self.steps))]
        options = {"use_bias": False, "kernel_initializer": normal(0.01), "name": f"{name}_start"}
        x = layers.Dense(math.prod(start) * first, **options)(code)
        x = layers.ReLU()(batch_normalization()(layers.Reshape((*start, first))(x)))
        for place, channels in enumerate(hidden):
            step = self.steps - 1 - place
            convolution = self._convolution(channels, strides[step], f"{name}{step}", transposed=True, use_bias=False)
            x = layers.ReLU()(batch_normalization()(convolution(x)))
        return x

    @staticmethod
    def _convolution(channels, strides, name, transposed=False, **options):
        """A convolution of films or images, of size 4 along axes with stride 2 and of size 3 along others."""
        kinds = {2: (Conv2D, Conv2DTranspose), 3: (layers.Conv3D, Conv3DTranspose)}
        size = tuple(4 if stride == 2 else 3 for stride in strides)
        options = {"strides": strides, "padding": "same", "kernel_initializer": normal(0.01), "name": name, **options}
        return kinds[len(strides)][transposed](channels, size, **options)

    def build_discriminator(self):
        films, labels = keras.Input(self.pack_shape, name="videos"), self.condition_inputs(packed=True)
        x = films
        for step, strides in enumerate(self.strides):
            x = self._convolution(self.width << step, strides, f"convolution{step}", use_bias=step == 0)(x)
            x = LeakyReLU(0.2)(batch_normalization()(x) if step else x)
        x = layers.Flatten()(x)
        logits = layers.Dense(1, kernel_initializer=normal(0.01), name="logits")(x)
        if labels:
            logits = label_projection(logits, x, labels[0], self.num_classes)
        return keras.Model(self.inputs_of(films, *labels), logits, name="discriminator")

    # The game -------------------------------------------------------------------------------------------------------

    @shared
    def made(self, batch):
        """The generator's outputs for the batch's conditions, from new latents."""
        outputs = self.generator(self.inputs_of(self.latents(batch), *self.fake_condition(batch)), training=True)
        return require_named(outputs, ["videos", "mask"], "The generator of VideoGAN")

    @shared
    def generated(self, batch):
        return probed(self.made(batch)["videos"])

    def generator_loss(self, batch):
        loss, logs = super().generator_loss(batch)
        mask = at_least_float32(self.made(batch)["mask"])
        mean = weighted_mean(mask, batch.sample_weight if self.conditions else None)
        return loss + self.recipe.mask_weight * ops.cast(mean, loss.dtype), {**logs, "mask": mean}

    # Samples --------------------------------------------------------------------------------------------------------

    def finished(self, outputs):
        return outputs["videos"]

    def streams(self, count, seed=0, labels=None, ema=True, batch_size=64):
        """Generates the parts of the films of `sample(count, seed, labels)`.

        Args:
            count: Number of samples.
            seed: Non-negative integer.
            labels: Integers of shape (count,) for a conditional model. Defaults to cycling through 0, 1, 2, ...
            ema: Whether to use the averaged generator rather than the one being trained.
            batch_size: Number of samples to process at once.

        Returns:
            `{"foreground", "mask", "background"}`: float32 arrays of shape (count, frames, height, width, channels),
            (count, frames, height, width, 1) in [0, 1], and (count, height, width, channels).

        Raises:
            ValueError: See `sample`.
        """
        inputs = self.sample_inputs(count, seed, labels=labels)
        outputs = self._parts[ema](inputs, seed, batch_size=batch_size)
        return {name: np.asarray(outputs[name]) for name in STREAMS}

    @functools.cached_property
    def _parts(self):
        return {True: Inference(self.ema_generator), False: Inference(self.generator)}


def as_video(given):
    """Returns the kind of the films, given a kind or a shape (frames, height, width, channels).

    Raises:
        ValueError: For anything else.
    """
    if isinstance(given, Video):
        return given
    shape = () if isinstance(given, Kind) else tuple(given)
    if len(shape) != 4:
        raise ValueError(
            f"`image_shape` is {given!r}; expected films: kerasgan.data.kinds.Video((frames, height, width, "
            "channels)), or this shape."
        )
    return Video(shape)
