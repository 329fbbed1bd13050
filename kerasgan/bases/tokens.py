"""Models that generate sequences token by token: base classes of the text families."""

import dataclasses
import functools
from typing import Any

import keras
import numpy as np
from keras import ops

from kerasgan.bases.latent import LatentModel, LatentRecipe
from kerasgan.data.kinds import Tokens
from kerasgan.game.inference import Inference
from kerasgan.game.phase import Between, Phase
from kerasgan.game.recipe import Optimizer
from kerasgan.layers.tokens import TokenDecoder, TokenLikelihoods
from kerasgan.objectives.losses import weighted_mean

DECODER = "decoder"  # name of the layer


def clipped_adam(rate, norm=5.0):
    """Adam with the gradient's global norm clipped to `norm`, as in the authors' code of both families."""
    return Optimizer("Adam", {"learning_rate": rate, "global_clipnorm": norm})


def fitting_filters(filters, length):
    """Selects the filters that are no longer than a sequence.

    Args:
        filters: Pairs (length, number).
        length: Number of tokens of a sequence.

    Raises:
        ValueError: If no filter fits.
    """
    fitting = [pair for pair in filters if pair[0] <= length]
    if not fitting:
        raise ValueError(
            f"`filters` is {filters}; expected at least one filter of at most {length} tokens, the length of the "
            "sequences."
        )
    return fitting


@dataclasses.dataclass(frozen=True)
class TokenRecipe(LatentRecipe):
    """Training settings of a generator of tokens.

    Args:
        pretraining_steps: Number of initial steps in which only the generator is trained, by maximum likelihood.
        discriminator_pretraining_steps: Number of steps after these in which only the discriminator is trained.
        pretraining_optimizer: Optimizer of the generator in the pretraining, or its configuration.
    """

    pretraining_steps: int = 20_000
    discriminator_pretraining_steps: int = 0
    pretraining_optimizer: Any = clipped_adam(1e-2)

    def __post_init__(self):
        super().__post_init__()
        for name in ("pretraining_steps", "discriminator_pretraining_steps"):
            value = getattr(self, name)
            if not isinstance(value, int) or value < 0:
                raise ValueError(f"`{name}` is {value!r}; expected an integer of 0 or more.")


