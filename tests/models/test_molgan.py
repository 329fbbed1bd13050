"""MolGAN through the family harness, and what its paper says of graphs, rewards and the trade-off."""

import keras
import numpy as np
import pytest
from keras import ops

from kerasgan import Batch, MolGAN
from kerasgan.data.kinds import Graphs
from kerasgan.game.engines import gradients
from kerasgan.game.recipe import Adam
from kerasgan.metrics import ValidMolecules
from kerasgan.objectives.penalties import GradientPenalty
from kerasgan.testing import CHECKS, family_tests

KIND = Graphs(3, 3, 3)
SIZES = {"image_shape": KIND, "latent_dim": 4, "generator_widths": (6,), "convolutions": (4, 3)}
SIZES |= {"aggregation": 5, "widths": (4,)}
REWARD = ValidMolecules(("none", "C", "O"))
FAST = {"batch_size": 8, "generator_every": 1, "generator_optimizer": Adam(0.1)}
# A critic's last bias is in no difference.
BIAS = ("discriminator: output/bias",)
# Two replicas differ by 1e-16 after the first step, 4e-15 after 8 and 4e-10 after 20: chaos. A fault differs at once.
test_molgan = family_tests(MolGAN, {**SIZES, "reward": REWARD}, FAST, unmoved=BIAS, steps=5)
test_without_reward = family_tests(
    MolGAN, SIZES, {**FAST, "relaxation": "straight_through"}, unmoved=BIAS, slow=CHECKS, steps=5
)


def share_of_nodes(graphs):
    return (graphs["nodes"] > 0).mean(axis=1)


def types_of_nodes(graphs):
    return graphs["nodes"]


def example(count=4):
    return Batch(keras.tree.map_structure(ops.convert_to_tensor, KIND.example(count, 0)))


def compiled(**changes):
    arguments = {"seed": 0, **SIZES, **{name: changes.pop(name) for name in ("reward",) if name in changes}}
    model = MolGAN(**arguments)
    model.compile(**changes, checks=False)
    return model


def test_graph_networks_do_not_see_the_order_of_nodes():
    model, order = compiled(reward=REWARD), [2, 0, 1]
    x, shuffled = KIND.example(4, 0), {}
    shuffled = {"nodes": x["nodes"][:, order], "edges": x["edges"][:, order][:, :, order]}
    for network in (model.discriminator, model.reward_network):
        found = [network([*KIND.tensor(graphs).values()]) for graphs in (x, shuffled)]
        np.testing.assert_allclose(*found, atol=1e-5)
    for variable in model.discriminator.get_layer("convolution0").kernels[1:]:
        assert variable.shape == (3, 4)


@pytest.mark.parametrize("relaxation", ["softmax", "gumbel", "straight_through"])
def test_relaxations(relaxation):
    model = compiled(relaxation=relaxation, temperature=0.5)
    logits = model.generator(model.draw_latents(64, 0))
    nodes, edges = (ops.convert_to_numpy(part) for part in model.parted(model.relaxed(logits)))
    np.testing.assert_allclose(edges, edges.swapaxes(1, 2), atol=1e-6)
    np.testing.assert_allclose(nodes.sum(-1), 1, atol=1e-5)
    soft = ops.convert_to_numpy(ops.softmax(2 * logits["nodes"], axis=-1))
    assert np.allclose(nodes, soft, atol=1e-5) == (relaxation == "softmax")
    assert np.allclose(nodes, np.round(nodes), atol=1e-5) == (relaxation == "straight_through")
    if relaxation == "straight_through":  # a sample of each type as often as its probability, at any temperature
        expected = ops.convert_to_numpy(ops.softmax(logits["edges"], axis=-1)).mean(axis=(0, 1, 2))
        np.testing.assert_allclose(edges.mean(axis=(0, 1, 2)), expected, atol=0.1)


