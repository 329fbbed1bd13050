"""Models that generate images from captions: base classes of TextToImageGAN and StackGAN."""

import dataclasses
from typing import Any

import keras
import numpy as np
from keras import layers, ops

from kerasgan.bases.latent import LatentModel, LatentRecipe
from kerasgan.bases.own_networks import check_network
from kerasgan.data.kinds import Captions, Characters, Sentences
from kerasgan.data.kinds.texts import as_text
from kerasgan.game.phase import Kimg, Phase, shared
from kerasgan.game.recipe import Adam
from kerasgan.game.signals import observe_logits
from kerasgan.layers import strided_convolutions
from kerasgan.objectives.losses import at_least_float32, weighted_mean
from kerasgan.objectives.matching import joint_embedding


@dataclasses.dataclass(frozen=True)
class CaptionRecipe(LatentRecipe):
    """Training settings of text-to-image models, in addition to those of `kerasgan.LatentRecipe`.

    Args:
        mismatched_weight: Share of real images with wrong captions among the pairs that the discriminator learns to
            reject (Reed et al. 2016, algorithm 1: 1/2). 0 for no such pairs.
        matching_kimg: Thousands of images on which the text encoder is trained before the game. It is then frozen, as
            in the papers. `None` trains the text encoder during the game instead.
        matching_group: Number of neighbouring samples in a batch whose captions the text encoder learns to tell apart.
            Batch sizes must be multiples of it.
        text_optimizer: Optimizer of the text encoder and of the image encoder it is trained with.
    """

    mismatched_weight: float = 0.5
    matching_kimg: float | None = 200.0
    matching_group: int = 16
    text_optimizer: Any = Adam(1e-3)

    def __post_init__(self):
        super().__post_init__()
        if not 0 <= self.mismatched_weight < 1:
            raise ValueError(f"`mismatched_weight` is {self.mismatched_weight}; expected 0 to less than 1.")


