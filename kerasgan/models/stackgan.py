"""StackGAN (Zhang et al. 2017, "StackGAN: Text to Photo-Realistic Image Synthesis with Stacked GANs")."""

import dataclasses
import functools
import math

import keras
from keras import layers, ops

from kerasgan.bases.captions import CaptionModel, CaptionRecipe
from kerasgan.data.kinds import Images
from kerasgan.game.inference import Inference
from kerasgan.game.phase import Kimg, shared
from kerasgan.game.signals import probed
from kerasgan.layers import ConditioningAugmentation, normal, text_plane
from kerasgan.layers.captioned import bottleneck, caption_discriminator, convolution, normalized
from kerasgan.layers.conditioning_augmentation import normal_divergence
from kerasgan.objectives.losses import weighted_mean

STAGES = (1, 2)


@dataclasses.dataclass(frozen=True)
class StackGANRecipe(CaptionRecipe):
    """Training settings in addition to those of `kerasgan.bases.captions.CaptionRecipe`.

    Args:
        first_kimg: Thousands of images on which the first stage is trained, before the second: 600 epochs of the
            paper's 8,855 birds.
        divergence_weight: Weight of the divergence of the conditions from N(0, I), averaged over their components (the
            authors' code: 2; the paper's lambda is 1).
    """

    first_kimg: float = 5_300.0
    divergence_weight: float = 2.0


