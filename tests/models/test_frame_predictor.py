"""FramePredictor through the family harness, its pyramid, its patches and its predictions."""

import itertools

import numpy as np
import pytest
from keras import ops

from kerasgan import Batch, FramePredictor
from kerasgan.data.kinds import Images, Video
from kerasgan.game.phase import evaluating
from kerasgan.models.frame_predictor import cut
from kerasgan.testing import CHECKS, family_tests

SIZES = {"image_shape": (4, 10, 12, 1), "context": 2, "scales": 2, "patch_size": 8, "width": 1 / 32}
FILMS = {**SIZES, "image_shape": Video((4, 10, 12, 1))}
test_predictor = family_tests(FramePredictor, FILMS)
test_shared = family_tests(FramePredictor, FILMS, {"update": "alternating_shared"}, slow=CHECKS, steps=5)
test_without_discriminator = family_tests(
    FramePredictor,
    {**SIZES, "scales": 1, "image_shape": Video((3, 8, 8, 2))},
    {"recipe": "squared_error", "pixel_power": 1, "gradient_power": 2.0, "gradient_weight": 1.0},
    slow=CHECKS,
    steps=5,
)


@pytest.fixture(scope="module")
def model():
    """A model whose weights no test changes."""
    return FramePredictor(**SIZES, seed=0)


def films(count=2, shape=(4, 10, 12, 1)):
    return Video(shape).example(count, 0)


def test_the_networks_of_the_paper():
    """With an eighth of the feature maps: the number of weights of each scale, from the kernel sizes."""
    model = FramePredictor((5, 32, 32, 3), width=1 / 8)
    maps = [[12, 16, 32, 16, 3], [15, 16, 32, 16, 3]] + 2 * [[15, 16, 32, 64, 32, 16, 3]]
    kernels = [[3, 3, 3, 3], [5, 3, 3, 5], [5, 3, 3, 3, 3, 5], [7, 5, 5, 5, 5, 7]]
    expected = [
        sum((a * size**2 + 1) * b for a, b, size in zip(m, m[1:], k, strict=False))
        for m, k in zip(maps, kernels, strict=True)
    ]

    def counted(network):
        found = [sum(np.prod(v.shape) for v in network.weights if f"scale{scale}_" in v.path) for scale in range(4)]
        assert sum(found) == network.count_params()
        return found

    assert counted(model.generator) == expected
    maps = [[15, 8], [15, 8, 16, 16], [15, 16, 32, 32], [15, 16, 32, 64, 16]]
    units = [[2 * 2 * 8, 64, 32, 1], [2 * 2 * 16, 128, 64, 1], [4 * 4 * 32, 128, 64, 1], [12 * 12 * 16, 128, 64, 1]]
    kernels = [[3], [3, 3, 3], [5, 5, 5], [7, 7, 5, 5]]
    expected = [
        sum((a * size**2 + 1) * b for a, b, size in zip(m, m[1:], k, strict=False))
        + sum((a + 1) * b for a, b in itertools.pairwise(u))
        for m, k, u in zip(maps, kernels, units, strict=True)
    ]
    assert counted(model.discriminator) == expected


def test_pyramid(model):
    """From the coarsest; each pixel is the mean of a block of the finest scale."""
    images = np.random.default_rng(0).normal(size=(2, 16, 16, 3))
    found = model.pyramid(ops.convert_to_tensor(images, "float32"))
    for scale, side in zip(found, (8, 16), strict=True):
        block = 16 // side
        means = images.reshape(2, side, block, side, block, 3).mean(axis=(2, 4))
        np.testing.assert_allclose(scale, means, atol=1e-6)
    predicted = model.generator(ops.zeros((1, 16, 16, 2)))
    assert [tuple(frame.shape) for frame in predicted] == [(1, side, side, 1) for side in (8, 16)]


@pytest.mark.parametrize("limit", [1.0, 1.25])
def test_a_scale_without_details_enlarges_the_one_before(limit):
    """Where G_k gives 0, Y_k is r times the tanh of an r-th of the bilinearly enlarged Y_(k-1)."""
    model = FramePredictor(**SIZES, output_range=limit, seed=0)
    details = model.generator.get_layer("scale1_details")
    details.set_weights([0 * w for w in details.get_weights()])
    context = ops.convert_to_tensor(np.random.default_rng(0).uniform(-1, 1, (2, 8, 8, 2)).astype("float32"))
    coarse, fine = (ops.convert_to_numpy(x) for x in model.generator(context))
    rows = np.clip((np.arange(8) + 0.5) / 2 - 0.5, 0, 3)
    weights = np.maximum(1 - np.abs(rows[:, None] - np.arange(4)), 0)
    enlarged = np.einsum("ij,bjkc,lk->bilc", weights, coarse, weights)
    np.testing.assert_allclose(fine, limit * np.tanh(enlarged / limit), atol=1e-6)


