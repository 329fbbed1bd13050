"""MolGAN (De Cao & Kipf 2018, "MolGAN: An implicit generative model for small molecular graphs")."""

import dataclasses
from typing import Any

import keras
import numpy as np
from keras import layers, ops

from kerasgan.bases.latent import LatentModel, LatentRecipe
from kerasgan.data.kinds import Graphs
from kerasgan.game.engines import mean_over_replicas, row_values
from kerasgan.game.phase import Phase, shared
from kerasgan.game.randomness import gumbel_noise
from kerasgan.game.recipe import Adam
from kerasgan.game.schedules import value_at
from kerasgan.game.signals import probed
from kerasgan.layers import RelationalGraphConvolution, gated_aggregation
from kerasgan.objectives.losses import at_least_float32, weighted_mean
from kerasgan.objectives.penalties import GradientPenalty

RELAXATIONS = ("softmax", "gumbel", "straight_through")


@dataclasses.dataclass(frozen=True)
class MolGANRecipe(LatentRecipe):
    """Settings of section 5 and of the authors' code.

    Args:
        trade_off: Lambda of equation 7: 1 for the adversarial loss only, 0 for the reward only; a number, or one of
            `kerasgan.game.schedules`. Without a reward it is not used.
        relaxation: Form of the generated graphs that the discriminator sees in training (section 3.1): "softmax", the
            probabilities of the types; "gumbel", the same with Gumbel noise; "straight_through", sampled types with the
            gradient of "gumbel".
        temperature: Temperature of the softmax.
        reward_optimizer: Optimizer of the reward network.
    """

    batch_size: int = 32
    loss: Any = "wasserstein"
    penalties: tuple = (GradientPenalty(10.0),)
    generator_every: int = 5
    discriminator_optimizer: Any = Adam(1e-3)
    generator_optimizer: Any = Adam(1e-3)
    trade_off: Any = 0.5
    relaxation: str = "softmax"
    temperature: float = 1.0
    reward_optimizer: Any = Adam(1e-3)

    def __post_init__(self):
        super().__post_init__()
        if self.relaxation not in RELAXATIONS:
            raise ValueError(f"`relaxation` is {self.relaxation!r}; expected one of {', '.join(RELAXATIONS)}.")


def generator_network(kind, latent_dim, widths):
    """Generator of the logits of all node and edge types, averaged over each edge and its reverse (section 3.1).

    Args:
        kind: `Graphs`.
        latent_dim: Length of the latent vectors.
        widths: Number of units of each hidden layer.
    """
    latents = x = keras.Input((latent_dim,), name="latents")
    for place, width in enumerate(widths):
        x = layers.Dense(width, "tanh", name=f"hidden{place}")(x)
    nodes = layers.Dense(kind.nodes * kind.node_types, name="node_logits")(x)
    edges = layers.Dense(kind.nodes**2 * kind.edge_types, name="edge_logits")(x)
    edges = layers.Reshape((kind.nodes, kind.nodes, kind.edge_types), name="edge_table")(edges)
    reverse = layers.Permute((2, 1, 3), name="reverse")(edges)
    nodes = layers.Reshape((kind.nodes, kind.node_types), name="nodes")(nodes)
    edges = layers.Average(name="edges")([edges, reverse])
    return keras.Model(latents, {"nodes": nodes, "edges": edges}, name="generator")


def graph_network(kind, convolutions, aggregation, widths, name, activation=None):
    """Network from a graph to one number: graph convolutions, aggregation and dense layers (section 3.2).

    Every convolution except the first, and the aggregation, also receive the types of the nodes.

    Args:
        kind: `Graphs`.
        convolutions: Number of features of each graph convolution.
        aggregation: Length of the vector that aggregates the nodes.
        widths: Number of units of each hidden layer after the aggregation.
        name: Name of the network.
        activation: Activation of the output.
    """
    nodes = x = keras.Input((kind.nodes, kind.node_types), name="nodes")
    edges = keras.Input((kind.nodes, kind.nodes, kind.edge_types), name="edges")
    for place, width in enumerate(convolutions):
        x = RelationalGraphConvolution(width, "tanh", name=f"convolution{place}")([x, edges])
        x = layers.Concatenate(name=f"with_nodes{place}")([x, nodes])
    x = gated_aggregation(x, aggregation, "aggregation")
    for place, width in enumerate(widths):
        x = layers.Dense(width, "tanh", name=f"hidden{place}")(x)
    return keras.Model([nodes, edges], layers.Dense(1, activation, name="output")(x), name=name)


