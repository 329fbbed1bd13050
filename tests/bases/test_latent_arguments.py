"""Numbers that are none: the sentence names the argument."""

import pytest

import kerasgan


@pytest.fixture(scope="module")
def model():
    return kerasgan.DCGAN(image_shape=(8, 8, 1), latent_dim=8, width=8, seed=0)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"count": -1}, r"`count` is -1; expected an integer of 0 or more"),
        ({"count": 2.0}, r"`count` is 2.0; expected an integer"),
        ({"count": 2, "batch_size": -1}, r"`batch_size` is -1; expected a positive integer"),
        ({"count": 2, "batch_size": 0}, r"`batch_size` is 0; expected a positive integer"),
        ({"count": 2, "seed": -1}, r"`seed` is -1; expected an integer of 0 or more"),
    ],
)
def test_samples(model, arguments, message):
    with pytest.raises(ValueError, match=message):
        model.sample(**arguments)


@pytest.mark.parametrize("name", ["num_classes", "latent_dim"])
@pytest.mark.parametrize("value", ["4", 0, -1, 2.5, True])
def test_the_constructor(name, value):
    with pytest.raises(ValueError, match=rf"`{name}` is {value!r}; expected a positive integer"):
        kerasgan.DCGAN(image_shape=(8, 8, 1), width=8, **{name: value})
