"""WaveGAN (Donahue, McAuley & Puckette 2019, "Adversarial Audio Synthesis")."""

import dataclasses
from typing import Any

import keras
from keras import layers

from kerasgan.bases.latent import LatentModel, LatentRecipe
from kerasgan.data.kinds import Audio, Kind
from kerasgan.game.recipe import Adam
from kerasgan.layers import Conv1D, Conv1DTranspose, LeakyReLU, PhaseShuffle, label_projection, with_labels
from kerasgan.objectives.penalties import GradientPenalty

START = 16  # maximum length, in samples, of the generator's first and the discriminator's last feature maps
STRIDE = 4  # stride of each convolution


@dataclasses.dataclass(frozen=True)
class WaveGANRecipe(LatentRecipe):
    """Settings of WGAN-GP, as in the appendix."""

    batch_size: int = 64
    loss: Any = "wasserstein"
    penalties: tuple = (GradientPenalty(10.0),)
    generator_every: int = 5
    discriminator_optimizer: Any = Adam(1e-4, beta_1=0.5, beta_2=0.9)
    generator_optimizer: Any = Adam(1e-4, beta_1=0.5, beta_2=0.9)


@keras.saving.register_keras_serializable(package="kerasgan")
class WaveGAN(LatentModel):
    """WaveGAN: DCGAN flattened to one dimension, for raw audio, trained as WGAN-GP.

    In place of DCGAN's two-dimensional convolutions of size 5x5 and stride 2, the networks have one-dimensional ones of
    size 25 and stride 4, and no batch normalization (section 3.1 and appendix). The discriminator shifts the phase of
    its feature maps (phase shuffle, section 3.3), separately for each example, as in the paper; in the authors' code
    all examples of a batch are shifted alike.

    A sound of 16,384 samples takes five layers in each network, from and to 16 samples; 4,096 take four layers, and
    65,536 take six. Other lengths are rounded up to the next multiple of 4 ** layers: the generator cuts off the
    excess, and the discriminator pads with silence.

    Args:
        image_shape: Kind of the sounds, `kerasgan.data.kinds.Audio(16384)`; or their shape (length, channels), at 16
            kHz. Sounds are floats in [-1, 1].
        latent_dim: Length of the latent vectors.
        latent_range: (low, high) of uniform latents. `None` for standard normal latents.
        num_classes: Number of classes of a conditional model, whose labels are appended to the latents as one-hot
            vectors and enter the discriminator by projection (Miyato & Koyama 2018). `None` for an unconditional model,
            as in the paper.
        width: Channels of the discriminator's first and of the generator's last hidden layer, doubled towards smaller
            maps.
        kernel_size: Size of the kernels.
        phase_shuffle: Largest shift of phase shuffle, in samples of a feature map. 0 for no shuffle.
        **kwargs: Arguments of `kerasgan.LatentModel`.

    Examples:

    >>> model = WaveGAN(Audio(16384))
    >>> model.compile()
    >>> model.fit(sounds, epochs=500)
    >>> new = model.sample(64, seed=0)
    """

    recipe = WaveGANRecipe()

    def __init__(
        self,
        image_shape,
        latent_dim=100,
        latent_range=(-1.0, 1.0),
        num_classes=None,
        width=64,
        kernel_size=25,
        phase_shuffle=2,
        **kwargs,
    ):
        self.width, self.kernel_size, self.phase_shuffle = width, kernel_size, phase_shuffle
        kind = as_audio(image_shape)
        self.steps = 1
        while START * STRIDE**self.steps < kind.length:
            self.steps += 1
        self.start = -(-kind.length // STRIDE**self.steps)
        self.rest = self.start * STRIDE**self.steps - kind.length
        super().__init__(kind, latent_dim, latent_range, num_classes, **kwargs)

    def build_generator(self):
        latents, labels = keras.Input((self.latent_dim,), name="latents"), self.condition_inputs()
        first, *hidden = [self.width << step for step in reversed(range(self.steps))]
        x = layers.Dense(self.start * first, name="start")(with_labels(latents, labels, self.num_classes))
        x = layers.ReLU()(layers.Reshape((self.start, first))(x))
        for step, channels in enumerate((*hidden, self.sample_kind.channels)):
            x = layers.ReLU()(x) if step else x
            name = f"convolution{step}"
            x = Conv1DTranspose(channels, self.kernel_size, STRIDE, padding="same", name=name)(x)
        x = layers.Activation("tanh", dtype=keras.config.floatx(), name="audio")(x)
        x = layers.Cropping1D((0, self.rest), name="beginning")(x) if self.rest else x
        return keras.Model(self.inputs_of(latents, *labels), x, name="generator")

    def build_discriminator(self):
        sounds, labels = keras.Input(self.pack_shape, name="audio"), self.condition_inputs(packed=True)
        x = layers.ZeroPadding1D((0, self.rest), name="silence")(sounds) if self.rest else sounds
        for step in range(self.steps):
            name = f"convolution{step}"
            x = Conv1D(self.width << step, self.kernel_size, STRIDE, padding="same", name=name)(x)
            x = LeakyReLU(0.2)(x)
            if self.phase_shuffle and step < self.steps - 1:
                x = PhaseShuffle(self.phase_shuffle, name=f"phase{step}")(x)
        x = layers.Flatten()(x)
        logits = layers.Dense(1, name="logits")(x)
        if labels:
            logits = label_projection(logits, x, labels[0], self.num_classes)
        return keras.Model(self.inputs_of(sounds, *labels), logits, name="discriminator")


def as_audio(given):
    """Returns the kind of the sounds, given a kind or a shape (length, channels)."""
    if isinstance(given, Audio):
        return given
    shape = () if isinstance(given, Kind) else tuple(given)
    if len(shape) != 2:
        raise ValueError(
            f"`image_shape` is {given!r}; expected sounds: kerasgan.data.kinds.Audio(length, rate), or the shape "
            "(length, channels) of sounds at 16 kHz."
        )
    return Audio(shape[0], channels=shape[1])
