import numpy as np
import pytest

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
test_projection = family_tests(CGAN, {**SIZES, "conditioning": "projection", "embedding": 5})


def test_labels_reach_both_networks():
    model = CGAN(**SIZES, seed=0)
    latents = model.draw_latents(2, 0)
    images = np.asarray(model.generator([latents, np.array([0, 1])]))
    same = np.asarray(model.generator([np.asarray(latents)[[0, 0]], np.array([0, 1])]))
    assert np.abs(same[0] - same[1]).max() > 1e-4
    logits = np.asarray(model.discriminator([images[[0, 0]], np.array([0, 1])]))
    assert abs(logits[0] - logits[1]) > 1e-5


def test_unknown_conditioning():
    with pytest.raises(ValueError, match="'branch' or 'projection'"):
        CGAN(**{**SIZES, "conditioning": "concat"})
