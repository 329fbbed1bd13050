"""Grids of samples from fixed latents, to watch a generator learn."""

import io
import warnings
from pathlib import Path

import keras
import numpy as np
from keras import ops

from kerasgan.data.kinds import Vectors
from kerasgan.pictures.files import replacing
from kerasgan.pictures.images import columns_of, encode_png, write_png

POINTS = 2500  # number of points of a scatter plot


class SampleGrid(keras.callbacks.Callback):
    """Writes a grid of samples from fixed latents as `step-00001234.png`, before the first step and every few epochs.

    Args:
        folder: Folder of the images.
        every_epochs: Number of epochs between two images. An image is always written at the end of the training.
        count: Number of samples.
        seed: Random seed of the latents, the same for all images.
        labels: Integers of shape (count,) for a conditional model. Defaults to cycling through all classes, one per
            column.
        ema: Whether to sample the averaged generator instead of the one being trained.
        columns: Number of samples in a row. Defaults to about the number of rows, or the number of classes up to 16.
        tensorboard: Folder of TensorBoard event files for the images, on TensorFlow only.

    Raises:
        ValueError: If the model does not generate grey or RGB images (with or without alpha), or if `tensorboard` is
            used on another engine.
    """

    def __init__(self, folder, every_epochs=1, count=64, seed=0, labels=None, ema=True, columns=None, tensorboard=None):
        super().__init__()
        if tensorboard is not None and keras.backend.backend() != "tensorflow":
            raise ValueError(
                f"TensorBoard's files are written by TensorFlow, but the Keras backend is {keras.backend.backend()!r}. "
                "Leave tensorboard out: the pictures are also written as PNG files."
            )
        self.folder, self.every_epochs = Path(folder), every_epochs
        self.count, self.seed, self.labels, self.ema, self.columns = count, seed, labels, ema, columns
        self.tensorboard, self.writer = tensorboard, None

    def set_model(self, model):
        kind = model.sample_kind
        if kind.sheet(kind.example(1, 0)) is None:
            raise ValueError(f"SampleGrid draws samples, but {kind} cannot be drawn. Leave it out.")
        super().set_model(model)

    def on_train_begin(self, logs=None):
        self.drawn = None
        if self._step() == 0:
            self.draw()

    def on_epoch_end(self, epoch, logs=None):
        if (epoch + 1) % self.every_epochs == 0:
            self.draw()

    def on_train_end(self, logs=None):
        if self.drawn != self._step():
            self.draw()
        if self.writer is not None:
            self.writer.close()
            self.writer = None

    def draw(self):
        """Writes the image of the current step."""
        self.drawn = self._step()
        picture = self.picture()
        try:
            write_png(self.folder / f"step-{self.drawn:08d}.png", picture)
        except OSError as error:
            warnings.warn(f"A picture was not written: {error}. Training continues.", RuntimeWarning, stacklevel=2)
        if self.tensorboard is not None:
            self._write_summary(picture)

    def picture(self):
        """Returns the image, a uint8 array of shape (height, width, channels)."""
        classes = self.model.conditions.classes if self.labels is None else None
        count = max(self.count, POINTS) if isinstance(self.model.sample_kind, Vectors) else self.count
        samples = self.model.sample(count, self.seed, self.labels, ema=self.ema)
        columns = self.columns or (columns_of(min(classes, self.count)) if classes else None)
        return self.model.sample_kind.sheet(samples, columns)

    def _step(self):
        return int(ops.convert_to_numpy(self.model.iterations))

    def _write_summary(self, picture):
        """Writes the same as `tf.summary.image`, which would require TensorBoard to be installed."""
        import tensorflow as tf

        if self.writer is None:
            self.writer = tf.summary.create_file_writer(str(self.tensorboard))
        encoded = io.BytesIO()
        encode_png(picture, encoded)
        height, width, _ = picture.shape
        content = np.array([str(width).encode(), str(height).encode(), encoded.getvalue()], dtype=object)
        metadata = tf.compat.v1.SummaryMetadata()
        metadata.plugin_data.plugin_name = "images"
        with self.writer.as_default():
            tf.summary.write("samples", tf.constant(content, tf.string), step=self.drawn, metadata=metadata)
        self.writer.flush()


class SampleTexts(SampleGrid):
    """Writes samples from fixed latents as `step-00001234.txt`, one text per line, for a model of tokens.

    Args:
        folder: Folder of the texts.
        every_epochs: Number of epochs between two files, as for `SampleGrid`.
        count: Number of samples.
        seed: Random seed of the latents, the same for all files.
        ema: Whether to sample the averaged generator instead of the one being trained.
    """

    def __init__(self, folder, every_epochs=1, count=64, seed=0, ema=True):
        super().__init__(folder, every_epochs, count, seed, ema=ema)

    def set_model(self, model):
        if not hasattr(model.sample_kind, "decode"):
            raise ValueError(f"SampleTexts writes texts, but this model generates {model.sample_kind}. Use SampleGrid.")
        keras.callbacks.Callback.set_model(self, model)

    def draw(self):
        """Writes the file of the current step."""
        self.drawn = self._step()
        texts = self.model.sample_kind.decode(self.model.sample(self.count, self.seed, ema=self.ema))
        try:
            with replacing(self.folder / f"step-{self.drawn:08d}.txt") as file:
                file.write("".join(f"{text}\n" for text in texts).encode())
        except OSError as error:
            warnings.warn(f"Samples were not written: {error}. Training continues.", RuntimeWarning, stacklevel=2)
