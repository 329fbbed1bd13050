"""SeqGAN (Yu et al. 2017, "SeqGAN: Sequence Generative Adversarial Nets with Policy Gradient")."""

import dataclasses
from typing import Any

import keras
from keras import layers, ops

from kerasgan.bases.tokens import TokenModel, TokenRecipe, clipped_adam, fitting_filters
from kerasgan.game.averages import half_life
from kerasgan.game.engines import mean_over_replicas, replica, scan
from kerasgan.game.phase import shared
from kerasgan.game.recipe import Adam
from kerasgan.layers import highway
from kerasgan.objectives.losses import at_least_float32, weighted_mean

FILTERS = tuple(zip((*range(1, 11), 15, 20), (100, *(200,) * 4, *(100,) * 5, 160, 160), strict=True))
BASELINES = (None, "batch")


@dataclasses.dataclass(frozen=True)
class SeqGANRecipe(TokenRecipe):
    """Settings of the authors' code for 10,000 training sequences: 156 steps of 64 make an epoch.

    The generator is first trained alone for 120 epochs, then the discriminator for 50 times 3 epochs; after that, the
    discriminator is trained for 5 times 3 epochs per generator step. (The authors generate new sequences every 3
    epochs; here each step has new ones.)

    Args:
        weight_penalty: Factor of half the squared weights of the discriminator's last layer.
        rollouts: Number of completions of a prefix that estimate its reward (N of section 3.3).
        baseline: Value subtracted from a token's rewards to reduce the variance: "batch" for the mean over the batch's
            other sequences at the same position; `None` for no baseline, as in the authors' code.
    """

    batch_size: int = 64
    weight_penalty: float = 0.2
    rollouts: int = 16
    baseline: str | None = None
    pretraining_steps: int = 120 * 156
    discriminator_pretraining_steps: int = 50 * 3 * 156
    generator_every: int = 5 * 3 * 156
    ema_half_life: Any = half_life(0.8, 64)
    pretraining_optimizer: Any = clipped_adam(1e-2)
    discriminator_optimizer: Any = Adam(1e-4)
    generator_optimizer: Any = clipped_adam(1e-2)

    def __post_init__(self):
        super().__post_init__()
        if not isinstance(self.rollouts, int) or self.rollouts < 1:
            raise ValueError(f"`rollouts` is {self.rollouts!r}; expected a positive integer.")
        if self.baseline not in BASELINES:
            raise ValueError(f"`baseline` is {self.baseline!r}; expected None or 'batch'.")


