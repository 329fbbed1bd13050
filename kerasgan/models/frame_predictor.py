"""Video prediction (Mathieu, Couprie & LeCun 2016, "Deep multi-scale video prediction beyond mean square error")."""

import dataclasses
import functools
from typing import Any

import keras
import numpy as np
from keras import layers, ops

from kerasgan.data.kinds import Video
from kerasgan.game.inference import Inference
from kerasgan.game.model import AdversarialModel
from kerasgan.game.optimizers import FlooredDecay
from kerasgan.game.phase import shared
from kerasgan.game.recipe import SGD, Recipe
from kerasgan.game.signals import observe_logits, probed
from kerasgan.game.sizes import mirrored_to
from kerasgan.layers import BilinearEnlargement, Conv2D
from kerasgan.models.videogan import as_video
from kerasgan.objectives import losses
from kerasgan.objectives.gradient_difference import gradient_difference
from kerasgan.objectives.losses import at_least_float32, weighted_mean

SMALLEST = 4  # pixels of the coarsest scale of the paper, for which the kernels are chosen
# The paper's networks at each scale, from the coarsest: feature maps, kernel sizes and units. The generator's last
# convolution has the channels of a frame, the discriminator's last layer one unit.
GENERATOR_MAPS = ((128, 256, 128), (128, 256, 128), (128, 256, 512, 256, 128), (128, 256, 512, 256, 128))
GENERATOR_KERNELS = ((3, 3, 3, 3), (5, 3, 3, 5), (5, 3, 3, 3, 3, 5), (7, 5, 5, 5, 5, 7))
DISCRIMINATOR_MAPS = ((64,), (64, 128, 128), (128, 256, 256), (128, 256, 512, 128))
DISCRIMINATOR_KERNELS = ((3,), (3, 3, 3), (5, 5, 5), (7, 7, 5, 5))
DISCRIMINATOR_UNITS = ((512, 256), (1024, 512), (1024, 512), (1024, 512))
MOST = len(GENERATOR_MAPS)
# The paper's rate falls "over time" from 0.04 to 0.005; here it halves every 100,000 updates.
FALLING = FlooredDecay(0.04, 2.0 ** (1 / 100_000), 0.005)


@dataclasses.dataclass(frozen=True)
class FramePredictorRecipe(Recipe):
    """Settings of section 4 and of equation 7, whose distances are means over pixels here.

    Args:
        loss: `kerasgan.losses.AdversarialLoss`, its name or its configuration.
        adversarial_weight: Weight lambda_adv of the sum of the adversarial losses over the scales. 0 trains the
            generator without discriminators.
        pixel_weight: Weight of the pixel distance, raised to the power `pixel_power`.
        pixel_power: Power p of the distance: 1 or 2.
        gradient_weight: Weight of the gradient difference loss.
        gradient_power: Power alpha of the gradient difference loss, 1 or more.
        discriminator_optimizer: Optimizer of the discriminator, or its configuration.
        generator_optimizer: Optimizer of the generator, or its configuration.
    """

    batch_size: int = 8
    loss: Any = "non_saturating"
    adversarial_weight: float = 0.05
    pixel_weight: float = 1.0
    pixel_power: int = 2
    gradient_weight: float = 1.0
    gradient_power: float = 1.0
    discriminator_optimizer: Any = SGD(0.02)
    generator_optimizer: Any = SGD(FALLING)

    def __post_init__(self):
        super().__post_init__()
        if self.pixel_power not in (1, 2):
            raise ValueError(f"`pixel_power` is {self.pixel_power!r}; expected 1 or 2.")


@keras.saving.register_keras_serializable(package="kerasgan")
class LimitedTanh(layers.Layer):
    """r tanh(x / r): the slope is 1 at 0, and the values are in (-r, r).

    Args:
        limit: The bound r.
        **kwargs: Arguments of `keras.layers.Layer`.
    """

    def __init__(self, limit=1.0, **kwargs):
        super().__init__(**kwargs)
        self.limit = limit

    def call(self, x):
        return self.limit * ops.tanh(x / self.limit)

    def get_config(self):
        return {**super().get_config(), "limit": self.limit}


