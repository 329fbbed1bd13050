"""DCGAN with the configuration of `benchmarks.torch_dcgan`, for timing: 64 x 64 x 3, batch 64, kernel 4, width 64."""

import os

os.environ.setdefault("KERAS_BACKEND", "tensorflow")

BATCH_SIZE, IMAGE_SHAPE = 64, (64, 64, 3)


def build(**recipe):
    """Returns the compiled model and a fixed batch."""
    import numpy as np

    import kerasgan  # first: it turns oneDNN on before TensorFlow is imported

    model = kerasgan.DCGAN(IMAGE_SHAPE, width=64, generator_width=64, kernel_size=4, latent_range=None, seed=0)
    model.compile(**recipe)
    real = np.random.default_rng(0).uniform(-1, 1, (BATCH_SIZE, *IMAGE_SHAPE)).astype("float32")
    return model, real


def _step(**recipe):
    import itertools

    model, real = build(**recipe)
    import tensorflow as tf

    play = model.make_train_function()
    batches = itertools.repeat((tf.constant(real),))

    def step():
        return float(play(batches)["generator_loss"])

    return step


def alternating():
    """Trains as in the paper: the generator's step uses new latents and the discriminator's new weights."""
    return _step(update="alternating")


def alternating_shared():
    """Updates as DCGAN's code and the PyTorch example do: one forward pass of the generator for both players."""
    return _step(update="alternating_shared")


def simultaneous():
    """Updates both players simultaneously, with one forward pass of the generator and one of D on its samples."""
    return _step(update="simultaneous")


def simultaneous_xla():
    """Updates both players simultaneously, compiled by XLA."""
    return _step(update="simultaneous", jit_compile=True)
