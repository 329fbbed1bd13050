"""VAE/GAN through the family harness; its losses in closed form, who learns from which, and who waits for whom."""

import contextlib

import keras
import numpy as np
import pytest
from keras import ops

from kerasgan import VAEGAN, Batch
from kerasgan.game.engines import gradients
from kerasgan.game.phase import EVALUATION
from kerasgan.objectives import penalties
from kerasgan.testing import CHECKS, enliven, family_tests, mirrored_strategy

SIZES = {"image_shape": (8, 8, 1), "latent_dim": 3, "units": 8, "width": 2}
ALL = {"margin": None, "reconstruction": 0.1}

test_vaegan = family_tests(VAEGAN, SIZES, recipe=ALL)
test_waiting = family_tests(VAEGAN, SIZES, recipe={"reconstruction": 0.1}, slow=CHECKS)
test_conditional = family_tests(VAEGAN, {**SIZES, "num_classes": 3, "packing": 2}, recipe=ALL, slow=CHECKS)
test_alternating_with_penalty = family_tests(
    VAEGAN,
    {**SIZES, "discriminator_normalization": "layer"},
    recipe={**ALL, "update": "alternating", "penalties": (penalties.R1(1.0),), "loss": "least_squares"},
    slow=CHECKS,
)


def data(count=8, seed=0):
    return np.random.default_rng(seed).uniform(-1, 1, (count, 8, 8, 1)).astype("float32")


def compiled(**recipe):
    keras.utils.set_random_seed(0)
    model = VAEGAN(**SIZES, seed=0)
    enliven(model)
    model.compile(**{**ALL, "weight_decay": 0.0, **recipe})
    return model


def number(x):
    return float(ops.convert_to_numpy(x).squeeze())


def test_the_terms_are_those_of_the_paper():
    """KL in float64 of the encoder's outputs; half the squared distance of the last convolution's outputs."""
    model, x = compiled(), data()
    weight = np.arange(1.0, 9.0, dtype="float32")
    batch = Batch(ops.convert_to_tensor(x), None, ops.convert_to_tensor(weight))
    token = EVALUATION.set({})
    try:
        center, log_variance = (ops.convert_to_numpy(each).astype("float64") for each in model.posterior(batch))
        real, again, _ = (ops.convert_to_numpy(each).astype("float64") for each in model.told(batch)["features"])
        prior, likeness = number(model.prior_loss(batch)), number(model.reconstruction_loss(batch))
        adversarial = [
            np.logaddexp(0, s * ops.convert_to_numpy(each).astype("float64")) for s, each in told(model, batch)
        ]
        discriminator = number(model.discriminator_loss(batch)[0])
        generator = number(model.generator_loss(batch)[0])
    finally:
        EVALUATION.reset(token)
    variance = np.exp(log_variance)
    kl = (0.5 * (variance + center**2 - 1 - log_variance)).sum(-1)
    assert prior == pytest.approx(np.average(kl, weights=weight), rel=1e-5)
    squares = 0.5 * np.square(real - again).reshape(8, -1).sum(-1)
    assert likeness == pytest.approx(np.average(squares, weights=weight), rel=1e-5)
    of_real, of_again, of_fake = (each[:, 0] for each in adversarial)
    weighted = np.average(of_real, weights=weight)
    fakes = np.average(of_again, weights=weight) + of_fake.mean()  # a reconstruction weighs as what it is of
    assert discriminator == pytest.approx(weighted + fakes / 2, rel=1e-5)
    assert generator == pytest.approx(0.1 * likeness - fakes, rel=1e-5)


def told(model, batch):
    return zip((-1, 1, 1), model.told(batch)["logits"], strict=True)


def test_the_divergence_vanishes_for_the_prior_alone():
    model = compiled()
    for center, log_variance, expected in (
        (0.0, 0.0, 0.0),
        (2.0, 0.0, 6.0),
        (0.0, np.log(4.0), 3 * 0.5 * (3 - np.log(4))),
    ):
        model.posterior = lambda batch, a=center, b=log_variance: (ops.full((5, 3), a), ops.full((5, 3), b))
        assert number(model.prior_loss(Batch(None))) == pytest.approx(expected, abs=1e-6)


def slopes(model, loss, network, x):
    """Norm of the gradient of a loss with respect to a network's weights, dropout and latents always the same."""
    variables = network.trainable_variables
    start = [ops.convert_to_tensor(np.array(ops.convert_to_numpy(v))) for v in variables]
    states = model.random_states(model.game[:1], 0, 0)
    batch = Batch(ops.convert_to_tensor(x))

    def value(values):
        with keras.StatelessScope([*states, *zip(variables, values, strict=True)]):
            token = EVALUATION.set({})
            try:
                return loss(batch)[0]
            finally:
                EVALUATION.reset(token)

    return np.concatenate([ops.convert_to_numpy(g).ravel() for g in gradients(value, start)])


