"""Models that grow during training, from small images to ever larger ones (ProGAN, StyleGAN)."""

import dataclasses
import functools
from typing import Any

import keras
from keras import ops

from kerasgan.bases.latent import LatentModel, LatentRecipe
from kerasgan.game.engines import known_value
from kerasgan.game.inference import Inference
from kerasgan.game.optimizers import RestartedAdam
from kerasgan.game.schedules import Steps, precision
from kerasgan.layers.growing import at_stage
from kerasgan.layers.growing import stage_widths as widths_of


class DoublingStages:
    """Mixin for models with one stage per image size: about 4x4 pixels at stage 0, doubled at each further stage.

    The model must have the attributes `image_shape`, `channel_base` and `channel_max`.
    """

    image_shape: tuple
    channel_base: int
    channel_max: int

    @property
    def stages(self):
        """Number of sizes from stage 0 to full size, both included."""
        return LatentModel.halvings(self.image_shape, at_least=1) + 1

    @property
    def smallest(self):
        """(height, width) of stage 0."""
        return self.image_shape[0] >> self.stages - 1, self.image_shape[1] >> self.stages - 1

    @property
    def widths(self):
        """Channels of the stages, smallest first."""
        return widths_of(self.stages, self.channel_base, self.channel_max)


@dataclasses.dataclass(frozen=True)
class GrowingRecipe(LatentRecipe):
    """Training settings of growing models, in addition to those of `kerasgan.LatentRecipe`.

    Args:
        stage_kimg: Thousands of images that each size is trained on.
        fade_kimg: Thousands of images, before those of `stage_kimg`, over which each size except the first fades in.
        rate_factors: Pairs (size, factor) in ascending order of size: from each size on, Adam's learning rate is
            multiplied by its factor.
        restart: Whether to reset Adam's moments when a new size begins, as in the authors' code.
    """

    stage_kimg: float = 600.0
    fade_kimg: float = 600.0
    rate_factors: tuple = ()
    restart: bool = True