class TokenModel(LatentModel):
    """A generator of sequences, trained by maximum likelihood first and then against a discriminator.

    The latents are uniform numbers in [0, 1), one per token. Each token is drawn by inverting its cumulative
    distribution function at its latent, so that samples are exact draws from the generator's distribution and the same
    latents always give the same sequence. A family overrides `build_cell` and `build_discriminator`, and its losses.

    Args:
        image_shape: `kerasgan.data.kinds.Tokens`.
        embedding_dim: Length of a token's vector in the generator.
        **kwargs: `generator`, with the inputs `latents` and `temperature` and a layer `decoder`, a
            `kerasgan.layers.TokenDecoder`; `discriminator`; and arguments of `LatentModel`.
    """

    recipe: TokenRecipe = TokenRecipe()
    fixed: tuple[str, ...] = ("latent_dim", "latent_range", "packing")
    conditional = False
    sample_form = "tokens"
    truncation_of = "temperature"
    initializer: Any = None

    def __init__(self, image_shape, embedding_dim=32, **kwargs):
        if not isinstance(image_shape, Tokens):
            raise ValueError(f"`image_shape` is {image_shape!r}; expected Tokens(length, vocabulary_size).")
        self.embedding_dim = embedding_dim
        super().__init__(image_shape, image_shape.length, (0.0, 1.0), **kwargs)

    def build_cell(self):
        """The generator's recurrent cell."""
        raise NotImplementedError(f"{type(self).__name__} must define build_cell().")

    def build_generator(self):
        kind = self.sample_kind
        latents = keras.Input((kind.length,), name="latents")
        temperature = keras.Input((1,), name="temperature")
        sizes = kind.length, kind.vocabulary_size, self.build_cell(), self.embedding_dim
        tokens = TokenDecoder(*sizes, initializer=self.initializer, name=DECODER)([latents, temperature])
        return keras.Model([latents, temperature], tokens, name="generator")

    def check_own_networks(self, given):
        super().check_own_networks({name: network for name, network in given.items() if name == "generator"})
        generator = given.get("generator")
        if generator is not None and not any(layer.name == DECODER for layer in generator.layers):
            raise ValueError(
                "`generator` has no layer 'decoder'; expected a kerasgan.layers.TokenDecoder with this name."
            )

    @staticmethod
    def decoder(network):
        """The `TokenDecoder` of a generator."""
        return network.get_layer(DECODER)

    # The game -------------------------------------------------------------------------------------------------------

    def phases(self):
        recipe, start = self.recipe, self.recipe.pretraining_steps
        pretraining = Phase("pretraining", ("generator",), self.pretraining_loss, "pretraining", Between(0, start))
        *others, generator = super().phases()
        others = [dataclasses.replace(phase, every=Between(start, None, phase.every)) for phase in others]
        first = start + recipe.discriminator_pretraining_steps
        generator = dataclasses.replace(generator, every=Between(first, None, recipe.generator_every))
        return (*([pretraining] if start else []), *others, generator)

    def optimizers(self):
        players = super().optimizers()
        if not self.recipe.pretraining_steps:
            del players["pretraining"]
        return players

    def pretraining_loss(self, batch):
        """Negative log-likelihood of the data, mean over the tokens."""
        likelihoods = self.decoder(self.generator).play(given=batch.x)["log_likelihoods"]
        return -weighted_mean(likelihoods, batch.sample_weight), {}

    # Samples --------------------------------------------------------------------------------------------------------

    def generator_inputs(self, latents, *conditions, truncation=None, ema=True):
        temperature = ops.ones((ops.shape(latents)[0], 1), dtype=latents.dtype)
        return [latents, temperature if truncation is None else temperature * ops.cast(truncation, latents.dtype)]

    def sample(self, count, seed=0, labels=None, *, temperature=None, truncation=None, **options):
        """Generates sequences. The same seed gives the same sequences in every process of the same engine.

        Args:
            count: Number of sequences.
            seed: Non-negative integer.
            labels: Not used: the model is unconditional.
            temperature: Divisor of the logits: 1 for the generator's distribution, less for likelier sequences, 0 for
                the likeliest token at each step.
            truncation: The same as `temperature`, under the name that commands and exports use.
            **options: Arguments of `LatentModel.sample`.

        Returns:
            An int32 array of shape (count, length). For strings, use `texts`.

        Raises:
            ValueError: If both temperature and truncation are given; see also `LatentModel.sample`.
        """
        if temperature is not None and truncation is not None:
            raise ValueError(
                "`temperature` and `truncation` were both given, but they mean the same. Pass only one of them."
            )
        given = truncation if temperature is None else temperature
        return super().sample(count, seed, labels, truncation=given, **options)

    def texts(self, count, seed=0, **options):
        """Generates sequences as strings, if the `Tokens` have a vocabulary.

        Args:
            count: Number of sequences.
            seed: Non-negative integer.
            **options: Arguments of `sample`.

        Returns:
            A list of strings.
        """
        return self.sample_kind.decode(self.sample(count, seed, **options))

    def log_likelihood(self, tokens, ema=True, batch_size=256):
        """Computes the natural logarithm of the probability of sequences. Its negative mean is NLL_gen.

        Args:
            tokens: Integers of shape (count, length), or texts.
            ema: Whether to use the averaged generator rather than the one being trained.
            batch_size: Number of sequences to process at once.

        Returns:
            A float32 array of shape (count,): the sum over the tokens of a sequence.
        """
        tokens = self.sample_kind.encode(tokens)
        self.sample_kind.check(tokens, "tokens")
        tokens = ops.convert_to_tensor(np.asarray(tokens, "int32"))
        return self._scorer(self.ema_generator if ema else self.generator)(tokens, batch_size=batch_size).sum(axis=1)

    @functools.cached_property
    def _scorers(self):
        return {}

    def _scorer(self, network):
        if id(network) not in self._scorers:
            tokens = keras.Input((self.sample_kind.length,), dtype="int32", name="tokens")
            likelihoods = TokenLikelihoods(self.decoder(network))(tokens)
            self._scorers[id(network)] = Inference(keras.Model(tokens, likelihoods))
        return self._scorers[id(network)]