@keras.saving.register_keras_serializable(package="kerasgan")
class SeqGAN(TokenModel):
    """Generator of tokens, trained by policy gradients with the discriminator's output as the reward.

    The generator, an LSTM, is first trained by maximum likelihood. Then it follows the gradient of the expected reward
    (equation 6). The reward of a token is the mean, over 16 sequences that continue it, of the discriminator's
    probability that they are real (equation 4). They are drawn from the rollout policy, the averaged generator, whose
    weights move 0.2 of the way to the generator's in each generator step. The reward of the last token is the
    discriminator's probability for the sequence.

    The discriminator is a convolutional network with filters of several lengths, max pooling over time, and a highway
    layer (section 3.4). Filters longer than a sequence are omitted. It has one logit where the authors' code has two,
    and the penalty on its last layer has the same value at the symmetric optimum of these two.

    A low negative log-likelihood of samples under a known distribution does not show that they are diverse. Report
    `log_likelihood` of held-out data, `kerasgan.metrics.self_bleu` and samples of the pretrained generator at lower
    temperatures as well (Caccia et al. 2020, "Language GANs Falling Short").

    Args:
        image_shape: `kerasgan.data.kinds.Tokens(length, vocabulary_size)`, or with a vocabulary for texts.
        embedding_dim: Length of a token's vector in the generator.
        units: Number of units of the generator's LSTM.
        discriminator_embedding_dim: Length of a token's vector in the discriminator.
        filters: Pairs (length, number) of the discriminator's filters.
        dropout: Dropout rate of the discriminator's features.
        **kwargs: Arguments of `TokenModel`.

    Examples:

    >>> model = SeqGAN(Tokens(20, vocabulary_size=5000))
    >>> model.compile(pretraining_steps=1000, discriminator_pretraining_steps=500, generator_every=5)
    >>> model.fit(tokens, epochs=30)
    >>> sequences = model.sample(64, seed=0)
    """

    recipe = SeqGANRecipe()
    initializer = keras.initializers.RandomNormal(stddev=0.1)

    def __init__(
        self,
        image_shape,
        embedding_dim=32,
        units=32,
        discriminator_embedding_dim=64,
        filters=FILTERS,
        dropout=0.25,
        **kwargs,
    ):
        self.units, self.discriminator_embedding_dim = units, discriminator_embedding_dim
        self.filters = tuple(tuple(pair) for pair in filters)
        self.dropout = dropout
        super().__init__(image_shape, embedding_dim, **kwargs)

    def build_cell(self):
        initial = {f"{name}_initializer": self.initializer.clone() for name in ("kernel", "recurrent")}
        return layers.LSTMCell(self.units, unit_forget_bias=False, **initial)

    def build_discriminator(self):
        kind = self.sample_kind
        tokens = keras.Input((kind.length,), dtype="int32", name="tokens")
        x = layers.Embedding(kind.vocabulary_size, self.discriminator_embedding_dim, name="embedding")(tokens)
        fitting = fitting_filters(self.filters, kind.length)
        found = [layers.Conv1D(n, size, activation="relu", name=f"filters{size}")(x) for size, n in fitting]
        found = [
            layers.GlobalMaxPooling1D(name=f"largest{size}")(y) for (size, _), y in zip(fitting, found, strict=True)
        ]
        x = layers.Concatenate(name="features")(found) if len(found) > 1 else found[0]
        x = layers.Dropout(self.dropout, name="dropout")(highway(x, "highway"))
        return keras.Model(tokens, layers.Dense(1, name="logits")(x), name="discriminator")

    # The game -------------------------------------------------------------------------------------------------------

    @shared
    def played(self, batch):
        """New sequences with their log-likelihoods; see `TokenDecoder.play`."""
        return self.decoder(self.generator).play(self.latents(batch))

    def generated(self, batch):
        return self.played(batch)["tokens"]

    def discriminator_loss(self, batch):
        loss, logs = super().discriminator_loss(batch)
        weights = self.discriminator.layers[-1].trainable_variables
        squares = sum(ops.sum(ops.square(at_least_float32(weight))) for weight in weights)
        return loss + 0.5 * self.recipe.weight_penalty * ops.cast(squares, loss.dtype), logs

    def reward(self, tokens):
        """The discriminator's probabilities that sequences are real, shape (batch,)."""
        logits = at_least_float32(self.discriminator(tokens, training=False))
        return ops.sigmoid(ops.reshape(logits, (-1,)))

    def rewards(self, tokens):
        """Estimates of the rewards of all tokens, float32 of the tokens' shape, without a gradient (equation 4)."""
        length, number = self.sample_kind.length, self.recipe.rollouts
        count, policy = ops.shape(tokens)[0], self.decoder(self.ema_generator)
        last = self.reward(tokens)
        if length == 1:
            return ops.stop_gradient(last[:, None])
        noise = keras.random.uniform((count, number * (length - 1) * length), seed=self.random)
        noise = ops.moveaxis(ops.reshape(noise, (count, number, length - 1, length)), 2, 0)
        noise = ops.reshape(noise, (length - 1, -1, length))
        given = ops.repeat(tokens, number, axis=0)

        def of_prefix(carry, x):
            completed = policy.play(x["noise"], given=given, known=x["known"])["tokens"]
            found = ops.reshape(self.reward(completed), (-1, number))
            return carry, ops.sum(found, axis=1) / number

        _, found = scan(of_prefix, ops.zeros(()), {"noise": noise, "known": ops.arange(1, length, dtype="int32")})
        return ops.stop_gradient(ops.concatenate([ops.moveaxis(found, 0, 1), last[:, None]], axis=1))

    def advantages(self, rewards):
        """Rewards minus the recipe's baseline, which does not depend on the sequence itself."""
        if self.recipe.baseline is None:
            return rewards
        count = ops.cast(ops.shape(rewards)[0] * replica()[1], rewards.dtype)
        mean = mean_over_replicas(ops.sum(rewards, axis=0) / ops.cast(ops.shape(rewards)[0], rewards.dtype))
        return (rewards - mean) * count / (count - 1)

    def generator_loss(self, batch):
        """A loss whose gradient is the negative policy gradient of equation 6, averaged over sequences."""
        played = self.played(batch)
        rewards = self.rewards(played["tokens"])
        weighted = played["log_likelihoods"] * self.advantages(rewards)
        return -weighted_mean(ops.sum(weighted, axis=1)), {"reward": ops.mean(rewards[:, -1])}
