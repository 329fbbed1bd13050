"""FastGAN through the family harness, and what its paper says of skips, decoders and sizes."""

import numpy as np
import pytest
from keras import ops

from kerasgan import Batch, FastGAN
from kerasgan.models.fastgan import quarter, shrunk
from kerasgan.objectives.perceptual import perceptual_distance
from kerasgan.testing import CHECKS, family_tests

SIZES = {"image_shape": (8, 8, 1), "latent_dim": 4, "width": 1}
# Two replicas differ by 2e-16 after the first step, 1e-14 after 5 and 6e-11 after 20: chaos. A fault differs at once.
test_fastgan = family_tests(FastGAN, SIZES, {"batch_size": 8}, steps=5)
test_packed = family_tests(
    FastGAN, {**SIZES, "image_shape": (8, 16, 3), "packing": 2, "convolutions": 2}, batch_size=16, slow=CHECKS, steps=5
)


def images(count=8, shape=(8, 8, 1)):
    return np.random.default_rng(0).uniform(-1, 1, (count, *shape)).astype("float32")


def names(model, network):
    return [layer.name for layer in getattr(model, network).layers]


@pytest.mark.parametrize(
    ("size", "skips", "judged"), [(32, [3], 2), (64, [4], 3), (256, [4, 5, 6], 5), (1024, [4, 5, 6, 7, 8], 7)]
)
def test_sizes(size, skips, judged):
    """Each map excites the one of 16 times its size; decoders rebuild at most 128 pixels."""
    model = FastGAN((size, size, 3), latent_dim=4, width=1)
    assert [stage for stage in range(9) if f"stage{stage}_excited" in names(model, "generator")] == skips
    assert model.generator.output_shape == (None, size, size, 3)
    told = {name: tuple(tensor.shape) for name, tensor in model.discriminator.output.items()}
    assert told["features"][1:3] == (8, 8) and told["larger_features"][1:3] == (16, 16)
    assert told["logits"] == (None, 5, 5, 1)
    built = {name: tensor.shape[1] for name, tensor in model.decoders.output.items()}
    assert built == {"whole": min(size, 128), "part": min(size // 2, 128)}
    direct = [stage for stage in range(9) if f"stage{stage}_direct" in names(model, "discriminator")]
    assert len(direct) == min(judged, 5)
    wide = FastGAN((size, size, 3), width=16)
    widths = [256, 128, 64, 32, 32, 16, 8, 4, 2][: size.bit_length() - 2]
    found = [wide.generator.get_layer(f"stage{stage}_convolution0").filters // 2 for stage in range(1, len(widths))]
    assert found == widths[1:] and wide.judged_widths[-3:] == [64, 128, 256]
    assert wide.judged_widths[0] == {32: 64, 64: 32, 256: 8, 1024: 2}[size]


def test_other_sizes():
    assert FastGAN((28, 28, 1), width=1).sample(2).shape == (2, 28, 28, 1)
    assert FastGAN((12, 40, 3), width=1).sample(2).shape == (2, 12, 40, 3)
    with pytest.raises(ValueError, match="multiple of 4"):
        FastGAN((30, 30, 1))
    with pytest.raises(ValueError, match="unconditional"):
        FastGAN((8, 8, 1), num_classes=3)


def test_quarters():
    x = np.arange(2 * 4 * 6 * 2, dtype="float32").reshape(2, 4, 6, 2)
    expected = [x[:, :2, :3], x[:, :2, 3:], x[:, 2:, :3], x[:, 2:, 3:]]
    for corner, part in enumerate(expected):
        found = quarter(ops.convert_to_tensor(x), ops.convert_to_tensor([corner, 3 - corner]))
        np.testing.assert_array_equal(found, np.stack([part[0], expected[3 - corner][1]]))
    np.testing.assert_allclose(shrunk(ops.convert_to_tensor(x), (2, 3)), x.reshape(2, 2, 2, 3, 2, 2).mean((2, 4)))


@pytest.mark.slow
def test_the_decoders_see_the_quarter_that_they_rebuild():
    """Equation 2 by hand, with the views and the corners that were drawn; the generator does not minimise it."""
    model = FastGAN(**SIZES, seed=0)
    model.compile(views=(), reconstruction=3.0)
    batch, told = Batch(ops.convert_to_tensor(images(4))), {}
    maps = {"features": images(4, (2, 2, 3)), "larger_features": images(4, (4, 4, 3))}
    model.told_of_real = lambda batch: {name: ops.convert_to_tensor(value) for name, value in maps.items()}
    model.decoders = lambda inputs, training: (
        told.update(inputs=inputs)
        or {name: ops.zeros((4, size, size, 1)) for name, size in (("whole", 8), ("part", 4))}
    )
    loss, logs = model.real_head_loss(batch)
    whole, part = (ops.convert_to_numpy(x) for x in told["inputs"])
    np.testing.assert_array_equal(whole, maps["features"])

    def corner(n):
        row, column = np.argwhere((maps["larger_features"][n] == part[n, 0, 0]).all(axis=-1))[0]
        return row + column // 2

    corners = [corner(n) for n in range(4)]
    wanted = [ops.convert_to_tensor(images(4)), quarter(ops.convert_to_tensor(images(4)), corners)]
    distances = sum(ops.convert_to_numpy(perceptual_distance(w, ops.zeros_like(w))) for w in wanted)
    np.testing.assert_allclose(float(loss), 3 * distances.mean(), rtol=1e-5)
    np.testing.assert_allclose(float(logs["reconstruction"]), distances.mean(), rtol=1e-5)
    assert model.fake_head_loss(batch) == (0.0, {})


@pytest.mark.slow
def test_without_reconstruction_the_decoders_stay():
    model = FastGAN(**SIZES, seed=0)
    model.compile(reconstruction=0.0)
    assert model.game[0].trains == ("discriminator",)
    before = model.decoders.get_weights()
    model.fit(images(), batch_size=8, verbose=0)
    assert all(np.array_equal(a, b) for a, b in zip(before, model.decoders.get_weights(), strict=True))
