"""Grids of translations of fixed images."""

import keras
import numpy as np

from kerasgan.callbacks.sample_grid import SampleGrid
from kerasgan.pictures.images import grid


class TranslationGrid(SampleGrid):
    """Writes rows of images (`TranslationModel.panel`), such as input, output and target, like `SampleGrid`.

    Args:
        folder: Folder of the images.
        images: Images x of shape (count, *image_shape), one per column.
        targets: Target images, or the same number of images of the other domain, or None.
        every_epochs: Number of epochs between two images. An image is always written at the end of the training.
        seed: Random seed of the noise, the same for all images.
        ema: Whether to use the averaged generator instead of the one being trained.
        tensorboard: Folder of TensorBoard event files; see `SampleGrid`.
    """

    def __init__(self, folder, images, targets=None, every_epochs=1, seed=0, ema=True, tensorboard=None):
        super().__init__(folder, every_epochs, len(images), seed, ema=ema, tensorboard=tensorboard)
        self.images, self.targets = images, targets

    def set_model(self, model):
        keras.callbacks.Callback.set_model(self, model)

    def picture(self):
        rows = self.model.panel(self.images, self.targets, self.seed, self.ema)
        return grid(np.concatenate(rows), columns=self.count)