def test_clips_are_patches_of_consecutive_frames(model):
    """Each entry holds the number of its place, so that a clip tells where it comes from."""
    places = np.arange(4 * 10 * 12, dtype="float32").reshape(1, 4, 10, 12, 1)
    context, frame = map(ops.convert_to_numpy, model.clips(Batch(ops.convert_to_tensor(places.repeat(64, axis=0)))))
    assert context.shape == (64, 8, 8, 2) and frame.shape == (64, 8, 8, 1)
    starts = set()
    for before, after in zip(context, frame, strict=True):
        time, row, column = np.unravel_index(int(before[0, 0, 0]), (4, 10, 12))
        expected = places[0, time : time + 3, row : row + 8, column : column + 8]
        np.testing.assert_array_equal(before, np.concatenate([expected[0], expected[1]], axis=-1))
        np.testing.assert_array_equal(after, expected[2])
        starts.add((int(time), int(row), int(column)))
    assert len(starts) > 15 and {len({s[axis] for s in starts}) for axis in range(3)} == {2, 3, 5}
    whole = ops.convert_to_tensor(places)
    assert cut(whole, 2, 10, None) is whole


def test_losses():
    """Equations 1 and 7 by hand: sums over the scales, means over pixels."""
    model = FramePredictor(**SIZES, seed=0)
    model.compile(checks=False, adversarial_weight=0.5, pixel_weight=2.0, gradient_weight=3.0)
    batch = Batch(ops.convert_to_tensor(films()))
    with evaluating():  # of the same clips
        context, target = model.clips(batch)
        made = [ops.convert_to_numpy(frames) for frames in model.predicted(batch)]
        (loss, logs), judged = model.generator_loss(batch), model.discriminator_loss(batch)[0]
    target = ops.convert_to_numpy(target).astype("float64")
    coarse = target.reshape(2, 4, 2, 4, 2, 1).mean(axis=(2, 4))

    def judged_by_hand(*frames):
        given = [context, *(ops.convert_to_tensor(x, "float32") for x in frames)]
        return ops.convert_to_numpy(model.discriminator(given)).astype("float64")

    real, fake = judged_by_hand(coarse, target), judged_by_hand(*made)
    assert real.shape == (2, 2)
    costs = np.log1p(np.exp(-real)).mean(axis=0).sum() + np.log1p(np.exp(fake)).mean(axis=0).sum()
    np.testing.assert_allclose(float(judged), costs, rtol=1e-5)
    adversarial, pixels = np.log1p(np.exp(-fake)).mean(axis=0).sum(), np.square(made[-1] - target).mean()
    steep = [[np.abs(np.diff(x, axis=axis)) for x in (made[-1], target)] for axis in (1, 2)]
    difference = sum(np.abs(a - b).mean() for a, b in steep)
    np.testing.assert_allclose(float(loss), 0.5 * adversarial + 2.0 * pixels + 3.0 * difference, rtol=1e-5)
    assert set(logs) == {"pixels", "gradient_difference", "adversarial"}


def test_videos_are_continued_recursively(model):
    """Each frame is predicted from the last two, given or predicted; sizes that are no multiples are mirrored."""
    given = films(2, (5, 9, 11, 1))
    one = model.continue_video(given)
    padded = np.pad(given, ((0, 0), (0, 0), (0, 1), (0, 1), (0, 0)), mode="symmetric")
    np.testing.assert_allclose(one, model.continue_video(padded)[:, :, :9, :11], atol=1e-6)
    assert one.shape == (2, 1, 9, 11, 1) and model.continue_video(given, 0).shape == (2, 0, 9, 11, 1)
    even = films(2, (3, 10, 12, 1))
    known = even
    for _ in range(3):
        known = np.concatenate([known, ops.convert_to_numpy(model(ops.convert_to_tensor(known)))[:, None]], axis=1)
    np.testing.assert_allclose(model.continue_video(even, 3), known[:, 3:], atol=1e-6)
    assert np.abs(known[:, 4] - known[:, 3]).max() > 1e-3
    before, predicted, after = model.panel(given)
    np.testing.assert_array_equal([before, after], [given[:, 3], given[:, 4]])
    np.testing.assert_allclose(predicted, model.continue_video(given[:, :4])[:, 0], atol=1e-6)


def test_mistakes(model):
    for wrong, message in (
        ({"image_shape": Images((8, 8, 1))}, "expected films"),
        ({"context": 4}, "`context` is 4; expected 1 to 3"),
        ({"scales": 5}, "`scales` is 5"),
        ({"patch_size": 9}, "`patch_size` is 9; expected a multiple of 2 from 8, for 2 scale"),
        ({"patch_size": 16}, "to 10, the size of a frame"),
        ({"output_range": 0.9}, "`output_range` is 0.9; expected a number of 1 or more"),
    ):
        with pytest.raises(ValueError, match=message):
            FramePredictor(**{**SIZES, **wrong})
    with pytest.raises(ValueError, match="`pixel_power`"):
        model.compile(pixel_power=3)
    for wrong in (films()[:, :1], films(2, (4, 8, 8, 3)), films()[0], films() * 255):
        with pytest.raises(ValueError, match="`films` has"):
            model.continue_video(wrong)