@keras.saving.register_keras_serializable(package="kerasgan")
class StackGAN(CaptionModel):
    """Text to image in two stages: a small image from the caption, then a large one from both.

    Each generator draws its condition around the caption's vector, c = mu + sigma * epsilon, and keeps the distribution
    close to N(0, I) (conditioning augmentation, section 3.2). The first stage makes an image of 1 / `factor` of the
    size from latents and c. The second stage, which has no latents, halves that image twice, appends a new c at each
    position, applies residual blocks and enlarges the result (section 3.4). Both discriminators are matching-aware
    (Reed et al. 2016). After the text encoder (see `kerasgan.bases.captions`), the first stage is trained; then it is
    frozen, and the second stage is trained on images of its moving average. The names of networks and logs end in the
    number of the stage. Each stage's players have copies of the recipe's two optimizers.

    Details that the paper leaves open follow the authors' code: residual blocks at the smallest maps, the weight of the
    divergence. Differences from their code: epsilon is normal, not truncated; mu and sigma are linear in the caption's
    vector, without a LeakyReLU; learning rates are constant, not halved after every 50 or 100 epochs.

    Args:
        image_shape: Shape (height, width, channels) of images in [-1, 1]. Height and width are multiples of 8 factor.
        latent_dim: Length of the latent vectors, which are standard normal.
        condition: Kind of the captions, as for `TextToImageGAN`.
        factor: Ratio of the sizes of the two stages, a power of two: 4 in the paper, from 64 to 256 pixels.
        width: Channels of the discriminators' first layers.
        generator_width: Channels of the generators' maps at the size of small images.
        caption_size: Length of the conditions c and of the discriminators' projections of captions.
        residual_blocks: Number of residual blocks of the second stage: 4 in the paper for 256 pixels, 2 for 128.
        text_size: Length of the vectors of the model's own text encoder; 1024 in the paper.
        text_width: Width of the layers of the model's own text encoder.
        **kwargs: Arguments of `kerasgan.LatentModel`, and built Keras models by their names in `parts`.

    Examples:

    >>> from kerasgan.data.kinds import Characters
    >>> model = StackGAN((64, 64, 3), condition=Characters.of(captions), factor=2)
    >>> model.compile(first_kimg=500)
    >>> model.fit(images, captions, epochs=100)
    >>> picture = model.sample("a large red circle above a small blue square")
    >>> small, large = model.stages(["a large red circle", "a small blue square"])
    """

    recipe = StackGANRecipe()
    parts = ("generator_1", "generator_2", "discriminator_1", "discriminator_2", "text_encoder", "image_encoder")
    averaged = ("generator_1", "generator_2", "text_encoder")
    fixed = (*CaptionModel.fixed, "generator", "discriminator")

    def __init__(
        self,
        image_shape,
        latent_dim=100,
        condition=None,
        factor=4,
        width=64,
        generator_width=128,
        caption_size=128,
        residual_blocks=4,
        text_size=256,
        text_width=128,
        **kwargs,
    ):
        height, image_width, channels = Images(image_shape).shape
        if factor < 2 or factor & (factor - 1) or height % (8 * factor) or image_width % (8 * factor):
            raise ValueError(
                f"`factor` is {factor!r} and `image_shape` is {tuple(image_shape)}; expected a power of two, and "
                "height and width that are multiples of 8 factor."
            )
        self.factor, self.width, self.generator_width = factor, width, generator_width
        self.caption_size, self.residual_blocks = caption_size, residual_blocks
        self.small_shape = (height // factor, image_width // factor, channels)
        super().__init__(image_shape, latent_dim, condition, text_size, text_width, **kwargs)

    # Networks -------------------------------------------------------------------------------------------------------

    def build_networks(self):
        super().build_networks()
        self.generator, self.ema_generator = self._chain("generator"), self._chain("ema_generator")

    @property
    def discriminator(self):
        """The discriminator of full-size images: that of the second stage."""
        return self.discriminator_2

    def build_generator_1(self):
        """The first stage: a built Keras model of `latents` and `embeddings`."""
        steps = self.halvings(self.small_shape, at_least=1)
        *small, channels = (self.small_shape[0] >> steps, self.small_shape[1] >> steps, self.small_shape[2])
        latents, captions = keras.Input((self.latent_dim,), name="latents"), self.embedding_input()
        condition, *parameters = ConditioningAugmentation(self.caption_size)(captions)
        first, *hidden = [self.generator_width << step for step in reversed(range(steps))]
        x = layers.Concatenate()([latents, condition])
        x = layers.Dense(math.prod(small) * first, use_bias=False, kernel_initializer=normal(0.02))(x)
        x = layers.ReLU()(bottleneck(normalized(layers.Reshape((*small, first))(x)), layers.ReLU()))
        for place, filters in enumerate(hidden):
            x = self._enlarged(x, filters)
            x = layers.ReLU()(x if place else bottleneck(x, layers.ReLU()))
        x = layers.UpSampling2D()(x)
        return self._outputs([latents, captions], x, channels, parameters, "generator_1")

    def build_generator_2(self):
        """The second stage: a built Keras model of small `images` and `embeddings`."""
        images, captions = keras.Input(self.small_shape, name="images"), self.embedding_input()
        condition, *parameters = ConditioningAugmentation(self.caption_size)(captions)
        width = self.generator_width
        x = layers.ReLU()(convolution(width, 3, use_bias=True)(images))
        for filters in (2 * width, 4 * width):
            x = layers.ReLU()(normalized(convolution(filters, 4, strides=2)(x)))
        x = layers.Concatenate()([x, text_plane(condition, *x.shape[1:3])])
        x = layers.ReLU()(normalized(convolution(4 * width, 3)(x)))
        for _ in range(self.residual_blocks):
            h = layers.ReLU()(normalized(convolution(4 * width, 3)(x)))
            x = layers.ReLU()(layers.Add()([x, normalized(convolution(4 * width, 3)(h))]))
        for step in range(2 + self.factor.bit_length() - 1):
            x = layers.ReLU()(self._enlarged(x, max(2 * width >> step, 1)))
        return self._outputs([images, captions], x, self.image_shape[-1], parameters, "generator_2")

    @staticmethod
    def _enlarged(x, filters):
        return normalized(convolution(filters, 3)(layers.UpSampling2D()(x)))

    @staticmethod
    def _outputs(inputs, x, channels, parameters, name):
        x = convolution(channels, 3, use_bias=True)(x)
        x = layers.Activation("tanh", dtype=keras.config.floatx(), name="images_out")(x)
        outputs = {"images": x, **dict(zip(("center", "log_deviation"), parameters, strict=True))}
        return keras.Model(inputs, outputs, name=name)

    def build_discriminator_1(self):
        """The discriminator of small images: a built Keras model of `images` and `embeddings`."""
        steps = self.halvings(self.small_shape, at_least=1)
        sizes = self.small_shape, self.embedding_size, self.width, steps, self.caption_size
        return caption_discriminator(*sizes, name="discriminator_1")

    def build_discriminator_2(self):
        """The discriminator of large images: a built Keras model of `images` and `embeddings`."""
        first = self.halvings(self.small_shape, at_least=1)
        sizes = self.image_shape, self.embedding_size, self.width, self.halvings(self.image_shape), self.caption_size
        return caption_discriminator(*sizes, most=self.width << (first - 1), name="discriminator_2")

    def _chain(self, name):
        """Both stages chained: a model from [latents, embeddings] to `small` and `images`."""
        latents, captions = keras.Input((self.latent_dim,), name="latents"), self.embedding_input()
        small = getattr(self, f"{name}_1")([latents, captions])["images"]
        large = getattr(self, f"{name}_2")([small, captions])["images"]
        return keras.Model([latents, captions], {"images": large, "small": small}, name=name)

    def finished(self, outputs):
        return outputs["images"]

    # The game -------------------------------------------------------------------------------------------------------

    def optimizers(self):
        """The optimizers of each stage's players (copies of the recipe's two), and that of the text encoder."""
        made = super().optimizers()
        staged = {
            f"{player}_{stage}": type(made[player]).from_config(made[player].get_config())
            for stage in STAGES
            for player in ("discriminator", "generator")
        }
        return {**staged, "text": made["text"]}

    def game_phases(self):
        first = self.recipe.first_kimg
        spans = {1: Kimg(0, first), 2: Kimg(first)}
        one = tuple(super().game_phases())  # of one stage; the losses identify the stage by the image size
        return tuple(
            dataclasses.replace(
                phase,
                name=f"{phase.name}_{stage}",
                trains=tuple(f"{name}_{stage}" for name in phase.trains),
                loss=functools.partial(self._stage_loss, loss=phase.loss, stage=stage),
                optimizer=f"{phase.optimizer}_{stage}",
                during=spans[stage],
            )
            for stage in STAGES
            for phase in one
        )

    def _stage_loss(self, batch, loss, stage):
        value, logs = loss(self.stage_batch(batch, stage))
        return value, {f"{name}_{stage}": log for name, log in logs.items()}

    @shared
    def stage_batch(self, batch, stage):
        """The batch with images at a stage's size, as means over blocks of pixels."""
        return batch._replace(x=ops.average_pool(batch.x, self.factor, self.factor) if stage == 1 else batch.x)

    def stage_of(self, images):
        """The stage, 1 or 2, that images belong to by their size."""
        return 1 if tuple(images.shape[1:3]) == self.small_shape[:2] else 2

    @shared
    def outputs(self, batch):
        """The outputs of a stage's generator for the batch's captions: images, means and deviations."""
        latents, captions = self.latents(batch), self.embeddings(batch)
        if self.stage_of(batch.x) == 1:
            return self.generator_1([latents, captions], training=True)
        small = ops.stop_gradient(self.ema_generator_1([latents, captions], training=False)["images"])
        return self.generator_2([small, captions], training=True)

    @shared
    def generated(self, batch):
        return probed(self.outputs(batch)["images"])

    def generator_loss(self, batch):
        """Equations 4 and 6, in the non-saturating form."""
        loss, logs = super().generator_loss(batch)
        outputs = self.outputs(batch)
        divergence = weighted_mean(normal_divergence(outputs["center"], outputs["log_deviation"]), batch.sample_weight)
        return loss + self.recipe.divergence_weight * divergence, {**logs, "divergence": divergence}

    def discriminate(self, samples, *conditions):
        network = self.networks[f"discriminator_{self.stage_of(samples)}"]
        return network(self.inputs_of(samples, *conditions), training=True)

    # Samples --------------------------------------------------------------------------------------------------------

    def stages(self, captions, seed=0, ema=True, batch_size=64):
        """Generates the images of both stages that lead to `sample(captions, seed)`.

        Args:
            captions: A caption, or a list of captions.
            seed: Non-negative integer.
            ema: Whether to use the averaged generators rather than those being trained.
            batch_size: Number of samples to process at once.

        Returns:
            Two float32 arrays of images in [-1, 1]: small and large ones.
        """
        captions = [captions] if isinstance(captions, (str, bytes)) else captions
        inputs = self.generator_inputs(*self.sample_inputs(len(captions), seed, captions=captions))
        network = Inference(self.ema_generator if ema else self.generator)
        outputs = network(inputs, seed, batch_size=batch_size)
        return outputs["small"], outputs["images"]