@keras.saving.register_keras_serializable(package="kerasgan")
class FramePredictor(AdversarialModel):
    """Predicts the next frame of a film from the preceding frames, with networks at several scales.

        Y_k = r tanh((u(Y_(k-1)) + G_k(X_k, u(Y_(k-1)))) / r)

    X_k are the context frames at scale k, which has twice the size of scale k - 1; u doubles the size bilinearly. At
    each scale a discriminator D_k of the context and a frame distinguishes real from predicted frames (section 3). The
    paper has a tanh at the end of the model, r = 1; here each scale ends in one, and r, `output_range`, is 1.25. Black
    and white then lie within the range of the tanh, not at its limits: the gradient difference loss prefers flat
    frames, and with r = 1 it saturates the tanh of films that are mostly -1, so that all frames become black and
    nothing is learned. Predictions are clipped to [-1, 1].

    The generator minimises (equation 7)

        lambda_adv sum_k L_adv(D_k(X_k, Y_k)) + lambda_p |Y - G(X)|^p + lambda_gdl L_gdl(G(X), Y)

    Each step draws consecutive frames, and a square patch of them, at random from each film of the batch; the networks
    are those of the paper for patches of 32 pixels. The generator is convolutional and predicts frames of any size.

    Args:
        image_shape: Kind of the training films, `kerasgan.data.kinds.Video((20, 64, 64, 1))`, or this shape, with more
            frames than the context. Films are floats in [-1, 1].
        context: Number of frames from which the next one is predicted.
        scales: Number of scales, from 1 to 4; each has half the size of the next one.
        patch_size: Side of the training patches in pixels, at least 4 at the smallest scale; not larger than a frame.
        width: Factor by which all numbers of feature maps and units are multiplied.
        output_range: Largest absolute value r of the generator's frames before clipping, 1 or more. 1 for the paper's
            tanh, and for files saved without this argument.
        **kwargs: Arguments of `AdversarialModel`.

    Examples:

    >>> model = FramePredictor((20, 64, 64, 1))
    >>> model.compile()
    >>> model.fit(films, epochs=100)
    >>> future = model.continue_video(films[:4], 8)
    """

    recipe = FramePredictorRecipe()
    recipes = {"squared_error": {"adversarial_weight": 0.0, "gradient_weight": 0.0}}
    forward_pass = ("generator", "predicted")
    conditional = False

    def __init__(self, image_shape, context=4, scales=4, patch_size=32, width=1.0, output_range=1.25, **kwargs):
        super().__init__(**kwargs)
        self.sample_kind = as_video(image_shape)
        self.image_shape = self.sample_kind.shape
        self.context, self.scales, self.patch_size, self.width = context, scales, patch_size, width
        self.output_range = output_range
        frames, *place, self.channels = self.image_shape
        if scales not in range(1, MOST + 1):
            raise ValueError(f"`scales` is {scales!r}; expected 1 to {MOST}.")
        if not isinstance(context, int) or not 1 <= context < frames:
            raise ValueError(
                f"`context` is {context!r}; expected 1 to {frames - 1}, fewer than the {frames} frames of a film."
            )
        if not 1 <= output_range < float("inf"):
            raise ValueError(f"`output_range` is {output_range!r}; expected a number of 1 or more.")
        if patch_size % self.multiple or not SMALLEST * self.multiple <= patch_size <= min(place):
            raise ValueError(
                f"`patch_size` is {patch_size!r}; expected a multiple of {self.multiple} from "
                f"{SMALLEST * self.multiple}, for {scales} scale(s), to {min(place)}, the size of a frame. Choose "
                "fewer scales for small films."
            )
        self.add_networks(
            averaged=("generator",), generator=self.build_generator(), discriminator=self.build_discriminator()
        )

    @property
    def multiple(self):
        """Number that the height and width of frames must be multiples of."""
        return 2 ** (self.scales - 1)

    def get_config(self):
        return {**super().get_config(), "image_shape": keras.saving.serialize_keras_object(self.sample_kind)}

    @classmethod
    def from_config(cls, config):
        config = {"output_range": 1.0, **config}  # the value of earlier versions
        if isinstance(config["image_shape"], dict):
            config = {**config, "image_shape": keras.saving.deserialize_keras_object(config["image_shape"])}
        return super().from_config(config)

    def data_specs(self):
        return self.sample_kind, None

    # Networks -------------------------------------------------------------------------------------------------------

    def _maps(self, count):
        return max(1, round(self.width * count))

    def pyramid(self, images):
        """Images at all scales, coarsest first; each has the means of 2x2 pixels of the next one."""
        found = [images]
        for _ in range(1, self.scales):
            found.append(ops.average_pool(found[-1], (2, 2), (2, 2)))
        return found[::-1]

    def build_generator(self):
        """A network from context frames, stacked along the channels, to frames at all scales."""
        context = keras.Input((None, None, self.context * self.channels), name="context")
        convolution = functools.partial(Conv2D, padding="same")
        dtype, frames = keras.config.floatx(), list[keras.KerasTensor]()
        for scale, small in enumerate(self.pyramid(context)):
            x = before = None
            if frames:
                before = BilinearEnlargement(2, dtype=dtype, name=f"enlarged{scale}")(frames[-1])
            x = small if before is None else layers.Concatenate(name=f"known{scale}")([small, before])
            *hidden, last = GENERATOR_KERNELS[scale]
            for place, (maps, size) in enumerate(zip(GENERATOR_MAPS[scale], hidden, strict=True)):
                x = convolution(self._maps(maps), size, activation="relu", name=f"scale{scale}_convolution{place}")(x)
            x = convolution(self.channels, last, name=f"scale{scale}_details")(x)
            if before is not None:
                x = layers.Add(dtype=dtype, name=f"scale{scale}_sum")([x, before])
            frames.append(LimitedTanh(self.output_range, dtype=dtype, name=f"frames{scale}")(x))
        return keras.Model(context, frames, name="generator")

    def build_discriminator(self):
        """A network from context frames and frames at all scales to logits of shape (batch, scales)."""
        side = self.patch_size
        context = keras.Input((side, side, self.context * self.channels), name="context")
        frames, logits = list[keras.KerasTensor](), []
        for scale, small in enumerate(self.pyramid(context)):
            frames.append(keras.Input((*small.shape[1:3], self.channels), name=f"frames{scale}"))
            x = layers.Concatenate(name=f"scale{scale}")([small, frames[-1]])
            sizes = zip(DISCRIMINATOR_MAPS[scale], DISCRIMINATOR_KERNELS[scale], strict=True)
            for place, (maps, size) in enumerate(sizes):
                name = f"scale{scale}_convolution{place}"
                x = Conv2D(self._maps(maps), size, activation="relu", name=name)(x)
            x = layers.Flatten()(x)
            for place, units in enumerate(DISCRIMINATOR_UNITS[scale]):
                x = layers.Dense(self._maps(units), "relu", name=f"scale{scale}_units{place}")(x)
            logits.append(layers.Dense(1, name=f"scale{scale}_logits")(x))
        logits = layers.Concatenate(name="logits")(logits) if len(logits) > 1 else logits[0]
        return keras.Model([context, *frames], logits, name="discriminator")

    # The game -------------------------------------------------------------------------------------------------------

    @property
    def adversarial_loss(self):
        """The recipe's loss."""
        return losses.get(self.recipe.loss)

    def phases(self):
        discriminator, generator = super().phases()
        return (discriminator, generator) if self.recipe.adversarial_weight else (generator,)

    def optimizers(self):
        players = super().optimizers()
        if not self.recipe.adversarial_weight:
            del players["discriminator"]
        return players

    @shared
    def clips(self, batch):
        """Context frames (batch, side, side, context * channels) and next frames of random patches of the films."""
        films = batch.x
        for axis, wanted in ((1, self.context + 1), (2, self.patch_size), (3, self.patch_size)):
            films = cut(films, axis, wanted, self.random)
        return self.stacked(films[:, :-1]), films[:, -1]

    def stacked(self, context):
        """Context frames (batch, context, height, width, channels) stacked as channels, (batch, height, width, ...)."""
        moved = ops.moveaxis(context, 1, 3)
        return ops.reshape(moved, (*ops.shape(moved)[:3], self.context * self.channels))

    @shared
    def predicted(self, batch):
        """Predicted next frames at all scales, coarsest first."""
        frames = self.generator(self.clips(batch)[0], training=True)
        frames = list(frames) if isinstance(frames, (list, tuple)) else [frames]
        return [*frames[:-1], probed(frames[-1])]

    def judge(self, batch, frames):
        """The discriminator's logits (batch, scales) for frames at all scales after the batch's context."""
        return self.discriminator([self.clips(batch)[0], *frames], training=True)

    def discriminator_loss(self, batch):
        """Sum over the scales of the adversarial losses (equation 1)."""
        real, fake = self.judge(batch, self.pyramid(self.clips(batch)[1])), self.judge(batch, self.predicted(batch))
        observe_logits(real, fake, self.adversarial_loss.boundary)
        loss = self.adversarial_loss.discriminator(real, fake, batch.sample_weight, batch.sample_weight)
        return self.scales * loss, {"real_logits": ops.mean(real), "fake_logits": ops.mean(fake)}

    def generator_loss(self, batch):
        """Weighted sum of the adversarial losses, the pixel distance and the gradient difference (equation 7)."""
        recipe, weight, target = self.recipe, batch.sample_weight, self.clips(batch)[1]
        frames = self.predicted(batch)
        error = abs(at_least_float32(frames[-1]) - at_least_float32(target))
        pixels = weighted_mean(error if recipe.pixel_power == 1 else ops.square(error), weight)
        loss, logs = recipe.pixel_weight * pixels, {"pixels": pixels}
        if recipe.gradient_weight:
            logs["gradient_difference"] = gradient_difference(frames[-1], target, recipe.gradient_power, weight)
            loss = loss + recipe.gradient_weight * logs["gradient_difference"]
        if recipe.adversarial_weight:
            real = self.judge(batch, self.pyramid(target)) if self.adversarial_loss.compares else None
            adversarial = self.adversarial_loss.generator(self.judge(batch, frames), real, weight, weight)
            logs["adversarial"] = self.scales * adversarial
            loss = loss + recipe.adversarial_weight * ops.cast(logs["adversarial"], loss.dtype)
        return loss, logs

    # Predictions ----------------------------------------------------------------------------------------------------

    def call(self, inputs, training=False):
        """The next frames of films whose height and width are multiples of `multiple`, by the averaged generator."""
        return self._finest(self.ema_generator(self.stacked(inputs[:, -self.context :])))

    @staticmethod
    def _finest(frames):
        return ops.clip(frames[-1] if isinstance(frames, (list, tuple)) else frames, -1.0, 1.0)

    def continue_video(self, films, count=1, ema=True, batch_size=16):
        """Continues films, predicting each frame from the given or predicted frames before it.

        Args:
            films: Float array of shape (number, frames, height, width, channels) in [-1, 1], of at least `context`
                frames of any size.
            count: Number of frames to predict.
            ema: Whether to use the averaged generator rather than the one being trained.
            batch_size: Number of films to process at once.

        Returns:
            A float32 array of shape (number, count, height, width, channels) in [-1, 1].

        Raises:
            ValueError: For films of another type, range or number of channels, or with too few frames.
        """
        films = np.asarray(films)
        if films.ndim == 5 and 0 not in films.shape:
            Video((*films.shape[1:4], self.channels)).check(films, "films")
        if films.ndim != 5 or 0 in films.shape or films.shape[1] < self.context:
            raise ValueError(
                f"`films` has shape {films.shape}; expected (number, frames, height, width, {self.channels}) with at "
                f"least {self.context} frames."
            )
        if not isinstance(count, (int, np.integer)) or count < 0:
            raise ValueError(f"`count` is {count!r}; expected an integer of 0 or more.")
        height, width = films.shape[2:4]
        known = mirrored_to(films[:, -self.context :].astype("float32"), self.multiple)
        for _ in range(count):
            last = np.moveaxis(known[:, -self.context :], 1, 3)
            frames = self._inferences[ema](last.reshape(*last.shape[:3], -1), batch_size=batch_size)
            known = np.concatenate([known, frames[:, None]], axis=1)
        return known[:, self.context :, :height, :width]

    @functools.cached_property
    def _inferences(self):
        both = {True: self.ema_generator, False: self.generator}
        return {ema: Inference(network, self._finest) for ema, network in both.items()}

    def export(self, folder):
        """Writes a SavedModel for TensorFlow Serving: see `kerasgan.export.export_prediction`."""
        from kerasgan.export import export_prediction

        export_prediction(self, folder)

    def panel(self, x, y=None, seed=0, ema=True):
        """Rows of pictures: the second to last frames of films, predictions of the last frames, and the last frames.

        Args:
            x: Films of shape (count, frames, height, width, channels), with more frames than the context.
            y: Not used: films have no targets.
            seed: Not used: predictions have no noise.
            ema: See `continue_video`.

        Returns:
            List of three arrays of shape (count, height, width, channels).
        """
        x = np.asarray(x, "float32")
        return [x[:, -2], self.continue_video(x[:, :-1], 1, ema)[:, 0], x[:, -1]]


def cut(films, axis, wanted, seed):
    """Crops consecutive entries along an axis, at a separate random position in each film.

    Args:
        films: Tensor of shape (batch, frames, height, width, channels).
        axis: Axis, 1 to 3.
        wanted: Number of entries.
        seed: `keras.random.SeedGenerator`.
    """
    size = films.shape[axis]
    if size == wanted:
        return films
    start = keras.random.randint((ops.shape(films)[0], 1), 0, size - wanted + 1, seed=seed)
    places = start + ops.arange(wanted, dtype="int32")
    chosen = ops.one_hot(places, size, dtype=films.dtype)
    axes = "bthwc"
    return ops.einsum(f"bn{axes[axis]},{axes}->{axes.replace(axes[axis], 'n')}", chosen, films)
