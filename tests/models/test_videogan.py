"""VideoGAN through the family harness, and its two streams."""

import numpy as np
import pytest
from keras import ops

from kerasgan import Batch, VideoGAN
from kerasgan.data.kinds import Images, Video
from kerasgan.testing import CHECKS, family_tests

SIZES = {"image_shape": (4, 8, 8, 1), "latent_dim": 3, "width": 2}
test_videogan = family_tests(VideoGAN, {**SIZES, "image_shape": Video((4, 8, 8, 1), rate=4.0)})
test_classes = family_tests(
    VideoGAN,
    {**SIZES, "image_shape": Video((3, 16, 8, 2)), "num_classes": 3, "packing": 2},
    {"update": "alternating_shared"},
    slow=CHECKS,
    steps=5,
)


@pytest.mark.parametrize(
    ("shape", "start", "strides"),
    [
        ((32, 64, 64, 3), (2, 4, 4), [(2, 2, 2)] * 4),
        ((20, 64, 64, 1), (5, 4, 4), [(2, 2, 2)] * 2 + [(1, 2, 2)] * 2),
        ((7, 32, 16, 1), (7, 8, 4), [(1, 2, 2)] * 2),
    ],
)
def test_sizes(shape, start, strides):
    """The paper's films have stride 2 everywhere; of others the inner layers keep the frames."""
    model = VideoGAN(shape, latent_dim=3, width=1)
    steps = len(strides)
    assert (model.start, list(model.strides)) == (start, strides)
    outputs = {name: tuple(output.shape) for name, output in model.generator.output.items()}
    assert outputs["videos"] == (None, *shape) and outputs["mask"] == (None, *shape[:3], 1)
    assert outputs["background"] == (None, *shape[1:])
    judged = [model.discriminator.get_layer(f"convolution{step}") for step in range(steps)]
    assert [(layer.filters, layer.strides) for layer in judged] == [(1 << k, s) for k, s in enumerate(strides)]
    assert model.discriminator.get_layer("logits").kernel.shape[0] == np.prod(start) << (steps - 1)


def test_composition():
    """Equation 2 by NumPy: the background is one image, seen where the mask is 0, and the same in all frames."""
    model = VideoGAN(**SIZES, num_classes=2, seed=0)
    model.ema_generator.set_weights([30.0 * w for w in model.ema_generator.get_weights()])  # masks of all shades
    films, parts = model.sample(3, seed=1, labels=[0, 1, 1]), model.streams(3, seed=1, labels=[0, 1, 1])
    mask, background = parts["mask"], parts["background"][:, None]
    assert mask.shape == (3, 4, 8, 8, 1) and background.shape == (3, 1, 8, 8, 1)
    assert mask.min() < 0.1 and mask.max() > 0.9 and np.ptp(mask, axis=1).max() > 0.1
    np.testing.assert_allclose(films, mask * parts["foreground"] + (1 - mask) * background, atol=1e-6)
    assert np.abs(films - background).max() > 0.1
    generator = model.ema_generator
    bias = generator.get_layer("film_mask").bias
    bias.assign([-1e4])
    still = model.sample(3, seed=1, labels=[0, 1, 1])
    np.testing.assert_array_equal(still, np.repeat(background, 4, axis=1))
    bias.assign([1e4])
    np.testing.assert_array_equal(model.sample(3, seed=1, labels=[0, 1, 1]), parts["foreground"])


def test_the_mask_is_paid_for():
    """The generator's loss is that of the GAN and 0.1 times the mean of the mask."""
    model = VideoGAN(**SIZES, seed=0)
    model.compile(checks=False)
    batch = Batch(ops.convert_to_tensor(Video((4, 8, 8, 1)).example(4, 0)))
    mask = np.random.default_rng(0).uniform(size=(4, 4, 8, 8, 1)).astype("float32")
    made = {"videos": ops.zeros((4, 4, 8, 8, 1)), "mask": ops.convert_to_tensor(mask)}
    model.made = lambda batch: made
    loss, logs = model.generator_loss(batch)
    logits = ops.convert_to_numpy(model.discriminator(made["videos"], training=True)).astype("float64")
    np.testing.assert_allclose(float(loss), np.log1p(np.exp(-logits)).mean() + 0.1 * mask.mean(), rtol=1e-5)
    np.testing.assert_allclose(float(logs["mask"]), mask.mean(), rtol=1e-5)


def test_mistakes():
    for wrong in ((8, 8, 1), Images((8, 8, 1))):
        with pytest.raises(ValueError, match="expected films"):
            VideoGAN(wrong)
    with pytest.raises(ValueError, match="multiple of 2"):
        VideoGAN((4, 9, 8, 1))