@keras.saving.register_keras_serializable(package="kerasgan")
class GrowingModel(DoublingStages, LatentModel):
    """A latent model with growing networks (`kerasgan.layers.growing`).

    The recipe's `stage_kimg` and `fade_kimg` determine when a size begins to fade in and when its fade ends. During the
    fade, the real images fade as well (section 2 of ProGAN's paper). The state `level`, which presets and checkpoints
    hold, counts the sizes reached after the first one; its fractional part is the share of the size that is fading in.
    `sample` returns images of this level, with their pixels repeated up to the size of `image_shape`.

    Args:
        image_shape: (height, width, channels) of images in [-1, 1]; height and width even.
        **kwargs: Arguments of `kerasgan.LatentModel`.

    Attributes:
        first_stage: Stage of the first training images; stage 0 has about 4x4 pixels.
    """

    recipe: Any = GrowingRecipe()
    first_stage = 0

    def __init__(self, image_shape, **kwargs):
        super().__init__(image_shape, **kwargs)
        self.add_state(level=())

    # Training schedule ------------------------------------------------------------------------------------------------

    def begins(self, stage):
        """Thousands of images after which a stage begins to fade in."""
        later = stage - self.first_stage - 1
        return self.recipe.stage_kimg + later * (self.recipe.stage_kimg + self.recipe.fade_kimg)

    def stage(self, moment):
        """The pair (stage, whether it is fading in) at a `Moment`."""
        begun = [s for s in range(self.first_stage + 1, self.stages) if moment.images >= 1000 * self.begins(s)]
        if not begun:
            return self.first_stage, False
        return begun[-1], moment.images < 1000 * (self.begins(begun[-1]) + self.recipe.fade_kimg)

    def share(self):
        """Share of the stage that is fading in, a scalar tensor; 1.0 if none is."""
        stage, fading = self.current_stage
        if not fading:
            return 1.0
        passed = ops.cast(self.images_seen, precision()) - 1000 * self.begins(stage)
        return ops.clip(passed / (1000 * self.recipe.fade_kimg), 0.0, 1.0)

    def optimizers(self):
        players, recipe = super().optimizers(), self.recipe
        later = range(self.first_stage + 1, self.stages)
        restarts = [self.begins(stage) for stage in later] if recipe.restart else []
        for player, optimizer in players.items():
            if type(optimizer) is not keras.optimizers.Adam:
                continue
            config = optimizer.get_config()
            rate = config["learning_rate"]
            if isinstance(rate, float):
                rates = [rate * self._factor(stage) for stage in (self.first_stage, *later)]
                moments = [(self.begins(stage), rates[place]) for place, stage in enumerate(later, 1)]
                if len(set(rates)) > 1:
                    rate = Steps(rates[0], rates[-1], moments[-1][0], tuple(moments[:-1]))
            players[player] = RestartedAdam(**{**config, "learning_rate": rate, "restarts": restarts})
        return players

    def _factor(self, stage):
        size = max(self.image_shape[:2]) >> (self.stages - 1 - stage)
        return ([1.0] + [factor for least, factor in self.recipe.rate_factors if size >= least])[-1]

    def phases(self):
        *others, generator = super().phases()
        return *others, dataclasses.replace(generator, keeps=(*generator.keeps, "level"))

    # Playing a stage --------------------------------------------------------------------------------------------------

    @functools.cached_property
    def _stage_networks(self):
        return {}

    def stage_network(self, network, stage, fading):
        """The network of one stage (`kerasgan.layers.growing.at_stage`), cached."""
        key = id(network), stage, fading
        if key not in self._stage_networks:
            self._stage_networks[key] = at_stage(network, stage, fading)
        return self._stage_networks[key]

    def played(self, network, inputs):
        """Outputs of a growing network in training at the current stage.

        Args:
            network: The generator or the discriminator.
            inputs: List of its input tensors without the share.
        """
        inputs = [*inputs, self._shares(inputs[0], self.share())] if self.current_stage[1] else inputs
        network = self.stage_network(network, *self.current_stage)
        return network(inputs if len(inputs) > 1 else inputs[0], training=True)

    @staticmethod
    def _shares(samples, share):
        """The share, repeated for each sample: shape (batch, 1)."""
        return ops.broadcast_to(ops.cast(share, keras.config.floatx()), (ops.shape(samples)[0], 1))

    def synthesized(self, *inputs):
        """Generated samples in training at the current stage."""
        return self.played(self.generator, list(inputs))

    def real_samples(self, batch):
        """The batch's real samples at the size of the current stage, faded like the generated ones."""
        stage, fading = self.current_stage
        images = shrunk(super().real_samples(batch), 1 << (self.stages - 1 - stage))
        if not fading:
            return images
        share = ops.cast(self.share(), images.dtype)
        return (1 - share) * enlarged(shrunk(images, 2), 2) + share * images

    def generator_loss(self, batch):
        stage, fading = self.current_stage
        level = stage - self.first_stage - fading + (self.share() if fading else 0.0)
        self.level.assign(ops.cast(level, self.level.dtype))
        return super().generator_loss(batch)

    # Samples ----------------------------------------------------------------------------------------------------------

    def shown_stage(self):
        """The tuple (stage, whether it is fading in, its share) that `sample` shows, according to `level`.

        The last stage where the level cannot be read: in `predict` on JAX, which Keras compiles.
        """
        level = known_value(self.level)
        if level is None:
            return self.stages - 1, False, 1.0
        whole, share = int(level), float(level) - int(level)
        return self.first_stage + whole + (share > 0), share > 0, share

    def generator_inputs(self, latents, *conditions, truncation=None, ema=True):
        return self.with_share(super().generator_inputs(latents, *conditions, truncation=truncation, ema=ema))

    def with_share(self, inputs):
        """The generator's inputs in inference as a list, with the share appended while a stage is fading in."""
        _, fading, share = self.shown_stage()
        return [*inputs, self._shares(inputs[0], share)] if fading else inputs

    def inference(self, network):
        if network is not self.generator and network is not self.ema_generator:
            return super().inference(network)
        stage, fading, _ = self.shown_stage()
        network = self.stage_network(network, stage, fading)
        if id(network) not in self._inferences:
            factor = 1 << (self.stages - 1 - stage)
            self._inferences[id(network)] = Inference(network, functools.partial(enlarged, factor=factor))
        return self._inferences[id(network)]


def shrunk(images, factor):
    """Images with each block of `factor` by `factor` pixels replaced by its mean."""
    return ops.average_pool(images, factor, factor) if factor > 1 else images


def enlarged(images, factor):
    """Images with each pixel repeated `factor` times along both sides."""
    return ops.repeat(ops.repeat(images, factor, axis=1), factor, axis=2) if factor > 1 else images