@keras.saving.register_keras_serializable(package="kerasgan")
class CaptionModel(LatentModel):
    """Model that generates images from captions given as strings: `fit(images, captions)`, `sample("a red circle")`.

    A text encoder turns captions into vectors, which the players receive. It is one of the following:

    - the model's own convolutional recurrent network over characters (over words for `Captions`), which is trained
      before the game (`matching_kimg`): the dot product of an image's vector with the vector of its own caption must
      exceed those with other captions by a margin (Reed et al. 2016, equation 2, where the image encoder is a trained
      GoogLeNet; here it is a small network that is trained as well). Everything after this stage uses the encoder's
      moving average, as do `sample`, presets and exports;
    - `text_encoder`, a built Keras model from ids to vectors, which is trained in the same way unless
      `matching_kimg=0`;
    - a frozen sentence encoder, for the condition `Sentences(...)`.

    Args:
        image_shape: Shape (height, width, channels) of images in [-1, 1].
        latent_dim: Length of the latent vectors, which are standard normal.
        condition: Kind of the captions: `Characters(length)`, `Captions(words)` or `Sentences(encoder, size)`.
            `Characters.of(captions)` finds the length.
        text_size: Length of the vectors of the model's own text encoder.
        text_width: Width of the layers of the model's own text encoder.
        **kwargs: Arguments of `kerasgan.LatentModel`, and `text_encoder`, `image_encoder` (built Keras models).

    Attributes:
        embedding_size: Length of the captions' vectors.
        as_captions: Name of the feature of `kerasgan.data.load` that holds the captions.
    """

    recipe = CaptionRecipe()
    parts: tuple[str, ...] = ("generator", "discriminator", "text_encoder", "image_encoder")
    averaged: tuple[str, ...] = ("generator", "text_encoder")
    fixed: tuple[str, ...] = ("latent_range", "num_classes", "packing")
    as_captions = "caption"

    def __init__(
        self,
        image_shape,
        latent_dim=100,
        condition=None,
        text_size=256,
        text_width=128,
        **kwargs,
    ):
        condition = Characters() if condition is None else condition
        if isinstance(condition, dict) and "class_name" in condition:
            condition = keras.saving.deserialize_keras_object(condition)
        if not isinstance(condition, (Captions, Characters, Sentences)):
            raise ValueError(
                f"`condition` is {condition!r}; expected a kind of captions: Characters(...), Captions(...) or "
                "Sentences(...) of kerasgan.data.kinds."
            )
        self.text_size, self.text_width, self.embedding_size = text_size, text_width, text_size
        self.frozen_text = isinstance(condition, Sentences)
        if isinstance(condition, Sentences):
            self.embedding_size = condition.size
            for name in ("text_encoder", "image_encoder"):
                if kwargs.pop(name, None) is not None:
                    raise ValueError(f"`{name}` was given, but {condition.encoder!r} encodes the captions already.")
            self.parts = tuple(part for part in type(self).parts if part not in ("text_encoder", "image_encoder"))
            self.averaged = tuple(name for name in type(self).averaged if name != "text_encoder")
        super().__init__(image_shape, latent_dim, condition=condition, **kwargs)

    # Networks -------------------------------------------------------------------------------------------------------

    def build_networks(self):
        given = self._custom.get("text_encoder")
        if given is not None and hasattr(given, "outputs") and given.outputs:
            self.embedding_size = int(given.outputs[0].shape[-1])
        super().build_networks()

    def build_text_encoder(self):
        """A built convolutional recurrent Keras model from ids `captions` to vectors of shape (batch, embedding_size).

        Two convolutions of width 4, each followed by max pooling over 3, and a GRU whose states are averaged (the
        layers of Reed et al. 2016b, "Learning Deep Representations of Fine-grained Visual Descriptions", section 5,
        which has three convolutions). Encoders of words have no convolutions.
        """
        (captions,) = self.conditions.inputs()
        kind = self.conditions.spec
        x = layers.Embedding(kind.size, self.text_width)(captions)
        if isinstance(kind, Characters):
            for _ in range(2):
                x = layers.Conv1D(self.text_width, 4, padding="same", activation="relu")(x)
                x = layers.MaxPooling1D(3, padding="same")(x)
        x = layers.GRU(self.text_width, return_sequences=True)(x)
        x = layers.Dense(self.embedding_size, name="embeddings")(layers.GlobalAveragePooling1D()(x))
        return keras.Model(captions, x, name="text_encoder")

    def build_image_encoder(self):
        """The image encoder the text encoder is trained with: a built Keras model from `images` to embeddings.

        4x4 convolutions with batch normalization halve the images down to about 4 pixels.
        """
        images = keras.Input(self.image_shape, name="images")
        steps = self.halvings(self.image_shape, at_least=1)
        widths = [self.text_width // 4 << min(step, 2) for step in range(steps)]
        x = strided_convolutions(images, [max(width, 1) for width in widths], 4, 0.2)
        x = layers.Dense(self.embedding_size, name="embeddings")(layers.Flatten()(x))
        return keras.Model(images, x, name="image_encoder")

    def embedding_input(self):
        """The symbolic input of a network that receives captions' vectors."""
        return keras.Input((self.embedding_size,), name="embeddings")

    def check_own_networks(self, given):
        if "generator" in given:
            check_network("generator", given["generator"], (self.latent_dim,), ["embeddings"], self.image_shape)
        if "discriminator" in given:
            check_network("discriminator", given["discriminator"], self.image_shape, ["embeddings"])

    # The game -------------------------------------------------------------------------------------------------------

    def phases(self):
        """The text encoder's phase, then the game's."""
        game, kimg = tuple(self.game_phases()), self.recipe.matching_kimg
        if self.frozen_text or kimg == 0:
            return game
        trains = ("text_encoder", "image_encoder")
        matching = Phase("matching", trains, self.matching_loss, "text", during=None if kimg is None else Kimg(0, kimg))
        if kimg is not None:
            game = tuple(dataclasses.replace(phase, during=_after(phase.during, kimg)) for phase in game)
        return matching, *game

    def game_phases(self):
        """The phases of the players."""
        return super().phases()

    def matching_loss(self, batch):
        """The margin loss of images and captions (equation 2): see `kerasgan.objectives.matching.joint_embedding`."""
        (captions,) = self.conditions.tensors(batch.y)
        texts = self.text_encoder(captions, training=True)
        images = self.image_encoder(batch.x, training=True)
        loss, right = joint_embedding(images, texts, self.recipe.matching_group, captions)
        return loss, {"matched": right}

    def embed(self, captions):
        """The caption vectors that the players and `sample` use, without gradients.

        Args:
            captions: Captions in the form that networks take.
        """
        if self.frozen_text:
            return captions
        return ops.stop_gradient(self.ema_text_encoder(captions, training=False))

    def real_condition(self, batch):
        return [self.embeddings(batch)]

    @shared
    def embeddings(self, batch):
        """The vectors of the batch's captions, shape (batch, embedding_size)."""
        (captions,) = self.conditions.tensors(batch.y)
        return self.embed(captions)

    @shared
    def mismatched(self, batch):
        """Caption vectors of other images, and weights, which are 0 where the swapped caption happens to be the same.

        Neighbours swap their captions, so that no replica needs data from another one. Batch sizes must be even.
        """
        (captions,) = self.conditions.tensors(batch.y)
        vectors = swap_neighbours(self.embeddings(batch))
        differs = ops.any(ops.not_equal(captions, swap_neighbours(captions)), axis=-1)
        weights = ops.cast(differs, keras.config.floatx())
        if batch.sample_weight is not None:
            weights = weights * ops.cast(batch.sample_weight, weights.dtype)
        return vectors, weights

    def discriminator_loss(self, batch):
        """Real pairs against generated and mismatched ones (Reed et al. 2016, algorithm 1, line 9)."""
        rule, share, weight = self.adversarial_loss, self.recipe.mismatched_weight, batch.sample_weight
        real, fake = self.real_logits(batch), self.fake_logits(batch)
        loss = rule.discriminator(real, fake, weight, weight)
        logs = {"real_logits": ops.mean(real), "fake_logits": ops.mean(fake), **self.observe_reals(batch, real)}
        observe_logits(real, fake, rule.boundary)
        if share:
            vectors, weights = self.mismatched(batch)
            wrong = self.judge(self.real_samples(batch), vectors)
            loss = (1.0 - share) * loss + share * rule.discriminator(real, wrong, weight, weights)
            logs["mismatched_logits"] = weighted_mean(at_least_float32(wrong), weights)
        for penalty in self.penalties:
            logs[penalty.name] = self.penalty(penalty, batch)
            loss = loss + ops.cast(logs[penalty.name], loss.dtype)
        return loss, logs

    # Samples --------------------------------------------------------------------------------------------------------

    def generator_inputs(self, latents, *conditions, truncation=None, ema=True):
        return [latents, *(self.embed(captions) for captions in conditions)]

    def sample(self, count=1, seed=0, labels=None, *, captions=None, **options):
        """Generates images from captions.

        Args:
            count: A caption, a list of captions, or the number of samples for `captions`.
            seed: Non-negative integer.
            labels: Must be `None`: the condition is a caption.
            captions: One caption for each of `count` samples, or one for all of them. Defaults to the examples of the
                condition's kind.
            **options: See `LatentModel.sample`.

        Returns:
            A float32 array of shape (number of captions, *image_shape), images in [-1, 1].

        Raises:
            ValueError: See `LatentModel.sample`.

        Examples:

        >>> one = model.sample("a red circle above a blue square")
        >>> several = model.sample(["a red circle", "a blue square"], seed=1)
        >>> variants = model.sample(8, captions="a red circle")
        """
        if not isinstance(count, (int, np.integer)):
            if captions is not None:
                raise ValueError("`captions` was given twice. Pass captions first, or a number and captions=...")
            captions = [as_text(count)] if isinstance(count, (str, bytes)) else count
            count = len(captions)
        elif isinstance(captions, (str, bytes)):
            captions = [captions] * count
        return super().sample(int(count), seed, labels, captions=captions, **options)


def swap_neighbours(rows):
    """The rows of a tensor with neighbours exchanged: 1, 0, 3, 2, ... Their number must be even."""
    shape = tuple(rows.shape)[1:]
    if rows.shape[0] is not None and rows.shape[0] % 2:
        raise ValueError(
            f"The batch has {rows.shape[0]} samples, an odd number, so their captions cannot be exchanged in pairs. "
            "Choose an even batch size for each replica, or mismatched_weight=0."
        )
    return ops.reshape(ops.flip(ops.reshape(rows, (-1, 2, *shape)), axis=1), (-1, *shape))


def _after(during, kimg):
    """A span of the game, moved to after the first `kimg` thousand images."""
    if during is None:
        return Kimg(kimg)
    return Kimg(during.start + kimg, None if during.end is None else during.end + kimg)