def test_each_player_learns_from_its_own_terms():
    """The generator's gradient is that of gamma L_like - L_GAN: of the sum of what gamma = 0 and L_like alone give."""
    x, model = data(), compiled()
    both = slopes(model, model.generator_loss, model.generator, x)
    likeness = slopes(model, lambda batch: (model.reconstruction_loss(batch), {}), model.generator, x)
    model.compile(**{**ALL, "weight_decay": 0.0, "reconstruction": 0.0})
    adversarial = slopes(model, model.generator_loss, model.generator, x)
    np.testing.assert_allclose(both, adversarial + 0.1 * likeness, rtol=2e-3, atol=1e-5)
    assert np.linalg.norm(likeness) > 1e-3 and np.linalg.norm(adversarial) > 1e-3
    found = {phase.name: phase.trains for phase in model.game}
    assert found == {"discriminator": ("discriminator",), "generator": ("generator",), "encoder": ("encoder",)}
    of_encoder = slopes(model, model.encoder_loss, model.encoder, x)
    for name in ("prior_loss", "reconstruction_loss"):
        of_encoder = of_encoder - slopes(model, lambda b, n=name: (getattr(model, n)(b), {}), model.encoder, x)
    np.testing.assert_allclose(of_encoder, 0.0, atol=1e-4)


@pytest.mark.parametrize(
    ("real", "fake", "moves"),
    [  # costs softplus(-real) and softplus(fake): a draw costs .69
        (0.0, 0.0, (True, True)),
        (2.0, 0.0, (False, True)),  # .13 is below .33: the discriminator waits
        (0.0, -2.0, (False, True)),
        (-1.0, 0.0, (True, False)),  # 1.31 is above 1.03: the generator waits
        (0.0, 1.0, (True, False)),
        (2.0, 2.0, (True, True)),  # both would wait, so that neither does
    ],
)
def test_players_wait_for_each_other(real, fake, moves):
    model = compiled(margin=0.35)
    model.told = lambda batch: {"logits": [ops.full((4, 1), real), *[ops.full((4, 1), fake)] * 2]}
    assert tuple(bool(number(move)) for move in model.moves(Batch(None))) == moves
    whens = {phase.name: phase.when for phase in model.game}
    found = [bool(number(whens[player](Batch(None)))) for player in ("discriminator", "generator")]
    assert tuple(found) == moves and whens["encoder"] is None


@pytest.mark.slow
@pytest.mark.parametrize("place", ["one device", "two replicas", "guarded"])
def test_who_waits_stays_as_it_is(place):
    """Weights, batch statistics and Adam's moments stay; the control, who does not wait, changes them all."""
    if place == "two replicas" and keras.backend.backend() != "tensorflow":
        pytest.skip("needs tf.distribute")
    with mirrored_strategy(2).scope() if place == "two replicas" else contextlib.nullcontext():
        adam = keras.optimizers.Adam(0.01)
        model = compiled(margin=0.35, discriminator_optimizer=adam, skip_nonfinite=place == "guarded")
    x = data(64)
    model.fit(x, verbose=0)  # moments that would move weights without a gradient
    mine = {"discriminator": model.discriminator, "generator": model.generator}

    def state(player):
        rule = model.optimizer[player]
        variables = [*mine[player].variables, *rule.variables]
        return [np.array(ops.convert_to_numpy(v)) for v in variables if "seed" not in v.path]

    for waits, moves in (("discriminator", (False, True)), ("generator", (True, False))):
        model.moves = lambda batch, moves=moves: tuple(ops.convert_to_tensor(move) for move in moves)
        model.make_train_function(force=True)
        before = {player: state(player) for player in mine}
        history = model.fit(x, verbose=0).history
        for player in mine:
            same = [np.array_equal(old, new) for old, new in zip(before[player], state(player), strict=True)]
            own = same[: len(mine[player].variables)]
            assert all(same) if player == waits else not any(own), (waits, player, same)
            assert history[f"{player}_waited"] == [float(player == waits)]


