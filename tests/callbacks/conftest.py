import numpy as np
import pytest
from keras import ops

from kerasgan import GAN
from kerasgan.callbacks.checkpoint import named_variables
from kerasgan.run import set_random_seed

RECIPE = {
    "batch_size": 4,
    "discriminator_optimizer": {"class_name": "sgd", "config": {"learning_rate": 0.25, "momentum": 0.5}},
    "generator_optimizer": {"class_name": "sgd", "config": {"learning_rate": 0.25}},
}


def build(latent_dim=3, **changes):
    """A compiled GAN of a few weights on 4x4 images, the same weights each time."""
    set_random_seed(0)
    model = GAN((4, 4, 1), latent_dim, units=4, maxout_units=4, pieces=2, seed=5)
    for network in (model.generator, model.discriminator):
        # Far from the tiny initial weights, so that some steps move them by a lot.
        network.set_weights([np.random.normal(0.0, 0.5, weight.shape) for weight in network.get_weights()])
    model.compile(**{**RECIPE, **changes})
    return model


@pytest.fixture(name="build")
def build_fixture():
    return build


@pytest.fixture(scope="session")
def compiled():
    """One model for all tests that train, because compiling takes seconds, and its state at the start."""
    model = build()
    return model, {name: ops.convert_to_numpy(v) for name, v in named_variables(model).items()}


@pytest.fixture
def begin(compiled):
    """A function that takes the compiled model back to its start and returns it."""
    model, start = compiled

    def back():
        for name, variable in named_variables(model).items():
            variable.assign(start[name])
        return model

    return back


@pytest.fixture
def model(begin):
    """The compiled model at its start."""
    return begin()


@pytest.fixture
def images():
    """16 images of noise in [-1, 1]: four batches."""
    return np.random.default_rng(0).uniform(-1, 1, (16, 4, 4, 1)).astype("float32")
