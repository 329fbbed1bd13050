"""RelGAN (Nie et al. 2019, "RelGAN: Relational Generative Adversarial Networks for Text Generation")."""

import dataclasses
from typing import Any

import keras
from keras import layers, ops

from kerasgan.bases.tokens import TokenModel, TokenRecipe, clipped_adam, fitting_filters
from kerasgan.game.phase import shared
from kerasgan.game.randomness import gumbel_noise
from kerasgan.game.schedules import precision
from kerasgan.game.signals import probed
from kerasgan.layers import RelationalMemoryCell, highway
from kerasgan.objectives.losses import at_least_float32


@dataclasses.dataclass(frozen=True)
class RelGANRecipe(TokenRecipe):
    """Settings of section 4 and of the authors' code for 10,000 training sequences: 156 steps of 64 make an epoch.

    The generator is first trained alone for 150 epochs, then for 3,000 steps with 5 discriminator steps each.

    Args:
        inverse_temperature: Final inverse temperature beta of the Gumbel-softmax (equation 4), which starts at 1; 100
            or 1000 in the paper. Larger values give better but less diverse samples.
        annealing_steps: Number of steps after the pretraining over which it grows exponentially, beta^(n / N).
    """

    batch_size: int = 64
    loss: Any = "relativistic_paired"
    pretraining_steps: int = 150 * 156
    generator_every: int = 5
    inverse_temperature: float = 100.0
    annealing_steps: int = 5 * 3000
    pretraining_optimizer: Any = clipped_adam(1e-2)
    discriminator_optimizer: Any = clipped_adam(1e-4)
    generator_optimizer: Any = clipped_adam(1e-4)

    def __post_init__(self):
        super().__post_init__()
        if not self.inverse_temperature >= 1:
            raise ValueError(f"`inverse_temperature` is {self.inverse_temperature!r}; expected a number of 1 or more.")
        if not isinstance(self.annealing_steps, int) or self.annealing_steps < 1:
            raise ValueError(f"`annealing_steps` is {self.annealing_steps!r}; expected a positive integer.")


@keras.saving.register_keras_serializable(package="kerasgan")
class RelGAN(TokenModel):
    """Generator of tokens with a relational memory, trained by Gumbel-softmax gradients.

    The generator's cell is a memory that attends to itself (section 3.1). It is first trained by maximum likelihood.
    Then the discriminator receives softmax(beta (o + g)) of the logits o and Gumbel noise g (section 3.2), while the
    generator reads the token with the largest o + g, through which no gradient flows. Samples are drawn from the
    softmax of o, which is the distribution of these tokens.

    The discriminator sees sequences in several embeddings, each of which gives a logit by the same convolutions
    (section 3.3); the loss is that of the relativistic standard GAN (equation 7), averaged over the embeddings.

    Args:
        image_shape: `kerasgan.data.kinds.Tokens(length, vocabulary_size)`, or with a vocabulary for texts.
        embedding_dim: Length of a token's vector in the generator.
        slots: Number of rows of the memory.
        heads: Number of heads of the memory.
        head_size: Number of units of a head.
        representations: Number of embeddings of the discriminator.
        discriminator_embedding_dim: Total length of a token's vectors in all embeddings, a multiple of
            `representations`.
        filters: Pairs (length, number) of the discriminator's filters. Filters longer than a sequence are omitted.
        units: Number of units of the discriminator's dense layer.
        dropout: Dropout rate of the discriminator's features.
        **kwargs: Arguments of `TokenModel`.

    Examples:

    >>> model = RelGAN(Tokens(20, vocabulary_size=5000))
    >>> model.compile(pretraining_steps=1000, annealing_steps=5000)
    >>> model.fit(tokens, epochs=30)
    >>> sequences = model.sample(64, seed=0)
    """

    recipe = RelGANRecipe()

    def __init__(
        self,
        image_shape,
        embedding_dim=32,
        slots=1,
        heads=2,
        head_size=256,
        representations=64,
        discriminator_embedding_dim=64,
        filters=((2, 300), (3, 300), (4, 300), (5, 300)),
        units=100,
        dropout=0.25,
        **kwargs,
    ):
        if discriminator_embedding_dim % representations:
            raise ValueError(
                f"`discriminator_embedding_dim` is {discriminator_embedding_dim}; expected a multiple of the "
                f"{representations} representations."
            )
        self.slots, self.heads, self.head_size = slots, heads, head_size
        self.representations, self.discriminator_embedding_dim = representations, discriminator_embedding_dim
        self.filters = tuple(tuple(pair) for pair in filters)
        self.units, self.dropout = units, dropout
        super().__init__(image_shape, embedding_dim, **kwargs)

    def build_cell(self):
        return RelationalMemoryCell(self.slots, self.heads, self.head_size)

    def build_discriminator(self):
        kind, number, size = self.sample_kind, self.representations, self.discriminator_embedding_dim
        tokens = keras.Input((kind.length, kind.vocabulary_size), name="tokens")
        x = layers.Dense(size, use_bias=False, name="embeddings")(tokens)
        x = layers.Reshape((kind.length, number, size // number), name="representations")(x)
        fitting = fitting_filters(self.filters, kind.length)
        found = [layers.Conv2D(n, (k, 1), activation="relu", name=f"filters{k}")(x) for k, n in fitting]
        found = [ops.max(y, axis=1) for y in found]
        x = layers.Concatenate(name="features")(found) if len(found) > 1 else found[0]
        x = layers.Dropout(self.dropout, name="dropout")(highway(x, "highway"))
        x = layers.Dense(1, name="logit")(layers.Dense(self.units, name="dense")(x))
        return keras.Model(tokens, layers.Reshape((number,), name="logits")(x), name="discriminator")

    # The game -------------------------------------------------------------------------------------------------------

    def beta(self):
        """The inverse temperature at the current step, a scalar tensor."""
        recipe = self.recipe
        done = ops.cast(self.iterations, precision()) - float(recipe.pretraining_steps)
        return ops.power(float(recipe.inverse_temperature), ops.clip(done / recipe.annealing_steps, 0.0, 1.0))

    def real_samples(self, batch):
        return ops.one_hot(batch.x, self.sample_kind.vocabulary_size, dtype=keras.config.floatx())

    @shared
    def generated(self, batch):
        """Soft tokens of shape (batch, length, vocabulary_size)."""
        kind = self.sample_kind
        noise = gumbel_noise((ops.shape(batch.x)[0], kind.length, kind.vocabulary_size), self.random)
        logits = self.decoder(self.generator).play(noise, logits=True)["logits"]
        soft = ops.cast(self.beta(), logits.dtype) * (logits + ops.cast(noise, logits.dtype))
        return probed(ops.softmax(at_least_float32(soft), axis=-1))

    def generator_loss(self, batch):
        loss, logs = super().generator_loss(batch)
        return loss, {**logs, "beta": self.beta()}
