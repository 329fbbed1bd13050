"""Each check of `compile()` finds the mistake it is meant for, and leaves the game next to it alone."""

import contextlib
import warnings

import keras
import numpy as np
import pytest
from keras import layers, ops

from kerasgan import CGAN, GAN, WGANGP, LatentModel
from kerasgan.game import checks
from kerasgan.objectives.penalties import R1, R2, Drift, GradientPenalty
from kerasgan.testing import mirrored_strategy
from tests.games import GAMES
from tests.toys import ON_TENSORFLOW, Toy

SHAPE = (6, 6, 1)


@contextlib.contextmanager
def no_warning():
    with warnings.catch_warnings():
        warnings.simplefilter("error", UserWarning)
        yield


def generator(last="tanh"):
    latents = keras.Input((2,), name="latents")
    x = layers.Dense(36)(latents)
    x = layers.Activation(last)(x) if isinstance(last, str) else last(x)
    return keras.Model(latents, layers.Reshape(SHAPE)(x), name="generator")


def critic(middle=None, last=None):
    """Convolution, what is tried, convolution and one linear unit, with initial zeros as a residual branch has them."""
    images = keras.Input(SHAPE, name="images")
    x = layers.LeakyReLU(0.2)(layers.Conv2D(3, 3, padding="same", name="before")(images))
    x = middle(x) if middle else x
    x = layers.Add()([x, layers.Conv2D(3, 3, padding="same", kernel_initializer="zeros", name="after")(x)])
    x = layers.Dense(1, name="logits")(layers.Flatten()(layers.LeakyReLU(0.2)(x)))
    return keras.Model(images, last(x) if last else x, name="discriminator")


def networks(generator, discriminator):
    return LatentModel(SHAPE, 2, generator=generator, discriminator=discriminator, seed=0)


def game(discriminator, penalties=(), **arguments):
    model = networks(generator(), discriminator)
    model.compile(penalties=penalties, batch_size=4, **arguments)
    return model


# Penalties ------------------------------------------------------------------------------------------------------------

# With the layers that a penalty does not reach behind them on TensorFlow; JAX differentiates all of these.
RESIZED = "does not reach the layers 'after', 'logits'.*'resized'"
UNREGISTERED = "cannot be differentiated.*'resized'"
RESIZERS = {
    "bilinear up": (lambda: layers.UpSampling2D(interpolation="bilinear", name="resized"), RESIZED),
    "bilinear down": (lambda: layers.Resizing(3, 3, name="resized"), RESIZED),
    "nearest": (lambda: layers.Resizing(3, 3, interpolation="nearest", name="resized"), UNREGISTERED),
    "repetition": (lambda: layers.UpSampling2D(), None),
    "pooling": (lambda: layers.AveragePooling2D(2), None),
}


@pytest.mark.parametrize("resizer", RESIZERS)
def test_a_penalty_must_reach_the_layers_behind_a_resizing(resizer):
    make, sentence = RESIZERS[resizer]
    refused = pytest.raises(ValueError, match=sentence) if sentence and ON_TENSORFLOW else no_warning()
    with refused:
        game(critic(make()), (R1(1.0),))


@pytest.mark.parametrize("penalty", [R2(1.0, interval=4), GradientPenalty(10.0, one_sided=True, target=100.0)])
def test_other_penalties_must_reach_them_too(penalty):
    """A lazy one, which has a phase of its own, and one that is zero where the critic is flat."""
    with pytest.raises(ValueError, match="not reach the layers 'after'") if ON_TENSORFLOW else no_warning():
        game(critic(RESIZERS["bilinear up"][0]()), (penalty,))
    with pytest.raises(ValueError, match=f"{penalty.name!r} does not reach the layers 'before', 'after', 'logits'"):
        game(critic(layers.Lambda(ops.stop_gradient, output_shape=lambda shape: shape)), (penalty,))
    with no_warning():
        game(critic(), (penalty,))


def test_what_needs_no_gradient_of_a_penalty():
    """Drift does not differentiate the critic; labels that join before a leaky ReLU move no slope; nor does a head."""
    with no_warning():
        game(critic(RESIZERS["bilinear up"][0]()), (Drift(),))
        images, labels = keras.Input(SHAPE), keras.Input((), dtype="int32")
        plane = layers.Reshape(SHAPE)(layers.Embedding(3, 36, name="label_plane")(labels))
        x = layers.LeakyReLU(0.2)(layers.Conv2D(4, 3)(layers.Concatenate()([images, plane])))
        discriminator = keras.Model([images, labels], layers.Dense(1)(layers.Flatten()(x)))
        labelled = keras.Sequential([keras.Input((5,)), layers.Dense(36, "tanh"), layers.Reshape(SHAPE)])
        latents, classes = keras.Input((2,)), keras.Input((), dtype="int32")
        joined = layers.Concatenate()([latents, layers.Embedding(3, 3)(classes)])
        generator = keras.Model([latents, classes], labelled(joined))
        model = LatentModel(SHAPE, 2, num_classes=3, generator=generator, discriminator=discriminator, seed=0)
        model.compile(penalties=(R1(1.0), R2(1.0)))


