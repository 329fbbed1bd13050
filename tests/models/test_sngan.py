"""SNGAN through the family harness."""

import pytest

from kerasgan.models.sngan import SNGAN
from kerasgan.testing import CHECKS, family_tests

SIZES = {"image_shape": (8, 8, 1), "latent_dim": 3, "generator_widths": (8, 8)}
RESIDUAL = {**SIZES, "discriminator_widths": (8, 8), "downs": 1}

OFTEN = {"generator_every": 2}
# Biases that batch normalization takes away again, as in the authors' code.
TAKEN = tuple(f"generator: block0_{name}/bias" for name in ("convolution1", "convolution2", "shortcut"))

test_sngan = family_tests(SNGAN, {**RESIDUAL, "num_classes": 3}, recipe=OFTEN, unmoved=TAKEN)
test_convolutional = family_tests(
    SNGAN,
    {**SIZES, "architecture": "convolutional", "discriminator_widths": (4, 8)},
    recipe=OFTEN,
    unmoved=("generator: enlarge0/bias", "discriminator: score/bias"),  # no hinge is closed
    slow=CHECKS,
)


def test_what_is_refused():
    with pytest.raises(ValueError, match="`architecture` is 'deep'; expected 'residual'"):
        SNGAN(**SIZES, architecture="deep")
    with pytest.raises(ValueError, match="`num_classes` is 3; expected `None` for"):
        SNGAN(**SIZES, architecture="convolutional", num_classes=3)
    with pytest.raises(ValueError, match=r"`discriminator_widths` is \(4, 4\) and `downs` is None; expected both"):
        SNGAN((8, 8, 1), discriminator_widths=(4, 4))
    with pytest.raises(ValueError, match=r"`image_shape` is \(20, 20, 1\).*Pass `widths`"):
        SNGAN((20, 20, 1))
