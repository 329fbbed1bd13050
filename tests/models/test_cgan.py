import numpy as np
import pytest
from keras import ops

from kerasgan import CGAN
from kerasgan.testing import family_tests

SIZES = {
    "image_shape": (8, 8, 1),
    "num_classes": 3,
    "latent_dim": 4,
    "units": (6, 6, 8),
    "maxout_units": (6, 4, 6),
}

test_cgan = family_tests(CGAN, SIZES)


@pytest.mark.slow
def test_projection_and_embedding_train():
    model = CGAN(**{**SIZES, "conditioning": "projection", "embedding": 5}, seed=0)
    model.compile()
    x_spec, y_spec = model.data_specs()
    before = model.discriminator.get_weights()
    model.fit(x_spec.example(8, 0), y_spec.example(8, 0), batch_size=4, verbose=0)
    moved = [np.abs(a - b).max() > 0 for a, b in zip(before, model.discriminator.get_weights(), strict=True)]
    assert all(moved)


def test_labels_reach_both_networks():
    model = CGAN(**SIZES, seed=0)
    latents, labels = model.draw_latents(1, 0), ops.convert_to_tensor([0, 1])
    images = ops.convert_to_numpy(model.generator([ops.repeat(latents, 2, axis=0), labels]))
    assert np.abs(images[0] - images[1]).max() > 1e-4
    logits = ops.convert_to_numpy(model.discriminator([ops.repeat(images[:1], 2, axis=0), labels]))
    assert abs(logits[0] - logits[1]) > 1e-5


def test_unknown_conditioning():
    with pytest.raises(ValueError, match="'branch' or 'projection'"):
        CGAN(**{**SIZES, "conditioning": "concat"})
