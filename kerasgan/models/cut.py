"""CUT (Park et al. 2020, "Contrastive Learning for Unpaired Image-to-Image Translation")."""

import dataclasses

import keras
from keras import layers, ops

from kerasgan.bases.unpaired import UnpairedRecipe, UnpairedTranslationModel
from kerasgan.game.phase import Phase, shared
from kerasgan.layers import normal, patch_discriminator, residual_translator
from kerasgan.objectives.contrastive import patch_nce


@dataclasses.dataclass(frozen=True)
class CUTRecipe(UnpairedRecipe):
    """Training settings of CUT (section 4 and appendix C.1): Adam(2e-4, 0.5) with a falling rate in the second half.

    Args:
        adversarial_weight: Weight of the generator's adversarial loss: 2, because `least_squares` halves the squares
            and the authors do not.
        nce_weight: Weight of the contrastive loss of translated images (lambda_X of equation 5).
        identity_weight: Weight of the contrastive loss of images of domain y, which the generator should leave
            unchanged (lambda_Y of equation 5). The authors' code halves both weights if neither is 0.
        patches: Maximum number of patches per image that are compared at each level.
        temperature: Temperature of the contrastive loss.
    """

    adversarial_weight: float = 2.0
    nce_weight: float = 1.0
    identity_weight: float = 1.0
    patches: int = 256
    temperature: float = 0.07


