"""A growing GAN in miniature: three stages, two batch sizes, one set of networks for each size of the images."""

import dataclasses

import keras
from keras import layers, ops

from kerasgan import LatentModel, LatentRecipe, shared
from kerasgan.game.schedules import Stairs
from kerasgan.objectives.penalties import GradientPenalty

SIZES = (2, 4, 8)


@dataclasses.dataclass(frozen=True)
class GrowingRecipe(LatentRecipe):
    """A new stage every `stage_images` images."""

    batch_size: int | Stairs = Stairs(((0, 8), (0.016, 4)))
    loss: str = "wasserstein"
    penalties: tuple = (GradientPenalty(10.0),)
    stage_images: int = 16


@keras.saving.register_keras_serializable(package="tests")
class MiniGrowing(LatentModel):
    """The generator has an output for each size; a stage trains and shows the one that belongs to it."""

    recipe = GrowingRecipe()

    def __init__(self, image_shape=(8, 8, 1), latent_dim=3, width=4, **kwargs):
        self.width = width
        super().__init__(image_shape, latent_dim, **kwargs)

    def stage(self, moment):
        return min(moment.images // self.recipe.stage_images, len(SIZES) - 1)

    def build_generator(self):
        latents = keras.Input((self.latent_dim,), name="latents")
        x = layers.Reshape((2, 2, self.width))(layers.Dense(4 * self.width, "leaky_relu")(latents))
        images = {}
        for place, size in enumerate(SIZES):
            if place:
                grow = layers.Conv2D(self.width, 3, padding="same", activation="leaky_relu", name=f"grow_{size}")
                x = grow(layers.UpSampling2D()(x))
            images[f"images_{size}"] = layers.Conv2D(1, 1, activation="tanh", name=f"images_{size}")(x)
        return keras.Model(latents, images, name="generator")

    def build_discriminator(self):
        entries = {size: keras.Input((size, size, 1), name=f"images_{size}") for size in SIZES}
        options = {"padding": "same", "activation": "leaky_relu"}
        blocks = {size: layers.Conv2D(self.width, 3, name=f"block_{size}", **options) for size in SIZES[1:]}
        entrances = {size: layers.Conv2D(self.width, 1, name=f"entrance_{size}", **options) for size in SIZES}
        head, logits = layers.Dense(1), {}
        for place, size in enumerate(SIZES):
            x = entrances[size](entries[size])
            for smaller in reversed(SIZES[1 : place + 1]):
                x = layers.AveragePooling2D(2)(blocks[smaller](x))
            logits[f"logits_{size}"] = head(layers.Flatten()(x))
        return keras.Model(entries, logits, name="discriminator")

    def reduced(self, images):
        """Images of the current stage's size."""
        factor = SIZES[-1] // SIZES[self.current_stage]
        return ops.average_pool(images, factor, factor) if factor > 1 else images

    def real_samples(self, batch):
        return self.reduced(batch.x)

    @shared
    def generated(self, batch):
        return self.generator(self.latents(batch), training=True)[f"images_{SIZES[self.current_stage]}"]

    def discriminate(self, samples, *conditions):
        size = SIZES[self.current_stage]
        others = {f"{s}": ops.zeros((ops.shape(samples)[0], s, s, 1), samples.dtype) for s in SIZES if s != size}
        shown = {int(s): image for s, image in others.items()} | {size: samples}
        return self.discriminator(shown, training=True)[f"logits_{size}"]

    def finished(self, outputs):
        return outputs[f"images_{SIZES[-1]}"]
