"""Pictures of the same latents again and again, to watch a generator learn."""

import io
import warnings
from pathlib import Path

import keras
import numpy as np
from keras import ops

from kerasgan.data.kinds import Vectors
from kerasgan.pictures.images import columns_of, encode_png, write_png

POINTS = 2500  # of a scatter plot


class SampleGrid(keras.callbacks.Callback):
    """Writes a grid of samples of fixed latents as `step-00001234.png`: before the first step and every few epochs.

    Args:
        folder: where the pictures go.
        every_epochs: epochs from one picture to the next; the end of the training always gets one.
        count: number of samples.
        seed: seed of the latents, the same each time.
        labels: integers of shape (count,) for a conditional model; by default the classes in turn, a column for each.
        ema: sample the averaged generator, else the one in training.
        columns: samples in a row; by default about as many as rows, or one for each class up to 16.
        tensorboard: folder of TensorBoard event files that the pictures go to as well, on TensorFlow only.

    Raises:
        ValueError: if the model makes no grey or RGB images, with or without alpha, or for `tensorboard` on another
            engine.
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
        """Writes the picture of the present step."""
        self.drawn = self._step()
        picture = self.picture()
        try:
            write_png(self.folder / f"step-{self.drawn:08d}.png", picture)
        except OSError as error:
            warnings.warn(f"A picture was not written: {error}. Training goes on.", RuntimeWarning, stacklevel=2)
        if self.tensorboard is not None:
            self._write_summary(picture)

    def picture(self):
        """The picture, a uint8 array of shape (height, width, channels)."""
        classes = self.model.num_classes if self.labels is None else None
        count = max(self.count, POINTS) if isinstance(self.model.sample_kind, Vectors) else self.count
        samples = self.model.sample(count, self.seed, self.labels, ema=self.ema)
        columns = self.columns or (columns_of(min(classes, self.count)) if classes else None)
        return self.model.sample_kind.sheet(samples, columns)

    def _step(self):
        return int(ops.convert_to_numpy(self.model.iterations))

    def _write_summary(self, picture):
        """As `tf.summary.image` does, which would want TensorBoard itself to be installed."""
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