@keras.saving.register_keras_serializable(package="kerasgan")
class CUT(UnpairedTranslationModel):
    """Unpaired translation in one direction, in which a contrastive loss makes patches keep their content.

    A patch of a translation must be more similar to the patch at the same position of the original than to other
    patches of the original. Patches are compared as pixels and at up to four levels of the generator's first half,
    through one two-layer perceptron per level (the `heads`), trained with the generator. There is no reverse
    translation and no second discriminator, so that a step takes less than half the time of `CycleGAN`.

    The networks are those of `CycleGAN`. (The authors' generator uses blurred down- and upsampling.) The recipe "fast"
    is FastCUT: a larger weight and no identity loss, but without the authors' mirrored copies.

    Args:
        image_shape: Shape (height, width, channels) of both domains, in [-1, 1]. Height and width are multiples of 4.
        target_channels: `None`, or the channels of x.
        width: Channels of the first layer of both networks.
        blocks: Number of residual blocks of the generator.
        discriminator_depth: Number of strided layers of the discriminator: 0, 1, 2, 3 judge patches of 1, 16, 34, 70
            pixels.
        head_units: Units of both layers of the heads.
        **kwargs: Arguments of `AdversarialModel`.

    Examples:

    >>> model = CUT(image_shape=(256, 256, 3))
    >>> model.compile()
    >>> model.fit(horses, zebras, epochs=400)
    >>> striped = model.translate(horses[:4])
    """

    recipe = CUTRecipe()
    recipes = {"fast": {"nce_weight": 10.0, "identity_weight": 0.0}}

    def __init__(
        self, image_shape, target_channels=None, width=64, blocks=9, discriminator_depth=3, head_units=256, **kwargs
    ):
        super().__init__(image_shape, target_channels, **kwargs)
        if any(size % 4 for size in self.image_shape[:2]):
            raise ValueError(f"`image_shape` is {self.image_shape}; expected height and width to be multiples of 4.")
        if self.target_shape != self.image_shape:
            raise ValueError(
                f"`target_channels` is {target_channels}, but patches of x with {self.image_shape[2]} channels are "
                "compared with those of their translations. Use equal channels, or CycleGAN."
            )
        self.width, self.blocks, self.discriminator_depth = width, blocks, discriminator_depth
        self.head_units = head_units
        generator = self.build_generator()
        named = {layer.name: layer.output for layer in generator.layers}
        levels = [named[name] for name in (f"level_{i}" for i in range(1, 5)) if name in named]
        self.__dict__["encoder"] = keras.Model(generator.input, levels)  # of the generator's layers, not tracked twice
        self.add_networks(
            averaged=("generator",),
            generator=generator,
            discriminator=patch_discriminator(self.image_shape, None, width, discriminator_depth, affine=False),
            heads=self.build_heads([self.image_shape[2], *(level.shape[-1] for level in levels)]),
        )

    def build_generator(self):
        """The translator, a built Keras model whose layers `level_1`, `level_2`, ... are compared."""
        return residual_translator(self.image_shape, self.image_shape[2], self.width, self.blocks)

    def build_heads(self, channels):
        """The perceptrons of all levels as one Keras model of a list of vectors (batch, patches, channels).

        Args:
            channels: Number of channels of each level.
        """
        inputs = [keras.Input((None, size), name=f"maps_{level}") for level, size in enumerate(channels)]
        weights = {"kernel_initializer": normal(0.02)}
        hidden = [layers.Dense(self.head_units, "relu", **weights)(x) for x in inputs]
        return keras.Model(inputs, [layers.Dense(self.head_units, **weights)(x) for x in hidden], name="heads")

    # The game -------------------------------------------------------------------------------------------------------

    def phases(self):
        discriminator = Phase("discriminator", ("discriminator",), self.discriminator_loss, "discriminator")
        return discriminator, Phase("generator", ("generator", "heads"), self.generator_loss, "generator")

    @shared
    def translated(self, batch):
        """Translations of the batch's x."""
        return self.generator(self.views(batch)[0], training=True)

    def discriminator_loss(self, batch):
        real = self.discriminator(self.views(batch)[1], training=True)
        fake = self.discriminator(self.translated(batch), training=True)
        logs = {"real_logits": ops.mean(real), "fake_logits": ops.mean(fake)}
        return self.adversarial_loss.discriminator(real, fake), logs

    def generator_loss(self, batch):
        recipe, loss, (x, y) = self.recipe, self.adversarial_loss, self.views(batch)
        made = self.translated(batch)
        real = self.discriminator(y, training=True) if loss.compares else None
        total = recipe.adversarial_weight * loss.generator(self.discriminator(made, training=True), real)
        logs = {"nce": self.contrast(x, made)}
        total = total + recipe.nce_weight * logs["nce"]
        if recipe.identity_weight:
            logs["identity"] = self.contrast(y, self.generator(y, training=True))
            total = total + recipe.identity_weight * logs["identity"]
        return total, logs

    def contrast(self, originals, translations):
        """The mean of `patch_nce` over the levels, at random positions that are the same for both images.

        Args:
            originals: Images that provide the keys.
            translations: The generator's translations of them, which provide the queries.
        """
        levels, places = [], list[object]()
        for images in (translations, originals):
            maps = [images, *self.encoder(images, training=True)]
            if not places:
                places = [self._places(each) for each in maps]
            vectors = [_at(each, place) for each, place in zip(maps, places, strict=True)]
            levels.append(self.heads(vectors, training=True))
        losses = [patch_nce(q, k, self.recipe.temperature) for q, k in zip(*levels, strict=True)]
        return sum(losses) / len(losses)

    def _places(self, maps):
        """Random positions without repetition in each image, an integer tensor of shape (batch, patches)."""
        positions = maps.shape[1] * maps.shape[2]
        drawn = keras.random.uniform((ops.shape(maps)[0], positions), seed=self.random)
        return ops.top_k(drawn, min(self.recipe.patches, positions))[1]


def _at(maps, places):
    """Vectors of maps (batch, height, width, channels) at positions (batch, patches)."""
    batch, positions = ops.shape(maps)[0], maps.shape[1] * maps.shape[2]
    flat = ops.reshape(maps, (-1, maps.shape[3]))
    rows = ops.cast(places, "int32") + positions * ops.arange(batch, dtype="int32")[:, None]
    return ops.take(flat, rows, axis=0)