@keras.saving.register_keras_serializable(package="kerasgan")
class MolGAN(LatentModel):
    """Generator of small graphs with node and edge types, such as molecules, which can be trained for a reward.

    All types of a graph are generated at once, without an order of the nodes. "No atom" and "no bond" are type 0. A
    Wasserstein critic judges graphs; a third player, the reward network, learns to predict the user's reward for real
    and generated graphs, so that the generator can be trained for it by gradient descent (sections 3 and 3.3).

    The gradient penalty is WGAN-GP's: one random number places a whole graph, nodes and edges, between a real and a
    generated one, and the norm of the gradient is over all axes of both. (The authors' code takes a norm for each node
    and each pair of nodes, over the types, and averages the penalties.) An edge and its reverse have the same Gumbel
    noise, so that graphs stay symmetric. A sampled graph has the likeliest types and no edge from a node to itself.

    Args:
        image_shape: `kerasgan.data.kinds.Graphs(nodes, node_types, edge_types)`; that of the data set "qm9" is
            `Graphs(9, 5, 4)`.
        latent_dim: Length of the latent vectors.
        reward: Function of graphs, a dictionary of int32 arrays `nodes` (batch, nodes) and `edges` (batch, nodes,
            nodes), that returns numbers in [0, 1] of shape (batch,); such as `kerasgan.metrics.ValidMolecules()` or
            `DrugLikeness()`. It runs on the host. To be saved with the model, it must be registered with
            `keras.saving.register_keras_serializable`. On the command line, "valid" or "qed". `None`
            for a GAN without a reward network.
        generator_widths: Number of units of the generator's hidden layers.
        convolutions: Number of features of the graph convolutions of discriminator and reward network.
        aggregation: Length of the vector in which both networks aggregate the nodes.
        widths: Number of units of the dense layers of both networks.
        **kwargs: `generator`, with the outputs `nodes` and `edges`; `discriminator` and `reward_network`, with the
            inputs [nodes, edges]; and arguments of `LatentModel`.

    Examples:

    >>> model = MolGAN(Graphs(9, 5, 4), reward=kerasgan.metrics.ValidMolecules())
    >>> model.compile(trade_off=0.5)
    >>> model.fit({"nodes": nodes, "edges": edges}, epochs=30)
    >>> graphs = model.sample(64, seed=0)
    """

    recipe = MolGANRecipe()
    parts: tuple[str, ...] = ("generator", "discriminator", "reward_network")
    fixed = ("packing",)
    conditional = False
    sample_form = "graphs"

    def __init__(
        self,
        image_shape,
        latent_dim=32,
        reward=None,
        generator_widths=(128, 256, 512),
        convolutions=(128, 64),
        aggregation=128,
        widths=(128, 64),
        **kwargs,
    ):
        if not isinstance(image_shape, Graphs):
            raise ValueError(f"`image_shape` is {image_shape!r}; expected Graphs(nodes, node_types, edge_types).")
        if reward is not None and not callable(reward):
            raise ValueError(f"`reward` is {reward!r}; expected a function of graphs, or None.")
        self.reward = reward
        self.generator_widths, self.convolutions = tuple(generator_widths), tuple(convolutions)
        self.aggregation, self.widths = aggregation, tuple(widths)
        if reward is None:
            self.parts = self.parts[:2]
        super().__init__(image_shape, latent_dim, **kwargs)

    def build_generator(self):
        return generator_network(self.sample_kind, self.latent_dim, self.generator_widths)

    def build_discriminator(self):
        return graph_network(self.sample_kind, self.convolutions, self.aggregation, self.widths, "discriminator")

    def build_reward_network(self):
        sizes = self.convolutions, self.aggregation, self.widths
        return graph_network(self.sample_kind, *sizes, "reward_network", "sigmoid")

    # Graphs ---------------------------------------------------------------------------------------------------------

    def joined(self, nodes, edges):
        """Soft graphs as one tensor: for each node, its types, then the types of its edges to all nodes.

        Losses and penalties on a sample thus apply to the whole graph.
        """
        edges = ops.reshape(edges, (-1, self.sample_kind.nodes, self.sample_kind.nodes * self.sample_kind.edge_types))
        return ops.concatenate([nodes, ops.cast(edges, nodes.dtype)], axis=-1)

    def parted(self, graphs):
        """The inverse of `joined`: nodes and edges as a list."""
        kind = self.sample_kind
        nodes, edges = ops.split(graphs, [kind.node_types], axis=-1)
        return [nodes, ops.reshape(edges, (-1, kind.nodes, kind.nodes, kind.edge_types))]

    def relaxed(self, logits):
        """Soft graphs from the generator's logits; see `relaxation` of the recipe."""
        nodes, edges = (at_least_float32(logits[name]) for name in ("nodes", "edges"))
        if self.recipe.relaxation != "softmax":
            upper = np.triu(np.ones((self.sample_kind.nodes,) * 2))[:, :, None]
            half = ops.cast(upper, edges.dtype) * gumbel_noise(ops.shape(edges), self.random, edges.dtype)
            diagonal = ops.cast(np.eye(self.sample_kind.nodes)[:, :, None], edges.dtype)
            nodes = nodes + gumbel_noise(ops.shape(nodes), self.random, nodes.dtype)
            edges = edges + half + (1 - diagonal) * ops.transpose(half, (0, 2, 1, 3))
        return self.joined(*(self._soft(part) for part in (nodes, edges)))

    def _soft(self, logits):
        soft = ops.softmax(logits / self.recipe.temperature, axis=-1)
        if self.recipe.relaxation != "straight_through":
            return soft
        hard = ops.one_hot(ops.argmax(soft, axis=-1), soft.shape[-1], dtype=soft.dtype)
        return soft + ops.stop_gradient(hard - soft)

    def finished(self, outputs):
        """Graphs with the likeliest types."""
        nodes, edges = (ops.cast(ops.argmax(outputs[name], axis=-1), "int32") for name in ("nodes", "edges"))
        others = 1 - np.eye(self.sample_kind.nodes, dtype="int32")
        return {"nodes": nodes, "edges": edges * others}

    # The game -------------------------------------------------------------------------------------------------------

    def phases(self):
        discriminator, *others = super().phases()
        if self.reward is None:
            return discriminator, *others
        every = self.recipe.generator_every  # as in the authors' code
        reward = Phase("reward", ("reward_network",), self.reward_loss, "reward", every=every)
        return discriminator, reward, *others

    def optimizers(self):
        players = super().optimizers()
        if self.reward is None:
            del players["reward"]
        return players

    def resolve_jit(self, jit_compile):
        if self.reward is None or keras.backend.backend() != "tensorflow":
            return super().resolve_jit(jit_compile)
        if jit_compile is True:
            raise ValueError("jit_compile=True is not supported by TensorFlow with a `reward`, which runs on the host.")
        return super().resolve_jit(False)

    @shared
    def real_samples(self, batch):
        graphs = self.sample_kind.tensor(batch.x)
        return self.joined(graphs["nodes"], graphs["edges"])

    @shared
    def generated(self, batch):
        return probed(self.relaxed(self.generator(self.latents(batch), training=True)))

    def discriminate(self, samples, *conditions):
        return self.discriminator(self.parted(samples), training=True)

    def predicted_reward(self, samples):
        """The reward network's outputs for soft graphs, shape (batch,)."""
        return at_least_float32(self.reward_network(self.parted(samples), training=True))[:, 0]

    def rewards(self, nodes, edges):
        """The user's rewards for integer graphs, float32 of shape (batch,), without a gradient."""
        return row_values(self.given_rewards, ops.cast(nodes, "int32"), ops.cast(edges, "int32"))

    def given_rewards(self, nodes, edges):
        """The same for arrays, on the host.

        Raises:
            ValueError: If the function does not return a finite number for each graph.
        """
        values = np.asarray(self.reward({"nodes": nodes, "edges": edges}))
        if values.shape != nodes.shape[:1] or not np.isfinite(values).all():
            raise ValueError(
                f"`reward` returned {values.dtype} of shape {values.shape}; expected {len(nodes)} finite numbers."
            )
        return values

    def reward_loss(self, batch):
        """Squared error of the reward network for the batch's graphs and for generated ones (section 3.3)."""
        fake = ops.stop_gradient(self.generated(batch))
        nodes, edges = self.parted(fake)
        chosen = self.finished({"nodes": nodes, "edges": edges})
        given = self.rewards(batch.x["nodes"], batch.x["edges"]), self.rewards(chosen["nodes"], chosen["edges"])
        predicted = self.predicted_reward(self.real_samples(batch)), self.predicted_reward(fake)
        errors = [ops.square(p - ops.cast(g, p.dtype)) for p, g in zip(predicted, given, strict=True)]
        loss = weighted_mean(errors[0], batch.sample_weight) + weighted_mean(errors[1])
        return loss, {"real_reward": ops.mean(given[0]), "fake_reward": ops.mean(given[1])}

    def generator_loss(self, batch):
        """lambda L_WGAN + (1 - lambda) alpha L_RL, alpha = |L_WGAN / L_RL| as a constant (equation 7 and code)."""
        adversarial, logs = super().generator_loss(batch)
        if self.reward is None:
            return adversarial, logs
        unrewarded = -weighted_mean(self.predicted_reward(self.generated(batch)))
        sizes = mean_over_replicas(ops.stop_gradient(ops.stack([adversarial, unrewarded])))
        alpha = ops.abs(ops.divide_no_nan(sizes[0], sizes[1]))
        share = value_at(self.recipe.trade_off, self.images_seen, adversarial.dtype)
        return share * adversarial + (1 - share) * alpha * unrewarded, {**logs, "predicted_reward": -unrewarded}

    # Serialisation --------------------------------------------------------------------------------------------------

    def get_config(self):
        return {**super().get_config(), "reward": keras.saving.serialize_keras_object(self.reward)}

    @classmethod
    def from_config(cls, config):
        reward = config.get("reward")
        if isinstance(reward, dict):
            reward = keras.saving.deserialize_keras_object(reward)
        return super().from_config({**config, "reward": reward})
