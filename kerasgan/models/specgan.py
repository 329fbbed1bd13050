"""SpecGAN (Donahue, McAuley & Puckette 2019, "Adversarial Audio Synthesis")."""

import keras
import numpy as np
from keras import layers, ops

from kerasgan.bases.latent import LatentModel
from kerasgan.data.pipeline import ArrayBatches, are_arrays, as_arrays
from kerasgan.game.phase import shared
from kerasgan.game.signals import probed
from kerasgan.layers import Conv2D, Conv2DTranspose, LeakyReLU, label_projection, with_labels
from kerasgan.layers.spectrograms import SpectrogramMoments, griffin_lim, log_spectrogram
from kerasgan.models.wavegan import WaveGANRecipe, as_audio

START = 4  # times and frequencies of the generator's first and the discriminator's last feature maps
PART = 256  # number of sounds to process at once
SEEN = 10_000  # maximum number of sounds whose spectrograms give the moments


@keras.saving.register_keras_serializable(package="kerasgan")
class SpecGAN(LatentModel):
    """SpecGAN: a DCGAN of spectrograms, trained as WGAN-GP, whose samples become sounds by Griffin and Lim's method.

    A sound of 16,384 samples has 128 windows of 256 samples, which overlap by half, and 128 frequencies. The log
    magnitudes of each frequency are normalized by their mean and standard deviation in the data, clipped at 3 standard
    deviations, and scaled to [-1, 1] (section 3.2). The networks are those of DCGAN with kernels of 5x5 and stride 2,
    without normalization. Phases are estimated in 16 iterations.

    The first `fit` computes the means and standard deviations from the first 10,000 sounds; before training in another
    way, such as `train_on_batch`, call `adapt`. They are part of the generator, so that a fine-tuned model keeps those
    of its original data.

    WaveGAN, from the same paper, generates waveforms directly. Human listeners preferred its sounds, classifiers those
    of SpecGAN (section 6).

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
        window: Length of the windows of the Fourier transform, a power of 2, at least 16.
        phase_iterations: Number of iterations of Griffin and Lim's method.
        **kwargs: Arguments of `kerasgan.LatentModel`.

    Examples:

    >>> model = SpecGAN(Audio(16384))
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
        window=256,
        phase_iterations=16,
        **kwargs,
    ):
        self.width, self.window, self.phase_iterations = width, window, phase_iterations
        kind = as_audio(image_shape)
        if not isinstance(window, int) or window < 4 * START or window & (window - 1):
            raise ValueError(f"`window` is {window!r}; expected a power of 2 of {4 * START} or more.")
        self.steps = (window // 2 // START).bit_length() - 1
        rows = -(-kind.length // (window // 2))
        self.times = -(-rows // 2**self.steps) * 2**self.steps
        self.rest = self.times * (window // 2) - kind.length
        super().__init__(kind, latent_dim, latent_range, num_classes, **kwargs)

    @property
    def spectrogram_shape(self):
        """Shape (times, frequencies, channels) of the spectrograms."""
        return self.times, self.window // 2, self.sample_kind.channels

    @property
    def pack_shape(self):
        *place, channels = self.spectrogram_shape
        return (*place, self.packing * channels)

    def build_generator(self):
        latents, labels = keras.Input((self.latent_dim,), name="latents"), self.condition_inputs()
        first, *hidden = [self.width << step for step in reversed(range(self.steps))]
        start = (self.times >> self.steps, START, first)
        x = layers.Dense(start[0] * START * first, name="start")(with_labels(latents, labels, self.num_classes))
        x = layers.ReLU()(layers.Reshape(start)(x))
        for step, channels in enumerate((*hidden, self.sample_kind.channels)):
            x = layers.ReLU()(x) if step else x
            x = Conv2DTranspose(channels, 5, 2, padding="same", name=f"convolution{step}")(x)
        x = layers.Activation("tanh", dtype=keras.config.floatx(), name="spectrogram")(x)
        logarithms = SpectrogramMoments(self.window // 2, name="moments")(x)
        outputs = {"spectrogram": x, "log_magnitudes": logarithms}
        return keras.Model(self.inputs_of(latents, *labels), outputs, name="generator")

    def build_discriminator(self):
        spectrograms, labels = keras.Input(self.pack_shape, name="spectrogram"), self.condition_inputs(packed=True)
        x = spectrograms
        for step in range(self.steps):
            x = Conv2D(self.width << step, 5, 2, padding="same", name=f"convolution{step}")(x)
            x = LeakyReLU(0.2)(x)
        x = layers.Flatten()(x)
        logits = layers.Dense(1, name="logits")(x)
        if labels:
            logits = label_projection(logits, x, labels[0], self.num_classes)
        return keras.Model(self.inputs_of(spectrograms, *labels), logits, name="discriminator")

    # The game -------------------------------------------------------------------------------------------------------

    def spectrogram(self, sounds):
        """Normalized spectrograms of sounds, in [-1, 1].

        Args:
            sounds: Tensor of shape (batch, length, channels).
        """
        return self.generator.get_layer("moments").normalize(self._logarithms(sounds))

    def _logarithms(self, sounds):
        silence = ((0, 0), (0, self.rest), (0, 0))
        return log_spectrogram(ops.pad(sounds, silence) if self.rest else sounds, self.window)

    def real_samples(self, batch):
        spectrograms = self.spectrogram(super().real_samples(batch))
        return ops.cast(ops.stop_gradient(spectrograms), keras.config.floatx())

    @shared
    def generated(self, batch):
        """Normalized spectrograms generated from new latents."""
        inputs = self.inputs_of(self.latents(batch), *self.fake_condition(batch))
        return probed(self.generator(inputs, training=True)["spectrogram"])

    def finished(self, outputs):
        sounds = griffin_lim(outputs["log_magnitudes"], self.window, self.phase_iterations)
        return sounds[:, : self.sample_kind.length]

    # Data -----------------------------------------------------------------------------------------------------------

    def fit(self, x=None, y=None, batch_size=None, **kwargs):
        """Trains as `LatentModel.fit`. The first call computes the spectrograms' moments from the data: see `adapt`."""
        if x is not None and not ops.convert_to_numpy(self.generator.get_layer("moments").seen):
            self.adapt(x)
        return super().fit(x, y, batch_size, **kwargs)

    def adapt(self, x):
        """Computes the mean and standard deviation of each frequency from sounds.

        Args:
            x: Sounds as for `fit`, of which the first 10,000 are used.

        Raises:
            ValueError: For other data, and for generators, which would lose the sounds that were read.
        """
        total, squares, count, rows = 0.0, 0.0, 0, 0
        for sounds in parts_of(x):
            self.sample_kind.check(sounds, "x")
            found = ops.convert_to_numpy(self._logarithms(ops.convert_to_tensor(sounds, dtype="float32")))
            found = np.moveaxis(found.astype("float64"), 2, -1).reshape(-1, self.window // 2)
            total, squares = total + found.sum(axis=0), squares + np.square(found).sum(axis=0)
            count, rows = count + len(sounds), rows + len(found)
            if count >= SEEN:
                break
        mean = total / rows
        deviation = np.sqrt(np.maximum(squares / rows - mean**2, 0.0)) + 1e-6
        for network in (self.generator, self.ema_generator):
            moments = network.get_layer("moments")
            moments.mean.assign(mean)
            moments.deviation.assign(deviation)
            moments.seen.assign(float(count))


def parts_of(x):
    """Yields the sounds of an argument x of `fit` in smaller arrays."""
    if are_arrays(x):
        rows = as_arrays(x)
        batches = (rows[start : start + PART] for start in range(0, len(rows), PART))
    elif isinstance(x, ArrayBatches):
        batches = (x.rows_at(np.arange(start, min(start + PART, x.count))) for start in range(0, x.count, PART))
    elif hasattr(x, "element_spec"):
        batches = x
    elif isinstance(x, keras.utils.PyDataset):
        batches = (x[index] for index in range(x.num_batches))
    else:
        raise ValueError(
            f"`x` is a {type(x).__name__}, which can be read only once, so SpecGAN cannot compute its spectrogram "
            "statistics from it. Call adapt(sounds) with an array of sounds before fit()."
        )
    for batch in batches:
        yield np.asarray(batch[0] if isinstance(batch, (tuple, list)) else batch)
