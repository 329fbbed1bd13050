"""CUT through the family harness, and what its paper says of the networks and the objective."""

import keras
import numpy as np
import pytest
from keras import ops

from kerasgan import CUT
from kerasgan.game.phase import Batch
from kerasgan.models.cut import _at
from kerasgan.objectives.contrastive import patch_nce
from kerasgan.testing import family_tests

SIZES = {"image_shape": (16, 16, 1), "width": 2, "blocks": 1, "discriminator_depth": 1, "head_units": 4}
# The schedule has a test with CycleGAN. At the harness' rate the paper's weights are chaos.
RECIPE = {
    "batch_size": 8,
    "decay_from": None,
    "patches": 8,
    "temperature": 0.5,
    "adversarial_weight": 0.2,
    "nce_weight": 0.1,
    "identity_weight": 0.1,
}
test_cut = family_tests(CUT, SIZES, recipe=RECIPE)


def images(count, seed=0):
    return np.random.default_rng(seed).uniform(-1, 1, (count, 16, 16, 1)).astype("float32")


@pytest.mark.slow
def test_the_papers_levels():
    model = CUT((256, 256, 3), seed=0)
    found = [tuple(level.shape[1:]) for level in model.encoder.outputs]
    assert found == [(128, 128, 128), (64, 64, 256), (64, 64, 256), (64, 64, 256)]
    kernels = [tuple(v.shape) for v in model.heads.trainable_variables if v.name == "kernel"]
    assert sorted(kernels[:5]) == sorted([(3, 256), (128, 256), *[(256, 256)] * 3])
    mine = {id(v) for v in model.generator.variables}
    assert all(id(v) in mine for v in model.encoder.variables)
    assert len(model.trainable_variables) == len({id(v) for v in model.trainable_variables})


def test_the_losses_of_a_batch_by_hand():
    model = CUT(**SIZES, seed=0)
    model.compile(jitter=0.0, flip=False, patches=10_000, nce_weight=3.0, identity_weight=5.0, decay_from=None)
    x, y = images(2), images(2, seed=1)
    batch = Batch(ops.convert_to_tensor(x), ops.convert_to_tensor(y))

    def contrast(originals):
        """With all patches there is nothing random: the order of patches does not matter."""
        sides = []
        for side in (model.generator(originals), originals):
            maps = [side, *model.encoder(side)]
            sides.append(model.heads([ops.reshape(m, (2, -1, m.shape[-1])) for m in maps]))
        return np.mean([float(patch_nce(q, k)) for q, k in zip(*sides, strict=True)])

    discriminator, generator = (model.evaluate_losses((phase,), batch)[0][1] for phase in model.game)
    fake, real = (ops.convert_to_numpy(model.discriminator(each)) for each in (model.generator(x), y))
    expected = ((fake - 1) ** 2).mean() + 3 * contrast(x) + 5 * contrast(y)
    assert float(generator["generator_loss"]) == pytest.approx(expected, rel=1e-4)
    judged = 0.5 * ((real - 1) ** 2).mean() + 0.5 * (fake**2).mean()
    assert float(discriminator["discriminator_loss"]) == pytest.approx(judged, rel=1e-4)


def test_places_are_drawn_without_repetition():
    model = CUT(**SIZES, seed=0)
    model.compile(patches=20, decay_from=None)
    maps = ops.convert_to_tensor(np.arange(3 * 64, dtype="float32").reshape(3, 8, 8, 1))
    places = model._places(maps)
    found = ops.convert_to_numpy(_at(maps, places))[..., 0]
    assert found.shape == (3, 20)
    for row, values in enumerate(found):
        assert len(set(values)) == 20 and values.min() >= 64 * row and values.max() < 64 * (row + 1)


def test_a_fast_recipe_and_what_cannot_be_asked_for():
    model = CUT(**SIZES)
    model.compile(recipe="fast")
    assert (model.recipe.nce_weight, model.recipe.identity_weight) == (10.0, 0.0)
    with pytest.raises(ValueError, match="`target_channels` is 3"):
        CUT(**SIZES, target_channels=3)
    with pytest.raises(ValueError, match="multiples of 4"):
        CUT((10, 12, 1))
    with pytest.raises(ValueError, match="x and y are not paired"):
        model.fit(images(2), images(2), sample_weight=np.ones(2))


def test_translations_have_any_size():
    model = CUT(**SIZES, seed=0)
    assert model.translate(images(2)[:, :13, :10]).shape == (2, 13, 10, 1)
    again = CUT.from_config(model.get_config())
    again.set_weights(model.get_weights())
    np.testing.assert_array_equal(again.translate(images(2)), model.translate(images(2)))
    assert isinstance(again.encoder, keras.Model)
