"""Models whose generator takes one style per layer from a mapping network: the StyleGANs."""

import dataclasses
from typing import Any

import keras
from keras import ops

from kerasgan.bases.latent import LatentModel, LatentRecipe
from kerasgan.game.phase import shared
from kerasgan.game.signals import probed
from kerasgan.layers import draw_crossovers, mix_styles, truncate


@dataclasses.dataclass(frozen=True)
class StyleRecipe(LatentRecipe):
    """Training settings of style-based models, in addition to those of `kerasgan.LatentRecipe`.

    Args:
        style_mixing: Fraction of the training samples that mix two styles: from a randomly chosen layer on, layers take
            the style of other latents (Karras et al. 2019, section 3.1).
    """

    style_mixing: float = 0.9


@keras.saving.register_keras_serializable(package="kerasgan")
class StyleModel(LatentModel):
    """A model with a mapping network from latents and labels to styles, and a generator with one style per layer.

    The mapping network tracks the mean style in its layer `mean_style`; `sample(truncation=psi)` pulls the styles of
    the first `truncated_layers` layers towards it. A family defines `build_mapping`, `build_generator` with the input
    `styles` of shape (batch, layers, style length), and `build_discriminator`.

    Args:
        **kwargs: Arguments of `kerasgan.LatentModel`, and a built Keras model `mapping` to use instead of the family's.

    Attributes:
        truncated_layers: Number of the generator's layers that truncation affects. `None` for all.
    """

    recipe: Any = StyleRecipe()
    parts = ("mapping", "generator", "discriminator")
    averaged = ("mapping", "generator")
    truncation_of = "styles"
    truncated_layers: int | None = None

    def __init__(self, image_shape, latent_dim=512, latent_range=None, num_classes=None, packing=1, **kwargs):
        super().__init__(image_shape, latent_dim, latent_range, num_classes, packing, **kwargs)
        if self.conditions and not (self.num_classes and packing == 1):
            given = f"packing={packing}" if self.num_classes else f"the conditions {list(self.conditions.kinds)}"
            raise ValueError(f"{type(self).__name__} does not support {given}. Use num_classes, without packing.")

    def build_mapping(self):
        """The family's mapping network, a built Keras model."""
        raise NotImplementedError(f"{type(self).__name__} must define build_mapping().")

    def phases(self):
        *others, generator = super().phases()
        return *others, dataclasses.replace(generator, trains=("mapping", "generator"))

    @property
    def mixed_layers(self):
        """Number of the generator's layers among which styles are mixed."""
        return self.generator.inputs[0].shape[1]

    @shared
    def styles(self, batch):
        """Mixed styles of the generator's layers for the batch's conditions, from new latents."""
        return self.mixed_styles(self.latents(batch), self.fake_condition(batch))

    def mixed_styles(self, latents, conditions):
        """Styles of the generator's layers in training, of shape (batch, layers, style length).

        Args:
            latents: Latents of shape (batch, latent_dim).
            conditions: List of their condition tensors.
        """
        styles = self.spread(self.mapping(self.inputs_of(latents, *conditions), training=True))
        if not self.recipe.style_mixing > 0:
            return styles
        count = ops.shape(latents)[0]
        others = self.draw_latents(count, self.random)
        others = self.mapping(self.inputs_of(others, *conditions), training=False)  # not in the mean style
        crossovers = draw_crossovers(count, self.mixed_layers, self.recipe.style_mixing, self.random)
        return mix_styles(styles, self.spread(others), crossovers)

    def spread(self, styles):
        """Repeats styles of shape (batch, style length) for all layers: shape (batch, layers, style length)."""
        layers = self.generator.inputs[0].shape[1]
        return ops.repeat(ops.expand_dims(styles, 1), layers, axis=1)

    @shared
    def generated(self, batch):
        return probed(self.synthesized(self.styles(batch)))

    def synthesized(self, styles):
        """Generated samples in training from the styles of all layers."""
        return self.generator(styles, training=True)

    def generator_inputs(self, latents, *conditions, truncation=None, ema=True):
        mapping = self.ema_mapping if ema else self.mapping
        inputs = self.inputs_of(*map(ops.convert_to_tensor, (latents, *conditions)))
        styles = self.spread(mapping(inputs, training=False))
        if truncation is not None:
            styles = truncate(styles, mapping.get_layer("mean_style").mean, truncation, self.truncated_layers)
        return [styles]
