"""Sample weights in the games: one of weight 0 is as good as none for both players, and labels alone tell nothing."""

import numpy as np
import pytest
from keras import ops

from kerasgan import CGAN, DCGAN, LAPGAN, Batch

LABELS = np.array([0, 0, 1, 2])
WEIGHTS = np.array([0.0, 1.0, 3.0, 2.0], "float32")
TENSORS = [ops.convert_to_tensor(value) for value in (np.zeros((4, 8, 8, 1), "float32"), LABELS, WEIGHTS)]


@pytest.mark.parametrize("loss", ["wasserstein", "relativistic_paired", "relativistic_average"])
def test_a_critic_of_labels_alone_gains_nothing(loss):
    """With weights, more of a class among real samples than among generated ones would give it away."""
    model = CGAN((8, 8, 1), 3, seed=0)
    model.compile(loss=loss)
    scores = ops.convert_to_tensor([5.0, -2.0, 1.0])
    model.discriminate = lambda images, labels: ops.take(scores, labels, axis=0)[:, None]
    value = float(model.discriminator_loss(Batch(*TENSORS))[0])
    if loss == "relativistic_average":
        model.discriminate = lambda images, labels: ops.zeros((4, 1))
        assert value > float(model.discriminator_loss(Batch(*TENSORS))[0])  # 2 ln 2 is the least it can get
    else:
        assert value == pytest.approx(0.0 if loss == "wasserstein" else np.log(2), abs=1e-6)


@pytest.mark.parametrize("player", ["discriminator", "generator"])
def test_a_real_sample_of_weight_zero_says_nothing_to_either_player(player):
    model = DCGAN((8, 8, 1), width=2, seed=0)
    model.compile(loss="relativistic_paired")
    values = []
    for score in (0.0, 50.0):
        scores = ops.convert_to_tensor([[score], [1.0], [2.0], [3.0]])
        model.real_logits = lambda batch, scores=scores: scores
        model.fake_logits = lambda batch: ops.ones((4, 1))
        values.append(float(getattr(model, f"{player}_loss")(Batch(TENSORS[0], None, TENSORS[2]))[0]))
    assert values[0] == values[1]


def test_a_pyramids_details_weigh_as_the_coarse_images_they_are_for():
    model = LAPGAN((16, 16, 1), levels=2, noise_dim=4, width=2, units=4, discriminator_units=4, seed=0)
    model.compile()
    for size, expected in ((16, WEIGHTS), (8, None)):
        weight = model.fake_weight(Batch(ops.zeros((4, size, size, 1)), None, TENSORS[2]))
        np.testing.assert_array_equal(weight, expected)


@pytest.mark.parametrize("shape", [(8, 8), (8,) * 4, (8, 0, 1)], ids=str)
def test_images_have_three_numbers(shape):
    from kerasgan import ACGAN, GAN, LSGAN, R3GAN, VAEGAN, CycleGAN, InfoGAN, Pix2Pix

    for family in (GAN, DCGAN, LSGAN, R3GAN, VAEGAN, InfoGAN, LAPGAN, CycleGAN, Pix2Pix):
        with pytest.raises(ValueError, match="expected three positive integers"):
            family(shape)
    with pytest.raises(ValueError, match="expected three positive integers"):
        ACGAN(shape, num_classes=3)
    with pytest.raises(ValueError, match="expected three positive integers"):
        R3GAN((2,))