def test_the_way_back():
    """`encode` gives the means, `reconstruct` their images, `attribute` the difference of two means."""
    model, x = compiled(), data()
    for network in (model.encoder, model.generator):  # those in training, which are not asked
        network.set_weights([np.zeros_like(w) for w in network.get_weights()])
    latents = model.encode(x)
    assert np.abs(latents).max() > 0.01 and np.abs(model.encode(x, ema=False)).max() == 0
    np.testing.assert_allclose(latents, ops.convert_to_numpy(model.ema_encoder(x)["mean"]), atol=1e-5)
    np.testing.assert_allclose(model.reconstruct(x), model.generate(latents), atol=1e-5)
    has = np.arange(8) < 3
    np.testing.assert_allclose(model.attribute(x, has), latents[:3].mean(0) - latents[3:].mean(0), atol=1e-5)
    for wrong in (has[:4], np.ones(8, bool), np.zeros(8, bool)):
        with pytest.raises(ValueError, match=r"selects \d of 8 images"):
            model.attribute(x, wrong)


def test_labels_on_the_way_back():
    model = VAEGAN(**{**SIZES, "num_classes": 3}, seed=0)
    enliven(model)
    x = data(2)
    with pytest.raises(ValueError, match="`labels` is missing"):
        model.encode(x)
    one, other = (model.reconstruct(x, labels=labels) for labels in ([0, 1], [2, 1]))
    assert np.abs(one[0] - other[0]).max() > 1e-3 and np.abs(one[1] - other[1]).max() < 1e-6
    with pytest.raises(ValueError, match="unconditional"):
        compiled().encode(x, labels=[0, 1])


@pytest.mark.slow
def test_the_papers_sizes():
    """At 64 pixels: three halvings to 8 x 8, 256 channels there, 1024 and 512 units."""
    model = VAEGAN((64, 64, 3))
    shapes = {
        name: [tuple(v.shape) for v in model.networks[name].trainable_variables if len(v.shape) > 1]
        for name in model.parts
    }
    assert shapes["encoder"] == [
        (5, 5, 3, 64),
        (5, 5, 64, 128),
        (5, 5, 128, 256),
        (16384, 1024),
        (1024, 128),
        (1024, 128),
    ]
    assert shapes["generator"] == [
        (128, 16384),
        (5, 5, 256, 256),
        (5, 5, 128, 256),
        (5, 5, 32, 128),
        (5, 5, 3, 32),
    ]
    assert shapes["discriminator"] == [
        (5, 5, 3, 32),
        (5, 5, 32, 128),
        (5, 5, 128, 256),
        (5, 5, 256, 256),
        (16384, 512),
        (512, 1),
    ]
    assert model.discriminator.output["features"].shape == (None, 8, 8, 256)


def test_what_does_not_go_together_is_refused():
    with pytest.raises(ValueError, match="margin=None"):
        VAEGAN(**SIZES).compile(loss="wasserstein")
    nothing = keras.Sequential([keras.Input((8, 8, 1)), keras.layers.Flatten(), keras.layers.Dense(3)], name="encoder")
    with pytest.raises(ValueError, match=r"mean.*log_variance"):
        VAEGAN(**SIZES, encoder=nothing)
    with pytest.raises(ValueError, match="VAEGAN sets it itself"):
        VAEGAN(**SIZES, latent_range=(-1, 1))
    blind = keras.Sequential([keras.Input((8, 8, 1)), keras.layers.Flatten(), keras.layers.Dense(1)])
    with pytest.raises(ValueError, match=r"logits.*features"):
        VAEGAN(**SIZES, discriminator=blind).compile()


def test_given_networks_come_back():
    """A model of given networks is rebuilt from its configuration, and gives what it gave."""
    family = VAEGAN(**SIZES, seed=0)
    given = {name: keras.models.clone_model(family.networks[name]) for name in family.parts}
    model = VAEGAN(**SIZES, seed=0, **given)
    again = VAEGAN.from_config(model.get_config())
    for one, other in ((model.networks, again.networks), (model.averages, again.averages)):
        for name in one:
            other[name].set_weights(one[name].get_weights())
    np.testing.assert_allclose(model.reconstruct(data()), again.reconstruct(data()), atol=1e-6)


@pytest.mark.skipif(keras.backend.backend() != "tensorflow", reason="SavedModels are TensorFlow's")
def test_the_way_back_is_served_with_labels(tmp_path):
    import tensorflow as tf

    model = VAEGAN(**{**SIZES, "num_classes": 3}, seed=0)
    enliven(model)
    model.export(tmp_path / "served")
    served = tf.saved_model.load(tmp_path / "served").signatures
    x, labels = data(2), np.array([2, 0], "int32")
    inputs = {"images": tf.constant(x), "labels": tf.constant(labels)}
    for name, output, method in (("encode", "latents", model.encode), ("reconstruct", "images", model.reconstruct)):
        np.testing.assert_allclose(served[name](**inputs)[output], method(x, labels=labels), atol=1e-5)
    with pytest.raises(tf.errors.InvalidArgumentError, match="labels must be from 0 to 2"):
        served["encode"](images=inputs["images"], labels=tf.constant([3, 0]))