def test_a_network_of_its_own_class_is_one_piece():
    class Critic(keras.Model):
        def __init__(self, cut):
            super().__init__()
            self.first, self.last, self.cut = layers.Dense(4, "tanh"), layers.Dense(1), cut

        def call(self, images):
            x = self.first(ops.reshape(images, (-1, 36)))
            return self.last(ops.stop_gradient(x) if self.cut else x)

    for cut in (False, True):
        discriminator = Critic(cut)
        discriminator(np.zeros((1, *SHAPE), "float32"))
        with pytest.raises(ValueError, match="does not reach") if cut else no_warning():
            game(discriminator, (R1(1.0),))


@pytest.mark.parametrize(
    ("layer", "penalty", "sentence"),
    [
        (layers.BatchNormalization, R1(1.0), "batch normalization 'batch"),
        (layers.BatchNormalization, GradientPenalty(1.0, interval=4), "'gradient_penalty' is on the gradient of each"),
        (layers.BatchNormalization, Drift(), None),
        (layers.LayerNormalization, R1(1.0), None),
    ],
)
def test_batch_statistics_and_penalties_on_single_samples(layer, penalty, sentence):
    with pytest.warns(UserWarning, match=sentence) if sentence else no_warning():
        game(critic(layer()), (penalty,))


def test_checking_changes_and_draws_nothing():
    model = Toy(seed=1)
    with pytest.warns(UserWarning, match="batch normalization"):
        model.compile(penalties=(GradientPenalty(1.0), R1(1.0, interval=4)))
    variables = [*model.variables, *model.optimizer.variables, *model.metrics_variables]
    variables += [model.random.state, keras.src.random.seed_generator.global_seed_generator().state]
    before = [np.array(ops.convert_to_numpy(v)) for v in variables]
    with pytest.warns(UserWarning, match="batch normalization"):
        checks.check(model)
    for variable, value in zip(variables, before, strict=True):
        assert ops.convert_to_numpy(variable).tobytes() == value.tobytes(), variable.path


@pytest.mark.tensorflow
def test_under_a_strategy():
    with mirrored_strategy(2).scope(), pytest.raises(ValueError, match=RESIZED):
        game(critic(RESIZERS["bilinear up"][0]()), (R1(1.0),))
    with mirrored_strategy(2).scope(), no_warning():
        game(critic(), (R1(1.0),))


# Activations ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("last", "name"),
    [
        (lambda x: layers.Activation("sigmoid")(x), "sigmoid"),
        (lambda x: layers.Reshape((1,))(layers.Dense(1, "tanh")(x)), "tanh"),
        (lambda x: layers.Softmax(axis=-1)(layers.Dense(2)(x)), "softmax"),
        (lambda x: ops.sigmoid(x), "sigmoid"),
        (lambda x: keras.Sequential([keras.Input((1,)), layers.Dense(1, "hard_sigmoid")])(x), "hardsigmoid"),
        (lambda x: layers.Dense(1)(layers.Activation("sigmoid")(x)), None),
        (lambda x: layers.Activation("linear")(x), None),
    ],
)
def test_a_discriminator_must_give_logits(last, name):
    with pytest.raises(ValueError, match=f"'discriminator' ends in {name}") if name else no_warning():
        checks.check_activations(networks(generator(), critic(last=last)))


@pytest.mark.parametrize(
    ("last", "name"),
    [
        ("sigmoid", "sigmoid"),
        (lambda x: layers.ReLU()(x), "relu"),
        (lambda x: layers.Dense(36, "softplus")(x), "softplus"),
        ("tanh", None),
        ("linear", None),
        (lambda x: layers.Rescaling(2.0, -1.0)(layers.Activation("sigmoid")(x)), None),
    ],
)
def test_a_generator_of_images_must_reach_negative_values(last, name):
    with pytest.warns(UserWarning, match=f"'generator' ends in {name}") if name else no_warning():
        checks.check_activations(networks(generator(last), critic()))


def test_an_activity_regularizer_would_reach_no_loss():
    with pytest.raises(ValueError, match="'watched' of 'discriminator' has an activity_regularizer"):
        game(critic(layers.Dense(3, activity_regularizer="l2", name="watched")))