def test_straight_through_has_the_slope_of_the_soft_graph():
    model = compiled(relaxation="straight_through")
    logits = ops.convert_to_tensor(np.random.default_rng(0).normal(size=(2, 3)).astype("float32"))
    weights = ops.convert_to_tensor([1.0, 2.0, 4.0])
    found = gradients(lambda tensors: ops.sum(weights * model._soft(tensors[0])), [logits])[0]
    expected = gradients(lambda tensors: ops.sum(weights * ops.softmax(tensors[0])), [logits])[0]
    np.testing.assert_allclose(found, expected, atol=1e-6)
    assert float(ops.max(ops.abs(expected))) > 0.1


def test_the_penalty_is_on_the_norm_over_nodes_and_edges():
    """Of a linear critic the slope is its kernel; a norm for each node and each edge would give another value."""
    nodes, edges = keras.Input((3, 3), name="nodes"), keras.Input((3, 3, 3), name="edges")
    flat = keras.layers.Concatenate()([keras.layers.Flatten()(part) for part in (nodes, edges)])
    critic = keras.Model([nodes, edges], keras.layers.Dense(1, name="output")(flat))
    model = MolGAN(**SIZES, discriminator=critic, seed=0)
    model.compile(checks=False)
    norm = np.linalg.norm(ops.convert_to_numpy(critic.get_layer("output").kernel))
    found = float(model.penalty(GradientPenalty(10.0), example()))
    np.testing.assert_allclose(found, 10 * (norm - 1) ** 2, rtol=1e-4)


def test_generator_loss():
    """Equation 7 by hand; alpha makes the two terms equally large."""
    model = compiled(reward=REWARD, trade_off=0.25)
    model.fake_logits = lambda batch: ops.convert_to_tensor([[1.0], [3.0]])
    model.predicted_reward = lambda samples: ops.convert_to_tensor([0.25, 0.75])
    loss, logs = model.generator_loss(example(2))
    np.testing.assert_allclose(float(loss), 0.25 * -2.0 + 0.75 * 4.0 * -0.5, rtol=1e-6)
    assert float(logs["predicted_reward"]) == 0.5


def test_reward_loss():
    """The reward network learns the user's reward of the batch and of what the generator's graphs are."""
    model, seen = compiled(reward=share_of_nodes), []
    graphs = KIND.example(4, 1)
    model.generated = lambda batch: model.joined(*KIND.tensor(graphs).values())
    model.predicted_reward = lambda samples: seen.append(samples) or ops.zeros((4,))
    loss, logs = model.reward_loss(example())
    real, fake = ((g["nodes"] > 0).mean(axis=1) for g in (KIND.example(4, 0), graphs))
    np.testing.assert_allclose(float(loss), (real**2).mean() + (fake**2).mean(), rtol=1e-5)
    np.testing.assert_allclose([float(logs[f"{n}_reward"]) for n in ("real", "fake")], [real.mean(), fake.mean()], 1e-6)
    assert len(seen) == 2 and not np.allclose(seen[0], seen[1])
    assert {phase.name: phase.every for phase in model.game} == {"discriminator": 1, "reward": 5, "generator": 5}


def test_samples_are_graphs():
    model = compiled()
    graphs = model.sample(5, seed=1)
    KIND.check(graphs)
    assert not np.diagonal(graphs["edges"], axis1=1, axis2=2).any()
    np.testing.assert_array_equal(graphs["edges"], graphs["edges"].swapaxes(1, 2))
    assert "reward_network" not in model.networks and [phase.name for phase in model.game][1:] == ["generator"]


def test_a_configuration_holds_the_reward_or_what_it_was_saved_as():
    config = compiled(reward=REWARD).get_config()
    for reward in (config["reward"], REWARD):
        assert MolGAN.from_config({**config, "reward": reward}).reward == REWARD
    del config["reward"]
    assert MolGAN.from_config(config).reward is None


def test_mistakes():
    with pytest.raises(ValueError, match="Graphs"):
        MolGAN((8, 8, 1))
    with pytest.raises(ValueError, match="`reward`"):
        MolGAN(**SIZES, reward="qed")
    with pytest.raises(ValueError, match="`relaxation`"):
        compiled(relaxation="hard")
    with pytest.raises(ValueError, match="`reward` returned"):
        compiled(reward=types_of_nodes).given_rewards(**KIND.example(4, 0))
