"""Networks that a user gives are compared with the model."""

import keras
import pytest
from keras import layers

from kerasgan import DCGAN


def generator(latents=8, size=8, labels=False):
    inputs = [keras.Input((latents,)), *([keras.Input((), dtype="int32")] if labels else [])]
    x = layers.Reshape((size, size, 1))(layers.Dense(size * size, "tanh")(inputs[0]))
    return keras.Model(inputs if labels else inputs[0], x)


def discriminator(size=8):
    images = keras.Input((size, size, 1))
    return keras.Model(images, layers.Dense(1)(layers.Flatten()(images)))


def compiled(**arguments):
    model = DCGAN((8, 8, 1), latent_dim=8, width=2, seed=0, **arguments)
    model.compile(batch_size=8, checks=False)
    return model


def test_networks_that_fit_are_taken():
    compiled(generator=generator(), discriminator=discriminator())


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"generator": lambda: generator(size=16)}, r"makes samples of shape \(16, 16, 1\); expected image_shape"),
        ({"generator": lambda: generator(latents=9)}, r"`generator` takes inputs of shape \(9,\); expected \(8,\)"),
        ({"discriminator": lambda: discriminator(16)}, r"`discriminator` takes inputs of shape \(16, 16, 1\)"),
        ({"generator": generator, "num_classes": 3}, "conditions are labels. Give it an input"),
        ({"discriminator": discriminator, "num_classes": 3}, "`discriminator` has 1 input"),
    ],
)
def test_networks_that_do_not_fit_are_refused(arguments, message):
    made = {name: value() if callable(value) else value for name, value in arguments.items()}
    with pytest.raises(ValueError, match=message):
        compiled(**made)


@pytest.mark.parametrize("given", [keras.Model, generator])
def test_what_is_no_network_is_refused(given):
    with pytest.raises(ValueError, match="expected a built keras.Model"):
        compiled(generator=given)