def test_a_generator_of_vectors_may_end_in_anything():
    both = [keras.Sequential([keras.Input((2,)), layers.Dense(n, a)]) for n, a in ((2, "relu"), (1, None))]
    with no_warning():
        checks.check_activations(LatentModel((2,), 2, generator=both[0], discriminator=both[1], seed=0))


def test_compile_checks_activations_and_networks():
    with pytest.raises(ValueError, match="ends in sigmoid"):
        game(critic(last=layers.Activation("sigmoid")))
    with pytest.warns(UserWarning, match="SpectralNormalization"):
        game(critic(layers.SpectralNormalization(layers.Conv2D(3, 1))))
    with pytest.raises(ValueError, match="groups of 3"):
        game(critic(InGroups(3)))


# Networks and batches -------------------------------------------------------------------------------------------------


def test_two_players_pull_at_one_layer():
    class Shared(Toy):
        def build_discriminator(self):
            images = keras.Input(self.image_shape, name="images")
            return keras.Model(images, layers.Dense(1)(self.generator_layer(images)), name="discriminator")

        def build_generator(self):
            self.generator_layer = layers.Dense(self.image_shape[0], name="common")
            latents = keras.Input((self.latent_dim,), name="latents")
            return keras.Model(latents, self.generator_layer(layers.Dense(self.image_shape[0])(latents)))

    with pytest.warns(UserWarning, match=r"common/kernel.*'discriminator' and 'generator' both update"):
        Shared(seed=0).compile()


def test_an_average_must_cover_its_network():
    growing = keras.Sequential([keras.Input((2,)), layers.Dense(36, "tanh"), layers.Reshape(SHAPE)])
    model = networks(growing, critic())
    growing.add(layers.Dense(1, "tanh"))
    with pytest.raises(ValueError, match="average of 'generator' has 2 variables, but the network has 4"):
        model.compile()


class InGroups(layers.Layer):
    """What a minibatch deviation looks like."""

    def __init__(self, group_size):
        super().__init__()
        self.group_size = group_size

    def call(self, inputs):
        return inputs


@pytest.mark.parametrize(("batch_size", "refused"), [(6, True), (8, False), (2, False)])
def test_a_batch_must_be_cut_into_groups(batch_size, refused):
    model = networks(generator(), critic(InGroups(4)))
    model.recipe = model.recipe.replace(batch_size=batch_size)
    with pytest.raises(ValueError, match="groups of 4 of the layer 'in_groups") if refused else no_warning():
        checks.check_groups(model)


def test_keras_spectral_normalization_is_another_thing():
    """What the warning says: `fit` keeps the raw kernel, and a call with training=True outside of it overwrites it."""
    initializer = keras.initializers.RandomNormal(stddev=9.0)
    wrapped = layers.SpectralNormalization(layers.Conv2D(3, 1, kernel_initializer=initializer), name="divided")
    with pytest.warns(UserWarning, match="'divided' in 'discriminator' is keras.layers.SpectralNormalization"):
        model = game(critic(wrapped), run_eagerly=ON_TENSORFLOW)
    model.fit(model.data_specs()[0].example(4, 0), batch_size=4, verbose=0)

    def norm():
        return np.linalg.norm(ops.convert_to_numpy(wrapped.layer.kernel).reshape(-1, 3), 2)

    assert norm() > 5
    model.discriminator(np.ones((1, *SHAPE), "float32"), training=True)
    assert norm() < 2


# The games ------------------------------------------------------------------------------------------------------------

MIXED = ("critic", "lazy penalty")  # perceptrons with batch statistics under a penalty, on purpose


@pytest.mark.parametrize("name", GAMES)
def test_sound_games_give_no_warning(name):
    with pytest.warns(UserWarning, match="batch normalization") if name in MIXED else no_warning():
        GAMES[name].model()


def test_families_give_no_warning():
    sizes = {"image_shape": (8, 8, 1), "latent_dim": 4}
    with no_warning():
        GAN(**sizes, units=8, maxout_units=6, pieces=3).compile()
        CGAN(**sizes, num_classes=3, units=(6, 6, 8), maxout_units=(6, 4, 6)).compile()
        WGANGP(**sizes, width=4).compile()


def test_a_game_that_is_loaded_was_checked_before():
    """`checks=False` takes a game as it is, and so does loading it."""
    model = game(critic(layers.BatchNormalization()), (R1(1.0),), checks=False)
    with no_warning():
        again = type(model).from_config(model.get_config())
        again.compile_from_config(model.get_compile_config())
    assert [phase.name for phase in again.game] == [phase.name for phase in model.game]
